"""Retry and Catch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.validate import expressions, values

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings

_RETRIER = frozenset(
    [
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    ]
)
_CATCHER = frozenset(["ErrorEquals", "Next", "Assign", "Comment"])
_NUMBERS = {
    # field: (smallest, largest, whole)
    "IntervalSeconds": (1, 99_999_999, True),
    "MaxAttempts": (0, 99_999_999, True),
    "BackoffRate": (1, None, False),
    "MaxDelaySeconds": (1, 31_622_400, True),
}


def retriers(value: Any, findings: Findings, at: str) -> None:
    """Check the value of `Retry`."""
    if not values.array(value, findings, at):
        return
    for index, retrier in enumerate(value):
        place = f"{at}[{index}]"
        if not values.table(retrier, findings, place):
            continue
        values.required(retrier, ("ErrorEquals",), findings, place)
        values.known(retrier, _RETRIER, findings, place)
        _errors(retrier, findings, place, last=index == len(value) - 1)
        for name, (low, high, whole) in _NUMBERS.items():
            if name in retrier:
                values.number(retrier[name], findings, f"{place}/{name}", low=low, high=high, whole=whole)
        if "JitterStrategy" in retrier:
            where = f"{place}/JitterStrategy"
            values.one_of(retrier["JitterStrategy"], "JitterStrategy", ("FULL", "NONE"), findings, where)


def catchers(value: Any, language: str, findings: Findings, at: str) -> None:
    """Check the value of `Catch`; where it leads is for `transitions`, what it assigns for `variables`."""
    if not values.array(value, findings, at):
        return
    for index, catcher in enumerate(value):
        place = f"{at}[{index}]"
        if not values.table(catcher, findings, place):
            continue
        values.required(catcher, ("ErrorEquals", "Next"), findings, place)
        own = "Output" if language == "JSONata" else "ResultPath"
        values.known(catcher, {*_CATCHER, own}, findings, place)
        _errors(catcher, findings, place, last=index == len(value) - 1)
        if "ResultPath" in catcher and own == "ResultPath":
            expressions.result_path(catcher["ResultPath"], findings, f"{place}/ResultPath")
        if "Output" in catcher and own == "Output":
            expressions.template(catcher["Output"], language, findings, f"{place}/Output")


def _errors(rule: dict[str, Any], findings: Findings, at: str, *, last: bool) -> None:
    if "Comment" in rule:
        values.text(rule["Comment"], findings, f"{at}/Comment")
    if "ErrorEquals" not in rule:
        return
    at = f"{at}/ErrorEquals"
    names = rule["ErrorEquals"]
    if not values.array(names, findings, at, empty=False):
        return
    for index, name in enumerate(names):
        if (
            values.text(name, findings, f"{at}[{index}]")
            and name == "States.ALL"
            and (len(names) > 1 or not last)
        ):
            findings.schema("States.ALL must appear alone and at end of list", f"{at}[{index}]")
