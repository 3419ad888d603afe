"""Mounts that nobody else sees: made by a thread that has a mount namespace of its own.

Rule: what is mounted here is gone when this process is gone, also after kill -9, and never shows on this
machine. What is started by that thread sees the mounts. Linux and root only: others cannot mount.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import queue
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
_CLONE_NEWNS = 0x00020000
_PRIVATE = 0x4000 | 1 << 18  # MS_REC | MS_PRIVATE
_NOSUID_NODEV = 2 | 4
_DETACH = 2
# linux/loop.h
_GET_FREE, _CONFIGURE, _AUTOCLEAR = 0x4C82, 0x4C0A, 4
_TRIES = 20


class Mounts:
    """The thread; it starts with the first deed."""

    def __init__(self) -> None:
        self._deeds: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, deed: Callable[[], _Result]) -> _Result:
        """Do it in that thread, and wait for it; raises what it raises."""
        done = threading.Event()
        results: list[_Result] = []
        errors: list[BaseException] = []

        def told() -> None:
            try:
                _separate()
                results.append(deed())
            except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
                errors.append(error)
            done.set()

        with self._lock:
            if self._thread is None:
                # A daemon: the last environments are closed when ordinary threads have been joined.
                self._thread = threading.Thread(
                    target=_work, args=(self._deeds,), name="faaslab-mounts", daemon=True
                )
                self._thread.start()
            self._deeds.put(told)
        done.wait()
        if errors:
            raise errors[0]
        return results[0]

    def close(self) -> None:
        """End the thread; its mounts go with it. May be called twice."""
        with self._lock:
            thread, self._thread = self._thread, None
            # Who comes after has a queue of its own, or it might take the word that ends this thread.
            deeds, self._deeds = self._deeds, queue.SimpleQueue()
            deeds.put(None)
        if thread is not None:
            thread.join()

    def abandon(self) -> None:
        """In a forked child: the thread is not here."""
        self._lock, self._thread = threading.Lock(), None


def _work(deeds: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (deed := deeds.get()) is not None:
        deed()


_separated = threading.local()


def _separate() -> None:
    """Give the calling thread a mount namespace of its own, from which nothing gets out. Once."""
    if not hasattr(_separated, "done"):
        _check(_libc().unshare(_CLONE_NEWNS), "unshare")
        _mount("none", Path("/"), None, _PRIVATE)
        _separated.done = True


def mount_image(image: Path, place: Path) -> None:
    """Mount an ext4 image in the calling thread's namespace; its loop device goes with the last mount."""
    backing = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    try:
        device, path = _loop_device(backing)
    finally:
        os.close(backing)
    try:
        _mount(path, place, "ext4", _NOSUID_NODEV, b"noinit_itable")
    finally:
        # Only the mount holds the device from here on.
        os.close(device)


def settle(place: Path) -> None:
    """Write what is only in memory of the file system at a place."""
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check(_libc().syncfs(folder), str(place))
    finally:
        os.close(folder)


def unmount(place: Path) -> None:
    """Take it away from the calling thread's namespace, also when something still uses it."""
    _check(_libc().umount2(os.fsencode(place), _DETACH), str(place))


def _loop_device(backing: int) -> tuple[int, str]:
    information = bytearray(232)
    struct.pack_into("=I", information, 52, _AUTOCLEAR)
    asked = struct.pack("=II", backing, 0) + bytes(information) + bytes(64)
    for attempt in range(_TRIES):
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            path = f"/dev/loop{fcntl.ioctl(control, _GET_FREE)}"
        finally:
            os.close(control)
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, _CONFIGURE, asked)
        except OSError:
            # Another process was given the same one.
            os.close(device)
            if attempt == _TRIES - 1:
                raise
        else:
            return device, path
    raise AssertionError


def _mount(source: str, place: Path, kind: str | None, flags: int, options: bytes = b"") -> None:
    said = _libc().mount(source.encode(), os.fsencode(place), kind and kind.encode(), flags, options)
    _check(said, str(place))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
