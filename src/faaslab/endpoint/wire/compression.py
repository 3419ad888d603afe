"""Bodies that a client has compressed, as SDKs do with many metrics at once.

https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait
"""

from __future__ import annotations

import zlib

from faaslab.endpoint.messages import Fault, Request
from faaslab.endpoint.wire.values import serialization

LARGEST = 16 << 20
"""Bytes that a body may become: some that are sent become a thousand times as many."""
GZIP = 31
"""zlib's name for gzip with the largest window."""


def body_of(request: Request) -> bytes:
    """The body as it was before gzip, if it went through it."""
    if request.headers.get("content-encoding", "").strip().lower() != "gzip":
        return request.body
    opening = zlib.decompressobj(GZIP)
    try:
        body = opening.decompress(request.body, LARGEST)
    except zlib.error:
        raise serialization("The body is not gzip") from None
    if opening.unconsumed_tail:
        raise Fault("RequestEntityTooLarge", f"The body is more than {LARGEST} bytes", status=413)
    if not opening.eof:
        raise serialization("The gzip of the body ends early")
    return body
