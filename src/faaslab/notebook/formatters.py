"""The model's own values as outputs: a Function is a card, an Execution its view, wherever they turn up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.notebook.display import Surroundings
    from faaslab.notebook.labs import Labs

NAMES = (
    ("faaslab.model.function", "Function"),
    ("faaslab.model.execution", "Execution"),
    ("faaslab.model.report", "ReportRun"),
    ("faaslab.lab.maps", "MapResult"),
    ("faaslab.model.workflow", "Workflow"),
    ("faaslab.model.workflow", "WorkflowExecution"),
    ("faaslab.lab.workflow_run", "WorkflowRun"),
)


def register(shell: Any, around: Callable[[], Surroundings], labs: Labs) -> None:
    """Register a formatter for each; their modules are not loaded for it."""
    formatter = shell.display_formatter.mimebundle_formatter
    for (module, name), answer in zip(NAMES, _ANSWERS, strict=True):

        def show(value: Any, answer: Callable[[Any, Labs], Any] = answer) -> Mapping[str, str]:
            from faaslab.notebook.display import view

            return view(answer(value, labs), around())._repr_mimebundle_()

        formatter.for_type_by_name(module, name, show)


def unregister(shell: Any) -> None:
    """Take them back."""
    for module, name in NAMES:
        shell.display_formatter.mimebundle_formatter.pop(f"{module}.{name}", None)


def link(path: str) -> str | None:
    """An address for a file below the notebook's folder, relative to it; None for any other."""
    try:
        inside = Path(path).resolve().relative_to(Path.cwd().resolve())
    except ValueError:
        return None
    return quote(inside.as_posix())


def _function(value: Any, labs: Labs) -> Any:  # noqa: ARG001
    from faaslab.verbs import FunctionCard

    return FunctionCard(function=value)


def _execution(value: Any, labs: Labs) -> Any:
    from faaslab.verbs import ExecutionAnswer

    lab = labs.peek()
    source = None if lab is None or value.ok else lab.functions.source_of(value)
    if source is None:
        return ExecutionAnswer(execution=value, looked_at=True)
    return ExecutionAnswer(execution=value, looked_at=True, code=source.source, filename=source.filename)


def _report(value: Any, labs: Labs) -> Any:  # noqa: ARG001
    from faaslab.verbs import ReportAnswer

    return ReportAnswer(run=value)


def _map(value: Any, labs: Labs) -> Any:  # noqa: ARG001
    from faaslab.verbs import MapAnswer

    return MapAnswer(result=value)


def _workflow(value: Any, labs: Labs) -> Any:  # noqa: ARG001
    from faaslab.lab.workflow_pictures import of_workflow
    from faaslab.verbs import WorkflowCard

    picture = of_workflow(value)
    return WorkflowCard(workflow=value, svg=picture.svg, drawn=picture.text)


def _run(value: Any, labs: Labs) -> Any:  # noqa: ARG001
    from faaslab.verbs.workflow_runs import answer

    return answer(value, looked_at=True)


def _workflow_execution(value: Any, labs: Labs) -> Any:
    lab = labs.peek()
    if lab is None:
        from faaslab.verbs import TextAnswer
        from faaslab.verbs.workflow_text import headline

        return TextAnswer(text=f"{value.workflow} {value.name}: {headline(value)}")
    return _run(lab.workflows.run(value.id), labs)


_ANSWERS = (_function, _execution, _report, _map, _workflow, _workflow_execution, _run)
