"""`%faas` and `%%faas` in a real kernel: what is bound, shown, silenced and raised."""

import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebook.hostile import read
from tests.notebook.kernel import client, environment, run

CELLS = {
    "load": "%load_ext faaslab",
    "still": "import sys, threading\n"
    "print([m for m in ('pandas', 'duckdb', 'papermill', 'boto3', 'faaslab.lab') if m in sys.modules])\n"
    "import os; print(os.path.exists(os.environ['FAASLAB_STORE']))",
    "define": """%%faas score --memory 256 --timeout 10 --save saved/score.py

def inner(x):
    return 100 / x

def handler(event, context):
    print("scoring", event)
    return {"score": inner(event["x"])}""",
    "bound": "type(score).__name__, score.name, score.configuration.memory_mb, open('saved/score.py').read() == score.code.source",
    "same": """%%faas score --memory 256 --timeout 10

def inner(x):
    return 100 / x

def handler(event, context):
    print("scoring", event)
    return {"score": inner(event["x"])}""",
    "dashed": "%%faas send-mail\ndef handler(event, context):\n    return 'sent'",
    "dashed_bound": "send_mail.name",
    "builtin": "%%faas print -o bound\ndef handler(event, context):\n    return 1",
    "no_python": "%%faas nopython\n\ndef handler(event, context)\n    return 1",
    "no_python_run": "%faas invoke nopython",
    "unimportable": "%%faas needy\nimport nothing_of_this_name\ndef handler(event, context):\n    return 1",
    "needs": "%faas invoke needy",
    "unnamed": "%%faas frames\nimport pandas\ndef handler(event, context):\n    return pandas.DataFrame([event]).size",
    "unnamed_runs": "%faas invoke frames",
    "named": "%%faas frames --requires pandas\nimport pandas\ndef handler(event, context):\n    return pandas.DataFrame([event]).size",
    "named_runs": "%faas invoke frames -p '{\"x\": 4}' -o framed\nprint(framed.result)",
    "builtin_kept": "print(bound.name)",
    "invoke": "%faas invoke score -p '{\"x\": 4}'",
    "variable": "event = {'x': 8}\n%faas invoke score -p {event} -o r",
    "result": "r.result, r.ok, type(r).__name__",
    "shown_again": "r",
    "assigned": "answer = %faas invoke score -p {event}\nanswer.result['score'], answer.value.ok",
    "silent": "%faas invoke score -p {event};",
    "failed": "%faas invoke score -p '{\"x\": 0}'",
    "attach": "%faas invoke score --attach",
    "failed_bound": "%faas invoke score -p '{\"x\": 0}' -o broken",
    "broken": "broken.error.type",
    "looked_at": "%faas show {broken}",
    "map": """%faas map score '[{"x":0},{"x":1},{"x":2}]' -n 2""",
    "inputs": "inputs = [{'x': n % 5} for n in range(50)]\n%faas map score inputs -n 4 -o scored",
    "scored": "scored.status.value_counts().to_dict()",
    "retry": "%faas retry scored --failed -o again",
    "again": "len(again)",
    "handed_over": "handle = %faas invoke score -p {event} --async\n(await handle).result",
    "handle": "%faas invoke score -p {event} --async -o h\nh.result(30).result, h.done()",
    "replay": "%faas replay {r}",
    "not_a_name": "%faas replay {inputs}",
    "sql": "%%faas sql -o df\nSELECT status, count(*) AS n -- don't stop (here\nFROM executions WHERE function = 'score' GROUP BY 1 ORDER BY 1;",
    "df": "df.columns.tolist(), len(df) > 1",
    "sql_shown": "%faas sql SELECT 'a;b' AS s, $$it's$$ AS t;",
    "sql_wrong": "%faas sql SELEC 1",
    "grep": "%faas logs score --grep 'x.: 8' -o lines\nlen(lines) > 0",
    "stats": "%faas stats --plot",
    "help": "%faas help invoke",
    "question": "%faas?",
    "code": "%faas code score",
    "wrong_verb": "%faas invok score",
    "wrong_option": "%faas invoke score --memry 3",
    "wrong_name": "%faas invoke scor",
    "wrong_variable": "%faas invoke score -p {evnt}",
    "no_variable": "%faas invoke score -p {opn}",
    "wrong_json": "%faas invoke score -p '{x: 4}'",
    "wrong_output": "%faas ls -o a-b",
    "open_quote": "%faas invoke score -p '{",
    "later": "%faas tune score",
    "no_code": "%%faas empty\n\n",
    "flow_wrong": "%%faas workflow check\nStartAt: a\nStates: {a: {Type: Pas, End: true}}",
    "nothing_below": "%%faas empty --memory 256",
    "followed": "%%faas followed --source saved/score.py",
    "followed_line": "%faas define followed --source saved/score.py --memory 256",
    "followed_create": "%faas create followed --source saved/score.py --memory 512",
    "followed_bound": "followed.definition, followed.configuration.memory_mb, get_ipython().input_transformers_cleanup[-1].__name__",
    "not_python": "%%faas odd\ndef handler(event, context)\n    return 1",
    "late": "%%faas late --timeout 1\nimport time\ndef handler(event, context):\n    time.sleep(30)",
    "timeout": "%faas invoke late",
    "config_wrong": "%config FaasMagics.payloads = 'som'",
    "config_kept": "%config FaasMagics.payloads",
    "config": "%config FaasMagics.rows = 3\n%config FaasMagics.payloads = 'sizes'",
    "config_used": "%faas config -o settings\nsettings.set_index('setting').loc['payloads', ['value', 'source']].tolist()",
    "rows": "%faas history",
    "other_store": "%config FaasMagics.store = 'other.duckdb'",
    "other_ls": "%faas ls",
    "first_store": "%config FaasMagics.store = None",
    "first_ls": "%faas ls -o functions\nfunctions.name.tolist()",
    "unload": "%unload_ext faaslab",
    "children": "import psutil; print(psutil.Process().children(), [t.name for t in threading.enumerate() if 'faaslab' in t.name])",
    "unloaded": "%faas ls",
    "unloaded_transform": "get_ipython().input_transformers_cleanup[-1].__name__",
    "reload": "%load_ext faaslab",
    "reloaded": "%faas ls -o functions\nlen(functions)",
}  # fmt: skip


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return run(CELLS, tmp_path_factory.mktemp("magics"))


def test_loading_prints_nothing_and_starts_nothing(cells):
    assert cells["load"].outputs == []
    assert cells["still"].text.split("\n")[:2] == ["[]", "False"]


def test_a_cell_becomes_a_function_that_is_shown_bound_and_saved(cells):
    assert "created" in read(cells["define"].html[0]).text
    assert cells["bound"].text == "('Function', 'score', 256, True)"


def test_the_same_cell_again_changes_nothing(cells):
    assert "unchanged" in read(cells["same"].html[0]).text


def test_a_name_that_is_none_of_python_s_is_bound_as_one(cells):
    assert cells["dashed_bound"].text == "'send-mail'"


def test_a_source_needs_no_cell_and_an_empty_one_does_no_harm(cells):
    assert "created" in read(cells["followed"].html[0]).text
    assert "updated" in read(cells["followed_line"].html[0]).text
    assert "updated" in read(cells["followed_create"].html[0]).text
    assert cells["followed_bound"].text == "(3, 512, '_with_a_body')"
    assert "_with_a_body" not in cells["unloaded_transform"].text


def test_a_builtin_is_not_replaced(cells):
    assert "Python builtin" in cells["builtin"].text
    assert cells["builtin_kept"].text == "print\n"


def test_an_invocation_shows_its_result_and_its_figures(cells):
    text = read(cells["invoke"].html[0]).text
    assert '{"score": 25.0}' in text
    assert re.search(r"cost[\d.]+ µ\$", text)
    assert cells["invoke"].error is None


def test_o_binds_and_shows_nothing(cells):
    assert cells["variable"].outputs == []
    assert cells["result"].text == "({'score': 12.5}, True, 'Execution')"
    assert '{"score": 12.5}' in read(cells["shown_again"].html[0]).text


def test_an_assigned_answer_stands_for_its_value(cells):
    assert cells["assigned"].text == "(12.5, True)"


def test_a_semicolon_shows_nothing(cells):
    assert cells["silent"].outputs == []


@pytest.mark.parametrize("key", ["failed", "failed_bound"])
def test_a_failed_run_is_an_error_of_one_line_that_leads_into_the_cell(cells, key):
    number = list(CELLS).index("same") + 1
    message = f"score failed: ZeroDivisionError: division by zero (In [{number}], line 4)"
    assert cells[key].error == ("InvocationFailed", message)
    assert cells[key].trace == [f"InvocationFailed: {message}"]


def test_code_that_is_no_python_is_noted_with_its_line_in_the_cell(cells):
    number = list(CELLS).index("no_python") + 1
    assert f"not Python: expected ':' (In [{number}], line 3)" in cells["no_python"].text
    assert f"expected ':' (In [{number}], line 3)" in cells["no_python_run"].error[1]
    assert "lambda_function.py" not in cells["no_python_run"].error[1]
    assert f"trace: In [{number}], line 3" in read(cells["no_python_run"].html[0]).text


def test_a_missing_module_says_how_to_bring_it(cells):
    name, said = cells["needs"].error
    assert name == "InvocationFailed"
    assert "No module named 'nothing_of_this_name' (--requires installs a package for it" in said


def test_a_package_of_the_notebook_is_there_for_who_names_it(cells):
    name, said = cells["unnamed_runs"].error
    assert name == "InvocationFailed"
    assert "No module named 'pandas' (--requires pandas brings it along)" in said
    assert cells["named_runs"].text.endswith("1\n")


def test_a_failed_run_shows_the_user_s_own_lines(cells):
    text = read(cells["failed"].html[0]).text
    assert "→ 4      return 100 / x" in text
    assert "→ 8      return" in text
    assert cells["failed_bound"].html == []
    assert cells["broken"].text == "'ZeroDivisionError'"


def test_looking_at_a_failure_is_none(cells):
    assert cells["looked_at"].error is None
    assert "→ 4      return 100 / x" in read(re.sub("<svg.*</svg>", "", cells["looked_at"].html[0])).text


def test_a_map_ends_its_bar_and_shows_its_rows(cells):
    bar, shown = (read(each).text for each in cells["map"].html)
    assert re.fullmatch(r"map score3 of 3 in [\d.]+ ms · 1 failed", bar)
    assert "2 completed" in shown
    assert cells["map"].error is None  # failures are rows


def test_a_bound_map_leaves_its_bar_and_its_note(cells):
    bar, note = (read(each).text for each in cells["inputs"].html)
    assert bar.startswith("map score50 of 50 in ")
    assert note.startswith("10 failed (ZeroDivisionError: division by zero); run them again: retry ")
    assert cells["scored"].text == "{'completed': 40, 'failed': 10}"
    assert cells["again"].text == "10"


def test_what_is_handed_over_can_be_awaited(cells):
    assert cells["handed_over"].text == "{'score': 12.5}"
    assert cells["handle"].text == "({'score': 12.5}, True)"


def test_replay_takes_an_execution_by_name(cells):
    assert '{"score": 12.5}' in read(cells["replay"].html[0]).text
    assert cells["not_a_name"].error[0] == "InvalidValue"
    assert "inputs is neither an execution nor an id" in cells["not_a_name"].error[1]


def test_sql_is_the_raw_line_and_the_cell(cells):
    assert cells["sql"].outputs == []
    assert cells["df"].text == "(['status', 'n'], True)"
    assert read(cells["sql_shown"].html[0]).text == "sta;bit's"


def test_logs_and_stats(cells):
    assert cells["grep"].text == "True"
    assert "bar: 95 % are below" in read(cells["stats"].html[0]).text


def test_help_and_code_are_shown_as_text(cells):
    assert cells["help"].text.startswith("invoke NAME [options]")
    assert cells["code"].outputs[0].data["text/markdown"].startswith("```python\n")
    assert cells["question"].error is None


@pytest.mark.parametrize(
    ("key", "name", "part"),
    [
        ("wrong_verb", "InvalidValue", "did you mean 'invoke'?"),
        ("wrong_option", "InvalidValue", "--memry"),
        ("wrong_name", "NotFound", "did you mean 'score'?"),
        ("wrong_variable", "NotFound", "did you mean 'event'?"),
        ("wrong_json", "InvalidValue", "not JSON at line 1 column 2"),
        ("wrong_output", "InvalidValue", "'a-b' is not a Python name"),
        ("open_quote", "InvalidValue", "close every quote"),
        ("later", "Unsupported", "tune"),
        ("no_code", "InvalidValue", "the cell is empty"),
        ("nothing_below", "InvalidValue", "the cell is empty"),
        ("flow_wrong", "RunFailed", "the definition has 1 mistake"),
        ("attach", "Unsupported", "--attach: nobody sits here who could attach a debugger"),
        ("timeout", "InvocationFailed", "late timed out"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(cells, key, name, part):
    ename, evalue = cells[key].error
    assert ename == name
    assert part in evalue
    assert len(cells[key].trace) == 1
    assert "Traceback" not in cells[key].trace[0]


def test_a_wrong_statement_says_where(cells):
    assert cells["sql_wrong"].error[0] == "RequestError"
    assert "SELEC" in cells["sql_wrong"].error[1]


def test_a_cell_that_is_no_python_is_told_so_at_once(cells):
    assert "expected ':'" in cells["not_python"].text + str(cells["not_python"].error)


def test_a_wrong_setting_is_refused_and_the_old_one_holds(cells):
    assert "none of all, sizes, none" in cells["config_wrong"].text
    assert cells["config_kept"].text in {"", "None"}


def test_settings_are_used_from_the_next_call_on(cells):
    assert cells["config_used"].text == "['sizes', 'flag']"
    assert "rows not shown" in read(cells["rows"].html[0]).text


def test_another_store_has_a_lab_of_its_own(cells):
    assert "no functions yet" in cells["other_ls"].text
    assert "score" in cells["first_ls"].text


def test_unloading_closes_what_was_opened(cells):
    assert cells["unload"].outputs == []
    assert cells["children"].text == "[] []\n"
    assert "not found" in cells["unloaded"].text
    assert cells["reloaded"].text == "9"


@pytest.mark.parametrize("last", ["%faas invoke broken", "%faas invok broken"])
def test_a_notebook_that_runs_unattended_stops(tmp_path, last):
    cells = [
        "%load_ext faaslab",
        "%%faas broken\ndef handler(event, context):\n    raise ValueError('no')",
        last,
        "after = 1",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    with pytest.raises(CellExecutionError):
        client(notebook, tmp_path).execute(env=environment(tmp_path))
    assert notebook.cells[3].execution_count is None


def test_only_the_user_s_own_variables_are_suggested(cells):
    assert cells["no_variable"].error[0] == "NotFound"
    assert "did you mean" not in cells["no_variable"].error[1]
