"""Versions as a program on AWS counts on them, through boto3: their numbers, what ran, what is refused."""

import json

import pytest
from botocore.exceptions import ClientError

import faaslab
from tests.endpoint.clients import client
from tests.endpoint.lambda_.defining import ARN, ROLE, zipped

pytestmark = pytest.mark.timeout(120)
SEEN = (
    "import os\n"
    "def handler(event, context):\n"
    "    return [{}, context.function_version, os.environ['AWS_LAMBDA_FUNCTION_VERSION'],\n"
    "            context.invoked_function_arn]\n"
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    with faaslab.open(folder / "store.duckdb", cache=folder / "cache") as lab:
        yield client(lab.home.ensure())


def code(number):
    return zipped(SEEN.format(number))


@pytest.fixture
def changed(aws):
    """A function that was changed twice before its version 1, and published with a change as version 2."""
    aws.create_function(
        FunctionName="fn", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": code(0)}
    )
    for number in (1, 2):
        aws.update_function_code(FunctionName="fn", ZipFile=code(number))
        aws.get_waiter("function_updated_v2").wait(FunctionName="fn")
    numbers = [aws.publish_version(FunctionName="fn")["Version"] for _ in range(2)]
    numbers.append(aws.update_function_code(FunctionName="fn", ZipFile=code(3), Publish=True)["Version"])
    yield numbers
    aws.delete_function(FunctionName="fn")


def test_numbers_are_dense_and_what_ran_says_its_own(aws, changed):
    assert changed == ["1", "1", "2"], "nothing changed between the first two"
    listed = aws.list_versions_by_function(FunctionName="fn")["Versions"]
    assert [each["Version"] for each in listed] == ["$LATEST", "1", "2"]
    aws.create_alias(
        FunctionName="fn",
        Name="prod",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.0}},
    )
    for qualifier, version, number in (
        (None, "$LATEST", 3), ("$LATEST", "$LATEST", 3), ("1", "1", 2), ("2", "2", 3), ("prod", "1", 2),
    ):  # fmt: skip
        asked = {} if qualifier is None else {"Qualifier": qualifier}
        answer = aws.invoke(FunctionName="fn", **asked)
        arn = f"{ARN}:fn:{qualifier}" if qualifier else f"{ARN}:fn"
        assert json.loads(answer["Payload"].read()) == [number, version, version, arn]
        assert answer["ExecutedVersion"] == version
    for qualifier, status, text in (
        ("1", 409, "the following aliases reference it: [prod]"),
        ("$LATEST", 400, "cannot be deleted without deleting the function"),
        ("prod", 400, "Deletion of aliases is not currently supported"),
    ):
        with pytest.raises(ClientError) as told:
            aws.delete_function(FunctionName="fn", Qualifier=qualifier)
        assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert text in told.value.response["Error"]["Message"]


def test_no_number_is_used_again(aws):
    """Not after a version was deleted, nor after its function (Developer Guide, configuration-versions)."""
    numbers = []
    for number in range(2):
        made = aws.create_function(
            FunctionName="again", Runtime="python3.11", Handler="app.handler", Role=ROLE, Publish=True,
            Code={"ZipFile": code(number)},
        )  # fmt: skip
        numbers.append(made["Version"])
        aws.delete_function(FunctionName="again", Qualifier=made["Version"])
        before = aws.get_function_configuration(FunctionName="again")["RevisionId"]
        numbers.append(aws.publish_version(FunctionName="again", RevisionId=before)["Version"])
        assert aws.get_function_configuration(FunctionName="again")["RevisionId"] != before
        aws.delete_function(FunctionName="again")
    assert numbers == ["1", "2", "3", "4"]
