"""Container images run in a sandbox, and so do other runtimes: with real programs."""

import dataclasses
import os
import shutil
import subprocess

import pytest

from faaslab.errors import InvalidValue, Unsupported
from faaslab.model.function import ImageCode
from tests.backends.local.bootstraps import EXTENSION, SHELL
from tests.backends.local.defining import OWN_RUNTIME, SANDBOX_FAULT
from tests.backends.local.image_making import OciImage, docker_archive, file, folder, layer, link

sandboxed = pytest.mark.skipif(SANDBOX_FAULT is not None, reason=SANDBOX_FAULT or "")


@pytest.fixture
def of_image(define, tmp_path):
    """of_image(image, ...) -> the function of an image that is written to a file."""

    def make(image, *, name="image.tar", options=None, **code):
        path = image.archive(tmp_path / name)
        function = define(runtime="image", handler="", name=name.partition(".")[0], **(options or {}))
        return dataclasses.replace(
            function, code=ImageCode(uri=str(path), **code), code_sha256=image.digest, code_digest=""
        )

    return make


@pytest.fixture
def app(go_bootstrap):
    """app(entries of a second layer, config of the image) -> an image around a static Go program."""

    def image(*entries, **config):
        first = layer(
            folder("app"), file("app/server", go_bootstrap, 0o755), link("bin", "app"), file("gone", "x")
        )
        second = layer(
            file(".wh.gone"), file("etc/passwd", "nobody"), link("outside", "/etc/passwd"), *entries
        )
        return OciImage(first, second, **{"Entrypoint": ["/app/server"], **config})

    return image


@sandboxed
class TestImages:
    def test_a_function_in_its_own_root(self, app, of_image, invoke, backend, tmp_path):
        function = of_image(
            app(file("data/here", "inside"), Cmd=["one", "two"], Env=["MINE=image"], WorkingDir="/data")
        )
        execution = invoke(function, b'{"read":"here"}')
        assert execution.ok, execution.error
        told = execution.result
        assert told["read"] == "inside"
        assert told["args"] == ["/app/server", "one", "two"]
        assert (told["folder"], told["mine"], told["execution_env"]) == ("/data", "image", "")
        assert told["uid"] not in (0, os.getuid())
        assert (execution.runtime, execution.cold_start) == ("image", True)
        assert "go says hello" in [line.message for line in execution.logs]
        assert invoke(function, b'{"read":"/outside"}').result["read"] == "nobody", (
            "a link stays in the image"
        )
        for path in (
            "/gone",
            str(tmp_path / "image.tar"),
            "/usr/bin/env",
            "/root/.bashrc",
        ):
            assert invoke(function, b'{"read":"%s"}' % path.encode()).result["read"] == ""
        assert invoke(function).result["count"] == 7
        assert len(backend.environments()) == 1

    def test_the_functions_own_command_goes_before_the_images(self, app, of_image, invoke):
        image = app(folder("work"), Env=["PATH=/nowhere:/bin"])
        function = of_image(
            image,
            command=("mine", "more"),
            entry_point=("server",),
            working_directory="/work",
            options={"environment": {"MINE": "function"}},
        )
        told = invoke(function).result
        assert (told["args"], told["folder"], told["mine"]) == (
            ["/bin/server", "mine", "more"],
            "/work",
            "function",
        )

    def test_its_files_are_read_only_and_its_tmp_is_its_own(self, app, of_image, invoke, tmp_path):
        function = of_image(app())
        assert invoke(function).ok
        root = tmp_path / "cache" / "images" / function.code_sha256 / "rootfs"
        assert (root / "app" / "server").is_file()
        assert not (root / "gone").exists()

    def test_an_image_outlives_its_file(self, app, of_image, invoke, backend_with, tmp_path):
        function = of_image(app())
        assert invoke(function).ok
        (tmp_path / "image.tar").unlink()
        assert invoke(function, on=backend_with()).ok

    def test_what_docker_saved(self, go_bootstrap, define, invoke, tmp_path):
        path = docker_archive(
            tmp_path / "saved.tar.gz",
            layer(file("server", go_bootstrap, 0o755)),
            mode="w:gz",
            Cmd=["/server"],
        )
        function = dataclasses.replace(
            define(runtime="image", handler=""), code=ImageCode(uri=str(path)), code_digest=""
        )
        assert invoke(function).result["args"] == ["/server"]

    def test_a_crash_and_a_time_out(self, app, of_image, invoke):
        function = of_image(app())
        died = invoke(function, b'"panic"')
        assert died.error.message.endswith("Runtime exited with error: exit status 2")
        assert invoke(function).result["count"] == 1

    @pytest.mark.parametrize(
        ("config", "said"),
        [
            ({"Entrypoint": ["/absent"]}, "fork/exec /absent: no such file or directory"),
            ({"Entrypoint": ["absent"]}, 'exec: "absent": executable file not found in $PATH'),
            ({"Entrypoint": ["/etc/passwd"]}, "fork/exec /etc/passwd: permission denied"),
            ({"Entrypoint": ["/script"]}, "fork/exec /script: no such file or directory"),
            ({"Entrypoint": ["/text"]}, "fork/exec /text: exec format error"),
            ({"Entrypoint": ["/text/x"]}, "fork/exec /text/x: no such file or directory"),
            ({"Entrypoint": ["/app"]}, "fork/exec /app: no such file or directory"),
            ({"Entrypoint": None}, "the image has neither an entry point nor a command"),
        ],
        ids=[
            "absent",
            "not on the path",
            "no program",
            "no interpreter",
            "text",
            "below a file",
            "a folder",
            "nothing",
        ],
    )
    def test_what_cannot_be_started_is_recorded(self, config, said, app, of_image, invoke):
        # /bin/sh is on this machine, and not in the image.
        image = app(file("script", "#!/bin/sh\n", 0o755), file("text", "hello", 0o755), **config)
        error = invoke(of_image(image)).error
        assert error.type == "Runtime.InvalidEntrypoint"
        assert error.message.endswith(f"Error: {said}")

    def test_a_folder_that_is_not_there(self, app, of_image, invoke):
        error = invoke(of_image(app(), working_directory="/nowhere")).error
        assert error.message.endswith("chdir /nowhere: no such file or directory")

    def test_an_extension_of_the_image_runs_beside_it(self, app, of_image, invoke, built):
        extension = built("extension", EXTENSION)
        image = app(folder("opt/extensions"), file("opt/extensions/watcher", extension, 0o755))
        execution = invoke(of_image(image))
        assert execution.ok, execution.error
        assert any("the extension is registered" in line.message for line in execution.logs)

    def test_a_hostile_image_is_refused_and_nothing_is_recorded(self, of_image, invoke, definer, tmp_path):
        image = OciImage(layer(file("../../out", "x")), Entrypoint=["/x"])
        with pytest.raises(InvalidValue, match="outside of the image"):
            invoke(of_image(image))
        assert definer.recorded == []
        assert not (tmp_path / "out").exists()


def test_without_bubblewrap_an_image_is_refused_with_the_remedy(of_image, invoke, backend_with, monkeypatch):
    image = OciImage(layer(file("x", "x", 0o755)), Entrypoint=["/x"])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unsupported, match="image: .*bubblewrap.*install"):
        invoke(of_image(image), on=backend_with())


@sandboxed
class TestOtherRuntimes:
    @pytest.fixture
    def contained(self, backend_with):
        return backend_with(sandbox="on")

    def test_go(self, go_bootstrap, definer, invoke, contained):
        function = definer.define_zip({"bootstrap*": go_bootstrap})
        told = invoke(function, on=contained).result
        assert (told["args"], told["folder"]) == (["/var/task/bootstrap"], "/var/task")

    @pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="bash is not installed")
    def test_a_shell_script_with_layers_and_a_wrapper(self, definer, define, invoke, contained):
        tool = definer.layer("tool", {"bin/tool*": '#!/bin/sh\necho "\\"$PATH\\""\n'})
        script = "main() { tool; }\n"
        function = definer.define_zip(
            {"bootstrap*": SHELL, "app.sh": script}, handler="app.main", layers=(tool,)
        )
        assert invoke(function, on=contained).result.endswith(":/opt/bin")
        wrapper = definer.layer("wrap", {"wrap*": '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'})
        function = define(
            "import os, sys\ndef handler(e, c):\n    return [os.environ.get('WRAPPED'), sys.path[:3]]\n",
            name="wrapped",
            layers=(wrapper,),
            environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"},
        )
        assert invoke(function, on=contained).result == [
            "yes",
            ["/var/task", f"/opt/python/lib/{OWN_RUNTIME}/site-packages", "/opt/python"],
        ]

    @pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="node or npm is not installed"
    )
    def test_node(self, definer, invoke, contained):
        version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
        layer_arn = definer.layer("one", {"nodejs/node_modules/one/index.js": "module.exports = 1"})
        source = "exports.handler = async () => [require('one'), process.env.LAMBDA_TASK_ROOT, process.env.NODE_PATH];"
        function = definer.define_zip(
            {"index.js": source},
            runtime=f"nodejs{version[1:].partition('.')[0]}.x",
            handler="index.handler",
            layers=(layer_arn,),
        )
        one, task, path = invoke(function, on=contained).result
        failing = definer.define_zip(
            {"index.js": "exports.handler = async () => { throw new Error('no'); };"},
            name="failing",
            runtime=function.runtime,
            handler="index.handler",
        )
        trace = invoke(failing, on=contained).error.stack_trace
        assert any("/var/task/index.js:1" in line for line in trace)
        assert not [line for line in trace if str(definer.folder.parent) in line], "no path of this machine"
        assert (one, task) == (1, "/var/task")
        assert "/opt/nodejs/node_modules" in path.split(":")
