"""The trace header's lineage: counted per function, whatever else stands in the header."""

import pytest

from faaslab.backends.trace_header import MOST_RUNS, entering, in_a_loop, lineage, new_header

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (ROOT, {}),
        (f"{ROOT};Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2", {"a87bd80c": 1, "68fd508a": 5, "c512fbe3": 2}),
        (f"{ROOT};Lineage=1:fe460cdd:0", {"fe460cdd": 0}),
        (f"{ROOT};lineage=100:e3b0c442:11;Self=1-x", {"e3b0c442": 11}),
        (f"{ROOT};Lineage=", {}),
        (f"{ROOT};Lineage=zz:1|a87bd80c|a87bd80c:-1|a87bd80c:99999999999", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_both_forms_are_read_and_nonsense_counts_nothing(header, found):
    assert lineage(header) == found


def test_each_function_counts_its_own_runs():
    header = ROOT
    for runs in range(MOST_RUNS + 1):
        for name in ("arn:a", "arn:b"):
            header = entering(header, name)
            assert in_a_loop(header, name) is (runs == MOST_RUNS)
    assert header.startswith(ROOT)
    assert header.count("Lineage=") == 1
    assert not in_a_loop(header, "arn:c")


def test_a_first_run_counts_zero_and_other_fields_stay():
    header = entering(f"{ROOT};Self=1-67891234;Lineage=a87bd80c:1", "arn:a")
    assert ";Self=1-67891234;Lineage=a87bd80c:1|" in header
    assert sorted(lineage(header).values()) == [0, 1]


def test_a_long_chain_forgets_those_that_ran_least():
    header = entering(entering(ROOT, "arn:loop"), "arn:loop")
    for number in range(40):
        header = entering(header, f"arn:{number}")
    assert len(lineage(header)) == 16
    assert max(lineage(header).values()) == 1
    assert lineage(entering(header, "arn:40"))
    for _ in range(MOST_RUNS):
        header = entering(header, "arn:new")
    assert not in_a_loop(header, "arn:new")
    assert in_a_loop(entering(header, "arn:new"), "arn:new")


def test_a_new_header_begins_a_trace():
    assert new_header(0x5759E988, "bd862e3fe1be46a99427279353995c3f42cd8ad8") == ROOT.replace(
        "Sampled=1", "Sampled=0"
    )
