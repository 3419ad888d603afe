"""The verbs of workflows through the real Lab: the engine, and functions on the local backend."""

import json

import pytest

from faaslab import app
from faaslab.errors import AlreadyExists, InvalidValue, NotFound, WorkflowFailed
from faaslab.notebook.display import view
from faaslab.store import Store
from faaslab.verbs import parse, run
from faaslab.verbs.text import documents, plain_text
from faaslab.workflow.build import Map, Pass, Wait
from tests.verbs.faces import KeptFace

ETL = """
Comment: doubles what it is given
QueryLanguage: JSONata
StartAt: double
States:
  double:
    Type: Task
    Resource: twice
    Next: enough?
  enough?:
    Type: Choice
    Choices:
      - Condition: "{% $states.input.y > 100 %}"
        Next: too much
    Default: done
  too much:
    Type: Fail
    Error: TooMuch
    Cause: more than a hundred
  done:
    Type: Succeed
"""
LONG = "StartAt: w\nStates:\n  w:\n    Type: Wait\n    Seconds: 3600\n    End: true\n"


@pytest.fixture
def etl(do):
    do("twice", "def handler(event, context):\n    return {'y': event['x'] * 2}\n")
    return do("workflow etl --tag team=data --log-level ERROR", ETL)


def test_a_workflow_is_defined_from_yaml_and_looked_at(do, etl):
    assert (etl.change, etl.workflow.name, etl.workflow.type) == ("created", "etl", "STANDARD")
    assert do("workflow etl --tag team=data --log-level ERROR", ETL).change == "unchanged"
    card = do("show etl")
    assert "enough?" in plain_text(card)
    assert "team=data" in view(card).html
    assert "<svg" in view(card).html
    assert documents(card)["definition"]["StartAt"] == "double"
    (row,) = documents(do("workflow ls"))
    assert (row["name"], row["executions"]) == ("etl", None)
    assert "function:twice" in etl.workflow.definition


def test_a_run_that_goes_well(do, etl):
    answer = do("run etl -p '{\"x\": 4}' --name first")
    assert answer.exit_status == 0
    assert (answer.run.output, answer.execution.name) == ({"y": 8}, "first")
    text = plain_text(answer)
    assert "SUCCEEDED" in text
    assert 'output  {"y":8}' in text
    assert documents(answer)["output"] == {"y": 8}
    assert "<svg" in view(answer).html
    assert do("show first").looked_at
    history = do("workflow history first").value
    assert list(history["type"])[:2] == ["ExecutionStarted", "TaskStateEntered"]
    for line, about in (
        ("graph etl", "the states of definition 1"),
        ("graph first", "how first went through its states"),
        ("timeline first", "when first was in which state"),
    ):
        shown = do(line)
        assert shown.svg.startswith("<svg")
        assert (shown.name, shown.about) == ("etl", about)
    assert "double" in do("graph etl --mermaid").text
    (row,) = documents(do("runs etl --status SUCCEEDED --limit 5"))
    assert (row["name"], row["status"], row["states"]) == ("first", "SUCCEEDED", 3)
    none = do("runs etl --status FAILED")
    assert none.df.empty
    assert plain_text(none) == "no execution of etl is FAILED"
    assert plain_text(do("runs --status RUNNING")) == "no execution is RUNNING"


def test_a_run_that_fails_is_redriven(do, etl):
    answer = do("run etl -p '{\"x\": 400}' --name second")
    assert answer.exit_status == 1
    assert "more than a hundred" in plain_text(answer)
    assert "TooMuch" in view(answer).html
    again = do("redrive second")
    assert again.execution.redrive_count == 1
    assert again.execution.status == "FAILED"


@pytest.mark.parametrize(("option", "status"), [("--no-wait", 0), ("--wait", 1), ("", 1)])
def test_a_line_fails_with_its_run_only_when_it_waited_for_it(do, option, status):
    do("workflow at-once", "StartAt: a\nStates: {a: {Type: Fail, Error: No}}")
    answer = do(f"run at-once {option}")
    answer.run.wait(30)
    assert do("show {run}", run=answer.run).exit_status == 0
    assert answer.exit_status == status


def test_what_a_function_raised_is_told_with_the_lines_that_led_there(do):
    do("breaks", "def handler(event, context):\n    raise KeyError('a' + chr(10) + 'b')\n")
    do("workflow w", "StartAt: a\nStates: {a: {Type: Task, Resource: breaks, End: true}}")
    answer = do("run w --name broken")
    text = plain_text(answer)
    assert "error   KeyError" in text
    assert "cause   KeyError: 'a\\nb'\n  File " in text
    assert "in handler\n    raise KeyError" in text
    assert "lambda_function.py" in view(answer).html
    with pytest.raises(WorkflowFailed, match=r"broken of w failed: KeyError: 'a\\nb'$"):
        answer.run.result()


def test_the_children_of_a_distributed_map_are_listed_by_their_parent(do):
    flow = Map("each", Pass("one"), distributed=True, items="{% $states.input %}").definition()
    do("workflow d", json.dumps(flow))
    do("run d -p [1,2,3] --name parent")
    assert list(do("runs d").df["name"]) == ["parent"]
    assert list(do("runs --of parent").df["status"]) == ["SUCCEEDED"] * 3
    assert len(do("runs --of parent --limit 2").df) == 2
    assert do("runs --of parent --status FAILED").df.empty


def test_one_that_runs_is_stopped(do, lab):
    do("workflow long", LONG)
    running = do("run long --name endless --no-wait")
    assert running.execution.status == "RUNNING"
    assert running.exit_status == 0
    assert "it goes on" in do.face.notes[-1]
    assert do("stop endless --error Enough --cause 'no more'").facts == {"stopped": ["endless"]}
    stopped = do("show {run}", run=running.run)
    assert (stopped.execution.status, stopped.execution.error.error) == ("ABORTED", "Enough")


def test_who_waits_no_longer_is_told_that_it_goes_on(do, lab, monkeypatch):
    def interrupted(started):
        raise KeyboardInterrupt

    monkeypatch.setattr("faaslab.verbs.workflow_runs._has_ended", interrupted)
    do("workflow patient", LONG)
    with pytest.raises(KeyboardInterrupt, match="not waited for any longer: left_alone goes on"):
        do("run patient --name left_alone --wait")
    assert "left_alone was not stopped (that is: stop left_alone)" in do.face.notes[-1]
    do("stop left_alone")


def test_nothing_is_left_to_resume(do):
    assert do("resume").text == "nothing was left unfinished"


def test_what_is_taken_up_is_told_by_name_and_seen_to_its_end(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("short", Wait("W", seconds=4).definition())
        lab.workflows.start("short", name="left")
    with Store(tmp_path / "s.duckdb") as store:
        store.backup(tmp_path / "copy.duckdb")
    with app.open(store=tmp_path / "copy.duckdb", cache=cache) as lab:
        face = KeptFace()
        answer = run(lab, parse(["resume"]), face)
        assert face.lines == ["took up 1 execution: left (short, in W)"]
        assert answer.text == "1 of 1 ended well"


def test_a_slip_in_a_verb_that_makes_a_workflow_is_noted(do):
    do("workflow chekc", LONG)
    assert do.face.notes == ["this made a workflow named 'chekc'; the verb is: workflow check"]
    do("workflow checkout", LONG)


def test_a_definition_is_saved_as_its_file_is_named(do, tmp_path):
    do(f"workflow a --save {tmp_path}/a.json", LONG)
    assert json.loads((tmp_path / "a.json").read_text())["StartAt"] == "w"
    do(f"workflow a --save {tmp_path}/a.yaml", LONG)
    assert (tmp_path / "a.yaml").read_text() == LONG
    assert do("graph a --svg -").text.startswith("<svg")


def test_one_waits_or_does_not(do, etl):
    with pytest.raises(InvalidValue, match="--no-wait: does not go with"):
        do("run etl --wait --no-wait")
    assert do("runs").df.empty


def test_versions_and_aliases(do, etl):
    assert do("workflow publish etl --description one").facts["version"] == "1"
    assert do("workflow alias etl prod 1").text == "etl:prod -> version 1"
    do("workflow etl --publish", ETL.replace("100", "200"))
    assert "published as version 2" in do.face.notes[-1]
    assert do("workflow alias etl prod 1=90 2=10").facts["routes"] == {"1": 90, "2": 10}
    assert "prod -> version 1 (90 %), version 2 (10 %)" in plain_text(do("show etl"))
    assert do("run etl:prod -p '{\"x\": 1}'").execution.alias == "prod"
    with pytest.raises(InvalidValue, match="ROUTES"):
        do("workflow alias etl prod 1=many")


def test_a_definition_with_mistakes_is_told_by_line_and_kept_only_as_a_draft(do):
    wrong = ETL.replace("Default: done", "Default: dune").replace("    Resource: twice\n", "")
    with pytest.raises(InvalidValue) as caught:
        do("workflow etl", wrong)
    assert "line 6, state double" in str(caught.value)
    assert "dune" in str(caught.value)
    found = do("workflow check", wrong)
    assert found.exit_status == 2
    assert set(found.df["severity"]) >= {"error"}
    assert plain_text(found).startswith("the cell:6: error: ")
    draft = do("workflow etl --draft", wrong)
    assert draft.workflow.status == "draft"
    with pytest.raises(InvalidValue, match="draft"):
        do("run etl")
    activity = "StartAt: a\nStates: {a: {Type: Task, Resource: 'activity:twice', End: true}}"
    assert do("workflow check", activity).df.empty
    unknown = do("workflow check", ETL)
    assert unknown.exit_status == 0
    assert "warning: there is no function named 'twice'" in plain_text(unknown)


def test_a_check_says_which_jobs_have_no_end_here_and_what_to_use(do):
    flow = "StartAt: a\nStates:\n  a: {Type: Task, Resource: %s, Parameters: {JobName: n}, End: true}"
    found = do("workflow check", flow % "'arn:aws:states:::sagemaker:createTrainingJob.sync'")
    assert found.exit_status == 0
    text = plain_text(found)
    assert "warning: arn:aws:states:::sagemaker:createTrainingJob.sync cannot be waited for" in text
    assert "lambda:invoke.waitForTaskToken" in text
    assert "cannot be waited for" not in plain_text(
        do("workflow check", flow % "'arn:aws:states:::glue:startJobRun.sync'")
    )


def test_a_check_says_what_was_meant_and_what_no_service_takes(do):
    found = do(
        "workflow check",
        """
StartAt: a
States:
  a: {Type: Tsk, Next: b}
  b:
    Type: Task
    Resource: arn:aws:states:::aws-sdk:s3:getObject
    Parameters: {Bucket: b, Kee: k}
    End: true
""",
    )
    text = plain_text(found)
    assert "[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]; did you mean 'Task'?" in text
    assert "the cell:8: warning: GetObject takes no 'Kee'; did you mean 'Key'?" in text
    assert "GetObject needs 'Key'" in text
    with pytest.raises(InvalidValue, match="line 4, state a: .*; did you mean 'Pass'?"):
        do("workflow x", "\nStartAt: a\nStates:\n  a: {Type: pass, End: true}\n")


def test_the_same_name_again_is_the_same_run_or_is_told_why_not(do, etl):
    do("workflow long", LONG)
    first = do("run long --name n --no-wait")
    assert do("run long --name n --no-wait").run.id == first.run.id
    with pytest.raises(AlreadyExists, match="runs already, with another input"):
        do("run long --name n --no-wait -p '{\"other\": 1}'")
    do("stop n")
    with pytest.raises(AlreadyExists, match="has run already"):
        do("run long --name n --no-wait")
    assert do("stop n").text == "n had ended: ABORTED"
    with pytest.raises(InvalidValue, match="'long' is a workflow"):
        do("timeline long")
    with pytest.raises(InvalidValue, match="--limit"):
        do("runs --limit 0")
    assert len(do("runs --status aborted").df) == 1


def test_a_definition_in_a_file(do, tmp_path):
    path = tmp_path / "flow.json"
    path.write_text(json.dumps({"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}))
    assert do(f"workflow flow --file {path}").change == "created"
    with pytest.raises(InvalidValue, match="in the cell below, or in a file"):
        do("workflow flow")
    with pytest.raises(InvalidValue, match="line 1"):
        do("workflow flow", "[not, a, machine]")
    do(f"graph flow --svg {tmp_path / 'flow.svg'} --open")
    assert (tmp_path / "flow.svg").read_text().startswith("<svg")
    assert do("graph flow --svg -").text.startswith("<svg")
    with pytest.raises(InvalidValue, match="--no-wait"):
        do("run flow --wait --no-wait")
    assert do.face.opened == [str(tmp_path / "flow.svg")]


def test_a_file_may_stand_without_its_option(do, tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(LONG)
    assert do(f"workflow flow {path}").change == "created"
    assert do(f"workflow check {path}").df.empty
    path.write_text(LONG.replace("Wait", "Wiat"))
    found = do(f"workflow check {path}")
    assert (found.source, found.exit_status) == (str(path), 2)
    assert "did you mean 'Wait'?" in found.df["message"][0]
    with pytest.raises(InvalidValue, match="in the cell below, or in a file"):
        do(f"workflow check {path} --file {path}")


def test_a_name_of_an_error_that_only_looks_like_one_is_warned_of(do):
    caught = "[{ErrorEquals: [States.All], Next: b}]"
    states = (
        f"{{a: {{Type: Pass, Next: p}}, p: {{Type: Parallel, Branches: [], Catch: {caught}, End: true}}}}"
    )
    found = do("workflow check", f"StartAt: a\nStates: {states}").df
    (said,) = found[found["code"] == "ERROR_NAME"]["message"]
    assert said == "'States.All' is no error of Step Functions; did you mean 'States.ALL'?"


def test_who_deletes_by_the_wrong_verb_is_told_the_right_one(do, etl):
    with pytest.raises(NotFound) as refused:
        do("rm etl")
    assert refused.value.hint == "a workflow is: workflow rm etl"
    with pytest.raises(NotFound) as refused:
        do("workflow rm twice")
    assert refused.value.hint == "a function is: rm twice"


def test_workflows_are_deleted_and_what_is_not_there_is_told(do, etl):
    assert do("workflow rm etl").facts == {"deleted": ["etl"]}
    assert do("workflow ls").df.empty
    with pytest.raises(NotFound, match="workflow"):
        do("run etl")
    with pytest.raises(NotFound, match="workflow or run"):
        do("graph nothing")


def test_what_ran_of_a_workflow_that_is_gone_is_still_listed_and_drawn(do, etl):
    do("run etl -p '{\"x\": 4}' --name kept")
    do("workflow rm etl")
    assert list(do("runs etl").df["name"]) == ["kept"]
    assert "double" in plain_text(do("show kept"))
    with pytest.raises(NotFound):
        do("runs nothing")
