"""Invocations that last are told to whoever watches: what they have written by now, and how they are ended."""

import threading

import pytest

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.model.execution import ExecutionStatus
from tests.backends.local.defining import REQUEST, eventually

TALKS = """
import time
from pathlib import Path
def handler(event, context):
    print("begin", event, flush=True)
    time.sleep(1.2)
    print("middle", flush=True)
    while event == "long":
        time.sleep(0.05)
    return "done"
"""


class Watch:
    def __init__(self):
        self.began_ones, self.over_ones = [], []

    def began(self, lasting):
        self.began_ones.append(lasting)

    def over(self, lasting):
        self.over_ones.append(lasting)


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def backend(tmp_path, definer, watch):
    with LocalBackend(
        tmp_path / "watched",
        code_of=definer.code_of,
        settings=LocalSettings(sandbox="off"),
        resolve_secret=lambda name: "s3cret" if name == "TOKEN" else "",
        watch=watch,
    ) as backend:
        yield backend


def said(lasting, first=0):
    return [line.message for line in lasting.lines(first, 1000)[0] if line.stream == "function"]


def test_a_short_one_is_told_to_nobody(backend, define, definer, watch):
    quick = define("def handler(event, context): print(event)")
    for _ in range(3):
        backend.invoke(quick, b"1", request=REQUEST, complete=definer.complete)
    assert (watch.began_ones, watch.over_ones) == ([], [])


def test_lines_are_there_while_it_runs_and_the_same_in_the_record(backend, define, definer, watch):
    talks = define(TALKS, timeout_s=60)
    future = backend.submit(talks, b'"short"', request=REQUEST, complete=definer.complete)
    eventually(lambda: watch.began_ones)
    (lasting,) = watch.began_ones
    assert said(lasting) == ["begin short"]
    assert not definer.recorded
    execution = future.result(30)
    assert (lasting.id, lasting.request_id) == (execution.id, execution.request_id)
    eventually(lambda: watch.over_ones == [lasting])
    lines = [line.message for line in execution.logs]
    assert [line.message for line in lasting.lines(0, 1000)[0]] == lines
    assert lines[0].startswith("INIT_START")
    assert lines[-1].startswith("REPORT")
    times = [line.at for line in execution.logs]
    assert times == sorted(times)
    begin, middle = (line.at for line in execution.logs if line.stream == "function")
    assert (middle - begin).total_seconds() > 0.5, "a line has the time at which it was written"
    assert not lasting.cancel()
    assert execution.ok
    again = backend.invoke(talks, b'"short"', request=REQUEST, complete=definer.complete)
    assert (again.ok, again.cold_start) == (True, False)


@pytest.mark.parametrize("way", ["invoke", "submit", "map"])
def test_it_can_be_ended_whoever_waits_for_it(backend, define, definer, watch, way):
    talks = define(TALKS, timeout_s=60)

    def call():
        if way == "invoke":
            backend.invoke(talks, b'"long"', request=REQUEST, complete=definer.complete)
        elif way == "submit":
            backend.submit(talks, b'"long"', request=REQUEST, complete=definer.complete).result(60)
        else:
            list(backend.map(talks, [b'"long"'], request=REQUEST, concurrency=1, complete=definer.complete))

    thread = threading.Thread(target=call)
    thread.start()
    eventually(lambda: watch.began_ones)
    assert watch.began_ones[0].cancel()
    thread.join(30)
    assert not thread.is_alive()
    (execution,) = definer.recorded
    assert execution.status is ExecutionStatus.FAILED
    assert execution.error.type == "Invocation.Cancelled"
    assert watch.over_ones == watch.began_ones
    eventually(lambda: backend.environments() == ())


def test_an_init_that_lasts_is_told_as_well(backend, define, definer, watch):
    slow = define(
        "import time\nprint('waking', flush=True)\ntime.sleep(5)\ndef handler(e, c): pass", timeout_s=60
    )
    future = backend.submit(slow, b"1", request=REQUEST, complete=definer.complete)
    eventually(lambda: watch.began_ones and said(watch.began_ones[0]) == ["waking"])
    assert watch.began_ones[0].cancel()
    assert "cancelled during its init" in future.result(30).error.message


def test_secrets_are_hidden_in_what_is_read_meanwhile(backend, define, definer, watch):
    source = TALKS.replace('print("begin", event', 'import os; print("token", os.environ["TOKEN"]')
    talks = define(source, timeout_s=60, secrets=("TOKEN",))
    future = backend.submit(talks, b'"short"', request=REQUEST, complete=definer.complete)
    eventually(lambda: watch.began_ones and said(watch.began_ones[0]))
    assert said(watch.began_ones[0]) == ["token ****"]
    assert "s3cret" not in str(future.result(30).logs)


KEY = "begin of it\n{\nab\n}\nend of it"


@pytest.mark.parametrize("most", [1, 2, 3, 4, 100])
def test_in_parts_it_is_masked_as_in_the_whole_and_a_part_is_no_longer_than_it_has_to_be(
    tmp_path, define, definer, watch, most
):
    source = (
        "import os, time\ndef handler(event, context):\n"
        "    for n in range(3):\n        print('before', os.environ['TOKEN'], 'ab', 'after', sep='\\n')\n"
        "    while True:\n        time.sleep(0.05)\n"
    )
    talks = define(source, timeout_s=60, secrets=("TOKEN",))
    with LocalBackend(
        tmp_path / "parts",
        code_of=definer.code_of,
        settings=LocalSettings(sandbox="off"),
        resolve_secret=lambda name: KEY if name == "TOKEN" else "",
        watch=watch,
    ) as backend:
        future = backend.submit(talks, b"1", request=REQUEST, complete=definer.complete)
        eventually(lambda: watch.began_ones and said(watch.began_ones[0]).count("after") == 3)
        (lasting,) = watch.began_ones
        told, more, longest = [], True, 0
        while more:
            part, more = lasting.lines(len(told), most)
            assert part
            told += [line.message for line in part]
            longest = max(longest, len(part))
        assert lasting.cancel()
        execution = future.result(60)
    assert told == [line.message for line in execution.logs][: len(told)]
    assert told.count("{") == 0
    assert told.count("ab") == 3
    assert longest <= max(most, 2 * len(KEY.splitlines()))


def test_a_flood_is_bounded_though_it_is_read_meanwhile(tmp_path, define, definer, watch):
    flood = define(
        "import time\ndef handler(event, context):\n"
        "    for n in range(40):\n        print('x' * 1000, flush=True)\n        time.sleep(0.04)\n",
        timeout_s=60,
    )
    settings = LocalSettings(sandbox="off", log_limit_bytes=20_000)
    with LocalBackend(
        tmp_path / "bounded", code_of=definer.code_of, settings=settings, watch=watch
    ) as backend:
        execution = backend.invoke(flood, b"1", request=REQUEST, complete=definer.complete)
    assert watch.began_ones
    kept = [line for line in execution.logs if line.stream == "function"]
    assert 15 <= len(kept) < 20
    assert any("bytes of log were dropped" in line.message for line in execution.logs)
