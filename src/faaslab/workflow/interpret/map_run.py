"""A distributed Map: children that are executions of their own, and when their failures fail the run.

Rule: the interpreter knows of each child only what its end said; items are read and results
written by others.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.effects import (
    ChildEnded,
    Failed,
    MapRunChanged,
    ReadItems,
    StartChild,
    WriteResults,
)
from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret import fields, inline, settings, tally
from faaslab.workflow.interpret.course import EVENTS_A_STEP, NOTHING, Course, Trial, runtime
from faaslab.workflow.interpret.frame import AWAIT, GIVE_WAY, Frame, MapRun
from faaslab.workflow.interpret.payload import text_of
from faaslab.workflow.interpret.retries import TIMEOUT
from faaslab.workflow.items import writing
from faaslab.workflow.items.batching import batched
from faaslab.workflow.items.item import Item, from_source, source_of, taken
from faaslab.workflow.query import jsonata, template

if TYPE_CHECKING:
    from faaslab.workflow.interpret.plan import StatePlan

MOST_AT_A_TIME = 10_000
CHILDREN_A_STEP = 200
"""So many children are started in one step; others have their turn before the next ones."""
THRESHOLD = "States.ExceedToleratedFailureThreshold"
THRESHOLD_CAUSE = "The specified tolerated failure threshold was exceeded"
READER_FAILED = "States.ItemReaderFailed"


def is_distributed(state: StatePlan) -> bool:
    """Whether a Map's iterations are executions of their own."""
    processor = state.body.get("ItemProcessor", state.body.get("Iterator"))
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    return isinstance(config, Mapping) and config.get("Mode") == "DISTRIBUTED"


def run(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Any]:
    """Run a child for every item or batch; the output of the state's work."""
    value = fields.effective_input(course, frame, state)
    if course.trial is not None and course.trial.is_mocked:
        return _mocked(course, frame, state, value, course.trial)
    resumed = frame.map_run if frame.resumed else None
    if resumed is not None:
        the_run = resumed
        the_run.redriven += 1
        course.follow(frame, "MapRunRedriven", {"mapRunArn": the_run.arn, "redriveCount": the_run.redriven})
    else:
        the_run = yield from _begun(course, frame, state, value)
    frame.resumed = False
    try:
        try:
            yield from _children(course, frame, state, the_run)
        finally:
            course.unqueue(frame)
        output = yield from _output(course, frame, state, the_run, value)
    except StateFailure as failure:
        tally.stop(course, the_run)
        details = {"error": failure.error, "cause": failure.cause}
        course.follow(frame, "MapRunFailed", {k: v for k, v in details.items() if v is not None})
        tally.tell(course, the_run, state.name, "FAILED")
        raise
    course.follow(frame, "MapRunSucceeded")
    tally.tell(course, the_run, state.name, "SUCCEEDED")
    course.note("MapStateSucceeded", frame.previous, NOTHING, state.name)
    return output


def _mocked(course: Course, frame: Frame, state: StatePlan, value: Any, trial: Trial) -> Any:
    """A map run that is not run: its fields are evaluated, and so many iterations are said to have failed."""
    if "ItemReader" not in state.body:
        found = inline.items(course, frame, state, value, objects=True)
    else:
        source = source_of(_reader(course, frame, state, value))
        found = from_source(trial.items, source)
        if "ItemsPointer" in state.body["ItemReader"].get("ReaderConfig", {}):
            course.inspected("afterItemsPointer", [item.given for item in found])
    inputs = inline.tried(course, frame, state, found, value)
    batcher = state.body.get("ItemBatcher")
    if batcher is not None:
        course.inspected("afterItemBatcher", batched(inputs, _batcher(course, frame, state, batcher, value)))
    _, count, share = _held_to(course, frame, state, value)
    failed = trial.failures or 0
    given = trial.result if isinstance(trial.result, list) else ()
    if (count is not None and failed > count) or (share is not None and failed * 100 > share * len(given)):
        raise StateFailure(THRESHOLD, THRESHOLD_CAUSE)
    return trial.answer()


def _held_to(
    course: Course, frame: Frame, state: StatePlan, value: Any
) -> tuple[int, float | None, float | None]:
    """How many children at a time, how many failures and what percentage of them are tolerated."""
    scope = course.scope(frame, value)
    most = settings.concurrency(course, state, scope, MOST_AT_A_TIME)
    count = settings.number(state, "ToleratedFailureCount", scope)
    if count is not None and count < 0:
        raise runtime("ToleratedFailureCount cannot be negative.")
    share = settings.number(state, "ToleratedFailurePercentage", scope, whole=False)
    if share is not None and not 0 <= share <= 100:
        raise runtime("ToleratedFailurePercentage must be between 0 and 100.")
    if count is not None:
        course.inspected("toleratedFailureCount", int(count))
    if share is not None:
        course.inspected("toleratedFailurePercentage", float(share))
    return most, count, share


def _begun(course: Course, frame: Frame, state: StatePlan, value: Any) -> Generator[str, Any, MapRun]:
    body = state.body
    reader = body.get("ItemReader")
    found = inline.items(course, frame, state, value, objects=True) if reader is None else []
    course.follow(frame, "MapStateStarted", {"length": len(found)})
    most, count, share = _held_to(course, frame, state, value)
    label = str(body.get("Label") or course.uuid())
    machine = course.arn.split(":")[6] if course.arn.count(":") >= 6 else "machine"
    prefix = ":".join(course.arn.split(":")[:5])
    the_run = MapRun(
        f"{prefix}:mapRun:{machine}/{label}:{course.uuid()}",
        label,
        [],
        [],
        [],
        [],
        most,
        int(count or 0),
        float(share or 0),
        count is not None,
        share is not None,
        [],
    )
    frame.map_run = the_run
    course.follow(frame, "MapRunStarted", {"mapRunArn": the_run.arn})
    try:
        if reader is not None:
            found = yield from _read(course, frame, state, value)
        _prepare(course, frame, state, the_run=the_run, found=found, value=value)
    except StateFailure as failure:
        details = {"error": failure.error, "cause": failure.cause}
        if failure.location is None and not failure.framed:
            course.follow(frame, "MapRunFailed", {k: v for k, v in details.items() if v is not None})
        tally.tell(course, the_run, state.name, "FAILED")
        frame.map_run = None
        raise
    return the_run


def _reader(course: Course, frame: Frame, state: StatePlan, value: Any) -> Mapping[str, Any]:
    """The ItemReader with all that is evaluated in it."""
    scope = course.scope(frame, value)
    if state.jsonata:
        rendered: Mapping[str, Any] = jsonata.rendered(state.body["ItemReader"], scope, "ItemReader")
        return rendered
    reader = dict(state.body["ItemReader"])
    if "Parameters" in reader:
        reader["Parameters"] = template.rendered(reader["Parameters"], scope, "Parameters")
    config = dict(reader.get("ReaderConfig", {}))
    path = config.pop("MaxItemsPath", None)
    if path is not None:
        config["MaxItems"] = fields.referred(path, scope, "MaxItemsPath")
    if "ReaderConfig" in reader:
        reader["ReaderConfig"] = config
    return reader


def _read(course: Course, frame: Frame, state: StatePlan, value: Any) -> Generator[str, Any, list[Item]]:
    reader = _reader(course, frame, state, value)
    key = course.key("read")
    course.want(frame, ReadItems(key, reader))
    signal = yield AWAIT
    course.answered(key)
    if isinstance(signal, Failed):
        raise StateFailure(signal.error or READER_FAILED, signal.cause)
    found = taken(signal.output, source_of(reader))
    if found is None:
        raise StateFailure(READER_FAILED, "Attempting to map over non-iterable node.")
    return found


def _prepare(
    course: Course, frame: Frame, state: StatePlan, *, the_run: MapRun, found: list[Item], value: Any
) -> None:
    inputs = inline.inputs(course, frame, state, found, value)
    batcher = state.body.get("ItemBatcher")
    if batcher is None:
        the_run.inputs = inputs
        the_run.items_in = [1] * len(inputs)
        the_run.contexts = [{"Map": item.context(index)} for index, item in enumerate(found)]
    else:
        made = batched(inputs, _batcher(course, frame, state, batcher, value))
        the_run.inputs = made
        the_run.items_in = [len(batch["Items"]) for batch in made]
        the_run.contexts = [{"Map": {"Item": {"Index": index}}} for index in range(len(made))]
    the_run.results = [None] * len(the_run.inputs)
    the_run.names = [course.uuid() for _ in the_run.inputs]


def _batcher(
    course: Course, frame: Frame, state: StatePlan, batcher: Mapping[str, Any], value: Any
) -> Mapping[str, Any]:
    scope = course.scope(frame, value)
    if state.jsonata:
        made: Mapping[str, Any] = jsonata.rendered(batcher, scope, "ItemBatcher")
        return made
    plain = dict(batcher)
    if "BatchInput" in plain:
        plain["BatchInput"] = template.rendered(plain["BatchInput"], scope, "BatchInput")
    for field in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
        path = plain.pop(f"{field}Path", None)
        if path is not None:
            plain[field] = fields.referred(path, scope, f"{field}Path")
    return plain


# -- the children


def _children(course: Course, frame: Frame, state: StatePlan, the_run: MapRun) -> Generator[str, Any, None]:
    processor = state.body.get("ItemProcessor", state.body.get("Iterator"))
    kind = processor["ProcessorConfig"].get("ExecutionType", "STANDARD")
    if state.language_of_inner and "QueryLanguage" not in processor:
        processor = {**processor, "QueryLanguage": "JSONata"}
    waiting = tally.begin(the_run)
    if kind == "EXPRESS" and the_run.redriven:  # nothing of those goes on: others are started
        for index in waiting:
            the_run.names[index] = course.uuid()
    waiting.reverse()
    course.await_again(frame, the_run.arn)
    promised = False
    while waiting or the_run.keys:
        more = not promised and _start(
            course, frame, the_run, waiting=waiting, processor=processor, kind=kind
        )
        promised = promised or more
        # Only now: those that were just started are among those that run.
        tally.tell(course, the_run, state.name, "RUNNING")
        signal = yield GIVE_WAY if more else AWAIT
        if signal is None:
            promised = False
        elif isinstance(signal, MapRunChanged):
            course.await_again(frame, the_run.arn)
            _change(the_run, signal)
        elif isinstance(signal, ChildEnded) and signal.key in the_run.keys:
            index = the_run.keys.pop(signal.key)
            course.answered(signal.key)
            the_run.results[index] = _entry(the_run, index, signal)
            tally.move(the_run, index, "running", tally.PLACES.get(signal.status, "aborted"))
        if _too_many(the_run):
            raise StateFailure(THRESHOLD, THRESHOLD_CAUSE)


def _start(
    course: Course,
    frame: Frame,
    the_run: MapRun,
    *,
    waiting: list[int],
    processor: Mapping[str, Any],
    kind: Literal["STANDARD", "EXPRESS"],
) -> bool:
    """Start those that wait, from the end of `waiting` on; whether more may be, at another turn."""
    while waiting and len(the_run.keys) < the_run.max_concurrency:
        if course.room <= 0:
            return True
        course.room -= EVENTS_A_STEP // CHILDREN_A_STEP
        index = waiting.pop()
        key = course.key("child")
        the_run.keys[key] = index
        tally.move(the_run, index, "pending", "running")
        course.want(
            frame,
            StartChild(
                key,
                the_run.names[index],
                the_run.arn,
                processor,
                the_run.inputs[index],
                kind,
                the_run.contexts[index],
                0 if kind == "EXPRESS" else the_run.redriven,
            ),
        )
    return False


def _entry(the_run: MapRun, index: int, signal: ChildEnded) -> Mapping[str, Any]:
    entry: dict[str, Any] = {"Name": the_run.names[index], "Status": signal.status}
    if signal.status == "SUCCEEDED":
        entry["Output"] = signal.output
    else:
        error = signal.error or (TIMEOUT if signal.status == "TIMED_OUT" else None)
        if error is not None:
            entry["Error"] = error
        if signal.cause is not None:
            entry["Cause"] = signal.cause
    if signal.started is not None:
        entry["StartDate"] = signal.started
    if signal.stopped is not None:
        entry["StopDate"] = signal.stopped
    return entry


def _told(the_run: MapRun) -> tuple[Mapping[str, Any], ...]:
    """The results with their payloads as texts, as ListExecutions and DescribeExecution tell them."""
    told = []
    for value, result in zip(the_run.inputs, the_run.results, strict=True):
        if result is not None:
            entry = {**result, "Input": text_of(value)}
            if "Output" in entry:
                entry["Output"] = text_of(entry["Output"])
            told.append(entry)
    return tuple(told)


def _change(the_run: MapRun, signal: MapRunChanged) -> None:
    if signal.max_concurrency is not None:
        the_run.max_concurrency = signal.max_concurrency or MOST_AT_A_TIME
    if signal.tolerated_count is not None:
        the_run.tolerated_count, the_run.count_given = signal.tolerated_count, True
    if signal.tolerated_percentage is not None:
        the_run.tolerated_percentage, the_run.percentage_given = signal.tolerated_percentage, True


def _too_many(the_run: MapRun) -> bool:
    """Whether failures exceed what is tolerated; with both a count and a share given, either may be."""
    failed = sum(the_run.items[place] for place in ("failed", "timedOut", "aborted"))
    if not failed:
        return False
    over_count = failed > the_run.tolerated_count
    over_share = failed * 100 > the_run.tolerated_percentage * sum(the_run.items_in)
    if the_run.count_given and the_run.percentage_given:
        return over_count or over_share
    return over_share if the_run.percentage_given else over_count


# -- what comes of it


def _output(
    course: Course, frame: Frame, state: StatePlan, the_run: MapRun, value: Any
) -> Generator[str, Any, Any]:
    outputs = [
        result["Output"]
        for result in the_run.results
        if result is not None and result["Status"] == "SUCCEEDED"
    ]
    writer = state.body.get("ResultWriter")
    if not writer:
        return outputs
    scope = course.scope(frame, value)
    if state.jsonata:
        made = jsonata.rendered(writer, scope, "ResultWriter")
    else:
        made = dict(writer)
        if "Parameters" in made:
            made["Parameters"] = template.rendered(made["Parameters"], scope, "Parameters")
    if "Resource" not in made:
        return writing.transformed(_told(the_run), made.get("WriterConfig") or {}, the_run.arn)
    key = course.key("write")
    course.want(frame, WriteResults(key, made, the_run.arn, _told(the_run)))
    signal = yield AWAIT
    course.answered(key)
    if isinstance(signal, Failed):
        raise StateFailure(signal.error or "States.ResultWriterFailed", signal.cause)
    return {"MapRunArn": the_run.arn, "ResultWriterDetails": signal.output}
