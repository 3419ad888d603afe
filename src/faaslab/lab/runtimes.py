"""Which runtimes there are, what a handler is in each, and which file a cell becomes. Pure.

Every complaint's `place` is the keyword of `lab.functions.create`; a face puts its option in its stead.
"""

from __future__ import annotations

import re
from typing import Literal

from faaslab.errors import InvalidValue, Unsupported, nearest

Family = Literal["python", "nodejs", "provided", "image"]

PYTHONS = tuple(f"python3.{minor}" for minor in range(9, 16))
NODES = tuple(f"nodejs{major}.x" for major in range(18, 28, 2))
CUSTOM = ("provided.al2023", "provided.al2")
OTHERS = (
    "java8.al2", "java11", "java17", "java21", "java25", "dotnet6", "dotnet8", "dotnet10", "ruby3.2",
    "ruby3.3", "ruby3.4", "go1.x",
)  # fmt: skip
IMAGE = "image"
"""What stands in a runtime's place for a container image, which brings its own."""
BOOTSTRAP = "bootstrap"

_PYTHON = re.compile(r"(?P<module>[A-Za-z_][\w/.-]*)\.(?P<function>[A-Za-z_]\w*)")
_NODE = re.compile(r"(?P<module>[\w/-]+)\.(?P<function>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)")
_ANY = re.compile(r"\S{1,128}")
_EXPORT = re.compile(r"^\s*export\b", re.MULTILINE)
_COMMON = re.compile(r"^\s*(?:module\.)?exports\b", re.MULTILINE)


def runtime(text: str) -> str:
    """A runtime that this release can run."""
    if text in (*PYTHONS, *NODES, *CUSTOM):
        return text
    if text in OTHERS:
        raise Unsupported(
            f"this release does not run {text} by itself",
            place="runtime",
            hint="a container image (--image) runs it, or a zip with a bootstrap (provided.al2023)",
        )
    near = nearest(text, (*PYTHONS, *NODES, *CUSTOM, *OTHERS))
    raise InvalidValue(
        f"no runtime is named {text!r}",
        place="runtime",
        hint=f"did you mean {near!r}?"
        if near
        else f"{PYTHONS[0]} to {PYTHONS[-1]}, {NODES[0]} to {NODES[-1]} or {CUSTOM[0]}",
    )


def family(text: str) -> Family:
    """What kind of runtime it is."""
    for kind in ("nodejs", "provided"):
        if text.startswith(kind):
            return "nodejs" if kind == "nodejs" else "provided"
    return "image" if text == IMAGE else "python"


def language(text: str) -> Literal["text", "python", "javascript", "bash"]:
    """What its source is written in, as an editor names it."""
    kind = family(text)
    if kind == "nodejs":
        return "javascript"
    return "bash" if kind == "provided" else "text" if kind == "image" else "python"


def handler(text: str, of: str = PYTHONS[0]) -> str:
    """A handler as the runtime `of` takes it, such as `app.main`, `package/app.main`, `src/index.handler`."""
    kind = family(of)
    pattern = {"python": _PYTHON, "nodejs": _NODE}.get(kind, _ANY)
    found = pattern.fullmatch(text) if len(text) <= 128 else None
    if found is None and not (kind == "image" and text == ""):
        like = "app.handler for def handler in app.py"
        if kind == "nodejs":
            like = "index.handler for export const handler in index.mjs"
        raise InvalidValue(
            f"{text!r} is not a handler",
            place="handler",
            hint=f"FILE.FUNCTION, such as {like}"
            if kind in ("python", "nodejs")
            else "a word without spaces",
        )
    if kind == "python":
        assert found is not None
        return f"{found['module'].replace('/', '.')}.{found['function']}"
    return text


def python_parts(text: str) -> tuple[str, str]:
    """(module path with `/`, function) of a Python handler."""
    module, _, function = handler(text).rpartition(".")
    return module.replace(".", "/"), function


def cell_file(text: str, of: str, wanted: str | None) -> tuple[str, str, list[str]]:
    """(file name, handler, notes) of source text in another language than Python."""
    if family(of) == "provided":
        if not text.startswith("#!"):
            raise InvalidValue(
                f"source for {of} is its bootstrap, a script",
                place="code",
                hint="begin it with a line such as #!/bin/bash; a program comes as a zip",
            )
        return BOOTSTRAP, handler(wanted or BOOTSTRAP, of), []
    name = handler(wanted or "index.handler", of)
    module, _, function = name.partition(".")
    common = _COMMON.search(text) is not None and _EXPORT.search(text) is None
    notes = []
    if not re.search(rf"\b{re.escape(function.partition('.')[0])}\b", text) or not (
        common or _EXPORT.search(text)
    ):
        notes.append(f"the code exports no {function}; every invocation will fail until it does")
    return f"{module}.{'js' if common else 'mjs'}", name, notes


def source_files(wanted: str | None, of: str) -> tuple[str, tuple[str, ...]]:
    """(handler, names that its file may have) in a folder of source."""
    kind = family(of)
    if kind == "provided":
        return handler(wanted or BOOTSTRAP, of), (BOOTSTRAP,)
    if kind == "nodejs":
        name = handler(wanted or "index.handler", of)
        module = name.partition(".")[0]
        return name, (f"{module}.mjs", f"{module}.js", f"{module}.cjs")
    name = handler(wanted or "lambda_function.handler", of)
    return name, (f"{python_parts(name)[0]}.py",)
