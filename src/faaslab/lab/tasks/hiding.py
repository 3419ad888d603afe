"""Signals that bring values of secrets into an execution, and such signals for showing. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faaslab.lab.secrets import secret_texts
from faaslab.lab.tasks import values
from faaslab.model.masking import mask_of
from faaslab.model.whole_texts import marked, without_marked
from faaslab.model.workflow import hiding as hidden
from faaslab.workflow.effects import Failed, Telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab.secrets import Known
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.store import Capture
    from faaslab.workflow.effects import Signal

_OWN = ("Payload", "Input")


def beginning(
    execution: WorkflowExecution, known: Known, capture: Capture, hide: Sequence[str]
) -> WorkflowExecution:
    """The execution with what is to be hidden of its input; `hide`: the secrets in it, if known."""
    execution = hidden(execution, (*hide, *known.found_in(execution.input)))
    if not capture.redact:
        return execution
    return hidden(execution, redacted_in(capture, values.parsed(execution.input)))


def hiding(signal: Signal, known: Known, capture: Capture) -> Signal:
    """The signal with what is to be hidden of it: a function that answers by itself may tell its secrets."""
    if known and isinstance(signal, Telling) and (found := known.found_in(_text(signal))):
        signal = dataclasses.replace(signal, hide=tuple(dict.fromkeys((*signal.hide, *found))))
    return redacting(signal, capture, None)


def redacted_in(capture: Capture, *documents: Any) -> tuple[str, ...]:
    """The texts that the setting `redact` points at in JSON values that a state is given or gives, marked.

    What is a document of its own within an integration's (a payload, an input) is looked at as that, as the
    function or the execution which has it does. Numbers are hidden at their own place alone.
    """
    if not capture.redact:
        return ()
    found: dict[str, None] = {}
    for document in documents:
        inner = [document.get(name) for name in _OWN] if isinstance(document, Mapping) else ()
        for each in (document, *inner):
            for value in capture.pointed(each):
                texts = secret_texts(_without_numbers(value), telling=True)
                found |= dict.fromkeys(marked(text) for text in texts)
    return tuple(found)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_numbers(each) for each in value]
    return value if isinstance(value, str) else None


def redacting(signal: Signal, capture: Capture, given: Any) -> Signal:
    """The signal with what `redact` hides of it: what was `given` may be quoted, or come back."""
    if not capture.redact or not isinstance(signal, Telling):
        return signal
    found = redacted_in(capture, given, None if isinstance(signal, Failed) else signal.output)
    new = tuple(value for value in found if value not in signal.hide)
    return dataclasses.replace(signal, hide=signal.hide + new) if new else signal


def shown(signal: Signal) -> Signal:
    """The signal for who asked for it, which does not go on: without the values of secrets.

    What `redact` hides in what is kept stands in its output, and not in why it failed.
    """
    if not isinstance(signal, Telling) or not signal.hide:
        return signal
    if isinstance(signal, Failed):
        cause = None if signal.cause is None else mask_of(signal.hide).prose(signal.cause)
        return dataclasses.replace(signal, cause=cause, hide=())
    mask = mask_of(without_marked(signal.hide))
    return dataclasses.replace(signal, output=json.loads(mask.json_text(values.text(signal.output))), hide=())


def _text(signal: Telling) -> str:
    if isinstance(signal, Failed):
        return f"{signal.error} {signal.cause}"
    return values.text(signal.output)
