"""Pictures of workflows and of how executions stand, from a real Lab."""

import json

from faaslab.workflow.build import Map, Pass, Wait


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
