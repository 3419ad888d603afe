"""What makes a state fail: an error name and a cause, in Step Functions' words."""

from __future__ import annotations

RUNTIME = "States.Runtime"
QUERY_EVALUATION = "States.QueryEvaluationError"


MOST_OF_AN_ERROR, MOST_OF_A_CAUSE = 256, 32_768
"""Characters."""


class StateFailure(Exception):
    """A state failed with `error` and `cause`; `Retry` and `Catch` of the state decide what follows.

    `location` is the field whose evaluation failed (`Assign/total`, `Items`), None where nothing was
    evaluated: with one the history has an EvaluationFailed event. `cause` is without the sentence that names
    the state ("An error occurred while executing the state …"): the interpreter, which knows the state, puts
    it in front when `framed`. Both are cut to what Step Functions tells of them.
    """

    def __init__(
        self, error: str, cause: str | None = None, *, location: str | None = None, framed: bool = False
    ) -> None:
        super().__init__(error, cause)
        self.error = error and error[:MOST_OF_AN_ERROR]
        self.cause = cause and cause[:MOST_OF_A_CAUSE]
        self.location = location
        self.framed = framed
