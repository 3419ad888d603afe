"""The verbs that define workflows: workflow, workflow check, ls, rm, publish, alias."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.deploy import regular
from faaslab.errors import InvalidValue, NotFound
from faaslab.lab import workflow_mistakes as mistakes
from faaslab.lab.workflow_definitions import MOST_BYTES, InvalidDefinition
from faaslab.lab.workflow_pictures import of_workflow
from faaslab.store.questions import workflows as questions
from faaslab.verbs.answers import DiagnosticsAnswer, DoneAnswer, TableAnswer, WorkflowCard
from faaslab.verbs.options import Option, Positional, pair
from faaslab.verbs.verb import Verb
from faaslab.workflow import source as sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.model.workflow import Workflow
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call
    from faaslab.workflow.source import Source

_MEANT = 50
_NEAR = 0.8


def define(lab: Lab, call: Call, face: Face) -> Answer:
    """`%%faas workflow NAME`: the cell is the definition, in YAML or JSON."""
    source = _source(call, face)
    try:
        defined = lab.workflows.define(
            call["name"],
            source.text if source.text.lstrip().startswith("{") else source.definition,
            type=call["type"],
            role=call["role"],
            logging=_logging(call),
            tracing=call["tracing"],
            tags=dict(call["tags"]) or None,
            publish=call["publish"],
            description=call["description"],
            draft=call["draft"],
        )
    except InvalidDefinition as error:
        raise mistakes.located(error, source, option="--draft") from None
    for each in (*defined.diagnostics, *mistakes.warnings(lab, source.definition)):
        if each.severity == "WARNING" or call["draft"]:
            face.note(mistakes.told(each, source))
    if defined.change == "created":
        for verb in ("check", "publish", "alias", "history"):
            if SequenceMatcher(None, call["name"], verb).ratio() >= _NEAR:
                face.note(f"this made a workflow named {call['name']!r}; the verb is: workflow {verb}")
    if call["save"]:
        path = Path(call["save"]).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_saved(source, path), "utf-8")
        face.note(f"saved {path}")
    if defined.published is not None:
        face.note(f"published as version {defined.published.version}")
    return card(lab, defined.workflow, change=defined.change)


def _saved(source: Source, path: Path) -> str:
    """As it was written; as JSON where the file is to be of that."""
    if path.suffix != ".json" or source.text.lstrip().startswith("{"):
        return source.text
    return json.dumps(source.definition, ensure_ascii=False, indent=2) + "\n"


def card(lab: Lab, workflow: Workflow, *, change: str | None = None) -> WorkflowCard:
    """The card of a workflow, with its picture and what leads to its versions."""
    picture = of_workflow(workflow)
    aliases = lab.workflows.versions.aliases(workflow.name)
    leads = (f"{each.name} -> {_told_routes(each.routes)}" for each in aliases)
    return WorkflowCard(
        workflow=workflow, change=change, svg=picture.svg, drawn=picture.text, aliases=tuple(leads)
    )


def check(lab: Lab, call: Call, face: Face) -> Answer:
    """What is wrong with a definition, without keeping it."""
    import pandas as pd

    source = _source(call, face)
    found = lab.workflows.validate(source.definition, type=call["type"] or "STANDARD")
    found = (*found, *mistakes.warnings(lab, source.definition))
    rows = [
        (
            each.severity.lower(),
            source.line_of(each.location),
            each.code,
            # To look for what was meant costs: whoever has more than that is helped by the first.
            mistakes.said(each, source.definition) if number < _MEANT else each.message,
            each.location,
        )
        for number, each in enumerate(found)
    ]
    df = pd.DataFrame(rows, columns=["severity", "line", "code", "message", "place"], dtype=object)
    failed = any(each.severity == "ERROR" for each in found)
    return DiagnosticsAnswer(
        df=df,
        source=call["source"] or call["file"] or "the cell",
        exit_status=2 if failed else 0,
    )


def _source(call: Call, face: Face) -> Source:
    """The definition that the cell or the file holds, with the lines of everything in it."""
    cell = call.cell if call.cell is not None and call.cell.strip() else None
    named = [each for each in (call["source"], call["file"]) if each is not None]
    if len(named) + (cell is not None) != 1:
        raise InvalidValue(
            "give the definition in the cell below, or in a file",
            hint="%%faas workflow NAME above YAML or JSON, or: faaslab workflow NAME flow.yaml",
        )
    if cell is not None:
        return sources.read(cell)
    name = named[0]
    if name == "-":
        data = face.stdin(MOST_BYTES + 1)
    else:
        data = regular.read(Path(name).expanduser(), limit=4 * MOST_BYTES, place="--file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{name!r} is not UTF-8 at byte {error.start}", place="--file") from None
    return sources.read(text)


def _logging(call: Call) -> dict[str, Any] | None:
    groups = call["log_group"]
    level = call["log_level"] or ("ALL" if groups else None)
    if level is None:
        return None
    return {"level": level, "include_execution_data": call["log_data"], "destinations": groups}


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """All workflows with what the store saw of them."""
    import pandas as pd

    seen = questions.by_workflow(lab.store.sql, questions.WorkflowWindow()).set_index("workflow")
    figures = seen[["executions", "succeeded", "failed", "running", "p50_ms", "last"]]
    kept = [
        {"name": each.name, "type": each.type, "status": str(each.status), "definition": each.version}
        for each in lab.workflows.list()
    ]
    return TableAnswer(
        df=pd.DataFrame(kept).join(figures, on="name") if kept else pd.DataFrame(),
        empty="no workflows yet; define one with %%faas workflow NAME, or: faaslab workflow NAME --file F",
    )


def rm(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The end of workflows; what runs of them goes on, and their history stays."""
    for name in call["names"]:
        if lab.workflows.find(name) is None and name in lab.functions.names():
            raise NotFound("workflow", name, hint=f"a function is: rm {name}")
        lab.workflows.get(name)
    for name in call["names"]:
        lab.workflows.delete(name)
    names = ", ".join(call["names"])
    return DoneAnswer(text=f"deleted {names}; their history stays", facts={"deleted": list(call["names"])})


def publish(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The workflow as it is now, under a number that never changes."""
    version = lab.workflows.versions.publish(call["name"], description=call["description"])
    name = f"{call['name']}:{version.version}"
    return DoneAnswer(
        text=f"published as version {version.version}; run it as {name}",
        facts={"version": version.version, "arn": version.id},
    )


def alias(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """A name for one version, or for two that share the starts."""
    versions, routes = lab.workflows.versions, _routes(call["routes"])
    try:
        made = versions.update_alias(call["name"], call["alias"], routes=routes)
    except NotFound:
        made = versions.create_alias(call["name"], call["alias"], routes)
    text = f"{call['name']}:{made.name} -> {_told_routes(made.routes)}"
    return DoneAnswer(text=text, facts={"routes": dict(made.routes)})


def _told_routes(routes: Mapping[str, int]) -> str:
    """`version 3`, `version 3 (90 %), version 4 (10 %)`."""
    if len(routes) == 1:
        return f"version {next(iter(routes))}"
    return ", ".join(f"version {version} ({share} %)" for version, share in routes.items())


def _routes(words: Sequence[str]) -> Any:
    """`3`, or `3=90 4=10`."""
    if len(words) == 1 and "=" not in words[0]:
        return words[0]
    routes = {}
    for word in words:
        version, _, share = word.partition("=")
        if not share.isdecimal():
            raise InvalidValue(f"{word!r} is no version with its share", place="ROUTES", hint="3=90 4=10")
        routes[version] = int(share)
    return routes


NAME = Positional(name="name", help="the workflow", completes="workflow")
FILE = Option(
    flags=("--file", "-f"),
    name="source",
    metavar="FILE|-",
    completes="file",
    help="the definition, in YAML or JSON, where no cell holds it; - for standard input",
)
DEFINITION = Positional(
    name="file",
    help="the definition, in YAML or JSON, where no cell holds it; - for standard input",
    required=False,
    completes="file",
)
TYPE = Option(
    flags=("--type",),
    name="type",
    metavar="TYPE",
    choices=("STANDARD", "EXPRESS"),
    help="STANDARD or EXPRESS",
)
DESCRIPTION = Option(
    flags=("--description",), name="description", metavar="TEXT", help="what is said of the version"
)
VERBS: tuple[Verb, ...] = (
    Verb(
        name="workflow",
        summary="define a workflow from the YAML or JSON below (%%faas workflow NAME), or from a file",
        run=define,
        cell=True,
        positionals=(Positional(name="name", help="its name"), DEFINITION),
        options=(
            FILE,
            TYPE,
            Option(flags=("--role",), name="role", metavar="ARN", help="the role it has on AWS"),
            Option(
                flags=("--log-level",),
                name="log_level",
                metavar="LEVEL",
                choices=("ALL", "ERROR", "FATAL", "OFF"),
                help="which of its events are logged",
            ),
            Option(
                flags=("--log-group",),
                name="log_group",
                metavar="ARN",
                repeat=True,
                help="where they are logged to: the ARN of a log group",
            ),
            Option(flags=("--log-data",), name="log_data", help="log inputs and outputs as well"),
            Option(flags=("--tracing",), name="tracing", help="trace it on AWS"),
            Option(flags=("--tag",), name="tags", metavar="K=V", read=pair, repeat=True, help="a tag"),
            Option(flags=("--publish",), name="publish", help="publish it as a version as well"),
            DESCRIPTION,
            Option(
                flags=("--draft",),
                name="draft",
                help="keep it even if it does not validate; it cannot run then",
            ),
            Option(
                flags=("--save",),
                name="save",
                metavar="PATH",
                completes="file",
                help="also write the definition to this file",
            ),
        ),
        examples=("%%faas workflow etl", "workflow etl etl.yaml --type EXPRESS"),
    ),
    Verb(
        name="workflow check",
        summary="what is wrong with a definition, line by line; nothing is kept",
        run=check,
        cell=True,
        positionals=(DEFINITION,),
        options=(FILE, TYPE),
        examples=("workflow check etl.yaml",),
    ),
    Verb(name="workflow ls", summary="list the workflows", run=ls, examples=("workflow ls",)),
    Verb(
        name="workflow rm",
        summary="delete workflows; what runs goes on, their history stays",
        run=rm,
        positionals=(Positional(name="names", help="the workflows", rest=True, completes="workflow"),),
        examples=("workflow rm etl",),
    ),
    Verb(
        name="workflow publish",
        summary="publish a workflow as it is now as a version",
        run=publish,
        positionals=(NAME,),
        options=(DESCRIPTION,),
        examples=("workflow publish etl",),
    ),
    Verb(
        name="workflow alias",
        summary="a name for one version, or for two that share the starts",
        run=alias,
        positionals=(
            NAME,
            Positional(name="alias", help="the alias"),
            Positional(name="routes", help="a version, or VERSION=PERCENT twice", rest=True),
        ),
        examples=("workflow alias etl prod 3", "workflow alias etl prod 3=90 4=10"),
    ),
)
