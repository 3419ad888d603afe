"""Why an invocation came to nothing, and what would help, beside the words that Lambda has for it.

For a module that is missing, what is installed here is looked at; all else the execution tells. The history
keeps Lambda's own text: an error's message is never changed for a reader.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.model.execution import Execution, ExecutionError

_MISSING = re.compile(r"No module named '([^']+)'")
_ADVICE = re.compile(r"(LAMBDA_WARNING: Unhandled exception\.) The most likely cause is [^\n\r\"]*")
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


def without_advice(message: str) -> str:
    """A log line without the paragraph that AWS's client puts before each error of an init.

    It is the same every time and says that updates of the runtime may be why; the log has it whole.
    """
    return _ADVICE.sub(r"\1 …", message)


def trace_lines(error: ExecutionError) -> list[str]:
    """Its stack trace, without what was said as its type and message already (as Node.js begins it)."""
    lines = [line for entry in error.stack_trace for line in entry.rstrip("\n").split("\n")]
    said = f"{error.type}: {error.message}".split("\n")
    return lines[len(said) :] if lines[: len(said)] == said else lines


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
        from faaslab.backends.local.runtimes.distributions import providing

        module = missing[1].partition(".")[0]
        package = providing(module)
        if package is not None:
            return f"--requires {package} brings it along"
        return f"--requires installs a package for it, --include takes a {module}.py along"
    return None
