"""What a week's changes are called: the headline in sentences, differences with their units. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.monitoring.changes import Change, Verdict, moved
from faaslab.monitoring.pages import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.monitoring.pages.week_compared import Compared, Fares, Weeks

_ARROWS = {Verdict.MORE: " ▲", Verdict.LESS: " ▼"}
_MOST = 3


def headline(
    compared: Compared, errors: Sequence[dict[str, Any]], workflows: Sequence[tuple[str, str, Change]] = ()
) -> tuple[str, ...]:
    """The week in a few sentences, the worst news first.

    `errors` are the rows of `weeks.new_errors`, `workflows` (name, unit, change) of their figures.
    """
    spent = next((change.now for _, unit, change in workflows if unit == "usd"), None)
    lines = [_calls(compared, spent), *_movers(compared)]
    lines += [
        f"{words.sentence(name)} **{moved(change, words.share, rate=True)}**."
        for name, unit, change in workflows
        if unit == "share" and change.real
    ]
    lines += _errors(errors, compared)
    lines += _come_and_gone(compared)
    if len(lines) == 1 and compared.comparable:
        lines.append("Nothing else moved by more than chance explains.")
    return tuple(lines)


def _calls(compared: Compared, workflows_usd: float | None) -> str:
    whole, of = compared.whole, compared.weeks
    now, before = whole.invocations
    so_far = "" if of.whole else " so far"
    spent = f", at {words.usd(whole.money.now)}" if whole.money.now else ""
    if spent and workflows_usd:
        both = (whole.money.now or 0.0) + workflows_usd
        parts = f"{words.usd(whole.money.now)} for functions and {words.usd(workflows_usd)} for workflows"
        spent = f", at {words.usd(both)} ({parts})"
    if not compared.comparable or not before:
        why = (
            "there is no week before it to compare with"
            if compared.first is None or compared.first >= of.begin
            else f"the store begins on {words.day(of.local(compared.first))}, so the week before is not whole"
        )
        return f"**{words.of(now, 'invocation')}{so_far}**{spent}; {why}."
    if whole.calls.verdict is Verdict.FEW:
        return (
            f"**{words.of(now, 'invocation')}{so_far}** after {words.count(before)} the week before{spent}: "
            "too few to tell a change from chance."
        )
    told = (
        f"**Invocations {moved(whole.calls, words.count)}{so_far}**"
        if whole.calls.real
        else f"**{words.of(now, 'invocation')}{so_far}**, about as many as the week before "
        f"({words.count(before)})"
    )
    if whole.money.real and whole.money.now is not None:
        beside = f"; workflows came to {words.usd(workflows_usd)}" if workflows_usd else ""
        return f"{told}; what they cost {moved(whole.money, words.usd)}{beside}."
    return f"{told}{spent}."


def _movers(compared: Compared) -> list[str]:
    """Up to three of what moved furthest, each with the definition that it began with."""
    found: list[tuple[float, str]] = []
    for each in compared.functions:
        for what, form, write, rate in (
            ("p95", "The p95 of `{}` **{}**", words.ms, False),
            ("failed", "Failures of `{}` **{}** of its calls", words.share, True),
            ("cold", "Cold starts of `{}` **{}** of its calls", words.share, True),
        ):
            change: Change = getattr(each, what)
            if change.real:
                worse = 1.0 if change.verdict is Verdict.MORE else 0.4
                told = form.format(each.name, moved(change, write, rate=rate))
                sentence = f"{told}{_since(each, what, compared.weeks)}."
                found.append((worse * min(change.size, 3.0), sentence))
    ordered = [sentence for _, sentence in sorted(found, key=lambda pair: -pair[0])]
    more = len(ordered) - _MOST
    rest = [f"{words.of(more, 'more change')} of this kind stand in the table."] if more > 0 else []
    return ordered[:_MOST] + rest


def _since(each: Fares, what: str, of: Weeks) -> str:
    if what not in each.since:
        return ""
    definition, first = each.since[what]
    return f"; it began with definition {definition} on {of.day(first)}"


def _errors(errors: Sequence[dict[str, Any]], compared: Compared) -> list[str]:
    new = {name for name, _, _ in compared.new}
    told = [row for row in errors if row["function"] not in new]
    if not told:
        return []
    top = told[0]
    more = f" and {words.of(len(told) - 1, 'other kind')}" if len(told) > 1 else ""
    calls = words.share(top["count"] / top["invocations"])
    since = f"since {compared.weeks.day(top['first'])} ({calls} of its calls)"
    times = words.of(top["count"], "time")
    return [f"**New: {top['error_type']}** in `{top['function']}`, {times} {since}{more}."]


def _come_and_gone(compared: Compared) -> list[str]:
    lines = []
    if compared.new and compared.comparable:
        said = [
            f"`{name}` (since {compared.weeks.day(first)}, {words.of(calls, 'call')})"
            for name, first, calls in compared.new[:4]
        ]
        lines.append(f"New: {words.listed(said)}{_left(compared.new, 4)}.")
    if compared.gone:
        said = [f"`{name}` ({words.of(calls, 'call')} the week before)" for name, calls in compared.gone[:4]]
        lines.append(f"Not called any more: {words.listed(said)}{_left(compared.gone, 4)}.")
    return lines


def _left(all_of_it: Sequence[object], shown: int) -> str:
    return f" and {len(all_of_it) - shown} more" if len(all_of_it) > shown else ""


def difference(change: Change, unit: str) -> str:
    """`+365 (+12 %)`, `+130 ms (+108 %)`, `+8.1 points`, `–` where there is none."""
    value = change.difference
    if value is None:
        return words.NONE
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if unit == "share":
        return f"{sign}{abs(value) * 100:.1f} points"
    size = write(unit)(abs(value))
    if change.ratio is None or not value:
        return f"{sign}{size}"
    return f"{sign}{size} ({sign}{abs(change.ratio - 1) * 100:.0f} %)"


def write(unit: str) -> Callable[[float | None], str]:
    """How figures of a unit are written: `count`, `ms`, `share`, `usd`."""
    return {"count": words.count, "ms": words.ms, "share": words.share, "usd": words.usd}[unit]


def cell(change: Change, unit: str) -> str:
    """Now, an arrow where it changed, and what it was before: `250 ms ▲ (120 ms)`."""
    now = write(unit)(change.now)
    if change.before is None:
        return now
    return f"{now}{_ARROWS.get(change.verdict, '')} ({write(unit)(change.before)})"
