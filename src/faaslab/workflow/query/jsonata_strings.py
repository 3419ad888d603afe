"""The functions of JSONata over texts that the library has otherwise, or without bounds."""

from __future__ import annotations

import base64
import math
import re
from typing import Any

from jsonata import functions, jexception, jsonata, utils

from faaslab.workflow.query.jsonata_bounds import held
from faaslab.workflow.query.jsonata_values import NULL

JException = jexception.JException


def applied(function: Any, *args: Any) -> Any:
    """What a function of the expression gives for as many of the arguments as it takes."""
    count = functions.Functions.get_function_arity(function)
    return jsonata.Jsonata.CURRENT.jsonata.apply(function, list(args[: max(count, 1)]), None, None)


def join(strings: Any, separator: Any) -> Any:
    """`$join`."""
    if strings is None:
        return None
    held(sum(map(len, strings)) + len(separator or "") * len(strings))
    return (separator or "").join(strings)


def pad(text: Any, width: Any, char: Any) -> Any:
    """`$pad`: on the right, on the left where the width is negative."""
    if text is None or width is None:
        return text
    held(abs(int(width)))
    filling = char or " "
    missing = abs(int(width)) - len(text)
    padding = (filling * (missing // len(filling) + 1))[:missing] if missing > 0 else ""
    return text + padding if width > 0 else padding + text


def split(text: Any, separator: Any, limit: Any) -> Any:
    """`$split`: the groups of a regular expression are no parts, as Python has them."""
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3020", -1, limit)
    most = None if limit is None else math.floor(limit)
    if isinstance(separator, str):
        return (text.split(separator) if separator else list(text))[:most]
    return separator.split(text)[:most]


def matches(text: Any, pattern: Any, limit: Any) -> Any:
    """`$match`."""
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3040", -1, limit)
    found = utils.Utils.create_sequence()
    for match in pattern.finditer(text):
        if limit is not None and len(found) >= limit:
            break
        groups = [NULL if group is None else group for group in match.groups()]
        found.append({"match": match.group(), "index": match.start(), "groups": groups})
    return found


def contains(text: Any, token: Any) -> Any:
    """`$contains`."""
    if text is None:
        return None
    return token in text if isinstance(token, str) else next(token.finditer(text), None) is not None


def _expanded(template: str, match: re.Match[str]) -> str:
    """The replacement with `$$`, `$0` and `$n` filled in; a number too large drops digits from its right."""
    parts, position = [], 0
    groups = match.groups()
    while (dollar := template.find("$", position)) >= 0:
        parts.append(template[position:dollar])
        position = dollar + 1
        digits = re.compile(r"\d+", re.ASCII).match(template, position)
        if template.startswith("$", position):
            parts.append("$")
            position += 1
        elif digits is None:
            parts.append("$")
        else:
            taken = digits.group()[: max(len(str(len(groups))), 1)]
            while len(taken) > 1 and int(taken) > len(groups):
                taken = taken[:-1]
            index = int(taken)
            if index <= len(groups):
                parts.append(match.group(index) or "")
            position += len(taken)
    parts.append(template[position:])
    return "".join(parts)


def replace(text: Any, pattern: Any, replacement: Any, limit: Any) -> Any:
    """`$replace`."""
    if text is None:
        return None
    if pattern == "":
        raise JException("D3010", -1, pattern)
    if limit is not None and limit < 0:
        raise JException("D3011", -1, limit)
    if isinstance(pattern, str):
        pattern, replaced = re.compile(re.escape(pattern)), replacement
        plain = True
    else:
        replaced, plain = replacement, False
    parts, begin, size = [], 0, 0
    for count, match in enumerate(pattern.finditer(text)):
        if limit is not None and count >= limit:
            break
        if isinstance(replaced, str):
            new = replaced if plain else _expanded(replaced, match)
        else:
            groups = [NULL if group is None else group for group in match.groups()]
            described = {"match": match.group(), "start": match.start(), "end": match.end(), "groups": groups}
            new = applied(replaced, described)
            if not isinstance(new, str):
                raise JException("D3012", -1, new)
        parts += [text[begin : match.start()], new]
        size += len(new)
        held(size)
        begin = match.end()
    return "".join([*parts, text[begin:]])


def base64decode(text: Any) -> Any:
    """`$base64decode`: what is not base64 is an error."""
    if text is None:
        return None
    return base64.b64decode(text, validate=True).decode("utf-8")
