"""The files of a container image as it lies on the disk: an OCI layout folder, or a tar archive of one.

Rule: the archive is not trusted. Nothing of it is written here, what is read into memory has a limit, and
no header of a tar can ask for more than that.
"""

from __future__ import annotations

import contextlib
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from faaslab.errors import InvalidValue
from faaslab.model.quotas import IMAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEMBER_LIMIT = 10_000
"""Files of an archive of an image: its layers and a few texts, never so many."""
_TEXT_LIMIT = 4 * 1024 * 1024
_HEADER_LIMIT = 1024 * 1024
_LONG_HEADERS = frozenset({
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
})  # fmt: skip
DAMAGED = (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)
"""What tarfile and the decompressors raise over bytes that are no archive, or a damaged one."""


class Entry(tarfile.TarInfo):
    """A member of a tar whose header is looked at before anything is read or skipped on its word."""

    # The entry point of tarfile for whoever adds rules of his own ("can be overridden in a subclass").
    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in _LONG_HEADERS and self.size > _HEADER_LIMIT:
            raise InvalidValue(f"a header of {self.size:,} bytes stands in the archive", place="image")
        if self.size < 0 or self.size > IMAGE_BYTES or self.offset > IMAGE_BYTES:
            raise InvalidValue(
                f"it unpacks to more than {IMAGE_BYTES:,} bytes, which is Lambda's limit for an image",
                place="image",
            )
        return super()._proc_member(archive)  # type: ignore[misc]


class ImageFiles(Protocol):
    """The files of one image, by their names within it."""

    def open(self, name: str) -> IO[bytes] | None:
        """The file, to be read once from its beginning; None when there is none of that name."""


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str) -> IO[bytes] | None:
        path = self._path / name
        return path.open("rb") if path.is_file() else None


class _Archive:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        while (member := archive.next()) is not None:
            if len(self._members) >= MEMBER_LIMIT:
                raise InvalidValue(f"the archive holds more than {MEMBER_LIMIT:,} files", place="image")
            self._members[member.name.removeprefix("./")] = member

    def open(self, name: str) -> IO[bytes] | None:
        member = self._members.get(name)
        if member is None:
            return None
        if not (member.isfile() or member.issym() or member.islnk()):
            raise InvalidValue(f"{name!r} is no file", place="image")
        try:
            # A link is followed within the archive: `docker save` wrote a layer that came twice as one.
            return self._archive.extractfile(member)
        except KeyError:
            return None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[ImageFiles]:
    """The files of the image at `path`; raises InvalidValue for what is neither a folder nor a tar."""
    if path.is_dir():
        yield _Folder(path)
        return
    if path.exists() and not path.is_file():
        # Nothing says when a pipe or a device ends, or whether it begins.
        raise InvalidValue(f"{str(path)!r} is no file", place="image")
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        archive = tarfile.open(path, "r:gz" if packed else "r:", tarinfo=Entry)  # noqa: SIM115 - entered below
    except FileNotFoundError:
        raise InvalidValue(
            f"there is no {str(path)!r}",
            place="image",
            hint="give the path of an OCI layout or an image archive (docker save, podman save)",
        ) from None
    except OSError as error:
        raise InvalidValue(f"{str(path)!r} cannot be read: {error.strerror}", place="image") from None
    except DAMAGED:
        raise InvalidValue(
            f"{str(path)!r} is no image archive: neither a tar nor a tar.gz",
            place="image",
            hint="make one with `docker save`, `podman save --format oci-archive` or `skopeo copy`",
        ) from None
    with archive:
        try:
            files = _Archive(archive)
        except (*DAMAGED, OSError) as error:
            raise InvalidValue(f"{str(path)!r} is damaged: {error}", place="image") from None
        yield cast("ImageFiles", files)


def text(files: ImageFiles, name: str) -> bytes | None:
    """A small file of the image, whole; None when there is none of that name."""
    try:
        file = files.open(name)
        if file is None:
            return None
        with file:
            data = file.read(_TEXT_LIMIT + 1)
    except (*DAMAGED, OSError) as error:
        raise InvalidValue(f"{name!r} cannot be read: {error}", place="image") from None
    if len(data) > _TEXT_LIMIT:
        raise InvalidValue(f"{name!r} is larger than {_TEXT_LIMIT:,} bytes", place="image")
    return data
