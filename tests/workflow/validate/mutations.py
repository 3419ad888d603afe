"""Definitions that are spoilt by chance: one seed gives one spoilt definition, always the same."""

import copy
import json
import random
from pathlib import Path

from faaslab.workflow.source import read
from tests.recorded import cases

OWN = Path(__file__).parents[2] / "cases" / "definitions"
WORDS = [
    "Type", "Next", "End", "StartAt", "States", "Resource", "Parameters", "Arguments", "Assign", "Output",
    "ResultPath", "InputPath", "Choices", "Default", "Condition", "Variable", "And", "Or", "Not", "Branches",
    "ItemProcessor", "Iterator", "ProcessorConfig", "Mode", "Items", "ItemsPath", "ItemReader", "ReaderConfig",
    "ItemBatcher", "ResultWriter", "Retry", "Catch", "ErrorEquals", "QueryLanguage", "Seconds", "Timestamp",
    "TimeoutSeconds", "MaxConcurrency", "Label", "Credentials", "RoleArn", "Error", "Cause", "Comment", "x.$",
    "Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map", "JSONPath", "JSONata", "DISTRIBUTED",
]  # fmt: skip
VALUES = [
    None, True, False, 0, 1, -1, 2**63, 10**40, 0.5, -1e308, "", " ", "$", "$$", "$.a", "$..a[?(@.b==1)]", "$[", "$.",
    "$x.y", "States.UUID()", "States.Format('{}', $.a", "{% $states.input %}", "{% 1 + %}", "{%%}", "{%", "${Name}",
    "a/b", "é\u2028", "x" * 300, [], {}, [[]], {"": {}}, [None, {"a.$": "b"}], {"States": {}},
    {"Type": "Pass", "End": True}, {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}},
]  # fmt: skip


def own():
    return [read(file.read_text("utf-8")).definition for file in sorted(OWN.glob("*.yaml"))]


def recorded():
    found = [case.get("definition") for name in ("definitions", "execution") for case in cases(name)]
    return [one for one in found if isinstance(one, dict)]


def containers(tree):
    found, waiting = [], [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict | list):
            found.append(here)
            waiting.extend(here.values() if isinstance(here, dict) else here)
    return found


def spoilt(definition, seed):
    chance = random.Random(seed)
    tree = copy.deepcopy(definition)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        all_of_them = containers(tree)
        here = chance.choice(all_of_them)
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        value = copy.deepcopy(chance.choice([*VALUES, *WORDS, chance.choice(all_of_them)]))
        if not keys or chance.random() < 0.2:
            if isinstance(here, dict):
                here[chance.choice(WORDS)] = value
            else:
                here.insert(chance.randint(0, len(here)), value)
            continue
        key = chance.choice(keys)
        how = chance.random()
        if how < 0.25:
            del here[key]
        elif how < 0.4 and isinstance(here, dict):
            here[chance.choice([*WORDS, str(key).lower(), f"{key}.$"])] = here.pop(key)
        else:
            here[key] = value
    return tree


def spoilt_text(definition, seed):
    chance = random.Random(seed)
    text = json.dumps(definition, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 1]))
    for _ in range(chance.choice([1, 1, 2, 5])):
        place, length = chance.randrange(len(text) + 1), chance.choice([0, 1, 1, 2, 30])
        put = chance.choice(
            [
                "",
                "",
                '"',
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\\",
                "\n",
                "\t",
                "\x00",
                "\ud800",
                "9" * 500,
                "NaN",
                "&a ",
                "*a",
                "!x ",
                "- ",
            ]
        )
        text = text[:place] + put + text[place + length :]
    return text
