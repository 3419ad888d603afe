"""The verb that opens a port for AWS SDKs: serve."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue
from faaslab.verbs.answers import DoneAnswer
from faaslab.verbs.options import Option
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

TOKEN = "FAASLAB_TOKEN"  # noqa: S105 -- the name of the variable
_DRAIN_S = 910.0  # the longest invocation, and its answer


def serve(lab: Lab, call: Call, face: Face) -> Answer:
    """Answer at a port until it is ended; in a notebook until the lab is closed."""
    token = call["token"] or os.environ.get(TOKEN) or None
    serving = lab.serve(call["host"], call["port"], token)
    key = "YOUR-TOKEN" if token else "local"
    # boto3 and the older command line read the second name of the region only, the other SDKs the first.
    face.note(
        f"any AWS SDK or tool works here with: AWS_ENDPOINT_URL={serving.address} AWS_REGION={lab.region} "
        f"AWS_DEFAULT_REGION={lab.region} AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY=local "
        "AWS_DISABLE_HOST_PREFIX_INJECTION=true"
    )
    facts = {"ready": serving.address, "region": lab.region}
    if not face.stay(json.dumps(facts) if call.json else f"READY {serving.address}"):
        return DoneAnswer(text=f"serving at {serving.address} until the lab is closed", facts=facts)
    face.note("finishing what was asked; a second signal ends it at once")
    serving.close(_DRAIN_S)
    return DoneAnswer(text="", facts={"ended": serving.address})


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise InvalidValue(f"{text!r} is not a port", hint="0 to 65535; 0 takes a free one")
    return int(text)


VERBS: tuple[Verb, ...] = (
    Verb(
        name="serve",
        summary="a port for any AWS SDK: Lambda is this store, the rest the embedded cloud",
        run=serve,
        stays=True,
        options=(
            Option(
                flags=("--host",),
                name="host",
                metavar="ADDRESS",
                default="127.0.0.1",
                help="where to listen (127.0.0.1); one that other machines reach needs a long token",
            ),
            Option(
                flags=("--port",),
                name="port",
                metavar="N",
                read=_port,
                default=0,
                help="the port; 0 takes a free one, which is the default",
            ),
            Option(
                flags=("--token",),
                name="token",
                metavar="TOKEN",
                help=f"what clients must use as access key id (or {TOKEN} in the environment)",
            ),
        ),
        examples=("serve", "serve --port 4566", "serve --host 0.0.0.0 --token a-secret-that-is-long"),
    ),
)
