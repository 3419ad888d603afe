"""The options that the verbs about functions share: each is said once."""

from __future__ import annotations

from faaslab.verbs.options import Option, Positional, pair, whole_number

NAME = Positional(name="name", help="the function", completes="function")
NEW_NAME = Positional(name="name", help="letters, digits, - and _, up to 64")

CONFIGURATION: tuple[Option, ...] = (
    Option(
        flags=("--memory", "-m"),
        name="memory_mb",
        metavar="MB",
        read=whole_number,
        help="memory, 128 to 10240",
    ),
    Option(
        flags=("--timeout", "-t"), name="timeout_s", metavar="SECONDS", read=whole_number, help="1 to 900"
    ),
    Option(
        flags=("--handler",),
        name="handler",
        metavar="FILE.FUNCTION",
        help="what is called (handler of the cell)",
    ),
    Option(
        flags=("--runtime",),
        name="runtime",
        metavar="NAME",
        help="python3.9 to python3.14 (this Python), nodejs20.x and later, provided.al2023",
    ),
    Option(
        flags=("--requires",),
        name="requires",
        metavar="PACKAGE",
        repeat=True,
        help='a package ("pandas>=3"), taken from this Python where it has it, else installed with pip; '
        "may be repeated",
    ),
    Option(
        flags=("--layer",),
        name="layers",
        metavar="NAME[:N]|ZIP",
        repeat=True,
        completes="file",
        help="a layer at /opt: its name, a version of it, or a zip to publish; up to 5, none for none",
    ),
    Option(
        flags=("--preload",),
        name="preload",
        metavar="MODULE",
        repeat=True,
        help="begin local environments as forks of a process that has imported this, outside of the sandbox; "
        "may be repeated",
    ),
    Option(
        flags=("--env",),
        name="environment",
        metavar="K=V",
        read=pair,
        repeat=True,
        help="an environment variable; may be repeated",
    ),
    Option(
        flags=("--secret",),
        name="secrets",
        metavar="NAME[=REF]",
        repeat=True,
        help="a secret by reference (env:NAME, keyring:SERVICE/NAME), resolved when the environment starts",
    ),
    Option(
        flags=("--ephemeral-storage",),
        name="ephemeral_storage_mb",
        metavar="MB",
        read=whole_number,
        help="the size of /tmp, 512 to 10240; held in a sandbox (see doctor)",
    ),
    Option(
        flags=("--concurrency",),
        name="reserved_concurrency",
        metavar="N",
        read=whole_number,
        help="reserved concurrency: at most so many at once",
    ),
    Option(
        flags=("--architecture",),
        name="architecture",
        metavar="NAME",
        choices=("x86_64", "arm64"),
        help="recorded, and the price it is billed at",
    ),
    Option(
        flags=("--log-format",),
        name="log_format",
        metavar="FORMAT",
        choices=("Text", "JSON"),
        help="Text or JSON",
    ),
    Option(
        flags=("--log-level",),
        name="application_log_level",
        metavar="LEVEL",
        choices=("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        help="what the function logs from that level on; JSON logs only",
    ),
    Option(
        flags=("--system-log-level",),
        name="system_log_level",
        metavar="LEVEL",
        choices=("DEBUG", "INFO", "WARN"),
        help="what the platform logs from that level on; JSON logs only",
    ),
    Option(
        flags=("--tracing",),
        name="tracing",
        metavar="MODE",
        choices=("PassThrough", "Active"),
        help="Active samples every trace",
    ),
    Option(
        flags=("--snap-start",),
        name="snap_start",
        metavar="WHEN",
        choices=("None", "PublishedVersions"),
        help="restore the environments of published versions from a snapshot (its hooks run, see the card)",
    ),
    Option(
        flags=("--tenancy",),
        name="tenancy",
        metavar="MODE",
        choices=("PER_TENANT",),
        help="PER_TENANT: no two tenants share an environment; for good",
    ),
    Option(flags=("--description",), name="description", metavar="TEXT", help="a sentence about it"),
    Option(
        flags=("--retries",),
        name="maximum_retry_attempts",
        metavar="N",
        read=whole_number,
        help="how often an asynchronous event is run again when it failed, 0 to 2 (2)",
    ),
    Option(
        flags=("--max-event-age",),
        name="maximum_event_age_s",
        metavar="SECONDS",
        read=whole_number,
        help="how old an asynchronous event may become in the queue, 60 to 21600 (21600)",
    ),
    Option(
        flags=("--on-success",),
        name="on_success",
        metavar="TARGET",
        completes="function",
        help="a function or ARN that is told of each asynchronous success; none for nobody",
    ),
    Option(
        flags=("--on-failure",),
        name="on_failure",
        metavar="TARGET",
        completes="function",
        help="a function or ARN that is told when an asynchronous event is given up",
    ),
    Option(
        flags=("--dead-letter",),
        name="dead_letter_queue",
        metavar="ARN",
        help="the queue or topic that gets the events that are given up; none for none",
    ),
    Option(
        flags=("--recursive-loop",),
        name="recursive_loop",
        metavar="WHAT",
        choices=("Terminate", "Allow"),
        help="what becomes of an event that comes back 16 times (Terminate)",
    ),
)

CODE: tuple[Option, ...] = (
    Option(
        flags=("--include",),
        name="include",
        metavar="PATH",
        repeat=True,
        completes="file",
        help="a file or folder of shared code that goes along; may be repeated",
    ),
    Option(
        flags=("--capture",),
        name="capture",
        metavar="NAME",
        repeat=True,
        completes="variable",
        help="a JSON-able value of the notebook that the code may use by its name; may be repeated",
    ),
)

PAYLOAD = Option(
    flags=("-p", "--payload"),
    name="payload",
    metavar="JSON|{NAME}|@FILE|sample:KIND|-",
    help="the event: JSON text, {name} of a variable, @file, sample:s3 (or sqs, http, …), or - for standard "
    "input",
)


PARALLEL = Option(
    flags=("-n", "--concurrency"), name="n", metavar="N", read=whole_number, help="at most so many at once"
)
QUALIFIER = Option(
    flags=("--qualifier",), name="qualifier", metavar="WHICH", help="an alias, or a version by number"
)
FILE = Option(
    flags=("--file",), name="file", metavar="PATH", completes="file", help="a Python file with the code"
)
PUBLISH = Option(flags=("--publish",), name="publish", help="publish it as the next version as well")
SOURCE = Option(
    flags=("--source",),
    name="source",
    metavar="PATH",
    completes="file",
    help="a Python file, or a folder, that is the code: what changes there is the next definition by itself",
)
ZIP = Option(flags=("--zip",), name="zip", metavar="PATH", completes="file", help="a zip with the code")
IMAGE = Option(
    flags=("--image",),
    name="image",
    metavar="PATH[:TAG]",
    completes="file",
    help="a container image: an OCI layout, an OCI archive, or what docker save wrote",
)
