"""The /tmp of one environment: of the function's size, and there until the environment ends.

Rule: it outlives the processes, as on Lambda, and nothing of it outlives the owner. What it holds is not the
function's memory. Three ways, the best that this machine allows:

- an image: an ext4 file system in a sparse file (root with loop devices);
- memory: a tmpfs of that size, where no memory cgroup would count it (a sandbox without root);
- a folder: private, of no size (everywhere).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from faaslab.backends.local.host.mounts import Mounts, mount_image, settle, unmount
from faaslab.backends.local.runtimes.programs import TMP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_Result = TypeVar("_Result")
MIB = 1024 * 1024
_USUAL_MB = 512
_FURNISH_S = 10.0
Way = Literal["image", "memory", "folder"]
DESCRIPTIONS: dict[Way, str] = {
    "image": "held: /tmp is a file system of the function's size",
    "memory": "held: /tmp is memory of this machine, of the function's size",
    "folder": f"{TMP} is a private folder; size not enforced (that takes root with loop devices)",
}


class Storage(Protocol):
    """What an environment holds of its /tmp."""

    place: Path
    """Where it is on this machine, for a process outside of a sandbox too."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words of bwrap that make it /tmp."""

    def start(self, deed: Callable[[], _Result]) -> _Result:
        """Do it where what it starts will see the place."""

    def restore(self, first: int) -> None:
        """Put into a new sandbox what the one before held; `first` is its first process, which waits."""

    def keep(self, worker: int) -> None:
        """Hold on to what the sandbox of this process has, for when it ends."""

    def close(self) -> None:
        """Remove it; may be called twice."""


class FolderStorage:
    """A private folder."""

    def __init__(self, folder: Path) -> None:
        self.place = folder
        self.words: tuple[str, ...] = ("--bind", str(folder), TMP)

    def start(self, deed: Callable[[], _Result]) -> _Result:
        """Anywhere will do."""
        return deed()

    def restore(self, first: int) -> None:
        """It is all there."""

    def keep(self, worker: int) -> None:
        """It stays."""

    def close(self) -> None:
        """Whoever made the folder removes it."""


class MemoryStorage(FolderStorage):
    """A tmpfs inside the sandbox. It ends with the sandbox's last process, so its files are carried over."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        super().__init__(folder)
        self.words = ("--perms", "1777", "--size", str(size_mb * MIB), "--tmpfs", TMP)
        self._kept = -1

    def restore(self, first: int) -> None:
        """Copy what the sandbox before left; links as they are, no devices."""
        if self._kept >= 0 and _furnished(first):
            with contextlib.suppress(OSError, shutil.Error):
                shutil.copytree(
                    f"/proc/self/fd/{self._kept}",
                    f"/proc/{first}/root{TMP}",
                    symlinks=True,
                    dirs_exist_ok=True,
                )

    def keep(self, worker: int) -> None:
        """An open folder keeps the file system alive when its sandbox has gone."""
        try:
            folder = os.open(f"/proc/{worker}/root{TMP}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            # It has ended: what is kept is what it began with.
            return
        self.close()
        self._kept = folder

    def close(self) -> None:
        """Let go of it."""
        if self._kept >= 0:
            os.close(self._kept)
            self._kept = -1


def _furnished(first: int) -> bool:
    """Wait until a sandbox has its own file systems; before that its /tmp is this machine's."""
    proc = f"/proc/{first}/root/proc"
    until = time.monotonic() + _FURNISH_S
    while time.monotonic() < until:
        # Its own /proc knows it as 1, and not by the number that it has here.
        if os.path.isdir(f"{proc}/1") and not os.path.isdir(f"{proc}/{first}"):  # noqa: PTH112
            return True
        time.sleep(0.0005)
    return False


class ImageStorage:
    """A file system in a file, mounted where only this process and its sandboxes see it."""

    def __init__(self, folder: Path, size_mb: int, images: Images) -> None:
        self.place = folder / "tmp"
        self.words: tuple[str, ...] = ("--bind", str(self.place), TMP)
        self._mounts = images.mounts
        self.place.mkdir()
        image = folder / "tmp.img"
        _copy_sparse(images.template(size_mb), image)
        self._mounts.run(lambda: mount_image(image, self.place))
        self._mounted = True

    def start(self, deed: Callable[[], _Result]) -> _Result:
        """In the thread that has it mounted."""
        return self._mounts.run(deed)

    def restore(self, first: int) -> None:
        """It is all there."""

    def keep(self, worker: int) -> None:
        """It stays."""

    def close(self) -> None:
        """Unmount it."""
        if self._mounted:
            self._mounted = False
            with contextlib.suppress(OSError):
                self._mounts.run(lambda: unmount(self.place))


class Images:
    """Empty file systems, one template for each size; made once, then copied (0.5 ms)."""

    def __init__(self, folder: Path, mounts: Mounts) -> None:
        self._folder = folder
        self.mounts = mounts

    def work(self) -> bool:
        """Whether they can be made and mounted here."""
        if not hasattr(os, "geteuid") or os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):  # noqa: PTH110
            return False
        try:
            self.template(_USUAL_MB)
        except OSError:
            return False
        return True

    def template(self, size_mb: int) -> Path:
        """The template of a size. Raises OSError where it cannot be made or mounted."""
        path = self._folder / f"{size_mb}.ext4"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            made = self._folder / f"{size_mb}-{os.getpid()}-{os.urandom(4).hex()}"
            made.mkdir()
            try:
                self._make(made / "image", size_mb)
                (made / "image").replace(path)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return path

    def _make(self, image: Path, size_mb: int) -> None:
        program = shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if program is None:
            raise FileNotFoundError("mkfs.ext4")
        with image.open("wb") as file:
            # The size is what a function can use; its bookkeeping comes on top.
            file.truncate((size_mb + 8 + size_mb // 100) * MIB)
        options = "lazy_itable_init=1,nodiscard"
        features = "^has_journal,^resize_inode"
        done = subprocess.run(
            [program, "-q", "-F", "-m", "0", "-N", "16384", "-O", features, "-E", options, str(image)],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise OSError(f"mkfs.ext4: {done.stderr.strip()}")
        place = image.with_name("mounted")
        place.mkdir()

        def prepare() -> None:
            mount_image(image, place)
            try:
                (place / "lost+found").rmdir()
                place.chmod(0o1777)
                settle(place)
            finally:
                unmount(place)

        self.mounts.run(prepare)


def _copy_sparse(source: Path, target: Path) -> None:
    """Copy a file without its holes."""
    with source.open("rb") as reader, target.open("xb") as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        end = 0
        while end < size:
            try:
                start = os.lseek(reader.fileno(), end, os.SEEK_DATA)
            except OSError:
                # No more data.
                return
            end = os.lseek(reader.fileno(), start, os.SEEK_HOLE)
            os.lseek(writer.fileno(), start, os.SEEK_SET)
            while start < end:
                start += os.sendfile(writer.fileno(), reader.fileno(), start, end - start)


class Storages:
    """Makes them, the best way that works here; `folder` keeps the templates."""

    def __init__(self, folder: Path) -> None:
        self._mounts = Mounts()
        self._images = Images(folder, self._mounts)
        self._lock = threading.Lock()
        self._has_images: bool | None = None

    def plain(self, folder: Path) -> Storage:
        """A private folder."""
        return FolderStorage(folder)

    def sized(self, folder: Path, size_mb: int, *, counted: bool) -> Storage:
        """One of a size, for a sandbox; `counted` where a cgroup would count a tmpfs as memory."""
        way = self.way(counted=counted)
        if way == "image":
            return ImageStorage(folder, size_mb, self._images)
        return MemoryStorage(folder, size_mb) if way == "memory" else FolderStorage(folder)

    def way(self, *, counted: bool) -> Way:
        """Which it is; found out once."""
        with self._lock:
            if self._has_images is None:
                self._has_images = self._images.work()
        if self._has_images:
            return "image"
        return "folder" if counted else "memory"

    def describe(self, *, counted: bool) -> str:
        """One sentence for whoever asks what is enforced."""
        return DESCRIPTIONS[self.way(counted=counted)]

    def close(self) -> None:
        """End the thread that has the mounts."""
        self._mounts.close()

    def abandon(self) -> None:
        """In a forked child: no lock that another thread held."""
        self._lock = threading.Lock()
        self._mounts.abandon()
