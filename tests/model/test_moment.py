"""Instants as people type them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.model.moment import moment, span

NOW = datetime(2026, 11, 23, 12)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("7d", datetime(2026, 11, 16, 12)),
        ("-7d", datetime(2026, 11, 16, 12)),
        ("24h", datetime(2026, 11, 22, 12)),
        ("1h30m", datetime(2026, 11, 23, 10, 30)),
        ("2w", datetime(2026, 11, 9, 12)),
        ("0.5h", datetime(2026, 11, 23, 11, 30)),
        ("2026-11-16", datetime(2026, 11, 16)),
        ("2026-11-16T07:00", datetime(2026, 11, 16, 7)),
        ("2026-11-16T07:00:00Z", datetime(2026, 11, 16, 7)),
        ("2026-11-16T07:00+02:00", datetime(2026, 11, 16, 5)),
    ],
)
def test_an_instant(text, instant):
    assert moment(text, now=NOW) == instant


@pytest.mark.parametrize(
    "text", ["", "7", "7 days", "yesterday", "2026-13-01", "--7d", "-", "9" * 30 + "w", "99999999d"]
)
def test_what_is_no_instant_is_named_with_its_option(text):
    with pytest.raises(InvalidValue) as caught:
        moment(text, now=NOW, place="--since")
    assert caught.value.place == "--since"


@given(st.text(max_size=12))
def test_any_text_is_an_instant_or_a_clear_error(text):
    try:
        assert moment(text, now=NOW).tzinfo is None
    except InvalidValue:
        pass


@given(st.integers(0, 5000), st.sampled_from("smhdw"))
def test_a_span_back_is_that_long(number, unit):
    assert NOW - moment(f"{number}{unit}", now=NOW) == span(f"{number}{unit}")


def test_an_instant_and_a_length_pass_as_they_are():
    assert moment(NOW, now=NOW) == NOW
    assert moment(timedelta(hours=1), now=NOW) == NOW - timedelta(hours=1)
