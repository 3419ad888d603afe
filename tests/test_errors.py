"""The error tree: what an error says, and that it travels between processes."""

import pickle

import pytest

from faaslab import errors


def every() -> list[type[errors.FaaslabError]]:
    found, todo = [], [errors.FaaslabError]
    while todo:
        cls = todo.pop()
        found.append(cls)
        todo += cls.__subclasses__()
    return [cls for cls in found if cls.__module__ == "faaslab.errors"]


@pytest.mark.parametrize("cls", every(), ids=lambda cls: cls.__name__)
def test_every_error_stands_in_the_drawing_and_survives_pickle(cls):
    assert f"{cls.__name__} " in errors.__doc__ or cls is errors.FaaslabError
    error = cls("function", "scor", ["score"]) if cls is errors.NotFound else cls("it broke", hint="mend it")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_it_names_the_place_and_the_remedy_in_one_line():
    error = errors.InvalidValue("must be 128 to 10240 MB, not 64", place="--memory", hint="use --memory 128")
    assert str(error) == "--memory: must be 128 to 10240 MB, not 64 (use --memory 128)"
    assert error._render_traceback_() == [f"InvalidValue: {error}"]


def test_not_found_offers_the_nearest_name():
    assert str(errors.NotFound("function", "scroe", ["score", "load"])) == (
        "no function is named 'scroe' (did you mean 'score'?)"
    )
    assert "did you mean" not in str(errors.NotFound("function", "zzz", ["score"]))


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("invok", ["invoke", "ls"], "invoke"),
        ("inv", ["invoke"], "invoke"),
        ("x", ["xylo"], None),
        ("", ["a"], None),
    ],
)
def test_nearest(word, known, near):
    assert errors.nearest(word, known) == near


def test_exit_statuses():
    assert errors.RequestError("x").exit_status == 2
    assert errors.RunFailed("x").exit_status == 1
    assert errors.StoreError("x").exit_status == 1
