"""Workflows written in Python: states put one after the other with `>>`, compiled to a definition.

    extract = Task("extract", "extract", retry=[retry("States.TaskFailed", max_attempts=2)])
    flow = extract >> Choice("big?", when("$states.input.rows > 100", Map("each", Task("score", "score"))))
    flow.definition()

Rule: what has nothing after it goes on with what follows the state that led there, so both ways out of a
Choice, and what a Catch does, meet again in the state after it. Nothing is checked here but the shape of the
chain; `validate` says what is wrong with a definition, whoever wrote it. Nothing that is built ever changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from faaslab.errors import InvalidValue

Fields = Mapping[str, Any]
QueryLanguage = Literal["JSONata", "JSONPath"]

_NULL_MEANS = {"ResultPath", "InputPath", "OutputPath", "Result"}
"""Fields in which null says something; elsewhere None is as if it were not given."""


@dataclass(frozen=True)
class Goto:
    """Go on at the state of that name: a loop, or a jump to what stands elsewhere in the same chain."""

    name: str

    def __rshift__(self, other: object) -> Chain:
        raise InvalidValue(
            f"nothing comes after goto({self.name!r})", hint="end the chain there, and start another"
        )


@dataclass(frozen=True)
class Chain:
    """States one after the other. `a >> b` makes one; so does any single state where a chain is wanted."""

    links: tuple[State | Goto, ...]

    def __rshift__(self, other: Step) -> Chain:
        last = self.links[-1]
        if isinstance(last, Goto) or last.type in ("Succeed", "Fail"):
            what = f"goto({last.name!r})" if isinstance(last, Goto) else f"{last.type} {last.name!r}"
            raise InvalidValue(f"nothing comes after {what}", hint="end the chain there, and start another")
        return Chain((*self.links, *chain(other).links))

    def definition(
        self,
        *,
        comment: str | None = None,
        query_language: QueryLanguage = "JSONata",
        timeout_seconds: int | None = None,
    ) -> dict[str, Any]:
        """The definition in the Amazon States Language. Raises InvalidValue for a name that is used twice."""
        given = {"Comment": comment, "QueryLanguage": query_language, "TimeoutSeconds": timeout_seconds}
        return {name: value for name, value in given.items() if value is not None} | _machine(self)


@dataclass(frozen=True)
class State:
    """One state: its name, its type and its other fields, as the Amazon States Language has them."""

    name: str
    type: str
    fields: Fields
    rules: tuple[When, ...] = ()
    otherwise: Chain | None = None
    catches: tuple[Catch, ...] = ()

    def __rshift__(self, other: Step) -> Chain:
        return chain(self) >> other

    def definition(self, **given: Any) -> dict[str, Any]:
        """The definition of a machine that has this state alone; see `Chain.definition`."""
        return chain(self).definition(**given)


Step = State | Chain | Goto


@dataclass(frozen=True)
class When:
    """A rule of a Choice: where it goes on when it is met."""

    fields: Fields
    then: Chain


@dataclass(frozen=True)
class Catch:
    """What is done about an error."""

    errors: tuple[str, ...]
    then: Chain
    fields: Fields


def chain(step: Step) -> Chain:
    """`step` as a chain, which one state or one jump is as well."""
    if isinstance(step, Chain):
        return step
    if isinstance(step, (State, Goto)):
        return Chain((step,))
    raise InvalidValue(
        f"a {type(step).__name__} is no state",
        hint="put states together with >>: Task(…), Pass(…), Choice(…), Wait(…), Map(…), …",
    )


def goto(name: str) -> Goto:
    """Go on at the state called `name`, earlier or later in the same chain."""
    return Goto(name)


def when(condition: str | Fields, then: Step, **fields: Any) -> When:
    """A rule of a Choice.

    A text is a JSONata condition, with `{% %}` around it or without; a mapping holds the fields of a JSONPath
    rule (`{"Variable": "$.n", "NumericGreaterThan": 3}`). `fields` are `assign` and `output`.
    """
    rule = {"Condition": _expression(condition)} if isinstance(condition, str) else dict(condition)
    return When(rule | _fields(fields), chain(then))


def retry(*errors: str, **fields: Any) -> dict[str, Any]:
    """A retrier: `interval_seconds`, `max_attempts`, `backoff_rate`, `max_delay_seconds`, `jitter_strategy`.

    Without `errors` it is for all of them (`States.ALL`).
    """
    return {"ErrorEquals": list(errors or ("States.ALL",)), **_fields(fields)}


def catch(*errors: str, then: Step, **fields: Any) -> Catch:
    """A catcher: `assign`, `output`, `result_path`. Without `errors` it is for all (`States.ALL`)."""
    return Catch(errors or ("States.ALL",), chain(then), _fields(fields))


# -- the states. Keywords are the fields of the language in lower case: `timeout_seconds`, `result_path`.


def Task(name: str, resource: str, **fields: Any) -> State:  # noqa: N802 -- named as the language names it
    """Work that is done elsewhere: `resource` is a function's name, or an ARN as the language has it.

    `arguments`, `output`, `assign`, `timeout_seconds`, `retry=[retry(…)]`, `catch=[catch(…)]`, …
    """
    return _state(name, "Task", {"resource": resource} | fields)


def Pass(name: str, **fields: Any) -> State:  # noqa: N802
    """Hands on its input, or `output` (JSONata) or `result` (JSONPath) instead."""
    return _state(name, "Pass", fields)


def Wait(name: str, **fields: Any) -> State:  # noqa: N802
    """Waits for `seconds`, or until `timestamp`; a text in either may be an expression."""
    return _state(name, "Wait", fields)


def Succeed(name: str, **fields: Any) -> State:  # noqa: N802
    """The end of an execution that went well."""
    return _state(name, "Succeed", fields)


def Fail(name: str, error: str | None = None, cause: str | None = None, **fields: Any) -> State:  # noqa: N802
    """The end of an execution that did not."""
    return _state(name, "Fail", {"error": error, "cause": cause} | fields)


def Choice(name: str, *rules: When, otherwise: Step | None = None, **fields: Any) -> State:  # noqa: N802
    """The first rule that is met says where it goes on; none: `otherwise`, or the state that comes next."""
    made = _state(name, "Choice", fields)
    return replace(made, rules=rules, otherwise=None if otherwise is None else chain(otherwise))


def Map(name: str, each: Step, *, distributed: bool = False, **fields: Any) -> State:  # noqa: N802
    """`each` for every item of `items`; `max_concurrency`, …; `distributed`: each an execution of its own."""
    mode: dict[str, Any] = {"Mode": "DISTRIBUTED" if distributed else "INLINE"}
    if distributed:
        mode["ExecutionType"] = fields.pop("execution_type", "STANDARD")
    processor = {"ProcessorConfig": mode} | _machine(chain(each))
    return _state(name, "Map", fields | {"item_processor": processor})


def Parallel(name: str, *branches: Step, **fields: Any) -> State:  # noqa: N802
    """All `branches` at the same time, each with the same input; gives the list of what they gave."""
    return _state(name, "Parallel", fields | {"branches": [_machine(chain(each)) for each in branches]})


def _state(name: str, kind: str, given: Mapping[str, Any]) -> State:
    catches = tuple(given.get("catch") or ())
    for each in catches:
        if not isinstance(each, Catch):
            raise InvalidValue(
                f"{each!r} is no catcher", place=f"{name}.catch", hint='catch("States.ALL", then=…) makes one'
            )
    fields = _fields({key: value for key, value in given.items() if key != "catch"})
    return State(name, kind, fields, catches=catches)


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    named = {_word(key): value for key, value in given.items()}
    return {key: value for key, value in named.items() if value is not None or key in _NULL_MEANS}


def _word(name: str) -> str:
    """`timeout_seconds` as the language writes it: `TimeoutSeconds`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _expression(text: str) -> str:
    stripped = text.strip()
    return stripped if stripped.startswith("{%") else f"{{% {stripped} %}}"


# -- the machine


def _machine(whole: Chain) -> dict[str, Any]:
    """StartAt and States of a chain and of all that it leads to, in the order they are written in."""
    states: dict[str, dict[str, Any]] = {}
    for state, following in _placed(whole, None):
        written = _written(state, following)
        if states.setdefault(state.name, written) != written:
            raise InvalidValue(
                f"two states are called {state.name!r}, or one stands in two places",
                hint=f"give each its own name; goto({state.name!r}) leads to one that stands elsewhere",
            )
    return {"StartAt": whole.links[0].name, "States": states}


def _placed(whole: Chain, after: str | None) -> Iterator[tuple[State, str | None]]:
    """Each state with the name of the one that follows it; None for the end of the machine."""
    for state, following in _followed(whole, after):
        yield state, following
        for part in _parts(state):
            yield from _placed(part, following)


def _followed(whole: Chain, after: str | None) -> Iterator[tuple[State, str | None]]:
    following = [*(link.name for link in whole.links[1:]), after]
    for link, name in zip(whole.links, following, strict=True):
        if isinstance(link, State):
            yield link, name


def _parts(state: State) -> Iterator[Chain]:
    yield from (rule.then for rule in state.rules)
    if state.otherwise is not None:
        yield state.otherwise
    yield from (each.then for each in state.catches)


def _written(state: State, following: str | None) -> dict[str, Any]:
    written: dict[str, Any] = {"Type": state.type, **state.fields}
    if state.catches:
        written["Catch"] = [
            {"ErrorEquals": list(each.errors), **each.fields, "Next": each.then.links[0].name}
            for each in state.catches
        ]
    if state.type == "Choice":
        written["Choices"] = [{**rule.fields, "Next": rule.then.links[0].name} for rule in state.rules]
        default = following if state.otherwise is None else state.otherwise.links[0].name
        return written if default is None else written | {"Default": default}
    if state.type in ("Succeed", "Fail"):
        return written
    return written | ({"End": True} if following is None else {"Next": following})
