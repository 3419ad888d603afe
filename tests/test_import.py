"""Importing the package does nothing but import it."""

import json
import subprocess
import sys

WATCH = """
import sys, os, json, threading
def refuse(*_): raise AssertionError("the environment was read")
before = set(threading.enumerate())
opened = []
def audit(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        opened.append(str(args[0]))
    if event in ("socket.connect", "subprocess.Popen"):
        opened.append(event)
sys.addaudithook(audit)
class Watched(type(os.environ)): pass
Watched.__getitem__ = refuse
os.environ.__class__ = Watched
import faaslab
import faaslab.errors
heavy = [n for n in ("boto3", "pandas", "papermill", "IPython", "duckdb", "sqlite3", "matplotlib") if n in sys.modules]
print(json.dumps({"heavy": heavy, "opened": opened, "threads": len(set(threading.enumerate()) - before)}))
"""


def test_import_loads_nothing_heavy_starts_nothing_makes_nothing():
    done = subprocess.run([sys.executable, "-B", "-c", WATCH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"heavy": [], "opened": [], "threads": 0}


def test_the_words_of_the_faces_load_nothing_heavy_either():
    code = (
        "import sys, faaslab.verbs, faaslab.cli;"
        "print([n for n in ('boto3', 'pandas', 'papermill', 'IPython', 'duckdb') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_decorating_a_function_loads_nothing_heavy_and_makes_no_store(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import faaslab, sys\n"
        "@faaslab.function(memory=512)\n"
        "def score(event, context): return event\n"
        "print([n for n in ('boto3', 'pandas', 'papermill', 'IPython', 'duckdb') if n in sys.modules], score(1, None))\n"
    )
    done = subprocess.run([sys.executable, "-B", "mine.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[] 1\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_the_names_of_the_package_are_offered():
    import faaslab

    assert {"open", "function", "__version__"} <= set(dir(faaslab))
