"""Keeping what is in the cloud: each change in the journal before it is answered, a snapshot now and then.

Rule: the journal alone is enough to have everything again; a snapshot only shortens the start. That holds
until the journal, or what nothing but it needs of the bodies, has grown large: then a new one is begun on top
of a snapshot, and the old one goes. One folder has

    journal     each change, a line each
    snapshot    all of it at one place of the journal
    bodies/     large requests and objects, by digest
    keys/       private keys that changes in the journal made
    aside/      what could not be read, as it was
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import traceback
import uuid
from typing import TYPE_CHECKING, Any

from faaslab.clock import SYSTEM
from faaslab.cloud.child import snapshot
from faaslab.cloud.child.answers import NOT_THERE, answer, failure, reason, refused, told
from faaslab.cloud.child.asked import Answer, Asked, through
from faaslab.cloud.child.bodies import Bodies
from faaslab.cloud.child.changes import Kind, kind
from faaslab.cloud.child.journal import Change, Damaged, Journal
from faaslab.cloud.child.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faaslab.cloud.child.bridge import Bridge
    from faaslab.cloud.child.keys import Keys
    from faaslab.cloud.child.moments import Moments
    from faaslab.cloud.child.turns import Turn

# A start repeats at most so much work; a snapshot that takes long is made less often.
_TAIL_S = 1.0
_RARER = 4
_SYNC_S = 1.0


class Unreadable(Exception):
    """What was kept cannot be read; the message says why, and where it is."""


class _NoBase(Exception):
    """The snapshot that a journal goes on from cannot be used."""


class StartAnew(Exception):
    """The snapshot could not be used; it is out of the way, and another process has to begin."""


class Keeper:
    """Asks moto's application, and keeps what changed."""

    def __init__(
        self,
        app: Callable[..., Any],
        folder: Path,
        *,
        turn: Turn,
        moments: Moments,
        bridge: Bridge,
        keys: Keys,
        longest_journal: int = 64 << 20,
        most_spare: int = 1 << 30,
    ) -> None:
        self._app = app
        self._folder = folder
        self._turn = turn
        self._moments = moments
        self._bridge = bridge
        self._keys = keys
        self._bodies = Bodies(folder / "bodies")
        self._key = snapshot.key()
        self._longest_journal, self._most_spare = longest_journal, most_spare
        self._journal: Journal
        self._tail_s = 0.0
        self._snapshot_s = 0.0
        self._covered = -1
        self._under_way = 0
        self._pending: dict[str, Any] = {}
        self._due = threading.Event()
        self._ended = threading.Event()
        self.repeated = 0
        """How many changes were repeated from the journal at the start."""

    def open(self) -> None:
        """Have everything again. Raises `StartAnew`, `Unreadable`; what is damaged is then put aside."""
        path = self._folder / "journal"
        (self._folder / "journal.next").unlink(missing_ok=True)
        try:
            self._journal = Journal(path, self._bodies, identity=uuid.uuid4().hex)
        except Damaged as damage:
            raise Unreadable(self._aside(path, damage, keep=0)) from damage
        self._bridge.silent = self._moments.repeating = True
        try:
            self._restore()
            # All lines are looked at, those before the snapshot too.
            for place, change in self._journal.changes(max(self._covered, 0)):
                self._repeat(place, change)
        except Damaged as damage:
            raise Unreadable(self._aside(path, damage, keep=damage.offset)) from damage
        except _NoBase as error:
            # It is whole: whoever can open it has all of it. An empty cloud in its place would be a loss.
            self._journal.close()
            raise Unreadable(
                f"what the embedded cloud kept in {self._folder} cannot be opened here, and was left as it "
                f"is: {error}; start it as that user, with that version, or move the folder away to begin "
                "with an empty cloud"
            ) from error
        finally:
            self._bridge.silent = self._moments.repeating = False
        self._bridge.handed_over = self._handed_over
        self._bridge.resume(self._pending, self._journal.all_done())
        threading.Thread(target=self._upkeep, name="upkeep", daemon=True).start()

    def carry(self, asked: Asked) -> Answer:
        """The answer; a change is in the journal before it is given."""
        if refusal := refused(asked):
            return refusal
        asked = redacted(asked)
        what = kind(asked)
        if what is Kind.QUESTION:
            with self._turn.taken():
                return self._ask(asked)
        with contextlib.ExitStack() as held:
            moment: list[Any] = [*self._moments.fresh()]
            again = lambda anew: self._again(moment, anew=anew)  # noqa: E731
            receives = what is Kind.RECEIPT
            parting = (lambda: self._received(asked, moment)) if receives else (lambda: None)
            held.enter_context(self._turn.taken(again, parting=parting))
            held.enter_context(self._moments.at(*moment))
            begun = SYSTEM.monotonic()
            if receives:
                return self._receive(asked, moment)
            self._under_way += 1
            held.callback(self._no_longer_under_way)
            try:
                place = self._journal.append(Change(now=moment[0], seed=moment[1], asked=asked))
            except OSError as error:
                return failure(asked, f"the embedded cloud cannot keep this: {error}")
            self._bridge.caused_by(f"{place}-{moment[1]}")
            given = self._ask(asked)
            self._bridge.caused_by("")
            if 400 <= given.status < 500 or given.status == NOT_THERE:
                self._journal.take_back(place)
            self._count(SYSTEM.monotonic() - begun)
            return given

    def close(self) -> None:
        """Put everything down, so that the next start is a short one."""
        self._ended.set()
        self._due.set()
        with self._turn.taken():
            if self._journal.end not in (self._covered, self._journal.begin):
                self._save()
            self._journal.close()

    def _again(self, moment: list[Any], *, anew: bool) -> None:
        """The turn came back: what was waited for is there now, or a function was looked up in between."""
        moment[:] = self._moments.fresh() if anew else (moment[0], moment[1] + 1)
        self._moments.again(*moment)

    def _no_longer_under_way(self) -> None:
        self._under_way -= 1

    def _receive(self, asked: Asked, moment: list[Any]) -> Answer:
        """A receiver that waits is carried out when it got something, so it is written down then."""
        given = self._ask(asked)
        try:
            self._received(asked, moment)
        except OSError as error:
            return failure(asked, f"the embedded cloud cannot keep this: {error}")
        return given

    def _received(self, asked: Asked, moment: list[Any]) -> None:
        """Write down that a receiver changed something, before others have their turn."""
        if self._moments.received:
            self._journal.append(Change(now=moment[0], seed=moment[1], asked=asked))
            self._moments.received = False
            self._count(0.001)

    def _ask(self, asked: Asked) -> Answer:
        try:
            return told(asked, through(self._app, asked))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            if why := reason(asked, error):
                return answer(asked, why)
            traceback.print_exc(file=sys.stderr)
            return failure(asked, f"{type(error).__name__} in the embedded cloud: {error}")

    def _handed_over(self, name: str) -> None:
        with contextlib.suppress(OSError), self._turn.taken():
            self._journal.done(name)

    def _count(self, seconds: float) -> None:
        self._tail_s += seconds
        if self._tail_s > max(_TAIL_S, _RARER * self._snapshot_s):
            self._due.set()

    def _repeat(self, place: int, change: Change) -> None:
        begun = SYSTEM.monotonic()
        moment: list[Any] = [change.now, change.seed]
        again = lambda anew: self._again(moment, anew=anew)  # noqa: E731
        with self._turn.taken(again), self._moments.at(*moment):
            self._bridge.caused_by(f"{place}-{change.seed}")
            self._ask(change.asked)
            self._bridge.caused_by("")
        self._tail_s += SYSTEM.monotonic() - begun
        self.repeated += 1

    def _restore(self) -> None:
        """Take the snapshot, where there is one that belongs to this journal."""
        based = self._journal.based
        found = None
        for name in ("snapshot", "snapshot.next"):
            path = self._folder / name
            if self._key is not None and found is None:
                found = snapshot.read(path, signed_with=self._key, identity=self._journal.identity)
                taken = path
        if found is None:
            if based:
                raise _NoBase("it goes on from a snapshot that another user or machine has made, or none")
            return
        said, data = found
        if not self._journal.begin <= said["offset"] <= self._journal.end:
            if based:
                raise _NoBase("its snapshot is of another place in it")
            return
        if said["version"] != snapshot.version() and not based:
            return
        try:
            snapshot.put_back(data, self._bodies)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            if based:
                raise _NoBase(
                    f"it goes on from a snapshot by {said['version']} that cannot be read"
                ) from error
            # What it left half done is in places that nobody can clean: another process begins without it.
            self._folder.joinpath("aside").mkdir(exist_ok=True)
            taken.replace(self._folder / "aside" / "snapshot")
            raise StartAnew from error
        self._covered, self._pending = said["offset"], said["pending"]

    def _save(self) -> None:
        """Make a snapshot; with the turn. Where that fails the journal goes on being enough."""
        if self._key is None or self._under_way:
            # A change that lent its turn has its line, and not yet all that it does. Its end asks again.
            return
        begun = SYSTEM.monotonic()
        try:
            data, digests = snapshot.taken(self._bodies)
            # Nothing stands on one that nobody could read.
            snapshot.prove(data, self._bodies)
            spare = self._bodies.size - sum(digests.values())
            if self._journal.end > self._longest_journal or spare > self._most_spare:
                self._begin_anew(data)
                self._bodies.only(set(digests))
                self._keys.forget()
            else:
                self._journal.sync()
                self._write(self._folder / "snapshot", data)
            self._covered = self._journal.end
        except Exception:  # noqa: BLE001 - see above
            traceback.print_exc(file=sys.stderr)
            self._snapshot_s += _TAIL_S
        else:
            self._snapshot_s = SYSTEM.monotonic() - begun
        self._tail_s = 0.0

    def _begin_anew(self, data: bytes) -> None:
        """Put a journal that goes on from this snapshot in place of the one there is.

        The moment is the renaming of the journal. Before it the old one and its snapshot are there; after it
        the new snapshot is, under one name or the other.
        """
        path = self._folder / "journal"
        path.with_name("journal.next").unlink(missing_ok=True)
        fresh = Journal(path.with_name("journal.next"), self._bodies, identity=uuid.uuid4().hex, based=True)
        old, self._journal = self._journal, fresh
        try:
            fresh.sync()
            self._write(self._folder / "snapshot.next", data)
            fresh.move(path)
        except BaseException:
            self._journal = old
            fresh.close()
            raise
        old.close()
        self._folder.joinpath("snapshot.next").replace(self._folder / "snapshot")

    def _write(self, path: Path, data: bytes) -> None:
        assert self._key is not None
        identity, offset = self._journal.identity, self._journal.end
        pending = self._bridge.pending()
        snapshot.write(path, data, signed_with=self._key, identity=identity, offset=offset, pending=pending)

    def _upkeep(self) -> None:
        while not self._ended.is_set():
            due = self._due.wait(_SYNC_S)
            with contextlib.suppress(OSError), self._turn.taken():
                if self._ended.is_set():
                    return
                if due:
                    self._due.clear()
                    self._save()
            with contextlib.suppress(OSError):
                self._journal.sync()

    def _aside(self, path: Path, why: Exception, *, keep: int) -> str:
        """Put a copy aside and keep what stands before the damage; what to tell."""
        folder = self._folder / "aside"
        folder.mkdir(mode=0o700, exist_ok=True)
        number = 1
        while (folder / f"journal.{number}").exists():
            number += 1
        kept = folder / f"journal.{number}"
        shutil.copyfile(path, kept)
        kept.chmod(0o600)
        with contextlib.suppress(OSError):
            shutil.copyfile(self._folder / "snapshot", folder / f"snapshot.{number}")
        if keep:
            self._journal.cut(keep)
            rest = "what stands before that is there with the next start"
        else:
            path.unlink()
            rest = "the next start begins with an empty cloud"
        return f"what the embedded cloud kept is damaged ({why}); it was put aside as {kept}, {rest}"
