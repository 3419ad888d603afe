"""What may be typed next."""

import pytest

from faaslab.notebook.completion import candidates
from faaslab.verbs import VERBS

PARAMETERS = {
    ("costs", False): ("since", "until", "functions"),
    ("mondays", True): ("since", "top"),
    ("own.ipynb", False): ("n",),
}
NAMES = {
    "function": lambda: ("score", "send-mail", "load"),
    "variable": lambda: ("orders", "order", "df"),
    "report": lambda: ("cold_starts", "costs"),
    "schedule": lambda: ("mondays", "monthly"),
    "scheduled": lambda: ("mondays", "monthly", "cold_starts", "costs"),
    "format": lambda: ("html", "pdf"),
    "zone": lambda: ("Europe/Madrid", "UTC"),
    "runnable": lambda: ("score", "etl"),
    "timed": lambda: ("score", "2026-11-27"),
    "sample": lambda: ("s3", "sqs"),
    "parameter": lambda name, scheduled: PARAMETERS.get((name, scheduled), ()),
}


def words(text: str, **options) -> list[str] | None:
    found = candidates(text, NAMES, **options)
    return None if found is None else [word for word, _ in found.words]


@pytest.mark.parametrize("text", ["x = 1", "%fa", "%%faa", "%faas", "faas inv", "%timeit faas "])
def test_other_lines_are_not_ours(text):
    assert words(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%faas inv", ["invoke"]),
        ("  %faas inv", ["invoke"]),
        ("r = %faas inv", ["invoke"]),
        ("%faas li", ["list"]),
        ("%faas store pr", ["prune"]),
        ("%faas report ", [name.split()[1] for name in VERBS if name.startswith("report ")]),
        ("%faas invoke s", ["score", "send-mail"]),
        ("%faas invoke send-", ["send-mail"]),
        ("%faas invoke score --pa", ["--payload"]),
        ("%faas invoke score --async --as", []),
        ("%faas invoke score -p {or", ["orders", "order"]),
        ("%faas invoke score -p '{\"x", []),
        ("%faas invoke score -p sa", ["sample:s3", "sample:sqs"]),
        ("%faas invoke score -p sample:sq", ["sample:sqs"]),
        ("%faas panel e", ["etl"]),
        ("%faas timeline 2", ["2026-11-27"]),
        ("%faas map score or", ["orders", "order"]),
        ("%faas map -n 4 score or", ["orders", "order"]),
        ("%faas history --status fa", ["failed"]),
        ("%faas rm score lo", ["load"]),
        ("%faas report run co", ["cold_starts", "costs"]),
        ("%faas report pause m", ["mondays", "monthly"]),
        ("%faas report resume mond", ["mondays"]),
        ("%faas report unschedule ", ["mondays", "monthly"]),
        ("%faas report schedule m", ["mondays", "monthly"]),
        ("%faas report schedule co", ["cold_starts", "costs"]),
        ("%faas report schedule mondays --report co", ["cold_starts", "costs"]),
        ("%faas report schedule mondays --clear k", ["keep"]),
        ("%faas report show mo", ["mondays", "monthly"]),
        ("%faas report run costs --to h", ["html"]),
        ("%faas report schedule mondays --tz Europe/M", ["Europe/Madrid"]),
        ("%faas report show co", ["cold_starts", "costs"]),
        ("%faas report deliver co", ["cold_starts", "costs"]),
        ("%faas report run costs -p ", ["since", "until", "functions"]),
        ("%faas report run costs --to pdf -r u", ["until"]),
        ("%faas report run costs -p since -7d -r until x --parameter ", ["functions"]),
        ("%faas report run costs -p since -", []),
        ("%faas report run -p ", []),
        ("%faas report run nothing -p ", []),
        ("%faas report run own.ipynb -p ", ["n"]),
        ("%faas report schedule mondays -p ", ["since", "top"]),
        ("%faas report schedule new --cron @daily --report costs -p fu", ["functions"]),
        ("%faas replay {or", ["orders", "order"]),
        ("%faas help inv", ["invoke"]),
        ("%%faas score --mem", ["--memory"]),
        ("%%faas score --memory 512 --log-format J", ["JSON"]),
        ("%%faas sq", ["sql"]),
        ("%faas nonsense ", []),
    ],
)
def test_a_line(text, expected):
    assert words(text) == expected


def test_all_verbs_follow_an_empty_line_and_options_that_were_given_do_not_come_back():
    assert {"invoke", "map", "ls", "store", "report"} <= set(words("%faas "))
    assert "--memory" not in words("%%faas score --memory 512 -")
    assert "--env" in words("%%faas score --env A=b -")  # may be repeated


def test_sql_knows_tables_and_columns():
    assert words("%faas sql SELECT durat") == ["durations", "duration_ms"]
    assert words("%faas sql sel") == ["SELECT"]
    assert words("SELECT function, durat", in_cell=True) == ["durations", "duration_ms"]


@pytest.mark.parametrize("text", ["%%faas score --save ", "%%faas score --include src/"])
def test_files_are_left_to_ipython(text):
    found = candidates(text, NAMES)
    assert found.words == ()
    assert not found.alone
