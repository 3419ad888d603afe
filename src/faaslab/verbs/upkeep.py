"""The verbs for the store and for faaslab itself: import, store …, config, doctor, quickstart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue, Stopped
from faaslab.model.moment import span
from faaslab.verbs.answers import DoneAnswer, TableAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab
    from faaslab.store import Doomed
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call


def import_logs(lab: Lab, call: Call, face: Face) -> Answer:
    """Executions out of log files."""
    result = lab.import_logs(
        [Path(name).expanduser() for name in call["files"]], function=call["function"], region=call["region"]
    )
    kept = f"kept in {result.reject_file}"
    if result.rejected:
        one = result.rejected == 1
        face.note(
            f"{_counted(result.rejected, 'line')} could not be read; {'it is' if one else 'they are'} {kept}"
        )
    if result.unplaced:
        one = result.unplaced == 1
        face.note(
            f"{_counted(result.unplaced, 'line')} {'belongs' if one else 'belong'} to no whole invocation; "
            f"{'it is' if one else 'they are'} {kept}"
        )
    if result.undated:
        one = result.undated == 1
        face.note(
            f"{'1 execution has' if one else f'{result.undated:,} executions have'} no time in the log; "
            f"{'it counts' if one else 'they count'} as of when it was saved"
        )
    if result.unnamed:
        face.note(
            f"{_counted(result.unnamed, 'execution')} {'was' if result.unnamed == 1 else 'were'} left out: "
            f"{'its' if result.unnamed == 1 else 'their'} log does not name the function; "
            "import it again with --function NAME"
        )
    left_out = result.rejected or result.unplaced or result.unnamed
    known = f", {result.already_known} known already" if result.already_known else ""
    return DoneAnswer(
        text=f"{_counted(result.executions, 'execution')} and {_counted(result.logs, 'log line')} "
        f"from {_counted(result.files, 'file')}{known}",
        facts={
            "files": result.files,
            "executions": result.executions,
            "logs": result.logs,
            "already_known": result.already_known,
            "rejected": result.rejected,
            "unplaced": result.unplaced,
            "undated": result.undated,
            "unnamed": result.unnamed,
            "reject_file": None if result.reject_file is None else str(result.reject_file),
        },
        # Nothing came in and something was turned away: what was asked for was not done.
        exit_status=0 if result.executions or result.already_known or not left_out else 2,
    )


_MUCH = 0.5
_RAN = ("executions", "workflow_executions")


def much(doomed: Sequence[Doomed]) -> bool:
    """Whether so much would go that it may be a slip: more than half of all rows, or all that ran."""
    rows, total = sum(each.rows for each in doomed), sum(each.total for each in doomed)
    ran = [each for each in doomed if each.table in _RAN and each.rows]
    return rows > total * _MUCH or any(each.rows == each.total for each in ran)


def prune(lab: Lab, call: Call, face: Face) -> Answer:
    """Forget what is older; ask first when that is much."""
    keep = span(call["keep"], place="--keep")
    if call["dry_run"]:
        return _foreseen(lab.store.doomed(keep), call["keep"], face)
    if not call["yes"] and much(doomed := lab.store.doomed(keep)):
        told = (
            f"{sum(each.rows for each in doomed):,} of {sum(each.total for each in doomed):,} rows are older "
            f"than {call['keep']} and would be forgotten for good"
        )
        sure = face.confirm(f"{told}; forget them?")
        if sure is None:
            raise InvalidValue(
                told, place="--keep", hint="look first with --dry-run; --yes forgets without a question"
            )
        if not sure:
            raise Stopped(
                "nothing was forgotten", hint=f"what it would be: store prune --keep {call['keep']} --dry-run"
            )
    pruned = lab.store.prune(keep)
    rows = sum(pruned.rows.values())
    return DoneAnswer(
        text=f"forgot {rows:,} rows and {pruned.blobs:,} blobs older than {call['keep']}; "
        "store compact makes the file smaller",
        facts={"rows": dict(pruned.rows), "blobs": pruned.blobs},
    )


def _foreseen(doomed: Sequence[Doomed], keep: str, face: Face) -> Answer:
    import pandas as pd

    rows = [(each.table, each.rows, each.total, each.oldest, each.newest) for each in doomed if each.rows]
    face.note(
        f"{sum(each.rows for each in doomed):,} of {sum(each.total for each in doomed):,} rows would be "
        f"forgotten; nothing was"
    )
    return TableAnswer(
        df=pd.DataFrame(rows, columns=["table", "rows", "of", "oldest", "newest"]),
        title=f"what is older than {keep}",
        empty=f"nothing is older than {keep}",
    )


def compact(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Give back the space of what was deleted."""
    sizes = lab.store.compact()
    return DoneAnswer(
        text=f"{sizes.before_bytes:,} bytes before, {sizes.after_bytes:,} now",
        facts={"before_bytes": sizes.before_bytes, "after_bytes": sizes.after_bytes},
    )


def backup(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """A whole copy."""
    path = lab.store.backup(Path(call["path"]).expanduser())
    return DoneAnswer(text=f"a copy stands in {path}", facts={"backup": str(path)})


def export(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Parquet by day."""
    where = call["directory"] if "://" in call["directory"] else Path(call["directory"]).expanduser()
    rows = lab.store.export(where)
    return DoneAnswer(
        text=f"{sum(rows.values()):,} rows as Parquet files by day in {where}",
        facts={"directory": str(where), "rows": dict(rows)},
    )


def import_store(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The history of another store into this one."""
    path = Path(call["path"]).expanduser()
    rows = lab.store.import_store(path)
    return DoneAnswer(
        text=f"{sum(rows.values()):,} new rows from {path}", facts={"imported": str(path), "rows": dict(rows)}
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def config(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Every setting with its source."""
    return TableAnswer(df=lab.settings_table(), title="settings")


def doctor(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """What is installed, what is enforced here, whether the store is healthy."""
    df = lab.doctor()
    return TableAnswer(df=df, title="doctor", exit_status=1 if (df["state"] == "bad").any() else 0)


def quickstart(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """A first run of everything, with a report at its end."""
    from faaslab.lab import quickstart as quick

    done = quick.run(lab, face.progress)
    broken = [report.name for report in done.reports if report.status == "failed"]
    text = (
        f"{done.invocations:,} invocations and {done.runs:,} runs of a workflow "
        f"recorded in {lab.store.path}\n{done.page}"
    )
    if broken:
        text = f"a cell failed in: {', '.join(broken)}\n{text}"
    facts = {
        "page": str(done.page),
        "invocations": done.invocations,
        "failed": done.failed,
        "runs": done.runs,
        "runs_failed": done.runs_failed,
        "reports": broken,
    }
    return DoneAnswer(text=text, facts=facts, exit_status=1 if broken else 0)


VERBS: tuple[Verb, ...] = (
    Verb(
        name="import logs",
        summary="take in REPORT, START and END lines of real log files",
        run=import_logs,
        positionals=(
            Positional(
                name="files", help="text, JSON, exported log events; also .gz", rest=True, completes="file"
            ),
        ),
        options=(
            Option(
                flags=("--function",),
                name="function",
                metavar="NAME",
                help="whose logs these are, where they do not say",
            ),
            Option(flags=("--region",), name="region", metavar="NAME", help="the region they come from"),
        ),
        examples=("import logs export/*.gz --function score",),
    ),
    Verb(
        name="store prune",
        summary="forget what is older",
        run=prune,
        options=(
            Option(
                flags=("--keep",), name="keep", metavar="SPAN", default="90d", help="keep this much (90d)"
            ),
            Option(
                flags=("--dry-run",),
                name="dry_run",
                help="forget nothing, tell how many rows of each table would go, and from when they are",
            ),
            Option(
                flags=("--yes", "-y"),
                name="yes",
                help="do not ask; needed in a script when more than half of the rows, or all that ran, go",
            ),
        ),
        examples=("store prune --keep 90d", "store prune --keep 30d --dry-run"),
    ),
    Verb(name="store compact", summary="give back the space of what was deleted", run=compact),
    Verb(
        name="store backup",
        summary="copy the whole store",
        run=backup,
        positionals=(Positional(name="path", help="the file to write", completes="file"),),
        examples=("store backup before.duckdb",),
    ),
    Verb(
        name="store export",
        summary="write the history as Parquet files by day",
        run=export,
        positionals=(Positional(name="directory", help="where to", completes="file"),),
        examples=("store export out/",),
    ),
    Verb(
        name="store import-store",
        summary="take in the history of another store",
        run=import_store,
        positionals=(Positional(name="path", help="its faaslab.duckdb", completes="file"),),
        examples=("store import-store other/faaslab.duckdb",),
    ),
    Verb(name="config", summary="every setting with its source", run=config),
    Verb(name="doctor", summary="what is installed, what is enforced, is the store healthy", run=doctor),
    Verb(name="quickstart", summary="define, run and report: everything once, for real", run=quickstart),
)
