"""What the code of an environment sees of this machine, as words for bubblewrap (`man bwrap`). Values only.

Rule: what is not named here is not there. Everything is read-only but /tmp; no file of the user, of the store
or of another function has a path inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

USER = "sbx_user1051"
UID, GID = 993, 990
"""Who a function is on Amazon Linux 2023."""
ACCOUNTS = {
    "passwd": f"root:x:0:0:root:/root:/bin/bash\n{USER}:x:{UID}:{GID}::/home/{USER}:/sbin/nologin\n",
    "group": f"root:x:0:\n{USER}:x:{GID}:\n",
}
"""File of /etc -> its content inside; this machine's own name its people."""
ETC = (
    "alternatives", "ca-certificates", "crypto-policies", "gai.conf", "host.conf", "ld.so.cache",
    "mime.types", "nsswitch.conf", "os-release", "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs",
    "pki/tls/openssl.cnf", "protocols", "resolv.conf", "services", "ssl/cert.pem", "ssl/certs",
    "ssl/openssl.cnf",
)  # fmt: skip
"""What programs need of /etc: names, certificates, the loader's cache. No keys, no accounts."""
LIVE = ("resolv.conf",)
"""Those of them that change when a machine changes its network."""
TOP = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store")
"""Where systems keep their programs."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """What every sandbox sees of this machine."""

    folders: tuple[Path, ...]
    """At the same place inside."""
    links: tuple[tuple[str, str], ...]
    """(target, path), as `/bin` is a link to `usr/bin` on most systems."""
    etc: Path
    """A folder with copies of what programs need of /etc: one mount in place of twenty."""
    live: tuple[tuple[Path, str], ...]
    """(file, its name in /etc) of what may change while a sandbox lives."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What one environment sees beside that."""

    folders: tuple[tuple[Path, Path], ...]
    """(folder of this machine, its path inside): its code, its layers."""
    temporary: tuple[str, ...]
    """The words that make its /tmp."""
    needs: tuple[Path, ...] = ()
    """At the same place inside: the interpreter and what was installed for it."""
    root: Path | None = None
    """The unpacked image that takes the place of this machine's programs. It must have empty folders
    `dev`, `proc`, `tmp`, and files `etc/hosts` and `etc/resolv.conf`: nothing can be made in it here."""
    directory: str = "/var/task"
    """Where its process starts."""


def words(host: Host, view: View, *, hostname: str = "localhost") -> tuple[str, ...]:
    """The options of bwrap, in order: what comes later lies over what came before.

    A process in it is pid 2 or higher: bwrap itself is pid 1 and reaps, because the kernel ignores most
    signals that a first process sends to itself, an abort for one.
    """
    own = ("--unshare-user", "--uid", str(UID), "--gid", str(GID), "--unshare-pid", "--unshare-ipc")
    said: list[str] = [*own, "--unshare-uts", "--hostname", hostname, "--unshare-cgroup-try"]
    said += ["--cap-drop", "ALL"]
    if view.root is not None:
        said += ["--ro-bind", str(view.root), "/"]
        said += _etc(((host.etc / "hosts", "hosts"), *host.live))
    else:
        for folder in host.folders:
            said += ["--ro-bind", str(folder), str(folder)]
        for target, link in host.links:
            said += ["--symlink", target, link]
        said += ["--ro-bind", str(host.etc), "/etc", *_etc(host.live)]
        # What stands above a mount would else be closed to all but its owner.
        said += ["--perms", "0755", "--dir", "/var"]
    # For root, who is the same user outside, the settings of the kernel in /proc/sys could be written.
    said += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]
    said += view.temporary
    for source, path in view.folders:
        said += ["--ro-bind", str(source), str(path)]
    present = [] if view.root is not None else [*host.folders, *(Path(path) for _, path in host.links)]
    for need in needed(view.needs, present):
        said += ["--ro-bind-try", str(need), str(need)]
    # The device folder is a file system in memory: it would take any amount, and hold shared memory. Only
    # here, because a cache in /dev/shm still has to be laid into it.
    said += ["--remount-ro", "/dev"]
    if view.root is None:
        said += ["--remount-ro", "/"]
    return (*said, "--chdir", view.directory)


def _etc(files: Iterable[tuple[Path, str]]) -> list[str]:
    said: list[str] = []
    for source, name in files:
        said += ["--ro-bind", str(source), f"/etc/{name}"]
    return said


def needed(needs: Sequence[Path], present: Sequence[Path]) -> list[Path]:
    """Those that are not part of another, or of what is there anyway; outer folders first."""
    kept: list[Path] = []
    for need in sorted(dict.fromkeys(needs), key=lambda path: len(path.parts)):
        if not any(need.is_relative_to(other) for other in (*present, *kept)):
            kept.append(need)
    return kept


def without_homes(needs: Sequence[Path], homes: Sequence[Path]) -> list[Path]:
    """A prefix that holds a home folder (`~/bin/python`) is narrowed to what an interpreter has there."""
    narrow: list[Path] = []
    for need in needs:
        if any(home.is_relative_to(need) for home in homes):
            narrow += [need / name for name in ("bin", "lib", "lib64", "pyvenv.cfg")]
        else:
            narrow.append(need)
    return narrow
