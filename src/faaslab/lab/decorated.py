"""`@faaslab.function(...)`: a function of a plain Python file or cell that also runs for real.

What runs is the same as a cell with that function in it: its own source (with the decorators below ours),
what `include` and `capture` add, and nothing else of the module around it. So imports stand inside it.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, nearest
from faaslab.lab import definitions, event_invoke, limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from faaslab.lab import Lab
    from faaslab.lab.maps import MapResult
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function


class DecoratedFunction:
    """Callable as before, here and now; `invoke`, `submit` and `map` run it in an environment of its own.

    It is defined in the lab when it is first run there, not when its module is imported.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str | None,
        options: Mapping[str, Any],
        lab_of: Callable[[], Lab],
    ) -> None:
        functools.update_wrapper(self, function)
        self.name = name or function.__name__
        self.options = dict(options)
        self._function = function
        self._lab_of = lab_of
        self._defined: tuple[Lab, Function] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here, as the plain function that it is."""
        return self._function(*args, **kwargs)

    def define(self, lab: Lab | None = None) -> Function:
        """Define it in the lab (the open one, or the default one) and give the Function back."""
        lab = lab or self._lab_of()
        definition = lab.functions.define(self.name, self._function, **self.options)
        for note in definition.notes:
            warnings.warn(f"{self.name}: {note}", UserWarning, stacklevel=3)
        self._defined = (lab, definition.function)
        return definition.function

    def invoke(self, payload: Any = None, **fields: Any) -> Execution:
        """Run it once for real and wait."""
        return self._lab().functions.invoke(self.name, payload, **fields)

    def submit(self, payload: Any = None, **fields: Any) -> Future[Execution]:
        """Run it once for real, in the background."""
        return self._lab().functions.submit(self.name, payload, **fields)

    def map(self, payloads: Any, n: int | None = None, **options: Any) -> MapResult:
        """Run it for real once for each payload."""
        return self._lab().functions.map(self.name, payloads, n, **options)

    def _lab(self) -> Lab:
        lab = self._lab_of()
        if self._defined is None or self._defined[0] is not lab:
            self.define(lab)
        return lab

    def __repr__(self) -> str:
        return f"<function {self.name} of faaslab>"


_CODE = ("source", "include", "capture", "publish", "wait", "revision_id", "exist_ok")
"""What `lab.functions.define` takes beside a function's own options."""
_WORDS = {
    "memory": "memory_mb",
    "timeout": "timeout_s",
    "env": "environment",
    "concurrency": "reserved_concurrency",
    "retries": "maximum_retry_attempts",
    "max_event_age": "maximum_event_age_s",
    "dead_letter": "dead_letter_queue",
}


def decorate(
    function: Callable[..., Any] | None, options: Mapping[str, Any], lab_of: Callable[[], Lab]
) -> DecoratedFunction | Callable[[Callable[..., Any]], DecoratedFunction]:
    """The decorated function, or the decorator when it was called with options only.

    The short words of the other faces (memory, timeout, env, retries, …) stand for the whole ones. Raises
    `InvalidValue` of an option that there is not or that is out of range, in the words that were written:
    here, not in the cell that runs the function first.
    """
    whole: dict[str, Any] = {}
    for key, value in options.items():
        word = _WORDS.get(key, key)
        if word in whole:
            raise InvalidValue(f"{key} and {word} are the same option", place=key)
        whole[word] = value
    name = whole.pop("name", None)
    _check(whole, options)

    def decorator(decorated: Callable[..., Any]) -> DecoratedFunction:
        if not callable(decorated):
            raise InvalidValue("faaslab.function decorates a function", hint="@faaslab.function(memory=512)")
        return DecoratedFunction(decorated, name, whole, lab_of)

    return decorator if function is None else decorator(function)


def _check(whole: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    known = (*_CODE, *definitions.OPTIONS, *event_invoke.SETTINGS)
    for option in whole:
        if option not in known:
            near = nearest(option, [*_WORDS, *known])
            raise InvalidValue(
                f"a function has no option {option!r}",
                place="@faaslab.function",
                hint=f"did you mean {near!r}?" if near else ", ".join(known),
            )
    given = {word: whole[word] for word in definitions.CONFIGURATION if whole.get(word) is not None}
    try:
        limits.configuration(**given)
    except InvalidValue as error:
        short = next((each for each, word in _WORDS.items() if word == error.place and each in written), None)
        if short is None:
            raise
        raise InvalidValue(error.message, place=short, hint=error.hint) from None
