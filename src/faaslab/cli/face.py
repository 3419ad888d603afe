"""The shell as a face: answers on standard output, everything beside them on standard error."""

from __future__ import annotations

import signal
import sys
import threading
import webbrowser
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.cli.terminal import is_terminal, shown
from faaslab.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faaslab.backends.protocol import Debugger
    from faaslab.verbs import Progress


class ShellFace:
    """Notes and progress go to standard error, so that standard output can be piped."""

    def names(self, name: str) -> Any:
        """A shell has no Python objects."""
        raise NotFound("variable", name, hint="a shell has none; give JSON, @file or - (standard input)")

    def stdin(self, most: int) -> bytes:
        """Standard input, `most` bytes of it."""
        if sys.stdin is None or sys.stdin.closed:
            raise Unsupported("there is no standard input", place="-")
        return sys.stdin.buffer.read(most)

    @contextmanager
    def progress(self, total: int | None, label: str) -> Iterator[Progress]:
        """A tqdm bar in a terminal; a line every few seconds where standard error is a file or a pipe."""
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # its watching thread would outlive the lab
        terminal = sys.stderr.isatty()
        with tqdm(
            total=total,
            desc=label,
            file=sys.stderr,
            leave=False,
            mininterval=0.1 if terminal else 5.0,
            delay=0.5 if terminal else 5.0,
            dynamic_ncols=terminal,
            ncols=None if terminal else 80,
            bar_format="{desc} {elapsed}{postfix}" if total is None else None,
        ) as bar:
            yield _Bar(bar)

    def debugger(self) -> Debugger | None:
        """The standard debugger, in a terminal."""
        streams = (sys.stdin, sys.stdout)
        return _Pdb() if all(stream is not None and stream.isatty() for stream in streams) else None

    def attended(self) -> bool:
        """A command waits for whoever started it, a person or an editor."""
        return True

    def confirm(self, question: str) -> bool | None:
        """A question in a terminal; anything but a yes is a no, Ctrl-D too."""
        if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            return None
        print(shown(f"{question} [y/N] ", sys.stderr), end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    @property
    def waits(self) -> bool:
        """A command ends with what it started."""
        return True

    def note(self, text: str) -> None:
        """A line on standard error."""
        print(shown(f"note: {text}", sys.stderr), file=sys.stderr)

    def tell(self, text: str) -> None:
        """A line on standard error."""
        print(shown(text, sys.stderr), file=sys.stderr, flush=True)

    def emit(self, text: str, *, end: str = "\n") -> None:
        """A line of the answer, at once."""
        print(shown(text, sys.stdout), end=end, flush=True)

    def open(self, path: str) -> None:
        """The page in a browser."""
        webbrowser.open(Path(path).resolve().as_uri())

    def stay(self, ready: str) -> bool:
        """Until the first SIGTERM or Ctrl-C; a second one is as hard as ever."""
        ended = threading.Event()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def end(number: int, frame: object) -> None:  # noqa: ARG001
            ended.set()
            for each, handler in before.items():
                signal.signal(each, handler)

        for number in before:
            signal.signal(number, end)
        self.emit(ready)
        ended.wait()
        return True


class _Pdb:
    """pdb. It looks at what failed at once: the process ends with the command."""

    hook: Callable[..., Any] | None = None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Stop at its first line."""
        import pdb  # noqa: T100 - it is what was asked for

        from faaslab.verbs import call_under

        return call_under(pdb.Pdb(), function, *arguments)

    def typed(self, source: str) -> None:
        """A shell has no cells."""

    def failed(self, error: BaseException) -> None:
        """Where it was raised."""
        import pdb  # noqa: T100 - as above

        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        pdb.post_mortem(error.__traceback__)


class _Bar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """`count` more are done."""
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(count)

    def tell(self, text: str) -> None:
        """A line on standard error, above the bar."""
        terminal = is_terminal(sys.stderr)
        if terminal:
            self._bar.clear()
        print(shown(text, sys.stderr), file=sys.stderr, flush=True)
        if terminal:
            self._bar.refresh()
