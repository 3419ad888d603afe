"""Who starts something ends it; a lab that only looks starts nothing."""

import threading

import psutil
import pytest

from faaslab import app
from faaslab.errors import Closed, StoreMoved


def alive():
    return {thread.name for thread in threading.enumerate()}, {
        p.pid for p in psutil.Process().children(recursive=True)
    }


def test_after_close_no_thread_and_no_child_is_left(tmp_path, cache):
    before = alive()
    lab = app.open(store=tmp_path / "s.duckdb", cache=cache)
    lab.functions.create("f", "import time\ndef handler(e, c): time.sleep(0.01)")
    lab.functions.map("f", range(20), n=4)
    lab.functions.submit("f").result()
    lab.executions.list()
    assert alive()[1] - before[1]
    lab.close()
    assert alive() == before
    lab.close()
    with pytest.raises(Closed):
        lab.functions.invoke("f")
    assert repr(lab).endswith("(closed)>")


def test_a_home_whose_store_was_moved_ends_and_says_so(tmp_path, cache):
    before = alive()
    (tmp_path / "here").mkdir()
    lab = app.open(store=tmp_path / "here" / "s.duckdb", cache=cache)
    lab.functions.create("f", "def handler(e, c): return e")
    serving = lab.serve()
    lab.functions.invoke("f", 1)
    (tmp_path / "here").rename(tmp_path / "there")
    (tmp_path / "here").mkdir()
    lab.functions.invoke("f", 2)
    serving.close(1.0)
    with pytest.raises(StoreMoved, match="was moved"):
        lab.close()
    assert alive() == before
    assert list((tmp_path / "here").iterdir()) == []
    with app.open(store=tmp_path / "there" / "s.duckdb", cache=cache) as found:
        assert len(found.executions.list()) == 2


def test_looking_starts_no_backend(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        before = alive()
        assert lab.functions.table().empty
        assert lab.monitoring.stats().empty
        assert alive() == before


def test_the_current_lab_is_the_one_opened_last(tmp_path, cache):
    with app.open(store=tmp_path / "a.duckdb", cache=cache) as one:
        with app.open(store=tmp_path / "b.duckdb", cache=cache) as two:
            assert app.current() is two
        assert app.current() is one
