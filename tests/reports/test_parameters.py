"""What a parameters cell declares, and which values are taken for it."""

import json

import pytest

from faaslab.errors import InvalidValue
from faaslab.reports.parameters import check, declarations, is_executed, language

SOURCE = """
since = None  # anything
text = "a"
count = 3
share = 0.5
on = True
names = []
sizes = (1, 2)
limits = {}
noted: int = None
maybe: "str" = ""
either: int | None = None
listed: list[str] = None
optional: Optional[bool] = None
several: int | str = 1
reckoned = 3 * 4
called = dict(a=1)
bare: float
first = second = "x"
"""


def notebook(folder, source=SOURCE, **metadata):
    cell = {
        "cell_type": "code",
        "metadata": {"tags": ["parameters"]},
        "source": source.splitlines(keepends=True),
    }
    path = folder / "n.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": metadata}))
    return path


def test_the_kind_of_a_parameter_is_its_plain_default_or_what_is_noted_at_it(tmp_path):
    kinds = {each.name: each.kind for each in declarations(notebook(tmp_path))}
    assert kinds == {
        "since": None, "text": "a text", "count": "a number", "share": "a number", "on": "true or false",
        "names": "a list", "sizes": "a list", "limits": "a mapping", "noted": "a whole number", "maybe": None,
        "either": "a whole number", "listed": "a list", "optional": "true or false", "several": None,
        "reckoned": None, "called": None, "bare": "a number", "first": "a text", "second": "a text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("since", 3, 3), ("text", "b", "b"), ("text", None, None), ("count", 4, 4), ("count", 0.5, 0.5),
        ("share", 1, 1), ("on", False, False), ("names", ["a"], ["a"]), ("names", "a, b,", ["a", "b"]),
        ("limits", {"a": 1}, {"a": 1}), ("several", "x", "x"), ("called", 1, 1), ("listed", "a", ["a"]),
    ],
)  # fmt: skip
def test_what_is_taken(tmp_path, name, value, taken):
    assert check(notebook(tmp_path), {name: value}) == {name: taken}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("text", 3, "-p text: text takes a text, not 3 (-r text 3 gives it as a text; its default is 'a')"),
        ("count", "4x", '-p count: count takes a number, not "4x" (its default is 3)'),
        ("count", True, "count takes a number, not true"),
        ("noted", 1.5, "noted takes a whole number, not 1.5"),
        ("on", 1, "on takes true or false, not 1"),
        ("names", {"a": 1}, 'names takes a list, not {"a": 1}'),
        ("limits", [1] * 90, "…"),
        ("cuont", 1, "did you mean 'count'?"),
    ],
)
def test_what_is_not(tmp_path, name, value, says):
    with pytest.raises(InvalidValue) as caught:
        check(notebook(tmp_path), {name: value})
    assert says in str(caught.value)


def test_what_a_run_left_and_what_another_kernel_speaks_is_seen(tmp_path):
    assert not is_executed(notebook(tmp_path, papermill={}))
    assert is_executed(notebook(tmp_path, papermill={"start_time": "2026-11-27T07:00:00"}))
    assert language(notebook(tmp_path)) == ""
    assert language(notebook(tmp_path, kernelspec={"language": "R"})) == "r"
    assert language(notebook(tmp_path, language_info={"name": "Julia"})) == "julia"
    for odd in ([], "x", {"kernelspec": 3}, {"kernelspec": {"language": 3}}):
        path = tmp_path / "odd.ipynb"
        path.write_text(json.dumps({"cells": [], "metadata": odd}))
        assert language(path) == ""
        assert not is_executed(path)
