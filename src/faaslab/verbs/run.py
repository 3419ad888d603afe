"""Carrying a call out: the verb's own function, with errors that name the option that was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.errors import RequestError, Unsupported

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

BACKENDS = ("local",)


def run(lab: Lab | None, call: Call, face: Face) -> Answer:
    """The answer to a call. `lab` may be None for a verb that needs none (`help`)."""
    if call.backend is not None and call.backend not in BACKENDS:
        raise Unsupported(
            f"this release does not have the backend {call.backend!r}", place="--backend", hint="use local"
        )
    try:
        return call.verb.run(lab, call, face)  # type: ignore[arg-type]
    except RequestError as error:
        flags = {word.name: word.name.upper() for word in call.verb.positionals}
        flags |= {option.name: option.flag for option in call.verb.options}
        if error.place in flags:
            error.place = flags[error.place]
        raise
