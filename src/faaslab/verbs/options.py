"""Reading words into values: what a verb takes, and a parser that never exits and says what was meant.

Unlike argparse, a word after an option that takes a value is that value even when it begins with a dash
(`-p -`, `-p -5`), and options may stand anywhere among the positional words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from faaslab.errors import InvalidValue, nearest

Completes = Literal[
    "function",
    "file",
    "variable",
    "execution",
    "report",
    "parameter",
    "format",
    "schedule",
    "scheduled",
    "verb",
    "workflow",
    "run",
    "running",
    "runnable",
    "timed",
    "zone",
]


@dataclass(frozen=True, kw_only=True)
class Option:
    """`--memory MB`. Without a `metavar` it is a switch. `name` is its key in the call's values."""

    flags: tuple[str, ...]
    help: str
    name: str
    metavar: str | None = None
    read: Callable[[str], Any] | None = None
    choices: tuple[str, ...] = ()
    repeat: bool = False
    default: Any = None
    completes: Completes | None = None
    bare: Any = None
    """What it is without its value, which then is a number or stands after `=`; None: it needs one."""
    words: int = 1
    """How many words its value takes (`-p KEY VALUE` takes two)."""

    @property
    def flag(self) -> str:
        """The long form, as errors call it."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])


@dataclass(frozen=True, kw_only=True)
class Positional:
    """A word by its place. `rest` takes all that follow, as a tuple."""

    name: str
    help: str
    required: bool = True
    rest: bool = False
    completes: Completes | None = None
    choices: tuple[str, ...] = ()


def read_words(
    verb: str, words: Sequence[str], positionals: Sequence[Positional], options: Sequence[Option]
) -> dict[str, Any]:
    """The values of `words` by name: options with their defaults (repeated ones as tuples), positionals."""
    by_flag = {flag: option for option in options for flag in option.flags}
    values: dict[str, Any] = {
        option.name: () if option.repeat else (False if option.metavar is None else option.default)
        for option in options
    }
    placed: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            placed += rest
            break
        if word == "-" or not word.startswith("-") or _is_number(word):
            placed.append(word)
            continue
        flag, equals, attached = word.partition("=")
        option = by_flag.get(flag)
        if option is None and not word.startswith("--") and len(word) > 2 and word[:2] in by_flag:
            option, flag, equals, attached = by_flag[word[:2]], word[:2], "=", word[2:]
        if option is None:
            near = _nearest(flag, by_flag)
            raise InvalidValue(
                f"{verb} has no option {flag}",
                hint=f"did you mean {near}?" if near else f"see: help {verb}",
            )
        if option.metavar is None:
            if equals:
                raise InvalidValue("takes no value", place=flag)
            values[option.name] = True
            continue
        if option.bare is not None and not equals and not (rest and _is_number(rest[0])):
            values[option.name] = option.bare
            continue
        texts = [attached] if equals else []
        while len(texts) < option.words and rest:
            texts.append(rest.pop(0))
        if len(texts) < option.words:
            raise InvalidValue(f"needs a value ({option.metavar})", place=flag)
        read = tuple(_read_value(option, flag, text) for text in texts)
        values[option.name] = (*values[option.name], *read) if option.repeat else read[0]
    values.update(_place(verb, placed, positionals))
    return values


def _nearest(flag: str, known: Iterable[str]) -> str | None:
    """By the words alone: the dashes that all begin with make none of them likely."""
    by_word = {each.lstrip("-"): each for each in known if each.startswith("--")}
    near = nearest(flag.lstrip("-"), by_word)
    return None if near is None else by_word[near]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _read_value(option: Option, flag: str, text: str) -> Any:
    if option.choices and text not in option.choices:
        alike = [choice for choice in option.choices if choice.lower() == text.lower()]
        if alike:
            return alike[0] if option.read is None else option.read(alike[0])
        near = nearest(text, option.choices)
        raise InvalidValue(
            f"{text!r} is none of {', '.join(option.choices)}",
            place=flag,
            hint=f"did you mean {near!r}?" if near else None,
        )
    if option.read is None:
        return text
    try:
        return option.read(text)
    except InvalidValue as error:
        error.place = error.place or flag
        raise
    except ValueError:
        raise InvalidValue(f"{text!r} is not what it takes ({option.metavar})", place=flag) from None


def _place(verb: str, placed: list[str], positionals: Sequence[Positional]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    left = list(placed)
    for positional in positionals:
        if positional.rest:
            if positional.required and not left:
                raise InvalidValue(f"{verb} needs {positional.name.upper()}", hint=f"see: help {verb}")
            values[positional.name], left = tuple(left), []
        elif left:
            values[positional.name] = left.pop(0)
        elif positional.required:
            raise InvalidValue(f"{verb} needs {positional.name.upper()}", hint=f"see: help {verb}")
        else:
            values[positional.name] = None
    if left:
        raise InvalidValue(f"{verb} does not take {left[0]!r}", hint=f"see: help {verb}")
    return values


def whole_number(text: str) -> int:
    """An int, or an error that says so."""
    try:
        return int(text)
    except ValueError:
        raise InvalidValue(f"{text!r} is not a whole number") from None


def positive(text: str) -> int:
    """An int of 1 or more, or an error that says so."""
    value = whole_number(text)
    if value < 1:
        raise InvalidValue(f"{text!r} is not 1 or more")
    return value


def row_limit(*, help: str, default: int | None = None, read: Callable[[str], Any] = positive) -> Option:  # noqa: A002
    """How many rows at most: the same words wherever there are rows."""
    return Option(
        flags=("--limit", "-l", "--last"), name="limit", metavar="N", read=read, default=default, help=help
    )


def number(text: str) -> float:
    """A float, or an error that says so."""
    try:
        return float(text)
    except ValueError:
        raise InvalidValue(f"{text!r} is not a number") from None


def pair(text: str) -> tuple[str, str]:
    """`K=V` as (K, V)."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidValue("not of the form NAME=VALUE")  # what was typed may be a secret
    return key, value
