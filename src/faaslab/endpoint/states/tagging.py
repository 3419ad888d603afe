"""Tags of state machines and activities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states import names
from faaslab.endpoint.states.machines import tags
from faaslab.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.endpoint.call import Call, Handler


def tag_resource(call: Call) -> None:
    """TagResource: over those that are there."""
    _change(call, tags(call.params), ())


def untag_resource(call: Call) -> None:
    """UntagResource; a tag that is not there is gone already."""
    _change(call, {}, call.params["tagKeys"])


def list_tags_for_resource(call: Call) -> Mapping[str, Any]:
    """ListTagsForResource."""
    named, workflows = _named(call), call.lab.workflows
    kept: Mapping[str, str]
    try:
        if named.kind == "activity":
            kept = workflows.activities.get(named.name).tags
        else:
            kept = workflows.kept(named.name).configuration.tags
    except NotFound:
        raise names.no_resource(named.arn) from None
    return {"tags": [{"key": key, "value": value} for key, value in sorted(kept.items())]}


def _change(call: Call, more: Mapping[str, str], less: Sequence[str]) -> None:
    named, workflows = _named(call), call.lab.workflows
    tag = workflows.activities.tag if named.kind == "activity" else workflows.tag
    try:
        tag(named.name, more, remove=less)
    except NotFound:
        raise names.no_resource(named.arn) from None
    except InvalidValue as error:
        if getattr(error, "code", None) != "TooManyTags":
            raise
        raise Fault("TooManyTags", error.message, fields={"resourceName": named.arn}) from None


def _named(call: Call) -> names.Named:
    named = names.named(call.params["resourceArn"], "stateMachine", "activity")
    if named.qualifier is not None or named.label is not None:
        raise names.no_resource(named.arn)
    return named


OPERATIONS: dict[str, Handler] = {
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
