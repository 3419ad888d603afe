"""Requests made from the service's model, for every operation on what is defined: whatever is asked for within
the model, the answer is one that botocore reads, and an error is one that the model has or AWS's common ones."""

import pytest
from botocore.parsers import create_parser

from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.dispatch import OURS, Dispatcher
from faaslab.endpoint.lambda_ import aliases, around, functions, later, layers, policies
from tests.endpoint.lambda_.defining import ARN, ROLE, create, zipped
from tests.endpoint.wire.samples import model, parts_of, sent, value

COMMON = {"ValidationException", "AccessDeniedException", "SerializationException"}
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:shared"
OPERATIONS = sorted(
    {**functions.OPERATIONS, **aliases.OPERATIONS, **layers.OPERATIONS, **policies.OPERATIONS,
     **around.OPERATIONS, **later.OPERATIONS}
)  # fmt: skip
THERE = {
    "FunctionName": "there",
    "Resource": f"{ARN}:there",
    "ResourceArn": f"{ARN}:there",
    "LayerName": "shared",
    "VersionNumber": 1,
    "Arn": f"{LAYER}:1",
    "Layers": [f"{LAYER}:1"],
    "Role": ROLE,
    "Runtime": "python3.11",
    "Handler": "app.handler",
    "ZipFile": zipped(),
    "Code": {"ZipFile": zipped()},
    "Content": {"ZipFile": zipped()},
    "Principal": "s3.amazonaws.com",
    "Architectures": ["arm64"],
}


OWN = {
    "CreateFunction": {"FunctionName": "made"},
    "AddLayerVersionPermission": {"Principal": "000000000000"},
    **dict.fromkeys(("GetAlias", "UpdateAlias", "DeleteAlias"), {"Name": "live"}),
}


@pytest.fixture(autouse=True)
def there(lab):
    """What requests are about is there for each of them, and what they made is not."""
    if lab.functions.find("made") is not None:
        lab.functions.delete("made")
    if lab.functions.find("there") is None:
        create(lab, "there")
        lab.versions.publish("there")
    if "live" not in [each.name for each in lab.versions.aliases("there")]:
        lab.versions.create_alias("there", "live", lab.versions.list("there")[-1].version)
    if not lab.layers.list("shared"):
        lab.layers.publish("shared", zipped(), anew=True)


def requests(shape):
    """Parameters within the model: the least, all, and each member that need not be given beside the least."""
    yield "least", value(shape, full=False)
    yield "full", value(shape, full=True)
    for name, member in shape.members.items():
        if name not in shape.required_members:
            yield name, {**value(shape, full=False), name: value(member, full=True)}


def cases():
    for operation in OPERATIONS:
        shape = model("lambda").operation_model(operation).input_shape
        for what, params in requests(shape) if shape is not None else [("least", {})]:
            yield pytest.param(operation, params, id=f"{operation}-{what}")
            known = {key: THERE[key] for key in params if key in THERE} | OWN.get(operation, {})
            if known:
                yield pytest.param(operation, {**params, **known}, id=f"{operation}-{what}-there")


@pytest.mark.parametrize(("operation", "params"), [*cases()])
def test_what_is_within_the_model_is_answered_or_refused_as_the_model_says(lab, operation, params):
    shape = model("lambda").operation_model(operation)
    if "VersionNumber" in params:
        params = {**params, "VersionNumber": lab.layers.list("shared")[-1].number}
    response = Dispatcher(lab).answer(
        sent(shape, params, "rest-json"), OURS["lambda"], Scope("test", "lambda", "us-east-1")
    )
    parsed = create_parser("rest-json").parse(parts_of(shape, response), shape.output_shape)
    if response.status >= 300:
        error = parsed["Error"]
        assert response.status < 500, error
        assert error["Code"] in {each.name for each in shape.error_shapes} | COMMON, error
        assert error["Message"]
