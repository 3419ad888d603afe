"""The words that a shell and a notebook share: one table of verbs, one parser, one set of answers.

A face reads a line with `parse`, carries it out with `run`, and shows the `Answer` in its own way. What is
said of a verb here (options, help, what it calls) is said nowhere else.
"""

from __future__ import annotations

from faaslab.verbs.answers import (
    Answer,
    DiagnosticsAnswer,
    DoneAnswer,
    ExecutionAnswer,
    FollowAnswer,
    FunctionCard,
    LogsAnswer,
    MapAnswer,
    PictureAnswer,
    ReportAnswer,
    ReportsAnswer,
    RunAnswer,
    StatsAnswer,
    SubmittedAnswer,
    TableAnswer,
    TextAnswer,
    TimelineAnswer,
    WorkflowCard,
)
from faaslab.verbs.debugging import call_under
from faaslab.verbs.face import Face, Progress
from faaslab.verbs.live_answers import DashboardAnswer, PanelAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.parse import NOTEBOOK_OPTIONS, SHELL_OPTIONS, parse
from faaslab.verbs.run import run
from faaslab.verbs.table import ALIASES, LATER, VERBS, help_text
from faaslab.verbs.verb import Call, Verb

__all__ = [
    "ALIASES",
    "LATER",
    "NOTEBOOK_OPTIONS",
    "SHELL_OPTIONS",
    "VERBS",
    "Answer",
    "Call",
    "DashboardAnswer",
    "DiagnosticsAnswer",
    "DoneAnswer",
    "ExecutionAnswer",
    "Face",
    "FollowAnswer",
    "FunctionCard",
    "LogsAnswer",
    "MapAnswer",
    "Option",
    "PanelAnswer",
    "PictureAnswer",
    "Positional",
    "Progress",
    "ReportAnswer",
    "ReportsAnswer",
    "RunAnswer",
    "StatsAnswer",
    "SubmittedAnswer",
    "TableAnswer",
    "TextAnswer",
    "TimelineAnswer",
    "Verb",
    "WorkflowCard",
    "call_under",
    "help_text",
    "parse",
    "run",
]
