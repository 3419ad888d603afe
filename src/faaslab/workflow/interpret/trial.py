"""One state by itself: what TestState answers with.

Rule: it is walked as in an execution, by the same code; only its work may be mocked, and nothing follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret.course import Trial
from faaslab.workflow.interpret.run import Run
from faaslab.workflow.items.item import Item
from faaslab.workflow.scope import ABSENT

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.workflow.effects import Signal, Step
    from faaslab.workflow.scope import Chance

STATE = "StateName"
"""What TestState calls the state, whatever its name."""


@dataclass(frozen=True, slots=True)
class Mock:
    """What stands for the state's work: a result, or an error.

    `failed_iterations` is how many iterations of a Map are to have failed, `items` what its ItemReader is to
    have read.
    """

    result: Any = ABSENT
    error: str | None = None
    cause: str | None = None
    failed_iterations: int | None = None
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `inspection` has the phases in the API's names (`afterInputPath`, `result`, …)."""

    status: Literal["SUCCEEDED", "FAILED", "RETRIABLE", "CAUGHT_ERROR"]
    output: Any = ABSENT
    error: str | None = None
    cause: str | None = None
    next_state: str | None = None
    inspection: Mapping[str, Any] = field(default_factory=dict)


class StateTrial:
    """A state that is tried: `step` it as a `Run`, carry its effects out, until `tried` is there.

    `definition` is one state, or a machine of which `state_name` names one, wherever it is inside. With a
    `mock` the first step is the last one. `retries` is how often its retrier was used before. `context` is
    used as it is, but for `State` where it has none.
    """

    def __init__(
        self,
        definition: Mapping[str, Any],
        *,
        input: Any,  # noqa: A002 - the word of the field
        context: Mapping[str, Any],
        chance: Chance,
        arn: str,
        state_name: str | None = None,
        variables: Mapping[str, Any] | None = None,
        role: str | None = None,
        mock: Mock | None = None,
        retries: int = 0,
    ) -> None:
        trial = Trial(retries=retries)
        if mock is not None:
            trial.failures = mock.failed_iterations
            trial.items = mock.items
            if mock.result is not ABSENT:
                trial.result = mock.result
            elif mock.error is not None or mock.cause is not None:
                trial.failure = StateFailure(mock.error, mock.cause)  # type: ignore[arg-type] # may have none
        self._trial = trial
        self._run = Run(
            machine_of(definition, state_name),
            input=input,
            context=context,
            chance=chance,
            arn=arn,
            role=role,
            express=True,
            inspected=True,
            trial=trial,
            variables=variables,
        )
        self._seen: dict[str, Any] = {"input": input}

    def step(self, signal: Signal, now: datetime) -> Step:
        """What comes of a signal, as with a run."""
        return self._run.step(signal, now)

    @property
    def tried(self) -> Tried | None:
        """What came of it, None while it is under way."""
        run, trial = self._run, self._trial
        if run.status == "RUNNING":
            return None
        inspection = {**self._seen, **run.inspection}
        if run.variables:
            inspection["variables"] = run.variables
        if run.status == "SUCCEEDED":
            if trial.caught is not None:
                failure = trial.caught
                return Tried(
                    "CAUGHT_ERROR", run.output, failure.error, failure.cause, trial.next_state, inspection
                )
            return Tried("SUCCEEDED", run.output, None, None, trial.next_state, inspection)
        status: Literal["RETRIABLE", "FAILED"] = "RETRIABLE" if trial.retriable else "FAILED"
        return Tried(status, ABSENT, run.error, run.cause, None, inspection)


def machine_of(definition: Mapping[str, Any], state_name: str | None = None) -> dict[str, Any]:
    """A machine of the one state that is tried. Raises KeyError where no state has the name."""
    body, language = definition, definition.get("QueryLanguage")
    if "States" in definition:
        name = definition["StartAt"] if state_name is None else state_name
        body = _found(definition, name)
    machine: dict[str, Any] = {"StartAt": STATE, "States": {STATE: body}}
    if language is not None:
        machine["QueryLanguage"] = language
    return machine


def _found(definition: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    todo = [definition]
    while todo:
        states: Mapping[str, Any] = todo.pop().get("States", {})
        if name in states:
            found: Mapping[str, Any] = states[name]
            return found
        for body in states.values():
            todo += body.get("Branches", ())
            todo += [body[field] for field in ("ItemProcessor", "Iterator") if field in body]
    raise KeyError(name)
