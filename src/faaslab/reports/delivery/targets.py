"""Targets: the words that say where a report goes, read and shown.

    reports/            a folder, also file:///srv/reports?url=https://reports.example.com
    s3://bucket/prefix  S3 as boto3's own configuration finds it: ?region=, ?profile=, ?url=
    s3+local://bucket   the S3 of this store's embedded cloud
    mailto:a@x,b@y      e-mail: ?subject=
    https://…           a webhook; #sign=SECRET signs what is posted, #plain=yes allows http beyond loopback
    secret:NAME         a webhook whose address is itself a secret, resolved when it is used

Rule: pure, and the only place that knows how much of an address may be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from faaslab.errors import InvalidValue, nearest

if TYPE_CHECKING:
    from pathlib import PurePath

PLACE = "--notify"
FORMS = "a folder, s3://bucket/prefix, s3+local://bucket, mailto:name@example.com, https://… or secret:NAME"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_MAILBOX = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SECRET = re.compile(r"[A-Za-z0-9_.:/@=-]+")
_KNOWN = ("file", "s3", "s3+local", "mailto", "https", "http", "secret")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of this machine; `url` is where the folder is served, if it is."""

    path: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Keys below `prefix` (without slashes at its ends), in the embedded cloud if `local`."""

    bucket: str
    prefix: str = ""
    local: bool = False
    region: str | None = None
    profile: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Mail:
    """Who gets a letter, and under which subject (one that says how it went, without)."""

    to: tuple[str, ...]
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address that is posted to, or the reference of the secret that holds it."""

    url: str = ""
    secret: str | None = None
    sign: str | None = None
    """The reference of the secret that signs what is posted."""
    plain: bool = False
    """Whether http is good enough beyond this machine."""


Target = Folder | Bucket | Mail | Webhook


def parsed(text: str) -> Target:
    """What `text` means; `InvalidValue` tells what is wrong with it, and shows no address that is secret."""
    if not text.strip():
        raise InvalidValue("there is no target in an empty text", place=PLACE, hint=FORMS)
    if _CONTROL.search(text):
        raise InvalidValue("a target has no line break or control character", place=PLACE)
    kind, _, rest = text.partition(":")
    kind = kind.lower()
    if kind == "mailto":
        return _mail(rest)
    if kind == "secret":
        return _hidden(rest)
    match = _SCHEME.match(text)
    if match is None:
        if kind in _KNOWN and ":" in text:
            raise InvalidValue(
                f"{kind}: is followed by two slashes",
                place=PLACE,
                hint=f"did you mean {kind}://…? a folder of that name is ./{kind}:…",
            )
        if _MAILBOX.fullmatch(text):
            raise InvalidValue(f"{text!r} is no folder", place=PLACE, hint=f"did you mean mailto:{text}?")
        return Folder(path=text)
    scheme = match[1].lower()
    if scheme in ("s3", "s3+local"):
        return _bucket(text, local=scheme == "s3+local")
    if scheme in ("http", "https"):
        return _webhook(text)
    if scheme == "file":
        return _folder(text)
    near = nearest(scheme, _KNOWN)
    raise InvalidValue(
        f"nothing is delivered to {scheme}:", place=PLACE, hint=f"did you mean {near}:?" if near else FORMS
    )


def shown(target: Target) -> str:
    """The target for people: of a webhook no more than its host."""
    match target:
        case Folder():
            return target.path
        case Bucket():
            scheme = "s3+local" if target.local else "s3"
            return f"{scheme}://{target.bucket}" + (f"/{target.prefix}" if target.prefix else "")
        case Mail():
            return "mailto:" + ",".join(target.to)
        case Webhook():
            return f"secret:{target.secret}" if target.secret else _host_of(target.url)


def masked(text: str) -> str:
    """`shown` of a target as it was written; of one that cannot be read, its scheme."""
    try:
        return shown(parsed(text))
    except InvalidValue:
        return f"{text.partition(':')[0][:20]}:…" if ":" in text else "…"


def settled(text: str, here: PurePath) -> str:
    """The target as it is kept: a folder that was said relative to `here` is said in full."""
    target = parsed(text)
    if not isinstance(target, Folder) or target.path.startswith("~"):
        return text
    path = str(here / target.path)
    return f"file://{quote(path)}?url={quote(target.url, safe='')}" if target.url else path


def address(text: str, *, plain: bool = False) -> str:
    """A webhook's address, checked: https, or http to this machine. Errors show none of it but the host."""
    if _CONTROL.search(text) or any(letter.isspace() for letter in text):
        raise InvalidValue("the webhook's address has a space or a line break in it", place=PLACE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidValue("the webhook's address cannot be read", place=PLACE) from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not (_HOST.fullmatch(host) or ":" in host) or port == 0:
        raise InvalidValue("a webhook's address begins with https:// and a host", place=PLACE)
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(
            f"the address of {host} has a name or a password in it",
            place=PLACE,
            hint="keep the whole address as a secret and name that: secret:NAME",
        )
    if parts.scheme == "http" and not plain and not is_loopback(host):
        raise InvalidValue(
            f"http to {host} could be read on its way",
            place=PLACE,
            hint="use https, or end the address with #plain=yes",
        )
    return text


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _mail(rest: str) -> Mail:
    addresses, _, query = rest.partition("?")
    to = tuple(part for part in (unquote(each).strip() for each in addresses.split(",")) if part)
    if not to:
        raise InvalidValue("mailto: names nobody", place=PLACE, hint="such as mailto:team@example.com")
    for each in to:
        if not _MAILBOX.fullmatch(each):
            raise InvalidValue(f"{each[:80]!r} is no e-mail address", place=PLACE)
    options = _options(query, ("subject",))
    subject = options.get("subject")
    if subject is not None and _CONTROL.search(subject):
        raise InvalidValue("a subject is one line", place=PLACE)
    return Mail(to=to, subject=subject or None)


def _bucket(text: str, *, local: bool) -> Bucket:
    parts = urlsplit(text)
    name = parts.netloc
    if not _BUCKET.fullmatch(name):
        raise InvalidValue(f"{name[:80]!r} is no name of a bucket", place=PLACE, hint="s3://bucket/prefix")
    if {".", ".."} & set(unquote(parts.path).split("/")):
        raise InvalidValue("a prefix has no . or .. in it", place=PLACE, hint="browsers take them for a way")
    options = _options(parts.query, ("url",) if local else ("region", "profile", "url"))
    return Bucket(
        bucket=name,
        prefix=unquote(parts.path).strip("/"),
        local=local,
        region=options.get("region"),
        profile=options.get("profile"),
        url=_public(options.get("url")),
    )


def _folder(text: str) -> Folder:
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise InvalidValue(
            f"file://{parts.netloc} is on another machine", place=PLACE, hint="file:///path has three slashes"
        )
    if not parts.path:
        raise InvalidValue("file:// names no folder", place=PLACE)
    return Folder(path=unquote(parts.path), url=_public(_options(parts.query, ("url",)).get("url")))


def _webhook(text: str) -> Webhook:
    url, _, fragment = text.partition("#")
    options = _options(fragment, ("sign", "plain"))
    plain = options.get("plain") == "yes"
    return Webhook(url=address(url, plain=plain), sign=_reference(options.get("sign")), plain=plain)


def _hidden(rest: str) -> Webhook:
    name, _, fragment = rest.partition("#")
    options = _options(fragment, ("sign", "plain"))
    if not name:
        raise InvalidValue("secret: names no secret", place=PLACE, hint="such as secret:TEAM_WEBHOOK")
    return Webhook(
        secret=_reference(name), sign=_reference(options.get("sign")), plain=options.get("plain") == "yes"
    )


def _reference(text: str | None) -> str | None:
    if text is not None and not _SECRET.fullmatch(text):
        raise InvalidValue("a secret is named by a variable or as keyring:SERVICE/USER", place=PLACE)
    return text


def _options(query: str, known: tuple[str, ...]) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in found.items():
        if name not in known:
            near = nearest(name, known)
            raise InvalidValue(
                f"this target has no option {name[:40]!r}",
                place=PLACE,
                hint=f"did you mean {near}?" if near else f"it has: {', '.join(known)}",
            )
        if _CONTROL.search(value):
            raise InvalidValue(f"the option {name} is one line", place=PLACE)
    return found


def _public(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValue("url= is where readers find it: https://…", place=PLACE)
    return url.rstrip("/")


def _host_of(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}/…"
