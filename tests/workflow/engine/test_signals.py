"""The texts of signals: what was kept is read again exactly, what is none is refused."""

import dataclasses
import json
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.workflow import effects
from faaslab.workflow.engine import packed, unpacked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = typing.get_args(effects.Signal)


def built(kind):
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind,
        **{
            field.name: JSON if hints[field.name] is typing.Any else st.from_type(hints[field.name])
            for field in dataclasses.fields(kind)
        },
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_signal_survives_its_text(kind):
    @settings(max_examples=30)
    @given(built(kind))
    def law(signal):
        assert repr(unpacked(packed(signal))) == repr(signal)  # NaN is not equal to itself

    law()


@pytest.mark.parametrize("value", [float("inf"), 2**200, "\ud800", [None, {"": {}}]])
def test_what_other_forms_would_lose_is_kept(value):
    assert unpacked(packed(effects.Succeeded("k", value))).output == value


@pytest.mark.parametrize("value", [{1, 2}, b"", object()])
def test_what_has_no_form_is_refused(value):
    with pytest.raises(InvalidValue, match="no JSON form"):
        packed(effects.Succeeded("k", value))


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{", "[" * 100_000, '{"v":1}', '{"v":2,"kind":"Stop"}', '{"v":true,"kind":"Stop"}',
        '{"v":1,"kind":["Stop"]}', '{"v":1,"kind":"__init__"}', '{"v":1,"kind":"Succeeded"}',
        '{"v":1,"kind":"Succeeded","key":5,"output":1}', '{"v":1,"kind":"Failed","key":"k","error":1}',
        '{"v":1,"kind":"ChildEnded","key":"k","status":"RUNNING"}',
    ],
)  # fmt: skip
def test_what_is_no_signal_is_refused(text):
    with pytest.raises(InvalidValue):
        unpacked(text)


def test_members_of_a_newer_faaslab_are_ignored():
    data = json.loads(packed(effects.Stop("e", "c")))
    assert unpacked(json.dumps(data | {"by": "whom"})) == effects.Stop("e", "c")
