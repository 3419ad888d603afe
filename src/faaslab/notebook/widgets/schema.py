"""What a JSON schema says of a value, as far as a form needs it: references, types, an example. Pure.

Rule: a reference leads inside the schema and nowhere else; nothing is ever fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEEPEST = 6
_FORMATS = {
    "date": "2026-11-16",
    "date-time": "2026-11-16T06:00:00Z",
    "time": "06:00:00Z",
    "email": "ada@example.com",
    "uuid": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "uri": "https://example.com/",
    "ipv4": "203.0.113.7",
}


class Resolver:
    """Follows the references of one schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def resolved(self, schema: Any, *, hops: int = 0) -> Mapping[str, Any]:
        """A schema without references: `$ref` followed, `allOf` put together, null as a choice left out.

        `{}`, which says nothing, for what leads nowhere or in a circle.
        """
        if not isinstance(schema, dict) or hops > _DEEPEST:
            return {}
        merged: dict[str, Any] = {name: each for name, each in schema.items() if name != "$ref"}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            merged = _both(self.resolved(self._found(reference), hops=hops + 1), merged)
        parts = merged.pop("allOf", None)
        for part in parts if isinstance(parts, list) else ():
            merged = _both(merged, self.resolved(part, hops=hops + 1))
        for word in ("anyOf", "oneOf"):
            ways = merged.pop(word, None)
            real = [way for way in ways if way != {"type": "null"}] if isinstance(ways, list) else []
            if len(real) == 1:
                merged = _both(self.resolved(real[0], hops=hops + 1), merged)
            elif real and all(isinstance(way, dict) and "const" in way for way in real):
                merged["enum"] = [way["const"] for way in real]
        return merged

    def _found(self, reference: str) -> Any:
        if not reference.startswith("#"):
            return {}
        found: Any = self._root
        for step in reference[1:].split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                return {}
            found = found[name]
        return found

    def example(self, schema: Any, *, deep: int = 0) -> Any:
        """A value to begin with: what the schema itself gives, else the emptiest that is of its type."""
        schema = self.resolved(schema)
        if "default" in schema:
            return schema["default"]
        for word in ("examples", "enum"):
            known = schema.get(word)
            if isinstance(known, list) and known:
                return known[0]
        if "const" in schema:
            return schema["const"]
        match plain_type(schema):
            case "object":
                return {} if deep >= _DEEPEST else self._object(schema, deep)
            case "array":
                least = schema.get("minItems")
                count = min(least, 3) if isinstance(least, int) and deep < _DEEPEST else 0
                return [self.example(schema.get("items"), deep=deep + 1) for _ in range(count)]
            case "string":
                return _FORMATS.get(str(schema.get("format")), "")
            case "integer" | "number":
                low = schema.get("minimum")
                return low if isinstance(low, (int, float)) and not isinstance(low, bool) else 0
            case "boolean":
                return False
            case _:
                return None

    def _object(self, schema: Mapping[str, Any], deep: int) -> dict[str, Any]:
        properties = schema.get("properties")
        needed = schema.get("required")
        found = {}
        for name, each in properties.items() if isinstance(properties, dict) else ():
            told = self.resolved(each)
            if (isinstance(needed, list) and name in needed) or "default" in told:
                found[name] = self.example(told, deep=deep + 1)
        return found


def plain_type(schema: Mapping[str, Any]) -> str | None:
    """The one type that a schema names, beside null; None where it names none, or several."""
    named = schema.get("type")
    if isinstance(named, list):
        real = [each for each in named if each != "null"]
        named = real[0] if len(real) == 1 else None
    if named is None and isinstance(schema.get("properties"), dict):
        return "object"
    return named if isinstance(named, str) else None


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two schemas that hold both: properties and what is required are put together."""
    merged = {**one, **other}
    first, second = one.get("properties"), other.get("properties")
    if isinstance(first, dict) and isinstance(second, dict):
        merged["properties"] = {**first, **second}
    these, those = one.get("required"), other.get("required")
    if isinstance(these, list) and isinstance(those, list):
        merged["required"] = [*these, *(each for each in those if each not in these)]
    return merged
