"""Files that a user names, read whole: regular ones only, and no more of them than is wanted.

A device has no end and a FIFO no beginning; whoever names one by mistake is told so at once.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, *, limit: int, place: str, hint: str | None = None) -> bytes:
    """The bytes of a regular file of `limit` bytes at most. Raises `InvalidValue` for anything else."""
    try:
        # Opening a FIFO would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InvalidValue(
                    f"cannot read {str(path)!r}: a device, a pipe or a socket is no regular file",
                    place=place,
                    hint=hint,
                )
            data = file.read(limit + 1)
    except OSError as error:
        raise InvalidValue(
            f"cannot read {str(path)!r}: {error.strerror or error}", place=place, hint=hint
        ) from None
    except ValueError as error:  # a null byte in its name
        raise InvalidValue(f"cannot read {str(path)!r}: {error}", place=place, hint=hint) from None
    if len(data) > limit:
        raise InvalidValue(f"{str(path)!r} has more than {limit:,} bytes", place=place)
    return data
