"""Filter patterns for fields between spaces: `[ip, ..., status = 4* && status != 404, bytes > 1000]`. Pure.

What stands between square brackets or double quotes is one field of an event; `...` stands for any number of
fields (CloudWatch Logs User Guide).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from faaslab.endpoint.logs.scanning import Malformed, Scanner, comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    Condition = Callable[[str], bool]

_WORDS = re.compile(
    r"""(?P<more>\.\.\.)|(?P<and>&&)|(?P<or>\|\|)|(?P<operator>!=|<=|>=|=!|=|<|>)|(?P<mark>[\[\],()])"""
    r"""|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<regex>%[^%]*%)|(?P<bare>[^\s\[\],()=!<>&|"%]+)"""
)
_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')


def read(text: str) -> Callable[[str], bool]:
    """Whether a message matches. Raises `Malformed`."""
    scanner = Scanner(text, _WORDS)
    scanner.expect("[")
    before: list[Condition] = []
    after: list[Condition] | None = None
    while scanner.word != "]":
        if scanner.take("..."):
            if after is not None:
                raise Malformed("... may stand there once")
            after = []
        elif scanner.word == ",":
            (before if after is None else after).append(_anything)
        else:
            (before if after is None else after).append(_field(scanner))
        if scanner.word != "]":
            scanner.expect(",")
            if scanner.word == "]":  # a field without a name
                (before if after is None else after).append(_anything)
    scanner.expect("]")
    if scanner.kind:
        raise Malformed(f"{scanner.word!r} stands behind its end")

    def test(message: str) -> bool:
        fields = ["".join(found) for found in _FIELD.findall(message)]
        if after is None:
            return len(fields) == len(before) and _hold(before, fields)
        if len(fields) < len(before) + len(after):
            return False
        return _hold(before, fields) and _hold(after, fields[len(fields) - len(after) :])

    return test


def names(pattern: str) -> list[str]:
    """The names of the fields as a pattern gives them, `...` among them; empty for one without."""
    fields = re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", pattern.strip()[1:-1])
    return [re.split(r"[=!<>\s]", each.strip().lstrip("( "))[0] for each in fields]


def value(pattern: str, name: str) -> Callable[[str], str | None]:
    """The field of that name, or number from 1 on, of a message. Raises `Malformed`."""
    words = names(pattern)
    if name in words:
        place = words.index(name)
        if "..." in words[:place]:
            place -= len(words)
    elif name.isdigit() and int(name) > 0:
        place = int(name) - 1
    else:
        raise Malformed(f"the pattern has no field {name!r}")

    def found(message: str) -> str | None:
        fields = ["".join(each) for each in _FIELD.findall(message)]
        return fields[place] if -len(fields) <= place < len(fields) else None

    return found


def _hold(conditions: list[Condition], fields: list[str]) -> bool:
    return all(condition(field) for condition, field in zip(conditions, fields, strict=False))


def _anything(field: str) -> bool:
    del field
    return True


def _field(scanner: Scanner) -> Condition:
    """`name`, or `name > 1 && name < 3 || name = 7`, where all names are the same."""
    name = scanner.word
    if scanner.kind != "bare" and scanner.word != "(":
        raise Malformed(f"the name of a field is missing before {scanner.word or 'the end'!r}")
    if scanner.kind == "bare":
        scanner.advance()
        if scanner.kind != "operator":
            return _anything
        return _any(scanner, name, _compared(scanner))
    return _any(scanner, None, None)


def _any(scanner: Scanner, name: str | None, first: Condition | None) -> Condition:
    conditions = [_all(scanner, name, first)]
    while scanner.take("||"):
        conditions.append(_all(scanner, name, None))
    return lambda field: any(each(field) for each in conditions)


def _all(scanner: Scanner, name: str | None, first: Condition | None) -> Condition:
    conditions = [first or _one(scanner, name)]
    while scanner.take("&&"):
        conditions.append(_one(scanner, name))
    return lambda field: all(each(field) for each in conditions)


def _one(scanner: Scanner, name: str | None) -> Condition:
    if scanner.take("("):
        scanner.deeper()
        condition = _any(scanner, name, None)
        scanner.expect(")")
        scanner.depth -= 1
        return condition
    if scanner.kind != "bare" or (name is not None and scanner.word != name):
        raise Malformed(f"the name of the field is missing before {scanner.word or 'the end'!r}")
    scanner.advance()
    return _compared(scanner)


def _compared(scanner: Scanner) -> Condition:
    if scanner.kind != "operator":
        raise Malformed(f"a comparison is missing before {scanner.word or 'the end'!r}")
    operator = scanner.advance()
    if scanner.kind == "regex":
        raise Malformed("here regular expressions are matched in patterns of terms only")
    if scanner.kind not in ("quoted", "bare"):
        raise Malformed(f"a value is missing before {scanner.word or 'the end'!r}")
    return comparison("!=" if operator == "=!" else operator, scanner.advance())
