"""Queries of CloudWatch Logs Insights: a pipeline of commands over log events, answered by DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.store.questions.insights_values import Sql, Values, aggregates, wrong
from faaslab.store.questions.insights_words import (
    Command,
    Dedup,
    Expression,
    Fields,
    Filter,
    Limit,
    Name,
    Named,
    Parse,
    Regex,
    Sort,
    Stats,
)
from faaslab.store.questions.logs import EVENT_BYTES, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.store.reading import Connection

MOST_BYTES = 8 * 2**20
"""Of the texts of one answer."""


class Answer(NamedTuple):
    """Rows of texts by the names of `columns` (None where there is none); what was looked at for them."""

    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    scanned: int
    scanned_bytes: int
    matched: int


def ask(
    connection: Connection,
    wanted: Wanted,
    groups: dict[str, str],
    commands: Sequence[Command],
    *,
    account: str,
    limit: int,
) -> Answer:
    """Run a query over the events that are wanted; `groups` is function -> log group.

    Raises `InvalidValue` for what the query has wrong: its place is `query`.
    """
    pipeline = _Pipeline(wanted, groups, account)
    for command in commands:
        pipeline.add(command)
    return pipeline.answer(connection, limit)


class _Pipeline:
    """The query as it grows, a CTE a step."""

    def __init__(self, wanted: Wanted, groups: dict[str, str], account: str) -> None:
        parameters: dict[str, Any] = {}
        condition = wanted.condition(parameters)
        parameters["names"] = list(groups)
        parameters["groups"] = [f"{account}:{each}" for each in groups.values()]
        self._values = Values(parameters)
        self._base = f"""SELECT "timestamp", message, stream, log_stream, request_id, seq, execution_id,
            list_extract($groups, list_position($names, function)) AS log_group,
            to_base64(encode('["' || execution_id || '",' || seq || ']')) AS pointer
            FROM logs WHERE {condition}"""
        self._steps: list[str] = []
        self._shown: list[str] = []
        self._order: list[str] = []

    # -- commands

    def add(self, command: Command) -> None:
        """One command more."""
        match command:
            case Fields(items, only):
                names = [self._name(item) for item in items]
                self._shown = names if only else [*self._shown, *(x for x in names if x not in self._shown)]
            case Filter(condition):
                self._step(f"SELECT * FROM {self._last} WHERE {self._values.truth(condition)}")
            case Parse(source, regex):
                self._parse(source, regex)
            case Stats(items, by):
                self._stats(items, by)
            case Sort(keys):
                self._order = [each for key in keys for each in self._turned(*key)]
            case Limit(rows):
                self._step(f"SELECT * FROM {self._last} ORDER BY {self._ordering} LIMIT {int(rows)}")
            case Dedup(fields):
                same = ", ".join(self._values.text(self._values.sql(each)) for each in fields)
                self._step(
                    f"SELECT * FROM {self._last} QUALIFY row_number() OVER "
                    f"(PARTITION BY {same} ORDER BY {self._ordering}) = 1"
                )

    def _turned(self, key: Expression, descending: bool) -> list[str]:  # noqa: FBT001
        """A key to order by: texts that are numbers in the order of numbers."""
        sql = self._values.sql(key)
        columns = [self._column(sql)]
        if sql.kind == "text":
            columns.insert(0, self._column(Sql(self._values.figure(sql), "number")))
        return [f"{name}{' DESC' if descending else ''} NULLS LAST" for name in columns]

    def _name(self, item: Named) -> str:
        known = isinstance(item.expression, Name) and item.expression.text == item.name
        if not known:
            sql = self._values.sql(item.expression)
            self._values.named[item.name] = Sql(self._column(sql), sql.kind)
        return item.name

    def _parse(self, source: Expression, regex: Regex) -> None:
        text = self._values.text(self._values.sql(source))
        pattern = self._values.parameter(regex.text)
        for number, name in enumerate(regex.names, 1):
            if name is not None:
                found = (
                    f"CASE WHEN regexp_matches({text}, {pattern}, 's') "
                    f"THEN regexp_extract({text}, {pattern}, {number}, 's') END"
                )
                self._values.named[name] = Sql(self._column(Sql(found, "text")), "text")

    def _stats(self, items: Sequence[Named], by: Sequence[Named]) -> None:
        keys = {item.name: self._values.sql(item.expression) for item in by}
        plain = [item for item in items if not aggregates(item.expression)]
        told = {item.name: self._values.sql(item.expression) for item in items if item not in plain}
        if not told:
            raise wrong("stats takes an aggregate such as count(*)")
        both = enumerate((keys | told).items())
        columns = {name: (f"s{len(self._steps)}_{number}", sql) for number, (name, sql) in both}
        listed = ", ".join(f"{sql.text} AS {column}" for column, sql in columns.values())
        group = f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
        self._step(f"SELECT {listed} FROM {self._last}{group}")
        self._values.named = {name: Sql(column, sql.kind) for name, (column, sql) in columns.items()}
        self._values.grouped = True
        first = next(iter(columns.values()))
        self._order = [f"{first[0]}{' DESC' if first[1].kind == 'time' else ''} NULLS LAST"]
        for item in plain:  # of what was aggregated beside it
            self._name(item)
        self._shown = [*keys, *(item.name for item in items)]

    # -- steps

    @property
    def _last(self) -> str:
        return f"t{len(self._steps) - 1}" if self._steps else "base"

    @property
    def _ordering(self) -> str:
        if self._order:
            return ", ".join(self._order)
        return "1" if self._values.grouped else '"timestamp" DESC, execution_id DESC, seq DESC'

    def _step(self, text: str) -> None:
        self._steps.append(text)

    def _column(self, sql: Sql) -> str:
        """The value as a column of what follows."""
        name = f"c{len(self._steps)}"
        self._step(f"SELECT *, {sql.text} AS {name} FROM {self._last}")
        return name

    def answer(self, connection: Connection, limit: int) -> Answer:
        """Run it."""
        shown = list(dict.fromkeys(self._shown or ("@timestamp", "@message")))
        if not self._values.grouped and "@ptr" not in shown:
            shown.append("@ptr")
        columns = [self._displayed(self._values.field(name)) for name in shown]
        listed = ", ".join(f"{text} AS x{number}" for number, text in enumerate(columns))
        size = " + ".join(f"coalesce(strlen(x{number}), 0)" for number in range(len(columns)))
        steps = ", ".join(f"t{number} AS ({text})" for number, text in enumerate(self._steps))
        found = connection.execute(
            f"""WITH base AS NOT MATERIALIZED ({self._base}){", " if steps else ""}{steps},
            looked AS (SELECT count(*) AS events, coalesce(sum(strlen(message) + {EVENT_BYTES}), 0) AS bytes
                       FROM base),
            shown AS (SELECT {listed}, row_number() OVER (ORDER BY {self._ordering}) AS number
                      FROM {self._last}),
            sized AS (SELECT *, sum({size}) OVER (ORDER BY number) AS size FROM shown
                      WHERE number <= {int(limit)})
            SELECT {", ".join(f"x{number}" for number in range(len(columns)))},
                   (SELECT events FROM looked), (SELECT bytes FROM looked), (SELECT count(*) FROM shown)
            FROM sized WHERE size <= {MOST_BYTES} ORDER BY number""",
            self._values.parameters,
        ).fetchall()
        if not found:
            return Answer(tuple(shown), [], 0, 0, 0)
        *_, scanned, scanned_bytes, matched = found[0]
        return Answer(tuple(shown), [row[:-3] for row in found], scanned, int(scanned_bytes), matched)

    @staticmethod
    def _displayed(sql: Sql) -> str:
        match sql.kind:
            case "time":
                return f"strftime(make_timestamp(CAST({sql.text} AS BIGINT) * 1000), '%Y-%m-%d %H:%M:%S.%g')"
            case "truth":
                return f"CAST(CAST({sql.text} AS INTEGER) AS VARCHAR)"
            case "number":
                whole = f"CAST(CAST({sql.text} AS BIGINT) AS VARCHAR)"
                return (
                    f"CASE WHEN {sql.text} = floor({sql.text}) AND abs({sql.text}) < 1e15 THEN {whole} "
                    f"ELSE CAST(round({sql.text}, 4) AS VARCHAR) END"
                )
        return sql.text
