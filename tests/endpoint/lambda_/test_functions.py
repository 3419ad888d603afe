"""Functions through the Lambda API: the answers that AWS gives, and the lab's own functions."""

import dataclasses
import re
import threading
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from faaslab.endpoint import downloads
from faaslab.endpoint.faults import fault_of
from faaslab.endpoint.lambda_.shapes import modified
from faaslab.endpoint.messages import Fault, Request
from faaslab.model.function import ImageCode
from tests.backends.local.defining import eventually
from tests.backends.local.image_making import OciImage, file, folder, layer
from tests.endpoint.lambda_.defining import ARN, DOUBLE, ROLE, answered, create, refused, zipped

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def get(lab, name, **more):
    return answered(lab, "GetFunction", FunctionName=name, headers={"host": "127.0.0.1:9000"}, **more)


def fetched(lab, address, method="GET"):
    assert address.startswith("http://127.0.0.1:9000/_faaslab/code/")
    return downloads.answer(lab, Request(method=method, path=urlsplit(address).path))


# -- made


def test_a_function_is_made_as_aws_answers_and_is_the_lab_s_own(lab):
    made = create(lab, "made", Description="doubles", Environment={"Variables": {"STAGE": "dev"}})
    assert UUID.fullmatch(made.pop("RevisionId"))
    assert re.fullmatch(r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}",
                        made.pop("RuntimeVersionConfig")["RuntimeVersionArn"])  # fmt: skip
    assert made == {
        "FunctionName": "made",
        "FunctionArn": f"{ARN}:made",
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(zipped()),
        "Description": "doubles",
        "Timeout": 3,
        "MemorySize": 128,
        "LastModified": "2026-01-01T00:00:00.000+0000",
        "CodeSha256": lab.functions.get("made").code_sha256,
        "Version": "$LATEST",
        "Environment": {"Variables": {"STAGE": "dev"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/made"},
    }
    assert lab.functions.invoke("made", {"x": 21}).result == 42
    again = get(lab, "made")
    assert again["Configuration"]["CodeSha256"] == made["CodeSha256"]
    assert "Tags" not in again
    assert "Concurrency" not in again


def test_what_has_no_effect_here_is_kept_and_given_back(lab):
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    files = [{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-1",
              "LocalMountPath": "/mnt/files"}]  # fmt: skip
    kept = {
        "VpcConfig": vpc,
        "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
        "FileSystemConfigs": files,
    }
    create(lab, "kept", **kept, LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"}, Tags={"team": "a"})
    configuration = answered(lab, "GetFunctionConfiguration", FunctionName="kept")
    assert {member: configuration[member] for member in kept} == kept
    assert configuration["LoggingConfig"] == {
        "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "/mine",
    }  # fmt: skip
    assert get(lab, "kept")["Tags"] == {"team": "a"}
    cleared = answered(
        lab, "UpdateFunctionConfiguration", FunctionName="kept", KMSKeyArn="",
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
    )  # fmt: skip
    assert "VpcConfig" not in cleared
    assert "KMSKeyArn" not in cleared
    assert cleared["FileSystemConfigs"] == files


def test_all_that_a_function_may_be_asked_for_comes_back(lab):
    settings = {
        "Timeout": 900,
        "MemorySize": 10240,
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "Active"},
        "SnapStart": {"ApplyOn": "PublishedVersions"},
        "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"},
        "Architectures": ["arm64"],
        "Description": "",
    }
    create(lab, "whole", **settings)
    configuration = answered(lab, "GetFunctionConfiguration", FunctionName="whole")
    settings["SnapStart"] = {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    assert {member: configuration[member] for member in settings} == settings
    published = answered(lab, "PublishVersion", FunctionName="whole", Description="first")
    assert published["SnapStart"]["OptimizationStatus"] == "On"
    assert (published["Description"], published["FunctionArn"]) == ("first", f"{ARN}:whole:1")


def test_a_handler_in_a_folder_is_given_back_as_it_was_written(lab):
    code = {"ZipFile": zipped(name="src/app.py")}
    assert create(lab, "folder", Code=code, Handler="src/app.handler")["Handler"] == "src/app.handler"
    assert lab.functions.invoke("folder", {"x": 2}).result == 4
    lab.functions.update("folder", handler="src.app.other")
    assert answered(lab, "GetFunctionConfiguration", FunctionName="folder")["Handler"] == "src.app.other"


def test_a_question_ends_with_its_mark(lab):
    fault = refused(lab, "CreateFunction", FunctionName="f", Code={"ZipFile": zipped()}, Role=ROLE,
                    Runtime="python2.6", Handler="app.handler")  # fmt: skip
    assert fault.message == "no runtime is named 'python2.6': did you mean 'python3.9'?"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Runtime": None}, "Runtime and Handler are mandatory parameters for functions created with"),
        ({"Handler": None}, "Runtime and Handler are mandatory parameters for functions created with"),
        ({"Runtime": "java21"}, "does not run java21 by itself: a container image"),
        ({"Runtime": "python2.7"}, "no runtime is named 'python2.7'"),
        ({"Code": {}}, "Please provide a source for function code."),
        ({"Code": {"ZipFile": b""}}, "Uploaded file must be a non-empty zip"),
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip uploaded file. Please check your file, then try"),
        ({"Code": {"ZipFile": zipped(name="../app.py")}}, "Could not unzip uploaded file"),
        ({"Code": {"ZipFile": zipped(), "S3Bucket": "b"}}, "when providing a ZipFile"),
        ({"Code": {"S3Bucket": "bucket"}}, "both S3Bucket and S3Key"),
        ({"Code": {"ImageUri": "x"}}, "Please don't provide ImageUri"),
        ({"MemorySize": 20000, "Timeout": 901},
         "MemorySize: 20000 is out of range: 128 to 10240 MB; Timeout: 901 is out of range: 1 to 900 seconds"),
        ({"Timeout": 901}, "Timeout: 901 is out of range: 1 to 900"),
        ({"MemorySize": 10241}, "10241 is out of range"),
        ({"EphemeralStorage": {"Size": 511}}, "EphemeralStorage.Size: 511 is out of range"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"LONG": "x" * 4097}}}, "exceeded the 4KB limit"),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:none:1"]}, "layer:none:1 does not exist."),
        ({"DurableConfig": {"ExecutionTimeout": 60}}, "DurableConfig is not supported by faaslab"),
        ({"CapacityProviderConfig": {"x": 1}}, "there are no capacity providers"),
        ({"CodeSigningConfigArn": "arn"}, "code is not signed in faaslab"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q.fifo"}}, "standard queue"),
        ({"PackageType": "Image"}, "Please don't provide handler or runtime or layer"),
        ({"PackageType": "Image", "Runtime": None, "Handler": None}, "Please provide ImageUri"),
        ({"Tags": {"aws:x": "y"}}, "Tag keys starting with aws: are reserved"),
        ({"Tags": {str(number): "x" for number in range(51)}}, "Number of tags exceeds resource tag limit."),
        ({"FunctionName": "made:1"}, "Aliases and versions do not support this"),
    ],
)  # fmt: skip
def test_what_aws_would_not_make_is_refused_and_not_made(lab, more, said):
    given = {"FunctionName": "wrong", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE,
             "Code": {"ZipFile": zipped()}, **more}  # fmt: skip
    fault = refused(lab, "CreateFunction", **given)
    assert (fault.code, fault.status) == ("InvalidParameterValueException", 400)
    assert said in fault.message
    assert lab.functions.find("wrong") is None


def test_a_name_that_is_taken_is_a_conflict(lab):
    create(lab, "taken")
    fault = refused(lab, "CreateFunction", FunctionName="taken", Runtime="python3.11", Handler="app.handler",
                    Role=ROLE, Code={"ZipFile": b"not looked at"})  # fmt: skip
    assert (fault.code, fault.status) == ("ResourceConflictException", 409)
    assert fault.message == "Function already exist: taken"


def test_of_many_who_make_it_at_once_one_does(lab):
    at_once, answers = threading.Barrier(8), []

    def make(number):
        at_once.wait()
        try:
            answers.append(create(lab, "race", DOUBLE.replace("2", str(number)), Publish=True)["CodeSha256"])
        except Exception as error:
            answers.append(fault_of(error).message)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers.count("Function already exist: race") == 7
    assert lab.functions.get("race").code_sha256 in answers
    assert [each.version for each in lab.versions.list("race")] == ["1"]


def test_code_may_lie_in_a_bucket(lab):
    asked = []

    def cloud(operation, params, *, service=None):
        asked.append((service, operation, dict(params)))
        if params["Key"] == "none.zip":
            raise Fault("NoSuchKey", "The specified key does not exist.", status=404)
        return {"Body": zipped()}

    where = {"S3Bucket": "codes", "S3Key": "a.zip", "S3ObjectVersion": "v1"}
    create(lab, "bucket", Code=where, cloud=cloud)
    assert asked == [("s3", "GetObject", {"Bucket": "codes", "Key": "a.zip", "VersionId": "v1"})]
    assert lab.functions.invoke("bucket", {"x": 3}).result == 6
    fault = refused(
        lab, "UpdateFunctionCode", FunctionName="bucket", S3Bucket="codes", S3Key="none.zip", cloud=cloud
    )
    assert (fault.code, fault.status) == ("InvalidParameterValueException", 400)
    assert fault.message == (
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. "
        "S3 Error Message: The specified key does not exist."
    )


# -- its code


def test_the_code_can_be_fetched_until_its_address_is_too_old(lab):
    create(lab, "fetched")
    code = get(lab, "fetched")["Code"]
    assert code["RepositoryType"] == "S3"
    answer = fetched(lab, code["Location"])
    assert (answer.status, answer.body) == (200, zipped())
    assert fetched(lab, code["Location"], "HEAD").body == b""
    assert fetched(lab, code["Location"], "POST").status == 405
    assert fetched(lab, code["Location"][:-1] + "x").status == 403
    assert fetched(lab, code["Location"].rpartition("/")[0] + "/é").status == 403
    assert fetched(lab, code["Location"].rpartition("/")[0]).status == 403
    lab.clock.advance(601)
    assert fetched(lab, code["Location"]).status == 403
    assert downloads.answer(lab, Request(method="GET", path="/_faaslab/other")).status == 404


def test_functions_of_cells_are_there_with_true_answers(lab):
    lab.functions.create("cell", DOUBLE, environment={"AB": "b"}, secrets=["TOKEN=env:HOME"], memory_mb=256)
    answer = get(lab, "cell")
    configuration = answer["Configuration"]
    assert (configuration["MemorySize"], configuration["Handler"]) == (256, "lambda_function.handler")
    assert configuration["Environment"] == {"Variables": {"AB": "b"}}
    assert "Role" not in configuration
    assert b"lambda_function.py" in fetched(lab, answer["Code"]["Location"]).body


def test_an_image_is_a_function_by_the_path_of_its_archive(lab, tmp_path):
    image = OciImage(
        layer(folder("app"), file("app/server", "#!/bin/sh\n", 0o755)), Entrypoint=["/app/server"]
    )
    path = image.archive(tmp_path / "image.tar")

    def active():
        state = answered(lab, "GetFunctionConfiguration", FunctionName="box")
        return (state["State"], state.get("LastUpdateStatus")) == ("Active", "Successful")

    made = answered(
        lab, "CreateFunction", FunctionName="box", Role=ROLE, PackageType="Image", Code={"ImageUri": str(path)},
        ImageConfig={"Command": ["app.handler"], "WorkingDirectory": "/var/task"},
    )  # fmt: skip
    assert made["PackageType"] == "Image"
    assert made["ImageConfigResponse"] == {
        "ImageConfig": {"Command": ["app.handler"], "WorkingDirectory": "/var/task"}
    }
    assert "Runtime" not in made
    assert eventually(active)
    code = get(lab, "box")["Code"]
    assert (code["RepositoryType"], code["ImageUri"]) == ("ECR", str(path))
    changed = answered(
        lab, "UpdateFunctionConfiguration", FunctionName="box", ImageConfig={"Command": ["b.c"]}
    )
    assert changed["ImageConfigResponse"] == {"ImageConfig": {"Command": ["b.c"]}}
    assert eventually(active)
    kept = answered(lab, "UpdateFunctionCode", FunctionName="box", ImageUri=str(path), DryRun=True)
    assert kept["ImageConfigResponse"] == {"ImageConfig": {"Command": ["b.c"]}}
    for wrong in ({"ZipFile": zipped()}, {}):
        fault = refused(lab, "UpdateFunctionCode", FunctionName="box", **wrong)
        assert fault.message == "Please provide ImageUri when updating a function with packageType Image."
    fault = refused(lab, "UpdateFunctionConfiguration", FunctionName="box", Handler="a.b")
    assert "PackageType is Image" in fault.message
    fault = refused(lab, "CreateFunction", FunctionName="far", Role=ROLE, PackageType="Image",
                    Code={"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/box:1"})  # fmt: skip
    assert fault.code == "InvalidParameterValueException"
    assert "skopeo copy" in fault.message


# -- changed


def test_code_is_changed_tried_and_published(lab):
    made = create(lab, "code")
    triple = zipped(DOUBLE.replace("2", "3"))
    tried = answered(
        lab, "UpdateFunctionCode", FunctionName="code", ZipFile=triple, DryRun=True, Publish=True
    )
    assert tried["CodeSha256"] != made["CodeSha256"]
    assert lab.functions.invoke("code", {"x": 1}).result == 2
    published = answered(
        lab,
        "UpdateFunctionCode",
        FunctionName="code",
        ZipFile=triple,
        Publish=True,
        RevisionId=made["RevisionId"],
    )
    assert published["FunctionArn"] == f"{ARN}:code:{published['Version']}"
    assert lab.functions.invoke("code", {"x": 1}).result == 3
    fault = refused(
        lab, "UpdateFunctionCode", FunctionName="code", ZipFile=triple, RevisionId=made["RevisionId"]
    )
    assert (fault.code, fault.status) == ("PreconditionFailedException", 412)
    assert fault.message.startswith("The Revision Id provided does not match the latest Revision Id.")
    fault = refused(lab, "UpdateFunctionCode", FunctionName="code", ImageUri="x")
    assert fault.message == "Please don't provide ImageUri when updating a function with packageType Zip."
    fault = refused(lab, "UpdateFunctionCode", FunctionName="code")
    assert fault.message == "Please provide a source for function code."


def test_an_inline_function_gets_a_zip(lab):
    lab.functions.create("inline", DOUBLE, memory_mb=256)
    code = zipped(DOUBLE.replace("2", "5"), name="lambda_function.py")
    changed = answered(
        lab, "UpdateFunctionCode", FunctionName="inline", ZipFile=code, Architectures=["arm64"]
    )
    assert (changed["MemorySize"], changed["Architectures"]) == (256, ["arm64"])
    assert lab.functions.invoke("inline", {"x": 1}).result == 5


def test_what_is_not_given_stays(lab):
    create(lab, "stays", Description="d", Environment={"Variables": {"AB": "b"}}, MemorySize=256)
    changed = answered(lab, "UpdateFunctionConfiguration", FunctionName="stays", Timeout=9)
    assert (changed["Timeout"], changed["MemorySize"], changed["Description"]) == (9, 256, "d")
    assert changed["Environment"] == {"Variables": {"AB": "b"}}
    changed = answered(
        lab, "UpdateFunctionConfiguration", FunctionName="stays", Environment={}, Description="", Role=f"{ROLE}2",
        RevisionId=changed["RevisionId"],
    )  # fmt: skip
    assert "Environment" not in changed
    assert (changed["Description"], changed["Role"]) == ("", f"{ROLE}2")
    same = answered(lab, "UpdateFunctionConfiguration", FunctionName="stays")
    assert same["RevisionId"] == changed["RevisionId"]
    fault = refused(lab, "UpdateFunctionConfiguration", FunctionName="stays", Timeout=1, RevisionId="no")
    assert fault.status == 412
    fault = refused(lab, "UpdateFunctionConfiguration", FunctionName="stays", Runtime="java21")
    assert fault.code == "InvalidParameterValueException"


# -- versions


def test_versions_are_published_listed_and_deleted(lab):
    made = create(lab, "versions", Publish=True)
    assert (made["Version"], made["FunctionArn"]) == ("1", f"{ARN}:versions")
    again = answered(lab, "PublishVersion", FunctionName="versions")
    assert again["Version"] == "1"
    answered(lab, "UpdateFunctionConfiguration", FunctionName="versions", Timeout=7)
    second = answered(lab, "PublishVersion", FunctionName="versions", Description="second")
    listed = answered(lab, "ListVersionsByFunction", FunctionName="versions")["Versions"]
    assert [each["FunctionArn"] for each in listed] == [
        f"{ARN}:versions:$LATEST", f"{ARN}:versions:1", f"{ARN}:versions:{second['Version']}",
    ]  # fmt: skip
    assert [each["Timeout"] for each in listed] == [3, 7, 7] or [each["Timeout"] for each in listed] == [
        7,
        3,
        7,
    ]
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set(listed[0])
    one = get(lab, "versions", Qualifier="1")["Configuration"]
    assert (one["Version"], one["Timeout"], one["FunctionArn"]) == ("1", 3, f"{ARN}:versions:1")
    latest = get(lab, "versions:$LATEST")["Configuration"]
    assert (latest["Version"], latest["FunctionArn"]) == ("$LATEST", f"{ARN}:versions:$LATEST")
    answered(lab, "CreateAlias", FunctionName="versions", Name="live", FunctionVersion="1")
    aliased = get(lab, f"{ARN}:versions:live")["Configuration"]
    assert (aliased["Version"], aliased["FunctionArn"]) == ("1", f"{ARN}:versions:live")
    fault = refused(lab, "DeleteFunction", FunctionName="versions", Qualifier="1")
    assert (fault.code, fault.status) == ("ResourceConflictException", 409)
    assert "live" in fault.message
    assert answered(lab, "DeleteFunction", FunctionName="versions", Qualifier=second["Version"]) == {
        "StatusCode": 204
    }
    for wrong, said in (("$LATEST", "$LATEST version cannot be deleted without deleting the function."),
                        ("live", "Deletion of aliases is not currently supported.")):  # fmt: skip
        assert refused(lab, "DeleteFunction", FunctionName="versions", Qualifier=wrong).message == said
    fault = refused(lab, "PublishVersion", FunctionName="versions", CodeSha256="other")
    assert fault.code == "InvalidParameterValueException"
    assert fault.message.startswith("CodeSHA256 (other) is different from current CodeSHA256 in $LATEST")
    assert refused(lab, "PublishVersion", FunctionName="versions", RevisionId="no").status == 412


def test_only_what_is_published_has_a_number_on_the_wire(lab):
    create(lab, "unpublished")
    fault = refused(lab, "GetFunction", FunctionName="unpublished", Qualifier="1")
    assert fault.message == f"Function not found: {ARN}:unpublished:1"


@pytest.mark.parametrize(
    "operation",
    ["GetFunction", "GetFunctionConfiguration", "UpdateFunctionConfiguration", "DeleteFunction",
     "PublishVersion", "ListVersionsByFunction", "UpdateFunctionCode"],
)  # fmt: skip
@pytest.mark.parametrize("named", ["nobody", f"{ARN}:nobody", "000000000000:function:nobody"])
def test_a_function_that_is_not_there_is_not_found_by_its_arn(lab, operation, named):
    fault = refused(lab, operation, FunctionName=named, ZipFile=zipped())
    assert (fault.code, fault.status) == ("ResourceNotFoundException", 404)
    assert fault.message == f"Function not found: {ARN}:nobody"
    assert fault.fields == {"Type": "User"}


@pytest.mark.parametrize("qualifier", ["77", "nowhere"])
def test_a_qualifier_that_leads_nowhere_is_not_found_with_it(lab, qualifier):
    lab.functions.create("led", DOUBLE)
    for operation in ("GetFunction", "GetFunctionConfiguration"):
        fault = refused(lab, operation, FunctionName="led", Qualifier=qualifier)
        assert fault.message == f"Function not found: {ARN}:led:{qualifier}"


def test_a_deleted_function_is_gone_with_all_that_was_its_own(lab):
    create(lab, "gone", Publish=True)
    assert answered(lab, "DeleteFunction", FunctionName="gone") == {"StatusCode": 204}
    assert refused(lab, "GetFunction", FunctionName="gone").status == 404
    assert refused(lab, "DeleteFunction", FunctionName="gone").status == 404
    assert lab.functions.find("gone") is None


# -- lists


def test_functions_are_listed_in_pages(lab):
    names = sorted(lab.functions.names())
    listed, marker = [], None
    while True:
        more = {"Marker": marker} if marker else {}
        answer = answered(lab, "ListFunctions", MaxItems=3, **more)
        assert len(answer["Functions"]) <= 3
        listed += [each["FunctionName"] for each in answer["Functions"]]
        marker = answer.get("NextMarker")
        if marker is None:
            break
    assert listed == names
    everything = answered(lab, "ListFunctions", FunctionVersion="ALL", MaxItems=50)["Functions"]
    arns = [each["FunctionArn"] for each in everything]
    assert f"{ARN}:versions:$LATEST" in arns
    assert f"{ARN}:versions:1" in arns
    assert answered(lab, "ListFunctions", MasterRegion="eu-west-1", FunctionVersion="ALL") == {
        "Functions": []
    }
    assert answered(lab, "ListFunctions", MasterRegion="us-east-1", FunctionVersion="ALL")["Functions"]
    assert refused(lab, "ListFunctions", Marker="no marker").message == "Invalid Marker"


def test_what_is_being_prepared_or_failed_says_so(lab):
    function = lab.functions.create("states", DOUBLE)
    kept = lab.store.definitions
    image = ImageCode(uri="/nowhere.tar")
    for change, state in (
        ({"status": "failed", "status_reason": "no luck"},
         {"State": "Failed", "StateReason": "no luck", "StateReasonCode": "DependencyError"}),
        ({"status": "failed", "status_reason": "no image", "code": image},
         {"State": "Failed", "StateReason": "no image", "StateReasonCode": "InvalidImage"}),
        ({"status": "pending", "status_reason": None},
         {"State": "Inactive", "StateReasonCode": "Idle"}),  # whoever prepared it ended
        ({"status": "active", "last_update_status": "Failed", "last_update_reason": "no luck"},
         {"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no luck",
          "LastUpdateStatusReasonCode": "DependencyError"}),
    ):  # fmt: skip
        present = kept.get(type(function), "states")
        kept.put(dataclasses.replace(function, revision_id=present.revision_id, **change), action="updated")
        answer = answered(lab, "GetFunctionConfiguration", FunctionName="states")
        assert {member: answer[member] for member in state} == state
    lab.functions.delete("states")


def test_a_moment_is_written_as_lambda_does():
    assert modified(datetime(2026, 11, 26, 21, 0, 0, 123456)) == "2026-11-26T21:00:00.123+0000"
