"""Folders that environments read: unpacked code by its digest, requirements by their distinct set.

Rule: a folder has its final name only when it is whole (see `folders`), and no archive writes out of it (see
`zips`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.host.unfollowed import unfollowed
from faaslab.backends.local.runtimes import distributions
from faaslab.backends.local.runtimes.folders import made
from faaslab.backends.local.runtimes.links import linked
from faaslab.backends.local.runtimes.zips import unpack, unpack_all, unzipped_bytes
from faaslab.errors import InvalidValue, RequirementsFailed
from faaslab.model.quotas import LAYERS, UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.backends.local.host.processes import Keeper
    from faaslab.backends.local.runtimes.interpreters import Interpreter

_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CREDENTIALS = re.compile(r"(://)[^/\s@]+@")


class Packages:
    """The cache folder of one store."""

    def __init__(
        self, root: Path, *, pip_arguments: Sequence[str] = (), keeper: Keeper | None = None
    ) -> None:
        self._root = root
        self._pip_arguments = tuple(pip_arguments)
        self._keeper = keeper
        self._running: set[int] = set()
        self._stopped = False

    def code(self, archive: Path, digest: str) -> Path:
        """The task root: the zip `archive`, unpacked, read-only.

        Raises InvalidValue for an archive that is not a zip, is too large, or reaches out of its folder.
        """
        name = digest or _digest(archive)
        if not re.fullmatch(r"[0-9A-Za-z_-]{1,128}", name):
            raise InvalidValue(f"{name!r} is no digest", place="code_digest")
        final = self._root / "code" / name
        return made(final, lambda folder: unpack(archive, folder))

    def layers(self, layers: Sequence[tuple[Path, str]], task_root: Path) -> Path:
        """One folder with the layers (zip, digest) unpacked over each other in order: a function's `/opt`.

        Raises InvalidValue for more than five, and where they and the code are larger than Lambda allows.
        """
        if len(layers) > LAYERS:
            raise InvalidValue(
                f"Cannot reference more than {LAYERS} layers.", place="layers", hint="merge some of them"
            )
        total = sum(unzipped_bytes(archive) for archive, _ in layers) + _size(task_root)
        if total > UNZIPPED_BYTES:
            raise InvalidValue(
                f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES} "
                f"bytes. The actual size is {total} bytes.",
                place="layers",
                hint="pack less, or use a container image",
            )
        key = hashlib.sha256("\n".join(digest for _, digest in layers).encode()).hexdigest()
        return made(
            self._root / "layers" / key,
            lambda folder: unpack_all([archive for archive, _ in layers], folder, place="layers"),
        )

    def requirements(self, requires: Sequence[str], interpreter: Interpreter) -> Path | None:
        """The folder with a function's own packages, installed at most once; None when it has none.

        Where the interpreter that runs faaslab has them all, and what they require, they are taken from it.

        Raises RequirementsFailed with the installer's own last words.
        """
        wanted = sorted({" ".join(item.split()) for item in requires if item.strip()})
        if not wanted:
            return None
        for item in wanted:
            if item.startswith("-"):
                raise InvalidValue(
                    f"{item!r} is an option of pip, not a package",
                    place="requires",
                    hint="name packages as in 'pandas>=2'",
                )
        if interpreter.own and not self._pip_arguments:
            here = distributions.satisfying(wanted)
            if here:
                # Without a download; where no links can be made it is installed after all.
                with contextlib.suppress(OSError):
                    return linked(self._root / "requirements", interpreter.tag, here)
        key = hashlib.sha256("\n".join((interpreter.tag, *map(_identity, wanted))).encode()).hexdigest()[:32]
        return self.installed(self._root / "requirements" / key, wanted, interpreter)

    def installed(self, final: Path, wanted: Sequence[str], interpreter: Interpreter) -> Path:
        """`final`, with the packages in it."""
        return made(final, lambda folder: self._install(folder, wanted, interpreter))

    def _install(self, folder: Path, wanted: Sequence[str], interpreter: Interpreter) -> None:
        command = _installer(interpreter)
        if command is None:
            raise RequirementsFailed(
                f"{interpreter.path} has no pip and uv was not found",
                hint=f"run `{interpreter.path} -m ensurepip`, or install uv",
            )
        code, text = self.run([*command, "--target", str(folder), *self._pip_arguments, "--", *wanted])
        if code != 0:
            lines = [line for line in text.splitlines() if line.strip() and "[notice]" not in line]
            errors = [line for line in lines if line.startswith("ERROR")]
            raise RequirementsFailed(
                "\n".join((errors or lines)[-3:]) or f"the installer ended with {code}",
                place=f"requires {', '.join(wanted)}",
                hint="check the names and versions; pip's own settings (index, proxy) apply",
            )

    def stop(self) -> None:
        """From any thread: end the installers that run, and those that are started from now on."""
        self._stopped = True
        for pid in tuple(self._running):
            _end(pid)

    def run(self, command: Sequence[str], *, cwd: Path | None = None) -> tuple[int, str]:
        """Run an installer to its end: its exit code and what it wrote, without colours and passwords.

        It ends with us, however we end.
        """
        with unfollowed():
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                start_new_session=True,
            )
        if self._keeper is not None:
            self._keeper.add(process.pid)
        self._running.add(process.pid)
        try:
            if self._stopped:
                _end(process.pid)
            output, _ = process.communicate()
        except BaseException:
            _end(process.pid)
            process.communicate()
            raise
        finally:
            self._running.discard(process.pid)
            if self._keeper is not None:
                self._keeper.remove(process.pid)
        text = _CREDENTIALS.sub(r"\1****@", _COLOUR.sub("", output.decode("utf-8", "replace")))
        return process.returncode, text


def _end(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, 9)


def _installer(interpreter: Interpreter) -> list[str] | None:
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
    if interpreter.has_module("pip"):
        return [str(interpreter.path), "-m", "pip", "install", *quiet]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", str(interpreter.path)]
    return None


def _identity(requirement: str) -> str:
    """The text, and for a local file also what is in it."""
    path = Path(requirement.partition("@ file://")[2] or requirement.removeprefix("file://"))
    try:
        state = path.stat()
    except (OSError, ValueError):
        return requirement
    return f"{requirement} {state.st_size} {state.st_mtime_ns}"


def _digest(archive: Path) -> str:
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_symlink() or path.is_file())
