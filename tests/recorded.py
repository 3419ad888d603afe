"""What was recorded from AWS (`../shared/conformance/asl`), and whether an answer of ours is the same.

Values that are never the same twice were replaced by tokens when they were recorded: a token stands for any
text. Texts that begin as JSON objects or arrays were recorded as what they say.
"""

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "conformance" / "asl"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recorded cases are not here ({FOLDER})")
# Tokens that stand for a part of a text have a form that no other text has.
_PARTS = re.compile(
    r"(<[A-Za-z_][^<>]*>|111111111111|[a-z]+_role_arn(?:_t\d)?|lambda_function_name|bucket-name)"
)
_WORDS = {
    "date", "datetime", "timestamp", "RequestId", "x-amzn-RequestId", "x-amzn-requestid", "x-amz-crc32",
    "X-Amzn-Trace-Id", "entered-time", "start-time", "start-date", "stop-date", "request_id",
}  # fmt: skip


@cache
def cases(name):
    """All cases of a file, none where the files are not here."""
    path = FOLDER / f"{name}.json"
    return tuple(json.loads(path.read_text("utf-8"))["cases"]) if path.exists() else ()


def parameters(name):
    """For `pytest.mark.parametrize`."""
    return [pytest.param(case, id=case["id"].partition("::")[2]) for case in cases(name)]


def definition_of(case):
    """A case's definition, parsed."""
    return json.loads(case["definition_text"]) if "definition_text" in case else case["definition"]


def definition_text(case):
    """A case's definition as it is sent."""
    given = case.get("definition_text")
    return given if given is not None else json.dumps(case["definition"])


def unstubbed(value):
    """A case's arguments with an ARN of an execution, where the case has a word for the recorder's own."""
    stub = r'arn:aws:stub:[^"]*_execution_arn:[^"]*:(\w+)(?=\\")'
    arn = r"arn:aws:states:us-east-1:111111111111:execution:TargetStateMachine:\1"
    return json.loads(re.sub(stub, arn, json.dumps(value)))


def input_of(case):
    """What a case's execution is given, parsed."""
    return json.loads(case["input_text"]) if case.get("input_text") else {}


def differences(expected, answer, tokens=()):
    """Where `answer` is not what was recorded: a line each."""
    return list(_differences(expected, answer, "", _WORDS | set(tokens)))


def _read(value):
    """A value as the recorder kept it; None for a text that is no JSON, though it begins so."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value


def _differences(expected, answer, place, tokens):
    if isinstance(expected, str) and expected.strip('"') in tokens:  # in quotes it is the text of a variable
        return
    if (read := _read(expected)) is not None or expected is None:
        expected, answer = read, _read(answer)
    if isinstance(expected, dict) and isinstance(answer, dict):
        for key in sorted(expected.keys() | answer.keys()):
            if key not in answer:
                yield f"{place}/{key}: lacks {_shown(expected[key])}"
            elif key not in expected:
                yield f"{place}/{key}: has {_shown(answer[key])}"
            else:
                yield from _differences(expected[key], answer[key], f"{place}/{key}", tokens)
    elif isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        for at, (one, other) in enumerate(zip(expected, answer, strict=True)):
            yield from _differences(one, other, f"{place}/{at}", tokens)
    elif isinstance(expected, str) and isinstance(answer, str):
        if not _fits(expected, answer, tokens):
            yield f"{place}: {_shown(answer)} is not {_shown(expected)}"
    elif isinstance(expected, bool) is not isinstance(answer, bool) or expected != answer:
        yield f"{place}: {_shown(answer)} is not {_shown(expected)}"


def _fits(expected, answer, tokens):
    if expected == answer:
        return True
    inside = "|".join(
        re.escape(token) for token in sorted(tokens - _WORDS, key=len, reverse=True) if len(token) > 6
    )
    pattern = re.compile(f"{_PARTS.pattern}|({inside})") if inside else _PARTS
    parts, at = [], 0
    for found in pattern.finditer(expected):
        parts += [re.escape(expected[at : found.start()]), ".*"]
        at = found.end()
    parts.append(re.escape(expected[at:]))
    return re.fullmatch("".join(parts), answer, re.DOTALL) is not None


def _shown(value):
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:297]}..."
