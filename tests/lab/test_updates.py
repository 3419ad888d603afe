"""States: Pending until it can run, the old code until the new can, Inactive when its packages were cleaned."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from faaslab import app
from faaslab.errors import Conflict, RequirementsFailed
from faaslab.model.function import FunctionStatus
from tests.backends.local.defining import eventually
from tests.lab.package_index import Index

ROOT = Path(__file__).parents[2]
WITH = "import tinything\ndef handler(event, context):\n    return [{}, tinything.VALUE]\n"
PLAIN = "def handler(event, context):\n    return [{}, None]\n"
PENDING = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
IN_PROGRESS = (
    "The operation cannot be performed at this time. An update is in progress for resource: "
    "arn:aws:lambda:us-east-1:000000000000:function:f"
)


@pytest.fixture(autouse=True)
def no_index_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def index():
    index = Index("tinything")
    yield index
    index.close()


@pytest.fixture
def own_cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def lab(tmp_path, own_cache, index):
    arguments = index.arguments()
    with app.open(
        store=tmp_path / "s.duckdb", cache=own_cache, pip_arguments=arguments, sandbox="off"
    ) as lab:
        yield lab


def state(lab, name="f"):
    function = lab.functions.get(name)
    return function.status, function.last_update_status


def test_a_definition_waits_for_its_packages(lab, own_cache):
    definition = lab.functions.define("f", WITH.format(1), requires=["tinything"])
    assert (definition.change, definition.function.status) == ("created", "active")
    assert list((own_cache / "requirements").iterdir())
    assert state(lab) == ("active", "Successful")
    assert lab.functions.invoke("f").result == [1, 42]
    again = lab.functions.define("f", WITH.format(1), requires=["tinything"])
    assert (again.change, again.function) == ("unchanged", definition.function)


def test_nothing_is_prepared_for_a_function_that_needs_nothing(lab, own_cache):
    lab.functions.create("f", PLAIN.format(1))
    assert state(lab) == ("active", "Successful")
    assert lab._backend is None
    assert not own_cache.exists()


def test_pending_until_its_packages_are_there(lab, index):
    index.hold()
    definition = lab.functions.define("f", WITH.format(1), requires=["tinything"], wait=False)
    assert (definition.change, definition.function.status) == ("created", "pending")
    assert definition.function.status_reason == "The function is being created."
    assert index.asked.wait(60)
    assert state(lab) == ("pending", "Successful")
    for deed in (
        lambda: lab.functions.invoke("f"),
        lambda: lab.functions.submit("f"),
        lambda: lab.functions.map("f", [1]),
        lambda: lab.functions.update("f", memory_mb=256),
        lambda: lab.functions.define("f", WITH.format(1), requires=["tinything"]),
        lambda: lab.versions.publish("f"),
    ):
        with pytest.raises(Conflict) as caught:
            deed()
        assert caught.value.message == PENDING
    assert lab.executions.list().empty
    index.open.set()
    eventually(lambda: state(lab) == ("active", "Successful"), 60)
    assert lab.functions.invoke("f").result == [1, 42]
    assert lab.functions.get("f").definition == 1


def test_during_an_update_the_old_code_runs(lab, index):
    lab.functions.create("f", PLAIN.format(1), publish=True)
    index.hold()
    begun = lab.functions.define("f", WITH.format(2), requires=["tinything"], wait=False)
    assert index.asked.wait(60)
    assert (begun.function.definition, begun.function.last_update_status) == (1, "InProgress")
    assert state(lab) == ("active", "InProgress")
    assert lab.functions.get("f", "1").last_update_status == "Successful", "a version is not updated"
    first = lab.functions.invoke("f")
    assert (first.result, first.definition) == ([1, None], 1)
    for deed in (
        lambda: lab.functions.update("f", memory_mb=256),
        lambda: lab.functions.define("f", PLAIN.format(3)),
        lambda: lab.versions.publish("f"),
    ):
        with pytest.raises(Conflict) as caught:
            deed()
        assert caught.value.message == IN_PROGRESS
    assert lab.functions.reserve("f", 7).configuration.reserved_concurrency == 7
    assert not lab.functions.invoke("f").cold_start
    index.open.set()
    eventually(lambda: state(lab) == ("active", "Successful"), 60)
    second = lab.functions.invoke("f")
    assert (second.result, second.definition, second.cold_start) == ([2, 42], 2, True)
    assert lab.functions.get("f").configuration.reserved_concurrency == 7, "it was reserved meanwhile"


def test_an_invocation_that_is_under_way_ends_with_the_old_code(lab, tmp_path):
    begun, go = tmp_path / "begun", tmp_path / "go"
    lab.functions.create(
        "f",
        "import os, time\nfrom pathlib import Path\ndef handler(event, context):\n"
        f"    Path({str(begun)!r}).touch()\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.002)\n    return 'old'\n",
        timeout_s=60,
    )
    future = lab.functions.submit("f")
    eventually(begun.exists)
    lab.functions.define("f", WITH.format(2), requires=["tinything"])
    assert lab.functions.invoke("f").result == [2, 42]
    go.touch()
    old = future.result(60)
    assert (old.result, old.definition) == ("old", 1)


def test_a_creation_that_fails_is_told_at_once_and_kept(lab):
    with pytest.raises(RequirementsFailed, match="nothing-of-the-kind"):
        lab.functions.create("f", PLAIN.format(1), requires=["nothing-of-the-kind"])
    function = lab.functions.get("f")
    assert (function.status, function.definition) == ("failed", 1)
    assert "nothing-of-the-kind" in function.status_reason
    with pytest.raises(Conflict, match="following state: Failed.*nothing-of-the-kind.*define it again"):
        lab.functions.invoke("f")
    with pytest.raises(Conflict, match="following state: Failed"):
        lab.versions.publish("f")
    with pytest.raises(RequirementsFailed):
        lab.functions.create("f", PLAIN.format(1), requires=["nothing-of-the-kind"])
    repaired = lab.functions.create("f", WITH.format(1), requires=["tinything"])
    assert (repaired.definition, repaired.status) == (2, "active")
    assert lab.functions.invoke("f").result == [1, 42]


def test_what_failed_once_is_tried_again_by_the_same_definition(lab, index):
    index.wheels.clear()
    with pytest.raises(RequirementsFailed):
        lab.functions.create("f", WITH.format(1), requires=["tinything"])
    index.wheels.update(Index.wheels_of("tinything"))
    definition = lab.functions.define("f", WITH.format(1), requires=["tinything"])
    assert (definition.function.definition, definition.function.status) == (1, "active")
    assert lab.functions.invoke("f").result == [1, 42]


def test_an_update_that_fails_leaves_the_old_code(lab):
    lab.functions.create("f", PLAIN.format(1))
    for wait in (True, False):
        if wait:
            with pytest.raises(RequirementsFailed):
                lab.functions.define("f", PLAIN.format(2), requires=["nothing-of-the-kind"])
        else:
            lab.functions.define("f", PLAIN.format(2), requires=["nothing-of-the-kind"], wait=False)
        eventually(lambda: state(lab) == ("active", "Failed"), 60)
        function = lab.functions.get("f")
        assert (function.definition, function.configuration.requires) == (1, ())
        assert "nothing-of-the-kind" in function.last_update_reason
        assert lab.functions.invoke("f").result == [1, None]
    assert lab.functions.update("f", memory_mb=256).last_update_status == "Successful"
    assert state(lab) == ("active", "Successful")
    assert [each.definition for each in lab.functions.definitions("f")] == [1, 2]


def test_inactive_when_its_packages_were_cleaned_and_active_by_the_next_invocation(lab, own_cache):
    lab.functions.create("f", WITH.format(1), requires=["tinything"])
    assert lab.functions.invoke("f").result == [1, 42]
    lab.retire("f")
    shutil.rmtree(own_cache / "requirements")
    function = lab.functions.get("f")
    assert function.status is FunctionStatus.INACTIVE
    assert "not in the cache any more" in function.status_reason
    assert lab.functions.invoke("f").result == [1, 42]
    assert state(lab) == ("active", "Successful")


def test_a_cleaned_cache_is_filled_again_in_a_process_that_had_it(lab, own_cache):
    lab.functions.create("f", PLAIN.format(1))
    assert lab.functions.invoke("f").ok
    lab.backend.retire("f")
    future = lab.functions.submit("f")
    assert future.result(60).ok
    for folder, _, _ in os.walk(own_cache / "code"):
        os.chmod(folder, 0o700)
    shutil.rmtree(own_cache / "code")
    with lab.backend._pools.lock:
        pool = next(iter(lab.backend._pools._pools.values()))
        for environment in pool.idle:
            environment.close()
        pool.idle.clear()
    execution = lab.functions.invoke("f")
    assert (execution.result, execution.cold_start) == ([1, None], True)


KILLED = """
import sys
from faaslab import app
lab = app.open(store=sys.argv[1], cache=sys.argv[2], pip_arguments=tuple(sys.argv[3].split("|")))
lab.functions.define("f", sys.argv[4], requires=["tinything"])
"""


def killed_meanwhile(index, tmp_path, own_cache, source):
    """Another process that defines `f`, killed while its packages are being installed."""
    index.hold()
    other = subprocess.Popen(
        [
            sys.executable, "-c", KILLED, str(tmp_path / "s.duckdb"), str(own_cache),
            "|".join(index.arguments()), source,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert index.asked.wait(60)
    return other


def end(other, index):
    other.send_signal(signal.SIGKILL)
    other.wait()
    index.open.set()


def test_another_process_s_update_is_respected_and_taken_over_when_it_was_killed(
    lab, index, tmp_path, own_cache
):
    lab.functions.create("f", PLAIN.format(1))
    other = killed_meanwhile(index, tmp_path, own_cache, WITH.format(2))
    assert state(lab) == ("active", "InProgress")
    with pytest.raises(Conflict, match="An update is in progress for resource"):
        lab.functions.update("f", memory_mb=256)
    end(other, index)
    assert lab.functions.invoke("f").result == [1, None]
    function = lab.functions.get("f")
    assert (function.last_update_status, function.definition) == ("Failed", 1)
    assert "ended before it was done" in function.last_update_reason
    assert lab.functions.create("f", WITH.format(2), requires=["tinything"]).definition == 2
    assert lab.functions.invoke("f").result == [2, 42]


def test_a_creation_that_was_killed_is_finished_by_the_next_invocation(lab, index, tmp_path, own_cache):
    other = killed_meanwhile(index, tmp_path, own_cache, WITH.format(1))
    with pytest.raises(Conflict, match="following state: Pending"):
        lab.functions.invoke("f")
    end(other, index)
    assert state(lab) == ("inactive", "Successful")
    assert lab.functions.invoke("f").result == [1, 42]
    assert state(lab) == ("active", "Successful")


def test_closing_in_the_middle_leaves_no_thread_and_no_lease(tmp_path, own_cache, index):
    before = set(threading.enumerate())
    index.hold()
    lab = app.open(store=tmp_path / "s.duckdb", cache=own_cache, pip_arguments=index.arguments())
    lab.functions.define("f", WITH.format(1), requires=["tinything"], wait=False)
    assert index.asked.wait(60)
    lab.close()
    serving = [each for each in threading.enumerate() if "process_request" in each.name]
    assert set(threading.enumerate()) - set(serving) <= before
    index.open.set()
    with app.open(store=tmp_path / "s.duckdb", cache=own_cache, pip_arguments=index.arguments()) as lab:
        assert lab.store.leases.holder("update:f") is None
        assert lab.functions.get("f").status == "inactive"
        assert lab.functions.invoke("f").result == [1, 42]


def test_an_interrupt_while_packages_are_installed_is_kept_as_a_failure(lab, index, monkeypatch):
    lab.functions.create("f", PLAIN.format(1))
    index.hold()

    def interrupt():
        index.asked.wait(60)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        lab.functions.define("f", WITH.format(2), requires=["tinything"])
    thread.join()
    index.open.set()
    function = lab.functions.get("f")
    assert (function.definition, function.last_update_status) == (1, "Failed")
    assert function.last_update_reason == "It was interrupted while its packages were being prepared."
    assert lab.functions.invoke("f").result == [1, None]


def test_an_interrupted_creation_says_so_and_can_be_made_again(lab, index):
    index.hold()

    def interrupt():
        index.asked.wait(60)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        lab.functions.define("f", WITH.format(1), requires=["tinything"])
    thread.join()
    index.open.set()
    assert state(lab)[0] == "failed"
    with pytest.raises(
        Conflict, match="It was interrupted while its packages were being prepared; define it"
    ):
        lab.functions.invoke("f")
    assert lab.functions.define("f", WITH.format(1), requires=["tinything"]).function.status == "active"
    assert lab.functions.invoke("f").result == [1, 42]


def test_an_event_for_a_function_that_is_not_ready_waits_for_it(lab, index):
    lab.functions.create("f", PLAIN.format(1))
    lab.functions.create("g", PLAIN.format(1))
    index.hold()
    lab.functions.define("f", WITH.format(2), requires=["tinything"], wait=False)
    assert index.asked.wait(60)
    assert lab.functions.submit("f", invocation_type="Event").result(60).result == [1, None]
    assert lab.functions.list()[0].last_update_status == "InProgress"
    index.open.set()
    eventually(lambda: state(lab) == ("active", "Successful"), 60)
    assert lab.functions.submit("f", invocation_type="Event").result(60).result == [2, 42]
    assert lab.functions.table()["status"].tolist() == ["active", "active"]


def test_closing_while_a_provisioned_version_is_being_prepared_ends_the_installer(tmp_path, own_cache, index):
    with app.open(store=tmp_path / "s.duckdb", cache=own_cache, pip_arguments=index.arguments()) as lab:
        lab.functions.create("f", WITH.format(1), requires=["tinything"])
        lab.versions.publish("f")
    shutil.rmtree(own_cache / "requirements")
    index.hold()
    lab = app.open(store=tmp_path / "s.duckdb", cache=own_cache, pip_arguments=index.arguments())
    assert lab.versions.provision("f", "1", 1, wait=False).status == "IN_PROGRESS"
    assert index.asked.wait(60)
    lab.close()
    assert not index.open.is_set(), "it did not wait for the installer"
    index.open.set()
    with app.open(store=tmp_path / "s.duckdb", cache=own_cache, pip_arguments=index.arguments()) as lab:
        assert lab.versions.provisioned("f", "1").status == "IN_PROGRESS"
        assert lab.versions.provision("f", "1", 1).status == "READY"
        execution = lab.functions.invoke("f", qualifier="1")
        assert (execution.result, execution.init_type) == ([1, 42], "provisioned-concurrency")
