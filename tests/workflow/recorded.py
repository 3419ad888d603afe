"""AWS's recorded executions, and how what happened here is compared with them: the recorder's own rules."""

import json
import re
from pathlib import Path

import pytest

CASES = Path(__file__).parents[3] / "shared" / "conformance" / "asl"
STAND_IN = "arn:aws:stub:"  # an ARN that the recorder did not keep
PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z0-9_:-]*>")


def cases(kind):
    """The cases of one file; none where the folder is not there."""
    path = CASES / f"{kind}.json"
    return json.loads(path.read_text("utf-8"))["cases"] if path.exists() else []


def definition_of(case):
    return json.loads(case["definition_text"]) if "definition_text" in case else case["definition"]


def input_of(case):
    return json.loads(case["input_text"]) if case.get("input_text") else {}


class Comparison:
    """Says where two values differ. A recorder's token stands for any text; JSON in texts is read on both sides."""

    def __init__(self, replacements):
        words = sorted((word for word in replacements if len(word) > 3), key=len, reverse=True)
        self.tokens = re.compile("|".join([PLACEHOLDER.pattern, *map(re.escape, words)]))
        self.whole = set(words)

    def difference(self, expected, actual, where="$"):
        """Where they differ first, None when they are the same."""
        if isinstance(expected, str) and self.tokens.fullmatch(expected):
            return None
        if isinstance(expected, str) and isinstance(actual, str) and self._same_text(expected, actual):
            return None  # as it was recorded, even where a token made it no JSON
        expected, actual = self._read(expected), self._read(actual)
        if isinstance(expected, dict) and isinstance(actual, dict):
            if set(expected) != set(actual):
                return f"{where}: {sorted(set(expected) ^ set(actual))} are on one side only"
            for key, value in expected.items():
                found = self.difference(value, actual[key], f"{where}.{key}")
                if found:
                    return found
            return None
        if isinstance(expected, list) and isinstance(actual, list):
            if len(expected) != len(actual):
                return f"{where}: {len(expected)} expected, {len(actual)} found"
            for index, (one, other) in enumerate(zip(expected, actual)):
                found = self.difference(one, other, f"{where}[{index}]")
                if found:
                    return found
            return None
        if isinstance(expected, str) and isinstance(actual, str):
            return (
                None
                if self._same_text(expected, actual)
                else f"{where}: {expected!r} expected, {actual!r} found"
            )
        if isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
            return f"{where}: {expected!r} expected, {actual!r} found"
        return None

    def _same_text(self, expected, actual):
        if expected == actual or actual.startswith(STAND_IN):
            return True
        parts = self.tokens.split(expected)
        if len(parts) == 1:
            return False
        return re.fullmatch(".*".join(map(re.escape, parts)), actual, re.DOTALL) is not None

    def _read(self, value):
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value


needs_cases = pytest.mark.skipif(
    not CASES.is_dir(), reason="the recorded cases are not beside this repository"
)
