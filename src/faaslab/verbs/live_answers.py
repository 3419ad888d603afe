"""Answers that a notebook shows live, with controls; a shell says the same once."""

# ruff: noqa: TC004 -- nothing reads these annotations, and pandas may not be loaded for them

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.lab.dashboard import Dashboard


@dataclass(frozen=True, kw_only=True)
class PanelAnswer:
    """The panel of a function or of a workflow, by its name."""

    name: str
    kind: Literal["function", "workflow"]
    payload: str | None = None
    """JSON text that the editor begins with."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema of the payload, which the form is built from."""
    qualifier: str | None = None
    """The alias or version that is chosen at first."""
    exit_status: int = 0

    @property
    def value(self) -> str:
        """The name."""
        return self.name

    @property
    def text(self) -> str:
        """What is said of it where nothing can be clicked."""
        return f"panel of the {self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class DashboardAnswer:
    """How functions fare at this moment. `since` is the window as it was asked for, such as `1h`."""

    dashboard: Dashboard
    since: str
    exit_status: int = 0

    @property
    def value(self) -> pd.DataFrame:
        """A row a function: invocations, errors, throttles, percentiles, cold rate, cost, running."""
        return self.dashboard.df
