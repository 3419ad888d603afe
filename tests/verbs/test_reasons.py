"""What both faces say would help, from what an execution failed with."""

from datetime import datetime

import pytest

from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus
from faaslab.verbs.answers import ExecutionAnswer
from faaslab.verbs.reasons import remedy
from faaslab.verbs.text import plain_text


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        ("Runtime.ImportModuleError", "Unable to import module 'f': No module named 'yaml'", "--requires PyYAML brings it along"),
        ("ModuleNotFoundError", "No module named 'pandas.core'", "--requires pandas brings it along"),
        ("ModuleNotFoundError", "No module named 'mine.part'", "--requires installs a package for it, --include takes a mine.py along"),
        ("Runtime.OutOfMemory", "", "--memory gives it more"),
        ("ValueError", "No module named 'pandas'", None),
    ],
)  # fmt: skip
def test_it_is_named_where_it_is_known(kind, message, said):
    execution = Execution(
        id="e",
        function="f",
        request_id="r",
        status=ExecutionStatus.FAILED,
        started_at=datetime(2026, 11, 26),
        error=ExecutionError(type=kind, message=message),
    )
    assert remedy(execution) == said
    shown = plain_text(ExecutionAnswer(execution=execution)).splitlines()
    assert shown[-1] == (f"{kind}: {message}" if said is None else f"what helps: {said}")
