"""What a word was most likely meant to be stands beside AWS's message, and never in it."""

import pytest

from faaslab.workflow.validate import diagnostics, meant

LONG = "n" * 79


def machine(state, **fields):
    return {"StartAt": "a/b", "States": {"a/b": state, "done": {"Type": "Succeed"}}, **fields}


@pytest.mark.parametrize(
    ("definition", "word"),
    [
        (machine({"Type": "Tsk", "Next": "done"}), "Task"),
        (machine({"Type": "pass", "Next": "done"}), "Pass"),
        (machine({"Type": "Pass", "Next": "dne"}), "done"),
        (machine({"Type": "Pass", "Next": "Done"}), "done"),
        (machine({"Type": "Pass", "Next": "done", "ResultPaht": "$.a"}), "ResultPath"),
        (machine({"Type": "Pass", "Next": "done", "Ouput": 1}, QueryLanguage="JSONata"), "Output"),
        (machine({"Type": "Pass", "Next": "done"}, Coment="x"), "Comment"),
        (
            machine({"Type": "Task", "Next": "done", "Resource": "arn:aws:states:::sqs:sendMesage"}),
            "arn:aws:states:::sqs:sendMessage",
        ),
        (
            machine({"Type": "Task", "Next": "done", "Resource": "arn:aws:states:::glue:startJobRun.snc"}),
            "arn:aws:states:::glue:startJobRun.sync",
        ),
        (
            machine(
                {
                    "Type": "Map", "Next": "done", "ItemProcessor": {
                        "StartAt": LONG, "States": {LONG: {"Type": "Pass", "Next": "lst"}, "last": {"Type": "Fail"}}
                    }
                }
            ),
            "last",
        ),
        (
            machine(
                {"Type": "Pass", "Next": "done", "Retry": [{"ErrorEqual": ["A"]}]}
                | {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f"}
            ),
            "ErrorEquals",
        ),
        (
            machine(
                {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThen": 1, "Next": "done"}]}
            ),
            "NumericGreaterThan",
        ),
        (
            machine(
                {"Type": "Choice", "Choices": [{"Not": {"Variable": "$.n", "IsPresnt": True}, "Next": "done"}]}
            ),
            "IsPresent",
        ),
        (
            machine({"Type": "Pass", "Next": "done", "Parameters": {"a.$": "States.Formt('{}', $.a)"}}),
            "States.Format",
        ),
        ({"StartAt": "a", "States": {"a": {"Type": "Zzz"}}}, None),
        ({"StartAt": "nowhere at all", "States": {"a": {"Type": "Pass", "End": True}}}, None),
    ],
)  # fmt: skip
def test_the_nearest_word_is_found(definition, word):
    found = diagnostics(definition)
    assert word in [meant(each, definition) for each in found]
    assert not [each for each in found if "did you mean" in each.message]


def test_a_place_that_is_not_there_has_no_word():
    (found,) = diagnostics({"StartAt": "a", "States": {"a": {"Type": "Pas", "End": True}}})
    assert meant(found, {}) is None
    assert meant(found, [1]) is None
    assert meant(found, {"States": {"a": 3}}) is None
