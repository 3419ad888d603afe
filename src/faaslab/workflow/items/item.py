"""What a Map goes through: a value, the name it has in an object, and where it is from.

Rule: the context object tells of an item as AWS's page on it says
(docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html): `Key` only of what was in an
object, `Source` STATE_DATA or the address in S3. That page writes `S3://`; runs on AWS were seen to say `s3://`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

STATE_DATA = "STATE_DATA"


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `key` is its name where a Map goes through an object, `source` None where nobody knows."""

    value: Any
    source: str | None = STATE_DATA
    key: str | None = None

    @property
    def given(self) -> Any:
        """What an iteration has as its input when no ItemSelector makes anything of the item."""
        return self.value if self.key is None else {"Key": self.key, "Value": self.value}

    def context(self, index: int) -> Mapping[str, Any]:
        """`Map` of the context object in the iteration of that index."""
        told: dict[str, Any] = {"Index": index}
        if self.key is not None:
            told["Key"] = self.key
        told["Value"] = self.value
        if self.source is not None:
            told["Source"] = self.source
        return {"Item": told}


def items_of(value: list[Any] | dict[str, Any], source: str | None = STATE_DATA) -> Iterator[Item]:
    """The items of an array, or the pairs of an object."""
    if isinstance(value, dict):
        return (Item(inner, source, key) for key, inner in value.items())
    return (Item(inner, source) for inner in value)


def told(items: Iterable[Item]) -> dict[str, Any]:
    """Items as JSON, to be kept with an execution: `{"sources": [{"source", "items"[, "keys"]}]}`."""
    sources: list[dict[str, Any]] = []
    for item in items:
        keyed = item.key is not None
        if not sources or sources[-1]["source"] != item.source or ("keys" in sources[-1]) != keyed:
            sources.append({"source": item.source, "items": [], **({"keys": []} if keyed else {})})
        sources[-1]["items"].append(item.value)
        if keyed:
            sources[-1]["keys"].append(item.key)
    return {"sources": sources}


def taken(kept: Any, source: str | None) -> list[Item] | None:
    """Items out of what `told` made of them; None where it is nothing of the kind.

    A plain list is what versions before 0.5 kept; its items are of `source`.
    """
    if isinstance(kept, list):
        return [Item(value, source) for value in kept]
    if not isinstance(kept, Mapping) or not isinstance(kept.get("sources"), list):
        return None
    return [
        Item(value, part["source"], key)
        for part in kept["sources"]
        for value, key in zip(part["items"], part.get("keys") or [None] * len(part["items"]), strict=True)
    ]


def source_of(reader: Mapping[str, Any]) -> str | None:
    """The address in S3 that a rendered ItemReader names: an object, or the bucket that is listed."""
    parameters = reader.get("Parameters", reader.get("Arguments"))
    if not isinstance(parameters, Mapping) or not isinstance(parameters.get("Bucket"), str):
        return None
    bucket = f"s3://{parameters['Bucket']}"
    if str(reader.get("Resource", "")).endswith(":s3:listObjectsV2"):
        return bucket
    return f"{bucket}/{parameters.get('Key')}"


def from_source(items: Iterable[Item], source: str | None) -> list[Item]:
    """The items, said to be from there."""
    return [replace(item, source=source) for item in items]
