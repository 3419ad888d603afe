"""What went wrong in an expression, in JSONata's own words."""

from __future__ import annotations

import math
import re
from typing import Any

from jsonata import jexception

from faaslab.workflow.query.jsonata_values import NULL, UNDEFINED, is_number, json_text, text_of_number

JException = jexception.JException


def described(wrong: Any) -> tuple[str | None, str]:
    """The code and the message of an error of the library, in JSONata's words.

    The library's catalogue says "Object" for function, and its values are not written as JSON.
    """
    template = JException.error_codes.get(wrong.error)
    if template is None:
        return None, str(wrong.error)
    code = wrong.error
    inserts = [wrong.current, wrong.expected, wrong.extra]
    if code == "T0412":
        inserts[2] = _TYPES.get(str(wrong.extra)[:1])
    elif code == "S0213" and wrong.current is UNDEFINED:
        inserts[0] = NULL
    elif code == "S0301" and wrong.current is not UNDEFINED:  # the library's code for it is another's
        code, template = "S0103", JException.error_codes["S0103"]
    template = template.replace("Object", "function")
    if not code.startswith(("S010", "S02")) or code in {"S0216", "S0217"}:
        template = template.replace('"', "'")

    def inserted(match: re.Match[str]) -> str:
        value: Any = inserts.pop(0) if inserts else None
        if match.group(1) is not None:
            return str(value)
        if is_number(value) and math.isfinite(value):
            return text_of_number(value, digits=17)
        return "undefined" if value is UNDEFINED else json_text(value)

    return code, re.sub(r"\{\{\{(\w+)\}\}\}|\{\{\w+\}\}", inserted, template)


_TYPES = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}
