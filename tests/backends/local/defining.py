"""Functions to test with: source in, a Function and its zip out."""

import dataclasses
import hashlib
import stat
import sys
import tempfile
import threading
import time
import zipfile
from datetime import datetime
from pathlib import Path

from faaslab.backends.local.host.machine import machine
from faaslab.backends.local.starting.bubblewrap import Bubblewrap
from faaslab.model.function import LATEST, Function, FunctionConfiguration, InlineCode, ZipCode
from faaslab.model.invocation import Invocation

OWN_RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
REQUEST = Invocation()
with tempfile.TemporaryDirectory() as _folder:
    SANDBOX_FAULT = Bubblewrap(machine(), Path(_folder)).fault()
    """Why tests of the sandbox cannot run here; None when they can."""
ECHO = "def handler(event, context):\n    return event\n"


class Definer:
    """Keeps the zips of the functions that a test defines, and what was completed."""

    def __init__(self, folder):
        self.folder = folder
        self.layers = {}
        self.recorded = []
        self.lock = threading.Lock()

    def define(
        self,
        source=ECHO,
        *,
        name="probe",
        handler="lambda_function.handler",
        version=LATEST,
        definition=1,
        runtime=OWN_RUNTIME,
        files=None,
        **configuration,
    ):
        staged = self.folder / f"{time.monotonic_ns()}.zip"
        with zipfile.ZipFile(staged, "w") as archive:
            for path, text in {"lambda_function.py": source, **(files or {})}.items():
                archive.writestr(zipfile.ZipInfo(path), text)
        digest = hashlib.sha256(staged.read_bytes()).hexdigest()
        staged.rename(self.folder / f"{digest}.zip")
        return Function(
            id=name,
            name=name,
            runtime=runtime,
            handler=handler,
            code=InlineCode(source=source),
            configuration=FunctionConfiguration(**configuration),
            version=version,
            definition=definition,
            code_digest=digest,
            created_at=datetime(2026, 1, 1),
            updated_at=datetime(2026, 1, 1),
        )

    def define_zip(self, files, *, runtime="provided.al2023", handler="none", **options):
        """A function from a zip of files, path -> text or bytes; those whose name ends in `*` are executable."""
        staged = self.folder / f"{time.monotonic_ns()}.zip"
        zipped(staged, files)
        digest = hashlib.sha256(staged.read_bytes()).hexdigest()
        staged.rename(self.folder / f"{digest}.zip")
        function = self.define(runtime=runtime, handler=handler, **options)
        return dataclasses.replace(function, code=ZipCode(), code_digest=digest)

    def layer(self, name, files):
        """A layer of files, as `define_zip` takes them; its ARN."""
        path = zipped(self.folder / f"layer-{name}.zip", files)
        arn = f"arn:aws:lambda:us-east-1:000000000000:layer:{name}:1"
        self.layers[arn] = (path, hashlib.sha256(path.read_bytes()).hexdigest())
        return arn

    def code_of(self, function):
        return self.folder / f"{function.code_digest}.zip"

    def complete(self, executions):
        with self.lock:
            self.recorded.extend(executions)


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name.removesuffix("*"))
            info.external_attr = (stat.S_IFREG | (0o755 if name.endswith("*") else 0o644)) << 16
            archive.writestr(info, text)
    return path


def eventually(question, seconds=10.0):
    """The first true answer, asked again and again; for what another process does."""
    until = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)
    return answer


def alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False


def state_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b") ")[2][:1].decode()


def commanded(word):
    """The PIDs, as this machine numbers them, of all processes with a word in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(word).encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
