"""The verbs for reports, with a small notebook of the user's own."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from faaslab import app
from faaslab.errors import AlreadyExists, InvalidValue, NotFound
from faaslab.notebook.display import Surroundings, view
from faaslab.verbs import parse, run
from faaslab.verbs.text import documents, plain_text
from tests.verbs.faces import KeptFace

NOTEBOOK = nbformat.v4.new_notebook(
    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    cells=[
        nbformat.v4.new_markdown_cell("# Mine\n\nWhat mine is about."),
        nbformat.v4.new_code_cell(
            "n = 1\nstore = ''\nsince = '-7d'\nnames = []\napi_key = ''", metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell("assert n < 3, 'too many'\nprint(n, since, names)"),
    ],
)


@pytest.fixture
def lab(tmp_path, cache):
    folder = tmp_path / "own"
    folder.mkdir()
    nbformat.write(NOTEBOOK, folder / "mine.ipynb")
    with app.open(store=tmp_path / "s.duckdb", cache=cache, reports=folder) as lab:
        yield lab


def test_report_run_ls_show_and_open(do, tmp_path):
    assert plain_text(do("report ls")).endswith("no report ran yet; run one: report run cold_starts")
    answer = do("report run mine -p n 2 --to html,ipynb --open")
    assert answer.exit_status == 0
    assert do.face.opened == [path for path in answer.run.outputs if path.endswith(".html")]
    assert do.face.advanced == 2
    failed = do("report run mine -p n 3")
    assert failed.exit_status == 1
    assert "mine failed in cell 2: AssertionError: too many" in plain_text(failed)
    assert f"log {failed.run.log}" in plain_text(failed)
    assert "AssertionError: too many" in Path(failed.run.log).read_text()
    listed = do("report ls")
    assert listed.df["status"].tolist() == ["failed", "completed"]
    assert listed.df["failed_cell"].tolist()[0] == 2
    assert listed.df["duration_s"].min() > 0
    assert "cold_starts" in plain_text(listed)
    assert "What mine is about." in plain_text(listed)
    kinds = [(each["kind"], each.get("report") or each["name"]) for each in documents(listed)]
    assert ("report", "mine") in kinds
    assert kinds.count(("run", "mine")) == 2
    html = view(listed, Surroundings(link=lambda path: f"/files{path}")).html
    assert "cold_starts" in html
    assert failed.run.id in html
    page = answer.run.outputs[0]
    assert f'href="/files{page}"' in html
    assert f">{Path(page).name}</a>" in html
    shown = do("report show mine")
    assert (shown.exit_status, shown.run.id) == (0, failed.run.id)
    for told in ("mine  failed", "n = 3", "too many", failed.run.log, failed.run.id):
        assert told in plain_text(shown)
    assert failed.run.log in view(shown).html
    assert do(f"report show {answer.run.id[:8]}").run == answer.run
    assert do("report open").facts["opened"] == failed.run.outputs[0]
    assert do(f"report open {answer.run.id}").facts["opened"] == answer.run.outputs[0]
    Path(failed.run.outputs[0]).unlink()
    assert do("report open mine").facts["opened"] == answer.run.outputs[0]
    assert do.face.opened[-1] == answer.run.outputs[0]


def test_report_run_takes_papermills_words_and_says_where_they_are_wrong(do, tmp_path):
    (tmp_path / "p.yaml").write_text("n: 1\nsince: 2026-11-16\nnames: [a]")
    answer = do(
        f"report run mine -r since -7d -p n 2 -y 'n: 1' -y 'names: [b, c]' -f {tmp_path}/p.yaml "
        f"-p api_key hush-hush --dir {tmp_path}/pages --stem 'of {{{{ now:%Y }}}}' --title 'Mine {{{{ now:%Y }}}}' "
        "--theme dark --timeout 60"
    )
    assert answer.exit_status == 0, answer.run
    (page,) = map(Path, answer.run.outputs)
    year = f"{answer.run.started_at:%Y}"
    assert page == tmp_path / "pages" / f"of {year}.html"
    text = page.read_text()
    assert f"<title>Mine {year}</title>" in text
    assert 'data-theme="dark"' in text
    assert "2 -7d ['b', 'c']" in text
    assert answer.run.parameters["api_key"] == "••••"
    for path in (page, Path(answer.run.log)):
        assert "hush-hush" not in path.read_text()
    for line, says in [
        ("report run mine --to hmtl", "--to: 'hmtl' is none of html, pdf, ipynb (did you mean 'html'?)"),
        ("report run mine -p sinc 1", "-p: mine.ipynb has no parameter 'sinc' (did you mean 'since'?)"),
        ("report run mine -p n two", '-p n: n takes a number, not "two" (its default is 1)'),
        ("report run mine -p since 2026", "-r since 2026 gives it as a text"),
        ("report run mine -p since '{{ nwo }}'", "-p since, character 1: the template cannot be read: 'nwo'"),
        ("report run mine -y 'n: ['", "-y, line 1"),
        ("report run mine -f nothing.yaml", "no file is named 'nothing.yaml'"),
        ("report run mine --theme drak", "did you mean 'dark'?"),
        ("report run mine --stem a/b", "--stem: 'a/b' is no name for a file"),
        ("report run mine --timeout 0", "--timeout: '0' is not 1 or more"),
        ("report run mnie", "no report is named 'mnie' (did you mean 'mine'?)"),
        ("report run nothing.ipynb", "there is no notebook"),
        ("report show nothing", "no run of a report is named 'nothing'"),
        ("report open nothing", "no page of a report is named 'nothing'"),
    ]:
        with pytest.raises((InvalidValue, NotFound)) as caught:
            do(line)
        assert says in str(caught.value), line


def test_report_new_is_a_copy_that_runs(do, tmp_path):
    made = do("report new checkout --from mine")
    path = Path(made.facts["path"])
    assert path == tmp_path / "own" / "checkout.ipynb"
    assert "report run checkout --open" in plain_text(made)
    assert json.loads(path.read_text())["cells"][0]["source"].startswith("# Checkout\n\nWhat mine")
    assert do("report run checkout").exit_status == 0
    elsewhere = do(f"report new other --from cold_starts --to {tmp_path}/a/b.ipynb")
    assert f"report run {tmp_path}/a/b.ipynb" in plain_text(elsewhere)
    assert do(f"report run {tmp_path}/a/b.ipynb").exit_status == 0
    before = path.read_text()
    for line, error, says in [
        ("report new checkout", AlreadyExists, "--to: "),
        ("report new cold_starts", AlreadyExists, "is shipped"),
        ("report new a/b", InvalidValue, "is no name for a report"),
        ("report new x --from cold_start", NotFound, "did you mean 'cold_starts'?"),
    ]:
        with pytest.raises(error) as caught:
            do(line)
        assert says in str(caught.value), line
    assert path.read_text() == before


def test_what_is_no_report_in_the_folder_is_left_out_and_a_shipped_name_stays_ours(do, tmp_path):
    folder = tmp_path / "own"
    (folder / "torn.ipynb").write_text("{")
    (folder / "a b.ipynb").write_text((folder / "mine.ipynb").read_text())
    shutil.copy(folder / "mine.ipynb", folder / "costs.ipynb")
    executed = nbformat.read(folder / "mine.ipynb", 4)
    executed.cells[2].metadata["tags"] = ["injected-parameters"]
    nbformat.write(executed, folder / "executed.ipynb")
    names = do.lab.reports.names()
    assert names.count("costs") == 1
    assert [name for name in names if name not in do.lab.reports.names()[:-1]] == ["mine"]
    assert next(each for each in do.lab.reports.catalogue() if each.name == "costs").own is False


def test_report_run_notify_and_report_deliver(do, tmp_path):
    place = tmp_path / "published"
    answer = do(f"report run mine --title 'Of {{{{ now:%Y }}}}' --notify {place}")
    assert answer.exit_status == 0
    told = f"delivered to {place}: html, log and the index"
    assert told in plain_text(answer)
    assert documents(answer)["delivered"][0]["ok"] is True
    assert told.removeprefix("delivered to ") in view(answer).html
    year = f"{answer.run.started_at:%Y}"
    assert f">Of {year}</a>" in (place / "index.html").read_text()
    again = do(f"report deliver mine {place} {tmp_path / 'other'}")
    assert again.exit_status == 0
    assert (tmp_path / "other" / "index.html").read_text() == (place / "index.html").read_text()
    assert [each["ok"] for each in again.facts["delivered"]] == [True, True]
    missed = do(f"report deliver {answer.run.id[:8]} https://127.0.0.1:1/very-secret#sign=NO_SUCH_KEY")
    assert missed.exit_status == 1
    assert "NOT delivered to https://127.0.0.1/…: no secret is named 'NO_SUCH_KEY'" in plain_text(missed)
    for line, says in [
        ("report run mine --notify gopher://x", "nothing is delivered to gopher"),
        ("report deliver mine", "needs TARGETS"),
        ("report deliver nobody published", "nobody"),
    ]:
        with pytest.raises((InvalidValue, NotFound), match=says):
            do(line)
    assert len(do("report ls").df) == 1


def test_a_report_that_reached_nobody_fails_in_a_notebook(do, tmp_path):
    from faaslab.notebook.calls import _failure

    (tmp_path / "index.html").write_text("mine")
    answer = do(f"report run mine --notify {tmp_path}")
    assert (answer.exit_status, str(answer.run.status)) == (1, "completed")
    failure = _failure(answer, {})
    assert "mine was not delivered to" in str(failure)
    assert "stays as it is" in str(failure)
    assert "not delivered" in view(answer).html


def test_a_copy_stands_with_the_projects_notebooks_and_never_among_the_pages(tmp_path, cache, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    old = tmp_path / "reports"
    old.mkdir()
    nbformat.write(NOTEBOOK, old / "mine.ipynb")
    # A store at the root of the project: its pages land in the folder of the old copies.
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        made = run(lab, parse("report new checkout --from mine"), KeptFace())
        path = tmp_path / "notebooks" / "checkout.ipynb"
        assert made.facts == {
            "path": str(path), "report": "checkout", "from": "mine", "pages": str(tmp_path / "reports"),
        }  # fmt: skip
        assert f"wrote {path}, a copy of mine" in plain_text(made)
        assert f"its pages go to {old}" in plain_text(made)
        assert lab.reports.names()[-2:] == ("checkout", "mine")
        for line, error, says in [
            ("report new mine", AlreadyExists, f"NAME: {old / 'mine.ipynb'} is there already"),
            ("report new other --to reports", InvalidValue, "--to: reports is where the pages of runs land"),
            ("report new other --to notebooks/../reports/x.ipynb", InvalidValue, "pages of runs land"),
        ]:
            with pytest.raises(error) as caught:
                run(lab, parse(line), KeptFace())
            assert says in str(caught.value), line
        assert [each.name for each in old.iterdir()] == ["mine.ipynb"]
    with app.open(store=tmp_path / "s.duckdb", cache=cache, reports=tmp_path / "notebooks") as lab:
        assert "mine" not in lab.reports.names()  # a folder that somebody named is the only one
