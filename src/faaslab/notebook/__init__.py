"""The notebook face: `%%faas`, `%faas`, and how the model looks in a cell.

Loading registers a magic, a completion and the formatters; nothing is opened, started or printed until the
first `%faas` that needs a lab.
"""

from __future__ import annotations

from typing import Any

_ATTRIBUTE = "_faaslab_magics"


def load(ipython: Any) -> None:
    """Register the magics, the completion and the formatters."""
    from faaslab.notebook.magics import FaasMagics

    if getattr(ipython, _ATTRIBUTE, None) is not None:
        return
    magics = FaasMagics(ipython)
    ipython.register_magics(magics)
    magics.attach()
    setattr(ipython, _ATTRIBUTE, magics)


def unload(ipython: Any) -> None:
    """Take them back, and close the labs that the magics opened."""
    magics = getattr(ipython, _ATTRIBUTE, None)
    if magics is None:
        return
    setattr(ipython, _ATTRIBUTE, None)
    magics.detach()
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop("faas", None)
    ipython.magics_manager.registry.pop(type(magics).__name__, None)
    if magics in ipython.configurables:
        ipython.configurables.remove(magics)
