"""All the ways in which a secret may stand in what is recorded, shown or sent: the one list of them.

Rule: whoever takes secrets out of a text asks here (`masking.Mask` for results, errors, logs and histories,
`reports.hiding` for notebooks and their pages), so that a form that is added is hidden everywhere. A writer
escapes what stands in JSON in JSON once more: forms are gone through for as many levels as are met with.
Pure.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from faaslab.model.secret_encodings import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_JSON_LEVELS = 4
"""A cause is JSON, in an output that is JSON, and a handler's `body` is JSON before all that."""
_LETTERS = re.compile("[-.0-9A-Z_a-z~]+")
"""What nobody escapes."""
_UNESCAPED = re.compile("[ !#-%(-;=?-\\[\\]-~]+")
"""What is escaped but once, if at all: no quotes, no backslash, nothing that HTML minds, ASCII."""
_PLAIN = re.compile("[0-9A-Za-z]+")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _json_unicode(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _json_slashes(text: str) -> str:
    """As PHP writes it."""
    return _json(text).replace("/", "\\/")


def _json_for_html(text: str) -> str:
    """As Go and Jinja write it."""
    found = json.dumps(text)[1:-1]
    for sign in "<>&'":
        found = found.replace(sign, f"\\u{ord(sign):04x}")
    return found


def _bare(text: str) -> str:
    # Which quotes a repr escapes depends on all of the text that the secret stands in.
    return repr(f"{text}'\"")[1:-4].replace("\\'", "'")


def _ascii(text: str) -> str:
    return ascii(f"{text}'\"")[1:-4].replace("\\'", "'")


def _octets(text: str) -> str:
    """In the repr of bytes."""
    return repr(text.encode("utf-8", "surrogatepass") + b"'\"")[2:-4].replace("\\'", "'")


def _quotes(text: str) -> set[str]:
    """As it stands between quotes of each kind, or of both where one text quotes the other."""
    single = text.replace("'", "\\'")
    return {text, single, text.replace('"', '\\"'), single.replace('"', '\\"')}


_JSONS: tuple[Callable[[str], str], ...] = (_json, _json_unicode)
_ALL_JSONS = (*_JSONS, _json_slashes, _json_for_html)
_REPRS = (_bare, _ascii, _octets)


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Each text in all the ways that it may be written, the longest first; nothing for an empty one.

    To add one add it to `of` (another language's escapes) or to `secret_encodings`.
    """
    found = {form for secret in secrets for form in of(secret) | encoded(secret)}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def of(secret: str) -> frozenset[str]:
    """The same of one secret: itself, escaped once or more, in HTML and in a URL."""
    if not secret:
        return frozenset()
    if _LETTERS.fullmatch(secret):
        return frozenset((secret,))
    once = {write(secret) for write in _ALL_JSONS} | {secret}
    for write in _REPRS:
        once |= _quotes(write(secret))
    found = set(once)
    if not _UNESCAPED.fullmatch(secret):
        for form in once:
            found |= {_json(form), _json_unicode(form)} | _quotes(_bare(form))
        level = {secret}
        for _ in range(_JSON_LEVELS):
            # A log often has the repr of what holds JSON, and is read as JSON itself.
            quoted = {each for form in level for each in _quotes(_bare(form))}
            found |= quoted | {write(form) for write in _JSONS for form in quoted}
            level = {write(form) for write in _JSONS for form in level}
            found |= level
    for form in tuple(once | {_json(_json(secret))}):
        found |= {html.escape(form), html.escape(form, quote=False)}
        found.add(html.escape(form).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"))
    found |= {_quoted(secret, ""), _quoted(secret, "/"), quote_plus(secret.encode("utf-8", "surrogatepass"))}
    return frozenset(found)


def _quoted(secret: str, safe: str) -> str:
    return quote(secret.encode("utf-8", "surrogatepass"), safe=safe)


def plain_part(secret: str) -> str:
    """The longest piece of it that stands in every escaped form as it is; empty where there is none.

    A text without it has none of those forms, which is what most texts cost. Forms that change letters as
    well (encodings) do not have it.
    """
    return max(_PLAIN.findall(secret), key=len, default="")
