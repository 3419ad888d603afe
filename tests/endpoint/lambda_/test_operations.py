"""All of Lambda's operations: each has somebody, and what does not exist here says so in AWS's words."""

import botocore.session
import pytest

from faaslab import app
from faaslab.endpoint.faults import fault_of
from faaslab.endpoint.lambda_ import OPERATIONS, later
from tests.endpoint.calling import ask

MODEL = botocore.session.get_session().get_service_model("lambda")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("operations")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache") as lab:
        lab.functions.create("score", "def handler(event, context):\n    return 1\n")
        yield lab


def test_every_operation_of_the_model_has_a_handler_and_there_are_no_others():
    assert set(OPERATIONS) == set(MODEL.operation_names)


@pytest.mark.parametrize("operation", sorted(later.OPERATIONS))
def test_what_is_not_here_is_refused_with_what_there_is_or_truthfully_empty(lab, operation):
    model = MODEL.operation_model(operation)
    try:
        answer = ask(OPERATIONS, lab, operation, FunctionName="score") or {}
    except Exception as error:
        fault = fault_of(error)
        assert fault.code in {shape.name for shape in model.error_shapes}
        assert fault.status in (400, 404)
        assert "faaslab" in fault.message
    else:
        assert set(answer) <= set(model.output_shape.members if model.output_shape else ())
        assert all(value == [] or "score" in value for value in answer.values())


@pytest.mark.parametrize(
    "operation",
    ["ListFunctionUrlConfigs", "ListDurableExecutionsByFunction", "GetFunctionCodeSigningConfig",
     "DeleteFunctionCodeSigningConfig", "PutFunctionCodeSigningConfig", "GetFunctionScalingConfig"],
)  # fmt: skip
def test_of_a_function_that_is_not_there_nothing_is_listed(lab, operation):
    with pytest.raises(
        Exception, match="Function not found: arn:aws:lambda:us-east-1:000000000000:function:no"
    ):
        ask(OPERATIONS, lab, operation, FunctionName="no")
