"""The lines of a cold invocation as Lambda logs them, to be put into files of any form."""

from datetime import datetime

from faaslab.backends import log_files
from faaslab.backends.log_events import Unreadable

A = "76269889-7d50-4d6d-a3f1-9b4f5322f47c"
B = "8101dee5-ac06-4a07-b532-6afa3ede24eb"
STREAM = "2026/11/23/[$LATEST]e34ea4d32b8f441c96246bbee30ff465"
OTHER = "2026/11/23/[7]0004ea4d32b8f441c96246bbee30ff465"


def start(i, version="$LATEST"):
    return f"START RequestId: {i} Version: {version}"


def end(i):
    return f"END RequestId: {i}"


def report(i, duration="14.97", billed=15, more=""):
    return (
        f"REPORT RequestId: {i}\tDuration: {duration} ms\tBilled Duration: {billed} ms"
        f"\tMemory Size: 128 MB\tMax Memory Used: 67 MB\t{more}"
    )


INIT = (
    "INIT_START Runtime Version: python:3.13.v12\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:07"
)
COLD = [
    (0, INIT),
    (200, start(A)),
    (201, f"[INFO]\t2026-11-23T10:00:00.201Z\t{A}\thello wörld"),
    (202, "printed"),
    (215, end(A)),
    (215, report(A, more="Init Duration: 190.10 ms\t")),
]


def at(ms):
    return datetime(2026, 11, 23, 10, 0, 0, ms * 1000)


def iso(ms):
    return at(ms).isoformat(timespec="milliseconds")


def epoch(ms):
    return 1795428000000 + ms


def read(path, **more):
    reading = log_files.read(path, **more)
    items = list(reading)
    return (
        [i for i in items if not isinstance(i, Unreadable)],
        [i for i in items if isinstance(i, Unreadable)],
        reading,
    )


def written(tmp_path, lines, name="a.log"):
    path = tmp_path / name
    data = (
        lines
        if isinstance(lines, bytes)
        else (lines if isinstance(lines, str) else "\n".join(lines)).encode()
    )
    path.write_bytes(data)
    return path


def event(ms, message, stream=STREAM, **more):
    return {"timestamp": epoch(ms), "message": message + "\n", "logStreamName": stream, **more}
