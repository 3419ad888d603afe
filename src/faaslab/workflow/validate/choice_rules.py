"""The rules of a Choice state, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from faaslab.workflow.validate import expressions, timestamps, values

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings

_ORDERED = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_LITERAL: Final = {
    f"{kind}{how}": kind for kind in ("String", "Numeric", "Timestamp") for how in _ORDERED
} | {"BooleanEquals": "Boolean"}
_WITH_PATH: Final = {f"{operator}Path" for operator in _LITERAL}
_ASKING: Final = {f"Is{what}" for what in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")}
_OPERATORS: Final = {*_LITERAL, *_WITH_PATH, *_ASKING, "StringMatches"}
_JOINING: Final = ("And", "Or", "Not")
IN_A_RULE: Final = (
    "Variable",
    "Next",
    "Condition",
    *sorted({*_OPERATORS, *_JOINING}),
    "Comment",
    "Assign",
    "Output",
)
"""What may stand in one, in either language."""
_OUTERMOST: Final = {"Next", "Comment", "Assign"}


def check(rules: Any, language: str, findings: Findings, at: str) -> None:
    """Check the value of `Choices`; where its rules lead is for `transitions`."""
    if not values.array(rules, findings, at, empty=False):
        return
    for index, rule in enumerate(rules):
        place = f"{at}[{index}]"
        if not values.table(rule, findings, place):
            continue
        if language == "JSONata":
            _jsonata_rule(rule, findings, place)
        else:
            _jsonpath_rule(rule, findings, place)


def _jsonata_rule(rule: dict[str, Any], findings: Findings, at: str) -> None:
    values.required(rule, ("Condition", "Next"), findings, at)
    values.known(rule, {"Condition", "Next", "Comment", "Assign", "Output"}, findings, at)
    _comment(rule, findings, at)
    condition = rule.get("Condition", True)
    if isinstance(condition, str):
        if values.is_expression(condition):
            expressions.jsonata_text(condition, findings, f"{at}/Condition")
        else:
            findings.schema("Value must be a JSONata expression", f"{at}/Condition")
    else:
        values.boolean(condition, findings, f"{at}/Condition")
    if "Output" in rule:
        expressions.template(rule["Output"], "JSONata", findings, f"{at}/Output")


def _jsonpath_rule(rule: dict[str, Any], findings: Findings, at: str) -> None:
    values.required(rule, ("Next",), findings, at)
    _comment(rule, findings, at)
    waiting: list[tuple[Any, str, bool]] = [(rule, at, True)]
    while waiting:
        here, place, outermost = waiting.pop()
        if not values.table(here, findings, place):
            continue
        joined = _one_comparison(here, findings, place, outermost=outermost)
        if joined in ("And", "Or"):
            parts = here[joined]
            if values.array(parts, findings, f"{place}/{joined}", empty=False):
                waiting.extend(
                    (part, f"{place}/{joined}[{index}]", False)
                    for index, part in reversed(list(enumerate(parts)))
                )
        elif joined == "Not":
            waiting.append((here["Not"], f"{place}/Not", False))


def _one_comparison(rule: dict[str, Any], findings: Findings, at: str, *, outermost: bool) -> str | None:
    """Check what stands at one level of a rule; the joining word that leads deeper, if there is one."""
    joining = [name for name in _JOINING if name in rule]
    operators = [name for name in rule if name in _OPERATORS]
    outer = _OUTERMOST if outermost else {"Comment"}
    values.known(rule, {*outer, *joining, *operators, "Variable"}, findings, at)
    if len(joining) + len(operators) != 1:
        there = f": [{', '.join([*joining, *operators])}]" if joining or operators else ""
        findings.schema(f"A rule must have exactly one comparison{there}", at)
    if operators:
        if values.required(rule, ("Variable",), findings, at):
            expressions.reference(rule["Variable"], findings, f"{at}/Variable")
        for name in operators:
            _operand(name, rule[name], findings, f"{at}/{name}")
    elif joining and "Variable" in rule:
        findings.schema("Field 'Variable' is not supported", at)
    return joining[0] if joining else None


def _operand(operator: str, value: Any, findings: Findings, at: str) -> None:
    kind = _LITERAL.get(operator)
    if operator in _WITH_PATH:
        expressions.reference(value, findings, at)
    elif operator in _ASKING or kind == "Boolean":
        values.boolean(value, findings, at)
    elif kind == "Numeric":
        values.number(value, findings, at, low=float("-inf"), high=None, whole=False)
    elif kind == "Timestamp":
        timestamps.check(value, findings, at)
    elif values.text(value, findings, at) and value.startswith("$."):
        findings.warn("NO_PATH", f"The value looks like a path, but the field is not '{operator}Path'", at)


def _comment(rule: dict[str, Any], findings: Findings, at: str) -> None:
    if "Comment" in rule:
        values.text(rule["Comment"], findings, f"{at}/Comment")
