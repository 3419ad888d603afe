"""What may reach a terminal: text, its colours, and nothing that commands it.

Rule: what a function returned, raised or logged is somebody else's text. In a terminal its control characters
are shown and not obeyed; a file or a pipe gets it as it is.
"""

from __future__ import annotations

import re
from typing import Any

# A colour (`ESC [ 31 m`) is harmless; all other control characters but tab and newline could move the cursor,
# rename the window, or make the terminal answer as if somebody had typed.
_CONTROL = re.compile(r"(\x1b\[[\d;]{0,20}m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_terminal(stream: Any) -> bool:
    """Whether somebody looks at it."""
    try:
        return bool(stream.isatty()) and stream.fileno() >= 0
    except (AttributeError, OSError, ValueError):
        return False


def shown(text: str, stream: Any) -> str:
    """The text as it may be written to the stream."""
    return harmless(text) if is_terminal(stream) else text


def harmless(text: str) -> str:
    """The text with its control characters as escapes; colours stay, and end with it."""
    coloured = False

    def seen(match: re.Match[str]) -> str:
        nonlocal coloured
        if match[1]:
            coloured = True
            return match[1]
        return f"\\x{ord(match[0]):02x}"

    replaced = _CONTROL.sub(seen, text)
    return f"{replaced}\x1b[0m" if coloured else replaced
