"""The query language of CloudWatch Logs Insights, read into commands. Pure.

Source: CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax". There are fields,
display, filter, parse, stats, sort, limit and dedup; any other command, or function, is refused by its name.
"""

from __future__ import annotations

import re

from faaslab.endpoint.logs.scanning import Malformed, Scanner, unquoted
from faaslab.store.questions.insights_words import (
    Apply,
    Command,
    Dedup,
    Expression,
    Fields,
    Filter,
    Limit,
    Literal,
    Name,
    Named,
    Parse,
    Regex,
    Sort,
    Stats,
)

_WORDS = re.compile(
    r"""(?P<duration>\d+\s?(?:milliseconds?|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w)\b)"""
    r"""|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|\.\d+)"""
    r"""|(?P<name>[A-Za-z_@][A-Za-z0-9_.@]*|`[^`]+`)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<sign>!=|<>|<=|>=|=~|[-+*/%^=<>(),|\[\]])"""
)
_COMMENT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/(?:[^/\\\n]|\\.)+/)|#[^\n]*""")
_LENGTHS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_RESERVED = {"as", "by", "and", "or", "not", "like", "in", "asc", "desc"}
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
ROWS = 10_000


def read(text: str) -> list[Command]:
    """The commands of a query. Raises `Malformed`, which says why."""
    scanner = Scanner(_COMMENT.sub(lambda match: match[1] or " ", text), _WORDS)
    scanner.take("|")
    commands = [_command(scanner)]
    while scanner.kind:
        scanner.expect("|")
        commands.append(_command(scanner))
    return commands


def _command(scanner: Scanner) -> Command:
    name = scanner.advance().lower()
    match name:
        case "fields" | "display":
            return Fields(_named(scanner), only=name == "display")
        case "filter":
            return Filter(_either(scanner))
        case "stats":
            items = _named(scanner)
            return Stats(items, _named(scanner) if scanner.take("BY") else ())
        case "sort":
            scanner.take("BY")
            return Sort(_keys(scanner))
        case "limit" | "head":
            number = scanner.advance()
            if not number.isdigit() or not 0 < int(number) <= ROWS:
                raise Malformed(f"limit takes a number from 1 to {ROWS}")
            return Limit(int(number))
        case "parse":
            return _parse(scanner)
        case "dedup":
            return Dedup(tuple(item.expression for item in _named(scanner)))
    raise Malformed(f"the command {name!r} is not there in faaslab" if name else "a command is missing")


def _named(scanner: Scanner) -> tuple[Named, ...]:
    """`EXPRESSION [as NAME], …`; without a name it is called as it is written."""
    items = []
    while True:
        begin = scanner.begin
        expression = _either(scanner)
        name = " ".join(scanner.text[begin : scanner.ended].split()).strip("`")
        if scanner.take("AS"):
            name = _name(scanner)
        items.append(Named(expression, name))
        if not scanner.take(","):
            return tuple(items)


def _name(scanner: Scanner) -> str:
    if scanner.kind != "name":
        raise Malformed(f"a name is missing before {scanner.word or 'the end'!r}")
    return scanner.advance().strip("`")


def _keys(scanner: Scanner) -> tuple[tuple[Expression, bool], ...]:
    keys = []
    while True:
        expression = _either(scanner)
        descending = scanner.take("DESC")
        if not descending:
            scanner.take("ASC")
        keys.append((expression, descending))
        if not scanner.take(","):
            return tuple(keys)


def _parse(scanner: Scanner) -> Parse:
    source: Expression = Name("@message")
    if scanner.kind == "name":
        source = Name(_name(scanner))
    if scanner.word == "/":
        regex = _regex(scanner)
        if not any(regex.names):
            raise Malformed("parse takes a regular expression with named groups, (?<name>…)")
        return Parse(source, regex)
    if scanner.kind != "text":
        raise Malformed("parse takes a text with * in it, or a regular expression")
    first, *pieces = unquoted(scanner.advance()).split("*")
    scanner.expect("AS")
    names = [_name(scanner)]
    while scanner.take(","):
        names.append(_name(scanner))
    if len(names) != len(pieces):
        raise Malformed(f"parse has {len(pieces)} times * and {len(names)} names")
    groups = (f"{'(.*)' if not piece else '(.*?)'}{re.escape(piece)}" for piece in pieces)
    return Parse(source, Regex(re.escape(first) + "".join(groups), tuple(names)))


def _regex(scanner: Scanner) -> Regex:
    text = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", scanner.until("/").replace("\\/", "/"))
    try:
        compiled = re.compile(text)
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        raise Malformed(f"{text!r} is not a regular expression: {error}") from None
    names: list[str | None] = [None] * compiled.groups
    for name, number in compiled.groupindex.items():
        names[number - 1] = name
    return Regex(text, tuple(names))


# -- expressions


def _either(scanner: Scanner) -> Expression:
    scanner.deeper()
    found = [_both(scanner)]
    while scanner.take("OR"):
        found.append(_both(scanner))
    scanner.depth -= 1
    return found[0] if len(found) == 1 else Apply("or", tuple(found))


def _both(scanner: Scanner) -> Expression:
    found = [_not(scanner)]
    while scanner.take("AND"):
        found.append(_not(scanner))
    return found[0] if len(found) == 1 else Apply("and", tuple(found))


def _not(scanner: Scanner) -> Expression:
    if scanner.take("NOT"):
        scanner.deeper()
        found = Apply("not", (_not(scanner),))
        scanner.depth -= 1
        return found
    return _compared(scanner)


def _compared(scanner: Scanner) -> Expression:
    left = _sum(scanner)
    if scanner.word in _COMPARISONS:
        operator = _COMPARISONS[scanner.advance()]
        return Apply(operator, (left, _sum(scanner)))
    negated = scanner.take("NOT")
    if scanner.take("LIKE", "=~"):
        found = Apply("like", (left, _regex(scanner) if scanner.word == "/" else _sum(scanner)))
    elif scanner.take("IN"):
        found = Apply("in", (left, *_list(scanner)))
    elif negated:
        raise Malformed("like or in is missing behind not")
    else:
        return left
    return Apply("not", (found,)) if negated else found


def _list(scanner: Scanner) -> list[Expression]:
    scanner.expect("[", "(")
    found = [_sum(scanner)]
    while scanner.take(","):
        found.append(_sum(scanner))
    scanner.expect("]", ")")
    return found


def _sum(scanner: Scanner) -> Expression:
    value = _product(scanner)
    while scanner.word in ("+", "-"):
        value = Apply(scanner.advance(), (value, _product(scanner)))
    return value


def _product(scanner: Scanner) -> Expression:
    value = _power(scanner)
    while scanner.word in ("*", "/", "%"):
        value = Apply(scanner.advance(), (value, _power(scanner)))
    return value


def _power(scanner: Scanner) -> Expression:
    value = _one(scanner)
    while scanner.take("^"):
        value = Apply("^", (value, _one(scanner)))
    return value


def _one(scanner: Scanner) -> Expression:
    if scanner.take("("):
        value = _either(scanner)
        scanner.expect(")")
        return value
    if scanner.take("-"):
        scanner.deeper()
        value = Apply("-", (Literal(0.0), _one(scanner)))
        scanner.depth -= 1
        return value
    if scanner.kind == "number":
        return Literal(float(scanner.advance()))
    if scanner.kind == "duration":
        return Literal(_length(scanner.advance()))
    if scanner.kind == "text":
        return Literal(unquoted(scanner.advance()))
    if scanner.kind != "name" or scanner.word.lower() in _RESERVED:
        raise Malformed(f"a value is missing before {scanner.word or 'the end'!r}")
    name = scanner.advance()
    return _called(name.lower(), scanner) if scanner.take("(") else Name(name.strip("`"))


def _called(function: str, scanner: Scanner) -> Expression:
    if scanner.take("*"):
        scanner.expect(")")
        return Apply(function, ())
    arguments: list[Expression] = []
    while not scanner.take(")"):
        arguments.append(_either(scanner))
        if scanner.word != ")":
            scanner.expect(",")
    if function == "datefloor" and len(arguments) == 2:
        function = "bin"
    return Apply(function, tuple(arguments))


def _length(word: str) -> float:
    number = re.match(r"\d+", word)
    assert number is not None
    unit = word[number.end() :].strip()
    short = "ms" if unit.startswith(("ms", "milli")) else unit[0]
    return float(int(number[0]) * _LENGTHS[short])
