"""Rules of a Choice in words."""

import pytest

from faaslab.workflow.graph.conditions import condition


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"Variable": "$.n", "NumericGreaterThan": 3, "Next": "A"}, "$.n > 3"),
        ({"Next": "A", "Variable": "$.n", "NumericLessThanEquals": 0.5}, "$.n ≤ 0.5"),
        ({"Variable": "$.s", "StringEquals": "a b"}, '$.s = "a b"'),
        ({"Variable": "$.s", "StringEqualsPath": "$.t"}, "$.s = $.t"),
        ({"Variable": "$.s", "StringMatches": "log-*.txt"}, '$.s ~ "log-*.txt"'),
        ({"Variable": "$.t", "TimestampLessThan": "2026-01-01T00:00:00Z"}, "$.t < 2026-01-01T00:00:00Z"),
        ({"Variable": "$.b", "BooleanEquals": False}, "$.b = false"),
        ({"Variable": "$.x", "IsPresent": True}, "$.x is present"),
        ({"Variable": "$.x", "IsNull": False}, "$.x is not null"),
        ({"Not": {"Variable": "$.x", "IsString": True}}, "not ($.x is a string)"),
        (
            {"And": [{"Variable": "$.a", "NumericEquals": 1}, {"Or": [{"Variable": "$.b", "IsNull": True}, {"Variable": "$.c", "IsNull": True}]}]},
            "$.a = 1 and ($.b is null or $.c is null)",
        ),
        ({"Condition": "{% $states.input.n > 3 %}"}, "input.n > 3"),
        ({"Condition": True}, "true"),
        ({"Variable": "$.x", "Odd": [1]}, "$.x Odd …"),
        ({"Variable": "$.x"}, "$.x"),
        ({"And": 3}, "?"),
        ("rule", "?"),
        ({}, "?"),
        ({"Variable": "$.n", "NumericEquals": 10**5_000}, "$.n = …"),
    ],
)  # fmt: skip
def test_rules(rule, said):
    assert condition(rule) == said


def test_a_rule_as_deep_as_one_likes_is_short():
    rule = {"Variable": "$.x", "IsNull": True}
    for _ in range(400):
        rule = {"Not": rule}
    assert condition(rule) == "not (not (not (not (not (not (…))))))"
    wide = {"Or": [{"Variable": "$.x", "IsNull": True}] * 10_000}
    assert condition(wide).endswith("or …")
