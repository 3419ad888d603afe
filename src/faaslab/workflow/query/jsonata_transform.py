"""The `| … | … |` operator of JSONata: a changed copy."""

from __future__ import annotations

from typing import Any

from jsonata import jexception, jsonata

JException = jexception.JException


class Transformer(jsonata.Jsonata.JFunctionCallable):  # type: ignore[misc]
    """The `| … | … |` operator: a changed copy of what it is given."""

    def __init__(self, evaluation: Any, expr: Any, environment: Any) -> None:
        self._evaluation = evaluation
        self._expr = expr
        self._environment = environment

    def call(self, input: Any, args: Any) -> Any:  # noqa: A002, ARG002 - the library's signature
        """The changed copy."""
        if args[0] is None:
            return None
        # A pattern may lead out of the copy (`$states.input`): what it finds there is not ours to change.
        copies: dict[int, Any] = {}
        result = self._copied(args[0], copies)
        matches = self._evaluation.eval(self._expr.pattern, result, self._environment)
        for match in matches if isinstance(matches, list) else [] if matches is None else [matches]:
            update = self._evaluation.eval(self._expr.update, match, self._environment)
            if update is not None and not isinstance(update, dict):
                raise JException("T2011", self._expr.update.position, update)
            ours = isinstance(match, dict) and id(match) in copies
            if ours:
                match.update(update or {})
            if self._expr.delete is None:
                continue
            names = self._evaluation.eval(self._expr.delete, match, self._environment)
            doomed = names if isinstance(names, list) else [] if names is None else [names]
            if not all(isinstance(name, str) for name in doomed):
                raise JException("T2012", self._expr.delete.position, names)
            for name in doomed if ours else ():
                match.pop(name, None)
        return result

    def _copied(self, value: Any, copies: dict[int, Any]) -> Any:
        self._evaluation.charge(1)
        if isinstance(value, dict):
            copy = {key: self._copied(item, copies) for key, item in value.items()}
            copies[id(copy)] = copy
            return copy
        if isinstance(value, list):
            return [self._copied(item, copies) for item in value]
        return value
