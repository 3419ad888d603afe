"""What verbs answer: values with just enough beside them for a face to show them.

Every answer has `value` (what `-o` binds) and `exit_status` (what a shell ends with). How an answer looks
is the face's business: `text.py` for plain text and JSON, `notebook.display` for HTML.
"""

# ruff: noqa: TC004 -- nothing reads these annotations, and pandas may not be loaded for them

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from faaslab.model.asynchronous import destination_name
from faaslab.verbs.live_answers import DashboardAnswer, PanelAnswer

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.lab.maps import MapResult
    from faaslab.lab.queued import Queued
    from faaslab.lab.workflow_run import WorkflowRun
    from faaslab.model.asynchronous import EventInvokeConfig
    from faaslab.model.delivered import Delivered
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.report import ReportRun
    from faaslab.model.workflow import Workflow, WorkflowExecution


@dataclass(frozen=True, kw_only=True)
class FunctionCard:
    """A function that was defined, changed or looked at.

    `change` tells what a definition did; None when it was only looked at. `enforced` is limit -> how this
    machine holds it. `code` is its source where it was asked for.
    """

    function: Function
    change: Literal["created", "updated", "unchanged"] | None = None
    enforced: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    events: EventInvokeConfig | None = None
    """How its asynchronous invocations are handled, where that is not Lambda's default."""
    before: Function | None = None
    """The function as it was before it was changed."""
    aliases: tuple[str, ...] = ()
    """What leads to its versions, in words: `prod -> version 2`."""
    published: str | None = None
    """The version that it is, or the last one, in words: `version 2, which is definition 3`."""
    policy: str | None = None
    """Whom its resource policy names, in words; it is enforced by nothing here."""
    exit_status: int = 0

    @property
    def value(self) -> Function:
        """The function."""
        return self.function

    @property
    def in_the_open(self) -> bool:
        """Whether this function runs without the sandbox that others have here."""
        return "(--preload)" in self.enforced.get("sandbox", "")

    @property
    def asynchronous(self) -> str | None:
        """How asynchronous invocations are handled, in words; None where all is default."""
        events, configuration = self.events, self.function.configuration
        words = []
        if events is not None and events.maximum_retry_attempts is not None:
            words.append(f"{events.retries} {'retry' if events.retries == 1 else 'retries'}")
        if events is not None and events.maximum_event_age_s is not None:
            words.append(f"up to {events.age_limit_s} s old")
        if events is not None and events.on_success:
            words.append(f"success to {destination_name(events.on_success)}")
        if events is not None and events.on_failure:
            words.append(f"failure to {destination_name(events.on_failure)}")
        if configuration.dead_letter_queue:
            words.append(f"dead letters to {configuration.dead_letter_queue}")
        if configuration.recursive_loop == "Allow":
            words.append("loops allowed")
        return ", ".join(words) or None


@dataclass(frozen=True, kw_only=True)
class ExecutionAnswer:
    """An invocation that ended, or one that is looked at again. `tail` asks for its logs unfolded."""

    execution: Execution
    tail: bool = False
    code: str | None = None
    """The function's own source as it ran, for the frames of a failure; None where it is not known."""
    filename: str | None = None
    looked_at: bool = False
    streamed: bool = False
    """Its result was shown while it came."""
    svg: str | None = None
    """The waterfall of its phases, where somebody looks at it closely."""
    drawn: str | None = None
    """The same as text."""

    @property
    def value(self) -> Execution:
        """The execution."""
        return self.execution

    @property
    def exit_status(self) -> int:
        """1 when an invocation just made failed; looking at a failure is no failure."""
        return 0 if self.looked_at or self.execution.ok else 1


@dataclass(frozen=True, kw_only=True)
class SubmittedAnswer:
    """An asynchronous invocation that is on the disk and goes on; `future` gives its last Execution."""

    function: str
    future: Queued
    exit_status: int = 0

    @property
    def request_id(self) -> str:
        """What all of its executions will have in common."""
        return self.future.request_id

    @property
    def value(self) -> Queued:
        """The future."""
        return self.future


@dataclass(frozen=True, kw_only=True)
class MapAnswer:
    """A map, whole or interrupted."""

    result: MapResult

    @property
    def value(self) -> pd.DataFrame:
        """One row an input: input, status, ms, billed, cold, memory, result, error, id."""
        df: pd.DataFrame = self.result.df
        return df

    @property
    def exit_status(self) -> int:
        """1 when one of them failed, 130 when it was interrupted."""
        if self.result.interrupted:
            return 130
        return 1 if self.result.failed else 0


@dataclass(frozen=True, kw_only=True)
class WorkflowCard:
    """A workflow that was defined or looked at, with its picture."""

    workflow: Workflow
    svg: str
    drawn: str
    """The picture as text."""
    change: str | None = None
    aliases: tuple[str, ...] = ()
    """What leads to its versions, in words."""
    exit_status: int = 0

    @property
    def value(self) -> Workflow:
        """The workflow."""
        return self.workflow


@dataclass(frozen=True, kw_only=True)
class RunAnswer:
    """An execution of a workflow that was started, or one that is looked at again."""

    run: WorkflowRun
    execution: WorkflowExecution
    """How it stood when it was looked at."""
    svg: str
    drawn: str
    """The picture as text."""
    looked_at: bool = False
    waited: bool = False
    """Its end was waited for, so that a failure is the answer's. Else the run is what was asked for, however
    quickly it ended: a line that starts one must not fail or not by how fast a machine is."""

    @property
    def value(self) -> WorkflowRun:
        """The run: wait for it, stop it, look at its history."""
        return self.run

    @property
    def exit_status(self) -> int:
        """1 when one that was waited for has ended and did not succeed."""
        return 1 if self.waited and self.execution.status not in ("RUNNING", "SUCCEEDED") else 0


@dataclass(frozen=True, kw_only=True)
class PictureAnswer:
    """A picture as SVG, and as text where there is nothing to draw on; of what it is, and what it shows."""

    svg: str
    text: str
    name: str = ""
    about: str = ""
    exit_status: int = 0

    @property
    def value(self) -> str:
        """The SVG."""
        return self.svg


@dataclass(frozen=True, kw_only=True)
class TimelineAnswer:
    """A picture over time, and the rows behind it, `about` what: a function's invocations (the columns of
    `lab.monitoring.timeline`), or the phases of one (those of `lab.executions.phases`).
    """  # noqa: D205

    name: str
    about: str
    df: pd.DataFrame
    svg: str
    text: str
    exit_status: int = 0

    @property
    def value(self) -> pd.DataFrame:
        """The rows."""
        return self.df


@dataclass(frozen=True, kw_only=True)
class TableAnswer:
    """Rows. `title` stands above them; `empty` is what to say when there are none."""

    df: pd.DataFrame
    title: str | None = None
    empty: str = "nothing"
    exit_status: int = 0

    @property
    def value(self) -> pd.DataFrame:
        """The rows."""
        return self.df


@dataclass(frozen=True, kw_only=True)
class LogsAnswer(TableAnswer):
    """Log lines: columns timestamp, function, execution_id, stream, level, message; oldest first."""

    empty: str = "no log lines"


@dataclass(frozen=True, kw_only=True)
class FollowAnswer(LogsAnswer):
    """Lines as they come, of `what` (a function or an execution; None for all); `df` is what there is now.

    `grep` is a pattern of `logs`; without `since` the newest lines come first.
    """

    what: str | None = None
    grep: str | None = None
    since: str | None = None


@dataclass(frozen=True, kw_only=True)
class DiagnosticsAnswer(TableAnswer):
    """What is wrong with a definition: columns severity, line, code, message, place. `source` is its file."""

    source: str = "definition"
    empty: str = "nothing is wrong with it"


@dataclass(frozen=True, kw_only=True)
class StatsAnswer(TableAnswer):
    """Figures per group: the columns of `by` first, then invocations, errors, error_rate, cold_rate, …

    `plot` asks the face to draw them, if it can.
    """

    by: tuple[str, ...] = ()
    plot: bool = False
    empty: str = "no executions in that time"


@dataclass(frozen=True, kw_only=True)
class ReportAnswer:
    """A report that ran."""

    run: ReportRun
    looked_at: bool = False
    delivered: tuple[Delivered, ...] = ()
    """What became of bringing it somewhere."""

    @property
    def value(self) -> ReportRun:
        """The run, with the paths of its outputs."""
        return self.run

    @property
    def exit_status(self) -> int:
        """1 when a cell of it failed, or it was not delivered; looking at a failure is no failure."""
        if self.looked_at:
            return 0
        return 1 if self.run.status == "failed" or not all(each.ok for each in self.delivered) else 0


@dataclass(frozen=True, kw_only=True)
class ReportsAnswer(TableAnswer):
    """The runs of reports, newest first; `reports` are those there are: report, about, parameters, from."""

    reports: pd.DataFrame
    empty: str = "no report ran yet; run one: report run cold_starts"


@dataclass(frozen=True, kw_only=True)
class DoneAnswer:
    """A deed without a picture of its own: a sentence for people, `facts` for programs."""

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    exit_status: int = 0

    @property
    def value(self) -> Mapping[str, Any]:
        """The facts."""
        return self.facts


@dataclass(frozen=True, kw_only=True)
class TextAnswer:
    """Text: help, source code."""

    text: str
    language: Literal["text", "python", "javascript", "bash"] = "text"
    exit_status: int = 0

    @property
    def value(self) -> str:
        """The text."""
        return self.text


Answer = (
    FunctionCard
    | ExecutionAnswer
    | SubmittedAnswer
    | MapAnswer
    | WorkflowCard
    | RunAnswer
    | PictureAnswer
    | TimelineAnswer
    | TableAnswer
    | LogsAnswer
    | FollowAnswer
    | DiagnosticsAnswer
    | StatsAnswer
    | ReportAnswer
    | ReportsAnswer
    | PanelAnswer
    | DashboardAnswer
    | DoneAnswer
    | TextAnswer
)
