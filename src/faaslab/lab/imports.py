"""Real logs into the store: the executions in saved log files, beside those that were run here.

Rules: the same invocation comes in once, however often and in whatever file it is imported, also by two
processes at once; nothing that a file holds is dropped unsaid: what became part of no execution stands in
a reject file beside the store, line by line, with the reason.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from faaslab.backends import log_files
from faaslab.backends.log_events import Unreadable
from faaslab.backends.log_invocation import NAMELESS
from faaslab.clock import SYSTEM
from faaslab.errors import InvalidValue, RecordRejected, StoreBusy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from faaslab.clock import Clock
    from faaslab.model.execution import Execution
    from faaslab.store import Lease, Store

# Executions in one transaction, and lines of log in it, so that neither makes it long.
BATCH = 1_000
_BATCH_LINES = 20_000
# A batch takes well under a second; whoever is silent for this long is gone.
_LEASE_S = 60.0
# Rows of one import in the table `rejects`; the file has them all.
_REJECT_ROWS = 1_000
_REJECT_TEXT = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did; the counts are of this import only."""

    files: int
    executions: int
    """Those that are new in the store."""
    logs: int
    """Log lines of the new executions."""
    already_known: int
    rejected: int
    """Lines that could not be read, and executions that could not be stored."""
    unplaced: int = 0
    """Lines that were understood, but whose invocation is not, or not whole, in these files."""
    undated: int = 0
    """Executions in files without any time: they count as of when the file was saved."""
    unnamed: int = 0
    """Executions left out because neither the log nor the caller names their function. They come in when
    the same files are imported with a name; recorded without one they would stay nameless for ever."""
    reject_file: Path | None = None
    """One JSON object a line (file, line, reason, text) for all that is rejected or unplaced."""


def import_logs(
    store: Store,
    paths: Iterable[str | os.PathLike[str]],
    *,
    function: str | None = None,
    region: str | None = None,
    clock: Clock = SYSTEM,
    wait_s: float = 600.0,
) -> ImportResult:
    """Record the executions in these files and folders, marked `imported`.

    Forms: `backends.log_events`. `function` and `region` are for logs that do not tell them. While another
    process imports into the same store this one waits, at most `wait_s` seconds, then raises `StoreBusy`.
    """
    named = [Path(path) for path in paths]
    if not named:
        raise InvalidValue("no file was named", place="import logs", hint="import logs FILE ...")
    reading = log_files.read(*named, function=function, region=region)
    with _Turn(store, clock, wait_s) as turn, _Rejects(store, named) as rejects:
        writer = _Writer(store, turn, rejects, named=function is not None)
        for item in reading:
            if isinstance(item, Unreadable):
                rejects.add(item)
            else:
                writer.add(item)
        writer.flush()
        reject_file = rejects.keep()
    return ImportResult(
        files=reading.files,
        executions=writer.new,
        logs=writer.logs,
        already_known=writer.known,
        rejected=rejects.rejected,
        unplaced=rejects.unplaced,
        undated=reading.undated,
        unnamed=writer.unnamed,
        reject_file=reject_file,
    )


class _Turn:
    """One import at a time in a store: a lease, renewed with every batch."""

    def __init__(self, store: Store, clock: Clock, wait_s: float) -> None:
        self._store = store
        self._clock = clock
        self._wait_s = wait_s
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._lease: Lease | None = None

    def __enter__(self) -> Self:
        self.hold()
        return self

    def hold(self) -> None:
        """Have the lease, anew or still."""
        if self._lease is not None and self._store.leases.renew(self._lease):
            return
        never = threading.Event()
        until = self._clock.monotonic() + self._wait_s
        while (lease := self._store.leases.acquire("import", self._owner, ttl_s=_LEASE_S)) is None:
            if self._clock.monotonic() > until:
                raise StoreBusy(
                    "another import into this store is going on", hint="try again when it has ended"
                )
            self._clock.wait(never, 0.1)
        self._lease = lease

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lease is not None:
            self._store.leases.release(self._lease)


class _Writer:
    """Executions in batches, without those that the store has."""

    def __init__(self, store: Store, turn: _Turn, rejects: _Rejects, *, named: bool) -> None:
        self._store = store
        self._named = named
        self._turn = turn
        self._rejects = rejects
        self._batch: dict[str, Execution] = {}
        self._lines = 0
        self.new = self.known = self.logs = self.unnamed = 0

    def add(self, execution: Execution) -> None:
        if not self._named and execution.function == NAMELESS:
            self.unnamed += 1
            return
        if execution.id in self._batch:
            self.known += 1
            return
        self._batch[execution.id] = execution
        self._lines += len(execution.logs)
        if len(self._batch) >= BATCH or self._lines >= _BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        batch, self._batch, self._lines = self._batch, {}, 0
        if not batch:
            return
        self._turn.hold()
        with self._store.connect() as connection:
            rows = connection.execute(
                "SELECT id FROM executions WHERE id IN (SELECT unnest($1::VARCHAR[]))", [list(batch)]
            ).fetchall()
        present = {row[0] for row in rows}
        self.known += len(present)
        self._record([execution for id_, execution in batch.items() if id_ not in present])

    def _record(self, executions: list[Execution]) -> None:
        """In one transaction; around one that cannot be stored, in smaller ones."""
        if not executions:
            return
        try:
            self._store.record(*executions)
        except RecordRejected as error:
            if len(executions) > 1:
                middle = len(executions) // 2
                self._record(executions[:middle])
                self._record(executions[middle:])
                return
            text = "\n".join(line.message for line in executions[0].logs)
            reason = f"the execution {executions[0].request_id} cannot be stored: {error}"
            self._rejects.add(Unreadable(Path(), 0, text, reason))
            return
        self.new += len(executions)
        self.logs += sum(len(execution.logs) for execution in executions)


class _Rejects:
    """The reject file, which stands under its name only when the import has ended, and rows of `rejects`."""

    def __init__(self, store: Store, paths: list[Path]) -> None:
        self._store = store
        folder = store.path.with_name(f"{store.path.name}.rejects")
        whole = "\n".join(str(path.absolute()) for path in paths)
        name = f"{paths[0].stem or 'import'}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}.jsonl"
        self._path = folder / name
        self._partial = folder / f".{name}.{os.getpid()}"
        self._file: TextIO | None = None
        self._rows: list[tuple[str, str]] = []
        self.rejected = 0
        self.unplaced = 0

    def __enter__(self) -> Self:
        return self

    def add(self, found: Unreadable) -> None:
        if self._file is None:
            self._partial.parent.mkdir(exist_ok=True)
            self._file = self._partial.open("w", encoding="utf-8")
        entry = {"file": str(found.path), "line": found.line, "reason": found.reason, "text": found.text}
        # Escaped, so that no character of it can be refused by the file.
        self._file.write(json.dumps(entry) + "\n")
        if found.continued:
            return
        if found.unplaced:
            self.unplaced += 1
            return
        self.rejected += 1
        if self.rejected <= _REJECT_ROWS:
            self._rows.append((f"{found.path.name}:{found.line}: {found.reason}", found.text[:_REJECT_TEXT]))

    def keep(self) -> Path | None:
        """Write the rows that the store does not have, and give the file its name."""
        if self._file is None:
            return None
        if self._rows:
            with self._store.connect() as connection:
                errors = sorted({error for error, _ in self._rows})
                known = connection.execute(
                    "SELECT error FROM rejects "
                    "WHERE kind = 'import' AND error IN (SELECT unnest($1::VARCHAR[]))",
                    [errors],
                ).fetchall()
            present = {row[0] for row in known}
            for error, text in self._rows:
                if error not in present:
                    self._store.reject("import", error, text)
        self._file.close()
        self._file = None
        self._partial.replace(self._path)
        return self._path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._partial.unlink(missing_ok=True)
