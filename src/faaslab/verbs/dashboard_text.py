"""The dashboard in words: for a shell, for a program, and where there is nothing to show. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.model.json import to_json
from faaslab.monitoring.shares import share

if TYPE_CHECKING:
    from faaslab.lab.dashboard import Dashboard, Figures


def headline(dashboard: Dashboard) -> str:
    """The figures of all, in lines; what to do where there are none."""
    if dashboard.empty:
        return empty_words(dashboard)
    total = dashboard.total
    rate, cold = total.error_rate, total.cold_rate
    parts = [_counted(total.invocations, "invocation"), _counted(total.errors, "error")]
    parts[-1] += f" ({share(rate)})" if rate else ""
    parts += [f"{total.throttles:,} throttled"] if total.throttles else []
    parts += [f"{share(cold)} cold"] if cold is not None else []
    parts.append(f"at most {dashboard.peak:,} at once")
    if total.p50_ms is not None and total.p95_ms is not None and total.p99_ms is not None:
        parts.append(f"p50 {total.p50_ms:,.1f} ms, p95 {total.p95_ms:,.1f} ms, p99 {total.p99_ms:,.1f} ms")
    parts.append(f"${total.cost_usd:.6f} at list prices")
    lines = [f"{dashboard.since:%Y-%m-%d %H:%M:%S} to {dashboard.until:%Y-%m-%d %H:%M:%S} UTC"]
    lines.append(", ".join(parts))
    lines += [
        f"alarm {each.name}: {each.state.value}, {each.state_reason}".rstrip(", ")
        for each in dashboard.alarms
    ]
    return "\n".join(lines)


def empty_words(dashboard: Dashboard) -> str:
    """Why there is nothing to see, and what would change that."""
    if dashboard.last is not None:
        return (
            f"Nothing ran in that time. The last invocation began {dashboard.last:%Y-%m-%d %H:%M:%S} UTC: "
            "take a longer time, or all of it (--since all)."
        )
    what = f"of {', '.join(dashboard.functions)} " if dashboard.functions else ""
    return f"Nothing {what}ran yet. Run a function (invoke NAME) and its figures stand here."


def dashboard_document(dashboard: Dashboard) -> dict[str, Any]:
    """All of it as JSON; instants are ISO 8601 in UTC, rates 0 to 1."""
    return {
        "functions": list(dashboard.functions),
        "since": to_json(dashboard.since),
        "until": to_json(dashboard.until),
        "bucket_s": dashboard.width.total_seconds(),
        "total": {**_figures(dashboard.total), "peak": dashboard.peak},
        "before": dashboard.before and {**_figures(dashboard.before), "peak": dashboard.peak_before},
        "by_function": [{**_figures(each), **to_json(each)} for each in dashboard.by_function],
        "buckets": [{**_figures(each), **to_json(each)} for each in dashboard.buckets],
        "workflows": [to_json(each) for each in dashboard.workflows],
        "alarms": [
            {"name": each.name, "state": each.state.value, "reason": each.state_reason}
            for each in dashboard.alarms
        ],
        "running": dict(dashboard.running),
    }


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _figures(figures: Figures) -> dict[str, Any]:
    return {**to_json(figures), "error_rate": figures.error_rate, "cold_rate": figures.cold_rate}
