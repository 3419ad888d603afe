"""Figures are written the same everywhere, and nothing is written that is not so."""

from datetime import datetime
from decimal import Decimal

import pytest

from faaslab.monitoring.pages import words


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (words.count, 3120, "3,120"),
        (words.count, None, "–"),
        (words.share, 0.042, "4.2 %"),
        (words.share, 0, "0 %"),
        (words.share, 0.00001, "under 0.01 %"),
        (words.share, 0.0004, "0.04 %"),
        (words.share, 0.36, "36 %"),
        (words.share, 0.9999, "over 99.9 %"),
        (words.share, 1, "100 %"),
        (words.share, float("nan"), "–"),
        (words.ms, 0.61, "0.6 ms"),
        (words.ms, 88.4, "88 ms"),
        (words.ms, 999.7, "1 s"),
        (words.ms, 2350, "2.35 s"),
        (words.ms, 170_876, "2.85 min"),
        (words.span, 45, "45 s"),
        (words.span, 600, "10 min"),
        (words.span, 86400, "24 h"),
        (words.span, 14 * 86400, "14 days"),
        (words.usd, Decimal("1240.4"), "$1,240"),
        (words.usd, 13.519, "$13.52"),
        (words.usd, 0.0042, "$0.0042"),
        (words.usd, -0.5, "-$0.50"),
        (words.usd, 0, "$0"),
        (words.mb, 1769, "1,769 MB"),
        (words.mb, None, "–"),
        (words.amount, 0.1412, "0.141"),
        (words.amount, 374476.2, "374,476"),
        (words.times, 71.6, "72 ×"),
        (words.times, 1.93, "1.9 ×"),
        (words.instant, datetime(2026, 11, 2, 14, 5), "2 Nov 2026, 14:05"),
        (words.instant, None, "–"),
        (words.listed, ["a"], "a"),
        (words.listed, ["a", "b", "c"], "a, b and c"),
        (words.listed, [], ""),
    ],
)
def test_words(write, value, expected):
    assert write(value) == expected


def test_one_is_not_many():
    assert words.of(1, "invocation") == "1 invocation"
    assert words.of(3120, "invocation") == "3,120 invocations"
