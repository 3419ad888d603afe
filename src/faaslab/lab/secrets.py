"""Secrets are references: they are looked up when an environment starts, and stored and printed nowhere."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, MissingExtra, NotFound, Unsupported
from faaslab.model.masking import mask_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = "••••"
_TELLING = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|CREDENTIALS?)(?:$|_)", re.IGNORECASE
)
_SEAM = re.compile(r"[-. ]|(?<=[a-z0-9])(?=[A-Z])")
_LEAST_TEXT = 4
_LEAST_NUMBER = 6
"""What is shorter stands in any page by chance: it is hidden at its own name alone."""


def looks_secret(key: str) -> bool:
    """Whether a variable of that name usually holds a secret."""
    return _TELLING.search(_SEAM.sub("_", key)) is not None


def masked(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables for showing: values under telling names are hidden."""
    return {key: MASK if looks_secret(key) else value for key, value in variables.items()}


def without_secrets(value: Any) -> Any:
    """The same with a mask for all that stands under a telling name, at every depth of mappings and lists."""
    if isinstance(value, dict):
        return {key: MASK if looks_secret(str(key)) else without_secrets(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(each) for each in value]
    return value


def secret_names(value: Any) -> Iterator[str]:
    """The telling names in mappings and lists, at every depth: `db.password`."""
    if isinstance(value, dict):
        for key, each in value.items():
            if looks_secret(str(key)):
                yield str(key)
            else:
                yield from (f"{key}.{name}" for name in secret_names(each))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from secret_names(each)


def secret_texts(value: Any, *, telling: bool = False) -> Iterator[str]:
    """All that stands under telling names, as text; not what is so short that any page has it by chance.

    `telling`: the value itself is a secret.
    """
    if isinstance(value, dict):
        for key, each in value.items():
            yield from secret_texts(each, telling=telling or looks_secret(str(key)))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from secret_texts(each, telling=telling)
    elif telling and isinstance(value, str):
        # Of a key in many lines a cell may show one.
        lines = value.splitlines() if "\n" in value else []
        yield from (each for each in (value, *lines) if len(each.strip()) >= _LEAST_TEXT)
    elif telling and isinstance(value, (int, float)) and len(str(value)) >= _LEAST_NUMBER:
        yield str(value)


def variables(secret: str) -> tuple[str, ...]:
    """The variables of this process's environment that `resolve` would look at for `secret`."""
    name, equals, given = secret.partition("=")
    scheme, colon, rest = (given if equals else name).partition(":")
    return (rest if colon else scheme,) if not colon or scheme == "env" else ()


def resolve(secret: str) -> str:
    """The value of `NAME` or `NAME=REFERENCE`, or of a bare reference.

    `env:VARIABLE` is this process's environment, `keyring:SERVICE/USER` the system's keyring. Without a
    scheme: the environment variable of that name, then the keyring's entry of that name for `faaslab`.
    No error ever shows a value.
    """
    name, equals, given = secret.partition("=")
    reference = given if equals else name
    scheme, colon, rest = reference.partition(":")
    if colon and scheme == "env":
        if rest in os.environ:
            return os.environ[rest]
        raise NotFound("environment variable", rest, hint=f"export {rest} before the function is invoked")
    if colon and scheme == "keyring":
        service, _, user = rest.rpartition("/")
        return _from_keyring(service or "faaslab", user)
    if colon and scheme in {"ssm", "secretsmanager"}:
        raise Unsupported(
            f"this release cannot read {scheme} secrets",
            place="secrets",
            hint="use env:NAME or keyring:SERVICE/USER",
        )
    if colon:
        raise InvalidValue(
            f"{scheme!r} is no place for secrets", place="secrets", hint="env:NAME or keyring:SERVICE/USER"
        )
    if reference in os.environ:
        return os.environ[reference]
    try:
        return _from_keyring("faaslab", reference)
    except (MissingExtra, NotFound):
        raise NotFound(
            "secret", reference, hint=f"export {reference}, or store it in the keyring under faaslab"
        ) from None


class Known:
    """The secrets that functions of this process were given: in memory alone, to hide them elsewhere."""

    def __init__(self) -> None:
        self._values: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def resolve(self, secret: str) -> str:
        """What the function of that name gives, remembered."""
        value = resolve(secret)
        self._values[value] = None
        return value

    def found_in(self, text: str) -> tuple[str, ...]:
        """Those that stand in a text, in any form."""
        return mask_of(tuple(self._values)).found_in(text) if self._values else ()


def _from_keyring(service: str, user: str) -> str:
    try:
        import keyring
    except ImportError:
        raise MissingExtra(
            "the system's keyring needs a package", hint='pip install "faaslab[keyring]"'
        ) from None
    try:
        value = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 -- every keyring has errors of its own
        raise NotFound("keyring entry", f"{service}/{user}", hint=type(error).__name__) from None
    if value is None:
        raise NotFound("keyring entry", f"{service}/{user}")
    return str(value)
