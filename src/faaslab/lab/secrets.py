"""Secrets are references: they are looked up when an environment starts, and stored and printed nowhere."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue, MissingExtra, NotFound, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "••••"
_TELLING = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|PASSWORD|PASSWD|PWD|SECRET|CREDENTIALS?)(?:$|_)", re.IGNORECASE
)


def looks_secret(key: str) -> bool:
    """Whether a variable of that name usually holds a secret."""
    return _TELLING.search(key) is not None


def masked(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables for showing: values under telling names are hidden."""
    return {key: MASK if looks_secret(key) else value for key, value in variables.items()}


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
