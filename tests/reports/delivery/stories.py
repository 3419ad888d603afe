"""Runs to tell of."""

from datetime import datetime, timedelta

from faaslab.model.report import ReportRun, ReportStatus
from faaslab.reports.delivery.story import Story

MONDAY = datetime(2026, 11, 23, 6, 0)
HOSTILE = '"><img src=x onerror=alert(1)>\r\nBcc: evil@example.com\u202e<!channel>'


def run(number=1, **changes):
    began = MONDAY + timedelta(seconds=4)
    return ReportRun(
        **{
            "id": f"{number:08d}-13ab-400a-b26f-7f51998ac89a",
            "name": "cold_starts",
            "notebook": "/n/cold_starts.ipynb",
            "status": ReportStatus.COMPLETED,
            "started_at": began,
            "ended_at": began + timedelta(seconds=17.5),
            "schedule": "weekly",
            "scheduled_for": MONDAY,
            **changes,
        }
    )


def failed(number=1, **changes):
    return run(
        number,
        **{
            "status": ReportStatus.FAILED,
            "failed_cell": 3,
            "error_type": "KeyError",
            "error_message": "'day'",
            **changes,
        },
    )


def story(run, **changes):
    return Story(**{"run": run, "title": "Cold starts", "timezone": "Europe/Madrid", **changes})


def pages(folder, number=1, kinds=("html", "pdf")):
    """Files as a run leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for kind in kinds:
        made[kind] = folder / f"cold_starts-{number}.{kind}"
        made[kind].write_text(f"<!DOCTYPE html><main><p>run {number}</p></main>")
    return made
