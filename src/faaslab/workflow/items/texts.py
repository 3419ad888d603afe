"""Bytes of a file of items as text: unpacked within bounds, and UTF-8 or refused."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from faaslab.workflow.failure import StateFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

READER_FAILED = "States.ItemReaderFailed"
LARGEST = 512 * 1024 * 1024
"""Bytes of one file, unpacked. Step Functions takes more; this is what one process should hold."""
LONGEST_LINE = 8 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOM = "\ufeff"


def reader_failed(cause: str) -> StateFailure:
    """The failure of a reader."""
    return StateFailure(READER_FAILED, cause)


def unpacked(body: bytes, largest: int = LARGEST) -> bytes:
    """The bytes of a file, out of gzip where it is gzip.

    Raises:
        StateFailure: It is damaged, larger than `largest` when unpacked, or packed with zstd.

    """
    if body.startswith(_ZSTD):
        raise reader_failed("The file is compressed with zstd, which is not read here: use gzip.")
    if not body.startswith(_GZIP):
        if len(body) > largest:
            raise reader_failed(f"The file has {len(body):,} bytes; at most {largest:,} are read.")
        return body
    parts = []
    size = 0
    rest = body
    while rest:
        if not rest.startswith(_GZIP):
            break  # zeros after the last member are padding
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(rest, largest - size + 1)
        except zlib.error as damaged:
            raise reader_failed(f"The file is no valid gzip file: {damaged}.") from damaged
        size += len(part)
        if size > largest:
            raise reader_failed(f"The file has more than {largest:,} bytes when it is unpacked.")
        if not member.eof:
            raise reader_failed("The gzip file ends too early.")
        parts.append(part)
        rest = member.unused_data
    return b"".join(parts)


def text_of(body: bytes) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        StateFailure: It is not UTF-8, or has NULs, as a file of UTF-16 has.

    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise reader_failed(f"The file is not UTF-8: invalid byte at position {wrong.start}.") from wrong
    nul = text.find("\0")
    if nul >= 0:
        raise reader_failed(f"The file is no text: it has a NUL character at position {nul}.")
    return text.removeprefix(_BOM)


def lines_of(text: str) -> Iterator[str]:
    r"""The lines that are not empty, without their ends (`\n` or `\r\n`).

    Raises:
        StateFailure: A line is longer than `LONGEST_LINE` characters.

    """
    begin = 0
    number = 0
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        number += 1
        if end - begin > LONGEST_LINE:
            raise reader_failed(f"Line {number} is longer than {LONGEST_LINE:,} characters.")
        line = text[begin:end].removesuffix("\r")
        if line:
            yield line
        begin = end + 1
