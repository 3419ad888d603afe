import json

from hypothesis import given
from hypothesis import strategies as st

from faaslab.backends.local.masking import Mask


def test_a_value_is_replaced_wherever_it_stands():
    mask = Mask(["hunter2", 'qu"o\\te'])
    assert mask.text("it is hunter2, and hunter2") == "it is ****, and ****"
    assert mask.body(json.dumps({"x": 'qu"o\\te'}).encode()) == b'{"x": "****"}'
    assert mask.body(b"nothing") == b"nothing"


def test_a_longer_value_goes_before_its_part():
    assert Mask(["abc", "abcdef"]).text("abcdef abc") == "**** ****"


def test_a_line_of_a_key_is_masked_by_itself():
    mask = Mask(["-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----\n"])
    assert mask.text("MIIEvQIBADANBg") == "****"


def test_what_is_too_short_to_be_a_secret_is_left():
    assert Mask(["", "a", "ab"]).text("a cab") == "a cab"
    assert not Mask([""])


@given(st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=3), st.booleans())
def test_no_json_writer_lets_a_value_through(value, ascii_only):
    if value.strip() == "" or value.isdigit():
        return
    written = json.dumps({"k": f"«{value}»"}, ensure_ascii=ascii_only)
    assert json.loads(Mask([value]).text(written))["k"].strip("«»") == "****"
