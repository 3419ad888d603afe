"""A setting and where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Origin = Literal["flag", "environment", "pyproject.toml", "default"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it holds. `detail` names the variable or the file that its value came from."""

    name: str
    value: Any
    origin: Origin
    detail: str = ""
    help: str = ""

    @property
    def source(self) -> str:
        """The origin in words, such as `environment (FAASLAB_STORE)`."""
        return f"{self.origin} ({self.detail})" if self.detail else self.origin
