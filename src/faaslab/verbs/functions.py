"""The verbs about functions: define, create, update, code, invoke, map, retry, ls, show, rm."""

from __future__ import annotations

import codecs
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound, Unsupported
from faaslab.lab.queued import Queued
from faaslab.lab.runtimes import language
from faaslab.model.function import ImageCode
from faaslab.verbs import payload as payloads
from faaslab.verbs.answers import (
    DoneAnswer,
    ExecutionAnswer,
    FunctionCard,
    MapAnswer,
    SubmittedAnswer,
    TableAnswer,
    TextAnswer,
)
from faaslab.verbs.debugging import ATTACH, DEBUG, debugger_of, listening_at
from faaslab.verbs.function_options import (
    CODE,
    CONFIGURATION,
    FILE,
    IMAGE,
    NAME,
    NEW_NAME,
    PARALLEL,
    PAYLOAD,
    QUALIFIER,
    SOURCE,
    ZIP,
)
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb
from faaslab.verbs.versions import leads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_REASON = 100


def _configuration(call: Call) -> dict[str, Any]:
    """The options that were given, as keywords of `lab.functions.create` and `update`."""
    values = {option.name: call[option.name] for option in CONFIGURATION}
    given = {name: value for name, value in values.items() if value is not None and value != ()}
    if "environment" in given:
        given["environment"] = dict(given["environment"])
    return given


def _captured(call: Call, face: Face) -> dict[str, Any]:
    return {name: face.names(name) for name in call["capture"]}


def _card(lab: Lab, definition: Any, face: Face) -> FunctionCard:
    for note in definition.notes:
        face.note(note)
    function = definition.function
    return FunctionCard(
        function=function,
        change=definition.change,
        enforced=lab.functions.enforced(),
        events=lab.asynchronous.configs.get(function.name),
    )


def define(lab: Lab, call: Call, face: Face) -> Answer:
    """`%%faas NAME`: the cell is the code."""
    if call.cell is None:
        raise InvalidValue(
            "define needs a cell", hint="write %%faas NAME above a cell, or create NAME --file code.py"
        )
    if call["durable"]:
        raise Unsupported("durable functions come in a later release", hint="define it without --durable")
    if call["source"] and (call.cell.strip() or call["save"]):
        raise InvalidValue(
            "the code is in that file, so the cell must be empty",
            place="--source",
            hint="%%load shows it here",
        )
    definition = lab.functions.define(
        call["name"],
        None if call["source"] else call.cell,
        source=call["source"],
        include=call["include"],
        capture=_captured(call, face),
        **_configuration(call),
    )
    if call["save"]:
        path = Path(call["save"]).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(call.cell, "utf-8")
        face.note(f"saved {path}")
    return _card(lab, definition, face)


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
        **configuration,
    )
    return _card(lab, definition, face)


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
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InvalidValue(f"cannot read {name!r}: {error.strerror or error}", place="--file") from None
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{name!r} is not UTF-8 at byte {error.start}", place="--file") from None


def update(lab: Lab, call: Call, face: Face) -> Answer:
    """A changed configuration or code, as a new version."""
    configuration = _configuration(call)
    code = _code_given(call, configuration)
    if not configuration and code is None:
        raise InvalidValue("update needs something to change", hint="see: help update")
    definition = lab.functions.redefine(
        call["name"], code=code, revision_id=call["revision_id"], publish=call["publish"], **configuration
    )
    if call["publish"]:
        face.note(f"version {definition.function.version} is published")
    return _card(lab, definition, face)


def code(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The source of a function."""
    source = lab.functions.code(call["name"], version=call["version"])
    function = lab.functions.get(call["name"], version=call["version"])
    if isinstance(source, bytes):
        raise Unsupported(
            f"the code of {call['name']!r} is a zip", hint="lab.functions.code(name) gives its bytes"
        )
    return TextAnswer(text=source, language=language(function.runtime))


def invoke(lab: Lab, call: Call, face: Face) -> Answer:
    """One invocation."""
    value = payloads.payload(call["payload"], face)
    fields = {name: call[name] for name in ("tenant_id", "client_context") if call[name] is not None}
    if call["debug"] or call["attach"] is not None:
        return _debugged(lab, call, face, value, fields)
    if call["async_"]:
        future = lab.functions.submit(
            call["name"], value, qualifier=call["qualifier"], invocation_type="Event", **fields
        )
        assert isinstance(future, Queued)
        return SubmittedAnswer(function=call["name"], future=future)
    if call["stream"]:
        stream = lab.functions.stream(call["name"], value, qualifier=call["qualifier"], **fields)
        execution = _streamed(stream, call, face)
    else:
        execution = lab.functions.invoke(call["name"], value, qualifier=call["qualifier"], **fields)
    return ExecutionAnswer(
        execution=execution, tail=call["tail"], streamed=call["stream"], **_code_of(lab, execution)
    )


def _streamed(stream: Any, call: Call, face: Face) -> Any:
    """Print the pieces as they come, unless a document is wanted."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    for piece in stream:
        if not call.json:
            face.emit(decoder.decode(piece), end="")
    if not call.json:
        face.emit(decoder.decode(b"", final=True))
    return stream.execution


def _debugged(lab: Lab, call: Call, face: Face, value: Any, fields: dict[str, Any]) -> Answer:
    if call["async_"] or call["stream"]:
        place = "--async" if call["async_"] else "--stream"
        raise InvalidValue("does not go with a debugger", place=place, hint="leave it out")
    if call["debug"] and call["attach"] is not None:
        raise InvalidValue("is another way than --debug", place="--attach", hint="leave one of them out")
    fields["qualifier"] = call["qualifier"]
    if call["attach"] is not None:
        listening, port = listening_at(face), call["attach"]
        execution = lab.functions.attach(call["name"], value, listening=listening, port=port, **fields)
    else:
        debugger = debugger_of(face)
        fields["breakpoints"] = debugger is not None
        execution = lab.functions.debug(call["name"], value, debugger=debugger, **fields)
    return ExecutionAnswer(execution=execution, tail=call["tail"], **_code_of(lab, execution))


def _code_of(lab: Lab, execution: Any) -> dict[str, Any]:
    """The source a failure's frames point into; nothing for what went well or came from a zip."""
    if execution.ok:
        return {}
    source = lab.functions.source_of(execution)
    return {} if source is None else {"code": source.source, "filename": source.filename}


def map_(lab: Lab, call: Call, face: Face) -> Answer:
    """One invocation for each input."""
    values = payloads.inputs(call["input"], face)
    with face.progress(len(values) if hasattr(values, "__len__") else None, f"map {call['name']}") as bar:
        result = lab.functions.map(
            call["name"], values, n=call["n"], progress=bar.advance, qualifier=call["qualifier"]
        )
    return _mapped(result, face)


def _mapped(result: Any, face: Face) -> MapAnswer:
    if result.interrupted:
        face.note(f"interrupted: {len(result.executions)} of {result.total} are done and recorded")
    if result.failed:
        face.note(
            f"{result.failed} failed{_commonest(result)}; run them again: retry {result.batch_id} --failed"
        )
    return MapAnswer(result=result)


def _commonest(result: Any) -> str:
    """Why most of them failed, in a few words."""
    counted = Counter(
        " ".join((f"{error.type}: {error.message}" if error.type else error.message).split())
        for error in (execution.error for execution in result.executions)
        if error is not None
    )
    if not counted:
        return ""
    reason, times = counted.most_common(1)[0]
    short = reason if len(reason) <= _REASON else f"{reason[: _REASON - 1]}…"
    return f" ({short})" if times == result.failed else f" ({times}: {short})"


def retry(lab: Lab, call: Call, face: Face) -> Answer:
    """The failed rows of a map once more, or all of them."""
    try:
        mapped: Any = face.names(call["map"]) if call["map"].isidentifier() else call["map"]
    except NotFound:
        mapped = call["map"]
    with face.progress(None, "retry") as bar:
        result = lab.functions.retry(mapped, failed=not call["all"], n=call["n"], progress=bar.advance)
    return _mapped(result, face)


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """All functions with what the store saw of them."""
    return TableAnswer(
        df=lab.functions.table(),
        empty="no functions yet; define one with %%faas NAME, or: faaslab create NAME --file code.py",
    )


def show(lab: Lab, call: Call, face: Face) -> Answer:
    """A function's card, or an execution."""
    what = payloads.named(call["what"], face, place="WHAT")
    function = lab.functions.find(what)
    if function is None:
        execution = lab.executions.find(what)
        if execution is None:
            raise NotFound("function or execution", what, lab.functions.names())
        return ExecutionAnswer(execution=execution, looked_at=True, tail=True, **_code_of(lab, execution))
    source = None
    if call["code"]:
        text = lab.functions.code(what)
        source = text if isinstance(text, str) else None
    events = lab.asynchronous.configs.get(function.name)
    return FunctionCard(
        function=function,
        enforced=lab.functions.enforced(),
        code=source,
        events=events,
        aliases=tuple(f"{each.name} -> {leads(each)}" for each in lab.versions.aliases(what)),
    )


def rm(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The end of functions; their history stays."""
    for name in call["names"]:
        lab.functions.versions(name)
    for name in call["names"]:
        lab.functions.delete(name)
    names = ", ".join(call["names"])
    return DoneAnswer(
        text=f"deleted {names}; what they did stays in the history", facts={"deleted": list(call["names"])}
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
        summary="change a function's configuration or code: a new version",
        run=update,
        positionals=(NAME,),
        options=(
            FILE,
            ZIP,
            IMAGE,
            *CONFIGURATION,
            Option(flags=("--publish",), name="publish", help="publish it as well"),
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
        options=(Option(flags=("--version",), name="version", metavar="N", help="that version's"),),
        examples=("code score",),
    ),
    Verb(
        name="invoke",
        summary="run a function once, for real",
        run=invoke,
        positionals=(NAME,),
        options=(
            PAYLOAD,
            QUALIFIER,
            Option(
                flags=("--async",),
                name="async_",
                help="as an event: queued, run again if it fails; a shell waits for its first run",
            ),
            Option(flags=("--stream",), name="stream", help="print the response while it comes"),
            Option(flags=("--tail",), name="tail", help="show all of its log"),
            Option(
                flags=("--tenant-id",),
                name="tenant_id",
                metavar="ID",
                help="whose invocation it is, for a function with --tenancy PER_TENANT",
            ),
            Option(
                flags=("--client-context",),
                name="client_context",
                metavar="JSON",
                help="the client context, a JSON object",
            ),
            DEBUG,
            ATTACH,
        ),
        examples=(
            "invoke score -p '{\"x\": 4}'",
            "invoke score -p {event} -o r",
            "invoke score -p @event.json --tail",
        ),
    ),
    Verb(
        name="map",
        summary="run a function once for each input",
        run=map_,
        positionals=(
            NAME,
            Positional(
                name="input",
                help="a DataFrame, a list, range(N), a JSON or JSON Lines file, or -",
                completes="variable",
            ),
        ),
        options=(PARALLEL, QUALIFIER),
        examples=("map score df -n 8 -o scored", "map score events.jsonl"),
    ),
    Verb(
        name="retry",
        summary="run the failed rows of a map again",
        run=retry,
        positionals=(
            Positional(
                name="map", help="the DataFrame of a map, or the batch that it named", completes="variable"
            ),
        ),
        options=(
            Option(flags=("--failed",), name="failed", help="the failed ones (that is what it does anyway)"),
            Option(flags=("--all",), name="all", help="all of them"),
            PARALLEL,
        ),
        examples=("retry scored --failed",),
    ),
    Verb(name="ls", summary="list the functions", run=ls, examples=("ls",)),
    Verb(
        name="show",
        summary="a function's card, or an execution with its log",
        run=show,
        positionals=(
            Positional(name="what", help="a function's name or an execution's id", completes="function"),
        ),
        options=(Option(flags=("--code",), name="code", help="with the source"),),
        examples=("show score",),
    ),
    Verb(
        name="rm",
        summary="delete functions; their history stays",
        run=rm,
        positionals=(Positional(name="names", help="the functions", rest=True, completes="function"),),
        examples=("rm score",),
    ),
)
