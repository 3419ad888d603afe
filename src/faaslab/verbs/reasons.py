"""Why an invocation came to nothing, and what would help, beside the words that Lambda has for it.

For a module that is missing, what is installed here is looked at; all else the execution tells. The history
keeps Lambda's own text: an error's message is never changed for a reader.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.model.execution import Execution

_MISSING = re.compile(r"No module named '([^']+)'")
_AT_ONCE = {
    "ReservedFunctionConcurrentInvocationLimitExceeded": (
        "`reserve {name} N` lets more of it run at once, `reserve {name} none` takes its limit away"
    ),
    "ConcurrentInvocationLimitExceeded": "the setting `concurrency` lets more functions run at once",
    "ReservedFunctionInvocationRateLimitExceeded": (
        "the setting `scaling_rate` lets it have more environments in ten seconds"
    ),
    "FunctionInvocationRateLimitExceeded": (
        "the setting `scaling_rate` lets it have more environments in ten seconds"
    ),
}


def reason(execution: Execution) -> str | None:
    """Lambda's Reason of an invocation that was turned away; None where it told none."""
    if str(execution.status) != "throttled":
        return None
    told = execution.result
    why = told.get("Reason") if isinstance(told, dict) else None
    return why if isinstance(why, str) else None


def remedy(execution: Execution) -> str | None:
    """What would help, where the failure is of a kind that tells."""
    error, why = execution.error, reason(execution)
    if why is not None:
        return _AT_ONCE[why].format(name=execution.function) if why in _AT_ONCE else None
    if str(execution.status) == "timeout":
        return "--timeout gives it longer, up to 900 s"
    if error is None:
        return None
    if error.type == "Runtime.OutOfMemory":
        return "--memory gives it more"
    missing = _MISSING.search(error.message)
    if error.type in {"Runtime.ImportModuleError", "ModuleNotFoundError"} and missing:
        from faaslab.backends.local.distributions import providing

        module = missing[1].partition(".")[0]
        package = providing(module)
        if package is not None:
            return f"--requires {package} brings it along"
        return f"--requires installs a package for it, --include takes a {module}.py along"
    return None
