"""Maps: every input once, failures as rows, an interrupt that loses nothing."""

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
