"""What is installed, what this machine enforces, whether the store is healthy: rows for people."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from faaslab.lab import standing

if TYPE_CHECKING:
    from faaslab.lab import Lab

PACKAGES = ("faaslab", "duckdb", "pandas", "jupyterlab", "papermill", "nbconvert", "boto3")
Row = tuple[str, str, str]
_STATES = {"ok": "ok", "warning": "note", "error": "bad"}
"""(what, ok | note | bad, detail)."""


def rows(lab: Lab) -> list[Row]:
    """All findings, the machine's first."""
    return [*_machine(), *_packages(), *_runtimes(), *_enforced(lab), *_store(lab)]


def _machine() -> list[Row]:
    system = platform.system()
    found: list[Row] = [
        (
            "python",
            "ok" if sys.version_info >= (3, 11) else "bad",
            f"{platform.python_version()} ({sys.executable})",
        )
    ]
    if system == "Linux":
        found.append(("system", "ok", f"{system} {platform.release()} {platform.machine()}"))
    elif system == "Darwin":
        found.append(("system", "note", f"macOS {platform.machine()}: less is enforced here than on Linux"))
    else:
        found.append(("system", "bad", f"{system}: use Linux, macOS, or WSL on Windows"))
    return found


def _packages() -> list[Row]:
    found: list[Row] = []
    for name in PACKAGES:
        version = _version(name)
        found.append((name, "ok", version) if version else (name, "bad", "not installed"))
    client = _version("awslambdaric")
    found.append(
        ("awslambdaric", "ok", client)
        if client
        else ("awslambdaric", "note", "not installed: faaslab's own runtime client serves")
    )
    return found


def _runtimes() -> list[Row]:
    """What else than this Python can run here; neither is needed."""
    found: list[Row] = []
    for name, for_what in (("node", "Node.js functions"), ("npm", "Node.js functions: AWS's client")):
        path = shutil.which(name)
        found.append((name, "ok", path) if path else (name, "note", f"not installed; {for_what} need it"))
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        if name == "faaslab":
            return str(sys.modules["faaslab"].__version__)  # run from the source tree
        return None


def _enforced(lab: Lab) -> list[Row]:
    return [
        (f"limit: {limit}", "note" if "not enforced" in how else "ok", how)
        for limit, how in lab.enforced().items()
    ]


def _store(lab: Lab) -> list[Row]:
    found: list[Row] = [("store", "ok", str(lab.store.path))]
    healthy = [_finding(finding) for finding in lab.store.check() if finding.name != "home"]
    return [*found, *healthy, _home(lab), _queue(lab), *_reports(lab), *_workflows(lab), *_running(lab)]


def _running(lab: Lab) -> list[Row]:
    """What keeps others from seeing what runs in this process, if anything does."""
    trouble = lab.running.trouble
    return [] if trouble is None else [("what runs", "bad", f"other processes do not see it: {trouble}")]


def _home(lab: Lab) -> Row:
    """Who is the home of the store: what runs once for all of its processes runs there."""
    error = lab.home.last_error
    if error is not None:
        return ("home", "bad", f"this process cannot be the home of the store: {error}")
    lease = lab.home.find()
    if lease is None:
        return ("home", "ok", "no process; the next one that runs something or serves becomes it")
    since = str(lease.notes.get(standing.SINCE) or "")[:19].replace("T", " ")
    how = ", which serves" if lease.notes.get(standing.STANDING) else ""
    this = "this process, " if lab.home.here else ""
    return ("home", "ok", f"{this}{standing.told(lease)}{how}, since {since} UTC (epoch {lease.epoch})")


def _reports(lab: Lab) -> list[Row]:
    """Whether anybody runs the reports that are scheduled."""
    schedules = lab.reports.schedules
    names = [schedule.name for schedule in schedules.list()]
    if not names:
        return []
    error, late = schedules.last_error, schedules.overdue()
    if error is not None:
        return [("reports", "bad", f"what is due is held up: {error}")]
    if late:
        told = ", ".join(f"{name} on {at:%Y-%m-%d %H:%M %Z}" for name, at in late.items())
        return [
            ("reports", "bad", f"due, and nobody runs it (report daemon, serve, report tick): {told[:300]}")
        ]
    return [("reports", "ok", f"{len(names)} scheduled, none overdue (report schedules)")]


def _workflows(lab: Lab) -> list[Row]:
    """What the engine of this process cannot do, where there is one."""
    trouble, error = lab.workflows.runs.trouble, lab.workflows.runs.last_error
    found: list[Row] = []
    if trouble is not None:
        found.append(
            ("workflows", "bad", f"what happened cannot be kept: {trouble}; it is tried again until it can")
        )
    if error is not None:
        told = f"{type(error).__name__}: {error}"
        found.append(("workflows", "note", f"an execution met an error of faaslab's own: {told[:300]}"))
    return found


def _queue(lab: Lab) -> Row:
    waiting = lab.asynchronous.depth()
    error = lab.asynchronous.last_error
    if error is not None:
        return ("queue", "bad", f"{waiting} asynchronous events wait, and it is held up: {error}")
    unread = lab.asynchronous.unreadable()
    if unread:
        return ("queue", "bad", f"{unread} events are kept that this version cannot read (queue ls)")
    failing = lab.asynchronous.failing()
    if failing:
        first, *others = (f"{count} for {error}" for error, count in failing.items())
        more = f"; {len(others)} more reasons" if others else ""
        return ("queue", "bad", f"messages keep failing: {first[:300]}{more} (queue ls)")
    if waiting and not lab.asynchronous.is_used_here():
        return ("queue", "note", f"{waiting} events were queued elsewhere; queue run runs them here")
    return ("queue", "ok", f"{waiting} asynchronous events wait or run (queue ls)" if waiting else "empty")


def _finding(finding: Any) -> Row:
    hint = f" ({finding.hint})" if finding.hint else ""
    return (f"store: {finding.name}", _STATES[finding.level], f"{finding.message}{hint}")
