"""Our runtime client against AWS's: the same code in both, and the same seen from outside."""

import importlib.util
import json
import re

import pytest

from faaslab.backends.local.runtimes import interpreters
from faaslab.errors import InvalidValue, RuntimeNotFound
from faaslab.model.invocation import Invocation
from tests.backends.local.defining import REQUEST, Definer

needs_official = pytest.mark.skipif(
    importlib.util.find_spec("awslambdaric") is None, reason="awslambdaric is not installed here"
)

RUNS_ITS_EVENT = """
import collections, datetime, decimal, enum, json, logging, math, os, sys
Point = collections.namedtuple("Point", "x y")
class Colour(enum.IntEnum):
    RED = 1
class Odd(Exception):
    def __str__(self):
        return ""
logger = logging.getLogger("mine")
def handler(event, context):
    space = {**globals(), "event": event, "context": context}
    exec(event["code"], space)
    return space.get("result")
"""

VALUES = [
    "None", "True", "0", "-1.5e300", "10**30", "1e16", "-0.0", "math.nan", "-math.inf", "'é \u2028 \U0001f600'", "'\\x00\\x7f/'",
    "[]", "()", "{}", "{1: 2, None: 3, True: 4, 1.5: 6}", "Point(1, Point(2, [Point(3, 4)]))", "[(1, (2,))]",
    "{b'k': b'v'}", "[b'\\xff']", "{(1, 2): 3}", "{Point(1, 2): 1}", "{decimal.Decimal(1): 2}", "{1}", "object()",
    "decimal.Decimal('1.10')", "[decimal.Decimal('1E+400'), decimal.Decimal('NaN'), decimal.Decimal('-Infinity')]",
    "Colour.RED", "{Colour.RED: 1}", "datetime.date(2026, 1, 1)", "range(3)", "bytearray(b'x')", "collections.OrderedDict(b=1, a=2)",
    "collections.UserDict(a=1)", "b'raw \\xff'", "'\"\\\\'",
]  # fmt: skip

STATEMENTS = {
    "raises": "raise ValueError('boom é')",
    "raises what says nothing": "raise Odd",
    "raises from another": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
    "a circle": "result = []; result.append(result)",
    "prints": "print('a'); print('b', file=sys.stderr); logger.warning('c'); print('d', end='')",
    "logs at every level": "[logger.log(n, 'level %d', n) for n in (0, 5, 10, 20, 25, 30, 40, 50, 60)]",
    "logs an exception": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logger.exception('caught')",
    "logs a dictionary": "logger.error({'a': 1, 'b': {1, 2} and 'c'})",
    "logs with more": "logger.error('x', extra={'order': 7, 'what': object})",
    "logs through the context": "context.log('one'); context.log(2)",
    "logs lines": "logger.error('one\\ntwo')",
    "tells of its context": "result = [context.function_name, context.function_version, context.memory_limit_in_mb, context.invoked_function_arn, context.log_group_name, context.tenant_id, context.w3c(), context.client_context, repr(context.identity), 0 < context.get_remaining_time_in_millis() <= 3000]",
    "shows its context": "print(context)",
    "knows its trace": "result = os.environ['_X_AMZN_TRACE_ID'][:7]",
    "sees nothing of ours": "result = sorted(os.environ), sys.argv, __name__, 'faaslab' in sys.modules",
}  # fmt: skip


def hidden(text):
    """The text without what differs from run to run, and without the clients' own frames."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "INSTANT", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|0x[0-9a-f]+", "ID", text)
    text = re.sub(r"\d{4}/\d\d/\d\d", "DAY", text)
    return re.sub(r"/\S*/cache/code/[0-9a-f]+", "ROOT", text)


def seen(execution):
    """What whoever invokes a function sees of it."""
    return (
        execution.status,
        hidden(execution.result_body.decode("utf-8", "backslashreplace")),
        None if execution.error is None else (execution.error.type, hidden(execution.error.message)),
        [(line.level, hidden(line.message)) for line in execution.logs if line.stream == "function"],
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A function, run by both clients: run(code, **configuration) gives what was seen of each."""
    from faaslab.backends.local import LocalBackend, LocalSettings

    folder = tmp_path_factory.mktemp("both")
    (folder / "zips").mkdir()
    definer = Definer(folder / "zips")
    backends = [
        LocalBackend(folder / "cache", code_of=definer.code_of, settings=LocalSettings(runtime_client=client))
        for client in ("official", "ours")
    ]
    functions = {}

    def run(code, request=REQUEST, **configuration):
        key = repr(configuration)
        if key not in functions:
            functions[key] = definer.define(RUNS_ITS_EVENT, **configuration)
        payload = json.dumps({"code": code}).encode()
        return [
            seen(backend.invoke(functions[key], payload, request=request, complete=definer.complete))
            for backend in backends
        ]

    yield run
    for backend in backends:
        backend.close()


@needs_official
@pytest.mark.parametrize("value", VALUES)
def test_a_result_is_written_the_same(both, value):
    official, ours = both(f"result = {value}")
    assert ours == official


@needs_official
@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize(
    "configuration",
    [{}, {"application_log_level": "DEBUG"}, {"log_format": "JSON", "application_log_level": "TRACE"}],
    ids=["text", "text with a level", "json"],
)
def test_what_a_function_does_looks_the_same(both, name, configuration):
    official, ours = both(STATEMENTS[name], **configuration)
    assert ours == official


@needs_official
def test_the_client_context_is_the_same(both, monkeypatch):
    told = {
        "client": {"installation_id": "i", "app_title": "t"},
        "custom": {"a": [1]},
        "env": None,
        "w3c": {"traceparent": "00-1", "other": "x", "baggage": 5},
    }
    code = (
        "c = context.client_context; result = [repr(c), c.custom, c.env, c.client.app_title, context.w3c()]"
    )
    official, ours = both(code, Invocation(client_context=json.dumps(told)))
    assert ours == official
    assert '"traceparent"' in ours[1]
    with pytest.raises(InvalidValue, match="Client context must be a valid"):
        both("pass", Invocation(client_context="{"))
    # A caller's is refused before it comes so far.
    monkeypatch.setattr("faaslab.backends.local.admission.check", lambda request: None)
    official, ours = both("pass", Invocation(client_context="{"))
    assert ours[:3] == official[:3]
    assert ours[2][0] == "Runtime.LambdaContextUnmarshalError"


@needs_official
@pytest.mark.parametrize("payload", [b"NaN", b'{"Infinity": [-Infinity]}', b'"\\ud800"', b"[1e400]"])
def test_an_event_is_read_the_same(backend_with, define, invoke, payload):
    source = "def handler(e, c):\n    return ascii(e)\n"
    official, ours = (
        seen(invoke(define(source), payload, on=backend_with(runtime_client=client)))
        for client in ("official", "ours")
    )
    assert ours == official


def test_characters_are_escaped_as_each_release_does(monkeypatch):
    import importlib

    from faaslab.backends.local.runtimes.runtime_client import marshalling

    for runtime, text in (("3.9", '"\\u00e9"'), ("3.11", '"\\u00e9"'), ("3.12", '"é"'), ("3.14", '"é"')):
        monkeypatch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_python{runtime}")
        assert importlib.reload(marshalling).to_json("é") == text
    assert marshalling.event(b"\xff\x00", "image/png") == b"\xff\x00"


def test_it_says_which_client_ran(backend_with, define, invoke):
    told = invoke(define(), on=backend_with(runtime_client="ours")).logs[0].message
    assert told.endswith("-faaslab")


SNAPSHOT = "import snapshot_restore_py\ndef handler(e, c):\n    return snapshot_restore_py.register_after_restore(len) is len\n"


def test_a_function_can_register_hooks_without_awss_package(backend_with, define, invoke):
    assert invoke(define(SNAPSHOT), on=backend_with(runtime_client="ours")).result is True


@pytest.mark.parametrize("minor", [9, 10, 12, 13, 14])
def test_it_runs_on_every_python_without_installing_anything(minor, backend_with, define, invoke):
    runtime = f"python3.{minor}"
    try:
        interpreters.find(runtime)
    except RuntimeNotFound:
        pytest.skip(f"this machine has no {runtime}")
    source = (
        "import sys, logging\nfrom decimal import Decimal\n"
        "def handler(e, c):\n    logging.getLogger().error('said'); print('printed')\n"
        "    if e: raise ValueError(e)\n    return list(sys.version_info[:2]), Decimal('1.10')\n"
    )
    backend = backend_with(runtime_client="ours")
    function = define(source, runtime=runtime)
    failed = invoke(function, b'"no"', on=backend)
    assert (failed.error.type, failed.error.message) == ("ValueError", "no")
    execution = invoke(function, b"0", on=backend)
    assert execution.result_body == b"[[3, %d], 1.10]" % minor
    assert [line.message.split("\t")[-1] for line in execution.logs if line.stream == "function"] == [
        "said",
        "printed",
    ]


def test_standard_output_serves_where_there_is_no_descriptor_for_records(tmp_path):
    """As under AWS's own emulator; an event of several lines is one line then."""
    import subprocess
    import sys

    from faaslab.backends.local.runtimes.python_program import OWN_CLIENT

    program = (
        f"import sys; sys.path.insert(0, {str(OWN_CLIENT.parent)!r})\n"
        "from runtime_client.logs import of_process\n"
        "import logging\n"
        "logs = of_process(); print('one'); logging.getLogger().error('two')\n"
        "logs.failed({'errorType': 'E', 'errorMessage': 'm', 'stackTrace': ['  File x\\n']})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={"PYTHONUTF8": "1"},
        cwd=tmp_path,
    )
    one, two, three = done.stdout.decode().split("\n")[:3]
    assert (one, two.split("\t")[-1]) == ("one", "two")
    assert three == "[ERROR] E: m\rTraceback (most recent call last):\r\u00a0\u00a0File x"
