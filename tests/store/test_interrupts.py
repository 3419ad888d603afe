"""A write that is interrupted anywhere (Ctrl-C, a notebook's stop button) leaves the store as if it never was."""

import dis
import signal
import sqlite3
import sys
import threading

import pytest

from faaslab.store import state as written_in

LEVELS = {False: 1, True: 2}


INTERRUPTED_AFTER = ("RESUME", "CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD", "CALL_METHOD")
"""The instructions after which Python hears signals, up to 3.14."""


class _Interrupting:
    """Raises KeyboardInterrupt at the nth moment of the state's own code at which Python hears signals."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.before = {}

    def __call__(self, frame, event, _):
        if frame.f_code.co_filename != written_in.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = self.before.get(frame, "RESUME")
            self.before[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if before in INTERRUPTED_AFTER:
                self.left -= 1
                if self.left == 0:
                    raise KeyboardInterrupt
        return self


def _add(state, *, durable):
    with state.write(durable=durable) as connection:
        connection.execute("INSERT INTO probe VALUES (1)")


def _append(state, *, durable):
    del durable
    state.append("x", "{}")


def _level(state):
    return state._writer.execute("PRAGMA synchronous").fetchone()[0]


@pytest.fixture
def state(store):
    with store._state.write(durable=False) as connection:
        connection.execute("CREATE TABLE probe (value)")
    return store._state


@pytest.mark.parametrize("deed", [_add, _append])
def test_an_interrupt_at_any_instruction_leaves_a_store_that_goes_on(state, deed):
    kept = []  # as a notebook keeps the last traceback
    at = 0
    while True:
        at += 1
        _add(state, durable=not at % 2)
        before = sys.gettrace()
        sys.settrace(_Interrupting(at))
        try:
            deed(state, durable=bool(at % 2))
        except KeyboardInterrupt as error:
            sys.settrace(before)
            kept.append(error)
        else:
            sys.settrace(before)
            break
        for durable in (True, False):
            _add(state, durable=durable)
            assert _level(state) == LEVELS[durable]
        _in_another_thread(state)
        assert not state._writer.in_transaction
    assert at > 10


def _in_another_thread(state):
    thread = threading.Thread(target=_add, args=(state,), kwargs={"durable": False})
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "the lock was not released"


def test_what_was_interrupted_is_not_there(state):
    before = state.one("SELECT count(*) FROM probe")[0]

    def interrupted():
        with state.write(durable=False) as connection:
            connection.execute("INSERT INTO probe VALUES (1)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert state.one("SELECT count(*) FROM probe")[0] == before


def test_another_connection_can_write_after_an_interrupt_as_it_begins(state, monkeypatch):
    class Interrupted(sqlite3.Connection):
        def execute(self, text, *given):
            found = super().execute(text, *given)
            if text == "BEGIN IMMEDIATE":
                raise KeyboardInterrupt
            return found

    monkeypatch.setattr(state, "_writer", sqlite3.connect(
        state.path, factory=Interrupted, isolation_level=None, check_same_thread=False
    ))  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        _add(state, durable=False)
    other = sqlite3.connect(state.path, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()
    state._writer.close()


def test_a_transaction_within_another_is_told_and_nothing_of_the_first_is_kept(state):
    before = state.one("SELECT count(*) FROM probe")[0]

    def twice():
        with state.write(durable=False) as connection:
            connection.execute("INSERT INTO probe VALUES (1)")
            _add(state, durable=False)

    with pytest.raises(RuntimeError, match="within"):
        twice()
    assert state.one("SELECT count(*) FROM probe")[0] == before + 1


def test_the_level_of_a_write_is_set_again_when_it_is_not_known(state, monkeypatch):
    _add(state, durable=True)
    monkeypatch.setattr(state, "_durable", None)
    _add(state, durable=False)
    assert _level(state) == LEVELS[False]


class Between:
    """A connection that is interrupted right after a statement."""

    def __init__(self, connection, after):
        self._connection = connection
        self._after = after

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, text, *arguments):
        answer = self._connection.execute(text, *arguments)
        if self._after is not None and text.startswith(self._after):
            self._after = None
            signal.raise_signal(signal.SIGINT)
        return answer


@pytest.mark.parametrize("after", ["PRAGMA synchronous", "BEGIN", "PRAGMA user_version", "INSERT", "COMMIT"])
def test_a_write_is_whole_or_not_at_all_when_a_signal_comes_and_the_next_one_goes_well(state, after):
    _add(state, durable=False)
    before = state.one("SELECT count(*) FROM probe")[0]
    state._writer = Between(state._writer, after)
    with pytest.raises(KeyboardInterrupt):
        _add(state, durable=True)
    assert not state._writer.in_transaction
    assert state.one("SELECT count(*) FROM probe")[0] == before + (after == "COMMIT")
    _add(state, durable=False)
    _in_another_thread(state)
    assert state.one("SELECT count(*) FROM probe")[0] == before + 2 + (after == "COMMIT")
