import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from faaslab.workflow.testing.mocks import misfit


def form(service, operation):
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service_name=service)
    return model.operation_model(operation).output_shape


@pytest.mark.parametrize(
    ("service", "operation", "result", "said"),
    [
        ("events", "PutEvents", {"nobody": 1}, None),
        ("events", "PutEvents", {"Entries": "x"}, "Field 'Entries' must be an array"),
        ("events", "PutEvents", {"Entries": [{}, {"EventId": [1]}]}, "Field 'EventId' must be a string"),
        ("events", "PutEvents", {"Entries": None, "FailedEntryCount": True}, "Field 'FailedEntryCount' must be a number"),
        ("stepfunctions", "StartExecution", {"StartDate": "x"}, "Required field 'ExecutionArn' is missing"),
        ("stepfunctions", "StartExecution", {"ExecutionArn": "x", "StartDate": 1}, "Field 'StartDate' must be a string"),
        ("s3", "GetObject", {"StorageClass": "Papyrus"}, "Field 'StorageClass' is not an expected value"),
        ("s3", "GetObject", {"Metadata": {"a": 1}}, "Field 'a' must be a string"),
        ("lambda", "GetFunction", {"Configuration": {"MemorySize": 1}}, "Field 'MemorySize' is less than the minimum value"),
        ("lambda", "GetFunction", {"Configuration": {"MemorySize": 10**6}}, "Field 'MemorySize' exceeds the maximum value"),
        ("lambda", "GetFunction", {"Configuration": []}, "Field 'Configuration' must be an object"),
        ("dynamodb", "GetItem", {"Item": {"a": {"BOOL": "yes"}}}, "Field 'BOOL' must be a boolean"),
    ],
)  # fmt: skip
def test_a_mocked_result_is_what_the_api_answers(service, operation, result, said):
    expected = said and f"Mock result schema validation error: {said}"
    assert misfit(result, form(service, operation), "STRICT") == expected
    assert misfit(result, form(service, operation), "NONE") is None


def test_only_the_strict_mode_asks_for_what_is_required():
    shape = form("stepfunctions", "StartExecution")
    assert misfit({}, shape, "PRESENT") is None
    assert misfit({"ExecutionArn": 1}, shape, "PRESENT") is not None


def test_what_an_integration_answers_with_otherwise_may_be_anything():
    shape = form("lambda", "Invoke")
    assert misfit({"Payload": {"a": 1}}, shape, "STRICT") is not None
    assert misfit({"Payload": {"a": 1}}, shape, "STRICT", free=frozenset({"Payload"})) is None


def test_a_mock_that_is_nested_deep_is_checked_without_recursion():
    result = {"S": "x"}
    for _ in range(5000):
        result = {"L": [result]}
    assert misfit({"Item": {"a": result}}, form("dynamodb", "GetItem"), "STRICT") is None


def test_only_an_object_is_the_answer_of_an_api():
    assert misfit([], form("events", "PutEvents"), "STRICT") == "Mocked result must be a JSON object."
