"""The verbs about functions: define, create, update, code, ls, show, rm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.deploy import regular
from faaslab.errors import InvalidValue, NotFound, Unsupported
from faaslab.lab.policies import of_function
from faaslab.lab.runtimes import language
from faaslab.lab.waterfalls import waterfall
from faaslab.model.function import ImageCode
from faaslab.model.quotas import UNZIPPED_BYTES
from faaslab.verbs import payload as payloads
from faaslab.verbs import workflow_runs
from faaslab.verbs.answers import (
    DoneAnswer,
    ExecutionAnswer,
    FunctionCard,
    TableAnswer,
    TextAnswer,
)
from faaslab.verbs.changes import fallen_back
from faaslab.verbs.function_options import (
    CODE,
    CONFIGURATION,
    FILE,
    IMAGE,
    NAME,
    NEW_NAME,
    PUBLISH,
    SOURCE,
    ZIP,
)
from faaslab.verbs.invoking import code_of
from faaslab.verbs.options import Option, Positional, whole_number
from faaslab.verbs.verb import Verb
from faaslab.verbs.versions import leads

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from faaslab.lab import Lab
    from faaslab.lab.definitions import Definition
    from faaslab.model.function import Function
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call


def _configuration(call: Call) -> dict[str, Any]:
    """The options that were given, as keywords of `lab.functions.create` and `update`."""
    values = {option.name: call[option.name] for option in CONFIGURATION}
    given = {name: value for name, value in values.items() if value is not None and value != ()}
    if "environment" in given:
        given["environment"] = dict(given["environment"])
    return given


def _captured(call: Call, face: Face) -> dict[str, Any]:
    return {name: face.names(name) for name in call["capture"]}


def _card(
    lab: Lab, definition: Definition, face: Face, *, given: Collection[str] | None = None
) -> FunctionCard:
    """`given` are the options of a definition that says all; None for one that changes some."""
    for note in definition.notes:
        face.note(note)
    if definition.published is not None:
        face.note(f"published as version {definition.published.version}")
    function, before = definition.function, definition.before
    lost = None if before is None or given is None else fallen_back(before, function, given)
    if lost:
        face.note(lost)
    return FunctionCard(
        function=function,
        change=definition.change,
        enforced=lab.functions.enforced(function),
        before=before,
        events=lab.asynchronous.configs.get(function.name),
    )


def define(lab: Lab, call: Call, face: Face) -> Answer:
    """`%%faas NAME`: the cell is the code."""
    cell = call.cell or ""
    if call.cell is None and not call["source"]:
        raise InvalidValue(
            "define needs a cell",
            hint="write %%faas NAME above a cell, or create NAME with --file or --source code.py",
        )
    if call["durable"]:
        raise Unsupported("durable functions come in a later release", hint="define it without --durable")
    if call["source"] and (cell.strip() or call["save"]):
        raise InvalidValue(
            "the code is in that file, so the cell must be empty",
            place="--source",
            hint="%%load shows it here",
        )
    definition = lab.functions.define(
        call["name"],
        None if call["source"] else cell,
        source=call["source"],
        include=call["include"],
        capture=_captured(call, face),
        publish=call["publish"],
        **_configuration(call),
    )
    if call["save"]:
        path = Path(call["save"]).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cell, "utf-8")
        face.note(f"saved {path}")
    return _card(lab, definition, face, given=_configuration(call))


def create(lab: Lab, call: Call, face: Face) -> Answer:
    """Code from a file, a zip or an image."""
    configuration = _configuration(call)
    code = _code_given(call, configuration)
    if code is None and call["source"] is None:
        raise InvalidValue(
            "create needs code",
            hint="give --file code.py, --source code.py, --zip code.zip or --image image.tar, one of them",
        )
    definition = lab.functions.define(
        call["name"],
        code,
        source=call["source"],
        include=call["include"],
        capture=_captured(call, face),
        publish=call["publish"],
        **configuration,
    )
    return _card(lab, definition, face, given=configuration)


def _code_given(call: Call, configuration: Mapping[str, Any]) -> Any:
    """The code that the options name, in one place at most; None when none does."""
    given = [name for name in ("file", "source", "zip", "image") if call.values.get(name) is not None]
    if len(given) > 1:
        raise InvalidValue(
            "code comes from one place", hint="give one of --file, --source, --zip and --image"
        )
    if call["zip"]:
        return Path(call["zip"]).expanduser()
    if call["image"]:
        return ImageCode(uri=call["image"])
    if not given:
        return None
    path = Path(call[given[0]])
    if path.suffix in (".sh", ".bash") and "runtime" not in configuration and call.verb.name == "create":
        raise InvalidValue(
            f"{path.name!r} is a script, and not Python",
            place="--runtime",
            hint="--runtime provided.al2023 runs it as a bootstrap",
        )
    if (
        path.suffix in (".js", ".mjs", ".cjs")
        and "runtime" not in configuration
        and call.verb.name == "create"
    ):
        raise InvalidValue(
            f"{path.name!r} needs a runtime of Node.js", place="--runtime", hint="such as nodejs22.x"
        )
    return None if call["file"] is None else _source_file(call["file"])


def _source_file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        return regular.read(path, limit=UNZIPPED_BYTES, place="--file").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{name!r} is not UTF-8 at byte {error.start}", place="--file") from None


def update(lab: Lab, call: Call, face: Face) -> Answer:
    """A changed configuration or code, as a new definition."""
    configuration = _configuration(call)
    code = _code_given(call, configuration)
    if not configuration and code is None:
        raise InvalidValue("update needs something to change", hint="see: help update")
    definition = lab.functions.redefine(
        call["name"], code=code, revision_id=call["revision_id"], publish=call["publish"], **configuration
    )
    return _card(lab, definition, face)


def code(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The source of a function."""
    source = lab.functions.code(call["name"], **_which(call))
    function = lab.functions.get(call["name"], **_which(call))
    if isinstance(source, bytes):
        raise Unsupported(
            f"the code of {call['name']!r} is a zip", hint="lab.functions.code(name) gives its bytes"
        )
    return TextAnswer(text=source, language=language(function.runtime))


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """All functions with what the store saw of them."""
    return TableAnswer(
        df=lab.functions.table(),
        empty="no functions yet; define one with %%faas NAME, or: faaslab create NAME --file code.py",
    )


def show(lab: Lab, call: Call, face: Face) -> Answer:
    """The card of a function or a workflow, or an execution of either."""
    what = payloads.named(call["what"], face, place="WHAT")
    function, which = lab.functions.find(what), _which(call)
    if function is None:
        execution = lab.executions.find(what)
        if execution is None:
            found = workflow_runs.shown(lab, what)
            if found is None:
                known = (*lab.functions.names(), *lab.workflows.names())
                raise NotFound("function, workflow or execution", what, known)
            return found
        picture = waterfall(lab, execution).picture
        return ExecutionAnswer(
            execution=execution,
            looked_at=True,
            tail=True,
            svg=picture.svg,
            drawn=picture.text,
            **code_of(lab, execution),
        )
    if which:
        function = lab.functions.get(what, **which)
    source = None
    if call["code"]:
        text = lab.functions.code(what, **which)
        source = text if isinstance(text, str) else None
    events = lab.asynchronous.configs.get(function.name)
    return FunctionCard(
        function=function,
        enforced=lab.functions.enforced(function),
        code=source,
        events=events,
        published=_published(lab, function),
        policy=_policy(lab, function),
        aliases=tuple(f"{each.name} -> {leads(each)}" for each in lab.versions.aliases(what)),
    )


def _policy(lab: Lab, function: Function) -> str | None:
    """Whom its resource policy names: `s3.amazonaws.com (bucket)`; None without one."""
    policy = lab.policies.get(of_function(function.name))
    if policy is None:
        return None
    named = []
    for each in policy.statements:
        who = each.get("Principal", "*")
        words = ", ".join(map(str, who.values())) if isinstance(who, dict) else str(who)
        named.append(f"{words} ({each['Sid']}{'' if each.get('Effect') == 'Allow' else ', denied'})")
    return f"{'; '.join(named)}: kept for AWS, not enforced here"


def _which(call: Call) -> dict[str, Any]:
    """The version or the definition that was asked for, as `lab.functions.get` takes it."""
    given = {name: call[name] for name in ("version", "definition") if call[name] is not None}
    if len(given) > 1:
        raise InvalidValue("is one, and --definition is another: give one of them", place="--version")
    return given


def _published(lab: Lab, function: Function) -> str | None:
    """The version that it is, in words; where it is none, the last one of another definition."""
    versions = lab.versions.list(function.name)
    for each in reversed(versions):
        if each.definition == function.definition:
            return f"version {each.version}"
    return (
        f"version {versions[-1].version}, which is definition {versions[-1].definition}" if versions else None
    )


def rm(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The end of functions; their history stays."""
    known = lab.functions.names()
    for name in call["names"]:
        if name not in known and lab.workflows.find(name) is not None:
            raise NotFound("function", name, hint=f"a workflow is: workflow rm {name}")
        lab.functions.definitions(name)
    for name in call["names"]:
        lab.functions.delete(name)
    names = ", ".join(call["names"])
    return DoneAnswer(
        text=f"deleted {names}; what they did stays in the history", facts={"deleted": list(call["names"])}
    )


_WHICH = (
    Option(
        flags=("--version",), name="version", metavar="N", help="as that version, or alias, was published"
    ),
    Option(
        flags=("--definition",),
        name="definition",
        metavar="N",
        read=whole_number,
        help="as it was defined by that number",
    ),
)
VERBS: tuple[Verb, ...] = (
    Verb(
        name="define",
        summary="define a function from the cell below (%%faas NAME)",
        run=define,
        cell=True,
        positionals=(NEW_NAME,),
        options=(
            *CONFIGURATION,
            *CODE,
            Option(
                flags=("--save",),
                name="save",
                metavar="PATH",
                completes="file",
                help="also write the cell to this file",
            ),
            SOURCE,
            PUBLISH,
            Option(flags=("--durable",), name="durable", help="a durable function (a later release)"),
        ),
        examples=('%%faas score --memory 512 --timeout 10 --requires "pandas>=3" --env STAGE=dev',),
    ),
    Verb(
        name="create",
        summary="create a function from a source file, a zip or a container image",
        run=create,
        positionals=(NEW_NAME,),
        options=(
            FILE,
            SOURCE,
            ZIP,
            IMAGE,
            *CONFIGURATION,
            *CODE,
            PUBLISH,
        ),
        examples=(
            "create score --file score.py --memory 512",
            "create score --source src/score.py",
            "create api --zip api.zip --handler app.handler --runtime python3.13",
            "create fast --zip go.zip --runtime provided.al2023",
        ),
    ),
    Verb(
        name="update",
        summary="change a function's configuration or code: a new definition",
        run=update,
        positionals=(NAME,),
        options=(
            FILE,
            ZIP,
            IMAGE,
            *CONFIGURATION,
            PUBLISH,
            Option(
                flags=("--revision",),
                name="revision_id",
                metavar="ID",
                help="only if this is the function's revision",
            ),
        ),
        examples=("update score --memory 1024 --publish",),
    ),
    Verb(
        name="code",
        summary="print a function's source",
        run=code,
        positionals=(NAME,),
        options=_WHICH,
        examples=("code score",),
    ),
    Verb(name="ls", summary="list the functions", run=ls, examples=("ls",)),
    Verb(
        name="show",
        summary="the card of a function or a workflow, or an execution of either",
        run=show,
        positionals=(
            Positional(
                name="what",
                help="the name of a function or a workflow, or an execution's name or id",
                completes="function",
            ),
        ),
        options=(Option(flags=("--code",), name="code", help="with the source"), *_WHICH),
        examples=("show score", "show score --definition 3", "show etl"),
    ),
    Verb(
        name="rm",
        summary="delete functions; their history stays",
        run=rm,
        positionals=(Positional(name="names", help="the functions", rest=True, completes="function"),),
        examples=("rm score",),
    ),
)
