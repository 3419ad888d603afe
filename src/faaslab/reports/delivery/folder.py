"""Pages in a folder with an index beside them.

Each file appears whole or not at all. Whoever changes the index holds a `flock`, which ends with its process
however that ends; a kill leaves at most a hidden `.faaslab-….part`, which the next delivery clears away.
Nothing is replaced or removed but what an index of ours names.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from faaslab.errors import FaaslabError
from faaslab.reports.delivery import index
from faaslab.reports.delivery.naming import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.reports.delivery.story import Story
    from faaslab.reports.delivery.targets import Folder

_LOCK = ".faaslab-reports.lock"
_PART = ".faaslab-"
_TRIES, _PAUSE_S = 400, 0.05


class NotDelivered(FaaslabError):
    """It could not be brought there; the message says why."""


def deliver(
    target: Folder, story: Story, pages: Mapping[str, Path], *, origin: str, keep: int | None
) -> dict[str, str]:
    """Put the files of a run (format -> where they are) into the folder; format -> address of each there.

    Of the run's schedule the newest `keep` stay. The same run again changes nothing. Raises `NotDelivered`.
    """
    folder = Path(target.path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            return _put(folder, target.url, story, pages, origin=origin, keep=keep)
    except OSError as error:
        raise NotDelivered(f"{folder}: {error.strerror or error}") from None


def _put(
    folder: Path, url: str | None, story: Story, pages: Mapping[str, Path], *, origin: str, keep: int | None
) -> dict[str, str]:
    for left in folder.glob(f"{_PART}*.part"):
        left.unlink(missing_ok=True)
    present = _present(folder / index.NAME)
    names = {}
    for kind, made in pages.items():
        # One that stands there already is listed where it is.
        at_home = made.parent.resolve() == folder.resolve()
        names[kind] = made.name if at_home else file_name(made.stem, kind, story.run.id)
        if not at_home:
            _place(made.read_bytes(), folder / names[kind])
    listed, dropped = index.joined(present, index.entry_of(story, origin=origin, files=names), keep=keep)
    _place(index.page(listed).encode(), folder / index.NAME)
    # After the index, which must never name what is not there.
    for name in index.removable(dropped, listed):
        (folder / name).unlink(missing_ok=True)
    here = folder.resolve()
    return {kind: f"{url}/{quote(name)}" if url else str(here / name) for kind, name in names.items()}


def _present(path: Path) -> tuple[index.Entry, ...]:
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ()
    found = index.entries(text)
    if found is None:
        raise NotDelivered(
            f"{path} is not an index of faaslab's and stays as it is", hint="deliver into another folder"
        )
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else delivers into the folder meanwhile; gives up after twenty seconds."""
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        for _ in range(_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            threading.Event().wait(_PAUSE_S)
        else:
            raise NotDelivered(f"another process has been delivering into {folder} for long")
        yield
    finally:
        os.close(handle)


def _place(content: bytes, target: Path) -> None:
    part = target.with_name(f"{_PART}{target.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
