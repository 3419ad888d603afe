"""faaslab: the Jupyter toolkit for serverless.

    import faaslab
    lab = faaslab.open()
    lab.functions.invoke("score", {"x": 4}).result

In a notebook: `%load_ext faaslab`, then `%%faas NAME` above a cell and `%faas help`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faaslab.app import function, open  # noqa: A004
    from faaslab.lab.sample_events import sample_event

__version__ = "0.5.0"
__all__ = [
    "__version__",
    "function",
    "load_ipython_extension",
    "open",
    "sample_event",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    # Importing the package loads nothing heavy; what is used is loaded when it is used.
    if name in {"function", "open"}:
        from faaslab import app

        return getattr(app, name)
    if name == "sample_event":
        from faaslab.lab.sample_events import sample_event

        return sample_event
    raise AttributeError(f"module 'faaslab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext faaslab`."""
    from faaslab import notebook

    notebook.load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext faaslab`."""
    from faaslab import notebook

    notebook.unload(ipython)
