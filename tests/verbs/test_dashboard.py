"""The dashboard's verb, in a shell's words."""

import json

import pytest

from faaslab.errors import InvalidValue, NotFound
from faaslab.verbs.text import documents, plain_text


def test_it_says_what_ran_and_what_it_cost(do):
    assert "Nothing ran yet" in plain_text(do("dashboard"))
    do("score", "def handler(event, context):\n    return 1 / event['x']\n")
    do("other", "def handler(event, context):\n    return 1\n")
    do('map score \'[{"x": 1}, {"x": 0}, {"x": 2}]\'')
    do("invoke other")
    answer = do("dashboard")
    assert answer.exit_status == 0
    text = plain_text(answer)
    assert "4 invocations, 1 error (25 %)" in text
    assert answer.value["invocations"].tolist() == [3, 1]
    stats = do("stats --since 1h").df.set_index("function")
    mine = answer.value.set_index("function")
    # The view `costs` rounds an invocation's two parts to 1e-12 dollars each; the dashboard rounds nothing.
    assert mine["cost_usd"].to_dict() == pytest.approx(stats["cost_usd"].to_dict(), abs=3 * 1e-12)
    assert mine["p95_ms"].to_dict() == stats["p95_ms"].to_dict()
    (only,) = documents(do("dashboard other --since all"))["by_function"]
    assert (only["function"], only["invocations"]) == ("other", 1)
    json.dumps(documents(answer), allow_nan=False)


def test_wrong_names_and_times_are_told_with_what_was_meant(do):
    do("score", "def handler(event, context):\n    return 1\n")
    with pytest.raises(NotFound, match="did you mean 'score'"):
        do("dashboard scor")
    with pytest.raises(InvalidValue, match="--since: 'soon' is no instant"):
        do("dashboard --since soon")
