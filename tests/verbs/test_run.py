"""Every verb through the real Lab, on the real local backend."""

import json
import time

import pandas as pd
import pytest

from faaslab.errors import Conflict, InvalidValue, NotFound, Unsupported
from faaslab.lab.policies import of_function
from faaslab.notebook.display import view
from faaslab.verbs import parse, run
from faaslab.verbs.text import documents, plain_text
from tests.backends.local.defining import SANDBOX_FAULT, zipped
from tests.backends.local.image_making import OciImage, file, layer

SOURCE = (
    "import os\ndef handler(event, context):\n    print('got', event)\n    return {'y': event['x'] * 2}\n"
)


@pytest.fixture
def defined(do):
    do("score --memory 256 --env STAGE=dev", SOURCE)
    return do


def test_define_and_show(do, tmp_path):
    card = do(f"score --memory 256 --env API_TOKEN=hunter2 --save {tmp_path}/src/score.py", SOURCE)
    assert (card.value.name, card.change, card.exit_status) == ("score", "created", 0)
    assert card.enforced
    assert (tmp_path / "src" / "score.py").read_text() == SOURCE
    assert any("--secret API_TOKEN" in note for note in do.face.notes)
    for shown in (plain_text(card), json.dumps(documents(card))):
        assert "hunter2" not in shown
    looked = do("show score --code")
    assert (looked.change, looked.code) == (None, SOURCE)
    assert "256 MB" in plain_text(looked)


def test_a_card_says_whom_a_resource_policy_names_and_that_nothing_enforces_it(defined):
    assert "policy" not in plain_text(defined("show score"))
    statement = {"Sid": "bucket", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}}
    defined.lab.policies.add(of_function("score"), statement)
    defined.lab.policies.add(of_function("score"), {"Sid": "all", "Effect": "Deny", "Principal": "*"})
    card = defined("show score")
    said = "s3.amazonaws.com (bucket); * (all, denied): kept for AWS, not enforced here"
    assert f"  policy      {said}" in plain_text(card)
    assert said in view(card).html


@pytest.mark.skipif(SANDBOX_FAULT is not None, reason=f"no sandbox here: {SANDBOX_FAULT}")
def test_a_definition_and_a_card_tell_that_preload_gives_up_the_sandbox(do):
    card = do("open --preload json", SOURCE)
    assert "  sandbox     not held (--preload)" in plain_text(card)
    assert any(note.startswith("sandbox: not enforced (--preload)") for note in do.face.notes)
    assert "  sandbox     not held (--preload)" in plain_text(do("show open"))
    do.face.notes.clear()
    assert "sandbox" not in plain_text(do("kept", SOURCE))
    assert not any("sandbox" in note for note in do.face.notes)


def test_capture_takes_the_caller_s_values(do):
    do("f --capture factor", "def handler(e, c): return factor * 2", factor=21)
    assert do("invoke f").value.result == 42
    with pytest.raises(NotFound, match="did you mean 'factor'"):
        do("f --capture factr", "def handler(e, c): return factor * 2")


def test_errors_name_the_option_that_was_typed(do):
    for line, place in [("f --memory 5", "--memory"), ("f --timeout 0", "--timeout"), ("f --env AWS_REGION=x", "--env"),
                        ("f --include nowhere", "--include"), ("a/b", "NAME"), ("f --runtime pyton3.13", "--runtime"),
                        ("f --concurrency 5000", "--concurrency"), ("f --requires --pre", "--requires")]:  # fmt: skip
        with pytest.raises(InvalidValue) as caught:
            do(line, SOURCE)
        assert caught.value.place == place, line


def test_a_source_is_followed_from_a_line_and_from_a_cell_that_is_empty(do, tmp_path):
    file = tmp_path / "score.py"
    file.write_text(SOURCE)
    card = do(f"create score --source {file}")
    assert f"  source      {file}" in plain_text(card)
    assert do(f"score --source {file} --memory 256", "\n").change == "updated"
    file.write_text(SOURCE + "# again\n")
    assert do("invoke score").execution.definition == 3
    with pytest.raises(InvalidValue, match="--source: the code is in that file, so the cell must be empty"):
        do(f"score --source {file}", SOURCE)
    with pytest.raises(InvalidValue, match="--source: cannot read"):
        do(f"score --source {file}.py", "")
    with pytest.raises(InvalidValue, match="--include: does not go with source"):
        do(f"create score --source {file} --include {file}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--async --stream", "--stream: does not go with --async"),
        ("--debug --attach", "--attach: does not go with --debug"),
        ("--stream --debug", "--stream: does not go with --debug"),
        ("--async --attach 5678", "--async: does not go with --attach"),
    ],
)
def test_an_invocation_runs_in_one_way(defined, options, said):
    with pytest.raises(InvalidValue, match=said):
        defined(f"invoke score {options}")


def test_nothing_waits_for_a_debugger_where_nobody_sits(defined):
    defined.face.somebody = False
    with pytest.raises(Unsupported, match="--attach: nobody sits here"):
        defined("invoke score --attach")


def test_a_file_that_is_no_python_wants_its_runtime(do, tmp_path):
    script = tmp_path / "h.sh"
    script.write_text("#!/bin/bash\n")
    with pytest.raises(InvalidValue, match="--runtime: .*a script.*provided.al2023"):
        do(f"create h --file {script}")
    assert do(f"create h --file {script} --runtime provided.al2023").change == "created"


def test_create_update_code_ls_rm(do, tmp_path):
    (tmp_path / "score.py").write_text(SOURCE)
    assert do(f"create score --file {tmp_path}/score.py --memory 256").change == "created"
    assert do(f"create score --file {tmp_path}/score.py --memory 256").change == "unchanged"
    assert do("update score --memory 512").value.definition == 2
    assert do("code score").text == SOURCE
    assert do("code score --definition 1").text == SOURCE
    listed = do("ls")
    assert listed.df[["name", "definition", "memory_mb"]].to_numpy().tolist() == [["score", 2, 512]]
    with pytest.raises(InvalidValue, match="needs something to change"):
        do("update score")
    with pytest.raises(InvalidValue, match="create needs code"):
        do("create score")
    zipped(tmp_path / "app.zip", {"app.py": SOURCE})
    with pytest.raises(InvalidValue, match="--handler: a zip needs its handler"):
        do(f"create z --zip {tmp_path}/app.zip")
    with pytest.raises(InvalidValue, match="one of --file, --source, --zip and --image"):
        do(f"create z --zip {tmp_path}/app.zip --file {tmp_path}/score.py")
    with pytest.raises(InvalidValue, match="--image: there is no"):
        do("create z --image absent.tar")
    with pytest.raises(NotFound):
        do("rm score nothing")
    assert do("rm score").facts == {"deleted": ["score"]}
    assert plain_text(do("ls")).startswith("no functions yet")


def test_other_languages_and_layers(do, tmp_path):
    zipped(tmp_path / "tool.zip", {"python/tool.py": "VALUE = 7\n"})
    answer = do(f"layer publish tool {tmp_path}/tool.zip --description 'a tool'")
    assert answer.facts["arn"] == "arn:aws:lambda:us-east-1:000000000000:layer:tool:1"
    assert "--layer tool:1" in plain_text(answer)
    assert do("layer ls").df[["layer", "version", "unzipped_bytes"]].to_numpy().tolist() == [["tool", 1, 10]]
    uses = "import tool\ndef handler(e, c): return tool.VALUE\n"
    card = do("uses --layer tool", uses)
    assert "tool:1" in plain_text(card)
    assert do("invoke uses").value.result == 7
    assert do(f"uses --layer {tmp_path}/tool.zip", uses).change == "unchanged"
    with pytest.raises(NotFound, match="layer publish"):
        do("uses --layer nothing", uses)
    assert do("layer rm tool:1").facts == {"deleted": ["tool:1"]}
    assert plain_text(do("layer ls")).startswith("no layers yet")
    assert do("invoke uses").value.result == 7
    do("update uses --layer none")
    assert do("invoke uses").value.error.type == "Runtime.ImportModuleError"

    script = "#!/bin/sh\nexit 3\n"
    do("sh --runtime provided.al2023", script)
    assert (do("code sh").text, do("code sh").language) == (script, "bash")
    assert do("invoke sh").value.error.message.endswith("exit status 3")
    javascript = "export const handler = async (event) => event;\n"
    do("js --runtime nodejs20.x", javascript)
    assert (do("code js").text, do("code js").language) == (javascript, "javascript")
    (tmp_path / "app.mjs").write_text(javascript)
    with pytest.raises(InvalidValue, match="--runtime: 'app.mjs' needs a runtime of Node.js"):
        do(f"create js2 --file {tmp_path}/app.mjs")
    with pytest.raises(Unsupported, match="--image"):
        do("java --runtime java21", javascript)


def test_an_image(do, tmp_path, monkeypatch):
    image = OciImage(layer(file("app", "hello", 0o755)), Entrypoint=["/app"])
    path = image.archive(tmp_path / "image.tar")
    if SANDBOX_FAULT is not None:
        with pytest.raises(Unsupported, match="--image"):
            do(f"create box --image {path}")
        pytest.skip(SANDBOX_FAULT)
    card = do(f"create box --image {path} --memory 256")
    assert str(path) in plain_text(card)
    assert do("invoke box").value.error.type == "Runtime.InvalidEntrypoint"
    assert do(f"update box --image {path} --memory 512").change == "updated"
    with pytest.raises(Unsupported, match="is an image"):
        do("code box")


def test_invoke(defined):
    answer = defined("invoke score -p '{\"x\": 4}'")
    assert (answer.value.result, answer.exit_status) == ({"y": 8}, 0)
    assert '"y": 8' in plain_text(answer)
    assert documents(answer)["result"] == {"y": 8}
    assert defined("invoke score -p {event}", event={"x": 5}).value.result == {"y": 10}
    failed = defined("invoke score")
    assert (failed.exit_status, failed.code, failed.filename) == (1, SOURCE, "lambda_function.py")
    assert "KeyError: 'x'" in plain_text(failed)
    assert '"/var/task/lambda_function.py", line 4' in plain_text(failed)
    tail = plain_text(defined("invoke score -p '{\"x\": 1}' --tail"))
    assert "REPORT RequestId" in tail
    defined("publish score")
    assert defined("invoke score -p '{\"x\": 1}' --qualifier 1").value.ok
    debugged = defined("invoke score -p '{\"x\": 2}' --debug")
    assert (debugged.value.result, debugged.value.start_method) == ({"y": 4}, "in-process")
    with pytest.raises(Unsupported, match="--backend"):
        defined("invoke score --backend aws")


def test_invoke_in_the_background(defined):
    answer = defined("invoke score --async -p '{\"x\": 4}'")
    assert answer.value.result().invocation_type == "Event"
    assert "score" in plain_text(answer)


def test_map_and_retry(defined):
    df = pd.DataFrame({"x": [1, 2, None]}, dtype=object)
    answer = defined("map score df -n 2", df=df)
    assert isinstance(answer.value, pd.DataFrame)
    assert answer.value["status"].tolist() == ["completed", "completed", "failed"]
    assert (answer.exit_status, defined.face.advanced) == (1, 3)
    assert any("retry" in note for note in defined.face.notes)
    defined.lab.functions.create("score", "def handler(e, c): return 'mended'")
    again = defined("retry scored --failed", scored=answer.value)
    assert again.value["result"].tolist() == ["mended"]
    assert defined(f"retry {answer.result.batch_id} --all").value["result"].tolist() == ["mended"] * 3
    assert "3 of 3 ran, 0 failed" in plain_text(defined("map score range(3)"))
    with pytest.raises(InvalidValue, match="--concurrency: 0 is not a number"):
        defined("map score range(3) -n 0")


def test_logs_history_stats_replay_sql(defined):
    one = defined("invoke score -p '{\"x\": 1}'").value
    failed = defined("invoke score").value
    assert plain_text(defined("logs score --grep got")) == "got {'x': 1}\ngot {}"
    assert len(defined(f"logs {one.id}").df) == len(one.logs)
    assert plain_text(defined("logs score --grep zzz")) == "no log lines"
    assert defined("history score --status failed").df["id"].tolist() == [failed.id]
    assert documents(defined("history"))[0]["id"] == failed.id
    shown = defined(f"show {failed.id[:10]}")
    assert (shown.value, shown.exit_status, shown.code) == (failed, 0, SOURCE)
    assert defined(f"replay {one.id}").value.replay_of == one.id
    stats = defined("stats --since 1h --by function,definition --plot")
    assert (stats.plot, stats.by, stats.df["invocations"].tolist()) == (True, ("function", "definition"), [3])
    assert defined("sql SELECT count(*) AS n FROM executions").value["n"].tolist() == [3]
    assert defined("sql", cell="SELECT 1 AS x").value["x"].tolist() == [1]
    assert not any("statements" in note for note in defined.face.notes)
    assert defined("sql SELECT 1 AS x; SELECT 'a;b' AS y;").value["y"].tolist() == ["a;b"]
    assert "2 statements were run; this is the answer to the last" in defined.face.notes
    with pytest.raises(InvalidValue, match="--by: 'verson' is none of .*did you mean 'version'"):
        defined("stats --by verson")
    with pytest.raises(InvalidValue, match="--since: 'soon' is no instant"):
        defined("history --since soon")
    with pytest.raises(NotFound, match="function, workflow or execution is named 'nothing'"):
        defined("show nothing")


def test_follow_emits_lines_until_it_is_interrupted(defined, monkeypatch):
    defined("invoke score -p '{\"x\": 1}'")
    face = defined.face

    def emit(text):
        face.lines.append(text)
        raise KeyboardInterrupt

    monkeypatch.setattr(face, "emit", emit)
    with pytest.raises(KeyboardInterrupt):
        defined("logs score --follow --grep got --since 1h")
    assert face.lines == ["got {'x': 1}"]


def test_following_one_execution_ends_with_it(defined):
    ran = defined("invoke score -p '{\"x\": 1}'").execution
    answer = defined(f"logs {ran.id} --follow --grep got")
    assert defined.face.lines == ["got {'x': 1}"]
    assert plain_text(answer) == f"{ran.id} has ended"


def test_following_one_execution_tells_what_it_says_until_its_end(defined):
    """Whether it is met while it runs or, on a slow machine, when it has ended."""
    defined(
        "slow --timeout 60",
        "import time\ndef handler(event, context):\n    print('begun', flush=True)\n"
        "    time.sleep(2)\n    print('done')\n",
    )
    lab = defined.lab
    ran = lab.functions.submit("slow", {})
    until = time.monotonic() + 60
    while (running := lab.executions.running("slow")).empty and not ran.done():
        assert time.monotonic() < until
        time.sleep(0.01)
    name = ran.result(30).id if running.empty else running["id"][0]
    assert plain_text(defined(f"logs {name} --follow --grep 'begun|done'")) == f"{name} has ended"
    assert defined.face.lines == ["begun", "done"]
    assert ran.result(30).ok


def test_a_notebook_goes_on_while_it_follows(defined):
    defined("invoke score -p '{\"x\": 1}'")
    defined.face.waits = False
    answer = defined("logs score --follow --grep got")
    assert (answer.what, answer.grep, answer.since) == ("score", "got", None)
    assert plain_text(answer) == "got {'x': 1}"
    assert list(answer.value["message"]) == ["got {'x': 1}"]
    with pytest.raises(InvalidValue, match="--until: does not go with --follow"):
        defined("logs score --follow --until now")


def test_config_doctor_help(do):
    config = do("config").df
    assert config.loc[config["setting"] == "store", "source"].tolist() == ["flag"]
    doctor = do("doctor")
    assert {"python", "duckdb", "store"} <= set(doctor.df["what"])
    assert do("help invoke").text.startswith("invoke NAME")
    with pytest.raises(NotFound, match="did you mean 'invoke'"):
        do("help invok")
    assert run(None, parse("help"), do.face).text


def test_publish_versions_alias(defined):
    assert defined("publish score --description first").facts["change"] == "published"
    again = defined("publish score")
    assert (again.facts["change"], again.facts["version"]) == ("unchanged", "1")
    defined("update score --memory 512 --publish")
    assert defined.face.notes[-1] == "published as version 2"
    assert defined("other --publish", SOURCE).value.version == "$LATEST"
    assert defined.face.notes[-1] == "published as version 1"
    defined("update score --memory 1024")
    table = defined("versions score").df
    assert table[["definition", "version"]].to_numpy().tolist() == [[3, ""], [2, "2"], [1, "1"]]
    assert "no alias yet" in plain_text(defined("alias score"))
    assert plain_text(defined("alias score prod 1")) == "score:prod -> version 1"
    with pytest.raises(NotFound, match="published version of score.*'3'.*it has: 1, 2"):
        defined("alias score prod 3 --weight 10")
    shared = defined("alias score prod 2 --weight 10 --description canary")
    assert plain_text(shared) == "score:prod -> version 1 90%, version 2 10%"
    assert defined("invoke score --qualifier prod -p '{\"x\": 1}'").value.version in {"1", "2"}
    assert defined("alias score").df["leads_to"].tolist() == ["version 1 90%, version 2 10%"]
    assert defined("alias score prod").df["description"].tolist() == ["canary"]
    card = plain_text(defined("show score"))
    assert "score  definition 3" in card
    assert "published   version 2, which is definition 2" in card
    assert "aliases     prod -> version 1 90%, version 2 10%" in card
    assert "score  version 1, definition 1" in plain_text(defined("show score --version prod"))
    older = defined("show score --definition 2 --code")
    assert (older.value.configuration.memory_mb, older.code) == (512, SOURCE)
    with pytest.raises(InvalidValue, match="--version: .*give one of them"):
        defined("code score --definition 2 --version 1")
    assert plain_text(defined("alias score prod 2 --weight 0")) == "score:prod -> version 1"
    assert plain_text(defined("alias score prod 2 --weight 100")) == "score:prod -> version 2"
    defined("alias score prod 1")
    with pytest.raises(Conflict, match="--revision: The Revision Id provided does not match"):
        defined("alias score prod 2 --revision old")
    with pytest.raises(InvalidValue, match="--weight: 101 is no percentage from 0 to 100: Value"):
        defined("alias score prod 2 --weight 101")
    with pytest.raises(Conflict, match="following aliases reference it"):
        defined("versions score --remove 1")
    defined("alias score prod 2")
    assert defined("versions score --remove 1").facts == {"deleted": "1"}
    assert defined("alias score prod --remove").facts == {"deleted": "prod"}
    with pytest.raises(NotFound, match="ALIAS|alias of score"):
        defined("alias score prod")


def test_reserve_and_provision(defined):
    assert plain_text(defined("reserve score 5")) == "score: 5 reserved"
    assert defined("show score").value.configuration.reserved_concurrency == 5
    assert "which blocks it" in plain_text(defined("reserve score 0"))
    throttled = defined("invoke score -p '{\"x\": 1}'")
    assert (throttled.value.status, throttled.exit_status) == ("throttled", 1)
    for shown in (plain_text(throttled), plain_text(defined(f"show {throttled.value.id}"))):
        assert "Rate Exceeded. (ReservedFunctionConcurrentInvocationLimitExceeded)\n" in shown
        assert "what helps: `reserve score N` lets more of it run at once" in shown
    assert throttled.value.error.message == "Rate Exceeded."
    defined("reserve score none")
    with pytest.raises(InvalidValue, match="EXECUTIONS: .*below its minimum value of"):
        defined("reserve score 95")
    with pytest.raises(InvalidValue, match="EXECUTIONS: 'few' is neither a whole number nor none"):
        defined("reserve score few")
    defined("publish score")
    defined("alias score prod 1")
    answer = defined("provision score prod 1")
    assert (plain_text(answer), answer.exit_status) == ("score:prod: 1 provisioned, 1 idle, READY", 0)
    assert defined("invoke score --qualifier prod -p '{\"x\": 1}'").value.cold_start is False
    assert defined("provision score prod").facts["status"] == "READY"
    assert defined("provision score prod none").facts["requested"] == 0
    with pytest.raises(InvalidValue, match="QUALIFIER: .*unpublished function versions"):
        defined("provision score $LATEST 1")
    defined("broken", "raise ValueError('no')")
    defined("publish broken")
    failed = defined("provision broken 1 1")
    assert (failed.facts["reason"], failed.exit_status) == ("FUNCTION_ERROR_INIT_FAILURE", 1)


def test_upkeep_of_the_store(defined, tmp_path):
    defined("invoke score -p '{\"x\": 1}'")
    defined(f"store backup {tmp_path}/copy.duckdb")
    defined(f"store export {tmp_path}/parquet")
    assert list((tmp_path / "parquet").rglob("*.parquet"))
    defined("store compact")
    defined("store prune --keep 90d")
    assert len(defined("history").df) == 1
    defined(f"store import-store {tmp_path}/copy.duckdb")
    assert len(defined("history").df) == 1
    with pytest.raises(InvalidValue, match="--keep: 'long' is not a span"):
        defined("store prune --keep long")


def test_import_logs(do, tmp_path):
    report = (
        "START RequestId: 7b9c0d5e-1111-4222-8333-444455556666 Version: 3\n"
        "END RequestId: 7b9c0d5e-1111-4222-8333-444455556666\n"
        "REPORT RequestId: 7b9c0d5e-1111-4222-8333-444455556666\tDuration: 2.90 ms\tBilled Duration: 3 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n"
    )
    (tmp_path / "a.log").write_text(
        "2026-11-01T10:00:00.000Z "
        + report.replace("\nE", "\n2026-11-01T10:00:00.100Z E").replace("\nR", "\n2026-11-01T10:00:00.100Z R")
    )
    nameless = do(f"import logs {tmp_path}/a.log")
    assert (nameless.facts["unnamed"], nameless.exit_status) == (1, 2)  # nothing came in: not done
    assert any(note.startswith("1 execution was left out: its log does") for note in do.face.notes)
    answer = do(f"import logs {tmp_path}/a.log --function score --region eu-west-1")
    assert (answer.facts["executions"], answer.exit_status) == (1, 0)
    assert do("history score").df["source"].tolist() == ["imported"]
    again = do(f"import logs {tmp_path}/a.log --function score --region eu-west-1")
    assert (again.facts["executions"], again.exit_status) == (0, 0)


def test_how_events_are_handled_is_an_option_and_stands_on_the_card(do):
    do("told", SOURCE)
    card = do("score --retries 0 --max-event-age 60 --on-failure told --recursive-loop Allow", SOURCE)
    said = "0 retries, up to 60 s old, failure to told, loops allowed"
    assert card.asynchronous == said
    assert said in plain_text(card)
    assert documents(card)["event_invoke_config"]["maximum_retry_attempts"] == 0
    assert (
        do("update score --on-failure none --retries 1").asynchronous
        == "1 retry, up to 60 s old, loops allowed"
    )
    assert do("show told").asynchronous is None
    letters = "arn:aws:sqs:us-east-1:000000000000:q"
    assert f"dead letters to {letters}" in plain_text(do(f"update score --dead-letter {letters}"))
    for line, place in [("f --retries 3", "--retries"), ("f --max-event-age 5", "--max-event-age"), ("f --on-success f", "--on-success"),
                        ("f --on-failure nobody", "--on-failure"), ("f --dead-letter told", "--dead-letter")]:  # fmt: skip
        with pytest.raises(InvalidValue) as caught:
            do(line, SOURCE)
        assert caught.value.place == place, line


def test_the_queue_is_looked_at_run_and_cleared(do):
    do("score --retries 1", SOURCE)
    assert plain_text(do("queue ls")) == "the queue is empty"
    answer = do("invoke score --async -p '{}'")
    assert answer.request_id in plain_text(answer)
    assert answer.value.attempted.result(60).status == "failed"
    ran = do("queue run")
    assert ran.value["waiting"] == 1
    assert "; 1 waits for later, the next is due" in ran.text
    (row,) = do("queue ls").df.to_dict("records")
    assert (row["function"], row["what"], row["attempt"], row["state"]) == ("score", "event", 2, "waiting")
    assert row["last_error"] == "KeyError: 'x'"
    assert do(f"queue drop {row['id']}").value == {"dropped": answer.request_id}
    assert do("queue run --wait").text == "ran nothing; no event waits"
    do.lab.store.queue.put("events", {"from": "a later version"})
    ran = do("queue run")
    assert (ran.value["ran"], ran.value["unreadable"]) == (0, 1)
    assert (
        ran.text
        == "ran nothing; no event waits; 1 event kept that this version of faaslab cannot read (queue ls)"
    )
    assert "cannot read it" in plain_text(do("queue ls"))
    with pytest.raises(NotFound, match="queue ls"):
        do("queue drop nothing")


def test_serve(do):
    answer = do("serve")
    address = answer.facts["ready"]
    assert plain_text(answer) == f"serving at {address} until the lab is closed"
    assert f"AWS_ENDPOINT_URL={address}" in do.face.notes[-1]
    assert do.lab.home.find().address == address
    assert do("serve").facts["ready"] == address  # a cell that is run again
    with pytest.raises(Unsupported, match="serves at"):
        do("serve --host localhost")
    with pytest.raises(InvalidValue, match="--host: .* no token"):
        do("serve --host 10.0.0.1")
