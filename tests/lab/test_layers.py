"""Layers are published once, found by name, and laid at /opt of what names them."""

import stat
import threading
import zipfile

import pytest

from faaslab.errors import InvalidValue, NotFound, Unsupported
from faaslab.lab import runtimes
from tests.backends.local.defining import OWN_RUNTIME, SANDBOX_FAULT
from tests.backends.local.image_making import OciImage, file, layer


@pytest.fixture
def zipped(tmp_path):
    """zipped(name, {path: text}) -> the zip's path; a path that ends in `*` is executable."""

    def make(name, files):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for file, text in files.items():
                info = zipfile.ZipInfo(file.removesuffix("*"))
                info.external_attr = (stat.S_IFREG | (0o755 if file.endswith("*") else 0o644)) << 16
                archive.writestr(info, text)
        return path

    return make


USES = "import tool\ndef handler(event, context):\n    return tool.VALUE\n"


def test_versions_count_and_are_never_used_again(lab, zipped):
    one = lab.layers.publish(
        "tools", zipped("1.zip", {"python/tool.py": "VALUE = 1"}), description="the first"
    )
    assert (one.number, one.name, one.description) == (1, "tools:1", "the first")
    assert one.arn == "arn:aws:lambda:us-east-1:000000000000:layer:tools:1"
    assert one.unzipped_bytes == len("VALUE = 1")
    again = lab.layers.publish("tools", tmp := zipped("1.zip", {"python/tool.py": "VALUE = 1"}))
    assert again == one
    two = lab.layers.publish("tools", zipped("2.zip", {"python/tool.py": "VALUE = 2"}))
    assert [each.name for each in lab.layers.list()] == ["tools:1", "tools:2"]
    assert lab.layers.get("tools") == two
    assert lab.layers.get("tools:1") == lab.layers.get(one.arn) == one
    assert [each.name for each in lab.layers.delete("tools:2")] == ["tools:2"]
    assert lab.layers.get("tools").name == "tools:1"
    assert lab.layers.publish("tools", zipped("3.zip", {"python/tool.py": "VALUE = 2"})).number == 3
    assert [each.name for each in lab.layers.delete("tools")] == ["tools:1", "tools:3"]
    assert lab.layers.list() == ()
    assert lab.layers.table().empty
    with pytest.raises(NotFound):
        lab.layers.get("tools")
    assert lab.layers.publish("tools", tmp).number == 4


def test_a_function_takes_layers_by_every_name(lab, zipped):
    path = zipped("tools.zip", {"python/tool.py": "VALUE = 1"})
    first = lab.functions.define("probe", USES, layers=[str(path)])
    assert first.function.configuration.layers == ("arn:aws:lambda:us-east-1:000000000000:layer:tools:1",)
    assert lab.functions.invoke("probe").result == 1
    for given in (
        [path],
        ["tools"],
        ["tools:1"],
        [lab.layers.get("tools").arn],
        "tools",
        [lab.layers.get("tools")],
    ):
        assert lab.functions.define("probe", USES, layers=given).change == "unchanged"
    zipped("tools.zip", {"python/tool.py": "VALUE = 2"})
    second = lab.functions.define("probe", USES, layers=[path])
    assert (second.change, second.function.definition) == ("updated", 2)
    assert lab.functions.invoke("probe").result == 2
    assert (
        lab.functions.update("probe", memory_mb=256).configuration.layers
        == second.function.configuration.layers
    )
    lab.layers.delete("tools")
    assert lab.functions.invoke("probe").result == 2
    assert lab.functions.update("probe", memory_mb=512).configuration.layers, "what has it keeps it"
    assert lab.functions.update("probe", layers=["none"]).configuration.layers == ()
    assert lab.functions.invoke("probe").error.type == "Runtime.ImportModuleError"


def test_what_is_no_layer_is_said(lab, zipped, tmp_path):
    lab.layers.publish("tools", zipped("1.zip", {"python/tool.py": "VALUE = 1"}))
    with pytest.raises(NotFound, match="did you mean 'tools'|publish it"):
        lab.functions.define("probe", USES, layers=["tool"])
    with pytest.raises(NotFound):
        lab.functions.define("probe", USES, layers=["tools:2"])
    with pytest.raises(NotFound):
        lab.functions.define("probe", USES, layers=["arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"])
    with pytest.raises(InvalidValue, match="Two different versions"):
        lab.functions.define("probe", USES, layers=["tools", "tools:1"])
    for number in range(6):
        lab.layers.publish(f"n{number}", zipped("n.zip", {"x": str(number)}))
    with pytest.raises(InvalidValue, match="more than 5 layers"):
        lab.functions.define("probe", USES, layers=[f"n{number}" for number in range(6)])
    with pytest.raises(InvalidValue, match="layer's name"):
        lab.layers.publish("a b", zipped("n.zip", {"x": ""}))
    (tmp_path / "no.zip").write_text("no")
    with pytest.raises(InvalidValue, match="sound zip"):
        lab.layers.publish("no", tmp_path / "no.zip")
    with pytest.raises(InvalidValue, match="absent"):
        lab.functions.define("probe", USES, layers=[str(tmp_path / "absent.zip")])
    with pytest.raises(InvalidValue, match=r"layers: 'u\.py' is neither the name of a layer nor a zip"):
        lab.functions.define("probe", USES, layers=["u.py"])
    assert lab.functions.names() == ()


def test_code_and_layers_together_have_a_limit(lab, zipped, monkeypatch):
    monkeypatch.setattr("faaslab.lab.layers.UNZIPPED_BYTES", 2000)
    layer = zipped("big.zip", {"x": "x" * 1990})
    with pytest.raises(
        InvalidValue, match="combined with layers exceeds the maximum allowed size of 2000 bytes"
    ):
        lab.functions.define("probe", USES, layers=[layer])
    lab.functions.define("probe", USES)
    with pytest.raises(InvalidValue, match="combined with layers exceeds"):
        lab.functions.update("probe", layers=[layer])


def test_two_who_publish_at_once_get_two_numbers(lab, zipped):
    paths = [zipped(f"{number}.zip", {"x": str(number)}) for number in range(4)]
    threads = [threading.Thread(target=lab.layers.publish, args=("crowd", path)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.number for each in lab.layers.list("crowd")] == [1, 2, 3, 4]


def test_a_layers_zip_outlives_a_prune(lab, zipped):
    from datetime import timedelta

    version = lab.layers.publish("tools", zipped("1.zip", {"x": "1"}))
    lab.store.prune(timedelta(0))
    assert lab.store.blobs.has(version.code_digest)


# --- other runtimes -------------------------------------------------------------------------------------

SHELL = "#!/bin/sh\nexit 3\n"


def test_a_zip_with_a_bootstrap_says_by_itself_what_runs_it(lab, zipped):
    path = zipped("go.zip", {"bootstrap*": SHELL})
    function = lab.functions.create("go", path)
    assert (function.runtime, function.handler) == ("provided.al2023", "bootstrap")
    error = lab.functions.invoke("go").error
    assert error.message.endswith("exit status 3")
    assert lab.functions.update_code("go", path).runtime == "provided.al2023"
    with pytest.raises(InvalidValue, match="a zip needs its handler"):
        lab.functions.create("app", zipped("app.zip", {"app.py": ""}))


def test_a_script_becomes_the_bootstrap(lab):
    function = lab.functions.create("sh", SHELL, runtime="provided.al2023")
    assert function.code.filename == "bootstrap"
    assert lab.functions.invoke("sh").error.message.endswith("exit status 3")
    assert lab.functions.code("sh") == SHELL
    with pytest.raises(InvalidValue, match="begin it with"):
        lab.functions.create("sh", "echo", runtime="provided.al2023")
    with pytest.raises(InvalidValue, match="captured for Python code only"):
        lab.functions.create("sh", SHELL, runtime="provided.al2023", capture={"a": 1})


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [
        ("export const handler = async () => 1;", None, ("index.mjs", "index.handler", 0)),
        ("exports.handler = async () => 1;", None, ("index.js", "index.handler", 0)),
        ("module.exports = { handler: 1 };", None, ("index.js", "index.handler", 0)),
        ("export function main() {}", "src/app.main", ("src/app.mjs", "src/app.main", 0)),
        ("const handler = 1;", None, ("index.mjs", "index.handler", 1)),
        ("export const other = 1;", None, ("index.mjs", "index.handler", 1)),
        ("import a from 'a';\nexport { handler } from 'b';", None, ("index.mjs", "index.handler", 0)),
    ],
)
def test_which_file_javascript_becomes(source, wanted, expected):
    name, handler, notes = runtimes.cell_file(source, "nodejs22.x", wanted)
    assert (name, handler, len(notes)) == expected


@pytest.mark.parametrize(
    ("text", "of", "expected"),
    [
        ("a.b", "python3.12", "a.b"),
        ("pkg/app.main", "python3.12", "pkg.app.main"),
        ("index.handler", "nodejs22.x", "index.handler"),
        ("src/index.a.b", "nodejs22.x", "src/index.a.b"),
        ("bootstrap", "provided.al2023", "bootstrap"),
        ("what::ever", "provided.al2023", "what::ever"),
        ("", "image", ""),
        ("handler", "python3.12", None),
        ("handler", "nodejs22.x", None),
        ("../x.handler", "nodejs22.x", None),
        ("a b", "provided.al2023", None),
        ("", "provided.al2023", None),
    ],
)
def test_a_handler_of_each_runtime(text, of, expected):
    if expected is None:
        with pytest.raises(InvalidValue) as caught:
            runtimes.handler(text, of)
        assert caught.value.place == "handler"
    else:
        assert runtimes.handler(text, of) == expected


def test_runtimes_that_do_not_run_say_what_does():
    assert runtimes.runtime("nodejs22.x") == "nodejs22.x"
    for name in ("java21", "ruby3.4", "dotnet8"):
        with pytest.raises(Unsupported, match=rf"{name}.*--image.*provided\.al2023"):
            runtimes.runtime(name)
    with pytest.raises(InvalidValue, match=r"did you mean 'nodejs2\d\.x'"):
        runtimes.runtime("nodejs21")


def test_a_python_function_needs_python(lab):
    def handler(event, context):
        return 1

    with pytest.raises(InvalidValue, match="does not run on nodejs22.x"):
        lab.functions.create("probe", handler, runtime="nodejs22.x")


# --- images ---------------------------------------------------------------------------------------------


def test_an_image_that_can_never_start_here_is_said_when_it_is_defined(lab, tmp_path, monkeypatch):
    from faaslab.model.function import ImageCode

    path = OciImage(layer(file("app", "x", 0o755)), Entrypoint=["/app"]).archive(tmp_path / "image.tar")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unsupported, match="bubblewrap"):
        lab.functions.define("box", ImageCode(uri=str(path)))


@pytest.mark.skipif(SANDBOX_FAULT is not None, reason=SANDBOX_FAULT or "")
def test_an_image_is_a_function_by_its_digest(lab, tmp_path):
    from faaslab.model.function import ImageCode

    image = OciImage(layer(file("app", "#!/nothing", 0o755)), Entrypoint=["/app"], tag="one")
    path = image.archive(tmp_path / "image.tar")
    definition = lab.functions.define("box", ImageCode(uri=str(path)), memory_mb=256)
    function = definition.function
    assert (function.runtime, function.handler, function.code_sha256) == ("image", "", image.digest)
    assert function.code == ImageCode(uri=str(path))
    assert lab.functions.define("box", ImageCode(uri=str(path)), memory_mb=256).change == "unchanged"
    assert lab.functions.update("box", memory_mb=512).code == function.code
    assert (
        lab.functions.define("box", ImageCode(uri=f"{path}:one"), memory_mb=512).function.code.uri
        == f"{path}:one"
    )
    OciImage(layer(file("app", "other", 0o755)), Entrypoint=["/app"]).archive(path)
    changed = lab.functions.update_code("box", ImageCode(uri=str(path)))
    assert changed.code_sha256 != function.code_sha256
    assert changed.configuration.memory_mb == 512
    with_handler = lab.functions.create("handled", ImageCode(uri=str(path)), handler="app.handler")
    assert with_handler.code.command == ("app.handler",)
    with pytest.raises(InvalidValue, match="its own runtime"):
        lab.functions.create("box", ImageCode(uri=str(path)), runtime="python3.12")
    with pytest.raises(InvalidValue, match="an image brings all"):
        lab.functions.create("box", ImageCode(uri=str(path)), requires=["pandas"])
    with pytest.raises(InvalidValue, match="an image is taken as it is"):
        lab.functions.create("box", ImageCode(uri=str(path)), include=[str(path)])
    assert lab.functions.update_code("box", USES).runtime == OWN_RUNTIME


def test_a_folder_of_javascript_is_followed(lab, tmp_path):
    source = tmp_path / "app"
    source.mkdir()
    (source / "index.mjs").write_text("export const handler = async () => 1;\n")
    (source / "shared.mjs").write_text("export const one = 1;\n")
    function = lab.functions.create("app", None, source=source, runtime="nodejs22.x")
    assert (function.code.filename, function.code.files) == ("index.mjs", ("shared.mjs",))
    with pytest.raises(InvalidValue, match="has no main.mjs at its top"):
        lab.functions.create("app", None, source=source, runtime="nodejs22.x", handler="main.handler")
