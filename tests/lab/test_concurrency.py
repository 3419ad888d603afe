"""Concurrency is set aside by functions, not by their versions, and told in Lambda's words."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from faaslab import app
from faaslab.errors import Conflict, InvalidValue, NotFound
from faaslab.lab.concurrency import Account, check_provisioned, check_reserved
from tests.backends.local.defining import eventually

TELL = (
    "import os\ndef handler(event, context):\n"
    "    return [{}, os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], os.getpid()]\n"
)


def account(limit=1000, reserved=None, provisioned=None):
    return Account(limit=limit, reserved=reserved or {}, provisioned=provisioned or {})


@pytest.mark.parametrize(("limit", "minimum"), [(1, 1), (9, 1), (10, 1), (100, 10), (1000, 100), (5000, 100)])
def test_what_stays_for_all(limit, minimum):
    assert account(limit).minimum == minimum


BELOW = "UnreservedConcurrentExecution below its minimum value of"


@pytest.mark.parametrize(
    ("executions", "given", "text"),
    [
        (900, account(), None),
        (901, account(), BELOW + " [100]."),
        (90, account(100), None),
        (91, account(100), BELOW + " [10]."),
        (500, account(reserved={"g": 400}), None),
        (501, account(reserved={"g": 400}), BELOW),
        (900, account(reserved={"f": 10}), None),
        (850, account(provisioned={("g", "1"): 50}), None),
        (851, account(provisioned={("g", "1"): 50}), BELOW),
        (500, account(reserved={"g": 400}, provisioned={("g", "1"): 400}), None),
        (0, account(10, reserved={"g": 10}), None),
        (5, account(10, reserved={"g": 10, "f": 6}), None),
        (2, account(provisioned={("f", "1"): 2, ("f", "prod"): 1}),
         "ReservedConcurrentExecutions 2 should not be lower than function's total provisioned concurrency [3]."),
        (3, account(provisioned={("f", "1"): 2, ("f", "prod"): 1}), None),
    ],
)  # fmt: skip
def test_what_may_be_reserved(executions, given, text):
    if text is None:
        check_reserved("f", executions, given)
        return
    with pytest.raises(InvalidValue) as caught:
        check_reserved("f", executions, given)
    assert text in caught.value.message
    assert caught.value.place == "reserved_concurrency"


@pytest.mark.parametrize(
    ("qualifier", "executions", "given", "text"),
    [
        ("1", 900, account(), None),
        ("1", 0, account(), "Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1"),
        ("1", True, account(), "Value 'True'"),
        ("$LATEST", 1, account(), "Provisioned Concurrency Configs cannot be applied to unpublished function versions."),
        ("1", 901, account(), "Specified ConcurrentExecutions for function decreases account's " + BELOW + " [100]."),
        ("1", 1001, account(), "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."),
        ("1", 400, account(reserved={"g": 500}), None),
        ("1", 401, account(reserved={"g": 500}), BELOW),
        ("1", 5, account(reserved={"f": 5}), None),
        ("1", 6, account(reserved={"f": 5}), "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"),
        ("1", 3, account(reserved={"f": 5}, provisioned={("f", "2"): 2}), None),
        ("1", 4, account(reserved={"f": 5}, provisioned={("f", "2"): 2}), "Requested Provisioned Concurrency"),
        ("1", 5, account(reserved={"f": 5}, provisioned={("f", "1"): 2}), None),
        ("1", 850, account(provisioned={("f", "2"): 50}), None),
        ("1", 851, account(provisioned={("f", "2"): 50}), BELOW),
    ],
)  # fmt: skip
def test_what_may_be_provisioned(qualifier, executions, given, text):
    if text is None:
        check_provisioned("f", qualifier, executions, given)
        return
    with pytest.raises(InvalidValue) as caught:
        check_provisioned("f", qualifier, executions, given)
    assert text in caught.value.message
    assert caught.value.place in {"executions", "qualifier"}


def test_reserving_makes_no_definition_and_holds_for_all_versions(lab):
    for number in (1, 2):
        lab.functions.create("f", TELL.format(number))
        lab.versions.publish("f")
    assert lab.functions.invoke("f", qualifier="1").ok
    blocked = lab.functions.reserve("f", 0)
    assert (blocked.definition, blocked.configuration.reserved_concurrency) == (2, 0)
    for qualifier in (None, "1", "2"):
        execution = lab.functions.invoke("f", qualifier=qualifier)
        assert (execution.status, execution.error.message) == ("throttled", "Rate Exceeded.")
        assert execution.result["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert lab.functions.get("f", "1").configuration.reserved_concurrency == 0
    freed = lab.functions.reserve("f", None)
    assert (freed.definition, freed.configuration.reserved_concurrency) == (2, None)
    assert not lab.functions.invoke("f", qualifier="1").cold_start
    assert [each.definition for each in lab.functions.definitions("f")] == [1, 2]


def test_defining_and_updating_reserve_as_well(lab):
    lab.functions.create("f", TELL.format(1), reserved_concurrency=5)
    changed = lab.functions.define("f", TELL.format(1), reserved_concurrency=6)
    assert (changed.change, changed.function.definition) == ("updated", 1)
    assert lab.functions.update("f", reserved_concurrency=7).definition == 1
    updated = lab.functions.update("f", memory_mb=256)
    assert (updated.definition, updated.configuration.reserved_concurrency) == (2, 7)
    first = lab.versions.publish("f")
    lab.functions.reserve("f", 8)
    assert lab.versions.publish("f") == first, "what is reserved is no part of a version"
    with pytest.raises(InvalidValue, match="below its minimum value of \\[10\\]"):
        lab.functions.define("f", TELL.format(3), reserved_concurrency=91)
    assert lab.functions.get("f").definition == 2
    with pytest.raises(InvalidValue, match="reserved_concurrency: -1 is out of range"):
        lab.functions.reserve("f", -1)
    with pytest.raises(NotFound):
        lab.functions.reserve("nothing", 1)


def test_what_one_function_reserves_another_lab_s_functions_cannot_use(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache, concurrency=2) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache, concurrency=2) as two,
    ):
        one.functions.create("f", TELL.format(1))
        two.functions.create("g", "import time\ndef handler(e, c): time.sleep(e)")
        two.functions.invoke("g", 0)
        one.functions.reserve("f", 1)
        two.functions.invoke("g", 0)
        future = two.functions.submit("g", 0.5)
        result = two.functions.map("g", [0] * 4, n=1)
        assert {each.status for each in result.executions} <= {"throttled", "completed"}
        assert future.result().ok
        assert two.functions.invoke("f").ok


@pytest.fixture
def in_the_open(tmp_path, cache):
    """A lab whose functions see the files of this machine."""
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        yield lab


def test_200_at_once_against_reserved_5_are_all_recorded(in_the_open, tmp_path):
    lab = in_the_open
    go = tmp_path / "go"
    source = (
        "import os, time\n"
        "def handler(event, context):\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.002)\n"
    )
    lab.functions.create("f", source, reserved_concurrency=5, timeout_s=90)
    begin = threading.Barrier(200)

    def call():
        begin.wait()
        return lab.functions.invoke("f")

    with ThreadPoolExecutor(200) as executor:
        futures = [executor.submit(call) for _ in range(200)]
        try:
            eventually(lambda: sum(future.done() for future in futures) == 195, 60)
        finally:
            go.touch()
        executions = [future.result() for future in futures]
    recorded = lab.sql(
        "SELECT status, count(*) AS n, count(DISTINCT environment_id) AS e FROM executions GROUP BY 1"
    )
    counts = {row.status: (row.n, row.e) for row in recorded.itertuples()}
    assert counts == {"completed": (5, 5), "throttled": (195, 0)}
    assert {each.id for each in executions} == set(lab.sql("SELECT id FROM executions")["id"])
    reasons = lab.sql(
        "SELECT DISTINCT json_extract_string(result, '$.Reason') AS r FROM payloads JOIN executions "
        "ON execution_id = id WHERE status = 'throttled'"
    )["r"].tolist()
    assert reasons == ["ReservedFunctionConcurrentInvocationLimitExceeded"]


@pytest.fixture
def two(lab):
    for number in (1, 2):
        lab.functions.create("f", TELL.format(number))
        lab.versions.publish("f")
    lab.versions.create_alias("f", "prod", "1")
    return lab


def warm(lab, qualifier):
    execution = lab.functions.invoke("f", qualifier=qualifier)
    return execution.result[0], execution.result[1], execution.cold_start


PROVISIONED, COLD = "provisioned-concurrency", "on-demand"


def test_an_alias_is_provisioned_and_moves(two):
    asked = two.versions.provision("f", "prod", 2)
    assert (asked.executions, asked.status, asked.status_reason) == (2, "READY", None)
    assert two.versions.provisioned("f", "prod").available == 2
    assert warm(two, "prod") == (1, PROVISIONED, False)
    assert warm(two, "1") == (1, PROVISIONED, False), "they are the version's, whatever led to it"
    assert warm(two, "2") == (2, COLD, True)
    two.versions.update_alias("f", "prod", version="2")
    assert two.versions.provisioned("f", "prod").requested == 2
    two.versions.unprovision("f", "prod")
    with pytest.raises(NotFound, match="No Provisioned Concurrency Config found for this function"):
        two.versions.provisioned("f", "prod")


def test_a_published_version_is_provisioned_and_survives_a_change_of_latest(two):
    two.versions.provision("f", "1", 1)
    pid = two.functions.invoke("f", qualifier="1").result[2]
    two.functions.create("f", TELL.format(3))
    execution = two.functions.invoke("f", qualifier="1")
    assert (execution.result[2], execution.init_type) == (pid, PROVISIONED)


def test_what_cannot_be_provisioned(two):
    cases = [
        ("$LATEST", 1, InvalidValue, "cannot be applied to unpublished function versions"),
        ("dev", 1, InvalidValue, "cannot be applied to unpublished function versions"),
        ("1", 91, InvalidValue, r"below its minimum value of \[10\]"),
        ("9", 1, NotFound, "published version of f"),
        ("nothing", 1, NotFound, "alias of f"),
        ("canary", 1, Conflict, "Alias with weights can not be used with Provisioned Concurrency"),
    ]
    two.versions.create_alias("f", "dev", "$LATEST")
    two.versions.create_alias("f", "canary", "1", weights={"2": 0.5})
    for qualifier, executions, error, text in cases:
        with pytest.raises(error, match=text):
            two.versions.provision("f", qualifier, executions)
    two.versions.provision("f", "1", 1)
    with pytest.raises(
        Conflict, match="Alias can't be used for Provisioned Concurrency configuration on an already"
    ):
        two.versions.provision("f", "prod", 1)
    two.versions.unprovision("f", "1")
    two.versions.provision("f", "prod", 1)
    with pytest.raises(Conflict, match="Version is pointed by a Provisioned Concurrency alias"):
        two.versions.provision("f", "1", 1)
    two.versions.provision("f", "2", 1)
    with pytest.raises(Conflict, match="already Provisioned"):
        two.versions.update_alias("f", "prod", version="2")
    with pytest.raises(InvalidValue, match="unpublished"):
        two.versions.update_alias("f", "prod", version="$LATEST")
    with pytest.raises(InvalidValue, match=r"lower than function's total provisioned concurrency \[2\]"):
        two.functions.reserve("f", 1)
    assert two.functions.reserve("f", 2).configuration.reserved_concurrency == 2
    with pytest.raises(InvalidValue, match="not be greater than the reservedConcurrentExecution"):
        two.versions.provision("f", "2", 2)


def test_an_init_that_fails_is_told(lab):
    lab.functions.create("f", "raise ValueError('no')")
    lab.versions.publish("f")
    asked = lab.versions.provision("f", "1", 2)
    assert (asked.status, asked.status_reason) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert lab.functions.invoke("f", qualifier="1").status == "failed"
    assert lab.versions.provisioned("f", "1").allocated == 0


def test_without_waiting_it_is_in_progress_and_then_ready(two):
    asked = two.versions.provision("f", "1", 1, wait=False)
    assert asked.status in {"IN_PROGRESS", "READY"}
    assert two.versions.provision("f", "1", 1).status == "READY"


def test_another_process_holds_its_own_once_it_runs_such_a_version(two, tmp_path, cache):
    two.versions.provision("f", "1", 1)
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as other:
        assert other.versions.provisioned("f", "1").allocated == 0
        assert other.functions.invoke("f", qualifier="1").ok
        other.versions.provision("f", "1", 1)
        assert warm(other, "1") == (1, PROVISIONED, False)


def test_what_is_provisioned_goes_with_its_alias_version_and_function(two):
    two.versions.provision("f", "prod", 1)
    two.versions.provision("f", "2", 1)
    two.versions.delete_alias("f", "prod")
    two.versions.delete("f", "2")
    assert [(each.version, each.init_type) for each in two.backend.environments()] == []
    for qualifier in ("prod", "2"):
        with pytest.raises(NotFound):
            two.versions.provisioned("f", qualifier)
    two.versions.provision("f", "1", 1)
    two.functions.delete("f")
    assert two.backend.environments() == ()
    assert two.account().provisioned == {}


def test_two_labs_that_reserve_at_once_never_set_aside_too_much(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache) as two,
    ):
        for number in range(12):
            one.functions.create(f"f{number}", TELL.format(number))
        begin = threading.Barrier(2)

        def reserve(lab, numbers):
            begin.wait()
            refused = 0
            for number in numbers:
                try:
                    lab.functions.reserve(f"f{number}", 15)
                except InvalidValue:
                    refused += 1
            return refused

        with ThreadPoolExecutor(2) as executor:
            futures = [executor.submit(reserve, one, range(6)), executor.submit(reserve, two, range(6, 12))]
            refused = sum(future.result() for future in futures)
        assert refused == 6
        assert one.account().reserved == two.account().reserved
        assert sum(one.account().reserved.values()) == 90


def test_what_lambda_keeps_apart_from_provisioned_concurrency(lab):
    lab.functions.create("snap", TELL.format(1), snap_start="PublishedVersions")
    lab.functions.create("tenants", TELL.format(1), tenancy="PER_TENANT")
    for name, kind in (("snap", "SnapStart enabled functions"), ("tenants", "tenant isolation mode")):
        lab.versions.publish(name)
        lab.versions.create_alias(name, "prod", "1")
        for qualifier in ("1", "prod"):
            with pytest.raises(InvalidValue, match=f"Provisioned Concurrency is not supported for.*{kind}"):
                lab.versions.provision(name, qualifier, 1)


def test_an_alias_that_is_provisioned_is_not_moved_to_a_snapshot(two):
    two.functions.update("f", snap_start="PublishedVersions", publish=True)
    two.versions.provision("f", "prod", 1)
    with pytest.raises(InvalidValue, match="not supported for SnapStart enabled functions"):
        two.versions.update_alias("f", "prod", version="3")
    assert two.versions.alias("f", "prod").version == "1"
