"""Workflows are defined declaratively, versioned as on Step Functions, and refused in its words."""

import json

import pytest

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.lab import workflow_definitions, workflow_names
from faaslab.lab.workflow_definitions import InvalidDefinition
from faaslab.lab.workflow_versions import chosen, routed
from faaslab.model.workflow import INITIAL, WorkflowStatus
from faaslab.workflow import build

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
OTHER = {**PASS, "Comment": "other"}


def test_the_same_again_changes_nothing_and_a_changed_one_is_the_next(lab):
    first = lab.workflows.define("flow", PASS)
    assert (first.change, first.workflow.version, first.workflow.revision) == ("created", "1", INITIAL)
    assert lab.workflows.define("flow", PASS).change == "unchanged"
    second = lab.workflows.define("flow", OTHER)
    assert (second.change, second.workflow.version) == ("updated", "2")
    assert second.workflow.created_at == first.workflow.created_at
    assert lab.workflows.names() == ("flow",)


def test_the_arn_of_a_workflow_finds_it_in_whatever_account_and_region(lab):
    kept = lab.workflows.create("flow", PASS)
    assert kept.arn == "arn:aws:states:us-east-1:000000000000:stateMachine:flow"
    there = "arn:aws:states:eu-west-3:123456789012:stateMachine:flow"
    assert lab.workflows.get(there).name == lab.workflows.get("flow").name == "flow"
    with pytest.raises(NotFound, match="did you mean 'flow'"):
        lab.workflows.get("flo")


def test_without_exist_ok_the_same_is_the_one_that_is_there_and_another_is_refused(lab):
    kept = lab.workflows.create("flow", PASS, tags={"a": "1"})
    assert lab.workflows.create("flow", PASS, exist_ok=False) == kept
    with pytest.raises(AlreadyExists) as refused:
        lab.workflows.create("flow", OTHER, exist_ok=False)
    assert refused.value.code == "StateMachineAlreadyExists"
    with pytest.raises(AlreadyExists, match="STANDARD"):
        lab.workflows.create("flow", PASS, type="EXPRESS")


def test_a_definition_that_does_not_validate_is_refused_in_step_functions_words_or_kept_as_a_draft(lab):
    with pytest.raises(InvalidDefinition, match="SCHEMA_VALIDATION_FAILED") as refused:
        lab.workflows.create("flow", {"StartAt": "A"})
    assert refused.value.message == (
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'"
    )
    assert [each.location for each in refused.value.diagnostics] == ["/"]
    draft = lab.workflows.create("flow", {"StartAt": "A"}, draft=True)
    assert draft.status is WorkflowStatus.DRAFT
    assert "States" in draft.status_reason
    with pytest.raises(InvalidValue, match="draft"):
        lab.workflows.versions.publish("flow")
    assert lab.workflows.update("flow", PASS).workflow.status is WorkflowStatus.ACTIVE


@pytest.mark.parametrize("text", ["", "[]", "nothing", '{"a":', "[" * 100_000, '{"States":' * 3000])
def test_what_is_no_definition_gives_diagnostics_and_no_traceback(lab, text):
    with pytest.raises(InvalidDefinition):
        lab.workflows.create("flow", text)


def test_yaml_is_taken_as_in_a_cell_and_its_mistakes_have_lines(lab):
    flow = "StartAt: a\nStates:\n  a: {Type: Task, Resource: score, Next: b}\n  b: {Type: Pass, End: true}\n"
    kept = lab.workflows.create("yaml", flow)
    assert json.loads(kept.definition)["States"]["a"]["Resource"].endswith(":function:score")
    assert lab.workflows.validate(flow) == ()
    slip = flow.replace("Next: b", "Next: c")
    for change in (lab.workflows.create, lab.workflows.update):
        with pytest.raises(InvalidDefinition, match="line 3, state a: Missing 'Next' target: c") as refused:
            change("yaml", slip)
        assert refused.value.diagnostics
    with pytest.raises(InvalidDefinition, match="line 2"):
        lab.workflows.create("yaml", "foo: [")
    assert lab.workflows.create("any", "foo: [", draft=True).definition == "foo: ["


def test_a_slip_in_a_builder_is_told_with_what_was_meant(lab):
    from faaslab.workflow.build import Task

    with pytest.raises(InvalidDefinition) as refused:
        lab.workflows.create(
            "flow", Task("x", "score", output_pat="$.a").definition(query_language="JSONPath")
        )
    assert refused.value.message.endswith("Field 'OutputPat' is not supported at /States/x'")
    assert refused.value.hint == "did you mean 'OutputPath'?"


def test_what_a_workflow_has_not_is_told_by_its_nearest(lab):
    with pytest.raises(InvalidValue, match="did you mean 'tags'"):
        lab.workflows.create("flow", PASS, tag={"a": "b"})
    lab.workflows.create("flow", PASS)
    with pytest.raises(InvalidValue, match="nothing is given"):
        lab.workflows.update("flow")


def test_short_forms_are_written_out_and_a_text_without_any_stays_to_the_letter(lab):
    task = {"Type": "Task", "End": True}
    inner = {"StartAt": "S", "States": {"S": {**task, "Resource": "activity:sign"}}}
    flow = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Task", "Resource": "score:live", "Next": "B"},
            "B": {"Type": "Parallel", "Branches": [inner], "End": True},
        },
    }
    kept = json.loads(lab.workflows.create("flow", flow).definition)
    assert kept["States"]["A"]["Resource"] == "arn:aws:lambda:us-east-1:000000000000:function:score:live"
    inside = kept["States"]["B"]["Branches"][0]["States"]["S"]["Resource"]
    assert inside == "arn:aws:states:us-east-1:000000000000:activity:sign"
    text = '{ "StartAt":"A",\n "States": {"A":{"Type":"Succeed"}} }'
    assert lab.workflows.create("other", text).definition == text
    with pytest.raises(InvalidDefinition, match="not a valid resource ARN"):
        lab.workflows.create("third", flow, short_forms=False)


def test_states_put_together_in_python_are_a_definition(lab):
    flow = build.Pass("A") >> build.Task("B", "score")
    kept = json.loads(lab.workflows.create("flow", flow).definition)
    assert list(kept["States"]) == ["A", "B"]


def test_a_version_is_published_once_for_a_revision(lab):
    lab.workflows.create("flow", PASS)
    versions = lab.workflows.versions
    one = versions.publish("flow", description="first", revision=INITIAL)
    assert (one.version, one.id) == ("1", "arn:aws:states:us-east-1:000000000000:stateMachine:flow:1")
    assert versions.publish("flow", description="again") == one
    published = lab.workflows.update("flow", OTHER, publish=True, description="second").published
    assert (published.version, published.description) == ("2", "second")
    with pytest.raises(Conflict) as refused:
        versions.publish("flow", revision=INITIAL)
    assert refused.value.code == "ConflictException"
    assert "Comment" not in lab.workflows.get("flow:1").definition
    assert "Comment" in lab.workflows.get("flow:2").definition
    versions.delete("flow:2")
    versions.delete("flow:2")
    lab.workflows.update("flow", PASS)
    assert versions.publish("flow").version == "3"
    assert [each.version for each in versions.list("flow")] == ["1", "3"]


def test_tags_are_no_revision_and_all_else_is(lab):
    first = lab.workflows.create("flow", PASS, tags={"a": "1"})
    tagged = lab.workflows.tag("flow", {"b": "2"}, remove=["a"])
    assert tagged.configuration.tags == {"b": "2"}
    assert tagged.revision == first.revision
    changed = lab.workflows.update(
        "flow", logging="ERROR", role="arn:aws:iam::1:role/r", tracing=True
    ).workflow
    assert changed.revision != first.revision
    assert changed.configuration.tags == {"b": "2"}
    assert changed.configuration.logging.level == "ERROR"
    with pytest.raises(InvalidValue) as refused:
        lab.workflows.tag("flow", {str(n): "" for n in range(51)})
    assert refused.value.code == "TooManyTags"


def test_an_alias_routes_to_one_version_or_two(lab):
    lab.workflows.create("flow", PASS, publish=True)
    lab.workflows.define("flow", OTHER, publish=True)
    versions = lab.workflows.versions
    live = versions.create_alias("flow", "live", 1)
    assert versions.create_alias("flow", "live", 1) == live
    with pytest.raises(AlreadyExists):
        versions.create_alias("flow", "live", 2)
    moved = versions.update_alias("flow:live", routes={1: 90, 2: 10})
    assert moved.routes == {"1": 90, "2": 10}
    assert lab.workflows.get("flow:live").version == "1"
    with pytest.raises(Conflict, match="live"):
        versions.delete("flow:2")
    with pytest.raises(NotFound):
        versions.create_alias("flow", "next", 7)
    assert [alias.name for alias in versions.aliases("flow", version="2")] == ["live"]
    versions.delete_alias("flow:live")
    versions.delete("flow:2")
    assert versions.aliases("flow") == ()


def test_what_a_workflow_has_goes_with_it(lab):
    lab.workflows.create("flow", PASS, publish=True)
    lab.workflows.versions.create_alias("flow", "live", 1)
    lab.workflows.delete("flow")
    assert lab.workflows.find("flow") is None
    with pytest.raises(NotFound):
        lab.workflows.versions.list("flow")
    assert lab.workflows.define("flow", PASS, publish=True).published.version == "1"


@pytest.mark.parametrize(
    "routes", [{}, {1: 99}, {1: 50, 2: 60}, {1: 30, 2: 30, 3: 40}, {"a": 100}, {1: 100.0}, {1: -1, 2: 101}]
)
def test_routes_that_step_functions_would_refuse_are_refused(routes):
    with pytest.raises(InvalidValue):
        routed(routes)


def test_starts_are_shared_as_the_weights_say():
    share = [chosen({"1": 90, "2": 10}, n / 1000) for n in range(1000)]
    assert share.count("1") == 900
    assert chosen({"1": 0, "2": 100}, 0.0) == "2"
    assert chosen({"1": 100, "2": 0}, 0.9999999999999999) == "1"


@pytest.mark.parametrize("name", ["", "a b", "a" * 81, "a/b", "a:b", "ä" * 81, 'x"', "\ud800", None, 7])
def test_a_bad_name_is_refused(lab, name):
    with pytest.raises(InvalidValue, match="Invalid Name"):
        lab.workflows.create(name, PASS)


def test_names_are_read_from_whatever_stands_for_them():
    machine = workflow_names.machine
    assert machine("flow") == machine("arn:aws:states:a:b:stateMachine:flow")
    assert machine("flow:live").qualifier == machine("arn:aws-cn:states:a:b:stateMachine:flow:live").qualifier
    assert workflow_names.activity("activity:sign") == workflow_names.activity("sign") == "sign"
    execution = workflow_names.execution_arn(
        workflow_names.machine_arn("flow", "eu-west-1"), "one", "STANDARD"
    )
    assert execution == "arn:aws:states:eu-west-1:000000000000:execution:flow:one"
    assert workflow_names.machine_of(execution) == "flow"
    with pytest.raises(InvalidValue):
        machine("a:b:c")


def test_a_logging_configuration_is_read_or_refused():
    assert workflow_definitions.logging_of("ALL").level == "ALL"
    arn = "arn:aws:logs:us-east-1:0:log-group:g:*"
    read = workflow_definitions.logging_of({"level": "ERROR", "destinations": arn})
    assert read.destinations == (arn,)
    for wrong in ({"level": "LOUD"}, {"levels": "ALL"}, 7):
        with pytest.raises(InvalidValue):
            workflow_definitions.logging_of(wrong)
