"""Expressions of CloudWatch Logs Insights in SQL, over the columns of `logs` and what a query named before.

Rule: nothing that a query says gets into the SQL as it is: texts, numbers and paths are parameters, columns
have names of ours. What is not a field of ours is looked for in the JSON of the message, as Insights does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.errors import InvalidValue
from faaslab.store.questions.insights_words import Apply, Expression, Literal, Name, Regex

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[["Values", tuple[Expression, ...]], "Sql"]


class Sql(NamedTuple):
    """An expression: `kind` is text, number, truth, or time (milliseconds since 1970)."""

    text: str
    kind: str


_FIGURE = "try_cast(regexp_extract(message, '{0}: ([0-9.]+) {1}', 1) AS DOUBLE)"
_REPORT = "starts_with(message, 'REPORT RequestId: ')"
_JSON = "CASE WHEN contains(message, '{') THEN substr(message, strpos(message, '{')) END"


def _reported(label: str, unit: str, factor: int = 1) -> Sql:
    figure = _FIGURE.format(label, unit)
    return Sql(f"(CASE WHEN {_REPORT} THEN {figure} * {factor} END)", "number")


# Lambda's fields are those of the CloudWatch Logs User Guide, "Supported logs and discovered fields"; a
# megabyte is 1,000,000 bytes there.
_FIELDS = {
    "@timestamp": Sql('epoch_ms("timestamp")', "time"),
    "@ingestionTime": Sql('epoch_ms("timestamp")', "time"),
    "@message": Sql("message", "text"),
    "@logStream": Sql("log_stream", "text"),
    "@log": Sql("log_group", "text"),
    "@requestId": Sql("nullif(request_id, '')", "text"),
    "@ptr": Sql("pointer", "text"),
    "@type": Sql(
        "(CASE WHEN stream = 'platform' THEN nullif(regexp_extract(message, '^([A-Z_]+) ', 1), '') END)",
        "text",
    ),
    "@duration": _reported(r"\tDuration", "ms"),
    "@billedDuration": _reported(r"\tBilled Duration", "ms"),
    "@initDuration": _reported(r"\tInit Duration", "ms"),
    "@memorySize": _reported(r"\tMemory Size", "MB", 1_000_000),
    "@maxMemoryUsed": _reported(r"\tMax Memory Used", "MB", 1_000_000),
    "@xrayTraceId": Sql(
        rf"(CASE WHEN {_REPORT} THEN nullif(regexp_extract(message, 'XRAY TraceId: (\S+)', 1), '') END)",
        "text",
    ),
}


class Values:
    """What expressions are in SQL. `parameters` are added to; `named` are the columns of names so far."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.named: dict[str, Sql] = {}
        self.grouped = False
        """Whether nothing but what is named is left of the events."""

    def sql(self, expression: Expression) -> Sql:
        """Any expression. Raises `InvalidValue` for what cannot be one."""
        match expression:
            case Literal(value):
                return Sql(self.parameter(value), "text" if isinstance(value, str) else "number")
            case Name(text):
                return self.field(text)
            case Apply(function, arguments):
                return self._applied(function, arguments)
        raise wrong("a regular expression stands where a value should")

    def field(self, name: str) -> Sql:
        """What a name stands for; NULL where there is nothing of that name."""
        if name in self.named:
            return self.named[name]
        if self.grouped:
            return Sql("CAST(NULL AS VARCHAR)", "text")
        if name in _FIELDS:
            return _FIELDS[name]
        if name.startswith("@"):
            return Sql("CAST(NULL AS VARCHAR)", "text")
        steps = (each.replace("~", "~0").replace("/", "~1") for each in name.split("."))
        path = self.parameter("".join(f"/{each}" for each in steps))
        return Sql(f"(CASE WHEN json_valid({_JSON}) THEN json_extract_string({_JSON}, {path}) END)", "text")

    def _applied(self, function: str, arguments: tuple[Expression, ...]) -> Sql:
        if function in ("and", "or"):
            return Sql(f"({f' {function} '.join(self.truth(each) for each in arguments)})", "truth")
        if function == "not":
            return Sql(f"(NOT {self.truth(arguments[0])})", "truth")
        if function == "like":
            return self._like(*arguments)
        if function == "in":
            return self._is_in(*arguments)
        if function in _COMPARISONS:
            return self._compared(function, *arguments)
        if function == "count" and not arguments:
            return Sql("count(*)", "number")
        if function in ("pct", "percentile"):
            share = arguments[-1] if len(arguments) == 2 else None
            if not isinstance(share, Literal) or isinstance(share.value, str) or not 0 <= share.value <= 100:
                raise wrong(f"{function} takes a field and a number from 0 to 100")
            return Sql(f"quantile_cont({self.number(arguments[0])}, {float(share.value) / 100})", "number")
        if function == "bin":
            return self._bin(arguments)
        if function in _KEEPING:
            if len(arguments) != 1:
                raise wrong(f"{function} takes one value")
            sql = self.sql(arguments[0])
            text = sql.text if sql.kind in ("time", "number") or function in _BY_TIME else self._guessed(sql)
            when = "" if function not in _BY_TIME else f", {self.field('@timestamp').text}"
            kind = sql.kind if sql.kind == "time" or function in _BY_TIME else "number"
            return Sql(f"{_KEEPING[function]}({text}{when})", kind)
        made = _FUNCTIONS.get(function)
        if made is None:
            raise wrong(f"the function {function} is not there in faaslab")
        return made(self, arguments)

    def _compared(self, operator: str, left: Expression, right: Expression) -> Sql:
        a, b = self.sql(left), self.sql(right)
        numbers = any(each.kind in ("number", "time") for each in (a, b))
        if numbers:
            return Sql(f"coalesce({self.figure(a)} {operator} {self.figure(b)}, false)", "truth")
        return Sql(f"coalesce({self.text(a)} {operator} {self.text(b)}, false)", "truth")

    def _like(self, value: Expression, pattern: Expression) -> Sql:
        text = self.text(self.sql(value))
        if isinstance(pattern, Regex):
            return Sql(f"coalesce(regexp_matches({text}, {self.parameter(pattern.text)}), false)", "truth")
        return Sql(f"coalesce(contains({text}, {self.text(self.sql(pattern))}), false)", "truth")

    def _is_in(self, value: Expression, *choices: Expression) -> Sql:
        each = [self._compared("=", value, choice).text for choice in choices]
        return Sql(f"({' OR '.join(each) or 'false'})", "truth")

    def _bin(self, arguments: tuple[Expression, ...]) -> Sql:
        if len(arguments) not in (1, 2):
            raise wrong("bin takes a length of time such as 5m")
        *time, length = arguments
        at = self.sql(time[0]) if time else self.field("@timestamp")
        if not isinstance(length, Literal) or isinstance(length.value, str) or length.value < 1:
            raise wrong("bin takes a length of time such as 5m")
        step = int(length.value)
        return Sql(f"(CAST(floor({self.figure(at)} / {step}) AS BIGINT) * {step})", "time")

    def truth(self, expression: Expression) -> str:
        """An expression as a condition, never NULL."""
        sql = self.sql(expression)
        return sql.text if sql.kind == "truth" else f"coalesce(try_cast({sql.text} AS BOOLEAN), false)"

    def number(self, expression: Expression) -> str:
        """An expression as a number; NULL for what is none."""
        return self.figure(self.sql(expression))

    @staticmethod
    def figure(sql: Sql) -> str:
        """The same of what is SQL already."""
        return sql.text if sql.kind in ("number", "time") else f"try_cast({sql.text} AS DOUBLE)"

    @staticmethod
    def _guessed(sql: Sql) -> str:
        return f"try_cast({sql.text} AS DOUBLE)"

    @staticmethod
    def text(sql: Sql) -> str:
        """What is SQL already as a text."""
        return sql.text if sql.kind == "text" else f"CAST({sql.text} AS VARCHAR)"

    def parameter(self, value: str | float) -> str:
        """A parameter with that value."""
        name = f"v{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}::{'VARCHAR' if isinstance(value, str) else 'DOUBLE'}"


def wrong(why: str) -> InvalidValue:
    """What a query gets that cannot be run."""
    return InvalidValue(why, place="query")


def aggregates(expression: Expression) -> bool:
    """Whether there is an aggregate in it."""
    if not isinstance(expression, Apply):
        return False
    return expression.function in AGGREGATES or any(map(aggregates, expression.arguments))


_COMPARISONS = {"=", "!=", "<", "<=", ">", ">="}
_BY_TIME = {"earliest", "latest"}
_KEEPING = {"min": "min", "max": "max", "earliest": "arg_min", "latest": "arg_max"}
AGGREGATES = frozenset(
    {"count", "count_distinct", "sum", "avg", "min", "max", "pct", "percentile", "median", "stddev"}
    | {"earliest", "latest", "sortsfirst", "sortslast"}
)


def _of_numbers(template: str) -> Maker:
    def made(values: Values, arguments: tuple[Expression, ...]) -> Sql:
        return Sql(_filled(template, [values.number(each) for each in arguments]), "number")

    return made


def _of_texts(template: str, kind: str = "text") -> Maker:
    def made(values: Values, arguments: tuple[Expression, ...]) -> Sql:
        return Sql(_filled(template, [values.text(values.sql(each)) for each in arguments]), kind)

    return made


def _filled(template: str, values: list[str]) -> str:
    """The template with its places `{0}`, or all values at `{*}`."""
    if "{*}" in template and values:
        return template.replace("{*}", ", ".join(values))
    wanted = sum(f"{{{number}}}" in template for number in range(4))
    if wanted != len(values):
        raise wrong(f"{template.partition('(')[0]} takes {wanted} values, not {len(values)}")
    return template.format(*values)


def _substr(values: Values, arguments: tuple[Expression, ...]) -> Sql:
    if len(arguments) not in (2, 3):
        raise wrong("substr takes a text, where to begin and how much")
    text = values.text(values.sql(arguments[0]))
    begin, *length = [f"CAST({values.number(each)} AS BIGINT)" for each in arguments[1:]]
    return Sql(f"substr({', '.join([text, f'{begin} + 1', *length])})", "text")


def _coalesce(values: Values, arguments: tuple[Expression, ...]) -> Sql:
    if not arguments:
        raise wrong("coalesce takes values")
    given = [values.sql(each) for each in arguments]
    kind = given[0].kind if len({each.kind for each in given}) == 1 else "text"
    texts = [each.text if kind == each.kind else values.text(each) for each in given]
    return Sql(f"coalesce({', '.join(texts)})", kind)


def _time(values: Values, arguments: tuple[Expression, ...]) -> Sql:
    if len(arguments) != 1:
        raise wrong("fromMillis takes one value")
    return Sql(f"CAST({values.number(arguments[0])} AS BIGINT)", "time")


_FUNCTIONS: dict[str, Maker] = {
    "+": _of_numbers("({0} + {1})"),
    "-": _of_numbers("({0} - {1})"),
    "*": _of_numbers("({0} * {1})"),
    "/": _of_numbers("({0} / nullif({1}, 0))"),
    "%": _of_numbers("({0} % nullif({1}, 0))"),
    "^": _of_numbers("pow({0}, {1})"),
    "abs": _of_numbers("abs({0})"),
    "ceil": _of_numbers("ceil({0})"),
    "floor": _of_numbers("floor({0})"),
    "sqrt": _of_numbers("(CASE WHEN {0} >= 0 THEN sqrt({0}) END)"),
    "log": _of_numbers("(CASE WHEN {0} > 0 THEN ln({0}) END)"),
    "greatest": _of_numbers("greatest({*})"),
    "least": _of_numbers("least({*})"),
    "tomillis": _of_numbers("{0}"),
    "frommillis": _time,
    "sum": _of_numbers("sum({0})"),
    "avg": _of_numbers("avg({0})"),
    "median": _of_numbers("median({0})"),
    "stddev": _of_numbers("stddev_pop({0})"),
    "count": _of_texts("count({0})", "number"),
    "count_distinct": _of_texts("count(DISTINCT {0})", "number"),
    "sortsfirst": _of_texts("min({0})"),
    "sortslast": _of_texts("max({0})"),
    "ispresent": _of_texts("({0} IS NOT NULL)", "truth"),
    "isempty": _of_texts("(coalesce({0}, '') = '')", "truth"),
    "isblank": _of_texts("(trim(coalesce({0}, '')) = '')", "truth"),
    "strcontains": _of_texts("coalesce(contains({0}, {1}), false)", "truth"),
    "strlen": _of_texts("length({0})", "number"),
    "toupper": _of_texts("upper({0})"),
    "tolower": _of_texts("lower({0})"),
    "trim": _of_texts("trim({0})"),
    "ltrim": _of_texts("ltrim({0})"),
    "rtrim": _of_texts("rtrim({0})"),
    "concat": _of_texts("concat({*})"),
    "replace": _of_texts("replace({0}, {1}, {2})"),
    "substr": _substr,
    "coalesce": _coalesce,
}
