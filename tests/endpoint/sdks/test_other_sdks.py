"""Programs in other languages that know nothing of faaslab: the AWS CLI, AWS's SDKs for JavaScript and Go."""

import json
import os
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(170)
HERE = Path(__file__).parent
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
GO_SOURCES = Path("/usr/share/gocode")
CODE = "def handler(event, context):\n    return event['x'] * 2\n"


@pytest.fixture
def code(tmp_path):
    """The archive of a function, and the runtime it is for, as the programs ask for them."""
    path = tmp_path / "code.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("index.py", CODE)
    return {"RUNTIME": RUNTIME, "ZIP": str(path)}


def in_the_store(lab):
    """What the store has of the runs: `(version, status)` of each, in order."""
    runs = lab.sql("SELECT version, status FROM executions WHERE function = 'double' ORDER BY started_at")
    return list(runs.itertuples(index=False, name=None))


def test_a_node_program(lab, node, code):
    assert node(HERE / "program.mjs", **code) == {
        "version": "1",
        "result": 42,
        "ran": "1",
        "log": True,
        "failed": "Unhandled",
        "streamed": "2",
        "complete": True,
        "functions": ["double"],
        "error": ["ResourceNotFoundException", 404],
        "object": 100_000,
        "message": "hello",
        "item": "7",
    }
    assert in_the_store(lab) == [("1", "completed"), ("$LATEST", "failed"), ("$LATEST", "completed")]


@pytest.mark.skipif(
    shutil.which("go") is None or not (GO_SOURCES / "src/github.com/aws/aws-sdk-go-v2").is_dir(),
    reason="Go or its AWS SDK is not installed (golang-github-aws-aws-sdk-go-v2-dev)",
)
def test_a_go_program(lab, ran, code, tmp_path, tmp_path_factory):
    (tmp_path / "main.go").write_text((HERE / "program.go").read_text("utf-8"), "utf-8")
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOFLAGS": "", "CGO_ENABLED": "0"}
    cache = {"GOCACHE": os.environ.get("GOCACHE", str(tmp_path_factory.getbasetemp() / "go-cache"))}
    ran("go", "build", "-o", "program", "main.go", **settings, **cache)
    assert json.loads(ran("./program", **code)) == {
        "version": "1",
        "result": 42,
        "ran": "1",
        "failed": "Unhandled",
        "error": True,
        "object": 100_000,
        "message": "hello",
        "item": "7",
    }
    assert in_the_store(lab) == [("1", "completed"), ("$LATEST", "failed")]


def test_the_command_line(lab, aws, code, tmp_path):
    # Most of it is the CLI getting ready, once a command: what does not need each other goes side by side.
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(each, lab, aws, tmp_path) for each in (functions, objects, messages)]
    for each in asked:
        each.result()


def functions(lab, aws, tmp_path):
    aws(
        "lambda", "create-function", "--function-name", "double", "--runtime", RUNTIME, "--timeout", "10",
        "--handler", "index.handler", "--role", "arn:aws:iam::000000000000:role/r", "--zip-file", "fileb://code.zip",
    )  # fmt: skip
    aws("lambda", "wait", "function-active-v2", "--function-name", "double")
    assert aws("lambda", "publish-version", "--function-name", "double")["Version"] == "1"
    aws("lambda", "create-alias", "--function-name", "double", "--name", "prod", "--function-version", "1")
    payload = tmp_path / "event.json"
    payload.write_text('{"x": 21}')
    invoked = aws(
        "lambda", "invoke", "--function-name", "double:prod", "--payload", "fileb://event.json", "out.json"
    )  # fmt: skip
    assert invoked["ExecutedVersion"] == "1"
    assert (tmp_path / "out.json").read_text() == "42"
    assert [each["FunctionName"] for each in aws("lambda", "list-functions")["Functions"]] == ["double"]
    assert in_the_store(lab) == [("1", "completed")]
    logged = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/double")["events"]
    assert [each["message"].split()[0] for each in logged if "RequestId" in each["message"]] == [
        "START",
        "END",
        "REPORT",
    ]


def objects(lab, aws, tmp_path):
    aws("s3", "mb", "s3://from-cli")
    (tmp_path / "large").write_bytes(b"x" * 20_000_000)  # in parts
    aws("s3", "cp", "large", "s3://from-cli/a/large")
    assert "20000000" in aws("s3", "ls", "s3://from-cli/a/")
    aws("s3", "cp", "s3://from-cli/a/large", "back")
    assert (tmp_path / "back").stat().st_size == 20_000_000


def messages(lab, aws, tmp_path):
    url = aws("sqs", "create-queue", "--queue-name", "from-cli")["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "hello")
    assert aws("sqs", "receive-message", "--queue-url", url)["Messages"][0]["Body"] == "hello"
    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"
