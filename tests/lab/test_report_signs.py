"""A run that was killed ends when it was last known to go."""

from datetime import datetime, timedelta

import pytest

from faaslab.lab.report_signs import TTL_S, last_sign
from faaslab.model.report import ReportRun
from faaslab.store.report_runs import Going

BEGAN = datetime(2026, 11, 23, 7)


def at(seconds):
    return None if seconds is None else BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("heard", "written", "now", "ended"),
    [
        (0, None, 5, 0),
        (30, None, 9_000, 30),
        (30, 41, 9_000, 41),  # its log was written after it had last said that it goes
        (30, 12, 9_000, 30),
        (30, 9_000, 9_999, 30),  # somebody touched the file long after
        (30, 45, 40, 30),  # a clock that is ahead of ours
        (-500, None, 9_000, 0),
        (500, None, 100, 100),
    ],
)
def test_the_last_sign_of_life(heard, written, now, ended):
    run = ReportRun(id="1", name="a", notebook="a.ipynb", status="running", started_at=BEGAN)
    going = Going(run=run, owner="x", until=at(heard + TTL_S), lapsed=False)
    assert last_sign(going, at(written), at(now)) == at(ended)
