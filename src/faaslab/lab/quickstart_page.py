"""The page that the quickstart leaves: figures, a picture of its workflow, its reports. No network."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.lab.quickstart_orders import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab.quickstart_orders import Fulfilled
    from faaslab.model.report import ReportRun
    from faaslab.store import Store


_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7e; --line: #dde3ea; --page: #fbfcfd;
  --card: #fff; --mark: #2463d6; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa7b8; --line: #303a47;
  --page: #12161c; --card: #1a2029; --mark: #7fb0ff; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } p { color: var(--soft); margin: .2rem 0 1.4rem; }
nav { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin:
  1.6rem 0; }
nav a { display: block; padding: 1rem 1.2rem; border: 1px solid var(--line); border-radius: .6rem;
  background: var(--card); color: inherit; text-decoration: none; }
nav a:hover, nav a:focus { border-color: var(--mark); } nav b { color: var(--mark); font-size: 1.1rem; }
nav span { display: block; color: var(--soft); font-size: .93rem; margin-top: .2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric:
  tabular-nums; }
th, td { text-align: right; padding: .45rem .7rem; border-bottom: 1px solid var(--line); white-space:
  nowrap; }
th { color: var(--soft); font-weight: 600; font-size: .88rem; } th:first-child, td:first-child {
  text-align: left; }
figure { margin: 2.2rem 0 0; } figcaption { color: var(--soft); margin-bottom: .8rem; }
figure div { overflow-x: auto; padding: 1rem; border: 1px solid var(--line); border-radius: .6rem;
  background: var(--card); text-align: center; }
code { font: .9em ui-monospace, monospace; } .bad { color: var(--bad); }
"""

_TITLES = {
    "cold_starts": ("Cold starts", "how often an environment had to be started, and what that took"),
    "durations": ("Durations", "how long functions run, where the slow ones come from, memory head-room"),
    "costs": ("Costs", "what these runs would cost on AWS Lambda, and what could be saved"),
    "workflows": ("Workflows", "how many orders end well, where their time goes, what was tried again"),
}

_SUMMARY = """
    SELECT function AS "Function", any_value(memory_mb ORDER BY started_at DESC) AS "Memory",
           count(*) AS "Invocations",
           count(*) FILTER (WHERE status <> 'completed') AS "Failed",
           100.0 * avg(cold_start::INT) AS "Cold",
           median(init_ms) FILTER (WHERE cold_start) AS "Init p50",
           median(duration_ms) AS "Duration p50",
           quantile_cont(duration_ms, 0.95) AS "Duration p95",
           max(max_memory_mb) AS "Memory used"
    FROM executions WHERE list_contains($names, function)
    GROUP BY 1 ORDER BY 3 DESC
"""

_UNITS = {
    "Memory": "{:,.0f} MB",
    "Memory used": "{:,.0f} MB",
    "Cold": "{:.1f} %",
    "Init p50": "{:,.1f} ms",
    "Duration p50": "{:,.2f} ms",
    "Duration p95": "{:,.2f} ms",
}


def page_html(
    store: Store,
    names: Sequence[str],
    reports: Sequence[ReportRun],
    counts: tuple[int, int],
    fulfilled: Fulfilled,
) -> str:
    """The whole page as text. `counts` are the invocations, and those of them that failed."""
    ran, failed = counts
    summary = store.sql(_SUMMARY, {"names": list(names)})
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in summary.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(str(name), value)}</td>" for name, value in row.items()) + "</tr>"
        for row in summary.to_dict(orient="records")
    )
    links = "".join(_link(report) for report in reports)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>faaslab quickstart</title><style>{_STYLE}</style><main><h1>faaslab quickstart</h1>"
        f"<p>{ran:,} invocations ran on this machine in real execution environments; {failed:,} failed, "
        "because the samples hold the faults that real functions have. "
        f"{fulfilled.runs:,} orders went through a workflow of these functions; {fulfilled.failed:,} of them "
        "failed, for the same reason. All of it stands in "
        f"<code>{html.escape(str(store.path))}</code>.</p><nav>{links}</nav>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"<figure><figcaption>One of the orders, <code>{html.escape(fulfilled.pictured)}</code>, on its way "
        f"through the workflow <code>{NAME}</code></figcaption><div>{fulfilled.picture}</div></figure>"
        "</main></html>\n"
    )


def _cell(column: str, value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "–"
    return html.escape(_UNITS.get(column, "{:,}" if isinstance(value, int) else "{}").format(value))


def _link(report: ReportRun) -> str:
    title, what = _TITLES[report.name]
    page = next((Path(path).name for path in report.outputs if path.endswith(".html")), None)
    if page is None:
        return (
            f'<a class="bad"><b>{title}</b><span>failed: {html.escape(report.error_message or "")}</span></a>'
        )
    state = "" if report.status == "completed" else ' <span class="bad">a cell of this report failed</span>'
    return f'<a href="{html.escape(page)}"><b>{title}</b><span>{what}</span>{state}</a>'
