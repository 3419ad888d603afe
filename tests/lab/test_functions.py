"""Functions are defined declaratively, versioned, and run for real."""

import json
import subprocess
import sys
import threading
import zipfile

import pandas as pd
import pytest

from faaslab import app
from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.model.execution import ExecutionStatus

DOUBLE = "def handler(event, context):\n    return event['x'] * 2\n"


def test_a_definition_runs_and_the_same_again_changes_nothing(lab):
    first = lab.functions.define("score", DOUBLE, memory_mb=256)
    assert (first.change, first.function.definition, first.function.handler) == (
        "created",
        1,
        "lambda_function.handler",
    )
    again = lab.functions.define("score", DOUBLE, memory_mb=256)
    assert (again.change, again.function) == ("unchanged", first.function)
    execution = lab.functions.invoke("score", {"x": 21})
    assert (execution.result, execution.memory_mb, execution.cold_start) == (42, 256, True)
    assert lab.functions.invoke("score", {"x": 1}).cold_start is False


def test_a_change_is_the_next_definition_with_new_environments(lab):
    lab.functions.create("score", DOUBLE)
    lab.functions.invoke("score", {"x": 1})
    lab.versions.publish("score")
    changed = lab.functions.define("score", DOUBLE.replace("* 2", "* 3"))
    assert (changed.change, changed.function.definition) == ("updated", 2)
    execution = lab.functions.invoke("score", {"x": 1})
    assert (execution.result, execution.definition, execution.cold_start) == (3, 2, True)
    assert [f.definition for f in lab.functions.definitions("score")] == [1, 2]
    assert lab.functions.invoke("score", {"x": 1}, qualifier="1").result == 2
    assert lab.functions.code("score", definition=1) == DOUBLE


def test_update_changes_what_is_given_and_keeps_the_rest(lab):
    lab.functions.create("score", DOUBLE, memory_mb=256, environment={"STAGE": "dev"}, description="doubles")
    updated = lab.functions.update("score", timeout_s=9)
    configuration = updated.configuration
    assert (configuration.timeout_s, configuration.memory_mb, configuration.environment) == (
        9,
        256,
        {"STAGE": "dev"},
    )
    assert updated.code_sha256 == lab.functions.get("score", definition=1).code_sha256
    assert lab.functions.update("score", timeout_s=9).definition == 2
    recoded = lab.functions.update_code("score", DOUBLE.replace("* 2", "* 5"))
    assert (recoded.definition, recoded.configuration, recoded.description) == (3, configuration, "doubles")
    with pytest.raises(InvalidValue, match="memory_mb: 1 is out of range"):
        lab.functions.update("score", memory_mb=1)
    with pytest.raises(InvalidValue, match="no option 'memroy_mb'.*memory_mb"):
        lab.functions.update("score", memroy_mb=512)


def test_without_exist_ok_a_taken_name_is_refused(lab):
    lab.functions.create("score", DOUBLE, exist_ok=False)
    with pytest.raises(AlreadyExists):
        lab.functions.create("score", DOUBLE, exist_ok=False)


def test_a_zip_may_come_as_its_bytes(lab, tmp_path):
    packed = tmp_path / "app.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", DOUBLE)
    lab.functions.create("score", packed.read_bytes(), handler="app.handler")
    assert lab.functions.invoke("score", {"x": 2}).result == 4
    changed = lab.functions.update_code("score", packed.read_bytes() + b"")
    assert (changed.handler, changed.definition) == ("app.handler", 1)
    with pytest.raises(InvalidValue, match="not a sound zip"):
        lab.functions.update_code("score", b"no zip")


def test_a_dry_run_says_what_would_be_and_writes_nothing(lab):
    before = lab.functions.create("score", DOUBLE, memory_mb=256)
    would_be = lab.functions.redefine("score", code=DOUBLE.replace("2", "3"), dry_run=True)
    assert (would_be.change, would_be.function.configuration.memory_mb) == ("updated", 256)
    assert (would_be.function.version, would_be.function.definition) == ("$LATEST", 2)
    assert would_be.function.code_sha256 != before.code_sha256
    assert lab.functions.redefine("score", code=DOUBLE, dry_run=True).change == "unchanged"
    assert lab.functions.get("score").revision_id == before.revision_id
    with pytest.raises(Conflict, match="does not match the latest"):
        lab.functions.redefine("score", memory_mb=512, dry_run=True, revision_id="another")


def test_tags_belong_to_the_function_and_not_to_a_version(lab):
    lab.functions.create("score", DOUBLE, tags={"team": "a"})
    lab.versions.publish("score")
    tagged = lab.updates.tag("score", lambda tags: {**tags, "stage": "dev"})
    assert (tagged.definition, dict(tagged.tags)) == (1, {"team": "a", "stage": "dev"})
    assert len(lab.functions.definitions("score")) == 1
    # A cell that says nothing of tags leaves them.
    assert lab.functions.define("score", DOUBLE, memory_mb=512).function.tags == tagged.tags
    assert lab.functions.define("score", DOUBLE, memory_mb=512, tags={}).change == "updated"
    assert lab.functions.get("score").tags == {}


def test_delete_forgets_the_function_and_keeps_its_history(lab):
    lab.functions.create("score", DOUBLE)
    lab.functions.invoke("score", {"x": 1})
    lab.functions.delete("score")
    with pytest.raises(NotFound):
        lab.functions.get("score")
    with pytest.raises(NotFound):
        lab.functions.invoke("score", {"x": 1})
    assert len(lab.executions.list("score")) == 1
    assert lab.functions.create("score", DOUBLE).definition == 2


def test_what_is_not_there_is_named_with_the_nearest(lab):
    with pytest.raises(NotFound, match="define one first"):
        lab.functions.get("score")
    lab.functions.create("score", DOUBLE)
    with pytest.raises(NotFound, match="did you mean 'score'"):
        lab.functions.invoke("scoer")
    with pytest.raises(NotFound, match="published version of score.*publish score"):
        lab.functions.invoke("score", qualifier="7")
    with pytest.raises(NotFound, match="no alias of score is named 'prod'.*alias score prod VERSION"):
        lab.functions.invoke("score", qualifier="prod")


def test_nothing_leaks_in_but_what_is_captured_and_included(lab, tmp_path):
    (tmp_path / "rates.py").write_text("TAX = 1.5\n")
    source = "import rates\ndef handler(event, context):\n    return [rates.TAX, factor, sorted(globals().get('x', []))]\n"
    definition = lab.functions.define("f", source, include=[tmp_path / "rates.py"], capture={"factor": [3]})
    assert definition.notes == ()
    assert lab.functions.invoke("f").result == [1.5, [3], []]


def test_what_will_fail_is_said_when_it_is_defined_and_recorded_when_it_runs(lab):
    cases = {
        "a": ("def handler(e, c): return df.sum()", "uses df but nothing there defines it", "NameError"),
        "b": ("def handler(e, c:", "not Python", "Runtime.UserCodeSyntaxError"),
        "c": ("x = 1", "no function named handler", "Runtime.HandlerNotFound"),
    }
    for name, (source, note, error) in cases.items():
        (said,) = lab.functions.define(name, source).notes
        assert note in said
        execution = lab.functions.invoke(name)
        assert (execution.status, execution.error.type) == (ExecutionStatus.FAILED, error)


def test_a_telling_variable_gets_a_hint(lab):
    (note,) = lab.functions.define("f", DOUBLE, environment={"API_KEY": "hunter2"}).notes
    assert "--secret API_KEY" in note
    assert "hunter2" not in note


def test_a_zip_and_its_handler(lab, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("app/main.py", "def run(event, context):\n    return 'zip'\n")
    with pytest.raises(InvalidValue, match="handler: a zip needs its handler"):
        lab.functions.create("z", path)
    lab.functions.create("z", path, handler="app.main.run")
    assert lab.functions.invoke("z").result == "zip"
    assert lab.functions.code("z") == path.read_bytes()
    with pytest.raises(InvalidValue, match="capture: a zip is taken as it is"):
        lab.functions.create("z", path, handler="app.main.run", capture={"a": 1})


def module_level(event, context):
    return {"got": event}


def test_a_plain_function_is_taken_by_its_source(lab):
    lab.functions.create("plain", module_level)
    assert lab.functions.invoke("plain", [1]).result == {"got": [1]}


def test_a_handler_in_a_module_of_its_own(lab):
    function = lab.functions.create("f", "def run(e, c): return __name__", handler="deep/app.run")
    assert (function.handler, function.code.filename) == ("deep.app.run", "deep/app.py")
    assert lab.functions.invoke("f").ok


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"handler": "nodot"}, "handler"), ({"runtime": "python2.7"}, "runtime"), ({"include": ["nowhere"]}, "include"),
        ({"capture": {"a b": 1}}, "capture"), ({"capture": {"a": object()}}, "capture"), ({"timeout_s": 0}, "timeout_s"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named_and_nothing_is_written(lab, options, place):
    with pytest.raises(InvalidValue) as caught:
        lab.functions.create("f", DOUBLE, **options)
    assert caught.value.place == place
    assert lab.functions.names() == ()


def test_secrets_are_resolved_when_it_starts_and_stored_nowhere(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("FAASLAB_TEST_SECRET", "hunter2-hunter2")
    lab.functions.create(
        "f", "import os\ndef handler(e, c):\n    print(os.environ['TOKEN'])\n    return len(os.environ['TOKEN'])",
        secrets=["TOKEN=env:FAASLAB_TEST_SECRET"],
    )  # fmt: skip
    assert lab.functions.invoke("f").result == 15
    lab.store.merge()
    lab.close()
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"hunter2-hunter2" in p.read_bytes()]


def test_a_secret_that_is_escaped_is_masked_in_results_errors_and_logs(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("FAASLAB_TEST_SECRET", 'hun"ter2\\sec\nretvalüe99')
    lab.functions.create(
        "f", "import html, json, os\ndef handler(e, c):\n    s = os.environ['TOKEN']\n"
        "    print(json.dumps(json.dumps({'j': s})), repr({'j': s}), html.escape(s))\n"
        "    print(json.dumps({'body': json.dumps(s, ensure_ascii=False)}, ensure_ascii=False))\n"
        "    if e: raise ValueError(json.dumps(s) + repr(s))\n"
        "    return {'body': json.dumps({'a': s}), 'twice': json.dumps({'b': json.dumps(s)})}\n",
        secrets=["TOKEN=env:FAASLAB_TEST_SECRET"],
    )  # fmt: skip
    fine, failed = lab.functions.invoke("f"), lab.functions.invoke("f", {"x": 1})
    assert json.loads(fine.result["body"]) == {"a": "****"}
    assert json.loads(json.loads(fine.result["twice"])["b"]) == "****"
    assert failed.error.message == "\"****\"'****'"
    assert len([line for line in fine.logs if "****" in line.message]) == 3  # a line goes on in the next
    lab.store.merge()
    lab.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            kept = path.read_bytes()
            assert not [part for part in (b"ter2", b"retval") if part in kept], path


def test_a_secret_that_is_nowhere_is_a_clear_error(lab):
    lab.functions.create("f", DOUBLE, secrets=["NOWHERE_AT_ALL"])
    with pytest.raises(NotFound, match="export NOWHERE_AT_ALL"):
        lab.functions.invoke("f", {"x": 1})


def test_two_labs_that_define_at_once_lose_nothing(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache) as two,
    ):
        begin = threading.Barrier(2)
        errors = []

        def define(lab, factor):
            begin.wait()
            try:
                for round_ in range(5):
                    lab.functions.create("f", f"def handler(e, c): return {factor * 100 + round_}")
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=define, args=each) for each in ((one, 1), (two, 2))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert [f.definition for f in one.functions.definitions("f")] == [*range(1, 11)]
        newest = one.functions.get("f").code.source.split()[-1]
        assert str(one.functions.invoke("f").result) == str(two.functions.invoke("f").result) == newest


def test_another_process_s_change_is_seen_at_once(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache) as two,
    ):
        one.functions.create("f", "def handler(e, c): return 1")
        assert two.functions.invoke("f").result == 1
        one.functions.create("f", "def handler(e, c): return 2")
        assert two.functions.invoke("f").result == 2


def test_submit_is_recorded_as_an_event(lab):
    lab.functions.create("f", DOUBLE)
    future = lab.functions.submit("f", {"x": 1}, invocation_type="Event")
    assert future.result().result == 2
    assert lab.sql("SELECT invocation_type FROM executions").to_numpy().tolist() == [["Event"]]


def test_a_payload_without_a_json_form_is_refused_with_its_place(lab):
    lab.functions.create("f", DOUBLE)
    with pytest.raises(InvalidValue, match=r"payload: a value of type object has no JSON form, at /x/0"):
        lab.functions.invoke("f", {"x": [object()]})
    assert lab.executions.list().empty


def test_get_shows_what_was_seen(lab):
    lab.functions.create("f", DOUBLE)
    assert lab.functions.get("f").statistics.invocations == 0
    lab.functions.invoke("f", {"x": 1})
    lab.functions.invoke("f", {})
    seen = lab.functions.get("f").statistics
    assert (seen.invocations, seen.errors, seen.cold_starts) == (2, 1, 1)
    table = lab.functions.table()
    assert isinstance(table, pd.DataFrame)
    assert table.loc[0, ["name", "invocations", "errors"]].tolist() == ["f", 2, 1]


def test_while_a_foreign_program_holds_the_history_functions_are_defined_and_run(lab):
    lab.functions.create("before", DOUBLE)
    lab.functions.invoke("before", {"x": 1})
    lab.store.merge()
    hold = (
        "import duckdb, sys; kept = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", hold, str(lab.store.path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        lab.functions.create("score", DOUBLE)
        lab.functions.delete("score")
        assert lab.functions.create("score", DOUBLE).definition == 2
        assert lab.functions.invoke("score", {"x": 2}).ok
        holder.stdin.close()
    assert len(lab.executions.list("score")) == 1


def test_what_is_asked_for_beside_the_payload_may_be_a_dictionary(lab):
    source = "def handler(e, c):\n    return c.client_context.custom, c.identity.cognito_identity_id\n"
    lab.functions.define("told", source)
    fields = {"client_context": {"custom": {"k": "é\n"}}, "cognito_identity": {"cognitoIdentityId": "who"}}
    fields["cognito_identity"]["cognitoIdentityPoolId"] = "where"
    assert lab.functions.invoke("told", **fields).result == [{"k": "é\n"}, "who"]
    assert lab.functions.submit("told", invocation_type="Event", **fields).result(60).result[1] == "who"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"client_context": 5}, "client_context"),
        ({"client_context": ["custom"]}, "client_context"),
        ({"client_context": {"x": object()}}, "client_context"),
        ({"client_context": {"x": float("nan")}}, "client_context"),
        ({"client_context": "[]"}, "client_context"),
        ({"cognito_identity": b"{}"}, "cognito_identity"),
        ({"tenant_id": 7}, "tenant_id"),
        ({"trace_id": 7}, "trace_id"),
        ({"request_id": ["x"]}, "request_id"),
        ({"qualifier": 2}, "qualifier"),
        ({"trigger": {}}, "trigger"),
        ({"attempt": "1"}, "attempt"),
        ({"attempt": 0}, "attempt"),
        ({"attempt": True}, "attempt"),
        ({"invocation_type": "event"}, "invocation_type"),
        ({"invocation_type": {}}, "invocation_type"),
        ({"client_contxt": "{}"}, "client_contxt"),
        ({"latest": True}, "latest"),
    ],
)
def test_what_is_asked_for_wrongly_is_named(lab, fields, place):
    lab.functions.define("score", DOUBLE)
    for way in (lab.functions.invoke, lab.functions.submit, lab.functions.stream):
        with pytest.raises(InvalidValue) as caught:
            way("score", {"x": 1}, **fields)
        assert caught.value.place == place
    assert lab.sql("SELECT count(*) AS n FROM executions")["n"].tolist() == [0]
