"""Reserved and provisioned concurrency, and how events are handled, by their operations."""

import pytest

from faaslab import app
from faaslab.endpoint.faults import fault_of
from faaslab.endpoint.lambda_ import concurrency, event_invoke
from tests.backends.local.defining import eventually
from tests.endpoint.calling import ask

OPERATIONS = concurrency.OPERATIONS | event_invoke.OPERATIONS
ARN = "arn:aws:lambda:us-east-1:000000000000:function"
ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("concurrency")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache") as lab:
        for name in ("f", "g", "other"):
            lab.functions.create(name, ECHO)
        lab.functions.create("broken", "raise ValueError('no')\n")
        yield lab


def asked(lab, operation, **params):
    return ask(OPERATIONS, lab, operation, **params)


def refused(lab, operation, **params):
    with pytest.raises(Exception) as raised:
        asked(lab, operation, **params)
    fault = fault_of(raised.value)
    return fault.code, fault.status, fault.message


# -- reserved


def test_concurrency_is_reserved_told_and_given_back(lab):
    assert asked(lab, "GetFunctionConcurrency", FunctionName="f") == {}
    put = asked(lab, "PutFunctionConcurrency", FunctionName=f"{ARN}:f", ReservedConcurrentExecutions=7)
    assert put == {"ReservedConcurrentExecutions": 7}
    assert asked(lab, "GetFunctionConcurrency", FunctionName="f") == {"ReservedConcurrentExecutions": 7}
    assert asked(lab, "DeleteFunctionConcurrency", FunctionName="f") is None
    assert asked(lab, "DeleteFunctionConcurrency", FunctionName="f") is None
    assert asked(lab, "GetFunctionConcurrency", FunctionName="f") == {}


@pytest.mark.parametrize(
    "operation", ["PutFunctionConcurrency", "GetFunctionConcurrency", "DeleteFunctionConcurrency"]
)
def test_reserved_concurrency_is_of_functions_only(lab, operation):
    more = {"ReservedConcurrentExecutions": 1} if operation.startswith("Put") else {}
    assert refused(lab, operation, FunctionName="nobody", **more) == (
        "ResourceNotFoundException", 404, f"Function not found: {ARN}:nobody",
    )  # fmt: skip
    code, status, message = refused(lab, operation, FunctionName="f:prod", **more)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("This operation is permitted on Lambda functions only.")


def test_more_than_the_account_has_is_refused(lab):
    code, status, message = refused(
        lab, "PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=999
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("Specified ReservedConcurrentExecutions for function decreases account's")


# -- provisioned


def test_provisioned_concurrency_from_the_beginning_to_the_end(lab):
    number = lab.versions.publish("f").version
    put = asked(
        lab,
        "PutProvisionedConcurrencyConfig",
        FunctionName="f",
        Qualifier=number,
        ProvisionedConcurrentExecutions=2,
    )
    changed = put.pop("LastModified")
    assert changed.endswith("+0000")
    assert put == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    ready = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 2,
        "Status": "READY",
        "LastModified": changed,
    }
    eventually(lambda: asked(lab, "GetProvisionedConcurrencyConfig", FunctionName=f"f:{number}") == ready)
    assert asked(lab, "ListProvisionedConcurrencyConfigs", FunctionName="f") == {
        "ProvisionedConcurrencyConfigs": [{"FunctionArn": f"{ARN}:f:{number}", **ready}]
    }
    for _ in range(2):
        assert asked(lab, "DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier=number) is None
    assert refused(lab, "GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier=number) == (
        "ProvisionedConcurrencyConfigNotFoundException", 404, "No Provisioned Concurrency Config found for this function",
    )  # fmt: skip
    assert asked(lab, "ListProvisionedConcurrencyConfigs", FunctionName="f") == {
        "ProvisionedConcurrencyConfigs": []
    }


def test_an_init_that_fails_is_told(lab):
    number = lab.versions.publish("broken").version
    asked(
        lab,
        "PutProvisionedConcurrencyConfig",
        FunctionName="broken",
        Qualifier=number,
        ProvisionedConcurrentExecutions=1,
    )

    def failed():
        told = asked(lab, "GetProvisionedConcurrencyConfig", FunctionName="broken", Qualifier=number)
        return (told["Status"], told.get("StatusReason")) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")

    eventually(failed)


@pytest.mark.parametrize(
    ("operation", "params", "code", "said"),
    [
        ("PutProvisionedConcurrencyConfig", {"Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1},
         "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."),
        ("GetProvisionedConcurrencyConfig", {"Qualifier": "$LATEST"}, "InvalidParameterValueException",
         "The function resource provided must be an alias or a published version."),
        ("DeleteProvisionedConcurrencyConfig", {"Qualifier": "$LATEST"}, "InvalidParameterValueException",
         "The function resource provided must be an alias or a published version."),
        ("PutProvisionedConcurrencyConfig", {"Qualifier": "nope", "ProvisionedConcurrentExecutions": 1},
         "ResourceNotFoundException", f"Function not found: {ARN}:g:nope"),
        ("GetProvisionedConcurrencyConfig", {"Qualifier": "99"}, "ResourceNotFoundException", f"Function not found: {ARN}:g:99"),
        ("ListProvisionedConcurrencyConfigs", {"FunctionName": "nobody"}, "ResourceNotFoundException",
         f"Function not found: {ARN}:nobody"),
    ],
)  # fmt: skip
def test_what_cannot_be_provisioned_is_refused(lab, operation, params, code, said):
    assert refused(lab, operation, **{"FunctionName": "g", **params})[::2] == (code, said)


# -- how events are handled


def test_a_configuration_from_the_beginning_to_the_end(lab):
    lab.versions.point("g", "prod", lab.versions.publish("g").version)
    for qualifier in ("$LATEST", "prod"):
        put = asked(
            lab, "PutFunctionEventInvokeConfig", FunctionName="g", Qualifier=qualifier,
            MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:other"}},
        )  # fmt: skip
        assert put.pop("LastModified").tzinfo is None
        assert put == {
            "FunctionArn": f"{ARN}:g:{qualifier}",
            "MaximumRetryAttempts": 0,
            "DestinationConfig": {"OnSuccess": {"Destination": f"{ARN}:other"}, "OnFailure": {}},
        }
    queue = "arn:aws:sqs:us-east-1:000000000000:dead"
    changed = asked(
        lab, "UpdateFunctionEventInvokeConfig", FunctionName="g",
        MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": queue}},
    )  # fmt: skip
    got = asked(lab, "GetFunctionEventInvokeConfig", FunctionName="g")
    assert got == changed
    assert (got["MaximumRetryAttempts"], got["MaximumEventAgeInSeconds"]) == (0, 60)
    assert got["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": queue}}
    one = asked(lab, "ListFunctionEventInvokeConfigs", FunctionName="g", MaxItems=1)
    rest = asked(lab, "ListFunctionEventInvokeConfigs", FunctionName="g", Marker=one["NextMarker"])
    arns = [each["FunctionArn"] for page in (one, rest) for each in page["FunctionEventInvokeConfigs"]]
    assert arns == [f"{ARN}:g:$LATEST", f"{ARN}:g:prod"]
    assert "NextMarker" not in rest
    asked(lab, "DeleteFunctionEventInvokeConfig", FunctionName="g")
    assert refused(lab, "GetFunctionEventInvokeConfig", FunctionName="g") == (
        "ResourceNotFoundException", 404, f"The function {ARN}:g:$LATEST doesn't have an EventInvokeConfig",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "params", "code", "said"),
    [
        ("Put", {}, "InvalidParameterValueException", "You must specify at least one of error handling or destination setting."),
        ("Update", {}, "InvalidParameterValueException", "You must specify at least one of error handling or destination setting."),
        ("Put", {"FunctionName": "nobody", "MaximumRetryAttempts": 1}, "ResourceNotFoundException", "The function doesn't exist."),
        ("Put", {"Qualifier": "nope", "MaximumRetryAttempts": 1}, "ResourceNotFoundException", "The function doesn't exist."),
        ("Update", {"MaximumRetryAttempts": 1}, "ResourceNotFoundException",
         f"The function {ARN}:f:$LATEST doesn't have an EventInvokeConfig"),
        ("Get", {"Qualifier": "7"}, "ResourceNotFoundException", f"The function {ARN}:f:7 doesn't have an EventInvokeConfig"),
        ("Delete", {}, "ResourceNotFoundException", f"The function {ARN}:f:$LATEST doesn't have an EventInvokeConfig"),
        ("Put", {"DestinationConfig": {"OnFailure": {"Destination": f"{ARN}:f"}}}, "InvalidParameterValueException",
         "You can't specify the function as a destination for itself."),
        ("Put", {"DestinationConfig": {"OnSuccess": {"Destination": f"{ARN}:nobody"}}}, "InvalidParameterValueException",
         f"The destination ARN {ARN}:nobody is invalid."),
        ("Put", {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}}, "InvalidParameterValueException",
         "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::bucket), onFailure=null) is invalid."),
    ],
)  # fmt: skip
def test_what_cannot_be_configured_is_refused(lab, operation, params, code, said):
    asked_for = {"FunctionName": "f", **params}
    assert refused(lab, f"{operation}FunctionEventInvokeConfig", **asked_for)[::2] == (code, said)
