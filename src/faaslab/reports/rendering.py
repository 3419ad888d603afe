"""The page is made in a process of its own, with bounded time and memory: what a notebook shows is anybody's.

It takes the secrets out of the executed notebook first, so that what is kept of it when the page cannot be
made is fit to be kept. Then it writes the page. Both appear whole or not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from faaslab.errors import FaaslabError

LIMIT_S = 300.0
"""What it has without a --timeout."""

LEAST_S = 20.0
"""What it has when the cells took all of that: the page is to tell how far they came."""

LIMIT_BYTES = 2 * 1024**3
_GB = 1024**3
_OUT_OF_MEMORY = 70
_LOOK = ("title", "subtitle", "headline", "theme", "paper")


class PageFailed(FaaslabError):
    """The notebook ran, and no page could be made of it."""


def limit_s(timeout_s: float | None, gone_s: float, *, most_s: float = LIMIT_S) -> float:
    """So long something may take that comes after the cells, `gone_s` after the run began."""
    return most_s if timeout_s is None else min(most_s, max(timeout_s - gone_s, LEAST_S))


def make_page(
    job: dict[str, Any],
    folder: Path,
    ended: dict[str, Any],
    *,
    limit_s: float,
    limit_bytes: int = LIMIT_BYTES,
) -> None:
    """Of `executed.ipynb` in `folder` make `report.ipynb`, without secrets, and `report.html`.

    Raises `PageFailed` when that takes too long or too much memory, or breaks.
    """
    wanted = {name: job[name] for name in (*_LOOK, "hide", "shown")}
    said = folder / "rendering.txt"
    with (
        said.open("wb") as log,
        # The same process group: whoever ends the worker's group ends it too.
        subprocess.Popen(
            [sys.executable, "-m", "faaslab.reports.rendering"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        text = json.dumps({"folder": str(folder), "ended": ended, "bytes": limit_bytes, **wanted})
        try:
            process.communicate(text.encode(), timeout=limit_s)
        except subprocess.TimeoutExpired:
            raise PageFailed(
                f"no page was made of the notebook in {limit_s:.0f} s: what its cells show or its Markdown "
                f"is too much{_rest(folder)}",
                place="--timeout",
            ) from None
        finally:
            process.kill()
            process.wait()
    if process.returncode == _OUT_OF_MEMORY or process.returncode < 0:
        raise PageFailed(
            f"the page needs more than {limit_bytes / _GB:.2g} GB of memory: what its cells show is too "
            f"much{_rest(folder)}"
        )
    if process.returncode != 0:
        told = said.read_text("utf-8", "replace").strip().splitlines() or ["nothing said"]
        raise PageFailed(f"no page could be made of the notebook: {told[-1].rstrip('.')}{_rest(folder)}")


def _rest(folder: Path) -> str:
    if (folder / "report.ipynb").is_file():
        return ". The executed notebook is kept"
    return ". Nothing is kept of it, because what is secret could not be taken out"


def main() -> None:
    """Read from standard input what is wanted, and make it."""
    job = json.loads(sys.stdin.buffer.read())
    _bound(job["bytes"])
    try:
        _make(job, Path(job["folder"]))
    except MemoryError:
        # Nothing that would need some of it.
        os._exit(_OUT_OF_MEMORY)


def _bound(limit_bytes: int) -> None:
    """Let this process have so much memory, where the system holds to that."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))


def _make(job: dict[str, Any], folder: Path) -> None:
    import warnings

    import nbformat

    from faaslab.reports.hiding import hide_in
    from faaslab.reports.page import render

    warnings.simplefilter("ignore")  # what libraries say of each other is not the report's matter
    executed, hidden = folder / "executed.ipynb", folder / "report.ipynb"
    if job["hide"] or job["shown"]:
        node = nbformat.read(executed, as_version=4)
        hide_in(node, job["hide"], job["shown"])
        nbformat.write(node, executed)
    executed.replace(hidden)
    look = {name: job[name] for name in _LOOK}
    text = render(hidden, ended=job["ended"], **look)
    part = folder / "report.html.part"
    part.write_text(text, "utf-8")
    part.replace(folder / "report.html")


if __name__ == "__main__":
    main()
