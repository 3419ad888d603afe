"""A function that follows a file or folder: what was saved there runs next, and nothing else does."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import faaslab
from faaslab.errors import InvalidValue
from faaslab.lab.following import signature
from tests.backends.local.defining import eventually

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "faaslab.duckdb", cache=tmp_path / "cache") as lab:
        yield lab


def saying(word):
    return f"def handler(event, context):\n    return {word!r}\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "score.py"
    path.write_text(saying("one"))
    return path


def definitions(lab):
    return [(each.definition, each.code.source) for each in lab.functions.definitions("score")]


def test_a_saved_file_is_the_next_definition_at_the_next_invocation(lab, file):
    function = lab.functions.create("score", source=file, memory_mb=256)
    assert function.source_path == str(file)
    assert [lab.functions.invoke("score").result for _ in range(2)] == ["one", "one"]
    file.write_text(saying("two"))
    done = lab.functions.invoke("score")
    assert (done.result, done.definition, done.cold_start, done.memory_mb) == ("two", 2, True, 256)
    assert lab.functions.submit("score").result().result == "two"
    file.write_text(saying("three"))
    assert lab.functions.map("score", [1, 2]).df["result"].tolist() == ["three", "three"]
    assert definitions(lab) == [(1, saying("one")), (2, saying("two")), (3, saying("three"))]
    assert len({each.id for each in lab.backend.environments()}) == len(lab.backend.environments())


def test_many_threads_that_see_the_change_at_once_make_one_definition_of_it(lab, file):
    lab.functions.create("score", source=file)
    lab.functions.invoke("score")
    file.write_text(saying("two"))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: lab.functions.invoke("score").result, range(16)))
    assert results == ["two"] * 16
    assert len(definitions(lab)) == 2


def test_the_same_content_again_is_no_definition_and_ends_no_environment(lab, file):
    lab.functions.create("score", source=file)
    first = lab.functions.invoke("score")
    for _ in range(3):
        file.write_text(saying("one"))
        os.utime(file)
        assert lab.functions.invoke("score").environment_id == first.environment_id
    assert len(definitions(lab)) == 1


def test_a_file_that_rests_is_not_read_again(lab, file, monkeypatch):
    lab.functions.create("score", source=file)
    eventually(lambda: time.time() - file.stat().st_ctime > 0.1)
    lab.functions.invoke("score")
    monkeypatch.setattr(Path, "read_text", None)
    assert lab.functions.invoke("score").result == "one"
    assert not lab.functions.invoke("score").cold_start


def test_a_save_that_keeps_the_date_and_the_size_is_seen(lab, file):
    lab.functions.create("score", source=file)
    for word in ("abc", "bcd", "cde", "def"):
        state = file.stat()
        file.write_text(saying(word))
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert lab.functions.invoke("score").result == word


def test_what_is_half_saved_is_told_by_the_execution_and_mended_by_the_next_save(lab, file):
    lab.functions.create("score", source=file)
    file.write_text("def handler(event, context:\n")
    done = lab.functions.invoke("score")
    assert done.error.type == "Runtime.UserCodeSyntaxError"
    file.write_text(saying("well"))
    assert lab.functions.invoke("score").result == "well"


def test_a_file_that_is_gone_or_empty_is_told_and_nothing_old_runs(lab, file):
    lab.functions.create("score", source=file)
    file.unlink()
    with pytest.raises(InvalidValue, match=r"cannot read .*score\.py.*put it back"):
        lab.functions.invoke("score")
    file.write_text("")
    with pytest.raises(InvalidValue, match="empty"):
        lab.functions.invoke("score")
    file.write_text(saying("back"))
    assert lab.functions.invoke("score").result == "back"
    file.unlink()
    lab.functions.delete("score")


def test_any_file_of_a_folder_is_followed(lab, tmp_path):
    folder = tmp_path / "src"
    (folder / "inner").mkdir(parents=True)
    (folder / "app.py").write_text(
        "from inner import deep\nimport beside\n"
        "def handler(event, context):\n    return [beside.word, deep.word, open('data.txt').read()]\n"
    )
    (folder / "beside.py").write_text("word = 'b'")
    (folder / "inner" / "deep.py").write_text("word = 'd'")
    (folder / "data.txt").write_text("t")
    lab.functions.create("score", source=folder, handler="app.handler")
    assert lab.functions.invoke("score").result == ["b", "d", "t"]
    (folder / "inner" / "deep.py").write_text("word = 'D'")
    assert lab.functions.invoke("score").result == ["b", "D", "t"]
    (folder / "data.txt").unlink()
    (folder / "data.txt").write_text("T")
    (folder / "__pycache__").mkdir()
    before = signature(folder)
    (folder / "__pycache__" / "x.pyc").write_text("")
    assert signature(folder) == before
    assert lab.functions.invoke("score").result == ["b", "D", "T"]
    assert len(definitions(lab)) == 3


def test_a_queued_event_runs_what_is_there_when_it_runs(lab, file):
    lab.functions.create("score", source=file)
    assert lab.functions.submit("score", invocation_type="Event").result(30).result == "one"
    file.write_text(saying("two"))
    assert lab.functions.submit("score", invocation_type="Event").result(30).result == "two"


def test_a_published_version_stays_what_it_was(lab, file):
    lab.functions.create("score", source=file)
    lab.versions.publish("score")
    file.write_text(saying("two"))
    assert lab.functions.invoke("score", qualifier="1").result == "one"
    lab.versions.create_alias("score", "dev", "$LATEST")
    assert lab.functions.invoke("score", qualifier="dev").result == "two", "an alias of $LATEST follows too"
    assert lab.functions.invoke("score", qualifier="1").result == "one"


def test_options_stay_and_other_code_ends_it(lab, file):
    lab.functions.create("score", source=file, environment={"STAGE": "dev"}, preload="csv")
    lab.functions.update("score", timeout_s=9)
    file.write_text(saying("two"))
    lab.functions.invoke("score")
    function = lab.functions.get("score")
    configuration = function.configuration
    assert (configuration.timeout_s, configuration.environment, configuration.preload) == (
        9, {"STAGE": "dev"}, ("csv",),
    )  # fmt: skip
    assert lab.functions.create("score", saying("cell")).source_path is None
    file.write_text(saying("three"))
    assert lab.functions.invoke("score").result == "cell"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code": "x = 1"}, "code: does not go with source"),
        ({"include": ["x.py"]}, "include: does not go with source"),
        ({"capture": {"x": 1}}, "capture: does not go with source"),
        ({"source": "no/such.py"}, "source: cannot read"),
        ({"source": "."}, r"source: .* has no lambda_function\.py at its top"),
        ({"source": ".", "handler": "a/b.handler"}, r"source: .* has no a/b\.py at its top"),
        ({"source": None}, "code: a function needs code"),
    ],
)
def test_what_cannot_be_followed_is_told(lab, file, options, message):
    with pytest.raises(InvalidValue, match=message):
        lab.functions.create("score", **{"source": file, **options})


def test_preload_of_another_language_is_said_to_do_nothing(lab):
    definition = lab.functions.define(
        "js", "exports.handler = async () => 1", runtime="nodejs20.x", preload=["x"]
    )
    assert any("preload is for Python" in note for note in definition.notes)


def test_another_process_goes_on_following(lab, file):
    lab.functions.create("score", source=file)
    lab.functions.invoke("score")
    lab.close()
    file.write_text(saying("two"))
    done = subprocess.run(
        [sys.executable, "-m", "faaslab", "--store", str(lab.store.path), "invoke", "score"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"two"' in done.stdout
