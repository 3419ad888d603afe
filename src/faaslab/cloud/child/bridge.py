"""From moto to functions: what it delivers goes to the home's own Lambda API.

Rule: who published does not wait. A delivery is handed to threads that try for a while; the home keeps it
from the moment it answered. A function that is not there is a line in the log. What a change delivers is
known by the change, so that a start can tell what was not handed over when the process was killed: that is
delivered then, and it can be twice, as AWS's own deliveries can.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from faaslab.cloud.child.delivered import function_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from faaslab.cloud.child.turns import Turn

_THREADS = 4
_MOST_WAITING = 10_000
# A home that is taken over answers at a new address within seconds; after that the delivery is given up.
_PAUSES_S = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
_ASK_LIMIT_S = 10
_CHANGE_LIMIT_S = 60
_ROTATION_LIMIT_S = 900


class FunctionMissing(Exception):
    """The home has no such function."""


class Refused(Exception):
    """The home would not do what it was asked for; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Ending(Exception):
    """This process ends; the next one goes on."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What goes to the home: each of `bodies` to one path, one after the other as long as that goes well."""

    to: str
    path: str
    bodies: tuple[str, ...]
    headers: Mapping[str, str]
    service: str = "lambda"
    in_order: bool = False
    """Whether each is waited for, and a failure of the function ends it."""


class Bridge:
    """Calls the home at `address`, signed with `key`."""

    def __init__(self, address: str, key: str, turn: Turn) -> None:
        from urllib3 import HTTPConnectionPool

        url = urlsplit(address)
        self._host = url.netloc
        self._pool = HTTPConnectionPool(url.hostname or "", url.port, maxsize=_THREADS + 4, retries=False)
        self._key = key
        self._turn = turn
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(_MOST_WAITING)
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()
        self._here = threading.local()
        self._pending: dict[str, Delivery] = {}
        self.silent = False
        """Whether nothing is delivered, only noted, and every function is taken to be there."""
        self.handed_over: Callable[[str], None] = lambda _: None
        """Told of a delivery that is done with, by its name."""

    # -- what a change causes

    def caused_by(self, change: str) -> None:
        """From now on what this thread delivers is that change's; nobody's when it is empty."""
        self._here.cause, self._here.count = change, 0

    def pending(self) -> dict[str, dict[str, Any]]:
        """What was not handed over yet, by name, as JSON."""
        return {name: asdict(delivery) for name, delivery in list(self._pending.items())}

    def resume(self, more: Mapping[str, Any], done: Iterable[str]) -> None:
        """Deliver what was noted while it was silent, and `more`, without what is done with."""
        noted, self._pending = self._pending, {}
        for name, said in more.items():
            noted.setdefault(name, Delivery(**{**said, "bodies": tuple(said["bodies"])}))
        finished = set(done)
        for name, delivery in noted.items():
            if name not in finished:
                self._queue(name, delivery)

    # -- what moto asks for

    def exists(self, arn: str) -> bool:
        """Whether the home has that function; so when the home cannot be asked, for it is looked up again."""
        name, qualifier = function_named(arn)
        with self._turn.lent(anew=False):
            if self.silent:
                return True
            try:
                status, _ = self._ask("GET", _path(name, "", qualifier), b"", {}, _ASK_LIMIT_S)
            except Exception as error:  # noqa: BLE001 - whatever it is
                _note(f"{name} could not be looked up: {error}")
                return True
        return status != 404

    def carry_out(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        operation: str | None = None,
    ) -> dict[str, Any]:
        """Have the home's Lambda API carry that out at once: its answer, empty while a journal is replayed.

        With an `operation` it is Step Functions' API. Raises `Refused` with what the home says against it.
        """
        with self._turn.lent(anew=False):
            if self.silent:
                return {}
            data = b"" if body is None else json.dumps(body).encode()
            service = "lambda" if operation is None else "states"
            headers = {"Content-Type": "application/json"} if data else {}
            if operation is not None:
                headers = _of_states(operation)
            try:
                answer = self._answer(method, path, data, headers, _CHANGE_LIMIT_S, service=service)
            except Exception as error:
                raise Refused(503, f"the home of the store did not answer: {error}") from error
        try:
            told = json.loads(answer.data or b"{}")
        except ValueError:
            told = {}
        if answer.status >= 300:
            raise Refused(answer.status, str(told.get("Message") or told.get("message") or answer.status))
        return dict(told)

    def invoke(self, arn: str, event: Any) -> None:
        """Have the function run with the event, later."""
        name, qualifier = function_named(arn)
        path = _path(name, "/invocations", qualifier)
        headers = {"X-Amz-Invocation-Type": "Event"}
        self._deliver(Delivery(to=name, path=path, bodies=(json.dumps(event),), headers=headers))

    def invoke_in_order(self, arn: str, events: Sequence[Any]) -> None:
        """Have the function run with each event, one after the other, until it fails."""
        name, qualifier = function_named(arn)
        bodies = tuple(json.dumps(event) for event in events)
        path = _path(name, "/invocations", qualifier)
        self._deliver(Delivery(to=name, path=path, bodies=bodies, headers={}, in_order=True))

    def start_execution(self, arn: str, event: Any) -> None:
        """Have the state machine run with the event, later."""
        body = json.dumps({"stateMachineArn": arn, "input": json.dumps(event)})
        headers = _of_states("StartExecution")
        self._deliver(Delivery(to=arn, path="/", bodies=(body,), headers=headers, service="states"))

    def later(self, work: Callable[[], None]) -> None:
        """Do this in a thread, when something may be delivered at all."""
        if self.silent or self._ending.is_set():
            return
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._work, name="delivery", daemon=True) for _ in range(_THREADS)
            ]
            for thread in self._threads:
                thread.start()
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            _note(f"more than {_MOST_WAITING} deliveries wait; one was dropped")

    def close(self, limit_s: float) -> None:
        """Let the threads finish what waits, but not for longer than that."""
        self._ending.set()
        done = threading.Thread(target=self._waiting.join, daemon=True)
        done.start()
        done.join(limit_s)

    # -- the threads

    def _deliver(self, delivery: Delivery) -> None:
        name, cause = "", getattr(self._here, "cause", "")
        if cause:
            name = f"{cause}.{self._here.count}"
            self._here.count += 1
        if not self.silent:
            self._queue(name, delivery)
        elif name:
            self._pending[name] = delivery

    def _queue(self, name: str, delivery: Delivery) -> None:
        if name:
            self._pending[name] = delivery
        self.later(lambda: self._hand_over(name, delivery))

    def _hand_over(self, name: str, delivery: Delivery) -> None:
        for body in delivery.bodies:
            if not (self._once if delivery.in_order else self._insist)(delivery, body.encode()):
                break
        if name:
            self._pending.pop(name, None)
            self.handed_over(name)

    def _work(self) -> None:
        while True:
            work = self._waiting.get()
            try:
                work()
            except _Ending:
                pass
            except Exception as error:  # noqa: BLE001 - one delivery, not the thread
                _note(f"not delivered: {type(error).__name__}: {error}")
            finally:
                self._waiting.task_done()

    def _once(self, delivery: Delivery, body: bytes) -> bool:
        status, headers = self._ask("POST", delivery.path, body, delivery.headers, _ROTATION_LIMIT_S)
        if status >= 300 or headers.get("x-amz-function-error"):
            _note(f"{delivery.to} did not go through with {body.decode()} ({status})")
            return False
        return True

    def _insist(self, delivery: Delivery, body: bytes) -> bool:
        why = ""
        for pause in (*_PAUSES_S, None):
            try:
                status, _ = self._ask(
                    "POST", delivery.path, body, delivery.headers, _ASK_LIMIT_S, service=delivery.service
                )
            except Exception as error:  # noqa: BLE001 - the home may be back in a moment
                why = f"{type(error).__name__}: {error}"
            else:
                if status < 300:
                    return True
                why = f"status {status}"
                if status not in (429, 500, 502, 503, 504):
                    _note(f"not delivered to {delivery.to}: {why}")
                    return False
            if pause is not None and self._ending.wait(pause):
                raise _Ending
        raise TimeoutError(f"to {delivery.to}, which the next start tries again: {why}")

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        limit_s: float,
        *,
        service: str = "lambda",
    ) -> tuple[int, Any]:
        answer = self._answer(method, path, body, headers, limit_s, service=service)
        return answer.status, answer.headers

    def _answer(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        limit_s: float,
        *,
        service: str = "lambda",
    ) -> Any:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method, f"http://{self._host}{path}", dict(headers), body)
        SigV4Auth(Credentials(self._key, "local"), service, "us-east-1").add_auth(request)
        return self._pool.urlopen(
            method, path, body=body, headers=dict(request.headers.items()), redirect=False, timeout=limit_s
        )


def _path(name: str, rest: str, qualifier: str | None) -> str:
    query = f"?Qualifier={quote(qualifier, safe='')}" if qualifier else ""
    return f"/2015-03-31/functions/{quote(name, safe='')}{rest}{query}"


def _of_states(operation: str) -> dict[str, str]:
    """The headers of a request to Step Functions' API."""
    return {
        "X-Amz-Target": f"AWSStepFunctions.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
    }


def _note(line: str) -> None:
    sys.stderr.write(line[:2000] + "\n")
    sys.stderr.flush()
