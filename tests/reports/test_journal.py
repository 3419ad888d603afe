"""The log of a run: whole lines with their times, nothing secret, and an end to what it holds."""

from datetime import datetime

from faaslab.clock import SteppedClock
from faaslab.reports import journal
from faaslab.reports.journal import Journal, Stream


def told(path):
    return [line.split(" ", 2)[2] for line in path.read_text().splitlines()]


def test_lines_are_whole_plain_and_without_secrets(tmp_path):
    path = tmp_path / "a.log"
    kept = Journal(path, hide=("sec", "secret"), clock=SteppedClock(datetime(2026, 11, 27, 7)))
    kept.note("begun")
    out, error = Stream(kept, "stdout"), Stream(kept, "stderr")
    for piece in ("one se", "cret\n", "\x1b[31mtwo\x1b[0m\x00\n", " 10 %\r 90 %\r100 %\n", "rest"):
        out.write(piece)
    error.write("late\n")
    kept.note("done\nin two lines")
    kept.close()
    assert told(path) == [
        "begun", "| one ••••", "| two", "| 100 %", "! late", "| rest", "done", "in two lines",
    ]  # fmt: skip
    assert path.read_text().startswith("2026-11-27 07:00:00.000 begun\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_too_long_is_cut_and_what_is_too_much_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MOST_BYTES", 5_000)
    path = tmp_path / "a.log"
    kept = Journal(path)
    kept.output("stdout", "x" * 3_000 + "\n" + "y\n" * 3_000)
    kept.note("still noted")
    kept.close()
    lines = told(path)
    assert lines[0].endswith("… (3,002 characters)")
    assert lines[-2:] == ["what cells wrote beyond 5,000 characters is not kept", "still noted"]
    assert len(lines) < 1_100
    assert path.stat().st_size < 12_000  # with the times that stand in front of each line


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "a.log").symlink_to(tmp_path / "another")
    kept = Journal(tmp_path / "a.log")
    kept.note("x")
    kept.close()
    assert not (tmp_path / "another").exists()


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    for path in (tmp_path / "nowhere" / "a.log", None):
        kept = Journal(path)
        kept.note("x")
        kept.output("stdout", "y\n")
        kept.close()
        kept.close()
