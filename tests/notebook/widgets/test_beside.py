"""Clicks that are answered while a cell runs: in the kernel that we know, and in those that cannot."""

import threading
from types import SimpleNamespace

import ipywidgets
import pytest

from faaslab.notebook.widgets.beside import Beside


class Manager:
    def __init__(self):
        self.subshells = []

    def _create_subshell(self):
        self.subshells.append(f"s{len(self.subshells)}")
        return self.subshells[-1]

    def _delete_subshell(self, name):
        self.subshells.remove(name)


@pytest.fixture
def shell():
    manager = Manager()
    loop = SimpleNamespace(add_callback=lambda do: threading.Thread(target=do).start())
    thread = SimpleNamespace(manager=manager, io_loop=loop)
    return SimpleNamespace(
        kernel=SimpleNamespace(shell_channel_thread=thread, _supports_kernel_subshells=True)
    )


class Comm:
    def __init__(self):
        self._reply_subshell_for = lambda data, default: default


def widget(*children, comm=True):
    return SimpleNamespace(children=children, comm=Comm() if comm else None)


def test_a_widget_and_all_in_it_name_one_subshell(shell):
    inner = widget()
    outer = widget(widget(inner), inner)
    beside = Beside(shell)
    assert beside.answers(outer)
    assert beside.answers(widget())
    assert [each.comm._reply_subshell_for({}, None) for each in (outer, inner)] == ["s0", "s0"]
    assert shell.kernel.shell_channel_thread.manager.subshells == ["s0"]
    beside.close()
    beside.close()
    assert shell.kernel.shell_channel_thread.manager.subshells == []
    assert inner.comm._reply_subshell_for({}, "theirs") == "theirs"


@pytest.mark.parametrize(
    "shell",
    [
        SimpleNamespace(),
        SimpleNamespace(kernel=None),
        SimpleNamespace(kernel=SimpleNamespace(_supports_kernel_subshells=False)),
        SimpleNamespace(kernel=SimpleNamespace(_supports_kernel_subshells=True)),
        None,
    ],
)
def test_where_a_kernel_has_none_it_says_so(shell):
    beside = Beside(shell)
    assert not beside.answers(widget())
    assert not beside.answers(widget())
    beside.close()


def test_where_a_comm_asks_nobody_it_says_so(shell):
    assert not Beside(shell).answers(widget(widget(comm=False)))


def test_a_widget_without_a_kernel_is_not_harmed(shell):
    assert not Beside(shell).answers(ipywidgets.Button())
