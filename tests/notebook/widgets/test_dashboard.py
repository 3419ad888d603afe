"""The live dashboard without a browser: it asks only when something changed, and leaves its end behind."""

from datetime import datetime, timedelta

import pytest

from faaslab import app
from faaslab.clock import SteppedClock
from faaslab.errors import StoreBusy
from faaslab.model.execution import Execution, ExecutionStatus
from faaslab.notebook.display import Surroundings
from faaslab.notebook.widgets.dashboard import TIMES, DashboardWidget
from faaslab.notebook.widgets.pulse import Pulse
from faaslab.verbs import DashboardAnswer
from tests.notebook import kernel

NOW = datetime(2026, 11, 16, 12, 0, 30)


def ran(number, function="score", before_s=5.0):
    begun = NOW - timedelta(seconds=before_s)
    return Execution(
        id=f"e{number}", function=function, request_id=f"r{number}", status=ExecutionStatus.COMPLETED,
        started_at=begun, ended_at=begun + timedelta(seconds=1), duration_ms=1000.0, billed_ms=1000,
        memory_mb=1024, cold_start=False,
    )  # fmt: skip


class Asked:
    """How often the store was asked a question."""

    def __init__(self, lab, monkeypatch):
        self.count = 0
        whole = lab.store.sql

        def sql(*arguments):
            self.count += 1
            return whole(*arguments)

        monkeypatch.setattr(lab.store, "sql", sql)

    def since(self):
        count, self.count = self.count, 0
        return count


@pytest.fixture
def clock():
    clock = SteppedClock()
    clock.advance((NOW - clock.now()).total_seconds())
    return clock


@pytest.fixture
def lab(tmp_path, clock):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", clock=clock) as lab:
        lab.store.record(ran(1), ran(2, "other"))
        yield lab


@pytest.fixture
def asked(lab, monkeypatch):
    return Asked(lab, monkeypatch)


@pytest.fixture
def board(lab, asked):
    made = DashboardWidget(
        DashboardAnswer(dashboard=lab.monitoring.dashboard(), since="1h"), lab, Surroundings()
    )
    made.widget()
    made.look()
    asked.since()
    yield made
    made.close()


def tiles(board):
    return board._parts["tiles"].value


def test_it_asks_when_something_was_recorded_and_not_otherwise(board, lab, asked, clock):
    for _ in range(20):
        clock.advance(1)
        board.look()
    assert asked.since() == 0
    before = tiles(board)
    lab.store.record(ran(3))
    board.look()
    assert asked.since() > 0
    assert ">3<" in tiles(board)
    assert tiles(board) != before
    board.look()
    assert asked.since() == 0


def test_what_the_line_has_asked_for_is_not_asked_again_to_be_shown(lab, monkeypatch):
    answer = DashboardAnswer(dashboard=lab.monitoring.dashboard(["score"], since="1h"), since="1h")
    again = []
    whole = lab.monitoring.dashboard
    monkeypatch.setattr(
        lab.monitoring, "dashboard", lambda *given, **more: again.append(given) or whole(*given, **more)
    )
    board = DashboardWidget(answer, lab, Surroundings())
    board.widget()
    board.look()
    assert ">1<" in tiles(board)
    assert again == []
    lab.store.record(ran(3))
    board.look()
    assert ">2<" in tiles(board)
    assert len(again) == 1
    board.close()


def test_it_asks_once_a_bucket_while_nothing_happens(board, asked, clock):
    often = []
    for _ in range(180):
        clock.advance(1)
        board.look()
        often.append(asked.since() > 0)
    assert sum(often) == 3


def test_what_runs_now_is_shown_without_a_question(board, lab, asked, monkeypatch):
    monkeypatch.setattr(lab.monitoring, "in_flight", lambda: {"score": 3})
    board.look()
    assert "3 now" in tiles(board)
    assert "running" in board._parts["tables"].value
    monkeypatch.setattr(lab.monitoring, "in_flight", dict)
    board.look()
    assert "now</span>" not in tiles(board)
    assert asked.since() == 0


def test_a_question_that_took_long_is_not_asked_at_every_look(board, lab, asked, clock, monkeypatch):
    whole = lab.monitoring.dashboard

    def slowly(*arguments, **more):
        clock.advance(2)
        return whole(*arguments, **more)

    monkeypatch.setattr(lab.monitoring, "dashboard", slowly)
    monkeypatch.setattr(DashboardWidget, "beats", True)  # as while a page shows it
    pulse = Pulse(clock)
    pulse._due[board] = clock.monotonic()
    often = 0
    for number in range(10, 50):
        lab.store.record(ran(number))
        for each in pulse._ready():
            pulse._beaten(each)
        often += asked.since() > 0
        clock.advance(1)
    assert often == 3
    clock.advance(18)
    for each in pulse._ready():
        pulse._beaten(each)
    assert ">42<" in tiles(board)


def test_what_a_saved_file_has_is_a_few_seconds_behind_and_no_reason_to_save_again(
    board, lab, clock, monkeypatch
):
    kept = []
    monkeypatch.setattr(board, "keep", lambda: kept.append(clock.monotonic()))
    for _ in range(100):
        clock.advance(1)
        board.look()
    assert kept == []
    for number in range(10, 22):
        lab.store.record(ran(number))
        clock.advance(1)
        board.look()
    assert len(kept) == 3
    for _ in range(10):
        clock.advance(1)
        board.look()
    assert len(kept) == 4
    assert f">{board._dashboard.total.invocations}<" in board.still().html


def test_what_is_picked_is_shown_at_the_next_look(board, lab, asked):
    lab.store.record(ran(3, "score", before_s=3 * 3600))
    board.look()
    assert ">2<" in tiles(board)
    board._pick(since=TIMES["6 h"])
    board.look()
    assert ">3<" in tiles(board)
    board._chips["other"].value = True
    board.look()
    assert ">1<" in tiles(board)
    assert "other" in board._parts["head"].value
    board._chips["score"].value = True
    board._chips["other"].value = False
    board.look()
    assert ">2<" in tiles(board)
    asked.since()
    assert 'aria-sort="descending">invocations<' in board._parts["tables"].value
    board._pick(order="cost")
    board.look()
    assert asked.since() == 0
    assert 'aria-sort="descending">cost<' in board._parts["tables"].value


def test_a_new_function_gets_its_button_and_those_of_the_line_are_pressed(board, lab):
    assert list(board._chips) == ["other", "score"]
    lab.store.record(ran(9, "new"))
    board.look()
    assert [(name, chip.value) for name, chip in board._chips.items()] == [
        ("other", False),
        ("score", False),
        ("new", False),
    ]


def test_a_time_of_ones_own_is_one_more_to_pick(lab):
    answer = DashboardAnswer(dashboard=lab.monitoring.dashboard(["score"], since="36h"), since="36h")
    board = DashboardWidget(answer, lab, Surroundings())
    board.widget()
    board.look()
    assert board._chips["score"].value
    assert ">1<" in tiles(board)
    board.close()


def test_a_store_that_is_busy_is_said_above_the_figures_which_stay(board):
    before = tiles(board)
    board.trouble(StoreBusy("held by <b>", hint="wait"))
    assert "held by &lt;b&gt;" in board._parts["trouble"].value
    assert tiles(board) == before
    board.look()
    assert board._parts["trouble"].value == ""


def test_a_store_that_was_removed_is_no_store_in_which_nothing_happens(board, lab):
    before = tiles(board)
    board.beat()
    assert board._parts["trouble"].value == ""
    lab.store.path.unlink()
    board.beat()
    assert "is gone" in board._parts["trouble"].value
    assert tiles(board) == before


def test_what_failed_half_way_is_drawn_at_the_next_look(board, lab, monkeypatch):
    offer = board._offer

    def busy(functions):
        monkeypatch.setattr(board, "_offer", offer)
        raise StoreBusy("held", hint="wait")

    monkeypatch.setattr(board, "_offer", busy)
    lab.store.record(ran(3))
    with pytest.raises(StoreBusy):
        board.look()
    board.look()
    assert ">3<" in tiles(board)


def test_a_label_holds_nothing_that_hides_or_turns_the_rest(board, lab):
    lab.store.record(ran(9, "\u202eevil\x1b[31m"))
    board.look()
    chip = board._chips["\u202eevil\x1b[31m"]
    assert (chip.description, chip.tooltip) == ("\ufffdevil", "show \ufffdevil")


def test_where_nobody_can_click_the_end_of_the_run_stands_in_the_notebook(tmp_path):
    cells = kernel.run(
        {
            "load": "%load_ext faaslab",
            "define": "%%faas score\ndef handler(event, context):\n    return 1\n",
            "dashboard": "%faas dashboard --since 15m",
            "run": "for _ in range(3):\n    %faas invoke score;\n",
            "bind": "%faas dashboard -o df\nprint(df['invocations'].tolist())",
        },
        tmp_path,
    )
    (html,) = cells["dashboard"].html
    assert ">3<" in html
    assert "Nothing ran" not in html
    assert "3 invocations" in cells["dashboard"].text
    assert cells["bind"].text == "[3]\n"
