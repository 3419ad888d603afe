"""Deployment packages: a cell with all that it may see becomes a zip, and a zip of others is checked.

Rule: equal input gives equal bytes, on every day and machine with the same zlib, because the digest of a
package decides whether a function has changed; and nothing is unpacked that was not checked here first.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import keyword
import math
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from faaslab.deploy import regular
from faaslab.errors import InvalidValue
from faaslab.model.quotas import UNZIPPED_BYTES as UNZIPPED_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Lambda's quotas (Developer Guide, gettingstarted-limits).
ZIP_LIMIT = 50 * 1024 * 1024
ENTRY_LIMIT = 100_000

# Real files of this size do not shrink so far; what does was made to fill a disk.
_SUSPICIOUS_BYTES = 16 * 1024 * 1024
_SUSPICIOUS_RATIO = 250

# What zipfile raises over bytes that are no archive, or a damaged one.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    OverflowError, OSError,
)  # fmt: skip

_LONGEST_LINK = 4095
_ALL_LINKS = 256 * 1024
"""Each may lead over forty others, so looking at all of them has to have an end."""
_MOST_LINKS = 40
"""So many the kernel follows for one name (`man 7 path_resolution`)."""
_LINK_HINT = "put the file itself into the archive (zip without -y)"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT_FOLDERS = {"__pycache__", ".git", ".hg", ".svn", ".ipynb_checkpoints", ".venv", ".mypy_cache"}
_LEFT_OUT_ENDINGS = (".pyc", ".pyo")

# Python finds a package before a module of the same name. So this runs where `{module}.py` was asked for,
# makes the captured values globals, and runs that file under its own name: its lines keep their numbers,
# `from __future__` may stand first, and the values are there while the module is still being imported.
_LOADER = '''\
"""Made by faaslab: gives {filename}, beside this folder, the values that were captured for it."""

import json
import os


def run(scope):
    folder = os.path.dirname(__file__)
    with open(os.path.join(folder, "captured.json"), encoding="utf-8") as file:
        captured = json.load(file)
    path = folder + ".py"
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    for name in ("json", "os", "run"):
        del scope[name]
    scope.update(captured, __file__=path, __doc__=None)
    exec(code, scope)


run(globals())
'''


def from_source(
    source: str,
    filename: str = "lambda_function.py",
    include: Iterable[str | os.PathLike[str]] = (),
    capture: Mapping[str, Any] | None = None,
    *,
    executable: bool = False,
) -> bytes:
    """A zip with `source` as the file `filename`, the included files and folders, and the captured values.

    An included file stands in the task root under its own name, an included folder with its content below
    its name; compiled files and the folders of version control are left out. A captured value becomes a
    global of the source's module, under its name; it must have a JSON form (a tuple arrives as a list).
    Raises `InvalidValue` that names the option and what is wrong with it.
    """
    target = _relative(filename, place="filename")
    files: dict[str, tuple[bytes, int]] = {}
    origins: dict[str, str] = {}
    total = 0

    def add(name: str, content: bytes, mode: int, origin: str) -> None:
        if name in files:
            raise InvalidValue(
                f"{origin} and {origins[name]} would both be {name!r} in the package",
                place="include",
                hint="rename one of them, or include the folder above it",
            )
        nonlocal total
        total += len(content)
        _check_total(total, place="include")
        files[name] = (content, mode)
        origins[name] = origin

    try:
        content = source.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(
            f"the source has a lone surrogate at character {error.start}", place="source"
        ) from None
    content = content if content.endswith(b"\n") or not content else content + b"\n"
    add(target, content, 0o755 if executable else 0o644, "the source")
    if capture:
        for name, content in _captured(target, capture):
            add(name, content, 0o644, "what is captured")
    for wanted in include:
        for name, path in _included(Path(wanted)):
            mode = 0o755 if os.access(path, os.X_OK) else 0o644
            add(name, path.read_bytes(), mode, str(path))
    _check_nesting(files, files, place="include")
    return _zip(files)


def from_zip(path: str | os.PathLike[str]) -> bytes:
    """The bytes of the archive at `path`, unchanged, after `check`."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > ZIP_LIMIT:
            raise _too_large(size, str(path))
    except OSError as error:
        raise InvalidValue(
            f"cannot be read: {error.strerror}", place=str(path), hint="give the path of a zip archive"
        ) from None
    package = regular.read(path, limit=ZIP_LIMIT, place=str(path), hint="give the path of a zip archive")
    check(package, place=str(path))
    return package


def check(package: bytes, *, place: str = "zip", limit: int = ZIP_LIMIT) -> tuple[str, ...]:
    """The names of the files in `package`; raises `InvalidValue` that names the entry which is not safe.

    Every entry is unpacked into nothing once, so that sizes and checksums are those of the data and not
    only what the archive says of itself.
    """
    if len(package) > limit:
        raise _too_large(len(package), place)
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            return _check_entries(archive, place)
    except _DAMAGED as error:
        raise InvalidValue(
            f"is not a sound zip archive: {error}", place=place, hint="make it anew with any zip program"
        ) from None


def code_sha256(package: bytes) -> str:
    """The base64 SHA-256 of a package: Lambda's `CodeSha256`."""
    return base64.b64encode(hashlib.sha256(package).digest()).decode("ascii")


# --- captured values ----------------------------------------------------------------------------------


def _captured(target: str, capture: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    module = PurePosixPath(target)
    if module.suffix != ".py":
        raise InvalidValue(
            f"values can be captured for Python code only, not for {target!r}", place="capture"
        )
    for name, value in capture.items():
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            raise InvalidValue(f"{name!r} cannot be the name of a global variable", place="capture")
        _check_json(value, f"capture {name}", ())
    text = json.dumps({name: capture[name] for name in sorted(capture)}, ensure_ascii=True, indent=1)
    yield f"{module.with_suffix('')}/__init__.py", _LOADER.format(filename=module.name).encode()
    yield f"{module.with_suffix('')}/captured.json", text.encode() + b"\n"


def _check_json(value: Any, place: str, above: tuple[int, ...]) -> None:
    if value is None or isinstance(value, (str, bool, int)):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidValue(f"{value} has no JSON form", place=place, hint="use None for what is missing")
        return
    if id(value) in above:
        raise InvalidValue("contains itself", place=place)
    above = (*above, id(value))
    if len(above) > 200:
        raise InvalidValue("is nested more than 200 levels deep", place=place)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidValue(
                    f"the key {key!r} is not a string, and would come back as one",
                    place=place,
                    hint="make the keys strings, or capture a list of pairs",
                )
            _check_json(item, f"{place}/{key}", above)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_json(item, f"{place}/{index}", above)
    else:
        raise InvalidValue(
            f"a {type(value).__name__} has no JSON form",
            place=place,
            hint="capture strings, numbers, booleans, None, lists and dictionaries; put code in --include",
        )


# --- included files -----------------------------------------------------------------------------------


def _included(path: Path) -> Iterator[tuple[str, Path]]:
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise InvalidValue(
            "no such file or folder", place=f"include {path}", hint=f"the current folder is {Path.cwd()}"
        ) from None
    if root.is_file():
        yield (path.name if path.name not in ("", "..") else root.name), root
        return
    if not root.is_dir():
        raise InvalidValue("is neither a file nor a folder", place=f"include {path}")
    name = path.name or root.name
    yield from _below(root, root, root.name if name == ".." else name)


def _below(folder: Path, root: Path, name: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        inside = f"{name}/{entry.name}"
        if entry.is_symlink() and not _stays_inside(entry, root):
            raise InvalidValue(
                f"the link points out of {root}", place=f"include {entry}", hint="include its target as well"
            )
        if entry.is_dir():
            if entry.name in _LEFT_OUT_FOLDERS:
                continue
            if entry.is_symlink():
                raise InvalidValue("is a link to a folder", place=f"include {entry}")
            yield from _below(entry, root, inside)
        elif entry.is_file():
            if not entry.name.endswith(_LEFT_OUT_ENDINGS):
                yield inside, entry
        else:
            raise InvalidValue("is neither a file nor a folder", place=f"include {entry}")


def _stays_inside(link: Path, root: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


# --- archives -----------------------------------------------------------------------------------------


def _zip(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            content, mode = files[name]
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, content)
    package = buffer.getvalue()
    if len(package) > ZIP_LIMIT:
        raise _too_large(len(package), "include")
    return package


def _check_entries(archive: zipfile.ZipFile, place: str) -> tuple[str, ...]:
    entries = archive.infolist()
    if len(entries) > ENTRY_LIMIT:
        raise InvalidValue(f"holds more than {ENTRY_LIMIT:,} entries", place=place)
    names: dict[str, bool] = {}
    for entry in entries:
        where = f"{place}: entry {entry.orig_filename!r}"
        _check_entry(entry, where)
        name = str(PurePosixPath(entry.filename))
        if name == "." and entry.is_dir():
            continue
        if name in names and not (names[name] and entry.is_dir()):
            raise InvalidValue("stands in the archive twice", place=where)
        names[name] = entry.is_dir()
    files = [name for name, is_folder in names.items() if not is_folder]
    if not files:
        raise InvalidValue("holds no file", place=place)
    _check_nesting(files, names, place=place)
    _check_links(archive, entries, names, place=place)
    _check_total(sum(entry.file_size for entry in entries), place=place)
    total = 0
    for entry in entries:
        if entry.is_dir():
            continue
        with archive.open(entry) as stream:
            while chunk := stream.read(1 << 20):
                total += len(chunk)
                _check_total(total, place=f"{place}: entry {entry.filename!r}")
    return tuple(files)


def _check_entry(entry: zipfile.ZipInfo, where: str) -> None:
    if entry.orig_filename != entry.filename and "\0" in entry.orig_filename:
        raise InvalidValue("its name has a NUL character", place=where)
    name = entry.filename.removesuffix("/") if entry.is_dir() else entry.filename
    if name != ".":
        _relative(name.removeprefix("./"), place=where)
    if entry.flag_bits & 0x1:
        raise InvalidValue("is encrypted", place=where, hint="make the archive without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidValue(
            f"uses the compression method {entry.compress_type}",
            place=where,
            hint="use deflate, as Lambda does",
        )
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == 3 else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise InvalidValue("is neither a file nor a folder", place=where)
    if entry.file_size > _SUSPICIOUS_BYTES and entry.file_size > _SUSPICIOUS_RATIO * entry.compress_size:
        raise InvalidValue(
            f"would grow from {entry.compress_size:,} to {entry.file_size:,} bytes",
            place=where,
            hint="files of such a size that hold almost nothing are not unpacked",
        )


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return entry.create_system == 3 and stat.S_ISLNK(entry.external_attr >> 16)


def _check_links(
    archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo], names: Iterable[str], *, place: str
) -> None:
    """Each link leads to something else in the archive; `names` are those of its files and folders."""
    known = {str(above) for name in names for above in (PurePosixPath(name), *PurePosixPath(name).parents)}
    links: dict[str, list[str]] = {}
    total = 0
    for entry in entries:
        if not _is_link(entry):
            continue
        where = f"{place}: entry {entry.orig_filename!r}"
        with archive.open(entry) as stream:
            target = stream.read(_LONGEST_LINK + 1)
        text = target.decode("utf-8", "replace")
        if not target or len(target) > _LONGEST_LINK or b"\0" in target or entry.is_dir():
            raise InvalidValue("is a link to no name", place=where)
        total += len(target)
        if total > _ALL_LINKS:
            raise InvalidValue(f"holds links of more than {_ALL_LINKS:,} bytes", place=place, hint=_LINK_HINT)
        if text.startswith("/"):
            raise InvalidValue(
                f"is a link to {text[:200]!r}, out of the archive", place=where, hint=_LINK_HINT
            )
        links[str(PurePosixPath(entry.filename))] = text.split("/")
    for name in links:
        wrong = _wrong_link(name, links, known)
        if wrong:
            raise InvalidValue(
                f"is a link to {'/'.join(links[name])[:200]!r}, {wrong}",
                place=f"{place}: entry {name!r}",
                hint=_LINK_HINT,
            )


def _wrong_link(name: str, links: Mapping[str, list[str]], known: set[str]) -> str | None:
    """What is wrong with where a link leads, as the kernel would follow it; None for nothing."""
    at = name.split("/")[:-1]
    home = list(at)
    waiting = links[name][::-1]
    followed = 1
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not at:
                return "out of the archive"
            at.pop()
            continue
        at.append(part)
        path = "/".join(at)
        if path in links:
            followed += 1
            if followed > _MOST_LINKS:
                return "and never to a file"
            at.pop()
            waiting += links[path][::-1]
        elif path not in known:
            return "which is not in the archive"
    return "a folder that it stands in" if at == home[: len(at)] else None


def _relative(name: str, *, place: str) -> str:
    parts = name.split("/")
    wrong = None
    if not name:
        wrong = "is empty"
    elif name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        wrong = "is an absolute path"
    elif ".." in parts:
        wrong = "leads out of the package"
    elif "\\" in name:
        wrong = "has a backslash"
    elif any(ord(character) < 32 for character in name):
        wrong = "has a control character"
    elif "" in parts or "." in parts:
        wrong = "has an empty part"
    elif any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts) or len(name) > 4000:
        wrong = "is too long"
    if wrong:
        raise InvalidValue(f"the name {name[:200]!r} {wrong}", place=place)
    return name


def _check_nesting(files: Iterable[str], names: Iterable[str], *, place: str) -> None:
    """No name may be a file and a folder at once."""
    files = set(files)
    for name in names:
        for above in PurePosixPath(name).parents:
            if str(above) in files:
                raise InvalidValue(f"{str(above)!r} is a file, but {name!r} stands below it", place=place)


def _check_total(size: int, *, place: str) -> None:
    if size > UNZIPPED_LIMIT:
        raise InvalidValue(
            f"unzipped it is larger than {UNZIPPED_LIMIT:,} bytes, which is Lambda's limit",
            place=place,
            hint="leave data out of the code, or install packages with --requires",
        )


def _too_large(size: int, place: str) -> InvalidValue:
    return InvalidValue(
        f"the zip has {size:,} bytes; Lambda takes {ZIP_LIMIT:,}",
        place=place,
        hint="leave data out of the code, or install packages with --requires",
    )
