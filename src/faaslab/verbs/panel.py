"""The verb of panels: try a function or a workflow by hand, in a notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound, Unsupported
from faaslab.lab.payloads import encode
from faaslab.verbs import payload as payloads
from faaslab.verbs.function_options import PAYLOAD, QUALIFIER
from faaslab.verbs.live_answers import PanelAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_INSTEAD = {
    "function": "invoke {name} -p JSON, then history {name} and logs {name}",
    "workflow": "run {name} -p JSON, then runs {name} and timeline RUN",
}


def panel(lab: Lab, call: Call, face: Face) -> Answer:
    """The panel of what has that name; of the function, where a function and a workflow have it."""
    name, of_workflow = call["name"], call["workflow"]
    functions, workflows = lab.functions.names(), lab.workflows.names()
    if not of_workflow and name in functions:
        kind = "function"
        if name in workflows:
            face.note(f"a workflow is named {name} as well: panel {name} --workflow")
    elif name in workflows:
        kind = "workflow"
    else:
        known = workflows if of_workflow else (*functions, *workflows)
        raise NotFound("workflow" if of_workflow else "function or workflow", name, known)
    if face.waits:
        raise Unsupported(
            "a panel is to be clicked, in a notebook", hint="here: " + _INSTEAD[kind].format(name=name)
        )
    if kind == "function" and call["qualifier"] is not None:
        lab.functions.prepared(name, call["qualifier"])  # NotFound now, and not a run of something else
    return PanelAnswer(
        name=name,
        kind="workflow" if kind == "workflow" else "function",
        payload=_payload(call, face),
        schema=_schema(call, face),
        qualifier=call["qualifier"],
    )


def _payload(call: Call, face: Face) -> str | None:
    if call["payload"] is None:
        return None
    return encode(payloads.payload(call["payload"], face), place="-p").decode("utf-8", "replace")


def _schema(call: Call, face: Face) -> Mapping[str, Any] | None:
    if call["schema"] is None:
        return None
    schema = payloads.payload(call["schema"], face, place="--schema")
    if not isinstance(schema, dict):
        raise InvalidValue(
            "a JSON schema is an object",
            place="--schema",
            hint='such as {"type": "object", "properties": {"x": {"type": "number"}}}',
        )
    checked: dict[str, Any] = json.loads(encode(schema, place="--schema"))
    return checked


VERBS: tuple[Verb, ...] = (
    Verb(
        name="panel",
        summary="try a function or a workflow by hand: edit the payload, run it, see what came back",
        run=panel,
        positionals=(Positional(name="name", help="the function or the workflow", completes="runnable"),),
        options=(
            PAYLOAD,
            QUALIFIER,
            Option(
                flags=("--schema",),
                name="schema",
                metavar="JSON|{NAME}|@FILE",
                help="a JSON schema of the payload, for a form to fill in; without it the form has what the "
                "payload has",
            ),
            Option(
                flags=("--workflow",),
                name="workflow",
                help="of the workflow, where a function has that name as well",
            ),
        ),
        examples=("panel score", "panel score -p '{\"x\": 4}'", "panel score --schema @schema.json"),
    ),
)
