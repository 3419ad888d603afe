import os

import pytest

from faaslab.backends.local.host import cgroups
from faaslab.backends.local.host.cgroups import Parent, parents
from faaslab.backends.local.host.limits import Limits, ProcessMemory
from faaslab.backends.local.host.machine import PORTABLE
from faaslab.backends.local.host.sampled_memory import SampledMemory
from tests.backends.local.defining import SANDBOX_FAULT

needs_bwrap = pytest.mark.skipif(SANDBOX_FAULT is not None, reason=str(SANDBOX_FAULT))
PEAK = """
def handler(event, context):
    x = bytearray(event << 20)
    return len(x) >> 20
"""


def modes():
    group = "memory" in parents()
    yield pytest.param({"memory": "watch"}, id="watch")
    yield pytest.param({"system": "portable"}, id="portable")
    yield pytest.param(
        {"memory": "cgroup"},
        id="cgroup",
        marks=[] if group else pytest.mark.skip(reason="no writable memory cgroup here"),
    )


@pytest.fixture(params=modes())
def limited(request, backend_with):
    return backend_with(**request.param)


def test_the_maximum_used_is_that_of_the_invocation(limited, define, invoke):
    function = define(PEAK, memory_mb=512, timeout_s=100)
    small, large, again = (invoke(function, b"%d" % n, on=limited) for n in (1, 200, 1))
    assert 190 < large.max_memory_mb < 250
    assert small.max_memory_mb < 60
    assert again.max_memory_mb < 60, "a maximum does not outlive its invocation"


def test_a_childs_memory_counts(limited, define, invoke):
    source = (
        "import subprocess, sys\n"
        "def handler(e, c):\n"
        "    subprocess.run([sys.executable, '-c', 'import time; x = bytearray(100 << 20); time.sleep(0.5)'])\n"
    )
    execution = invoke(define(source, memory_mb=512, timeout_s=100), on=limited)
    assert execution.ok, execution.error
    assert 105 < execution.max_memory_mb < 200, "pages that others share count in part"


ENDS = """
import os, time
held = bytearray(40 << 20)
def handler(e, c):
    time.sleep(0.3)  # where the system keeps no maximum it is looked at every few milliseconds, when it is free
    if e == "exit":
        os._exit(3)
    if e == "signal":
        os.kill(os.getpid(), 9)
"""


def test_what_ended_had_held_something(limited, define, invoke):
    raises = invoke(
        define("import time\nheld = bytearray(40 << 20)\ntime.sleep(0.3)\n1 / 0\n", name="raises"), on=limited
    )
    assert raises.error.type == "ZeroDivisionError"
    ends = define(ENDS)
    fresh = invoke(ends, b'"exit"', on=limited)
    assert invoke(ends, b"1", on=limited).ok
    warm = invoke(ends, b'"signal"', on=limited)
    for execution in (raises, fresh, warm):
        assert 45 < execution.max_memory_mb < 128
        assert f"\tMax Memory Used: {execution.max_memory_mb} MB" in execution.logs[-1].message


def test_the_limit_holds(limited, define, invoke):
    function = define(PEAK, memory_mb=128, timeout_s=100)
    assert invoke(function, b"60", on=limited).result == 60
    killed = invoke(function, b"300", on=limited)
    assert killed.error.type == "Runtime.OutOfMemory"
    assert killed.max_memory_mb == 128
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB" in killed.logs[-1].message
    assert killed.logs[-1].message.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory")
    assert invoke(function, b"60", on=limited).result == 60


STEPS = """
import os, psutil
held = []
def handler(path, context):
    with open(path, "wb", 0) as file:
        while True:
            held.append(bytearray(b"x") * (1 << 20))
            file.write(b"%d\\n" % (psutil.Process().memory_info().rss >> 20))
"""


def test_who_takes_a_megabyte_at_a_time_does_not_get_far_beyond(limited, define, invoke, tmp_path):
    reached = []
    for number in (1, 2, 3):
        function = define(STEPS, definition=number, timeout_s=100, requires=("psutil",))
        invoke(function, b'"%s"' % bytes(tmp_path / str(number)), on=limited)
        reached.append(int((tmp_path / str(number)).read_bytes().split()[-1]))
    # The middle one: the watcher may lose the processor for a moment.
    assert 125 <= sorted(reached)[1] < 140


def test_address_space_is_not_memory(limited, define, invoke):
    source = "import mmap\nm = mmap.mmap(-1, 1 << 32)\ndef handler(e, c):\n    return len(m)\n"
    assert invoke(define(source), on=limited).result == 1 << 32


def test_without_a_limit_it_is_still_measured(backend_with, define, invoke):
    execution = invoke(define(PEAK, timeout_s=100), b"200", on=backend_with(memory="off"))
    assert execution.ok
    assert execution.max_memory_mb == 128, "never more than the memory size, as Lambda's report"


def test_each_way_says_what_it_is():
    assert "5 ms" in Limits("watch").describe()
    assert Limits("off").describe() == "not enforced"
    assert "5 ms" in Limits("auto", PORTABLE).describe()


def test_groups_are_removed(backend_with, define, invoke):
    found = {parent.folder for parent in parents().values()}
    if not found:
        pytest.skip("no writable cgroup here")
    backend = backend_with(memory="cgroup", cpu=True)
    invoke(define(), on=backend)
    (environment,) = backend.environments()
    assert all((folder / f"faaslab-{environment.id}").is_dir() for folder in found)
    backend.close()
    assert not any((folder / f"faaslab-{environment.id}").exists() for folder in found)


def test_the_share_of_the_cpu_follows_the_memory(backend_with, define, invoke):
    parent = parents().get("cpu")
    if parent is None:
        pytest.skip("no writable cpu cgroup here")
    backend = backend_with(cpu=True)
    for memory_mb, quota in ((128, 1447), (1769, 20_000), (3538, 40_000)):
        backend.retire("probe")
        invoke(define(memory_mb=memory_mb), on=backend)
        (environment,) = backend.environments()
        group = parent.folder / f"faaslab-{environment.id}"
        if parent.version == 1:
            told = [(group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")]
        else:
            told = (group / "cpu.max").read_text().split()
        assert list(map(int, told)) == [quota, 20_000]
    assert "one CPU at 1,769 MB" in backend.enforced()["cpu"]
    assert backend_with().enforced()["cpu"].startswith("not enforced; the setting cpu=on")


def test_a_group_of_version_2_that_may_not_have_limits_is_not_used(tmp_path, monkeypatch):
    # A folder where nothing named memory.max may be written, as under a cgroup that holds processes.
    monkeypatch.setattr(
        cgroups,
        "_candidates",
        lambda: [(name, Parent(folder=tmp_path, version=2)) for name in ("memory", "pids")],
    )
    assert parents() == {}
    assert list(tmp_path.iterdir()) == [], "nothing of the trial is left"


@pytest.mark.parametrize("kind", [ProcessMemory, SampledMemory])
def test_the_memory_of_a_process_that_is_gone(kind):
    import subprocess
    import sys

    process = subprocess.Popen([sys.executable, "-c", "pass"])
    memory = kind(process.pid)
    process.wait()
    memory.reset()
    assert memory.peak() is None
    assert memory.sample() == 0
    memory.close()
    memory.close()


GROWING = """
def handler(event, context):
    blocks = []
    while len(blocks) < event:
        blocks.append(bytearray(b"x") * (1 << 20))
        print(int(open("/proc/self/statm").read().split()[1]) // 256, flush=True)
    return len(blocks)
"""
RUNS = int(os.environ.get("FAASLAB_TEST_RUNS", "3"))
"""The whole twenty take a minute: FAASLAB_TEST_RUNS=20."""


@pytest.mark.parametrize("sandbox", ["off", pytest.param("on", marks=[needs_bwrap])])
def test_the_kernel_ends_it_where_what_it_has_in_memory_reaches_its_size(
    sandbox, backend_with, define, invoke
):
    if "memory" not in parents():
        pytest.skip("no writable memory cgroup here")
    backend = backend_with(memory="cgroup", sandbox=sandbox)
    function = define(GROWING, memory_mb=128, timeout_s=60)
    idle = invoke(function, b"0", on=backend).max_memory_mb
    for _ in range(RUNS):
        killed = invoke(function, b"400", on=backend)
        assert killed.error.type == "Runtime.OutOfMemory"
        assert 126 <= max(int(line.message) for line in killed.logs if line.message.isdigit()) + 1 <= 131
        assert killed.max_memory_mb == 128
        held = invoke(function, b"60", on=backend)
        assert held.result == 60
        assert abs(held.max_memory_mb - idle - 60) <= 3
