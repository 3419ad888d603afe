"""A service's model as the wire needs it: each shape once, with what is asked of it ready at hand.

Botocore's own shape objects are made anew for every member and answer each question by a look into a
dictionary; here a shape is made once, so that a shape that holds itself is no endless tree and a request
costs microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.wire.patterns import Condition, conditions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, ServiceModel

WHOLE_NUMBERS = {"byte": 8, "short": 16, "integer": 32, "long": 64, "biginteger": 128}
"""Kinds of whole numbers and their size in bits."""


@dataclass(slots=True, eq=False)
class Shape:
    """A shape: `kind` is botocore's name of its type, or `document` for free JSON.

    `conditions` are what the model demands of a value; `element` is a list's member or a map's value.
    """

    name: str
    kind: str
    members: dict[str, Member] = field(default_factory=dict)
    element: Member | None = None
    key: Member | None = None
    conditions: tuple[Condition, ...] = ()
    sensitive: bool = False
    flattened: bool = False
    required: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Member:
    """A member of a structure, or what a list or a map holds.

    `name` is the name that SDKs use, `wire` the one that travels, `label` the one in AWS's messages.
    `location` is the model's: uri, querystring, header, headers, statusCode, or None for the body.
    """

    name: str
    wire: str
    label: str
    shape: Shape
    location: str | None = None
    timestamp_format: str | None = None
    flattened: bool = False
    json_header: bool = False
    named: bool = False
    """Whether the model gives it another name on the wire."""
    event: str | None = None
    """`stream` for a stream of events, and in an event: `header` or `payload`."""


@dataclass(slots=True, eq=False)
class Operation:
    """An operation of the service, with its members sorted by where they travel."""

    name: str
    method: str
    uri: str
    status: int
    input: Shape | None
    output: Shape | None
    result_wrapper: str | None
    errors: frozenset[str] = frozenset()
    labels: tuple[Member, ...] = ()
    query: tuple[Member, ...] = ()
    headers: tuple[Member, ...] = ()
    names_media: bool = False
    """Whether the header Content-Type is one of its members."""
    body: tuple[Member, ...] = ()
    payload: Member | None = None
    output_headers: tuple[Member, ...] = ()
    output_body: tuple[Member, ...] = ()
    output_payload: Member | None = None
    status_member: str | None = None
    stream: Member | None = None
    """The member of the output that is a stream of events."""


class Shapes:
    """The shapes and operations of one service, made when they are first asked for.

    Members named in `unchecked` may have any simple value.
    """

    def __init__(self, model: ServiceModel, *, unchecked: frozenset[str] = frozenset()) -> None:
        self._model = model
        self._unchecked = unchecked
        # Only whole shapes are in here: other threads ask at the same time.
        self._shapes: dict[tuple[str, bool], Shape] = {}
        self._operations: dict[str, Operation] = {}

    def operation(self, name: str) -> Operation:
        """The operation of that name, which the model has."""
        found = self._operations.get(name)
        if found is None:
            making = _Making(self._shapes, self._unchecked)
            found = making.operation(self._model.operation_model(name))
            self._shapes |= making.made
            self._operations[name] = found
        return found

    def shape(self, model: Any) -> Shape:
        """The shape that is botocore's `model`."""
        making = _Making(self._shapes, self._unchecked)
        found = making.shape(model)
        self._shapes |= making.made
        return found


class _Making:
    """Makes shapes, with those that they hold, beside the ones that are there."""

    def __init__(self, known: Mapping[tuple[str, bool], Shape], unchecked: frozenset[str]) -> None:
        self._known = known
        self._unchecked = unchecked
        self.made: dict[tuple[str, bool], Shape] = {}

    def shape(self, model: Any) -> Shape:
        """The shape, which may still be without its members where it holds itself."""
        flattened = bool(model.serialization.get("flattened"))
        known = self._known.get((model.name, flattened)) or self.made.get((model.name, flattened))
        if known is not None:
            return known
        made = Shape(
            model.name,
            "document" if getattr(model, "is_document_type", False) else model.type_name,
            sensitive=bool(model.metadata.get("sensitive")),
            flattened=flattened,
        )
        self.made[model.name, flattened] = made
        made.conditions = conditions(model)
        if made.kind == "structure":
            made.required = frozenset(model.metadata.get("required", ()))
            made.members = {name: self._member(name, member) for name, member in model.members.items()}
        elif made.kind == "list":
            made.element = self._member("member", model.member)
        elif made.kind == "map":
            made.key = self._member("key", model.key)
            made.element = self._member("value", model.value)
        return made

    def _member(self, name: str, model: Any) -> Member:
        traits = model.serialization
        shape = self.shape(model)
        if name in self._unchecked:
            shape = replace(shape, conditions=())
        roles = (("eventstream", "stream"), ("eventpayload", "payload"), ("eventheader", "header"))
        event = next((role for trait, role in roles if traits.get(trait)), None)
        return Member(
            name,
            traits.get("name", name),
            name[:1].lower() + name[1:],
            shape,
            traits.get("location"),
            (traits.get("timestampFormat") or "").lower() or None,
            bool(traits.get("flattened")),
            bool(traits.get("jsonvalue")),
            "name" in traits,
            event,
        )

    def operation(self, model: OperationModel) -> Operation:
        """The operation with its members sorted."""
        http = model.http
        made = Operation(
            model.name,
            http.get("method", "POST"),
            http.get("requestUri", "/"),
            int(http.get("responseCode", 200)),
            self.shape(model.input_shape) if model.input_shape is not None else None,
            self.shape(model.output_shape) if model.output_shape is not None else None,
            model.output_shape.serialization.get("resultWrapper") if model.output_shape is not None else None,
        )
        made.errors = frozenset(shape.name for shape in model.error_shapes)
        if made.input is not None:
            members = list(made.input.members.values())
            made.labels = tuple(m for m in members if m.location == "uri")
            made.query = tuple(m for m in members if m.location == "querystring")
            made.headers = tuple(m for m in members if m.location in {"header", "headers"})
            made.names_media = any(m.wire.lower() == "content-type" for m in made.headers)
            made.payload = _payload(model.input_shape, made.input)
            if made.payload is None:
                made.body = tuple(m for m in members if m.location is None)
        if made.output is not None:
            members = list(made.output.members.values())
            made.output_headers = tuple(m for m in members if m.location in {"header", "headers"})
            made.status_member = next((m.name for m in members if m.location == "statusCode"), None)
            made.stream = next((m for m in members if m.event == "stream"), None)
            made.output_payload = _payload(model.output_shape, made.output)
            if made.output_payload is None:
                made.output_body = tuple(m for m in members if m.location is None and m is not made.stream)
        return made


def _payload(model: Any, shape: Shape) -> Member | None:
    name = model.serialization.get("payload")
    return shape.members[name] if name else None
