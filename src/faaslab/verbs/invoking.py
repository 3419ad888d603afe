"""The verbs that run functions: invoke, map, retry."""

from __future__ import annotations

import codecs
from collections import Counter
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound, Unsupported
from faaslab.lab.queued import Queued
from faaslab.verbs import payload as payloads
from faaslab.verbs.answers import ExecutionAnswer, MapAnswer, SubmittedAnswer
from faaslab.verbs.debugging import ATTACH, DEBUG, debugger_of, listening_at
from faaslab.verbs.function_options import NAME, PARALLEL, PAYLOAD, QUALIFIER
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_REASON = 100
_WAYS = {"--debug": "debug", "--attach": "attach", "--async": "async_", "--stream": "stream"}


def invoke(lab: Lab, call: Call, face: Face) -> Answer:
    """One invocation."""
    _one_way(call)
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
    if lab.keeps_secrets_from_home(call["name"]):
        face.note(
            f"{call['name']} has secrets, whose values are this shell's own: it ran here and started cold, "
            "not at the store's home"
        )
    return ExecutionAnswer(
        execution=execution, tail=call["tail"], streamed=call["stream"], **code_of(lab, execution)
    )


def _one_way(call: Call) -> None:
    """Each of them is another way to run it, so one at most may be given."""
    given = [flag for flag, name in _WAYS.items() if call[name] is not None and call[name] is not False]
    if len(given) > 1:
        raise InvalidValue(f"does not go with {given[0]}", place=given[1], hint="leave one of them out")


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
    fields["qualifier"] = call["qualifier"]
    if call["attach"] is not None:
        if not face.attended():
            raise Unsupported(
                "nobody sits here who could attach a debugger, and it would wait for ever",
                place="--attach",
                hint="attach where you run the cell yourself, or from a shell",
            )
        listening, port = listening_at(face), call["attach"]
        execution = lab.functions.attach(call["name"], value, listening=listening, port=port, **fields)
    else:
        debugger = debugger_of(face)
        fields["breakpoints"] = debugger is not None
        execution = lab.functions.debug(call["name"], value, debugger=debugger, **fields)
    return ExecutionAnswer(execution=execution, tail=call["tail"], **code_of(lab, execution))


def code_of(lab: Lab, execution: Any) -> dict[str, Any]:
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
            call["name"],
            values,
            n=call["n"],
            progress=bar.advance,
            tell=bar.tell,
            qualifier=call["qualifier"],
        )
    return _mapped(result, face)


def _mapped(result: Any, face: Face) -> MapAnswer:
    if result.interrupted:
        face.note(f"interrupted: {_what_is_done(result)}")
    if result.failed:
        face.note(
            f"{result.failed} failed{_commonest(result)}; run them again: retry {result.batch_id} --failed"
        )
    return MapAnswer(result=result)


def _what_is_done(result: Any) -> str:
    """Of an interrupted map: what has an answer, what was ended, and what never began."""
    done, not_begun = len(result.executions) - result.cancelled, result.total - len(result.executions)
    told = [f"{done} of {result.total} {'is' if done == 1 else 'are'} done and recorded"]
    if result.cancelled:
        told.append(f"{result.cancelled} {'was' if result.cancelled == 1 else 'were'} ended (cancelled)")
    if not_begun and result.cancelled:
        told.append(f"{not_begun} {'was' if not_begun == 1 else 'were'} not begun")
    return ", ".join(told)


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
        result = lab.functions.retry(
            mapped, failed=not call["all"], n=call["n"], progress=bar.advance, tell=bar.tell
        )
    return _mapped(result, face)


VERBS: tuple[Verb, ...] = (
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
)
