"""What went wrong in an expression, in JSONata's own words."""

from __future__ import annotations

import re
from typing import Any

from jsonata import jexception

from faaslab.workflow.query.jsonata_values import UNDEFINED, json_text

JException = jexception.JException


def described(wrong: Any) -> tuple[str | None, str]:
    """The code and the message of an error of the library, in JSONata's words.

    The library's catalogue says "Object" for function, and its values are not written as JSON.
    """
    template = JException.error_codes.get(wrong.error)
    if template is None:
        return None, str(wrong.error)
    inserts = [wrong.current, wrong.expected, wrong.extra]
    if wrong.error == "T0412":
        inserts[2] = _TYPES.get(str(wrong.extra)[:1])
    template = template.replace("Object", "function")

    def inserted(match: re.Match[str]) -> str:
        value = inserts.pop(0) if inserts else None
        if match.group(1) is not None:
            return str(value)
        return "undefined" if value is UNDEFINED else json_text(value)

    return wrong.error, re.sub(r"\{\{\{(\w+)\}\}\}|\{\{\w+\}\}", inserted, template)


_TYPES = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}
