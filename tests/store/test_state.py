"""What changes in place: definitions, leases, queue, timers. Compare-and-swap, fencing, over all processes."""

import dataclasses
import threading
from datetime import timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound, RecordRejected
from faaslab.model.alarm import Alarm, AlarmCondition, ComparisonOperator
from faaslab.model.alias import Alias
from faaslab.model.asynchronous import EventInvokeConfig
from faaslab.model.execution import Execution
from faaslab.model.function import Function, FunctionStatistics, InlineCode
from faaslab.model.report import ReportSchedule
from faaslab.model.trigger import Trigger, TriggerType
from faaslab.model.version import PublishedVersion
from faaslab.model.workflow import Activity, Workflow, WorkflowAlias, WorkflowVersion
from faaslab.store import Entry, Store
from faaslab.store.definitions import name_of
from tests.store.processes import START, execution

TIMES = {"created_at": START, "updated_at": START}
FUNCTION = Function(
    id="1", name="resize", runtime="python3.11", handler="m.h", code=InlineCode(source="x"), **TIMES
)
ENTITIES = [
    FUNCTION,
    Alias(function="resize", name="live", version="1", weights={"2": 0.1}, **TIMES),
    EventInvokeConfig(function="resize", on_failure="arn:aws:sqs:x:0:q", updated_at=START),
    Workflow(id="1", name="w", definition="{}", **TIMES),
    WorkflowVersion(id="1:1", workflow="w", version="1", definition="1", published_at=START),
    WorkflowAlias(id="1:live", workflow="w", name="live", routes={"1": 90, "2": 10}, **TIMES),
    Activity(id="1", name="sign", tags={"a": "b"}, created_at=START),
    Trigger(id="1", name="t", type=TriggerType.SQS, target="resize", configuration={"a": [1, None]}, **TIMES),
    Alarm(
        id="1", name="a", metric="Errors", **TIMES,
        condition=AlarmCondition(operator=ComparisonOperator.GREATER_THAN, threshold=1.0),
    ),
    ReportSchedule(name="weekly", report="costs", expression="0 8 * * 1", **TIMES),
]  # fmt: skip


@pytest.fixture
def clock():
    return SteppedClock(START)


@pytest.fixture
def store(path, clock):
    with Store(path, clock=clock) as store:
        yield store


@pytest.fixture
def another(path, clock):
    """A second Store on the same files, as another process has it."""
    with Store(path, clock=clock) as store:
        yield store


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: type(entity).__name__)
def test_a_definition_is_put_and_got(store, another, entity):
    name = name_of(entity)
    kept = store.definitions.put(entity)
    assert kept.revision_id
    assert dataclasses.replace(kept, revision_id="") == entity
    assert another.definitions.get(type(entity), name) == kept
    assert another.definitions.list(type(entity)) == (kept,)
    assert another.definitions.names(type(entity)) == (name,)
    with pytest.raises(AlreadyExists):
        another.definitions.put(entity)
    another.definitions.delete(type(entity), name)
    assert store.definitions.get(type(entity), name) is None
    with pytest.raises(NotFound):
        store.definitions.delete(type(entity), name)
    rows = (
        store.connect().execute("SELECT name, action FROM definitions ORDER BY timestamp, action").fetchall()
    )
    assert rows == [(name, "created"), (name, "deleted")]


def test_definitions_are_kept_in_the_order_of_their_numbers(store):
    store.definitions.put(FUNCTION)
    for number in range(2, 12):
        store.definitions.put(dataclasses.replace(FUNCTION, definition=number), action="updated")
    assert [f.definition for f in store.definitions.every(Function, "resize")] == [*range(1, 12)]
    assert store.definitions.get(Function, "resize").definition == 11
    assert store.definitions.get(Function, "resize", 3).definition == 3
    assert store.definitions.get(Function, "resize", 99) is None
    assert store.connect().execute("SELECT count(*) FROM definitions").fetchone() == (11,)


def test_a_change_needs_the_revision_that_was_read(store, another):
    first = store.definitions.put(FUNCTION)
    changed = dataclasses.replace(first, description="new")
    second = another.definitions.put(changed, expected_revision=first.revision_id, action="updated")
    assert second.revision_id != first.revision_id
    with pytest.raises(Conflict):
        store.definitions.put(changed, expected_revision=first.revision_id, action="updated")
    with pytest.raises(Conflict):
        store.definitions.delete(Function, "resize", expected_revision=first.revision_id)
    assert store.definitions.get(Function, "resize") == second
    # What was refused left no trace.
    assert store.connect().execute("SELECT count(*) FROM definitions").fetchone() == (2,)


def test_an_unknown_name_is_answered_with_the_nearest(store):
    store.definitions.put(FUNCTION)
    with pytest.raises(NotFound, match="resize"):
        store.definitions.put(dataclasses.replace(FUNCTION, name="resise"), action="updated")


def test_statistics_are_not_kept(store):
    kept = store.definitions.put(dataclasses.replace(FUNCTION, statistics=FunctionStatistics(invocations=3)))
    assert kept.statistics is None


def test_what_is_no_definition_is_refused(store):
    with pytest.raises(InvalidValue):
        store.definitions.put(execution("e"))
    with pytest.raises(InvalidValue):
        store.definitions.list(Execution)
    with pytest.raises(InvalidValue, match="half a character"):
        store.definitions.put(dataclasses.replace(FUNCTION, description="\ud800"))


def test_the_generation_changes_with_definitions_only_wherever_they_are_changed(store, another):
    first = store.definitions.generation()
    store.record(execution("e"))
    another.record(execution("f"))
    assert store.definitions.generation() == first
    another.definitions.put(FUNCTION)
    second = store.definitions.generation()
    assert second != first
    assert another.definitions.generation() == second
    store.definitions.delete(Function, "resize")
    assert store.definitions.generation() != second
    assert store.definitions.generation() == another.definitions.generation()


def test_of_many_who_change_at_once_one_wins(path, store):
    first = store.definitions.put(FUNCTION)
    outcomes = []
    together = threading.Barrier(4)

    def change():
        with Store(path) as mine:
            together.wait()
            try:
                mine.definitions.put(first, expected_revision=first.revision_id, action="updated")
                outcomes.append("won")
            except Conflict:
                outcomes.append("conflict")

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 3 + ["won"]


def test_a_lease_has_one_holder_and_its_epoch_fences_a_sleeper_out(store, another, clock):
    mine = store.leases.acquire("home", "a", ttl_s=10, address="127.0.0.1:1")
    assert (mine.epoch, mine.until) == (1, START + timedelta(seconds=10))
    assert another.leases.acquire("home", "b", ttl_s=10) is None
    assert another.leases.holder("home") == mine
    clock.advance(6)
    assert store.leases.renew(mine)
    clock.advance(6)
    assert another.leases.acquire("home", "b", ttl_s=10) is None
    clock.advance(5)  # "a" slept too long
    assert store.leases.holder("home") is None
    theirs = another.leases.acquire("home", "b", ttl_s=10)
    assert theirs.epoch == 2
    assert store.leases.renew(mine) is False
    assert store.leases.release(mine) is False
    assert store.leases.holder("home").owner == "b"
    assert another.leases.release(theirs)
    assert store.leases.holder("home") is None
    assert store.leases.acquire("home", "a", ttl_s=10).epoch == 3


def test_a_lapsed_lease_cannot_be_renewed_and_comes_back_under_a_higher_epoch(store, clock):
    mine = store.leases.acquire("home", "a", ttl_s=10)
    assert store.leases.acquire("home", "a", ttl_s=10).epoch == 1
    clock.advance(11)
    assert store.leases.renew(mine) is False
    assert store.leases.acquire("home", "a", ttl_s=10).epoch == 2


def test_an_entry_of_the_queue_is_claimed_once_and_ended(store, another):
    identity = store.queue.put("async", {"n": 1})
    store.queue.put("other", None)
    (claim,) = another.queue.claim("async", "b", ttl_s=10)
    assert (claim.id, claim.body, claim.attempt, claim.owner) == (identity, {"n": 1}, 1, "b")
    assert store.queue.claim("async", "a", ttl_s=10) == ()
    assert store.queue.depth("async") == 1
    assert another.queue.done(claim)
    assert another.queue.done(claim) is False
    assert store.queue.depth("async") == 0
    assert store.queue.depth("other") == 1


def test_a_claim_that_lapsed_goes_to_the_next_and_fences_the_first_out(store, clock):
    store.queue.put("async", 1)
    (first,) = store.queue.claim("async", "a", ttl_s=10)
    clock.advance(5)
    assert store.queue.renew(first, ttl_s=10)
    clock.advance(9)
    assert store.queue.claim("async", "b", ttl_s=10) == ()
    assert store.queue.next_due("async") == START + timedelta(seconds=15)
    clock.advance(1)
    (second,) = store.queue.claim("async", "a", ttl_s=10)  # the same owner, another claim
    assert second.attempt == 2
    assert store.queue.done(first) is False
    assert store.queue.release(first) is False
    assert store.queue.done(second)
    assert store.queue.next_due("async") is None


def test_entries_are_exchanged_in_one_and_who_held_one_has_it_no_more(store):
    store.queue.put("async", 1, id="a")
    store.queue.put("async", 2, id="b")
    claims = store.queue.claim("async", "me", ttl_s=10, limit=2)
    with pytest.raises(AlreadyExists, match="'b'"):
        store.queue.exchange(["a"], put=[Entry(queue="async", id="b", body=3)])
    assert store.queue.find("a").body == 1
    store.queue.exchange(["a", "nobody"], put=[Entry(queue="async", id="a", body=4)])
    assert store.queue.find("a").body == 4
    # The same owner, the same id, another entry.
    (again,) = store.queue.claim("async", "me", ttl_s=10)
    assert [store.queue.done(claim) for claim in claims] == [False, True]
    assert store.queue.done(again)
    store.queue.exchange(())
    assert store.queue.find("a") is None


def test_a_released_entry_comes_back_after_its_delay(store, clock):
    store.queue.put("async", 1)
    (claim,) = store.queue.claim("async", "a", ttl_s=10)
    assert store.queue.release(claim, delay_s=60, body={"attempt": 2})
    assert store.queue.claim("async", "a", ttl_s=10) == ()
    clock.advance(60)
    assert store.queue.claim("async", "a", ttl_s=10)[0].body == {"attempt": 2}


def test_the_queue_gives_the_oldest_first_and_nothing_twice(store, clock):
    for number in range(5):
        store.queue.put("async", number, due=START + timedelta(seconds=10 - number))
    assert store.queue.claim("async", "a", ttl_s=10) == ()
    clock.advance(10)
    claims = store.queue.claim("async", "a", ttl_s=10, limit=3)
    assert [claim.body for claim in claims] == [4, 3, 2]
    with pytest.raises(AlreadyExists):
        store.queue.put("async", 0, id=claims[0].id)
    with pytest.raises(RecordRejected):
        store.queue.put("async", {1, 2})


def test_a_timer_fires_once_and_moves_when_it_is_set_again(store, another, clock):
    store.timers.put("t", START + timedelta(seconds=10), {"a": 1})
    assert store.timers.next_due() == START + timedelta(seconds=10)
    assert another.timers.claim("b", ttl_s=5) == ()
    store.timers.put("t", START + timedelta(seconds=20), {"a": 2})
    clock.advance(20)
    (timer,) = another.timers.claim("b", ttl_s=5)
    assert (timer.name, timer.body, timer.owner) == ("t", {"a": 2}, "b")
    assert store.timers.claim("a", ttl_s=5) == ()
    assert another.timers.done(timer)
    assert another.timers.done(timer) is False
    assert store.timers.list() == ()


def test_a_timer_that_was_moved_is_not_ended_by_who_claimed_the_earlier(store, clock):
    store.timers.put("t", START)
    (timer,) = store.timers.claim("a", ttl_s=5)
    store.timers.put("t", START + timedelta(seconds=60))
    assert store.timers.done(timer) is False
    assert store.timers.release(timer) is False
    clock.advance(60)
    (again,) = store.timers.claim("a", ttl_s=5)
    assert store.timers.release(again, delay_s=1)
    assert store.timers.claim("a", ttl_s=5) == ()
    assert store.timers.cancel("t")
    assert store.timers.cancel("t") is False
    assert store.timers.next_due() is None


def test_the_numbers_of_a_name_go_on_after_it_was_deleted_and_in_another_store(tmp_path):
    with Store(tmp_path / "one.duckdb") as one:
        assert one.definitions.highest_number(Function, "score") == 0
        one.definitions.put(dataclasses.replace(FUNCTION, name="score", definition=3))
        one.definitions.delete(Function, "score")
        assert one.definitions.highest_number(Function, "score") == 3
        one.definitions.put(dataclasses.replace(FUNCTION, name="score", definition=4))
        assert one.definitions.highest_number(Function, "score") == 4
        assert one.definitions.highest_number(Function, "scor") == 0
    with Store(tmp_path / "two.duckdb") as two:
        two.import_store(tmp_path / "one.duckdb")
        two.definitions.delete(Function, "score")
        assert two.definitions.highest_number(Function, "score") == 4


def test_the_versions_of_another_store_count_for_the_functions_that_come_from_it(tmp_path):
    for name, published, functions in (("one", 3, ("f", "g")), ("two", 1, ("f",))):
        with Store(tmp_path / f"{name}.duckdb") as store:
            for function in functions:
                store.definitions.put(dataclasses.replace(FUNCTION, name=function))
                for number in range(1, published + 1):
                    version = PublishedVersion(
                        function=function, version=str(number), definition=1, published_at=FUNCTION.created_at
                    )
                    store.definitions.put(version)
    with Store(tmp_path / "two.duckdb") as two:
        two.import_store(tmp_path / "one.duckdb")
        assert two.definitions.highest_number(PublishedVersion, "f") == 1
        assert two.definitions.highest_number(PublishedVersion, "g") == 3


WORKFLOW = Workflow(id="arn:w", name="w", definition="{}", **TIMES)


def published(number):
    return WorkflowVersion(
        id=f"arn:w:{number}", workflow="w", version=str(number), definition="1", published_at=START
    )


def test_a_version_of_a_workflow_is_numbered_once_and_kept_while_an_alias_routes_to_it(store):
    kept = store.definitions
    kept.put(WORKFLOW)
    kept.put(published(1))
    kept.put(published(2))
    alias = WorkflowAlias(id="arn:w:live", workflow="w", name="live", routes={"1": 40, "2": 60}, **TIMES)
    kept.put(alias, needs=((WorkflowVersion, "w:1"), (WorkflowVersion, "w:2")))
    with pytest.raises(Conflict, match="live"):
        kept.delete(WorkflowVersion, "w:2")
    kept.put(dataclasses.replace(alias, routes={"1": 100}), action="updated")
    kept.delete(WorkflowVersion, "w:2")
    with pytest.raises(AlreadyExists):
        kept.put(published(2))
    assert kept.highest_number(WorkflowVersion, "w") == 2


def test_what_belongs_to_a_workflow_goes_with_it_and_a_new_one_of_its_name_begins_anew(store):
    kept = store.definitions
    for _ in range(2):
        kept.put(WORKFLOW)
        kept.put(published(1))
        kept.put(WorkflowAlias(id="arn:w:live", workflow="w", name="live", routes={"1": 100}, **TIMES))
        kept.delete(Workflow, "w")
        assert kept.list(WorkflowVersion) == kept.list(WorkflowAlias) == ()


def test_a_workflow_of_another_store_comes_with_its_versions(tmp_path):
    with Store(tmp_path / "one.duckdb") as one:
        one.definitions.put(WORKFLOW)
        one.definitions.put(published(1))
    with Store(tmp_path / "two.duckdb") as two:
        two.import_store(tmp_path / "one.duckdb")
        assert two.definitions.get(WorkflowVersion, "w:1").version == "1"
        assert two.definitions.highest_number(WorkflowVersion, "w") == 1
    with Store(tmp_path / "three.duckdb") as three:
        three.definitions.put(WORKFLOW)
        three.import_store(tmp_path / "one.duckdb")
        assert three.definitions.list(WorkflowVersion) == ()


def test_a_revision_is_another_after_each_update_and_the_first_one_is_called_initial():
    assert WORKFLOW.revision == "INITIAL"
    second = dataclasses.replace(WORKFLOW, version="2")
    assert second.revision != dataclasses.replace(WORKFLOW, version="3").revision
    assert second.revision == dataclasses.replace(second, revision_id="other").revision


def ids(store):
    return store.sql("SELECT id FROM executions")["id"].tolist()


def test_what_came_of_an_entry_is_kept_as_it_leaves_the_queue(store, another):
    store.queue.put("async", 1, id="one")
    (claim,) = store.queue.claim("async", "a", ttl_s=10)
    follows = Entry(queue="async", id="two", body=2)
    assert store.settle(claim, execution("done"), put=[follows])
    assert [entry.id for entry in store.queue.waiting("async")] == ["two"]
    assert ids(another) == ["done"]
    (claim,) = another.queue.claim("async", "b", ttl_s=10, ids=["two", "three"])
    assert another.settle(claim, execution("again"), again_in_s=60, body=3)
    (waiting,) = store.queue.waiting("async")
    assert (waiting.body, waiting.claims, waiting.owner, waiting.due) == (
        3,
        1,
        None,
        START + timedelta(seconds=60),
    )
    assert sorted(ids(store)) == ["again", "done"]


def test_who_lost_its_claim_keeps_what_happened_and_nothing_else(store, clock):
    store.queue.put("async", 1, id="one")
    (lost,) = store.queue.claim("async", "a", ttl_s=10)
    clock.advance(10)
    (claim,) = store.queue.claim("async", "b", ttl_s=10)
    assert store.settle(lost, execution("late"), put=[Entry(queue="async", id="two", body=2)]) is False
    assert ids(store) == ["late"]
    assert [entry.owner for entry in store.queue.waiting("async")] == ["b"]
    assert store.settle(claim)


def test_a_dead_owner_s_entries_are_taken_from_it_at_once(store):
    for number in range(3):
        store.queue.put("async", number, id=f"{number}")
    store.queue.claim("async", "dead", ttl_s=10, limit=2)
    store.queue.claim("async", "alive", ttl_s=10)
    assert store.queue.owners() == {"dead", "alive"}
    assert store.queue.take_from("dead") == 2
    assert [claim.id for claim in store.queue.claim("async", "next", ttl_s=10, limit=5)] == ["0", "1"]


def test_only_the_entries_that_are_named_are_claimed(store):
    for number in range(3):
        store.queue.put("async", number, id=f"{number}", due=START + timedelta(seconds=number))
    assert store.queue.next_due("async", ids=["2", "x"]) == START + timedelta(seconds=2)
    assert store.queue.next_due("async", ids=[]) is None
    assert store.queue.claim("async", "a", ttl_s=10, limit=9, ids=["2"]) == ()
    assert [claim.id for claim in store.queue.claim("async", "a", ttl_s=10, limit=9, ids=["0", "2"])] == ["0"]
    assert store.queue.present(["0", "1", "x"]) == {"0", "1"}


def test_an_entry_is_removed_unless_somebody_works_on_it(store, clock):
    store.queue.put("async", 1, id="one")
    store.queue.put("deliver:sqs", 1, id="two")
    assert store.queue.names() == ("async", "deliver:sqs")
    store.queue.claim("async", "a", ttl_s=10)
    assert store.queue.remove("one") is False
    assert store.queue.remove("two") is True
    clock.advance(10)
    assert store.queue.remove("one") is True
    assert store.queue.names() == ()
