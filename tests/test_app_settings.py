"""Settings and their sources: flag, environment, pyproject.toml, default."""

import pytest

from faaslab import app
from faaslab.errors import InvalidValue, Unsupported


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in app.SETTINGS:
        monkeypatch.delenv(f"FAASLAB_{name.upper()}", raising=False)
    (tmp_path / "pyproject.toml").write_text('[tool.faaslab]\nkeep_alive = 60\nstore = "history/x.duckdb"\n')
    below = tmp_path / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    return tmp_path


def read(**flags):
    return app.read_settings(flags, root=app.project_root())


def test_the_root_is_the_nearest_marked_folder(project):
    assert app.project_root() == project.resolve()
    (project / "notebooks" / "environment.yml").touch()
    assert app.project_root() == project.resolve() / "notebooks"


def test_without_a_mark_the_root_is_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "MARKS", ("no-such-mark",))
    assert app.project_root(tmp_path) == tmp_path.resolve()


def test_a_setting_holds_from_the_first_that_says_it(project, monkeypatch):
    assert (read()["keep_alive"].value, read()["keep_alive"].origin) == (60.0, "pyproject.toml")
    monkeypatch.setenv("FAASLAB_KEEP_ALIVE", "30")
    assert read()["keep_alive"].source == "environment (FAASLAB_KEEP_ALIVE)"
    flag = read(keep_alive=5)["keep_alive"]
    assert (flag.value, flag.source) == (5.0, "flag")
    assert read()["freeze"].source == "default"


def test_a_path_is_relative_to_where_it_was_said(project, monkeypatch):
    root = project.resolve()
    assert read()["store"].value == root / "history" / "x.duckdb"
    monkeypatch.setenv("FAASLAB_STORE", "y.duckdb")
    assert read()["store"].value == root / "notebooks" / "deep" / "y.duckdb"
    (project / "pyproject.toml").write_text("")
    monkeypatch.delenv("FAASLAB_STORE")
    assert read()["store"].value == root / "data" / "faaslab.duckdb"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.faaslab]\nkeepalive = 3", "did you mean 'keep_alive'"),
        (
            "[tool.faaslab]\nkeep_alive = 'long'",
            "pyproject.toml, [tool.faaslab] keep_alive: 'long' is not a number",
        ),
        ("[tool.faaslab]\nredact = 'a/b'", "is not a JSON pointer"),
        ("[tool]\nfaaslab = 3", "is not a table"),
        ("[tool.faaslab", "cannot be read"),
    ],
)
def test_a_wrong_setting_names_its_place(project, text, said):
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(InvalidValue) as caught:
        read()
    assert said in str(caught.value)


def test_a_wrong_variable_names_itself(project, monkeypatch):
    monkeypatch.setenv("FAASLAB_PAYLOADS", "al")
    with pytest.raises(InvalidValue, match="FAASLAB_PAYLOADS: 'al' is none of all, sizes, none.*'all'"):
        read()


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("no", False), (True, True), ("OFF", False)])
def test_a_switch(project, value, meant):
    assert read(freeze=value)["freeze"].value is meant


def test_an_unknown_flag_and_a_later_backend(project):
    with pytest.raises(InvalidValue, match="did you mean 'region'"):
        read(regoin="x")
    with pytest.raises(Unsupported, match="backend 'aws'"):
        read(backend="aws")


def test_a_setting_of_a_few_words_tells_them_in_its_help():
    told = 0
    for name, known in app.SETTINGS.items():
        try:
            known.read("no such word")
        except InvalidValue as error:
            words = error.message.partition(" is none of ")[2].split(", ")
        except Unsupported:
            continue
        else:
            continue
        for word in filter(None, words):
            assert word in known.help.replace(",", " ").replace(":", " ").split(), (name, word)
            told += 1
    assert told >= 10
