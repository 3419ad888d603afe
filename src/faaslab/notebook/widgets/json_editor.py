"""A field for JSON that says, as one types, whether it is JSON and where it is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.notebook.markup import json_text, tag

if TYPE_CHECKING:
    from collections.abc import Callable

_ROWS = (3, 14)


def json_problem(text: str, *, most_bytes: int | None = None) -> str | None:
    """Why a text is no JSON document that may be sent, with the place; None where it is one."""
    try:
        json.loads(text, parse_constant=_refused)
    except json.JSONDecodeError as error:
        if not text.strip():
            return "nothing stands here: {} is the empty input"
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        return "it is nested too deep"
    except ValueError as error:
        return str(error)
    size = len(text.encode("utf-8", "replace"))
    if most_bytes is not None and size > most_bytes:
        return f"{size:,} bytes are more than the {most_bytes:,} that may be sent"
    return None


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def pretty(text: str) -> str:
    """JSON text indented for people; what is no JSON as it is."""
    try:
        return json_text(json.loads(text))
    except (ValueError, RecursionError):
        return text


class JsonEditor:
    """The field and its message. `changed` is called when the text is another, `most_bytes` is its limit."""

    def __init__(
        self,
        text: str = "{}",
        *,
        label: str = "input",
        most_bytes: int | None = None,
        changed: Callable[[], None] | None = None,
    ) -> None:
        import ipywidgets

        self._most_bytes = most_bytes
        self._changed = changed
        rows = min(max(text.count("\n") + 1, _ROWS[0]), _ROWS[1])
        self.field: Any = ipywidgets.Textarea(
            value=text,
            placeholder=f"{label}: JSON",
            rows=rows,
            tooltip=f"{label}, as JSON",
            layout={"width": "100%", "height": "auto"},
        )
        self.field.add_class("faas-json")
        self._message: Any = ipywidgets.HTML()
        self.widget: Any = ipywidgets.VBox([self.field, self._message], layout={"width": "100%"})
        self.field.observe(self._typed, "value")
        self._say()

    @property
    def text(self) -> str:
        """What stands in the field."""
        return str(self.field.value)

    @text.setter
    def text(self, text: str) -> None:
        self.field.rows = min(max(text.count("\n") + 1, _ROWS[0]), _ROWS[1])
        self.field.value = text

    @property
    def problem(self) -> str | None:
        """Why it is no JSON that may be sent, in words; None where it is."""
        return json_problem(self.text, most_bytes=self._most_bytes)

    def _typed(self, _: Any) -> None:
        self._say()
        if self._changed is not None:
            self._changed()

    def _say(self) -> None:
        problem = self.problem
        said = (
            tag("span", f"no JSON yet: {problem}", class_="said")
            if problem
            else tag("span", "JSON", class_="soft")
        )
        shown = tag("div", said, class_="faas", role="status")
        if self._message.value != shown:
            self._message.value = shown
