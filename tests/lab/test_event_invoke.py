"""How asynchronous invocations are configured, and what an event may be."""

import pytest

from faaslab.errors import InvalidValue, NotFound
from tests.lab.events import ECHO


@pytest.fixture
def lab(opened):
    return opened()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"maximum_retry_attempts": 3}, "maximum_retry_attempts"), ({"maximum_retry_attempts": True}, "maximum_retry_attempts"),
        ({"maximum_event_age_s": 59}, "maximum_event_age_s"), ({"maximum_event_age_s": 21_601}, "maximum_event_age_s"),
        ({"on_success": "f"}, "on_success"), ({"on_success": "nobody"}, "on_success"), ({"on_failure": "a b"}, "on_failure"),
        ({"on_success": "arn:aws:s3:::bucket"}, "on_success"), ({"on_failure": "arn:aws:dynamodb:x:0:t"}, "on_failure"),
        ({"on_failure": "arn:aws:sqs:us-east-1:000000000000:q.fifo"}, "on_failure"), ({"dead_letter_queue": "echo"}, "dead_letter_queue"),
        ({"dead_letter_queue": "arn:aws:sqs:us-east-1:000000000000:q.fifo"}, "dead_letter_queue"), ({"recursive_loop": "Stop"}, "recursive_loop"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_and_nothing_is_written(lab, settings, place):
    with pytest.raises(InvalidValue) as caught:
        lab.functions.create("f", ECHO, **settings)
    assert caught.value.place == place
    assert lab.functions.names() == ()


def test_settings_belong_to_the_function_and_make_no_definition(lab):
    lab.functions.create("told", ECHO)
    configs = lab.asynchronous.configs
    assert lab.functions.define("f", ECHO, maximum_retry_attempts=0).notes == ()
    assert configs.effective("f").retries == 0
    changed = lab.functions.redefine("f", on_failure="told")
    assert (changed.change, changed.function.definition) == ("unchanged", 1)
    assert "has changed" in changed.notes[0]
    config = configs.get("f")
    assert (config.retries, config.on_failure) == (0, "arn:aws:lambda:us-east-1:000000000000:function:told")
    assert lab.functions.redefine("f", on_failure="none", memory_mb=256).function.definition == 2
    assert configs.get("f").on_failure is None
    assert configs.get("f").retries == 0
    # A definition says all there is: what it does not say is Lambda's default.
    assert lab.functions.define("f", ECHO, memory_mb=256).change == "unchanged"
    assert configs.get("f") is None
    configs.put("f", "$LATEST", maximum_event_age_s=60)
    assert configs.effective("f").age_limit_s == 60
    assert configs.effective("f").retries == 2
    configs.update("f", maximum_retry_attempts=1)
    assert configs.effective("f").age_limit_s == 60
    with pytest.raises(NotFound):
        configs.put("nobody", maximum_retry_attempts=1)
    configs.delete("f")
    with pytest.raises(NotFound):
        configs.delete("f")


def test_an_event_keeps_to_lambda_s_limits(lab):
    lab.functions.create("echo", ECHO)
    for payload, match in (
        (b"{", "Could not parse"),
        ("x" * 1024 * 1024, "1048576"),
        (b"\xff\xfe\xff", "parse"),
    ):
        with pytest.raises(InvalidValue, match=match):
            lab.functions.submit("echo", payload, invocation_type="Event")
    with pytest.raises(InvalidValue, match="control characters"):
        lab.functions.submit("echo", 1, invocation_type="Event", client_context="a\r\nb: c")
    assert lab.asynchronous.depth() == 0
    assert lab.functions.submit("echo", "\ud800", invocation_type="Event").result(60).ok


def test_the_queue_needs_the_payload_that_the_history_hides(opened):
    lab = opened(redact=["/card"], payloads="all")
    lab.functions.create("echo", ECHO)
    execution = lab.functions.submit("echo", {"card": "4242"}, invocation_type="Event").result(60)
    assert execution.result == {"card": "4242"}
    assert lab.executions.get(execution.id).payload == {"card": "[redacted]"}


def test_all_that_an_invocation_says_reaches_the_function(lab):
    source = (
        "def handler(e, c):\n"
        "    return [c.tenant_id, c.client_context.custom, c.identity.cognito_identity_id, c.invoked_function_arn[-5:]]"
    )
    lab.functions.create("f", source, tenancy="PER_TENANT")
    lab.versions.publish("f")
    asked = {
        "tenant_id": "blue", "client_context": '{"custom": {"a": 1}}', "qualifier": "1",
        "cognito_identity": '{"cognitoIdentityId": "me", "cognitoIdentityPoolId": "pool"}',
    }  # fmt: skip
    execution = lab.functions.submit("f", 1, invocation_type="Event", batch_id="b", **asked).result(60)
    assert execution.result == ["blue", {"a": 1}, "me", "n:f:1"]
    assert (execution.batch_id, execution.qualifier) == ("b", "1")
    with pytest.raises(InvalidValue, match="Add a valid tenant ID"):
        lab.functions.submit("f", 1, invocation_type="Event")
