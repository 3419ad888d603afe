"""Maps: every input once, failures as rows, an interrupt that loses nothing."""

import threading

import pandas as pd
import pytest

from faaslab.errors import InvalidValue, NotFound

SOURCE = "def handler(event, context):\n    return event['x'] * 2\n"


@pytest.fixture
def mapped(lab):
    lab.functions.create("double", SOURCE)
    return lab


def test_rows_of_a_data_frame_in_order(mapped):
    result = mapped.functions.map("double", pd.DataFrame({"x": range(20)}), n=3)
    assert result.df.columns.tolist() == [
        "input",
        "status",
        "ms",
        "billed",
        "cold",
        "memory",
        "result",
        "error",
        "id",
    ]
    assert result.df["result"].tolist() == [2 * x for x in range(20)]
    assert result.df["input"].tolist() == [{"x": x} for x in range(20)]
    assert (result.failed, result.interrupted) == (0, False)
    recorded = mapped.sql(
        "SELECT count(*) AS n, count(DISTINCT id) AS ids, min(batch_id) AS batch FROM executions"
    )
    assert recorded.to_numpy().tolist() == [[20, 20, result.batch_id]]


def test_failures_are_rows_and_can_be_run_again(mapped):
    result = mapped.functions.map("double", [{"x": 1}, {}, {"x": 3}, {"y": 1}])
    assert result.df["status"].tolist() == ["completed", "failed", "completed", "failed"]
    assert result.df["error"].tolist() == [None, "KeyError: 'x'", None, "KeyError: 'x'"]
    mapped.functions.create("double", "def handler(event, context): return 'mended'")
    assert result.retry().df["result"].tolist() == ["mended"] * 2
    assert mapped.functions.retry(result.df[["input", "status"]]).total == 2
    assert mapped.functions.retry(result.batch_id).total == 2
    assert mapped.functions.retry(result.batch_id, failed=False).total == 4


def test_a_map_and_what_it_ran_are_a_line_each(mapped):
    result = mapped.functions.map("double", [{"x": 1}, {}])
    assert repr(result) == f"<MapResult of double: 2 of 2 ran, 1 failed, batch {result.batch_id}>"
    good, bad = result.executions
    assert repr(good).startswith(f"<Execution {good.id} of double: completed ")
    assert repr(bad).endswith("KeyError: 'x'>")
    assert "double definition 1" in repr(mapped.functions.get("double"))


@pytest.mark.parametrize("n", ["4", 2.5])
def test_a_number_at_once_that_is_none_is_named(mapped, n):
    with pytest.raises(InvalidValue, match="is not a number from 1 to 1000"):
        mapped.functions.map("double", [{"x": 1}], n=n)


def test_what_is_no_map_cannot_be_retried(mapped):
    with pytest.raises(InvalidValue, match="not the DataFrame of a map"):
        mapped.functions.retry(pd.DataFrame({"a": [1]}))
    with pytest.raises(NotFound):
        mapped.functions.retry("no-such-batch")


def test_an_interrupt_gives_back_what_is_done_and_recorded(mapped):
    seen = []

    def progress(count, note):
        seen.append(count)
        if len(seen) == 1:
            raise KeyboardInterrupt

    mapped.functions.create("slow", "import time\ndef handler(e, c):\n    time.sleep(0.02)\n    return e")
    result = mapped.functions.map("slow", range(1000), n=2, progress=progress)
    assert result.interrupted
    assert 0 < len(result.executions) < 1000
    assert mapped.sql("SELECT count(*) AS n FROM executions")["n"].tolist() == [len(result.executions)]
    assert mapped.functions.invoke("slow", 1).ok


class Impatient:
    """Interrupts when the first one is done, says what it hears, and interrupts again for each answer."""

    def __init__(self, times):
        self.told, self._times, self._done, self._came = [], times, 0, 0

    def progress(self, count, note):
        self._done += count
        if self._done and self._came < self._times and len(self.told) == self._came:
            self._came += 1
            raise KeyboardInterrupt

    def tell(self, text):
        self.told.append(text)


LASTING = "import time\ndef handler(e, c):\n    time.sleep(e)\n    return e"


def test_a_second_interrupt_ends_what_runs_and_gives_back_what_is_done(mapped):
    mapped.functions.create("lasting", LASTING, timeout_s=900)
    somebody = Impatient(2)
    result = mapped.functions.map(
        "lasting", [0, 600, 600, 0], n=3, progress=somebody.progress, tell=somebody.tell
    )
    assert result.interrupted
    assert result.executions[0].result == 0
    cut = result.df[result.df["input"] == 600]
    assert [error.partition(":")[0] for error in cut["error"]] == ["Invocation.Cancelled"] * 2
    assert (result.cancelled, result.failed) == (2, 2)
    recorded = mapped.sql("SELECT count(*) AS n FROM executions WHERE batch_id = ?", [result.batch_id])
    assert recorded["n"].tolist() == [len(result.executions)]
    first, second = somebody.told
    assert first.endswith("that still run; interrupt again (Ctrl-C) to end them now")
    assert second.endswith("are ended; what is done is kept")


def test_an_interrupt_says_how_many_still_run_and_waits_for_them(mapped):
    mapped.functions.create("lasting", LASTING, timeout_s=900)
    somebody = Impatient(1)
    result = mapped.functions.map(
        "lasting", [0, 1.5, 0, 0], n=2, progress=somebody.progress, tell=somebody.tell
    )
    assert result.failed == 0
    assert 1.5 in result.df["result"].tolist()
    assert somebody.told[0].startswith("interrupted: waiting for 1 that still runs; interrupt again")


def test_what_an_interrupt_did_is_said_on_standard_error_where_nobody_else_is_told(mapped, capsys):
    mapped.functions.create("lasting", LASTING, timeout_s=900)
    somebody = Impatient(1)
    mapped.functions.map("lasting", [0, 1.5], n=2, progress=somebody.progress)
    assert capsys.readouterr().err.startswith("interrupted: waiting for 1 that still runs")


class Elsewhere:
    """A backend that runs one after another, somewhere out of reach."""

    def __init__(self, backend, held):
        self._backend, self._held = backend, held

    def invoke(self, function, payload, **more):
        if payload != b"0":
            assert self._held.wait(30)
        return self._backend.invoke(function, payload, **more)


def test_what_cannot_be_ended_is_not_waited_for_after_a_second_interrupt(mapped, monkeypatch):
    mapped.functions.create("lasting", LASTING, timeout_s=900)
    held, somebody = threading.Event(), Impatient(2)
    backend = mapped.backend
    with monkeypatch.context() as patch:
        patch.setattr(type(mapped), "backend", Elsewhere(backend, held), raising=False)
        result = mapped.functions.map(
            "lasting", [0, 0.001], n=2, progress=somebody.progress, tell=somebody.tell
        )
        assert [execution.result for execution in result.executions] == [0]
        assert somebody.told[1] == "interrupted again: 1 cannot be ended from here"
        held.set()
        for thread in threading.enumerate():
            if thread.name == "faaslab-map":
                thread.join()


def test_progress_counts_all(mapped):
    seen = []
    mapped.functions.map(
        "double", [{"x": 1}] * 9 + [{}], progress=lambda count, note: seen.append((count, note))
    )
    assert sum(count for count, _ in seen) == 10
    assert seen[-1][1] == "1 failed"


def test_nothing_to_do(mapped):
    result = mapped.functions.map("double", [])
    assert (result.total, len(result.df), result.df.columns.tolist()[0]) == (0, 0, "input")


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_how_many_at_once_is_bounded(mapped, n):
    with pytest.raises(InvalidValue) as caught:
        mapped.functions.map("double", [], n=n)
    assert caught.value.place == "n"


def test_a_bad_input_is_named_before_anything_runs(mapped):
    with pytest.raises(InvalidValue, match="input 1: .*at /x"):
        mapped.functions.map("double", [{"x": 1}, {"x": object()}])
    assert mapped.executions.list().empty


def test_reserved_concurrency_is_kept_without_throttles(mapped):
    mapped.functions.update("double", reserved_concurrency=1)
    result = mapped.functions.map("double", [{"x": 1}] * 6)
    assert result.df["status"].tolist() == ["completed"] * 6
