"""The verbs about layers: layer publish, layer ls, layer rm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.verbs.answers import DoneAnswer, TableAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call


def publish(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """A zip as the next version of a layer."""
    version = lab.layers.publish(call["name"], call["zip"], description=call["description"] or "")
    return DoneAnswer(
        text=f"{version.name} is published, {version.unzipped_bytes:,} bytes unzipped; "
        f"a function takes it with --layer {version.name}",
        facts={"layer": version.layer, "version": version.number, "arn": version.arn},
    )


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """All versions of all layers."""
    return TableAnswer(
        df=lab.layers.table(), title="layers", empty="no layers yet; publish one: layer publish NAME ZIP"
    )


def rm(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """A version of a layer, or all of them."""
    gone = [version.name for version in lab.layers.delete(call["layer"])]
    return DoneAnswer(
        text=f"deleted {', '.join(gone)}; functions that have it keep it", facts={"deleted": gone}
    )


VERBS: tuple[Verb, ...] = (
    Verb(
        name="layer publish",
        summary="publish a zip as the next version of a layer",
        run=publish,
        positionals=(
            Positional(name="name", help="letters, digits, - and _, up to 140"),
            Positional(name="zip", help="a zip of what is to lie at /opt", completes="file"),
        ),
        options=(
            Option(flags=("--description",), name="description", metavar="TEXT", help="a sentence about it"),
        ),
        examples=("layer publish pandas pandas.zip",),
    ),
    Verb(name="layer ls", summary="list the layers and their versions", run=ls, examples=("layer ls",)),
    Verb(
        name="layer rm",
        summary="delete a version of a layer, or all; functions that have it keep it",
        run=rm,
        positionals=(Positional(name="layer", help="NAME:VERSION, or NAME for all versions"),),
        examples=("layer rm pandas:1",),
    ),
)
