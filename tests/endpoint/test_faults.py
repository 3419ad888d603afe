"""Errors of ours as AWS words them: the one table."""

import pytest

from faaslab import errors
from faaslab.endpoint.faults import fault_of, not_here, too_large
from faaslab.endpoint.messages import Fault
from faaslab.model.version import REVISION_MISMATCH

ARN = "arn:aws:lambda:eu-west-1:000000000000:function"


@pytest.mark.parametrize(
    ("error", "code", "status", "message"),
    [
        (errors.NotFound("function", "f", ["g"]), "ResourceNotFoundException", 404, f"Function not found: {ARN}:f"),
        (errors.NotFound("version of f", "7"), "ResourceNotFoundException", 404, f"Function not found: {ARN}:f:7"),
        (errors.NotFound("published version of f", "7"), "ResourceNotFoundException", 404, f"Function not found: {ARN}:f:7"),
        (errors.NotFound("alias of f", "prod"), "ResourceNotFoundException", 404, f"Function not found: {ARN}:f:prod"),
        (errors.NotFound("layer", "l"), "ResourceNotFoundException", 404, "no layer is named 'l'"),
        (errors.AlreadyExists("it is there"), "ResourceConflictException", 409, "it is there"),
        (errors.Conflict(REVISION_MISMATCH, place="revision_id"), "PreconditionFailedException", 412, REVISION_MISMATCH),
        (errors.Conflict("An update is in progress", place="name"), "ResourceConflictException", 409, "An update is in progress"),
        (errors.InvalidValue("7 is out of range: 128 to 10240 MB", place="memory_mb"), "InvalidParameterValueException", 400, "MemorySize: 7 is out of range: 128 to 10240 MB"),
        (errors.InvalidValue("7 is odd", place="memory_mb"), "InvalidParameterValueException", 400, "7 is odd"),
        (errors.InvalidValue("Could not parse request body into json: no", place="payload"), "InvalidRequestContentException", 400,
         "Could not parse request body into json: Could not parse payload into json: no"),
        (errors.InvalidValue("too long", place="client_context"), "InvalidRequestContentException", 400, "too long"),
        (errors.RecursiveInvocation("in a loop"), "RecursiveInvocationException", 400, "in a loop"),
        (errors.Unsupported("not here", hint="do that"), "InvalidParameterValueException", 400, "not here (do that)"),
        (errors.MissingExtra("moto is missing", hint="pip install"), "NotImplemented", 501, "moto is missing (pip install)"),
        (errors.RuntimeNotFound("no node here"), "InvalidRuntimeException", 502, "no node here"),
        (errors.RequirementsFailed("pip said no"), "ResourceConflictException", 409, "pip said no"),
        (errors.EnvironmentFailed("no process"), "ServiceException", 500, "no process"),
        (errors.StoreBusy("held"), "ServiceException", 503, "held"),
        (errors.StoreFull("the disk is full"), "ServiceException", 500, "the disk is full"),
        (errors.Closed("closed"), "ServiceException", 503, "closed"),
        (ZeroDivisionError("secret"), "ServiceException", 500, "The service encountered an internal error."),
        (KeyError("/home/me"), "ServiceException", 500, "The service encountered an internal error."),
    ],
)  # fmt: skip
def test_an_error_of_ours_is_a_fault_of_lambda_s(error, code, status, message):
    fault = fault_of(error, region="eu-west-1")
    assert (fault.code, fault.status, fault.message) == (code, status, message)
    assert fault.fields.get("Type", "User") == ("Service" if code == "ServiceException" else "User")


@pytest.mark.parametrize("name", sorted(set(errors.__all__ if hasattr(errors, "__all__") else dir(errors))))
def test_every_error_of_ours_has_a_fault_that_is_its_own(name):
    kind = getattr(errors, name)
    if not (isinstance(kind, type) and issubclass(kind, errors.FaaslabError)):
        return
    error = kind("function", "f") if kind is errors.NotFound else kind("what happened")
    for service in ("lambda", "logs", "cloudwatch", "events", "stepfunctions"):
        fault = fault_of(error, service=service)
        assert fault.message != "The service encountered an internal error." or kind is errors.RuntimeNotFound
        assert 400 <= fault.status <= 503


def test_a_fault_is_what_it_is():
    fault = Fault("ValidationException", "no", status=400)
    assert fault_of(fault) is fault


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("lambda", "InvalidParameterValueException"),
        ("logs", "InvalidParameterException"),
        ("events", "ValidationException"),
    ],
)
def test_other_services_have_other_words(service, code):
    fault = fault_of(errors.InvalidValue("no"), service=service)
    assert fault.code == code
    assert fault.fields == ({"Type": "User"} if service == "lambda" else {})


def test_what_the_lab_refuses_of_workflows_has_step_functions_own_code():
    error = errors.Conflict("Execution is RUNNING and cannot be redriven")
    error.code = "ExecutionNotRedrivable"
    fault = fault_of(error, service="stepfunctions")
    assert (fault.code, fault.message, fault.status) == ("ExecutionNotRedrivable", error.message, 400)
    assert fault_of(error, service="lambda").code == "ResourceConflictException"
    assert fault_of(errors.NotFound("workflow", "w"), service="stepfunctions").code == "ResourceNotFound"


def test_what_is_not_there_yet_says_so():
    assert (
        not_here("lambda", "CreateCapacityProvider").message
        == "CreateCapacityProvider of lambda is not there yet in faaslab."
    )


def test_what_is_too_large_is_an_error_that_the_model_has():
    from botocore.session import get_session

    model = get_session().get_service_model("lambda")
    fault = too_large(7, 6, "Event")
    assert fault.code in [shape.name for shape in model.operation_model("Invoke").error_shapes]
    assert fault.status == 413
