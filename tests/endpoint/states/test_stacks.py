"""CloudFormation: the state machines of a stack are the lab's own, from its making to its end."""

import json

import pytest

from tests.endpoint.states.conftest import PASS, ROLE

pytestmark = pytest.mark.timeout(180)
ARN = "arn:aws:states:us-east-1:000000000000:stateMachine"
STEP = {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "${Function}", "End": True}}}


def template(name, comment="first", **more):
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": name,
            "Definition": PASS | {"Comment": comment},
            "RoleArn": ROLE,
            "StateMachineType": "EXPRESS",
            "TracingConfiguration": {"Enabled": "true"},
            "Tags": [{"Key": "team", "Value": "a"}],
        },
    }
    version = {
        "Type": "AWS::StepFunctions::StateMachineVersion",
        "Properties": {"StateMachineArn": {"Ref": "Machine"}, "Description": "one"},
    }
    alias = {
        "Type": "AWS::StepFunctions::StateMachineAlias",
        "Properties": {
            "Name": "live",
            "RoutingConfiguration": [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": "100"}],
        },
    }
    return json.dumps({
        "Resources": {"Machine": machine, "Version": version, "Alias": alias, **more},
        "Outputs": {
            "Arn": {"Value": {"Ref": "Machine"}},
            "Name": {"Value": {"Fn::GetAtt": ["Machine", "Name"]}},
            "Alias": {"Value": {"Ref": "Alias"}},
        },
    })  # fmt: skip


def test_a_stack_s_state_machines_are_the_lab_s_own(lab, name):
    stacks = lab.cloud.client("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=template(name))
    [stack] = stacks.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]} == {
        "Arn": f"{ARN}:{name}", "Name": name, "Alias": f"{ARN}:{name}:live",
    }  # fmt: skip
    made = lab.workflows.get(name)
    assert (json.loads(made.definition)["Comment"], made.type) == ("first", "EXPRESS")
    assert (made.configuration.tracing, made.configuration.tags) == (True, {"team": "a"})
    assert lab.workflows.versions.get(name, "1").description == "one"
    stacks.update_stack(StackName=name, TemplateBody=template(name, "second"))
    assert json.loads(lab.workflows.get(name).definition)["Comment"] == "second"
    assert json.loads(lab.workflows.get(f"{name}:live").definition)["Comment"] == "first"
    stacks.delete_stack(StackName=name)
    assert lab.workflows.find(name) is None


@pytest.mark.parametrize("form", ["DefinitionString", "Definition", "DefinitionS3Location"])
def test_a_definition_has_its_substitutions_in_every_form(lab, name, form):
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    given = {"DefinitionString": json.dumps(STEP), "Definition": STEP}.get(form)
    if given is None:
        s3 = lab.cloud.client("s3")
        s3.create_bucket(Bucket=f"{name}-definitions")
        s3.put_object(Bucket=f"{name}-definitions", Key="d.json", Body=json.dumps(STEP))
        given = {"Bucket": f"{name}-definitions", "Key": "d.json"}
    properties = {form: given, "DefinitionSubstitutions": {"Function": function}, "RoleArn": ROLE}
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": properties | {"StateMachineName": name},
    }
    stacks = lab.cloud.client("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Machine": machine}}))
    kept = json.loads(lab.workflows.get(name).definition)
    assert kept["States"]["S"]["Resource"] == function


def test_a_definition_that_is_wrong_fails_the_stack_in_words(lab, name):
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionString": '{"StartAt": "S"}', "RoleArn": ROLE},
    }
    stacks = lab.cloud.client("cloudformation")
    with pytest.raises(stacks.exceptions.ClientError, match=r"These fields are required: \[States\] at /"):
        stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Machine": machine}}))
