"""The root file system of an image: its layers applied in order, with whiteouts, below one folder.

Rule: a layer is hostile until it is applied. It may hold links that lead anywhere, for the function will see
only this folder; but every path that is written here is resolved within the folder, no link is ever followed
out of it, nothing is opened that was there before, and sizes and numbers have limits.
Source: the OCI image specification, layer.md (whiteouts, opaque whiteouts, hard links).
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import importlib
import json
import os
import re
import stat
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from faaslab.backends.local.runtimes.folders import made, remove
from faaslab.backends.local.runtimes.image_files import DAMAGED, Entry, opened
from faaslab.backends.local.runtimes.images import Image, described, wrong_digest
from faaslab.errors import EnvironmentFailed, InvalidValue, Unsupported
from faaslab.model.json import from_json, to_json
from faaslab.model.quotas import IMAGE_BYTES

if TYPE_CHECKING:
    from faaslab.backends.local.runtimes.image_files import ImageFiles
    from faaslab.backends.local.runtimes.images import Layer

ENTRY_LIMIT = 1_000_000
FILES = "rootfs"
"""The folder with the image's files, beside what is known of it."""
_DEPTH = 200
_LINKS = 40
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Real files of this size do not shrink so far; what does was made to fill a disk.
_SUSPICIOUS_BYTES = 128 * 1024 * 1024
_SUSPICIOUS_RATIO = 250
_CHUNK = 1 << 20
_OURS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.EIO)


def unpacked(image: Image, root: Path) -> Path:
    """The folder with the image's files, made at most once for a digest below `root`.

    Raises InvalidValue for layers that are damaged, too large, or reach out of the folder; Unsupported for a
    compression that this Python cannot read; EnvironmentFailed when the disk does not take it.
    """
    return made(root / "images" / image.digest, lambda folder: _unpack(image, folder)) / FILES


def at(uri: str, digest: str, root: Path) -> tuple[Image, Path]:
    """The image that a function was defined with, and its folder; its file is needed the first time only.

    Raises InvalidValue when the file holds another image by now, and what `unpacked` raises.
    """
    kept = root / "images" / digest
    if re.fullmatch(r"[0-9a-f]{64}", digest) and kept.is_dir():
        return from_json(Image, json.loads((kept / "image.json").read_text("utf-8"))), kept / FILES
    image = described(uri)
    if digest and image.digest != digest:
        raise InvalidValue(
            f"{image.path!r} holds another image than when the function was defined",
            place="image",
            hint="define the function again",
        )
    return image, unpacked(image, root)


def inside(root: Path, path: str) -> Path:
    """Where a path of an image is on this machine: every link is followed within the image."""
    try:
        resolved = Rootfs(root).resolved(os.fsencode(path).split(b"/"))
    except OSError as error:
        raise InvalidValue(f"{path[:200]!r}: {error.strerror}", place="image") from None
    return Path(os.fsdecode(resolved))


def _unpack(image: Image, folder: Path) -> None:
    (folder / FILES).mkdir()
    (folder / "image.json").write_text(json.dumps(to_json(image)), "utf-8")
    rootfs = Rootfs(folder / FILES)
    try:
        with opened(Path(image.path)) as files:
            for layer in image.layers:
                _apply(files, layer, rootfs)
        rootfs.finish(image.working_directory)
    except DAMAGED as error:
        raise InvalidValue(f"a layer of {image.path!r} is damaged: {error}", place="image") from None
    except OSError as error:
        if error.errno in _OURS:
            raise EnvironmentFailed(
                f"the image could not be unpacked: {error.strerror}", hint="see `faaslab doctor`"
            ) from error
        raise InvalidValue(
            f"a layer of {image.path!r} cannot be unpacked: {error.strerror or error}", place="image"
        ) from None


def _apply(files: ImageFiles, layer: Layer, rootfs: Rootfs) -> None:
    file = files.open(layer.name)
    if file is None:
        raise InvalidValue(
            f"the layer {layer.digest or layer.name} is not in it", place="image", hint="copy the whole image"
        )
    with file:
        packed = _Hashed(file)
        stream = _Hashed(_decompressed(packed), budget=rootfs, packed=packed)
        with tarfile.open(
            fileobj=cast("IO[bytes]", stream), mode="r|", bufsize=_CHUNK, tarinfo=Entry
        ) as archive:
            rootfs.begin_layer()
            while (entry := archive.next()) is not None:
                rootfs.add(entry, archive)
                # Else tarfile keeps every header of the layer in memory.
                cast("Any", archive).members.clear()
        stream.exhaust()
        packed.exhaust()
    for wanted, found in ((layer.digest, packed), (layer.unpacked_digest, stream)):
        if wanted is not None and wanted != f"sha256:{found.digest}":
            raise wrong_digest(wanted, found.digest)


def _decompressed(file: _Hashed) -> IO[bytes]:
    magic = file.peek(6)
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=cast("Any", file), mode="rb"))
    if magic[:4] == b"\x28\xb5\x2f\xfd":
        try:
            zstd = importlib.import_module("compression.zstd")
        except ImportError:
            raise Unsupported(
                "its layers are compressed with zstd, which Python reads from 3.14 on only",
                place="image",
                hint="`skopeo copy --dest-compress-format gzip`, or build with compression=gzip",
            ) from None
        return cast("IO[bytes]", zstd.open(file))
    if magic[:3] == b"BZh" or magic == b"\xfd7zXZ\0":
        raise Unsupported("its layers are neither plain nor compressed with gzip", place="image")
    return cast("IO[bytes]", file)


class _Hashed:
    """A stream that knows the SHA-256 of all that was read of it, and takes it from a budget."""

    def __init__(
        self, file: IO[bytes], *, budget: Rootfs | None = None, packed: _Hashed | None = None
    ) -> None:
        self._file = file
        self._budget = budget
        self._packed = packed
        self.count = 0
        self._hash = hashlib.sha256()
        self._ahead = b""

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def peek(self, size: int) -> bytes:
        self._ahead = self._file.read(size)
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        # A reader that asks for all gets a piece: nothing here may ask for more than there is memory.
        size = _CHUNK if size < 0 else min(size, _CHUNK)
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._file.read(size)
        self._hash.update(data)
        self.count += len(data)
        if self._budget is not None:
            self._budget.spend_reading(len(data))
        packed = self._packed
        if (
            packed is not None
            and self.count > _SUSPICIOUS_BYTES
            and self.count > _SUSPICIOUS_RATIO * packed.count
        ):
            raise InvalidValue(
                f"a layer grows to more than {self.count:,} bytes from {packed.count:,}",
                place="image",
                hint="files of such a size that hold almost nothing are not unpacked",
            )
        return data

    def exhaust(self) -> None:
        """Read what is behind the archive: its digest covers that as well."""
        while self.read(_CHUNK):
            pass


class Rootfs:
    """The folder while it is being filled."""

    def __init__(self, folder: Path) -> None:
        self._root = os.fsencode(folder)
        self._read = 0
        self._entries = 0
        self._mine: set[bytes] = set()
        """Paths that this layer made: its whiteouts are for what lies below it only."""
        self._known: dict[bytes, bytes] = {}
        """Folder as written -> folder as resolved; forgotten when a link may have changed."""
        self.skipped = 0
        """Device nodes below /dev, which the function gets from the sandbox."""

    def begin_layer(self) -> None:
        """What was made so far is below the new layer."""
        self._mine.clear()

    def spend_reading(self, size: int) -> None:
        """Count bytes of the unpacked layers: no more than these is ever written."""
        self._read += size
        if self._read > IMAGE_BYTES:
            raise _too_large()

    def add(self, entry: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        """Apply one entry of a layer."""
        self._entries += 1
        if self._entries > ENTRY_LIMIT:
            raise InvalidValue(f"its layers hold more than {ENTRY_LIMIT:,} files", place="image")
        parts = _parts(entry.name)
        if not parts:
            return
        folder = self._folder(parts[:-1])
        name = parts[-1]
        if name.startswith(_WHITEOUT.encode()):
            self._whiteout(folder, os.fsdecode(name), entry)
            return
        path = os.path.join(folder, name)
        if entry.isdir():
            self._add_folder(path, entry)
        elif entry.issym():
            self._replace(path)
            os.symlink(os.fsencode(entry.linkname), path)
        elif entry.islnk():
            self._add_link(path, entry)
        elif entry.isfile():
            if entry.issparse():
                raise InvalidValue(f"{entry.name!r} is a file with holes", place="image")
            self._replace(path)
            self._write(path, entry, archive)
        elif entry.ischr() or entry.isblk() or entry.isfifo():
            if parts[0] != b"dev":
                raise InvalidValue(
                    f"{entry.name!r} is a device or a pipe", place="image", hint="build the image without it"
                )
            self.skipped += 1
            return
        else:
            raise InvalidValue(f"{entry.name!r} is of an unknown kind", place="image")
        self._own(path)

    def finish(self, directory: str) -> None:
        """Make what a sandbox lays something over, and the folder in which the program starts.

        bwrap follows links on this machine, so none may stand there; on Lambda these are the platform's too.
        """
        self.begin_layer()
        for name in (b"dev", b"proc", b"tmp", b"etc"):
            path = b"/".join((self._root, name))
            mode = _mode(path)
            if mode is None or not stat.S_ISDIR(mode):
                self._replace(path)
                os.mkdir(path, 0o755)
        for name in (b"etc/hosts", b"etc/resolv.conf"):
            path = b"/".join((self._root, name))
            mode = _mode(path)
            if mode is None or not stat.S_ISREG(mode):
                self._replace(path)
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        self._known.clear()
        self._folder(_parts(directory))

    def resolved(self, parts: list[bytes]) -> bytes:
        """The path with every link in it followed within the root; nothing is made."""
        return self._folder(parts, make=False)

    # --- kinds of entries -----------------------------------------------------------------------------

    def _add_folder(self, path: bytes, entry: tarfile.TarInfo) -> None:
        found = _mode(path)
        if found is None or not stat.S_ISDIR(found):
            self._replace(path)
            os.mkdir(path, 0o700)
        # At once, while `path` is known to be a folder here; and it stays ours to fill and to remove.
        os.chmod(path, entry.mode & 0o777 | 0o700)

    def _add_link(self, path: bytes, entry: tarfile.TarInfo) -> None:
        parts = _parts(entry.linkname)
        target = os.path.join(self._folder(parts[:-1], make=False), parts[-1]) if parts else self._root
        found = _mode(target)
        if found is None or stat.S_ISDIR(found):
            raise InvalidValue(
                f"{entry.name!r} is a hard link to {entry.linkname!r}, which is no file in the image",
                place="image",
            )
        if target != path:
            self._replace(path)
            os.link(target, path, follow_symlinks=False)

    def _write(self, path: bytes, entry: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        source = archive.extractfile(entry)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            left = entry.size
            while left > 0 and source is not None:
                data = source.read(min(left, _CHUNK))
                if not data:
                    raise tarfile.ReadError(f"{entry.name!r} ends too early")
                _write_all(descriptor, data)
                left -= len(data)
            # No set-user-id, no set-group-id: whoever unpacks must not make another's privileges.
            os.fchmod(descriptor, entry.mode & 0o777 | 0o400)
            with contextlib.suppress(OverflowError, ValueError, OSError):
                # Python believes a .pyc only while its source has the time that it wrote down.
                os.utime(descriptor, (entry.mtime, entry.mtime))
        finally:
            os.close(descriptor)

    # --- whiteouts ------------------------------------------------------------------------------------

    def _whiteout(self, folder: bytes, name: str, entry: tarfile.TarInfo) -> None:
        if name == _OPAQUE:
            self._clear(folder)
        elif name.startswith(_WHITEOUT + _WHITEOUT):
            return  # aufs' own notes
        else:
            hidden = name.removeprefix(_WHITEOUT)
            if hidden in ("", ".", ".."):
                raise InvalidValue(f"{entry.name!r} is no whiteout", place="image")
            self._hide(os.path.join(folder, os.fsencode(hidden)))
        self._known.clear()

    def _hide(self, path: bytes) -> None:
        """Take away what lower layers put there."""
        mode = _mode(path)
        if mode is None:
            return
        if path not in self._mine:
            self._erase(path, mode)
        elif stat.S_ISDIR(mode):
            self._clear(path)

    def _clear(self, folder: bytes) -> None:
        with os.scandir(folder) as entries:
            paths = [entry.path for entry in entries]
        for path in paths:
            self._hide(path)

    # --- paths ----------------------------------------------------------------------------------------

    def _own(self, path: bytes) -> None:
        """Remember that this layer made it, and so what is above it."""
        while path not in self._mine and len(path) > len(self._root):
            self._mine.add(path)
            path = os.path.dirname(path)

    def _replace(self, path: bytes) -> None:
        mode = _mode(path)
        if mode is not None:
            self._erase(path, mode)
            if not stat.S_ISREG(mode):
                self._known.clear()

    def _erase(self, path: bytes, mode: int) -> None:
        if not stat.S_ISDIR(mode):
            os.unlink(path)
            return
        os.chmod(path, 0o700)
        remove(Path(os.fsdecode(path)))

    def _folder(self, parts: list[bytes], *, make: bool = True) -> bytes:
        """The folder of that path, with every link on the way resolved within the root; made when missing."""
        written = b"/".join(parts)
        known = self._known.get(written)
        if known is not None:
            return known
        resolved: list[bytes] = []
        rest = list(reversed(parts))
        links = 0
        while rest:
            part = rest.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                # As in a root directory: above it there is only itself.
                del resolved[-1:]
                continue
            path = b"/".join((self._root, *resolved, part))
            mode = _mode(path)
            if mode is not None and stat.S_ISLNK(mode):
                links += 1
                if links > _LINKS:
                    raise InvalidValue(f"the links of {os.fsdecode(written)!r} go round", place="image")
                target = os.readlink(path)
                if target.startswith(b"/"):
                    resolved.clear()
                rest += reversed(target.split(b"/"))
                continue
            resolved.append(part)
            if len(resolved) > _DEPTH:
                raise InvalidValue(f"its folders are nested more than {_DEPTH} deep", place="image")
            if mode is not None and stat.S_ISDIR(mode):
                continue
            if not make:
                continue
            os.mkdir(path, 0o755)
        found = b"/".join((self._root, *resolved))
        if make:
            self._known[written] = found
        return found


def _parts(name: str) -> list[bytes]:
    """The parts of a path in an archive, which is one within the root also when it begins with a slash."""
    parts = [part for part in os.fsencode(name).split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise InvalidValue(f"{name[:200]!r} would be written outside of the image", place="image")
    if len(parts) > _DEPTH:
        raise InvalidValue(f"its folders are nested more than {_DEPTH} deep", place="image")
    return parts


def _mode(path: bytes) -> int | None:
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _too_large() -> InvalidValue:
    return InvalidValue(
        f"it unpacks to more than {IMAGE_BYTES:,} bytes, which is Lambda's limit for an image", place="image"
    )
