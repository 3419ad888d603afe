"""SQL that is no question, or names what is not there: what is said, and what to do instead."""

import pytest

from faaslab.errors import RequestError
from faaslab.store.remedies import WHERE_TO_LOOK, refusal, said
from tests.store.processes import execution

COLUMNS = {
    "executions": ["id", "function", "duration_ms"],
    "costs": ["id", "request_usd", "usd"],
    "logs": ["id"],
}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("DELETE FROM executions", "that is a DELETE", "store prune"),
        ("TRUNCATE executions", "that is a DELETE", "store prune"),
        ("WITH a AS (SELECT 1) DELETE FROM executions", "that is a DELETE", "store prune"),
        ("DROP TABLE executions", "that is a DROP", "store prune"),
        ("CREATE TABLE x AS SELECT 1", "that is a CREATE", "COPY (SELECT"),
        ("SELECT 1; CREATE TABLE x AS SELECT 1", "that is a CREATE", "lab.store.connect()"),
        ("UPDATE executions SET id = 'x'", "that is an UPDATE", "import logs"),
        ("INSERT INTO executions (id) VALUES ('x')", "that is an INSERT", "store import-store"),
        ("DELETE FROM executions; SELECT 1", "changes nothing in the history", "store prune"),
        ("SELECT sum(cost) FROM executions", '"cost" not found', "did you mean costs, which has"),
        ("SELECT sum(cost) FROM executions", '"cost" not found', "usd? SHOW TABLES and DESCRIBE executions"),
        ("SELECT e.functon FROM executions e", "functon", "did you mean function of executions, "),
        ("SELECT * FROM executons", "executons does not exist!", "did you mean executions? SHOW TABLES"),
    ],
)
def test_what_is_no_question_or_is_mistaken_gets_a_remedy(store, text, message, hint):
    store.record(execution("e-1"))
    with pytest.raises(RequestError) as caught:
        store.sql(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert store.sql("SELECT count(*) AS n FROM executions")["n"].tolist() == [1]


def test_a_question_may_make_what_it_needs_and_write_a_file(store, tmp_path):
    store.record(execution("e-1"))
    made = store.sql("CREATE TEMP TABLE mine AS SELECT id FROM executions; SELECT * FROM mine")
    assert made["id"].tolist() == ["e-1"]
    store.sql(f"COPY (SELECT id FROM executions) TO '{tmp_path}/out.csv'")
    assert (tmp_path / "out.csv").read_text().split() == ["id", "e-1"]


@pytest.mark.parametrize("kinds", [[], ["SELECT"], ["CREATE", "SELECT"], ["EXPLAIN"], ["COPY"], ["PRAGMA"]])
def test_questions_are_not_refused(kinds):
    assert refusal(kinds) is None


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ('Referenced column "zzz" not found in FROM clause!', WHERE_TO_LOOK),
        ('Table with name zzz does not exist!\nDid you mean "pg_settings"?', WHERE_TO_LOOK),
        ("Scalar Function with name cosx does not exist!", None),
    ],
)
def test_a_name_that_is_near_to_nothing(message, hint):
    found = said(message, COLUMNS)
    assert found.hint == hint
    assert "pg_" not in found.message
