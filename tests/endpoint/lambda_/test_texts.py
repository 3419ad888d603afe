"""Texts that come from anybody: whatever they are, they are understood or refused in a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.endpoint import downloads
from faaslab.endpoint.lambda_.names import read
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.lambda_.statements import principal
from faaslab.endpoint.lambda_.statements import read as read_policy
from faaslab.endpoint.messages import Fault, Request

# Close to what is meant, or anything at all.
PARTS = st.sampled_from(
    [
        "arn:aws:lambda:",
        "us-east-1:",
        "000000000000:",
        "function:",
        "score",
        ":",
        "$LATEST",
        "7",
        "prod",
        "a" * 70,
    ]
)
NAMES = st.lists(PARTS, max_size=9).map("".join) | st.text(max_size=200)


def answer(question):
    """What is answered, be it a refusal."""
    try:
        return question()
    except Fault as fault:
        return fault


@given(NAMES)
def test_a_name_is_a_function_or_a_refusal(text):
    found = answer(lambda: read(text, regions=("us-east-1",)))
    if isinstance(found, Fault):
        assert found.status in (400, 403, 404)
    else:
        assert found.function in text
        assert found.qualifier is None or text.endswith(f":{found.qualifier}")


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda data: data.decode("latin-1")))
def test_a_marker_is_a_place_in_the_list_or_a_refusal(marker):
    found = answer(lambda: page(["a", "b"], {"Marker": marker}, str))
    if isinstance(found, Fault):
        assert found.message == "Invalid Marker"
    else:
        assert set(found[0]) <= {"a", "b"}
        assert found[1] == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["Statement", "Sid", "Effect", "x"]), inner, max_size=4)
        ),
    )
)
def test_a_policy_is_read_or_refused(document):
    found = answer(lambda: read_policy(json.dumps(document)))
    if isinstance(found, Fault):
        assert found.code == "InvalidParameterValueException"
    else:
        assert all(each["Sid"] and each["Effect"] in ("Allow", "Deny") for each in found)


@given(st.text(max_size=100))
def test_a_principal_is_somebody_or_a_refusal(text):
    found = answer(lambda: principal(text))
    assert found
    if isinstance(found, Fault):
        assert found.code == "InvalidParameterValueException"


@given(st.binary(max_size=200))
def test_an_address_that_was_not_given_opens_nothing(rest):
    path = downloads.CODE + rest.decode("latin-1")
    # No lab is needed to see that nobody gave it.
    assert downloads.answer(None, Request(method="GET", path=path)).status == 403


@pytest.mark.parametrize("wrong", [("0" * 64, "9" * 12, "0" * 64), ("../x", "1", ""), ("", "", "")])
def test_an_address_with_another_code_opens_nothing(wrong):
    assert downloads.answer(None, Request(method="GET", path=downloads.CODE + "/".join(wrong))).status == 403
