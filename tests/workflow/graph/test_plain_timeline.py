"""The time line as text: a line for each visit, with a bar."""

from datetime import datetime, timedelta

from faaslab.workflow.graph.plain_timeline import timeline_text
from tests.monitoring.test_workflow_pages import etl

START = datetime(2026, 11, 16, 8)


def test_nothing_is_said_plainly():
    assert timeline_text([]) == "nothing has happened yet"


def test_each_visit_has_its_bar_where_it_was_and_as_long_as_it_took():
    lines = timeline_text(etl(busy=1).history).splitlines()
    # 4 s extract (1 s, 2 s of waiting, 1 s), 5 s both, 5 s pause
    assert lines[0].split() == ["0", "14", "s"]
    assert [line[2:].split("  ")[0].strip() for line in lines[1:]] == ["extract", "both", "", "", "", "pause"]
    extract, both, quick, slow, slower, pause = (line[2:] for line in lines[1:])
    assert "·······" in extract
    assert extract.endswith("4 s ↻ 1")
    assert "━" in both
    assert quick.strip().startswith("quick")
    assert slow.index("█") < slower.index("█")
    assert "────" in pause
    assert pause.endswith("5 s")


def test_a_running_one_goes_to_now():
    running = etl().history[:3]
    text = timeline_text(running, START + timedelta(seconds=30))
    assert "30 s" in text
