"""The setting `smtp_url`: which server takes letters, and as whom. Pure.

    smtp://reports@mail.example.com?password=env:SMTP_PASSWORD&from=reports@example.com
    smtps://…           TLS from the first byte (465) rather than STARTTLS (587)
    smtp://127.0.0.1:25 a relay on this machine needs neither

Rule: the password is never in it, only the name of the secret that holds it, and no password and no letter
goes to another machine unless its certificate was verified.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from faaslab.errors import InvalidValue, nearest
from faaslab.reports.delivery.targets import is_loopback

_PORTS = {"smtp": 587, "smtps": 465}
_OPTIONS = ("starttls", "password", "from")
_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]+)>")
_EXAMPLE = "smtp://reports@mail.example.com?password=env:SMTP_PASSWORD&from=reports@example.com"


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where letters are handed in. `password` is the reference of a secret."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None = None
    password: str | None = None
    sender: Address


def parsed(url: str) -> MailServer:
    """What the setting says; `InvalidValue` shows no part of it that could be a password."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise InvalidValue("the address of the mail server cannot be read", hint=_EXAMPLE) from None
    if parts.scheme not in _PORTS or not host:
        raise InvalidValue("a mail server begins with smtp:// or smtps:// and a host", hint=_EXAMPLE)
    if parts.password is not None:
        raise InvalidValue(
            "a password does not stand in a setting",
            hint="name the secret that holds it: ?password=env:SMTP_PASSWORD",
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            near = nearest(name, _OPTIONS)
            raise InvalidValue(
                f"a mail server has no option {name[:40]!r}",
                hint=f"did you mean {near}?" if near else f"it has: {', '.join(_OPTIONS)}",
            )
    user = unquote(parts.username) if parts.username else None
    security = _security(parts.scheme, options.get("starttls"), host, user)
    return MailServer(
        host=host,
        port=port or (25 if security == "none" else _PORTS[parts.scheme]),
        security=security,
        user=user,
        password=options.get("password") or ("SMTP_PASSWORD" if user else None),
        sender=_sender(options.get("from"), user, host),
    )


def _security(
    scheme: str, starttls: str | None, host: str, user: str | None
) -> Literal["starttls", "tls", "none"]:
    if scheme == "smtps":
        return "tls"
    wanted = starttls not in ("off", "no", "false", "0")
    here = is_loopback(host)
    if here and starttls is None:
        return "none"
    if wanted:
        return "starttls"
    if user is not None and not here:
        raise InvalidValue(f"without STARTTLS everybody on the way to {host} could read the password")
    return "none"


def _sender(given: str | None, user: str | None, host: str) -> Address:
    text = given or (user if user and "@" in user else f"{user or 'faaslab'}@{host}")
    match = _NAMED.fullmatch(text)
    name, address = (match["name"].strip('" '), match["address"]) if match else ("faaslab", text)
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError):
        raise InvalidValue("from= is no e-mail address", hint="from=reports@example.com") from None
