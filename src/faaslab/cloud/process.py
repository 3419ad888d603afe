"""The process that the cloud runs in: started with the first use, started again when it died, gone with us.

Rule: nothing here costs anything until somebody asks for the address. The child reads its standard input and
ends with it, so that no kill of this process leaves it behind; what it has to know comes that way too, and
the secret without which it answers nobody is in no argument, variable, file or log.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.clock import SYSTEM
from faaslab.cloud import clients, extra, forwarding
from faaslab.errors import BackendError, Closed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from urllib3 import HTTPConnectionPool

_SCRIPT = Path(__file__).parent / "child" / "script.py"
# Without a snapshot all that was ever done is done again, a thousand changes a second or so.
_START_LIMIT_S = 600.0
_CLOSE_LIMIT_S = 20.0
# Most answers take milliseconds; a long poll is not waited for.
_QUIET_S = 1.0
_LONGEST_LOG = 1 << 20
# Where programs and libraries are found; no credentials, no proxies, none of the user's AWS settings.
_INHERITED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "HOME",
    "XDG_STATE_HOME",
)


class _Reach(NamedTuple):
    """How the child is reached."""

    address: str
    pool: HTTPConnectionPool
    secret: str


class CloudProcess:
    """The embedded cloud of one home. It keeps what is in it in `folder`; made in no time, started when used.

    `home` is the URL of the home's endpoint, where deliveries to functions go; `key` the access key that the
    home wants to see. One process may have the folder at a time. `limits` are those after which its journal
    is begun anew, in bytes: `longest_journal`, and `most_spare` for bodies that only the journal needs.
    Within `unfollowed()` a debugger of this process leaves the processes alone that are started.
    """

    def __init__(
        self,
        folder: Path,
        home: str,
        *,
        key: str = "local",
        limits: Mapping[str, int] | None = None,
        unfollowed: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self.folder = folder
        self.home = home
        self._key = key
        self._limits = dict(limits or {})
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._reach: _Reach | None = None
        self._unfollowed = unfollowed
        self._closed = False
        self._owner = os.getpid()
        self._quiet = threading.Condition()
        self._under_way = 0

    @property
    def running(self) -> bool:
        """Whether the child is there at this moment."""
        child = self._child
        return child is not None and os.getpid() == self._owner and child.poll() is None

    @property
    def address(self) -> str:
        """Where the child answers whoever knows the secret: `http://127.0.0.1:PORT`; started when need be.

        Raises `MissingExtra` without the packages of `faaslab[cloud]`, `BackendError` when it does not start.
        """
        return self._started().address

    @property
    def pid(self) -> int | None:
        """The child's process, while there is one."""
        child = self._child
        return child.pid if child is not None and self.running else None

    def client(self, service: str, region: str = "us-east-1", **config: Any) -> Any:
        """A boto3 client that asks the child itself, past the endpoint and all that is ours in it."""
        reach = self._started()
        return clients.client(
            service, reach.address, region, headers={forwarding.SECRET_HEADER: reach.secret}, **config
        )

    def forward(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | Iterator[bytes] = b"",
    ) -> forwarding.Forwarded:
        """Hand a request on; `target` is path and query as they came.

        The answer's body is to be read or closed. Raises as `address` does, and `BackendError` when the child
        ended meanwhile; a request that never reached it was tried again with the next one.
        """
        with self._quiet:
            self._under_way += 1
        try:
            return self._forwarded(method, target, tuple(headers), body)
        finally:
            with self._quiet:
                self._under_way -= 1
                self._quiet.notify_all()

    def _forwarded(
        self,
        method: str,
        target: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes | Iterator[bytes],
    ) -> forwarding.Forwarded:
        from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

        for attempt in range(2):
            reach = self._started()
            try:
                return forwarding.forward(reach.pool, method, target, headers, body, secret=reach.secret)
            except (NewConnectionError, ProtocolError) as error:
                again = isinstance(body, bytes) and (
                    isinstance(error, NewConnectionError) or method in ("GET", "HEAD")
                )
                if attempt or not again or self._closed:
                    raise BackendError("the embedded cloud ended while it was asked", place=method) from error
            except HTTPError as error:
                raise BackendError(f"the embedded cloud did not answer: {error}", place=method) from error
        raise AssertionError

    def close(self) -> None:
        """End the child, which puts down what is in it first. May be called twice."""
        if os.getpid() != self._owner:
            self._let_go()
            return
        with self._lock:
            self._closed = True
        # What it was asked is answered first; it is asked nothing any more.
        with self._quiet:
            self._quiet.wait_for(lambda: not self._under_way, _QUIET_S)
        with self._lock:
            self._end()

    def _started(self) -> _Reach:
        reach = self._reach
        if reach is not None and not self._closed and self.running:
            return reach
        if os.getpid() != self._owner:
            raise Closed("the embedded cloud belongs to the process that this one was forked from")
        with self._lock:
            if self._closed:
                raise Closed("the embedded cloud is closed")
            if self._reach is None or not self.running:
                self._end()
                self._start()
            assert self._reach is not None
            return self._reach

    def _start(self) -> None:
        extra.require()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._start_one():
            self._start_one()

    def _start_one(self) -> bool:
        """Start a child; False when it left, asking for another."""
        secret = secrets.token_urlsafe(32)
        log = self._log()
        try:
            with self._unfollowed():
                child = subprocess.Popen(
                    [sys.executable, "-P", str(_SCRIPT)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    cwd=self.folder,
                    env=_variables(),
                    # A Ctrl-C in the user's terminal is not for it.
                    start_new_session=True,
                )
        finally:
            os.close(log)
        hello = {
            "secret": secret,
            "home": self.home,
            "key": self._key,
            "folder": str(self.folder.absolute()),
            "owner": os.getpid(),
            "limits": self._limits,
        }
        assert child.stdin is not None
        try:
            with contextlib.suppress(OSError):
                child.stdin.write(json.dumps(hello).encode() + b"\n")
            port = _port(child, self.folder)
        except BaseException:
            _reap(child, limit_s=0)
            raise
        if port is None:
            _reap(child, limit_s=_CLOSE_LIMIT_S)
            return False
        self._child = child
        self._reach = _Reach(f"http://127.0.0.1:{port}", forwarding.pool(port), secret)
        return True

    def _log(self) -> int:
        path = self.folder / "cloud.log"
        with contextlib.suppress(OSError):
            if path.stat().st_size > _LONGEST_LOG:
                path.replace(path.with_suffix(".log.1"))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _end(self) -> None:
        child, self._child = self._child, None
        reach, self._reach = self._reach, None
        if reach is not None:
            reach.pool.close()
        if child is None:
            return
        with contextlib.suppress(OSError):
            assert child.stdin is not None
            child.stdin.write(b"close\n")
        _reap(child, limit_s=_CLOSE_LIMIT_S)

    def _let_go(self) -> None:
        """In a forked child: it is the parent's, whose end of the pipe must be the only one."""
        child, self._child, self._reach = self._child, None, None
        if child is not None:
            child.returncode = 0
            _shut(child)


def _variables() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {
        # The order of sets of texts is the same in every process, so a replay does what was done.
        "PYTHONHASHSEED": "0",
        "TMPDIR": tempfile.gettempdir(),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "MOTO_ACCOUNT_ID": "000000000000",
        "MOTO_ALLOW_NONEXISTENT_REGION": "true",
        "MOTO_DISABLE_GLOBAL_CORS": "true",
        # Bodies stay in memory up to this; what is larger goes to a temporary file.
        "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 20),
    }


def _port(child: subprocess.Popen[bytes], folder: Path) -> int | None:
    """Where the child says that it listens; None when it wants another to begin. Raises otherwise."""
    assert child.stdout is not None
    until = SYSTEM.monotonic() + _START_LIMIT_S
    said = b""
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([child.stdout], [], [], max(until - SYSTEM.monotonic(), 0))
        if not ready:
            raise BackendError("the embedded cloud was not ready in time", hint=f"see {folder / 'cloud.log'}")
        piece = os.read(child.stdout.fileno(), 4096)
        if not piece:
            break
        said += piece
    word, _, rest = said.decode("utf-8", "replace").strip().partition(" ")
    if word == "READY":
        return int(rest)
    if word == "AGAIN":
        return None
    if word == "IN-USE":
        raise BackendError(
            f"another process{f' ({rest})' if rest else ''} has the embedded cloud of this store",
            place=str(folder),
            hint="end it, or use it through its endpoint",
        )
    raise BackendError(
        f"the embedded cloud did not start{f': {rest}' if rest else ''}",
        hint=f"see {folder / 'cloud.log'}",
    )


def _reap(child: subprocess.Popen[bytes], *, limit_s: float) -> None:
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        # All that was answered is in its journal.
        child.kill()
        child.wait()
    _shut(child)


def _shut(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
