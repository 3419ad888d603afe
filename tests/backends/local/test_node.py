"""Node.js with AWS's own runtime client, as it comes from npm."""

import json
import shutil
import subprocess

import pytest

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.backends.local.runtimes import node_program
from faaslab.errors import RequirementsFailed, RuntimeNotFound, Unsupported
from tests.backends.local.defining import REQUEST, Definer

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]


@pytest.fixture(scope="module")
def runtime():
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    return f"nodejs{version[1:].partition('.')[0]}.x"


@pytest.fixture(scope="module")
def node(tmp_path_factory, runtime):
    """node(files or the text of index.mjs, payload, ...) -> its Execution; one backend for all tests."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "zips").mkdir()
    definer = Definer(folder / "zips")
    names = iter(range(1000))

    def run(files, payload=None, *, handler="index.handler", again=None, request=REQUEST, **options):
        if isinstance(files, str):
            files = {"index.mjs": files}
        function = again or definer.define_zip(
            files, runtime=runtime, handler=handler, name=f"node{next(names)}", **options
        )
        run.function = function
        return backend.invoke(
            function,
            json.dumps(payload, ensure_ascii=False).encode(),
            request=request,
            complete=definer.complete,
        )

    run.definer = definer
    with LocalBackend(
        folder / "cache",
        code_of=definer.code_of,
        layer_of=lambda arn: definer.layers[arn],
        settings=LocalSettings(),
    ) as backend:
        run.backend = backend
        yield run


SEES = """
export const handler = async (event, context) => {
  console.log("hello", { a: 1 });
  console.error("careful");
  return {
    event, name: context.functionName, version: context.functionVersion, memory: context.memoryLimitInMB,
    id: context.awsRequestId, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(),
    env: process.env, argv: process.argv.length, cwd: process.cwd(),
  };
};
"""


def test_a_handler_with_its_context_environment_and_log(node, runtime):
    execution = node(SEES, {"x": "é"}, environment={"MINE": "1"}, memory_mb=256)
    assert execution.ok, execution.error
    found = execution.result
    assert found["event"] == {"x": "é"}
    assert (found["name"], found["version"], found["memory"]) == (node.function.name, "$LATEST", "256")
    assert found["id"] == execution.request_id
    assert found["arn"] == node.function.arn
    assert 1000 < found["left"] <= 3000
    environment = found["env"]
    assert environment["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{runtime}"
    assert environment["MINE"] == "1"
    assert environment["_HANDLER"] == "index.handler"
    assert environment["LAMBDA_TASK_ROOT"] == found["cwd"]
    assert environment["_X_AMZN_TRACE_ID"] == execution.trace_id
    major = runtime.removeprefix("nodejs").removesuffix(".x")
    first, second, *_ = environment["NODE_PATH"].split(":")
    assert first.endswith(f"/nodejs/node{major}/node_modules")
    assert second.endswith("/nodejs/node_modules")
    assert not [name for name in environment if "FAASLAB" in name]
    assert found["argv"] == 2
    assert execution.runtime == runtime
    assert execution.logs[0].message.startswith(f"INIT_START Runtime Version: nodejs:{major}.v")
    texts = {line.message.split("\t")[-1]: line.level for line in execution.logs}
    assert texts["hello { a: 1 }"] == "INFO"
    assert texts["careful"] == "ERROR"
    again = node(None, 1, again=node.function)
    assert not again.cold_start
    assert again.result["event"] == 1


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index.mjs": "export const handler = async () => 1;"}, "index.handler"),
        ({"index.cjs": "exports.handler = async () => 1;"}, "index.handler"),
        ({"index.js": "exports.handler = async () => 1;"}, "index.handler"),
        ({"index.js": "export const handler = async () => 1;", "package.json": '{"type":"module"}'}, "index.handler"),
        ({"src/app.js": "exports.a = { b: async () => require('./x') };", "src/x.js": "module.exports = 1"}, "src/app.a.b"),
        ({"index.mjs": "const one = await Promise.resolve(1); export const handler = async () => one;"}, "index.handler"),
        ({"index.mjs": "import one from 'one'; export const handler = async () => one;", "node_modules/one/index.js": "module.exports = 1"}, "index.handler"),
    ],
    ids=["mjs", "cjs", "js", "module", "nested", "top-level await", "node_modules"],
)  # fmt: skip
def test_every_form_of_a_handler(files, handler, node):
    assert node(files, handler=handler).result == 1


def test_a_handler_with_a_callback_and_one_that_says_nothing(node, runtime):
    if runtime > "nodejs22.x":
        pytest.skip("Node.js 24 has no callbacks")
    assert (
        node({"index.js": "exports.handler = (e, c, done) => setTimeout(() => done(null, e), 5);"}, 7).result
        == 7
    )
    assert node({"index.js": "exports.handler = (e, c) => { setTimeout(() => 1, 20); };"}, 7).result is None


# source of index.js -> error type, message
ERRORS = {
    "throws": ("exports.handler = async () => { throw new TypeError('no'); };", "TypeError", "no"),
    "throws at once": ("exports.handler = () => { throw new RangeError('no'); };", "RangeError", "no"),
    "rejects": ("exports.handler = () => Promise.reject(new Error('no'));", "Error", "no"),
    "not found": ("exports.other = 1;", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
    "syntax": ("exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"),
    "no module": ("require('absent'); exports.handler = 1", "Runtime.ImportModuleError", "Error: Cannot find module 'absent'"),
    "fails to load": ("throw new Error('at once');", "Error", "at once"),
    "not JSON": ("exports.handler = async () => { const a = {}; a.a = a; return a; };", None, "stringify"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_what_goes_wrong_is_recorded_as_awss_client_says_it(case, node):
    source, kind, message = ERRORS[case]
    execution = node({"index.js": source})
    assert execution.status == "failed"
    assert message in execution.error.message
    assert kind in (None, execution.error.type)
    assert node(None, again=node.function).status == "failed"


def test_an_error_tells_its_place(node):
    execution = node({"index.js": "exports.handler = async () => {\n  throw new Error('here');\n};"})
    assert execution.result["errorType"] == "Error"
    assert any("index.js:2" in line for line in execution.result["trace"])
    assert any("index.js:2" in line for line in execution.error.stack_trace)


def test_a_process_that_ends_is_an_exit(node):
    error = node("export const handler = async () => process.exit(3);").error
    assert (error.type, error.message.partition("Error: ")[2]) == (
        "Runtime.ExitError",
        "Runtime exited with error: exit status 3",
    )


def test_an_unhandled_rejection_reaches_the_record_before_the_process_ends(node):
    source = (
        "export const handler = () => { Promise.reject(new Error('lost')); return new Promise(() => {}); };"
    )
    execution = node(source)
    assert execution.status == "failed"
    assert "lost" in json.dumps(execution.result) + "".join(line.message for line in execution.logs)


def test_a_time_out(node):
    execution = node("export const handler = () => new Promise((r) => setTimeout(r, 60000));", timeout_s=1)
    assert execution.status == "timeout"


def test_a_streamed_response(node):
    source = """
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType("text/plain");
  stream.write("one ");
  await new Promise((resolve) => setTimeout(resolve, 5));
  stream.write("two");
  stream.end();
});
"""
    first = node(source)
    assert first.ok, first.error
    assert first.result == b"one two"
    for _ in range(3):
        again = node(None, again=node.function)
        assert (again.ok, again.result, again.cold_start) == (True, b"one two", False)


def test_large_payloads_in_both_directions(node):
    source = "export const handler = async (event) => event;"
    text = "é" * 2_500_000
    assert node(source, text, timeout_s=20).result == text
    source = "export const handler = async () => 'x'.repeat(7 * 1024 * 1024);"
    assert node(source, timeout_s=20).error.type == "Function.ResponseSizeTooLarge"


def test_layers_bring_modules(node, runtime):
    major = runtime.removeprefix("nodejs").removesuffix(".x")
    layer = node.definer.layer("modules", {
        "nodejs/node_modules/one/index.js": "module.exports = 1",
        f"nodejs/node{major}/node_modules/two/index.js": "module.exports = 2",
    })  # fmt: skip
    source = "exports.handler = async () => [require('one'), require('two')];"
    assert node({"index.js": source}, layers=(layer,)).result == [1, 2]


def test_a_wrapper_goes_before_node(node):
    layer = node.definer.layer("wrap", {"wrap*": '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'})
    execution = node(
        "export const handler = async () => process.env.WRAPPED;",
        layers=(layer,),
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"},
    )
    assert execution.result == "yes"


def test_json_logs(node):
    execution = node(
        "export const handler = async () => { console.warn('careful'); };", log_format="JSON", memory_mb=256
    )
    told = [json.loads(line.message) for line in execution.logs if "careful" in line.message]
    assert [(each["level"], each["message"]) for each in told] == [("WARN", "careful")]


def test_the_client_of_the_newer_runtimes(invoke, definer, runtime, monkeypatch):
    monkeypatch.setattr(node_program, "_OLD", node_program._NEW)
    source = "export const handler = async (event) => { if (event) throw new Error('no'); return 1; };"
    function = definer.define_zip({"index.mjs": source}, runtime=runtime, handler="index.handler")
    assert [invoke(function, b"null").result for _ in range(3)] == [1, 1, 1]
    assert invoke(function, b"1").error.message == "no"


# --- which node -----------------------------------------------------------------------------------------


def test_another_version_is_said_with_the_remedy(runtime):
    with pytest.raises(
        RuntimeNotFound, match=r"no node of version 99 .* here is \d+.*nvm install 99.*or use nodejs"
    ):
        node_program.find("nodejs99.x")
    assert node_program.find(runtime)[1].split(".")[0] in runtime
    with pytest.raises(Unsupported):
        node_program.find("nodejs")


def test_a_shim_that_leads_nowhere_is_passed_over(tmp_path, monkeypatch):
    shim = tmp_path / "node"
    shim.write_text("#!/bin/sh\nexit 1\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(RuntimeNotFound, match="no node of version 97 was found"):
        node_program.find("nodejs97.x")


def test_behind_a_shim_is_the_node_itself(tmp_path, monkeypatch, runtime):
    real = node_program.find(runtime)
    shim = tmp_path / "node"
    shim.write_text(f'#!/bin/sh\nexec {real[0]} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node_program.find(runtime) == real


def test_without_npm_the_remedy_is_said(define, invoke, definer, runtime, monkeypatch):
    found = node_program.find(runtime)
    monkeypatch.setattr(node_program, "find", lambda _: found)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RuntimeNotFound, match="npm was not found"):
        invoke(definer.define_zip({"index.mjs": ""}, runtime=runtime, handler="index.handler"))


def test_what_npm_says_when_it_fails(invoke, definer, runtime, monkeypatch, tmp_path):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho npm error code E404\nexit 1\n")
    npm.chmod(0o755)
    found = node_program.find(runtime)
    monkeypatch.setattr(node_program, "find", lambda _: found)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RequirementsFailed, match="npm error code E404"):
        invoke(definer.define_zip({"index.mjs": ""}, runtime=runtime, handler="index.handler"))
    assert not [path for path in (tmp_path / "cache" / "runtime").glob("node-client*") if path.is_dir()]


def test_packages_of_pip_are_for_python(invoke, definer, runtime):
    with pytest.raises(Unsupported, match="pip.*node_modules"):
        invoke(
            definer.define_zip({"index.mjs": ""}, runtime=runtime, handler="index.handler", requires=("x",))
        )


STREAMS = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  for (const piece of event.pieces) {
    stream.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (event.fail) throw new TypeError("too late");
  stream.end();
});
"""


def test_awss_client_streams(node):
    """It opens a connection of its own for that, with chunks, and trailers for an error."""
    plain = node(STREAMS, {"pieces": ["a", "b", "c"]})
    assert plain.result_body == b"abc", "without streaming it is buffered"
    for fail in (False, True):
        payload = json.dumps({"pieces": ["one ", "two ", "three"], "fail": fail}).encode()
        stream = node.backend.stream(node.function, payload, request=REQUEST, complete=node.definer.complete)
        assert b"".join(stream) == b"one two three"
        execution = stream.execution
        assert execution.result_bytes is not None
        assert (execution.error is None) != fail
    assert (execution.error.type, execution.error.message) == ("TypeError", "too late")
