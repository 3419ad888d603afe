"""Each rule of the language, broken: the code, the words and the place."""

import pytest

from faaslab.workflow.validate import diagnostics, refusal, validation

SCHEMA = "SCHEMA_VALIDATION_FAILED"
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:f"
INSIDE = {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}}
MANY = {**INSIDE, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}


def machine(state, **top):
    """A machine of one state that is entered and ends, unless it says otherwise."""
    goes_on = state.get("Type") in ("Choice", "Succeed", "Fail") or {"Next", "End"} & set(state)
    return {"StartAt": "S", "States": {"S": state if goes_on else {**state, "End": True}}, **top}


def found(definition, machine_type="STANDARD"):
    return [
        (one.severity, one.code, one.message, one.location) for one in diagnostics(definition, machine_type)
    ]


def said(definition, machine_type="STANDARD"):
    """What is wrong, with where: only of errors, and without the code when it is the schema's."""
    return [
        f"{'' if code == SCHEMA else code + ': '}{message} at {place}"
        for severity, code, message, place in found(definition, machine_type)
        if severity == "ERROR"
    ]


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        # fields
        ({"Type": "Pass", "Retry": []}, "Field 'Retry' is not supported at /States/S"),
        ({"Type": "Wait", "Seconds": 1, "ResultPath": None}, "Field 'ResultPath' is not supported at /States/S"),
        (
            {"Type": "Pass", "Output": 1},
            ("The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata'"
            " QueryLanguage at /States/S"),
        ),
        (
            {"Type": "Pass", "QueryLanguage": "JSONata", "ResultPath": "$"},
            ("The QueryLanguage is set to 'JSONata', but field 'ResultPath' is only supported for the 'JSONPath'"
            " QueryLanguage at /States/S"),
        ),
        (
            {"Type": "Pass", "QueryLanguage": "jsonata"},
            ("The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata] at"
            " /States/S/QueryLanguage"),
        ),
        ({"Type": "Pass", "Comment": 3}, "Expected value of type String at /States/S/Comment"),
        ({"Type": "Pass", "End": "yes"}, "Expected value of type Boolean at /States/S/End"),
        ({"Type": "Pass", "End": False}, "One of these fields is required: [Next] at /States/S"),
        ({"Type": "Pass", "End": True, "Next": "S"}, "Only one of these fields may be there: [Next, End] at /States/S"),
        ({"Type": "Pass", "Next": 3}, "Expected value of type String at /States/S/Next"),
        ({"End": True}, "These fields are required: [Type] at /States/S"),
        # numbers
        ({"Type": "Wait", "Seconds": "1"}, "Expected value of type Integer at /States/S/Seconds"),
        ({"Type": "Wait", "Seconds": 1.0}, "Expected value of type Integer at /States/S/Seconds"),
        ({"Type": "Wait", "Seconds": True}, "Expected value of type Integer at /States/S/Seconds"),
        ({"Type": "Wait", "Seconds": -1}, "Minimum value is 0 at /States/S/Seconds"),
        ({"Type": "Wait", "Seconds": 10**16}, "Maximum value is 99999999 at /States/S/Seconds"),
        ({"Type": "Wait"}, "One of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath] at /States/S"),
        (
            {"Type": "Wait", "Seconds": 1, "TimestampPath": "$.a"},
            "Only one of these fields may be there: [Seconds, TimestampPath] at /States/S",
        ),
        ({"Type": "Wait", "Timestamp": "2024-02-30T00:00:00Z"}, "String does not match RFC3339 timestamp at /States/S/Timestamp"),
        ({"Type": "Task", "Resource": LAMBDA, "TimeoutSeconds": 0}, "Minimum value is 1 at /States/S/TimeoutSeconds"),
        (
            {"Type": "Task", "Resource": LAMBDA, "TimeoutSeconds": 5, "HeartbeatSeconds": 5},
            "HeartbeatSeconds must be smaller than TimeoutSeconds at /States/S/HeartbeatSeconds",
        ),
        (
            {"Type": "Task", "Resource": LAMBDA, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"},
            "Only one of these fields may be there: [TimeoutSeconds, TimeoutSecondsPath] at /States/S",
        ),
        # paths and templates
        ({"Type": "Pass", "OutputPath": "Test"}, "Value must be a valid JSONPath. at /States/S/OutputPath"),
        ({"Type": "Pass", "InputPath": 3}, "Expected value of type String at /States/S/InputPath"),
        (
            {"Type": "Pass", "ResultPath": "a"},
            "Value is not a Reference Path: Reference path didn't start with '$' at /States/S/ResultPath",
        ),
        (
            {"Type": "Pass", "ResultPath": "$$.a"},
            "Value is not a Reference Path: only a path of the input can be written at /States/S/ResultPath",
        ),
        (
            {"Type": "Pass", "Parameters": {"a": [{"b.$": "Test"}]}},
            ("The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call at"
            " /States/S/Parameters"),
        ),
        (
            {"Type": "Pass", "Assign": {"b.$": 3}},
            ("The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call at"
            " /States/S/Assign"),
        ),
        (
            {"Type": "Pass", "Parameters": {"a": 1, "a.$": "$.b"}},
            "The fields 'a' and 'a.$' are one and the same when evaluated at /States/S/Parameters",
        ),
        (
            {"Type": "Fail", "ErrorPath": "x"},
            "Value must be a valid JSONPath or a valid intrinsic function call at /States/S/ErrorPath",
        ),
        ({"Type": "Fail", "Error": 3}, "Expected value of type String at /States/S/Error"),
        ({"Type": "Fail", "Cause": "a", "CausePath": "$.a"}, "Only one of these fields may be there: [Cause, CausePath] at /States/S"),
        # JSONata
        (
            {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": "{% 1 + %}"}},
            "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/S/Output/v",
        ),
        (
            {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": ["{% phone %}"]}},
            ("UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at"
            " /States/S/Output/v[0]"),
        ),
        (
            {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% 1"},
            ("INVALID_JSONATA_EXPRESSION: An expression begins with '{%' and ends with '%}', with nothing around"
            " them at /States/S/Output"),
        ),
        # assigning
        ({"Type": "Pass", "Assign": []}, "Expected value of type Object at /States/S/Assign"),
        ({"Type": "Pass", "Assign": {"states": 1}}, "The variable name 'states' is reserved at /States/S/Assign"),
        ({"Type": "Pass", "Assign": {"a-b": 1}}, "Invalid variable name: a-b at /States/S/Assign"),
        ({"Type": "Pass", "Assign": {"": 1}}, "Invalid variable name:  at /States/S/Assign"),
        # retrying
        (
            {"Type": "Task", "Resource": LAMBDA, "Retry": [{"ErrorEquals": ["States.ALL", "A"]}]},
            "States.ALL must appear alone and at end of list at /States/S/Retry[0]/ErrorEquals[0]",
        ),
        (
            {"Type": "Task", "Resource": LAMBDA, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]},
            "States.ALL must appear alone and at end of list at /States/S/Retry[0]/ErrorEquals[0]",
        ),
        (
            {"Type": "Task", "Resource": LAMBDA, "Retry": [{"ErrorEquals": ["A"], "BackoffRate": 0.5}]},
            "Minimum value is 1 at /States/S/Retry[0]/BackoffRate",
        ),
        ({"Type": "Task", "Resource": LAMBDA, "Retry": [{}]}, "These fields are required: [ErrorEquals] at /States/S/Retry[0]"),
        (
            {"Type": "Task", "Resource": LAMBDA, "Retry": [{"ErrorEquals": []}]},
            "Array must have at least one element at /States/S/Retry[0]/ErrorEquals",
        ),
        (
            {"Type": "Task", "Resource": LAMBDA, "Catch": [{"ErrorEquals": ["A"]}]},
            "These fields are required: [Next] at /States/S/Catch[0]",
        ),
        # choosing
        ({"Type": "Choice", "Choices": []}, "Array must have at least one element at /States/S/Choices"),
        # tasks
        ({"Type": "Task"}, "These fields are required: [Resource] at /States/S"),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:query"},
            ("The resource provided arn:aws:states:::dynamodb:query is not recognized. The value is not a valid"
            " resource ARN, or the resource is not available in this region. at /States/S/Resource"),
        ),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject.sync"},
            ("The resource provided arn:aws:states:::aws-sdk:s3:putObject.sync is not recognized. The value is not"
            " a valid resource ARN, or the resource is not available in this region. at /States/S/Resource"),
        ),
        (
            {"Type": "Task", "Resource": LAMBDA, "Credentials": {"roleArn": "a"}},
            "The field 'RoleArn' is required but was missing at /States/S/Credentials",
        ),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"Payload.$": "$"}},
            "The field 'FunctionName' is required but was missing at /States/S/Parameters",
        ),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "QueryLanguage": "JSONata"},
            "The field 'Message' is required but was missing at /States/S",
        ),
        # parallels and maps
        ({"Type": "Parallel", "Branches": []}, "Array must have at least one element at /States/S/Branches"),
        ({"Type": "Parallel", "Branches": [3]}, "Expected value of type Object at /States/S/Branches[0]"),
        ({"Type": "Map"}, "One of these fields is required: [ItemProcessor, Iterator] at /States/S"),
        (
            {"Type": "Map", "ItemProcessor": {**INSIDE, "QueryLanguage": "JSONata"}},
            "Field 'QueryLanguage' is not supported at /States/S/ItemProcessor",
        ),
        (
            {"Type": "Map", "ItemProcessor": {**INSIDE, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}},
            "These fields are required: [ExecutionType] at /States/S/ItemProcessor/ProcessorConfig",
        ),
        (
            {"Type": "Map", "ItemProcessor": INSIDE, "Label": "a"},
            "Field 'Label' is only supported for a Map in DISTRIBUTED mode at /States/S",
        ),
        ({"Type": "Map", "ItemProcessor": MANY, "Label": "a b"}, "INVALID_LABEL_NAME: Invalid Label name: a b at /States/S/Label"),
        (
            {"Type": "Map", "ItemProcessor": INSIDE, "ToleratedFailurePercentage": 100.5},
            "Maximum value is 100 at /States/S/ToleratedFailurePercentage",
        ),
        (
            {"Type": "Map", "ItemProcessor": MANY, "ItemBatcher": {}},
            ("One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch, MaxItemsPerBatchPath,"
            " MaxInputBytesPerBatchPath] at /States/S/ItemBatcher"),
        ),
        (
            {"Type": "Map", "ItemProcessor": MANY, "ItemBatcher": {"MaxInputBytesPerBatch": 300_000}},
            "Maximum value is 262144 at /States/S/ItemBatcher/MaxInputBytesPerBatch",
        ),
        (
            {"Type": "Map", "ItemProcessor": MANY, "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {}}},
            "These fields are required: [ReaderConfig] at /States/S/ItemReader",
        ),
        (
            {"Type": "Map", "ItemProcessor": MANY, "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {}, "ReaderConfig": {"ManifestType": "S3_INVENTORY", "InputType": "JSON"}}},
            ("Field 'InputType' is not supported for an S3_INVENTORY: its own manifest names the format at"
            " /States/S/ItemReader/ReaderConfig/InputType"),
        ),
        (
            {"Type": "Map", "ItemProcessor": MANY, "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {}, "ReaderConfig": {"Transformation": "LOAD_AND_FLATTEN"}}},
            "These fields are required: [InputType] at /States/S/ItemReader/ReaderConfig",
        ),
        (
            {"Type": "Map", "ItemProcessor": MANY, "ResultWriter": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {}}},
            ("The resource provided arn:aws:states:::s3:getObject is not recognized. The value is not a valid"
            " resource ARN, or the resource is not available in this region. at /States/S/ResultWriter/Resource"),
        ),
    ],
)  # fmt: skip
def test_a_state_that_breaks_a_rule(state, wrong):
    assert said(machine(state)) == [wrong]


RULES = "/States/S/Choices[0]"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"Variable": "$.a", "StringEquals": "a"}, "These fields are required: [Next]"),
        ({"Variable": "$.a", "Next": "E"}, "A rule must have exactly one comparison"),
        (
            {"Variable": "$.a", "StringEquals": "a", "IsNull": True, "Next": "E"},
            "A rule must have exactly one comparison: [StringEquals, IsNull]",
        ),
        ({"StringEquals": "a", "Next": "E"}, "These fields are required: [Variable]"),
        ({"Variable": "Test", "StringEquals": "a", "Next": "E"}, ("Value is not a Reference Path: Reference path didn't start with '$'", "/Variable")),
        ({"Variable": "$.a", "StringEquals": 1, "Next": "E"}, ("Expected value of type String", "/StringEquals")),
        ({"Variable": "$.a", "NumericEquals": "1", "Next": "E"}, ("Expected value of type Number", "/NumericEquals")),
        ({"Variable": "$.a", "BooleanEquals": "true", "Next": "E"}, ("Expected value of type Boolean", "/BooleanEquals")),
        ({"Variable": "$.a", "IsPresent": "yes", "Next": "E"}, ("Expected value of type Boolean", "/IsPresent")),
        ({"Variable": "$.a", "TimestampEquals": "now", "Next": "E"}, ("String does not match RFC3339 timestamp", "/TimestampEquals")),
        ({"Variable": "$.a", "Equals": "a", "Next": "E"}, None),
        ({"And": [], "Next": "E"}, ("Array must have at least one element", "/And")),
        ({"Not": [], "Next": "E"}, ("Expected value of type Object", "/Not")),
        ({"And": [{"Variable": "$.a", "IsNull": True, "Next": "E"}], "Next": "E"}, ("Field 'Next' is not supported", "/And[0]")),
        ({"And": [{"Variable": "$.a", "IsNull": True}], "Variable": "$.a", "Next": "E"}, "Field 'Variable' is not supported"),
        ({"Condition": "{% true %}", "Next": "E"}, None),
    ],
)  # fmt: skip
def test_a_choice_rule_that_breaks_a_rule(rule, wrong):
    choice = {"Type": "Choice", "Choices": [rule], "Default": "E"}
    told = said({"StartAt": "S", "States": {"S": choice, "E": {"Type": "Succeed"}}})
    if wrong is None:
        assert (
            f"Field '{next(iter(set(rule) & {'Equals', 'Condition'}))}' is not supported at {RULES}" in told
        )
    else:
        words, place = wrong if isinstance(wrong, tuple) else (wrong, "")
        assert told == [f"{words} at {RULES}{place}"]


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"Condition": "{% true %}"}, "These fields are required: [Next] at /States/S/Choices[0]"),
        ({"Next": "E"}, "These fields are required: [Condition] at /States/S/Choices[0]"),
        ({"Condition": "true", "Next": "E"}, "Value must be a JSONata expression at /States/S/Choices[0]/Condition"),
        ({"Condition": 1, "Next": "E"}, "Expected value of type Boolean at /States/S/Choices[0]/Condition"),
        ({"Condition": True, "Variable": "$.a", "Next": "E"}, "Field 'Variable' is not supported at /States/S/Choices[0]"),
    ],
)  # fmt: skip
def test_a_jsonata_rule_that_breaks_a_rule(rule, wrong):
    choice = {"Type": "Choice", "Choices": [rule], "Default": "E"}
    whole = {"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": choice, "E": {"Type": "Succeed"}}}
    assert said(whole) == [wrong]


# -- the whole


def test_names_are_unique_in_the_whole_machine():
    inside = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    assert said(machine({"Type": "Parallel", "Branches": [inside]})) == [
        "DUPLICATE_STATE_NAME: Duplicate State name: S at /States/S/Branches[0]/States/S"
    ]


def test_labels_are_unique_in_the_whole_machine():
    mapped = {"Type": "Map", "ItemProcessor": MANY, "Label": "same"}
    other = {**MANY, "StartAt": "J", "States": {"J": {"Type": "Succeed"}}}
    whole = {
        "StartAt": "S",
        "States": {"S": {**mapped, "Next": "T"}, "T": {**mapped, "ItemProcessor": other, "End": True}},
    }
    assert said(whole) == ["DUPLICATE_LABEL_NAME: Duplicate Label name: same at /States/T/Label"]


@pytest.mark.parametrize("name", ["", "x" * 81, "a\nb", "\x7f"])
def test_a_name_that_a_state_cannot_have(name):
    assert any(
        "INVALID_STATE_NAME" in one for one in said({"StartAt": name, "States": {name: {"Type": "Succeed"}}})
    )


@pytest.mark.parametrize("name", ["x" * 80, "a/b [0]", "Größe 😀", "\u200fa"])
def test_a_name_that_a_state_can_have(name):
    assert said({"StartAt": name, "States": {name: {"Type": "Succeed"}}}) == []


@pytest.mark.parametrize(
    ("top", "wrong"),
    [
        ({"Version": "2.0"}, "The field 'Version' should have one of these values: [1.0] at /Version"),
        ({"TimeoutSeconds": 0}, "Minimum value is 1 at /TimeoutSeconds"),
        ({"Extra": 1}, "Field 'Extra' is not supported at /"),
        ({"QueryLanguage": "SQL"}, "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata] at /QueryLanguage"),
        ({"StartAt": 3}, "Expected value of type String at /StartAt"),
    ],
)  # fmt: skip
def test_the_outermost_fields(top, wrong):
    assert wrong in said(machine({"Type": "Succeed"}, **top))


@pytest.mark.parametrize(
    ("text", "code", "words", "place"),
    [
        ("[]", SCHEMA, "Definition must be a valid JSON object", None),
        ("null", SCHEMA, "Definition must be a valid JSON object", None),
        ('{"a":1', "INVALID_JSON_DESCRIPTION", "Unexpected end-of-input", "line: 1, column: 7]"),
        ('{"a":NaN}', "INVALID_JSON_DESCRIPTION", "Non-standard token 'NaN'", None),
        ('{"a":1e999}', "INVALID_JSON_DESCRIPTION", "Number out of range", None),
        ('{"a":' + "9" * 5000 + "}", "INVALID_JSON_DESCRIPTION", "Number out of range", None),
        (
            '{"a":\n}',
            "INVALID_JSON_DESCRIPTION",
            "Unexpected character ('}' (code 125))",
            "line: 2, column: 2]",
        ),
        ('{"a":1,"a":2}', "INVALID_JSON_DESCRIPTION", "Duplicate field 'a'", "/a"),
        ('{"States":{"A":{},"A":{}}}', "DUPLICATE_STATE_NAME", "Duplicate State name: A", "/States/A"),
        ('{"a":"\\ud800"}', SCHEMA, "Text holds half of a surrogate pair", "/a"),
        (" " * 1_048_577, SCHEMA, "Definition is larger than 1048576 characters", None),
    ],
)
def test_texts_that_are_no_definition(text, code, words, place):
    first = diagnostics(text)[0]
    assert (first.code, first.message.startswith(words)) == (code, True)
    assert first.location is None if place is None else first.location.endswith(place)


def test_express_machines_do_not_wait_for_others():
    for resource, words in [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Express state machine does not support '.waitForTaskToken' service integration "),
        ("arn:aws:states:::states:startExecution.sync:2", "Express state machine does not support '.sync' service integration "),
        ("arn:aws:states:us-east-1:000000000000:activity:a", "Express state machine does not support activities"),
    ]:  # fmt: skip
        given = {"QueueUrl": "u", "MessageBody": "b", "StateMachineArn": "a"}
        task = {"Type": "Task", "Resource": resource, "Parameters": given}
        assert said(machine(task)) == []
        assert said(machine(task), "EXPRESS") == [f"{words} at /States/S/Resource"]
        inside = {"StartAt": "I", "States": {"I": {**task, "End": True}}}
        child = {**inside, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
        assert said(machine({"Type": "Map", "ItemProcessor": child})) == [
            f"{words} at /States/S/ItemProcessor/States/I/Resource"
        ]
    assert said(machine({"Type": "Map", "ItemProcessor": MANY}), "EXPRESS") == [
        "Express state machine does not support Map states in DISTRIBUTED mode at /States/S"
    ]


def test_a_name_of_the_outside_cannot_be_assigned_inside():
    inside = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"a": 1}, "End": True}}}
    outer = {"Assign": {"a.$": "$.b"}}
    wrong = "Cannot assign variable 'a': it belongs to an outer scope at /States/S/{}/States/I/Assign"
    assert said(machine({"Type": "Map", "ItemProcessor": inside, **outer})) == [wrong.format("ItemProcessor")]
    assert said(machine({"Type": "Parallel", "Branches": [inside], **outer})) == [wrong.format("Branches[0]")]
    alone = {**inside, "ProcessorConfig": MANY["ProcessorConfig"]}  # which sees nothing of the outside
    assert said(machine({"Type": "Map", "ItemProcessor": alone, **outer})) == []


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"Type": "Pass", "Parameters": {"a": "$.b"}}, "NO_DOLLAR"),
        ({"Type": "Pass", "Result": {"a.$": "$.b"}}, "PASS_RESULT_IS_STATIC"),
        ({"Type": "Task", "Resource": "${Function}"}, "UNFILLED_PLACEHOLDER"),
        ({"Type": "Wait", "Seconds": "${Seconds}"}, "UNFILLED_PLACEHOLDER"),
    ],
)
def test_what_is_most_likely_not_meant(state, code):
    told = diagnostics(machine(state))
    assert [(one.severity, one.code) for one in told] == [("WARNING", code)]
    assert refusal(told) is None
    assert validation(told) == {"result": "OK", "diagnostics": [], "truncated": False}
    assert [one["code"] for one in validation(told, severity="WARNING")["diagnostics"]] == [code]


def test_an_answer_has_no_more_than_was_asked_for():
    told = diagnostics({f"x{n}": 1 for n in range(150)})
    assert len(told) == 151
    assert [len(validation(told, most=most)["diagnostics"]) for most in (0, 3, 100)] == [100, 3, 100]
    assert validation(told)["truncated"]
    assert not validation(told[:100])["truncated"]


def test_an_inventory_needs_no_input_type():
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": "b", "Key": "manifest.json"},
        "ReaderConfig": {"ManifestType": "S3_INVENTORY"},
    }
    assert found(machine({"Type": "Map", "ItemProcessor": MANY, "ItemReader": reader})) == []
