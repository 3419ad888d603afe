"""Which field a state of a type may have, in which query language. Data only."""

from __future__ import annotations

from typing import Final

TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
LANGUAGES: Final = ("JSONPath", "JSONata")

_ALL = "Type Comment QueryLanguage"
_GOES_ON = f"{_ALL} Next End Assign"
_CAUGHT = f"{_GOES_ON} Retry Catch"
_PATHS = "InputPath OutputPath"
_RESULT = f"{_PATHS} Parameters ResultPath"
_SELECTED = f"{_RESULT} ResultSelector"

_TABLE = {
    # type: (in both languages, in JSONPath only, in JSONata only)
    "Pass": (_GOES_ON, f"{_RESULT} Result", "Output"),
    "Task": (
        f"{_CAUGHT} Resource TimeoutSeconds HeartbeatSeconds Credentials",
        f"{_SELECTED} TimeoutSecondsPath HeartbeatSecondsPath",
        "Arguments Output",
    ),
    "Choice": (f"{_ALL} Choices Default Assign", _PATHS, "Output"),
    "Wait": (f"{_GOES_ON} Seconds Timestamp", f"{_PATHS} SecondsPath TimestampPath", "Output"),
    "Succeed": (_ALL, _PATHS, "Output"),
    "Fail": (f"{_ALL} Error Cause", "ErrorPath CausePath", ""),
    "Parallel": (f"{_CAUGHT} Branches", _SELECTED, "Arguments Output"),
    "Map": (
        (
            f"{_CAUGHT} ItemProcessor Iterator ItemSelector ItemReader ItemBatcher ResultWriter Label"
            " MaxConcurrency ToleratedFailureCount ToleratedFailurePercentage"
        ),
        f"{_SELECTED} ItemsPath MaxConcurrencyPath ToleratedFailureCountPath ToleratedFailurePercentagePath",
        "Items Output",
    ),
}
FIELDS: Final = {
    kind: {
        "JSONPath": frozenset(f"{both} {path}".split()),
        "JSONata": frozenset(f"{both} {jsonata}".split()),
    }
    for kind, (both, path, jsonata) in _TABLE.items()
}

MACHINE: Final = frozenset(["Comment", "StartAt", "States", "QueryLanguage", "TimeoutSeconds", "Version"])
BRANCH: Final = frozenset(["Comment", "StartAt", "States"])
PROCESSOR: Final = BRANCH | {"ProcessorConfig"}

TEMPLATES: Final = frozenset(
    ["Parameters", "ResultSelector", "ItemSelector", "Assign", "Arguments", "Output", "Items"]
)
"""Fields whose value is any JSON, in which expressions may stand anywhere."""
PATHS: Final = frozenset(["InputPath", "OutputPath", "ItemsPath"])
REFERENCES: Final = frozenset(
    [
        "SecondsPath",
        "TimestampPath",
        "TimeoutSecondsPath",
        "HeartbeatSecondsPath",
        "MaxConcurrencyPath",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    ]
)
TEXT_PATHS: Final = frozenset({"ErrorPath", "CausePath"})

NUMBERS: Final = {
    # field: (smallest, largest)
    "Seconds": (0, 99_999_999),
    "TimeoutSeconds": (1, 99_999_999),
    "HeartbeatSeconds": (1, 99_999_999),
    "MaxConcurrency": (0, None),
    "ToleratedFailureCount": (0, None),
}

EXCLUSIVE: Final = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("ItemProcessor", "Iterator"),
    ("ItemSelector", "Parameters"),
)
