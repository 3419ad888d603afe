"""What is said beside Lambda's own words for a failure."""

import pytest

from faaslab.model.execution import ExecutionError
from faaslab.verbs.reasons import trace_lines, without_advice


def test_the_paragraph_of_aws_s_client_is_cut_and_nothing_else():
    advice = "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. And more."
    assert (
        without_advice(f"[WARNING]\t\t{advice}\r") == "[WARNING]\t\tLAMBDA_WARNING: Unhandled exception. …\r"
    )
    assert (
        without_advice(f'{{"message": "{advice}"}}')
        == '{"message": "LAMBDA_WARNING: Unhandled exception. …"}'
    )
    assert without_advice("my LAMBDA_WARNING: else") == "my LAMBDA_WARNING: else"


@pytest.mark.parametrize(
    ("trace", "left"),
    [
        (("Error: bad", "thing", "    at handler (index.mjs:2:9)"), ["    at handler (index.mjs:2:9)"]),
        (("Error: bad\nthing\n", "    at x"), ["    at x"]),
        (("TypeError: bad", "thing"), ["TypeError: bad", "thing"]),
        ((), []),
    ],
)
def test_what_was_said_is_not_said_again_in_the_trace(trace, left):
    assert trace_lines(ExecutionError(type="Error", message="bad\nthing", stack_trace=trace)) == left
