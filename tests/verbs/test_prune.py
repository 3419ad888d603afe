"""`store prune`: what would go, and the question before much of it goes."""

import pytest

from faaslab.errors import InvalidValue, Stopped
from faaslab.store import Doomed
from faaslab.verbs.text import plain_text
from faaslab.verbs.upkeep import much


@pytest.fixture
def defined(do):
    do("score", "def handler(event, context):\n    return event")
    return do


def test_prune_tells_what_would_go_and_asks_when_that_is_much(defined):
    defined("invoke score -p '{\"x\": 1}'")
    foreseen = defined("store prune --keep 0s --dry-run")
    gone = foreseen.df.set_index("table").loc["executions"]
    assert (gone["rows"], gone["of"]) == (1, 1)
    assert gone["oldest"] == gone["newest"] == defined("history").df["started_at"].iloc[0]
    assert defined.face.notes[-1].endswith("would be forgotten; nothing was")
    assert "nothing is older" in plain_text(defined("store prune --keep 5m --dry-run"))

    with pytest.raises(InvalidValue, match="would be forgotten for good") as nobody:
        defined("store prune --keep 0s")
    assert (nobody.value.place, "--yes" in nobody.value.hint) == ("--keep", True)
    defined.face.answer = False
    with pytest.raises(Stopped, match="nothing was forgotten"):
        defined("store prune --keep 0s")
    assert len(defined("history").df) == 1

    asked = len(defined.face.asked)
    assert defined("store prune --keep 90d").facts["rows"] == {}
    assert len(defined.face.asked) == asked  # nothing would go
    defined.face.answer = True
    assert defined("store prune --keep 0s").facts["rows"]["executions"] == 1
    assert len(defined("history").df) == 0

    defined("invoke score -p '{\"x\": 1}'")
    asked = len(defined.face.asked)
    assert defined("store prune --keep 0s --yes").facts["rows"]["executions"] == 1
    assert len(defined.face.asked) == asked


@pytest.mark.parametrize(
    ("doomed", "expected"),
    [
        ({}, False),
        ({"executions": (0, 10), "logs": (0, 90)}, False),
        ({"executions": (5, 10), "logs": (45, 90)}, False),
        ({"executions": (5, 10), "logs": (46, 90)}, True),
        ({"executions": (10, 10), "logs": (0, 90)}, True),
        ({"executions": (1, 10), "workflow_executions": (2, 2), "logs": (0, 90)}, True),
        ({"executions": (1, 10), "reports": (2, 2), "logs": (0, 90)}, False),
    ],
)
def test_much_is_more_than_half_or_all_that_ran(doomed, expected):
    given = [
        Doomed(table=table, rows=rows, total=total, oldest=None, newest=None)
        for table, (rows, total) in doomed.items()
    ]
    assert much(given) is expected
