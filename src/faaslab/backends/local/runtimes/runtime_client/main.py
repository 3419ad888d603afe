"""The runtime itself: find the handler, then ask for events and answer them, for ever.

Rule: only what is an Exception is an answer. A handler that leaves by SystemExit ends the process, as on
Lambda, and whoever started it sees how.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import faults, marshalling
from .api import RuntimeApi
from .context import LambdaContext
from .faults import Fault
from .logs import Current, Logs, of_process

if TYPE_CHECKING:
    from .api import Answer

Handler = Callable[[Any, LambdaContext], Any]
_BEFORE_SNAPSHOT_EXIT, _AFTER_RESTORE_EXIT = 64, 65


def handler_of(name: str) -> Handler:
    """The function that `FILE.FUNCTION` names. Raises Fault, or what its module raises."""
    try:
        module_name, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("UserCodeSyntaxError", message, [place]) from None
    try:
        found: Handler = getattr(module, function)
    except AttributeError:
        message = f"Handler '{function}' missing on module '{module_name}'"
        raise Fault("HandlerNotFound", message) from None
    return found


def main() -> None:
    """Serve the function that the variables name. Ends with exit code 1 when its init fails."""
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    logs = of_process()
    try:
        handler = handler_of(os.environ["_HANDLER"])
    except Fault as fault:
        _end(api, logs, faults.of_fault(fault))
    except Exception as error:  # noqa: BLE001 - a module may raise anything
        _end(api, logs, faults.of_exception(error))
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        _through_snapshot(api, logs)
    while True:
        _serve(api, logs, handler, api.next())


def _end(api: RuntimeApi, logs: Logs, told: dict[str, Any]) -> None:
    warning = "LAMBDA_WARNING: the function's module could not be loaded; what it said follows\r"
    logging.getLogger().warning(warning)
    logs.failed(told)
    api.fail_init(marshalling.to_json(told).encode(), told["errorType"])
    sys.exit(1)


def _serve(api: RuntimeApi, logs: Logs, handler: Handler, asked: Answer) -> None:
    get = asked.headers.get
    request_id = get("lambda-runtime-aws-request-id", "")
    invocation_id = get("lambda-runtime-invocation-id")
    Current.request_id, Current.tenant_id = request_id, get("lambda-runtime-aws-tenant-id")
    trace_id = get("lambda-runtime-trace-id")
    if trace_id is None:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    else:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    try:
        context = _context(asked, request_id)
        event = marshalling.event(asked.body, get("content-type", "application/json"))
        body, content_type = marshalling.result(handler(event, context))
    except Fault as fault:
        told = faults.of_fault(fault, request_id)
        cause = faults.cause("LambdaValidationError", fault.message)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        told = faults.of_exception(error, request_id)
        cause = faults.cause(type(error).__name__, str(error), error)
    else:
        api.respond(request_id, body, content_type, invocation_id)
        return
    logs.failed(told)
    api.fail(
        request_id,
        marshalling.to_json(told).encode(),
        kind=told["errorType"],
        cause=faults.header(marshalling.to_json(cause)),
        invocation_id=invocation_id,
    )


def _context(asked: Answer, request_id: str) -> LambdaContext:
    get = asked.headers.get
    client, identity = get("lambda-runtime-client-context"), get("lambda-runtime-cognito-identity")
    return LambdaContext(
        request_id,
        deadline_ms=int(get("lambda-runtime-deadline-ms", "0")),
        arn=get("lambda-runtime-invoked-function-arn"),
        client_context=marshalling.header(client, "Client Context") if client else None,
        identity=marshalling.header(identity, "Cognito Identity") if identity else None,
        tenant_id=get("lambda-runtime-aws-tenant-id"),
    )


def _through_snapshot(api: RuntimeApi, logs: Logs) -> None:
    """Run the function's hooks around the snapshot; the ones before it in reverse, as they undo."""
    try:
        hooks: Any = importlib.import_module("snapshot_restore_py")
        before, after = hooks.get_before_snapshot(), hooks.get_after_restore()
    except ImportError:
        before, after = [], []
    try:
        while before:
            function, positional, named = before.pop()
            function(*positional, **named)
        api.await_restore()
    except BaseException as error:  # noqa: BLE001 - SystemExit in a hook is a failure too
        told = faults.of_exception(error)
        logs.failed(told)
        api.fail_init(marshalling.to_json(told).encode(), "Runtime.BeforeSnapshotError")
        sys.exit(_BEFORE_SNAPSHOT_EXIT)
    try:
        for function, positional, named in after:
            function(*positional, **named)
    except BaseException as error:  # noqa: BLE001 - as above
        told = faults.of_exception(error)
        logs.failed(told)
        api.fail_restore(marshalling.to_json(told).encode(), "Runtime.AfterRestoreError")
        sys.exit(_AFTER_RESTORE_EXIT)
