"""Which server a URL means, as the library reads it that connects to it.

Rule: what is checked is what is connected to. A text is read once; whoever sends uses what came of that, and
never the text. A URL that readers could take for two servers is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from urllib3.util import Url

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# A backslash is a slash to some readers; a control character or a space ends a line of the request, or is
# skipped.
_AMBIGUOUS = re.compile(r"[\\\s\x00-\x20\x7f-\x9f]")


def checked(url: Any, name: str = "ApiEndpoint") -> Url:
    """The server and the path that are meant: https, or plain HTTP to this machine itself. Pure.

    Raises InvalidValue; its message has nothing of the URL but that it cannot be read, as a secret may be in
    it.
    """
    from urllib3.exceptions import LocationValueError
    from urllib3.util import parse_url

    text = str(url)
    if _AMBIGUOUS.search(text):
        raise InvalidValue(
            f'The value of "{name}" is no URL: it has a space, a backslash or a control character'
        )
    try:
        address = parse_url(text)
    except LocationValueError:
        raise InvalidValue(f'The value of "{name}" is no URL') from None
    if address.auth is not None:
        raise InvalidValue(
            f'The value of "{name}" must have no user in it: credentials belong in a connection'
        )
    if address.scheme == "https" and address.host:
        return address
    if address.scheme == "http" and address.host in _LOOPBACK:
        return address
    raise InvalidValue(f'The value of "{name}" must be an https URL (http is for this machine alone)')


def with_query(address: Url, more: str) -> Url:
    """The same server and path, asked more; without what comes after a `#`, which no server is sent. Pure."""
    query = "&".join(part for part in (address.query, more) if part)
    return address._replace(query=query or None, fragment=None)
