"""Whether a place can hold a store: a folder that exists, on a file system with real locks."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from faaslab.errors import StoreLocation

# Write-ahead logs need shared memory and both databases need locks that every machine sees.
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "davfs", "fuse.davfs", "fuse.sshfs", "afs",
     "ncpfs", "glusterfs", "fuse.glusterfs", "ceph", "fuse.ceph", "lustre", "beegfs", "gpfs", "fuse.s3fs",
     "fuse.gcsfuse", "fuse.rclone", "fuse.blobfuse", "fuse.mount-s3", "osxfuse"}
)  # fmt: skip


def file_system(path: Path, mounts: str) -> tuple[str, str]:
    """(type, options) of the file system that `path` (absolute) is on, from the text of /proc/mounts."""
    best = ("", "", "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = point == "/" or path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= len(best[0]):
            best = (point, fields[2], fields[3])
    return best[1], best[2]


def is_network(kind: str, options: str) -> bool:
    """Whether that file system keeps no locks between machines (or, a Windows drive in WSL, none at all)."""
    return kind in NETWORK or (kind == "9p" and "aname=drvfs" in options)


def mounts() -> str:
    """The text of /proc/mounts; empty where the system has none."""
    try:
        return Path("/proc/mounts").read_text("utf-8", "replace")
    except OSError:
        return ""


def make(path: Path) -> None:
    """Make an empty file, for its owner alone, where there is none: what is kept is nobody else's."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def file_at(path: Path) -> tuple[int, int] | None:
    """What tells the file at `path` from every other: (st_dev, st_ino); None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def require(path: Path, mounted: str | None = None) -> None:
    """Raise `StoreLocation` where a store at `path` could not be kept safely."""
    parent = path.parent
    if not parent.is_dir():
        raise StoreLocation(
            f"the folder {parent} of the store does not exist", hint=f"create it first: mkdir -p {parent}"
        )
    if path.is_dir():
        raise StoreLocation(
            f"{path} is a folder, a store is a file", hint=f"for example {path / 'faaslab.duckdb'}"
        )
    if not _may_be_duckdb(path):
        raise StoreLocation(
            f"{path} is not a DuckDB file", hint="name a .duckdb file, or one that is not there yet"
        )
    kind, options = file_system(parent.resolve(), mounts() if mounted is None else mounted)
    if is_network(kind, options):
        raise StoreLocation(
            f"{parent} is on a network file system ({kind}), which cannot hold a store safely",
            hint="put the store on a local disk: set FAASLAB_STORE to a local path",
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise StoreLocation(
            f"the folder {parent} is read-only for you",
            hint="choose a folder that you may write to: set FAASLAB_STORE, or give a store path",
        )


def _may_be_duckdb(path: Path) -> bool:
    """A DuckDB file says so from its ninth byte on; an empty one, or none, may become one."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return True  # not there, or unreadable: whoever opens it next says why
    return not head or head[8:] == b"DUCK"
