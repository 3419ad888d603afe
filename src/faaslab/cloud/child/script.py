"""The cloud's process from its first line to its last.

Rule: run as a script by its owner. The first line of standard input says what it has to know; the end of the
input is the owner's end and this process's; `close` asks it to end in good order. One line goes to standard
output: `READY PORT`, `IN-USE pid N`, `AGAIN` (start another) or `FAILED why`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if importlib.util.find_spec("faaslab") is None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

if TYPE_CHECKING:
    from faaslab.cloud.child.cloud import Cloud


def _main() -> None:
    hello: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    # What is kept here is this user's.
    os.umask(0o077)
    said = os.dup(1)
    # What a library prints is an error to look at, not a word to the owner.
    os.dup2(2, 1)
    try:
        from faaslab.cloud.child.cloud import Cloud, InUse
        from faaslab.cloud.child.keeping import StartAnew, Unreadable

        try:
            cloud = Cloud(hello)
        except InUse as error:
            _say(said, f"IN-USE {error}")
            return
        except StartAnew:
            _say(said, "AGAIN")
            return
        except Unreadable as error:
            _say(said, f"FAILED {error}")
            return
    except BaseException as error:
        traceback.print_exc()
        _say(said, f"FAILED {type(error).__name__}: {error}")
        raise
    threading.Thread(target=_watch, args=(cloud, hello["owner"]), name="owner", daemon=True).start()
    _say(said, f"READY {cloud.port}")
    cloud.serve()


def _say(descriptor: int, line: str) -> None:
    os.write(descriptor, " ".join(line.split()).encode() + b"\n")
    os.close(descriptor)


def _watch(cloud: Cloud, owner: int) -> None:
    """End with the owner. Its end of the pipe tells, or its number, should a fork of it hold the pipe too."""
    word = b""
    while os.getppid() == owner:
        ready, _, _ = select.select([0], [], [], 1.0)
        if ready:
            word = os.read(0, 64)
            break
    if word.startswith(b"close"):
        cloud.close()
    # Nothing waits for threads that answer nobody; what was answered is in the journal.
    os._exit(0)


if __name__ == "__main__":
    _main()
