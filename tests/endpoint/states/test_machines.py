"""State machines, versions and aliases as boto3 sees them. Facts: answers that were recorded from AWS."""

import json

import pytest

from tests.endpoint.states.conftest import PASS, ROLE

pytestmark = pytest.mark.timeout(120)
OTHER = PASS | {"Comment": "other"}
OFF = {"level": "OFF", "includeExecutionData": False}


def told(answer):
    del answer["ResponseMetadata"]
    return answer


def test_what_was_created_is_described(states, create, name):
    arn = create()
    assert arn == f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
    described = told(states.describe_state_machine(stateMachineArn=arn))
    assert described.pop("creationDate")
    assert described == {
        "stateMachineArn": arn,
        "name": name,
        "status": "ACTIVE",
        "definition": json.dumps(PASS),
        "roleArn": ROLE,
        "type": "STANDARD",
        "loggingConfiguration": OFF,
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }
    hidden = states.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    assert hidden["definition"] == "{}"


def test_the_same_again_is_the_one_that_is_there(states, create, refusal, name):
    arn = create(tags=[{"key": "a", "value": "1"}])
    again = states.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=f"{ROLE}2")
    assert again["stateMachineArn"] == arn
    assert states.describe_state_machine(stateMachineArn=arn)["roleArn"] == ROLE
    states.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=ROLE)
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]
    taken = ("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    spaced = json.dumps(PASS, indent=1)
    asked = {"name": name, "roleArn": ROLE}
    assert refusal("create_state_machine", definition=spaced, **asked) == taken
    assert refusal("create_state_machine", definition=json.dumps(PASS), type="EXPRESS", **asked) == taken
    traced = {"tracingConfiguration": {"enabled": True}}
    assert refusal("create_state_machine", definition=json.dumps(PASS), **traced, **asked) == taken


def test_what_is_gone_is_gone_and_can_be_deleted_again(states, create, refusal):
    arn = create()
    states.delete_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)
    gone = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    assert refusal("describe_state_machine", stateMachineArn=arn) == gone
    assert refusal("update_state_machine", stateMachineArn=arn, roleArn=ROLE) == gone
    assert refusal("publish_state_machine_version", stateMachineArn=arn) == gone
    assert refusal("list_state_machine_aliases", stateMachineArn=arn) == gone
    assert states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"] == []


def test_names_and_arns_are_checked(states, refusal):
    definition = json.dumps(PASS)
    invalid = ("InvalidName", "Invalid Name: 'a b$'")
    assert refusal("create_state_machine", name="a b$", definition=definition, roleArn=ROLE) == invalid
    long = "a" * 81
    code, message = refusal("create_state_machine", name=long, definition=definition, roleArn=ROLE)
    assert code == "ValidationException"
    assert message == (
        f"1 validation error detected: Value '{long}' at 'name' failed to satisfy constraint: "
        "Member must have length less than or equal to 80"
    )
    role = ("InvalidArn", "Invalid Role Arn: 'x'")
    assert refusal("create_state_machine", name="a", definition=definition, roleArn="x") == role
    prefix = ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: not_a_valid_arn'")
    assert refusal("describe_state_machine", stateMachineArn="not_a_valid_arn") == prefix


def test_an_update_changes_what_is_given(states, create, refusal):
    arn = create()
    nothing = refusal("update_state_machine", stateMachineArn=arn)
    assert nothing == (
        "MissingRequiredParameter",
        (
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
            "specified"
        ),
    )
    first = states.update_state_machine(stateMachineArn=arn, definition=json.dumps(OTHER))
    described = states.describe_state_machine(stateMachineArn=arn)
    assert described["revisionId"] == first["revisionId"]
    assert (described["definition"], described["roleArn"]) == (json.dumps(OTHER), ROLE)
    again = states.update_state_machine(stateMachineArn=arn, roleArn=ROLE)
    assert again["revisionId"] == first["revisionId"]
    second = states.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": True})
    assert second["revisionId"] != first["revisionId"]
    assert states.describe_state_machine(stateMachineArn=arn)["tracingConfiguration"] == {"enabled": True}


def test_state_machines_are_listed_by_name_in_pages(states, create, name):
    made = [create(called=f"{name}-{at}") for at in range(3)]
    pages = list(states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2}))
    assert all(len(page["stateMachines"]) <= 2 for page in pages)
    found = [each["stateMachineArn"] for page in pages for each in page["stateMachines"]]
    assert found == sorted(found)
    assert [each for each in found if each in made] == made
    (one,) = [each for page in pages for each in page["stateMachines"] if each["name"] == f"{name}-0"]
    assert set(one) == {"stateMachineArn", "name", "type", "creationDate"}
    with pytest.raises(states.exceptions.InvalidToken):
        states.list_state_machines(nextToken="nonsense")


# -- versions


def test_versions_are_published_once_each_and_never_change(states, create, refusal):
    arn = create()
    first = states.publish_state_machine_version(stateMachineArn=arn, description="one")
    assert first["stateMachineVersionArn"] == f"{arn}:1"
    assert states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == f"{arn}:1"
    updated = states.update_state_machine(
        stateMachineArn=arn, definition=json.dumps(OTHER), publish=True, versionDescription="two"
    )
    assert updated["stateMachineVersionArn"] == f"{arn}:2"
    versions = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in versions] == [f"{arn}:2", f"{arn}:1"]
    one = states.describe_state_machine(stateMachineArn=f"{arn}:1")
    assert (one["stateMachineArn"], one["description"]) == (f"{arn}:1", "one")
    assert (one["definition"], one["creationDate"]) == (json.dumps(PASS), first["creationDate"])
    assert "revisionId" not in one
    revision = updated["revisionId"]
    later = states.update_state_machine(stateMachineArn=arn, roleArn=f"{ROLE}2")["revisionId"]
    assert refusal("publish_state_machine_version", stateMachineArn=arn, revisionId=revision) == (
        "ConflictException",
        (
            f"Failed to publish the State Machine version for revision {revision}. "
            f"The current State Machine revision is {later}."
        ),
    )
    states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    gone = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}:2'")
    assert refusal("describe_state_machine", stateMachineArn=f"{arn}:2") == gone
    assert states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == f"{arn}:3"


def test_one_can_be_published_as_it_is_created(states, name, refusal):
    asked = {"name": name, "definition": json.dumps(PASS), "roleArn": ROLE}
    assert refusal("create_state_machine", versionDescription="x", **asked) == (
        "ValidationException", "Version description can only be set when publish is true",
    )  # fmt: skip
    made = states.create_state_machine(publish=True, versionDescription="x", **asked)
    assert made["stateMachineVersionArn"] == f"{made['stateMachineArn']}:1"
    again = states.create_state_machine(publish=True, versionDescription="x", **asked)
    assert again["stateMachineVersionArn"] == made["stateMachineVersionArn"]


# -- aliases


def route(arn, weight=100):
    return {"stateMachineVersionArn": arn, "weight": weight}


@pytest.fixture
def versions(states, create):
    """A state machine with two versions: its ARN."""
    arn = create()
    states.publish_state_machine_version(stateMachineArn=arn)
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(OTHER), publish=True)
    return arn


def test_an_alias_lives_and_is_described(states, versions, refusal):
    asked = {"name": "prod", "routingConfiguration": [route(f"{versions}:1")]}
    made = states.create_state_machine_alias(**asked)
    alias = made["stateMachineAliasArn"]
    assert alias == f"{versions}:prod"
    assert states.create_state_machine_alias(**asked)["creationDate"] == made["creationDate"]
    conflict = (
        "ConflictException",
        (
            "Failed to create alias because an alias with the same name and a different routing configuration "
            "already exists."
        ),
    )
    assert refusal("create_state_machine_alias", description="d", **asked) == conflict
    states.update_state_machine_alias(stateMachineAliasArn=alias, description="new")
    states.update_state_machine_alias(
        stateMachineAliasArn=alias,
        routingConfiguration=[route(f"{versions}:1", 50), route(f"{versions}:2", 50)],
    )
    described = told(states.describe_state_machine_alias(stateMachineAliasArn=alias))
    assert described.pop("creationDate") <= described.pop("updateDate")
    assert described == {
        "stateMachineAliasArn": alias,
        "name": "prod",
        "description": "new",
        "routingConfiguration": [route(f"{versions}:1", 50), route(f"{versions}:2", 50)],
    }
    referenced = refusal("delete_state_machine_version", stateMachineVersionArn=f"{versions}:1")
    assert referenced == (
        "ConflictException",
        (
            "Version to be deleted must not be referenced by an alias. "
            "Current list of aliases referencing this version: [prod]"
        ),
    )
    states.create_state_machine_alias(name="old", routingConfiguration=[route(f"{versions}:1")])
    listed = states.list_state_machine_aliases(stateMachineArn=f"{versions}:2")["stateMachineAliases"]
    assert [each["stateMachineAliasArn"] for each in listed] == [alias]
    assert len(states.list_state_machine_aliases(stateMachineArn=versions)["stateMachineAliases"]) == 2
    states.delete_state_machine_alias(stateMachineAliasArn=alias)
    states.delete_state_machine_alias(stateMachineAliasArn=alias)
    missing = ("ResourceNotFound", "Request references a resource that does not exist.")
    assert refusal("describe_state_machine_alias", stateMachineAliasArn=alias) == missing
    assert refusal("update_state_machine_alias", stateMachineAliasArn=alias, description="x") == missing
    nowhere = [route(f"{versions}:9")]
    assert refusal("create_state_machine_alias", name="x", routingConfiguration=nowhere) == missing


def test_routes_are_checked(refusal, versions):
    def said(*routes):
        code, message = refusal("create_state_machine_alias", name="a", routingConfiguration=list(routes))
        assert code == "ValidationException"
        return message

    one, two = f"{versions}:1", f"{versions}:2"
    assert said(route(versions)) == (
        f"Routing configuration must contain state machine version ARNs. Received: [{versions}]"
    )
    assert said(route(one, 50), route(one, 50)) == (
        f"Routing configuration must contain distinct state machine version ARNs. Received: [{one}, {one}]"
    )
    assert said(route(one, 70), route(two, 29)) == (
        "Sum of routing configuration weights must equal 100. Received: [70, 29]"
    )
    assert said(route(one, 101)) == (
        "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy "
        "constraint: Member must have value less than or equal to 100"
    )
    for name in ("123", "INVALID ALIAS", "ALIAS@"):
        code, message = refusal("create_state_machine_alias", name=name, routingConfiguration=[route(one)])
        assert code == "ValidationException"
        assert message.startswith(f"1 validation error detected: Value '{name}' at 'name' failed to satisfy")


# -- logging


def test_a_log_group_has_to_be_there(lab, states, create, refusal, name):
    lab.cloud.client("logs").create_log_group(logGroupName=f"/states/{name}")
    group = f"arn:aws:logs:us-east-1:000000000000:log-group:/states/{name}:*"
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": group}}
    logging = {"level": "ALL", "includeExecutionData": True, "destinations": [destination]}
    arn = create(loggingConfiguration=logging)
    assert states.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"] == logging
    asked = {"name": f"{name}-b", "definition": json.dumps(PASS), "roleArn": ROLE}
    one = "Invalid Logging Configuration: Must specify exactly one Log Destination."
    for wrong in (
        {"level": "ALL"},
        {"level": "ERROR", "destinations": []},
        {"level": "FATAL", "destinations": [{}]},
        {"level": "ALL", "destinations": [destination, destination]},
    ):
        assert refusal("create_state_machine", loggingConfiguration=wrong, **asked) == (
            "InvalidLoggingConfiguration", one,
        )  # fmt: skip
    lab.cloud.client("logs").delete_log_group(logGroupName=f"/states/{name}")
    assert refusal("create_state_machine", loggingConfiguration=logging, **asked) == (
        "InvalidLoggingConfiguration", "Invalid Logging Configuration: Log Destination not found.",
    )  # fmt: skip


# -- tags


def test_tags_are_laid_over_and_taken_away(states, create, refusal):
    arn = create(tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    states.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": ""}, {"key": "c", "value": "3"}])
    states.untag_resource(resourceArn=arn, tagKeys=["a", "nobody"])
    kept = states.list_tags_for_resource(resourceArn=arn)["tags"]
    assert kept == [{"key": "b", "value": ""}, {"key": "c", "value": "3"}]
    assert "revisionId" not in states.describe_state_machine(stateMachineArn=arn)
    states.publish_state_machine_version(stateMachineArn=arn)
    for missing in (f"{arn}:1", f"{arn}x"):
        assert refusal("tag_resource", resourceArn=missing, tags=[{"key": "a", "value": "1"}]) == (
            "ResourceNotFound",
            f"Resource not found: '{missing}'",
        )
    many = [{"key": str(at), "value": ""} for at in range(51)]
    assert refusal("tag_resource", resourceArn=arn, tags=many)[0] == "TooManyTags"
