"""Pages in a folder: whole or not at all, by two processes at once, after a kill, beside what is not ours."""

import os
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from faaslab.reports.delivery import folder, index
from faaslab.reports.delivery.naming import is_made
from faaslab.reports.delivery.targets import Folder
from tests.reports.delivery.stories import MONDAY, pages, run, story

ROOT = Path(__file__).parents[3]


def deliver(place, made_in, number, *, keep=None, url=None):
    told = story(run(number, scheduled_for=MONDAY + timedelta(days=number)))
    return folder.deliver(
        Folder(path=str(place), url=url), told, pages(made_in, number), origin="here", keep=keep
    )


def test_what_an_edited_index_names_is_not_ours_to_remove(tmp_path):
    place = tmp_path / "out"
    deliver(place, tmp_path / "made", 1, keep=1)
    others = {"victim.txt", "precious.pdf", "cold_starts-9-00000009.html"}
    for name in others:
        (place / name).write_text("mine")
    page = place / "index.html"
    edited = page.read_text().replace("cold_starts-1-00000001.html", "victim.txt")
    page.write_text(edited.replace("cold_starts-1-00000001.pdf", "cold_starts-9-00000009.html"))
    for number in (2, 3):
        deliver(place, tmp_path / "made", number, keep=1)
    left = {path.name for path in place.iterdir() if not path.name.startswith(".")}
    assert others <= left
    assert "cold_starts-2-00000002.html" not in left
    assert {"index.html", "cold_starts-3-00000003.html"} <= left


@pytest.mark.parametrize(
    ("name", "kind", "made"),
    [
        ("weekly-20261123-070000-1a2b3c4d.html", "html", True),
        ("weekly-1a2b3c4d.pdf", "pdf", True),
        ("weekly-1a2b3c4d.pdf", "html", False),
        ("weekly-1a2b3c4e.html", "html", False),
        ("index.html", "html", False),
        ("../x-1a2b3c4d.html", "html", False),
        ("-1a2b3c4d.html", "html", False),
        ("x-1a2b3c4d.duckdb", "duckdb", False),
        ("", "html", False),
        ("..", "y", False),
    ],
)
def test_a_name_that_was_made_for_a_run_is_known(name, kind, made):
    assert is_made(name, kind, "1a2b3c4d-0000-4000-8000-000000000000") is made


def linked(place):
    page = (place / "index.html").read_text()
    return re.findall(r'href="\./([^"]+)"', page)


def test_pages_and_index_stand_there_and_again_changes_nothing(tmp_path):
    place = tmp_path / "out" / "deep"
    told = deliver(place, tmp_path / "made", 1)
    assert told == {kind: str(place / f"cold_starts-1-00000001.{kind}") for kind in ("html", "pdf")}
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    assert deliver(place, tmp_path / "made", 1) == told
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert all((place / name).is_file() for name in linked(place))


def test_where_it_is_served_is_its_address(tmp_path):
    told = deliver(tmp_path / "out", tmp_path / "made", 1, url="https://r.example")
    assert told["html"] == "https://r.example/cold_starts-1-00000001.html"


def test_the_newest_stay_and_only_what_the_index_names_goes(tmp_path):
    place = tmp_path / "out"
    deliver(place, tmp_path / "made", 1, keep=2)
    (place / "cold_starts-1-mine.html").write_text("mine")
    for number in (2, 3):
        deliver(place, tmp_path / "made", number, keep=2)
    assert sorted(path.name for path in place.glob("*.html")) == [
        "cold_starts-1-mine.html",
        "cold_starts-2-00000002.html",
        "cold_starts-3-00000003.html",
        "index.html",
    ]
    assert all((place / name).is_file() for name in linked(place))


def test_an_index_of_somebody_else_stays_as_it_is(tmp_path):
    (tmp_path / "index.html").write_text("<h1>My site</h1>")
    with pytest.raises(folder.NotDelivered, match="stays as it is"):
        deliver(tmp_path, tmp_path / "made", 1)
    assert (tmp_path / "index.html").read_text() == "<h1>My site</h1>"
    assert not list(tmp_path.glob("cold_starts*"))


def test_pages_that_stand_there_already_are_listed_where_they_are(tmp_path):
    deliver(tmp_path, tmp_path, 1)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == [
        "cold_starts-1.html",
        "cold_starts-1.pdf",
        "index.html",
    ]
    assert "cold_starts-1.html" in linked(tmp_path)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(folder.NotDelivered, match="file"):
        deliver(tmp_path / "file" / "below", tmp_path / "made", 1)


PROCESS = """
import sys
from pathlib import Path
from tests.reports.delivery.test_folder import deliver
place, made, first, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
for number in range(first, first + count):
    deliver(place, made, number)
    print(number, flush=True)
"""


def process(tmp_path, first, count):
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROCESS,
            str(tmp_path / "out"),
            str(tmp_path / f"made{first}"),
            str(first),
            str(count),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_deliver_at_once_all_stand_in_the_index(tmp_path):
    busy = [process(tmp_path, first, 8) for first in (100, 200, 300)]
    for each in busy:
        each.communicate(timeout=120)
        assert each.returncode == 0
    listed = index.entries((tmp_path / "out" / "index.html").read_text())
    assert len(listed) == 24
    assert all((tmp_path / "out" / name).is_file() for name in linked(tmp_path / "out"))


def test_a_kill_at_any_moment_leaves_an_index_that_holds(tmp_path):
    told = 0
    for killed in range(6):
        with process(tmp_path, 1000 * (killed + 1), 500) as busy:
            for _ in range(2 + killed):
                told += busy.stdout.readline().strip().isdecimal()
            busy.send_signal(signal.SIGKILL)
            told += sum(line.strip().isdecimal() for line in busy.stdout)
        place = tmp_path / "out"
        listed = index.entries((place / "index.html").read_text()) if (place / "index.html").exists() else ()
        assert len(listed) >= told
        assert all((place / name).is_file() for name in linked(place))
    deliver(place, tmp_path / "made", 1)
    assert not list(place.glob(".faaslab-*.part"))


def test_who_waits_too_long_for_another_gives_up(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_TRIES", 3)
    with folder._alone(tmp_path):
        raised = []

        def second():
            try:
                deliver(tmp_path, tmp_path / "made", 1)
            except folder.NotDelivered as error:
                raised.append(str(error))

        other = threading.Thread(target=second)
        other.start()
        other.join()
    assert "delivering into" in raised[0]
