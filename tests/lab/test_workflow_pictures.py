"""Pictures of workflows and of how executions stand, from a real Lab."""

import json

from faaslab.lab.workflow_states import States
from faaslab.workflow.build import Map, Pass, Task, Wait, retry
from faaslab.workflow.graph.stays import visits_of


def test_a_workflow_has_a_picture_and_a_draft_as_well(lab):
    workflow = lab.workflows.create("bad", {"StartAt": "nowhere", "States": {}}, draft=True)
    assert workflow.status == "draft"
    from faaslab.lab.workflow_pictures import of_workflow, parsed

    assert of_workflow(workflow).svg.startswith("<svg")
    assert parsed("<b>no json") == {"Comment": "<b>no json"}


def test_a_picture_is_kept_up_with_what_happens(lab):
    lab.workflows.create("w", (Pass("first") >> Wait("long", seconds=3600)).definition())
    run = lab.workflows.start("w")
    watched = run.watched()
    assert "long" in watched.graph().text
    assert "in progress" in watched.graph().text
    assert not watched.ended
    assert watched.now is not None
    run.stop()
    assert watched.look()
    assert watched.ended
    assert not watched.look()
    bundle = run.graph()._repr_mimebundle_()
    assert "<svg" in bundle["text/html"]
    assert "aborted" in bundle["text/plain"]
    assert run.timeline().svg.startswith("<svg")
    assert "stateDiagram" in run.graph().mermaid


def test_a_distributed_map_shows_the_counts_of_its_run_and_its_childrens_states(lab):
    flow = Map("each", Pass("one"), distributed=True, items="{% $states.input %}").definition()
    lab.workflows.create("d", flow)
    run = lab.workflows.start("d", [1, 2, 3])
    assert run.result(60) == [1, 2, 3]
    text = run.graph().text
    assert "3/3" in text
    assert "✓ one" in text


def test_of_what_a_distributed_map_tolerates_the_graph_tells_how_many_went_well(lab):
    one = Pass("one", output="{% $states.input = 2 ? $error('even') : $states.input %}")
    flow = Map("each", one, distributed=True, items="{% $states.input %}").definition()
    flow["States"]["each"]["ToleratedFailureCount"] = 1
    lab.workflows.create("d", flow)
    run = lab.workflows.start("d", [1, 2, 3])
    assert run.result(60) == [1, 3]
    (line,) = [line.strip("│ ") for line in run.graph().text.splitlines() if "one  [" in line]
    assert line.startswith("! one")
    assert "2 ✓ 1 ✗ · States.QueryEvaluationError" in line


def test_a_run_whose_workflow_is_gone_still_has_its_graph_and_a_time_line(lab):
    lab.workflows.create("w", Pass("only").definition())
    run = lab.workflows.start("w", {"a": 1})
    run.wait()
    lab.workflows.delete("w")
    again = lab.workflows.run(run.id)
    assert again.timeline().svg.startswith("<svg")
    assert "✓ only" in again.graph().text
    lab.workflows.create("w", Pass("other").definition())
    assert "✓ only" in again.graph().text
    assert json.loads(again.execution.input) == {"a": 1}


SCORE = """def handler(event, context):
    print("scoring", event["n"])
    if event["n"] < 0:
        raise ValueError("negative")
    return event["n"] * 2
"""


def test_what_a_task_ran_is_found_with_its_log_for_each_attempt_and_iteration(lab):
    lab.functions.create("score", SCORE)
    again = [retry("ValueError", max_attempts=1, interval_seconds=1)]
    score = Task("score", "score", arguments={"n": "{% $states.input %}"}, retry=again)
    lab.workflows.create("w", Map("all", score, items="{% $states.input %}").definition())
    watched = lab.workflows.start("w", [1, -2]).watched()
    while not watched.ended:
        watched.look()
    states = States(lab, watched)
    history = states.own()
    good, bad = history.stays(visits_of(history.visits, "score"))
    assert (good.input, bad.input) == ("1", "-2")
    ((execution,),) = states.ran(good, history.execution).values()
    assert execution.status == "completed"
    assert "scoring 1" in [line.message for line in execution.logs]
    ran = states.ran(bad, history.execution)
    assert len(ran) == 2
    for (execution,), attempt in zip(ran.values(), bad.attempts, strict=True):
        assert execution.request_id == attempt.request_id, "the answer says the id that it was given"
        assert "scoring -2" in [line.message for line in execution.logs]
    assert states.children() == []


def test_of_what_is_called_through_the_api_the_executions_are_found_as_well(lab):
    lab.functions.create("score", SCORE)
    call = Task(
        "call", "arn:aws:states:::lambda:invoke", arguments={"FunctionName": "score", "Payload": {"n": 3}}
    )
    lab.workflows.create("w", call.definition())
    run = lab.workflows.start("w")
    run.result(60)
    states = States(lab, run.watched())
    history = states.own()
    (stay,) = history.stays(history.visits.every)
    ((execution,),) = states.ran(stay, history.execution).values()
    assert "scoring 3" in [line.message for line in execution.logs]
    assert json.loads(stay.output)["SdkResponseMetadata"]["RequestId"] == execution.request_id


def test_the_iterations_of_a_distributed_map_are_histories_of_their_own(lab):
    flow = Map("each", Pass("one"), distributed=True, items="{% $states.input %}").definition()
    lab.workflows.create("d", flow)
    run = lab.workflows.start("d", [1, 2, 3])
    run.result(60)
    states = States(lab, run.watched())
    children = states.children()
    assert len(children) == 3
    history = states.child(children[0])
    assert states.child(children[0]) is history
    (stay,) = history.stays(history.visits.every)
    assert stay.input == children[0].input


def test_a_picture_for_a_live_view_is_the_same_until_something_happens(lab):
    lab.workflows.create("w", (Pass("first") >> Wait("long", seconds=3600)).definition())
    run = lab.workflows.start("w")
    watched = run.watched()
    while "long" not in {event.state for event in watched.events}:
        watched.look()
    before = watched.drawn()
    watched.look()
    assert watched.drawn() == before
    assert {spot.name for spot in before[1].spots} == {"first", "long"}
    run.stop()
    watched.look()
    assert watched.drawn()[0] != before[0]
