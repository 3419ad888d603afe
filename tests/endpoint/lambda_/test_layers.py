"""Layers through the Lambda API."""

from urllib.parse import urlsplit

import pytest

from faaslab.endpoint import downloads
from faaslab.endpoint.messages import Request
from tests.endpoint.lambda_.defining import answered, create, refused, zipped

LAYER = "arn:aws:lambda:us-east-1:000000000000:layer"


def publish(lab, name, text="VALUE = 1\n", **more):
    content = {"ZipFile": zipped(text, name="python/shared.py")}
    return answered(lab, "PublishLayerVersion", LayerName=name, Content=content,
                    headers={"host": "127.0.0.1:9000"}, **more)  # fmt: skip


def test_a_layer_is_published_looked_at_and_used(lab):
    made = publish(
        lab, "shared", Description="d", CompatibleRuntimes=["python3.11"], CompatibleArchitectures=["x86_64"],
        LicenseInfo="MIT",
    )  # fmt: skip
    content = made.pop("Content")
    assert made == {
        "LayerArn": f"{LAYER}:shared",
        "LayerVersionArn": f"{LAYER}:shared:1",
        "Version": 1,
        "Description": "d",
        "CreatedDate": "2026-01-01T00:00:00.000+0000",
        "CompatibleRuntimes": ["python3.11"],
        "CompatibleArchitectures": ["x86_64"],
        "LicenseInfo": "MIT",
    }
    path = urlsplit(content["Location"]).path
    data = downloads.answer(lab, Request(method="GET", path=path)).body
    assert (len(data), data) == (content["CodeSize"], zipped("VALUE = 1\n", name="python/shared.py"))
    for asked in ({"operation": "GetLayerVersion", "LayerName": "shared", "VersionNumber": 1},
                  {"operation": "GetLayerVersion", "LayerName": f"{LAYER}:shared", "VersionNumber": 1},
                  {"operation": "GetLayerVersionByArn", "Arn": f"{LAYER}:shared:1"}):  # fmt: skip
        answer = answered(lab, **asked)
        assert answer.pop("Content")["CodeSha256"] == content["CodeSha256"]
        assert answer == made
    create(lab, "uses", "from shared import VALUE\ndef handler(event, context):\n    return VALUE\n",
           Layers=[f"{LAYER}:shared:1"])  # fmt: skip
    assert lab.functions.invoke("uses").result == 1
    configuration = answered(lab, "GetFunctionConfiguration", FunctionName="uses")
    assert configuration["Layers"] == [{"Arn": f"{LAYER}:shared:1", "CodeSize": content["CodeSize"]}]


def test_the_same_zip_is_a_version_of_its_own_and_versions_are_listed_from_the_newest(lab):
    assert [publish(lab, "often", CompatibleRuntimes=[runtime])["Version"]
            for runtime in ("python3.11", "python3.12", "python3.11")] == [1, 2, 3]  # fmt: skip

    def numbers(**more):
        answer = answered(lab, "ListLayerVersions", LayerName="often", **more)
        return [each["Version"] for each in answer["LayerVersions"]], answer.get("NextMarker")

    assert numbers() == ([3, 2, 1], None)
    assert numbers(CompatibleRuntime="python3.11") == ([3, 1], None)
    assert numbers(CompatibleArchitecture="arm64") == ([], None)
    page, marker = numbers(MaxItems=2)
    assert page == [3, 2]
    assert numbers(Marker=marker) == ([1], None)


def test_layers_are_listed_with_the_newest_version_that_fits(lab):
    publish(lab, "first", CompatibleRuntimes=["nodejs22.x"])
    publish(lab, "first", "VALUE = 2\n")
    found = {each["LayerName"]: each for each in answered(lab, "ListLayers")["Layers"]}
    assert found["first"]["LatestMatchingVersion"]["Version"] == 2
    assert found["first"]["LayerArn"] == f"{LAYER}:first"
    fitting = answered(lab, "ListLayers", CompatibleRuntime="nodejs22.x")["Layers"]
    assert [(each["LayerName"], each["LatestMatchingVersion"]["Version"]) for each in fitting] == [
        ("first", 1)
    ]
    assert answered(lab, "ListLayers", MaxItems=1)["NextMarker"]


def test_a_deleted_version_stays_with_the_functions_that_have_it(lab):
    publish(lab, "going")
    layers = [f"{LAYER}:going:1"]
    create(lab, "keeps", Layers=layers)
    for _ in range(2):
        assert answered(lab, "DeleteLayerVersion", LayerName="going", VersionNumber=1) is None
    fault = refused(lab, "GetLayerVersion", LayerName="going", VersionNumber=1)
    assert (fault.code, fault.status) == ("ResourceNotFoundException", 404)
    assert fault.message == "The resource you requested does not exist."
    assert answered(lab, "UpdateFunctionConfiguration", FunctionName="keeps", Layers=layers, Timeout=5)[
        "Layers"
    ]
    cleared = answered(lab, "UpdateFunctionConfiguration", FunctionName="keeps", Layers=[])
    assert "Layers" not in cleared
    fault = refused(lab, "UpdateFunctionConfiguration", FunctionName="keeps", Layers=layers)
    assert fault.code == "InvalidParameterValueException"
    assert fault.message.startswith(f"Layer version {LAYER}:going:1 does not exist.")
    assert publish(lab, "going")["Version"] == 2


@pytest.mark.parametrize(
    ("operation", "given", "code", "said"),
    [
        ("GetLayerVersion", {"VersionNumber": 0}, "InvalidParameterValueException", "Cannot be less than 1"),
        ("DeleteLayerVersion", {"VersionNumber": -1}, "InvalidParameterValueException", "Cannot be less than 1"),
        ("GetLayerVersion", {"VersionNumber": 7}, "ResourceNotFoundException", "you requested does not exist"),
        ("GetLayerVersionByArn", {"Arn": f"{LAYER}:none:1"}, "ResourceNotFoundException", "does not exist"),
        ("GetLayerVersionByArn", {"Arn": f"{LAYER.replace('us-east-1', 'eu-west-1')}:shared:1"},
         "ResourceNotFoundException", "does not exist"),
        ("PublishLayerVersion", {"Content": {"ZipFile": b"x"}}, "InvalidParameterValueException", "not unzip"),
        ("PublishLayerVersion", {"Content": {}}, "InvalidParameterValueException", "source"),
    ],
)  # fmt: skip
def test_what_is_no_layer_is_refused(lab, operation, given, code, said):
    fault = refused(lab, operation, LayerName="none", **given)
    assert fault.code == code
    assert said in fault.message


def test_of_a_layer_that_is_not_there_no_versions_are_listed(lab):
    assert answered(lab, "ListLayerVersions", LayerName="none") == {"LayerVersions": []}


def test_five_layers_at_most_and_one_version_of_each(lab):
    for number in range(6):
        publish(lab, f"l{number}")
    publish(lab, "l0")
    create(lab, "five")
    arns = [f"{LAYER}:l{number}:1" for number in range(6)]
    fault = refused(lab, "UpdateFunctionConfiguration", FunctionName="five", Layers=arns)
    assert fault.message == "Cannot reference more than 5 layers."
    fault = refused(
        lab, "UpdateFunctionConfiguration", FunctionName="five", Layers=[arns[0], f"{LAYER}:l0:2"]
    )
    assert fault.message.startswith("Two different versions of the same layer are not allowed")
