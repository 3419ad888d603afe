"""Signals that bring values of secrets into an execution, and such signals for showing. Pure."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from faaslab.lab.tasks import values
from faaslab.model.masking import mask_of
from faaslab.workflow.effects import Failed, Telling

if TYPE_CHECKING:
    from faaslab.lab.secrets import Known
    from faaslab.workflow.effects import Signal


def hiding(signal: Signal, known: Known) -> Signal:
    """The signal with what is to be hidden of it: a function that answers by itself may tell its secrets."""
    if not known or not isinstance(signal, Telling):
        return signal
    found = known.found_in(_text(signal))
    return dataclasses.replace(signal, hide=found) if found else signal


def shown(signal: Signal) -> Signal:
    """The signal without the values of secrets, for what is shown and does not go on."""
    if not isinstance(signal, Telling) or not signal.hide:
        return signal
    mask = mask_of(signal.hide)
    if isinstance(signal, Failed):
        cause = None if signal.cause is None else mask.text(signal.cause)
        return dataclasses.replace(signal, cause=cause, hide=())
    return dataclasses.replace(signal, output=json.loads(mask.text(values.text(signal.output))), hide=())


def _text(signal: Telling) -> str:
    if isinstance(signal, Failed):
        return f"{signal.error} {signal.cause}"
    return values.text(signal.output)
