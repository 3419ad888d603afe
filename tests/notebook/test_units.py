"""Figures as people read them."""

import pytest

from faaslab.notebook import units


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, None),
        (0.0, "0.00 ms"),
        (9.876, "9.88 ms"),
        (48.339, "48.3 ms"),
        (999.94, "999.9 ms"),
        (1_000, "1.00 s"),
        (59_994, "59.99 s"),
        (61_400, "1 min 1 s"),
        (3_720_000, "1 h 2 min"),
    ],
)
def test_duration(ms, text):
    assert units.duration(ms) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1234.5, "1,234"), (12.345, "12.3"), (0.00001234, "0.0000123"), (0.5, "0.5")],
)
def test_significant_has_no_exponent(value, text):
    assert units.significant(value) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(None, None), (1.4e-6, "1.4 µ$"), (0.000208, "208 µ$"), (2.3e-9, "0.0023 µ$")]
)
def test_micro_dollars(usd, text):
    assert units.micro_dollars(usd) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 lines"), (1, "1 line"), (12_345, "12,345 lines")])
def test_amount(count, text):
    assert units.amount(count, "line") == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (2_350, "2.3 KB"), (5 * 1024**2, "5.0 MB")])
def test_size(count, text):
    assert units.size(count) == text
