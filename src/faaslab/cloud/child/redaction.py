"""Taking a caller's own key out of a request before anything is done with it or written down.

Rule: pure. Who is let in was decided in front of this process; what a service needs of a signature is which
service and region it was made for. The access keys that the cloud itself gave out stay, since they say whose
account is meant.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.cloud.child.asked import Asked

_OURS = r"(?!A[KS]IA[A-Z0-9]{12,}(?:/|%2F|&|$|:))"
_PARTS = (
    (re.compile(rf"(Credential=){_OURS}[^/&,\s]*?(?=/|%2F)", re.IGNORECASE), r"\1local"),
    (re.compile(rf"((?:^|[?&])AWSAccessKeyId=){_OURS}[^&]*"), r"\1local"),
    (re.compile(rf"(^AWS ){_OURS}[^:\s]*"), r"\1local"),
    (re.compile(r"((?:^|[?&,\s]|X-Amz-)Signature=)[^&,\s]*"), r"\g<1>0"),
    (re.compile(r"(^AWS [^:\s]*:).*"), r"\g<1>0"),
    (re.compile(r"((?:^|[?&])X-Amz-Security-Token=)[^&]*", re.IGNORECASE), r"\g<1>0"),
)


def redacted(asked: Asked) -> Asked:
    """The same request without a secret of its caller in its headers and address."""
    headers = tuple(
        (name, _without(value) if name.lower() == "authorization" else value)
        for name, value in asked.headers
        if name.lower() != "x-amz-security-token"
    )
    return replace(asked, headers=headers, target=_without(asked.target))


def _without(text: str) -> str:
    if "=" not in text and not text.startswith("AWS "):
        return text
    for pattern, instead in _PARTS:
        text = pattern.sub(instead, text)
    return text
