"""The turns that executions take: signals in, steps kept in one transaction, effects out; one thread.

Rule: `self._lock` is held for moments only, never while something is kept, thought or carried out. Whoever
has an execution marked busy is alone with it.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faaslab.errors import StoreError
from faaslab.model.workflow_steps import Beginning
from faaslab.workflow.effects import Continue, Failed, Fired, More, Started
from faaslab.workflow.engine import keeping
from faaslab.workflow.engine.hands import Hands
from faaslab.workflow.engine.lines import AT_ONCE, Lines
from faaslab.workflow.engine.listening import Listening
from faaslab.workflow.engine.live import Live, as_json
from faaslab.workflow.engine.machines import Machines
from faaslab.workflow.engine.signals import packed
from faaslab.workflow.engine.taking import gone_through
from faaslab.workflow.engine.timers import Timers
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from faaslab.clock import Clock
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.model.workflow_steps import Change, Taken
    from faaslab.workflow.effects import Effect, Signal
    from faaslab.workflow.engine.protocol import Carry, Interpret, Interpreter, Keeper

LISTEN_S = 0.05
"""How often others' signals are looked for while anything runs."""
TURN_S, FIRST_TURN_S = 0.05, 0.25
"""How long an execution may go on by itself before others have their turn; the first is its starter's."""
MANY = 1000
"""So many effects end a turn as well: whoever gave it to the execution carries them out."""
_RETRY_S = (0.1, 0.5, 2.0, 5.0)


class Turns:
    """Of one engine."""

    def __init__(self, keeper: Keeper, carry: Carry, interpret: Interpret, clock: Clock, owner: str) -> None:
        self._keeper = keeper
        self._interpret = interpret
        self._clock = clock
        self._hands = Hands(self, carry)
        self.machines = Machines()
        self.owner = owner
        self.heard: Callable[[Signal], Signal] = lambda signal: signal
        """What others say goes through this first."""
        self.closed = False
        self.closing = threading.Event()
        self.trouble: Exception | None = None
        """Why what happened cannot be kept at the moment; it is tried again until it can."""
        self.last_error: Exception | None = None
        """What went wrong last with one execution alone."""
        self.begin_here()

    def begin_here(self) -> None:
        """Everything that belongs to this process alone."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._live: dict[str, Live] = {}
        self._beginning: Counter[str] = Counter()
        self._taking = threading.Lock()  # held while executions are claimed, until they are here
        self._lines = Lines()
        self._later: dict[str, Live] = {}  # what the store could not keep, tried again at `_later_at`
        self._later_at, self._retries = 0.0, 0
        self._strayed_at: float | None = None  # when to look for what is kept as this engine's, but not here
        self._timers = Timers()
        self._wake = threading.Event()
        self._idle = False
        self._thread: threading.Thread | None = None
        self._listening = Listening(self._keeper, self._clock)

    def signal(self, execution_id: str, signal: Signal) -> bool:
        """See `Engine.signal`."""
        if self._pid == os.getpid():
            with self._lock:
                live = self._live.get(execution_id)
                if live is not None and not self.closed:
                    live.hear(signal)
                    self._enqueue(live)
                    return True
        return self.left(self._keeper.post(execution_id, packed(signal)))

    def left(self, posted: bool) -> bool:  # noqa: FBT001 - it is handed through
        """A letter may have been left for one that is here."""
        self._listening.look = True
        self._wake.set()
        return posted

    def find(self, execution_id: str) -> Live | None:
        """The execution, if it is here."""
        return self._live.get(execution_id)

    def lives(self) -> list[Live]:
        """All that are here."""
        with self._lock:
            return list(self._live.values())

    def end_of(self, execution_id: str) -> tuple[Live, threading.Event] | None:
        """An execution that is here, and what is set at its end."""
        with self._lock:
            live = self._live.get(execution_id)
            if live is None:
                return None
            if live.over is None:
                live.over = threading.Event()
            return live, live.over

    # -- going steps

    def first(self, live: Live) -> WorkflowExecution | None:
        """The first step of a new execution, in this thread; the one of its id that began before, if any."""
        effects = self._told(live, Started(), None, FIRST_TURN_S)
        change = live.change()
        assert change is not None
        try:
            known = self._begun(live, change)
            if known is None:
                self._do(live, effects)
                self._let_go(live)
        except Exception:
            raise
        except BaseException:  # an interrupt: the engine's thread goes on with what is kept
            self._stray([live], 0.0)
            raise
        return known

    def _begun(self, live: Live, change: Change) -> WorkflowExecution | None:
        with self._lock:
            self._timers.look(self._clock, self._live.values())
            self._beginning[live.id] += 1
        try:
            outcome = self._keeper.keep([change], self.owner)
            if outcome.known:
                return outcome.known[live.id]
            live.kept()
            with self._lock:
                live.busy = True
                if not live.ended:
                    self._live[live.id] = live
        finally:
            with self._lock:
                self._beginning -= Counter((live.id,))
        return None

    def _stray(self, lives: Iterable[Live], after_s: float) -> None:
        """Have the engine's thread take up from the store what is kept as this engine's, these as well."""
        for live in lives:
            self._drop(live)
        self._strayed_at = self._clock.monotonic() + after_s
        with self._lock:
            self._ensure_thread()
            self._wake.set()

    def make(self, live: Live) -> Interpreter:
        """The interpreter of an execution, before its first step."""
        beginning = live.beginning
        machine = self.machines.of(beginning.machine, beginning.definition)
        given, live.given = live.given, None
        value, context = given or (as_json(live.execution.input), as_json(beginning.context))
        return self._interpret(live.execution, machine, value, context, live.chance())

    def _told(
        self, live: Live, signal: Signal | None, letter: int | None, turn_s: float = TURN_S
    ) -> list[Effect]:
        """Tell it; while it has more to do by itself it goes on, for its turn. The effects so far."""
        until = self._clock.monotonic() + turn_s
        effects = list(live.tell(signal, self._clock.now(), letter))
        while effects and type(effects[-1]) is More and len(effects) < MANY and not self.closed:
            if self._clock.monotonic() >= until:
                break
            effects.pop()
            effects += live.tell(Continue(), self._clock.now())
        return effects

    def _advance(self, batch: Sequence[Live]) -> None:
        """Tell each of them what there is, keep it all at once, then do what is to be done."""
        done: dict[str, tuple[Live, list[Effect]]] = {}
        for live in batch:
            effects, live.owed = live.owed, []
            while live.signals and len(effects) < MANY:
                signal, letter = live.signals.popleft()
                effects += self._told(live, signal, letter)
            done[live.id] = (live, effects)
        self._settle(list(done.values()))

    def _settle(self, done: Sequence[tuple[Live, list[Effect]]]) -> None:
        """Keep what they thought, and do what came of it; what the store cannot keep now is for later."""
        changes = [change for live, _ in done if (change := live.change()) is not None]
        tried = keeping.tried(self._keeper, changes, self.owner)
        self._listening.answered(change for change in changes if change.execution.id not in tried.later)
        hopeless: list[tuple[Live, list[Effect]]] = []
        for live, effects in done:
            if live.id in tried.later:
                live.owed = effects
                self._postpone(live, tried.later[live.id])
            elif live.id in tried.never:
                self.last_error = tried.never[live.id]
                if live.hopeless:
                    self._drop(live)
                else:
                    hopeless.append((live, list(live.unkept(self.last_error, self._clock.now()))))
            elif live.id in tried.lost:
                self._drop(live)
            elif live.id in tried.known:
                self._was_known(live, tried.known[live.id])
            else:
                live.kept()
                self._do(live, effects)
                self._let_go(live)
        if not tried.later:
            self._retries, self.trouble = 0, self.trouble if self._later else None
        if hopeless:
            self._settle(hopeless)

    def _was_known(self, live: Live, known: WorkflowExecution) -> None:
        try:
            self._hands.known(live, known)
        except StoreError as error:
            self._postpone(live, error)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.last_error = error
            self._drop(live)
        else:
            self._drop(live)

    def _postpone(self, live: Live, error: Exception) -> None:
        """Try it again in a while."""
        self.trouble = error
        with self._lock:
            live.busy = False
            if not self._later:
                self._later_at = self._clock.monotonic() + _RETRY_S[min(self._retries, len(_RETRY_S) - 1)]
                self._retries += 1
            self._later[live.id] = live
            self._ensure_thread()
            self._wake.set()

    def _do(self, live: Live, effects: Iterable[Effect]) -> None:
        """Carry out what came of steps that are kept."""
        for effect in effects:
            if type(effect) is More:
                if not self.closed:  # else whoever takes it up continues
                    live.signals.append((Continue(), None))
            elif not self.closed or live.ended:
                self._safely(self._hands.do, live, effect)
        if live.ended:
            self._drop(live)
            self._safely(self._hands.ended, live)

    def _safely(self, act: Callable[..., object], *arguments: object) -> None:
        """What others raise is noted, and harms no other execution."""
        try:
            act(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.last_error = error

    # -- who has work

    def _enqueue(self, live: Live) -> None:
        """It has signals; called with the lock held."""
        if not live.busy and not live.queued:
            live.queued = True
            self._lines.add(live)
            self._ensure_thread()
            self._wake.set()

    def _let_go(self, live: Live) -> None:
        """Whoever had it is done with it."""
        with self._lock:
            live.busy = False
            if live.signals and live.id in self._live:
                self._enqueue(live)
            elif self._live:
                self._ensure_thread()
                if self._idle:  # with nothing to listen for it sleeps long
                    self._wake.set()

    def _drop(self, live: Live) -> None:
        """It has ended, or is not ours any more: what it awaits is still wanted, by whoever has it."""
        with self._lock:
            if self._live.get(live.id) is live:
                del self._live[live.id]
            live.timers.clear()
            over, live.over = live.over, None
        if over is not None:
            over.set()

    def add_timer(self, live: Live, key: str, due: datetime) -> None:
        """Tell it `Fired` then."""
        with self._lock:
            self._timers.add(live, key, due)
            if self._thread is not threading.current_thread():
                self._wake.set()

    def now(self) -> datetime:
        """The instant on its clock."""
        return self._clock.now()

    def tell(self, live: Live, signal: Signal) -> None:
        """Tell an execution of this engine something."""
        with self._lock:
            live.hear(signal)
            if live.id in self._live:
                self._enqueue(live)

    def begin(self, live: Live) -> bool:
        """Have a new execution begin in the engine's thread; False when one of that id is here."""
        with self._lock:
            if live.id in self._live:
                return False
            self._live[live.id] = live
            live.signals.append((Started(), None))
            self._enqueue(live)
            return True

    def child(self, execution: WorkflowExecution, machine: Mapping[str, Any], context: str, key: str) -> Live:
        """An execution that another one starts."""
        digest, text = self.machines.text_of(machine)
        return Live(execution, Beginning(digest, text, secrets.randbits(62), context, key), self.make)

    # -- taking up

    def resume(self, gone: Callable[[str], bool]) -> int:
        """Take up what runs and nobody has, this engine's own included; how many."""
        found: list[tuple[Live, tuple[Effect, ...]]] = []
        try:
            with self._taking:
                while taken := self._keeper.claim(self.owner, gone, limit=AT_ONCE, held=self._held):
                    found += [self._take_up(one) for one in taken]
        finally:  # what is taken up goes on, though the next cannot be read
            self.go_on(found)
        return len(found)

    def _held(self) -> set[str]:
        """The ids of what is here, or is just being begun."""
        with self._lock:
            return {*self._live, *self._beginning}

    def redrive(self, execution_id: str, key: str | None = None) -> Live | None:
        """Have one go on that had ended, a child awaited under `key`; None where that cannot be."""
        with self._taking:
            taken = self._keeper.claim_ended(execution_id, self.owner, key=key)
            if taken is None:
                return None
            one = self._take_up(taken)
        self.go_on([one])
        return one[0]

    def redrive_of(self, execution_id: str, key: str) -> bool:
        """Whether a child that had ended goes on."""
        return self.redrive(execution_id, key) is not None

    def _take_up(self, taken: Taken) -> tuple[Live, tuple[Effect, ...]]:
        live, effects = gone_through(taken, self.make, self._clock.now())
        with self._lock:
            self._timers.look(self._clock, self._live.values())
            self._live[live.id] = live
        return live, effects

    def go_on(self, taken: Sequence[tuple[Live, tuple[Effect, ...]]]) -> None:
        """Have done what the taken up ones await, and what came of their first step here."""
        stepped = [(live, list(effects)) for live, effects in taken if live.change() is not None]
        waiting = [live for live, _ in taken if live.change() is None]
        for live in waiting:
            with self._lock:
                for key, due in live.timers.items():
                    self._timers.add(live, key, due)
            if live.gave_way:
                live.signals.append((Continue(), None))
            for effect in list(live.awaited.values()):
                self._safely(self._hands.do, live, effect, live.told.get(effect.key, ()))
            self._let_go(live)
        self._settle(stepped)
        self._listening.look = True
        self._wake.set()

    # -- the thread

    def _ensure_thread(self) -> None:
        if (self._thread is None or not self._thread.is_alive()) and not self.closed:
            self._thread = threading.Thread(target=self._run, name="faaslab-workflows", daemon=True)
            with suppress(RuntimeError):  # the interpreter is ending
                self._thread.start()

    def _run(self) -> None:
        while not self.closed:
            self._wake.clear()
            self._listen()
            batch = self._ready()
            if batch:
                try:
                    self._advance(batch)
                except Exception as error:  # noqa: BLE001 - what is kept of them goes on
                    self.last_error = error
                    self._stray(batch, _RETRY_S[-1])
            elif self._strayed_at is not None and self._clock.monotonic() >= self._strayed_at:
                self._strayed_at = None
                self._safely(self.resume, lambda owner: False)  # noqa: ARG005
            else:
                self._clock.wait(self._wake, self._pause())
        batch = self._ready()
        while batch:  # what was answered already is kept, so that it is not done again
            self._advance(batch)
            batch = self._ready()

    def _ready(self) -> list[Live]:
        """Those that have something to be told, and that now are ours to tell."""
        with self._lock:
            self._timers.look(self._clock, self._live.values())
            if not self.closed:
                for live, key in self._timers.due(self._clock.now()):
                    live.signals.append((Fired(key), None))
                    self._enqueue(live)
                if self._later and self._clock.monotonic() >= self._later_at:
                    later, self._later = self._later, {}
                    for live in later.values():
                        if live.id in self._live:
                            self._enqueue(live)
            batch: list[Live] = []
            while not batch and (taken := self._lines.taken()):
                for live in taken:
                    live.queued = False
                    unkept = not self.closed and live.change() is not None
                    if live.id in self._live and (live.signals or unkept):
                        live.busy = True
                        batch.append(live)
            return batch

    def _pause(self) -> float:
        """How long nothing needs to be done."""
        with self._lock:
            self._idle = not self._live
            if self._idle:
                strayed = self._strayed_at
                return 3600.0 if strayed is None else max(strayed - self._clock.monotonic(), 0.0)
            fires = self._timers.left_s(self._clock.now())
            later = self._later_at - self._clock.monotonic() if self._later else LISTEN_S
        return max(min(later, fires, LISTEN_S), 0.0)

    def _listen(self) -> None:
        """Hear what other processes said, and say that this one is there."""
        if not self._live:
            return
        try:
            for letter in self._listening.letters(self.owner):
                self._hear(letter.number, letter.execution_id, self._listening.read(letter, self.heard))
        except StoreError as error:
            self.trouble, self._listening.look = error, True

    def _hear(self, number: int, execution_id: str, signal: Signal | None) -> None:
        with self._lock:
            live = self._live.get(execution_id)
            if live is None:
                self._listening.look = True  # kept, and not here yet: its first step is on its way
                return
            if self._listening.first(number):
                live.hear(signal, number)
                self._enqueue(live)

    # -- the end

    def close(self) -> None:
        """See `Engine.close`."""
        if self.closed:
            return
        with self._lock:
            self.closed = True
            thread = self._thread
        self.closing.set()
        self._wake.set()
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join()
        with self._lock:
            lives = list(self._live.values())
            self._live.clear()
        if lives or thread is not None:
            self._keeper.release(self.owner)
        for live in lives:
            self._drop(live)

    def failed(self, live: Live, key: str, cause: str) -> None:
        """What was to be done could not even be begun."""
        self.tell(live, Failed(key, RUNTIME, cause))
