"""Answers that a notebook shows live, with controls; a shell says the same once."""

# ruff: noqa: TC004 -- nothing reads these annotations, and pandas may not be loaded for them

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class PanelAnswer:
    """The panel of a function or of a workflow, by its name."""

    name: str
    kind: Literal["function", "workflow"]
    exit_status: int = 0

    @property
    def value(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, kw_only=True)
class DashboardAnswer:
    """How functions fare (all of them without a name), over the last `since`, such as `1h`."""

    functions: tuple[str, ...]
    since: str
    df: pd.DataFrame
    """A row a function: what the dashboard says at this moment."""
    exit_status: int = 0

    @property
    def value(self) -> pd.DataFrame:
        """The table."""
        return self.df


@dataclass(frozen=True, kw_only=True)
class FollowAnswer:
    """The logs of a function as they come, from now on or from `since`; `grep` is a pattern of `logs`."""

    function: str
    grep: str | None = None
    since: str | None = None
    exit_status: int = 0

    @property
    def value(self) -> str:
        """The function's name."""
        return self.function
