"""The last of the tests of verbs: none of them was forgotten by the others."""

from faaslab.verbs import VERBS


def test_every_verb_was_run_by_a_test(covered):
    assert set(VERBS) - covered <= {"quickstart"}, "tests/lab/test_quickstart.py runs that one"
