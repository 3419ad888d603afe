"""State machines as the engine has them: one object and one text for all executions of a definition."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 256


class Machines:
    """Definitions that were used lately. A definition that was handed in must not be changed after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: OrderedDict[int, tuple[Mapping[str, Any], str, str]] = OrderedDict()
        self._known: OrderedDict[str, tuple[Mapping[str, Any], str]] = OrderedDict()

    def text_of(self, machine: Mapping[str, Any]) -> tuple[str, str]:
        """(digest, JSON text) of a definition."""
        with self._lock:
            found = self._texts.get(id(machine))
            if found is not None:
                return found[1], found[2]
        try:
            text = json.dumps(machine, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidValue(f"the definition is not JSON: {error}", place="definition") from None
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            _, text = self._known.setdefault(digest, (machine, text))
            # The entry holds the object, so that its id stays its own.
            self._texts[id(machine)] = (machine, digest, text)
            self._shrink()
        return digest, text

    def of(self, digest: str, text: str) -> Mapping[str, Any]:
        """The definition of a text, the same object each time."""
        with self._lock:
            found = self._known.get(digest)
            if found is not None:
                return found[0]
        machine: Mapping[str, Any] = json.loads(text)
        with self._lock:
            found = self._known.setdefault(digest, (machine, text))
            self._shrink()
        return found[0]

    def _shrink(self) -> None:
        for kept in (self._texts, self._known):
            while len(kept) > _MOST:
                kept.popitem(last=False)
