"""What a doctor looks at in a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from faaslab.errors import FaaslabError, StoreMoved
from faaslab.store import place
from faaslab.store.holders import holders_of
from faaslab.store.migrations import NEWEST_HISTORY, NEWEST_STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.store.history import History
    from faaslab.store.leases import Leases
    from faaslab.store.merge import Merger
    from faaslab.store.reading import Connection
    from faaslab.store.state import State

MANY_IN_OUTBOX = 50_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    level: Literal["ok", "warning", "error"]
    message: str
    hint: str | None = None


def findings(
    state: State, history: History, merger: Merger, leases: Leases, connect: Callable[[], Connection]
) -> tuple[Finding, ...]:
    """All that can be found out without changing anything; a check that fails is itself a finding."""
    try:
        state.require_in_place()
    except StoreMoved as error:  # what else is found by its path would be told of another store
        return (Finding(name="place", level="error", message=error.message, hint=error.hint),)
    looks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("file system", lambda: _place(history)),
        ("schema", lambda: _schema(state, history)),
        ("holders", lambda: _holders(history)),
        ("history", lambda: _complete(state, history)),
        ("outbox", lambda: _outbox(state, merger)),
        ("rejects", lambda: _rejects(connect)),
        ("state file", lambda: _whole(state)),
        ("home", lambda: _home(leases)),
    )
    found = []
    for name, look in looks:
        try:
            found.append(look())
        except FaaslabError as error:
            found.append(Finding(name=name, level="error", message=error.message, hint=error.hint))
    return tuple(found)


def _place(history: History) -> Finding:
    place.require(history.path)
    kind, _ = place.file_system(history.path.parent.resolve(), place.mounts())
    return Finding(name="file system", level="ok", message=f"{history.path} is on {kind or 'a local disk'}")


def _schema(state: State, history: History) -> Finding:
    number = state.schema_number()
    with history.shared():
        found = history.number
    text = f"state {number}, history {found}"
    if number > NEWEST_STATE or found > NEWEST_HISTORY:
        return Finding(
            name="schema",
            level="error",
            message=f"{text}; this faaslab knows {NEWEST_STATE} and {NEWEST_HISTORY}, it does not write",
            hint="upgrade: pip install -U faaslab",
        )
    return Finding(name="schema", level="ok", message=text)


def _holders(history: History) -> Finding:
    pids = holders_of(history.path)
    if not pids:
        return Finding(name="holders", level="ok", message="no other program holds the history")
    return Finding(
        name="holders",
        level="warning",
        message="held by PID " + ", ".join(map(str, sorted(set(pids)))),
        hint="merges wait until it is closed there; nothing is lost meanwhile",
    )


def _complete(state: State, history: History) -> Finding:
    """Whether the history has all that the state handed over to it; nothing can be merged meanwhile."""
    with history.shared():
        upto = history.furthest()
        with state.read() as connection:
            row = connection.execute(
                "SELECT (SELECT value FROM marks WHERE name = 'merging'), "
                "(SELECT count(*) FROM outbox WHERE seq > ?1 AND "
                "seq <= (SELECT value FROM marks WHERE name = 'merging'))",
                (upto,),
            ).fetchone()
    missing = int(row[0]) - upto - int(row[1])
    if missing <= 0:
        return Finding(name="history", level="ok", message=f"{history.path} has all that was merged")
    return Finding(
        name="history",
        level="error",
        message=f"{missing:,} of {int(row[0]):,} rows were merged into another file than {history.path}",
        hint="the store was moved while it was open, or its history was replaced: look for a .duckdb file at "
        "its old place, and take that in with: faaslab store import-store PATH",
    )


def _outbox(state: State, merger: Merger) -> Finding:
    rows = int(state.one("SELECT count(*) FROM outbox")[0])
    if merger.last_error is not None:
        return Finding(
            name="outbox",
            level="warning",
            message=f"{rows} rows wait; the last merge failed: {merger.last_error.message}",
            hint=merger.last_error.hint,
        )
    if rows > MANY_IN_OUTBOX:
        return Finding(
            name="outbox",
            level="warning",
            message=f"{rows} rows wait to be merged",
            hint="call store.merge()",
        )
    return Finding(name="outbox", level="ok", message=f"{rows} rows wait to be merged")


def _rejects(connect: Callable[[], Connection]) -> Finding:
    with connect() as connection:
        row = connection.execute("SELECT count(*), arg_max(error, timestamp) FROM rejects").fetchone()
    if row is None or not row[0]:
        return Finding(name="rejects", level="ok", message="nothing was rejected")
    return Finding(
        name="rejects",
        level="warning",
        message=f"{row[0]} records could not be stored or read; the last: {row[1]}",
        hint="SELECT * FROM rejects",
    )


def _whole(state: State) -> Finding:
    verdict = str(state.one("PRAGMA quick_check(1)")[0])
    if verdict == "ok":
        return Finding(name="state file", level="ok", message=f"{state.path} is whole")
    return Finding(
        name="state file",
        level="error",
        message=f"{state.path} is damaged: {verdict}",
        hint="move it away and put a backup back; the history stays readable",
    )


def _home(leases: Leases) -> Finding:
    lease = leases.holder("home")
    if lease is None:
        return Finding(name="home", level="ok", message="no process is the home of this store")
    where = f" at {lease.address}" if lease.address else ""
    return Finding(
        name="home", level="ok", message=f"its home is {lease.owner}{where} until {lease.until} UTC"
    )
