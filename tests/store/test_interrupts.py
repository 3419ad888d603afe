"""Interrupts that come in the middle of a write."""

import signal

import pytest

from faaslab.store import Store


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


@pytest.mark.parametrize("after", ["PRAGMA user_version", "BEGIN", "COMMIT", "INSERT"])
def test_a_write_is_whole_when_an_interrupt_comes_and_the_next_one_goes_well(tmp_path, after):
    with Store(tmp_path / "s.duckdb") as store:
        state = store.workflows._state
        with state.write(durable=False):
            pass
        state._writer = Between(state._writer, after)
        insert = "INSERT INTO workflow_owners VALUES (?, 1)"
        with pytest.raises(KeyboardInterrupt), state.write(durable=True) as connection:
            connection.execute(insert, ("one",))
        assert not state._writer.in_transaction
        with state.write(durable=False) as connection:
            connection.execute(insert, ("two",))
        assert state.one("SELECT count(*) FROM workflow_owners") == (2,)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
