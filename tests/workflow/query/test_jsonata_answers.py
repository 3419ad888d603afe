"""What the reference engine of JSONata answers, at the level that Step Functions has (2.0.6)."""

import json
import random
from datetime import datetime
from pathlib import Path

import pytest

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import jsonata
from faaslab.workflow.scope import Scope

ANSWERS = json.loads(Path(__file__).with_name("jsonata_answers.json").read_text("utf-8"))
NAMES = ANSWERS["names"]
DIFFERENT = {
    "12345678901234567890": "a number past 64 bits is the double that it is, with all its digits",
    '$base64encode("é")': "UTF-8, where the engine in JavaScript has Latin-1",
    '$base64decode("w6k=")': "UTF-8, where the engine in JavaScript has Latin-1",
    "$fromMillis(1e18)": "a year that no calendar has is an error, not NaN in every place",
    '$formatNumber(1e21, "#,##0")': "a large number has digits, where the reference puts 1e+21 in groups",
    '$toMillis("2018 Marchy", "[Y0001] [MNn]")': "what is no month is no date, not one in January",
    "function(x) {x}": "the parser does not say which of the parameters is no variable",
}


def answer(expression):
    scope = Scope(
        NAMES["states"]["input"],
        NAMES["states"]["context"],
        {name: value for name, value in NAMES.items() if name != "states"},
        random.Random(1),
        datetime(2026, 1, 2, 3, 4, 5),
    )
    try:
        return ["value", jsonata.evaluate("{% " + expression + " %}", scope, "F")]
    except StateFailure as failure:
        told = failure.cause.split("specified for the field 'F' ", 1)[1]
    if told == "returned nothing (undefined).":
        return ["undefined"]
    return ["error", told.removeprefix("threw an error during evaluation. ")]


@pytest.mark.parametrize("row", ANSWERS["answers"], ids=lambda row: row[0][:60])
def test_the_reference_answers_the_same(row):
    expression, *expected = row
    assert (answer(expression) == expected) is (expression not in DIFFERENT)
