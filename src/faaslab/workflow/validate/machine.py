"""A machine, its states, and the machines in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.workflow.validate import (
    choice_rules,
    expressions,
    fields,
    mapping,
    resources,
    retrying,
    timestamps,
    transitions,
    values,
    variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.workflow.validate.diagnostic import Findings

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_NOT_UP = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"


class Check:
    """Goes through one definition. Machines nest only as deep as `reading` lets them."""

    def __init__(self, definition: dict[str, Any], machine_type: str, findings: Findings) -> None:
        self._definition = definition
        self._type = machine_type
        self._findings = findings
        self._language = definition.get("QueryLanguage", "JSONPath")
        self._names: set[str] = set()
        self._labels: set[str] = set()

    def run(self) -> None:
        """Check all of it."""
        whole = self._definition
        if "QueryLanguage" in whole:
            self._is_language(whole["QueryLanguage"], "/QueryLanguage")
            if self._language != "JSONPath":
                self._language = "JSONata"
        if "TimeoutSeconds" in whole:
            low, high = fields.NUMBERS["TimeoutSeconds"]
            values.number(whole["TimeoutSeconds"], self._findings, "/TimeoutSeconds", low=low, high=high)
        if "Version" in whole:
            values.one_of(whole["Version"], "Version", ("1.0",), self._findings, "/Version")
        self._machine(whole, fields.MACHINE, self._type, frozenset(), "")

    def _machine(
        self, machine: Any, known: frozenset[str], machine_type: str, outer: frozenset[str], at: str
    ) -> None:
        found = self._findings
        if not values.table(machine, found, at):
            return
        values.known(machine, known, found, at)
        if "Comment" in machine:
            values.text(machine["Comment"], found, f"{at}/Comment")
        if not values.required(machine, ("States", "StartAt"), found, at):
            return
        if not values.table(machine["States"], found, f"{at}/States"):
            return
        if not machine["States"]:
            found.schema("A state machine must have at least one state", f"{at}/States")
            return
        around = outer
        inner = outer | variables.assigned(machine)
        readable = True
        for name, state in machine["States"].items():
            place = f"{at}/States/{name:.100}"
            self._name(name, place)
            readable = self._state(state, machine_type, around, inner, place) and readable
        if readable:
            transitions.check(machine, found, at)

    def _name(self, name: str, at: str) -> None:
        if not 1 <= len(name) <= 80 or _CONTROL.search(name):
            self._findings.error("INVALID_STATE_NAME", f"Invalid State name: {name[:100]!r}", at[:300])
        if name in self._names:
            self._findings.error("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", at)
        self._names.add(name)

    def _is_language(self, value: Any, at: str) -> None:
        values.one_of(value, "QueryLanguage", fields.LANGUAGES, self._findings, at)

    def _state(
        self, state: Any, machine_type: str, outer: frozenset[str], inner: frozenset[str], at: str
    ) -> bool:
        """Check a state; whether it is one, so that one may ask where it leads."""
        found = self._findings
        if not values.table(state, found, at) or not values.required(state, ("Type",), found, at):
            return False
        if not values.one_of(state["Type"], "Type", fields.TYPES, found, f"{at}/Type"):
            return False
        language = self._language
        if "QueryLanguage" in state:
            self._is_language(state["QueryLanguage"], f"{at}/QueryLanguage")
            language = "JSONPath" if state["QueryLanguage"] == "JSONPath" else "JSONata"
            if language == "JSONPath" and self._language == "JSONata":
                found.schema(_NOT_UP, at)
        self._known(state, language, at)
        if "Comment" in state:
            values.text(state["Comment"], found, f"{at}/Comment")
        self._transition(state, at)
        for names in fields.EXCLUSIVE:
            values.at_most_one(state, names, found, at)
        for name, value in state.items():
            if name in fields.FIELDS[state["Type"]][language]:
                self._field(name, value, state["Type"], language, f"{at}/{name}")
        for where, assignment in variables.assignments(state):
            variables.check(assignment, language, outer, found, f"{at}{where}")
        checks: dict[str, Callable[[], None]] = {
            "Task": lambda: self._task(state, language, machine_type, at),
            "Choice": lambda: self._choice(state, language, at),
            "Wait": lambda: self._wait(state, language, at),
            "Parallel": lambda: self._parallel(state, machine_type, inner, at),
            "Map": lambda: self._map(state, language, machine_type, inner, at),
        }
        checks.get(state["Type"], lambda: None)()
        return True

    def _known(self, state: dict[str, Any], language: str, at: str) -> None:
        other = "JSONata" if language == "JSONPath" else "JSONPath"
        allowed = fields.FIELDS[state["Type"]]
        for name in state:
            if name in allowed[language]:
                continue
            if name in allowed[other]:
                self._findings.schema(
                    f"The QueryLanguage is set to '{language}', but field '{name}' is only supported for"
                    f" the '{other}' QueryLanguage",
                    at,
                )
            else:
                self._findings.schema(f"Field '{name:.100}' is not supported", at)

    def _transition(self, state: dict[str, Any], at: str) -> None:
        if state["Type"] in ("Choice", "Succeed", "Fail"):
            return
        ends = state.get("End", False)
        if "End" in state and not values.boolean(ends, self._findings, f"{at}/End"):
            return
        if ends and "Next" in state:
            values.at_most_one(state, ("Next", "End"), self._findings, at)
        elif not ends:
            values.at_least_one(state, ("Next",) if "End" in state else ("Next", "End"), self._findings, at)

    def _field(self, name: str, value: Any, kind: str, language: str, at: str) -> None:
        found = self._findings
        if name in fields.TEMPLATES and name != "Assign":
            expressions.template(value, language, found, at)
        elif name in fields.PATHS:
            expressions.path(value, found, at, null=name != "ItemsPath")
        elif name == "ResultPath":
            expressions.result_path(value, found, at)
        elif name in fields.REFERENCES:
            expressions.reference(value, found, at)
        elif name in fields.TEXT_PATHS:
            expressions.path_or_call(value, found, at)
        elif name in fields.NUMBERS or name == "ToleratedFailurePercentage":
            self._number(name, value, language, at)
        elif name == "Retry":
            retrying.retriers(value, found, at)
        elif name == "Catch":
            retrying.catchers(value, language, found, at)
        elif name in ("Error", "Cause") and values.text(value, found, at) and language == "JSONata":
            expressions.jsonata_text(value, found, at)
        elif name == "Result" and kind == "Pass":
            expressions.warn_of_static(value, found, at)

    def _number(self, name: str, value: Any, language: str, at: str) -> None:
        if language == "JSONata" and values.is_expression(value):
            expressions.jsonata_text(value, self._findings, at)
        elif values.unfilled(value, self._findings, at):
            return
        elif name == "ToleratedFailurePercentage":
            values.number(value, self._findings, at, low=0, high=100, whole=False)
        else:
            low, high = fields.NUMBERS[name]
            values.number(value, self._findings, at, low=low, high=high)

    def _task(self, state: dict[str, Any], language: str, machine_type: str, at: str) -> None:
        found = self._findings
        if values.required(state, ("Resource",), found, at):
            resources.check(state["Resource"], machine_type, found, f"{at}/Resource")
            resources.parameters(state, language, found, at)
        timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
        if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
            found.schema("HeartbeatSeconds must be smaller than TimeoutSeconds", f"{at}/HeartbeatSeconds")
        if "Credentials" in state:
            self._credentials(state["Credentials"], language, f"{at}/Credentials")

    def _credentials(self, value: Any, language: str, at: str) -> None:
        found = self._findings
        if not values.table(value, found, at):
            return
        if "RoleArn" not in value and (language == "JSONata" or "RoleArn.$" not in value):
            found.schema("The field 'RoleArn' is required but was missing", at)
            return
        if "RoleArn" in value:
            values.text(value["RoleArn"], found, f"{at}/RoleArn")
        expressions.template(value, language, found, at)

    def _choice(self, state: dict[str, Any], language: str, at: str) -> None:
        if values.required(state, ("Choices",), self._findings, at):
            choice_rules.check(state["Choices"], language, self._findings, f"{at}/Choices")

    def _wait(self, state: dict[str, Any], language: str, at: str) -> None:
        names = ("Seconds", "Timestamp") + (() if language == "JSONata" else ("SecondsPath", "TimestampPath"))
        values.at_least_one(state, names, self._findings, at)
        values.at_most_one(state, names, self._findings, at)
        if "Timestamp" in state:
            moment, where = state["Timestamp"], f"{at}/Timestamp"
            if language == "JSONata" and values.is_expression(moment):
                expressions.jsonata_text(moment, self._findings, where)
            elif not values.unfilled(moment, self._findings, where):
                timestamps.check(moment, self._findings, where)

    def _parallel(self, state: dict[str, Any], machine_type: str, outer: frozenset[str], at: str) -> None:
        if not values.required(state, ("Branches",), self._findings, at):
            return
        if values.array(state["Branches"], self._findings, f"{at}/Branches", empty=False):
            for index, branch in enumerate(state["Branches"]):
                self._machine(branch, fields.BRANCH, machine_type, outer, f"{at}/Branches[{index}]")

    def _map(
        self, state: dict[str, Any], language: str, machine_type: str, outer: frozenset[str], at: str
    ) -> None:
        mapping.check(state, language, machine_type, self._findings, at)
        label = state.get("Label")
        if isinstance(label, str):
            if label in self._labels:
                self._findings.error("DUPLICATE_LABEL_NAME", f"Duplicate Label name: {label}", f"{at}/Label")
            self._labels.add(label)
        scope = frozenset() if mapping.is_distributed(state) else outer
        for name in ("ItemProcessor", "Iterator"):
            if name in state:
                processor, place = state[name], f"{at}/{name}"
                if isinstance(processor, dict) and "ProcessorConfig" in processor:
                    mapping.config(processor["ProcessorConfig"], self._findings, f"{place}/ProcessorConfig")
                child = mapping.child_type(state, machine_type)
                self._machine(processor, fields.PROCESSOR, child, scope, place)
