"""Schedules of reports over a store of their own, at ten past midnight, with a notebook that runs at once."""

import pytest

from faaslab.lab.report_schedules import ReportSchedules
from tests.lab.reporting import Notebook, looker


@pytest.fixture
def lab(opened, clock):
    clock.advance(10 * 60)  # 2026-01-01 00:10
    return opened(run_queue=False)


@pytest.fixture
def notebook(lab):
    lab.reports.pages.mkdir()
    return Notebook(lab, lab.reports.pages)


@pytest.fixture
def schedules(lab, notebook):
    return ReportSchedules(lab, make=notebook, deliver=notebook.deliver)


@pytest.fixture
def look(lab, schedules):
    return looker(lab, schedules)
