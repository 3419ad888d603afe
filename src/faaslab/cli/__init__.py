"""The shell: reads words, calls the Lab, shows the answer.

Exit status: 0 done, 1 the user's function or report failed (or we did), 2 the request was wrong,
130 interrupted. Standard output carries the answer only; a closed pipe is no error.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from faaslab.cli.terminal import is_terminal, shown
from faaslab.errors import FaaslabError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab
    from faaslab.verbs import Answer, Call, Face, SubmittedAnswer

TRACE = "FAASLAB_DEBUG"


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_the_pipe()
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except FaaslabError as error:
        if os.environ.get(TRACE):
            raise
        print(shown(f"faaslab: {error}", sys.stderr), file=sys.stderr)
        return error.exit_status
    except Exception as error:
        if os.environ.get(TRACE):
            raise
        what = str(error).strip().splitlines()
        said = f"faaslab: {type(error).__name__}: {what[0] if what else ''}"
        print(shown(said, sys.stderr), file=sys.stderr)
        print(f"faaslab: this should not happen; set {TRACE}=1 for the whole trace", file=sys.stderr)
        return 1
    return status


def _run(words: list[str]) -> int:
    if words in (["--version"], ["-V"], ["version"]):
        print(f"faaslab {sys.modules['faaslab'].__version__}")
        return 0
    from faaslab import verbs
    from faaslab.cli.face import ShellFace

    call = verbs.parse(words)
    face = ShellFace()
    if not call.verb.needs_lab:
        return _show(verbs.run(None, call, face), call)
    from faaslab import app

    # A command ends soon: it runs the event that it queued itself, and leaves alone what others have queued.
    run_queue = None if call.verb.stays else False
    with app.open(store=call.store, backend=call.backend, run_queue=run_queue, borrows=True) as lab:
        answer = verbs.run(lab, call, face)
        if isinstance(answer, verbs.SubmittedAnswer):
            answer = _first_attempt(lab, answer, face)
        return _show(answer, call)


def _first_attempt(lab: Lab, answer: SubmittedAnswer, face: Face) -> Answer:
    """What came of an event at first. What follows (a retry after a minute, say) is not waited for."""
    from faaslab import verbs

    future = answer.future
    if lab.home.elsewhere() is not None:
        face.tell(
            f"event {future.request_id} is in the queue, and the store's home runs it; this waits for its "
            "first run (Ctrl-C ends the waiting, not the event)"
        )
    try:
        return verbs.ExecutionAnswer(execution=future.attempted.result())
    finally:
        if not future.done():
            face.note(
                f"event {future.request_id} stays in the queue and is tried again by a notebook or program "
                "that has the store open, or by: faaslab queue run --wait"
            )
        elif waiting := lab.asynchronous.depth():
            face.note(f"{waiting} in the queue for others to run, or for: faaslab queue run")


def _show(answer: Answer, call: Call) -> int:
    from faaslab import verbs
    from faaslab.verbs import text

    if call.json:
        documents = text.documents(answer)
        for document in documents if isinstance(documents, list) else [documents]:
            print(_json_line(document))
    else:
        if isinstance(answer, verbs.StatsAnswer) and answer.plot and len(answer.df):
            print("note: figures are drawn in a notebook", file=sys.stderr)
        width = os.get_terminal_size(sys.stdout.fileno()).columns if is_terminal(sys.stdout) else None
        plain = text.plain_text(answer, width=width)
        if plain:
            print(shown(plain, sys.stdout))
    return answer.exit_status


def _json_line(document: Any) -> str:
    line = json.dumps(document, ensure_ascii=False, allow_nan=False)
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # half a character, or a terminal without UTF-8: JSON has escapes for both
        return json.dumps(document, allow_nan=False)
    return line


def _leave_the_pipe() -> None:
    """Whoever read our output has gone; keep Python from complaining about it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
