"""The ASGI application: what came over HTTP is let in, read, answered in a thread, and sent.

Rule: nothing here blocks the loop, and no request keeps another waiting: what answers runs in threads, as
many as there are requests on their way (an invocation that sleeps for a minute holds one for a minute).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from faaslab.endpoint import credentials, guard, plain, unsigned
from faaslab.endpoint.dispatch import INTERNAL
from faaslab.endpoint.downloads import has_its_key
from faaslab.endpoint.messages import Fault, Held, Request, Response
from faaslab.errors import FaaslabError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from faaslab.endpoint.asking import Forward
    from faaslab.endpoint.credentials import Scope
    from faaslab.endpoint.dispatch import Dispatcher

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    Internal = Callable[[Request], Response]

LOG = logging.getLogger(__name__)
THREADS = 1100
"""An account's 1,000 concurrent invocations, and some for what is asked beside them."""
CLOUD_THREADS = 200
OBJECT_BYTES = 5 * 2**30
"""The largest body that goes on to the cloud: an object of S3 in one request."""
_SMALL = 2**20
_PAUSES_S = (0.005, 0.02, 0.05, 0.1, 0.25)
"""Between one look for what is held and the next, of which the last goes on."""
_DROPPED = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
_END = object()


class Web:
    """An ASGI application; `close` ends its threads. `forward` hands to the cloud what is not ours."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        admits: guard.Guard,
        forward: Forward | None = None,
        internal: Internal | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._guard = admits
        self._forward = forward
        self._internal = internal
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="faaslab-endpoint")
        self._cloud_threads = ThreadPoolExecutor(CLOUD_THREADS, thread_name_prefix="faaslab-cloud")
        self._letting_go = False

    def let_go(self) -> None:
        """Hold nothing back from now on: who waits for what may come is answered that there is nothing."""
        self._letting_go = True

    def close(self) -> None:
        """End the threads that answered; may be called twice."""
        self._threads.shutdown(cancel_futures=True)
        self._cloud_threads.shutdown(cancel_futures=True)

    def answering(self, head: plain.Head) -> Callable[[bytes], Response] | None:
        """Who answers a plain invocation in the calling thread.

        None for what is refused, or is not ours to answer: that goes the common way.
        """
        signed = credentials.scope(head.headers, head.query)
        try:
            self._guard.check(head.headers, signed)
        except Fault:
            return None
        query = tuple(parse_qsl(head.query, keep_blank_values=True)) if head.query else ()
        request = Request(method="POST", path=head.path, query=query, headers=head.headers)
        ours = self._dispatcher.ours(request, signed)
        if ours is None or not ours.whole:
            return None

        def answer(body: bytes) -> Response:
            response = self._dispatcher.answer(_with_body(request, body), ours, signed)
            assert isinstance(response, Response)  # an invocation's, which is never held
            return response

        return answer

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = _headers(scope["headers"])
        text = scope["query_string"].decode("latin-1")
        signed = credentials.scope(headers, text)
        try:
            # By the very path that decides who answers, percent signs and all.
            path = scope["raw_path"].decode("latin-1")
            guard.check_head(scope["headers"], len(path) + len(text))
            self._guard.check(headers, signed, has_key=has_its_key(path))
            response = await self._answer(scope, headers, text, signed, receive)
            if isinstance(response, Held):
                response = await self._waited_for(response, receive)
        except Fault as fault:
            response = _refusal(fault)
        except _Gone:
            return
        except Exception:
            LOG.exception("%s %s", scope["method"], scope["path"])
            response = _refusal(Fault("InternalFailure", "The server failed; its log says why.", status=500))
        await self._send(response, receive, send)

    async def _answer(
        self,
        scope: dict[str, Any],
        headers: Mapping[str, str],
        text: str,
        signed: Scope | None,
        receive: Receive,
    ) -> Response | Held:
        loop = asyncio.get_running_loop()
        head = Request(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=tuple(parse_qsl(text, keep_blank_values=True)) if text else (),
            headers=headers,
        )
        body = None
        if signed is None:
            head, signed, body = await self._told(head, receive)
        ours = None
        if head.path.startswith(INTERNAL) and self._internal is not None:
            answer: Callable[[Request], Response | Held | None] = self._internal
        elif (ours := self._dispatcher.ours(head, signed)) is not None:
            answer = lambda request: self._dispatcher.answer(request, ours, signed)  # noqa: E731
        else:
            return await self._to_cloud(scope, head, receive, body)
        if body is None:
            guard.check_length(headers)
            body = await _read(receive, guard.BODY_BYTES)
        request = _with_body(head, body)
        response = await loop.run_in_executor(self._threads, answer, request)
        if response is None:  # of a service that is ours in part, and an operation that is not
            response = await loop.run_in_executor(
                self._cloud_threads, self._forwarded, scope, request, request.body
            )
        return response

    async def _told(self, head: Request, receive: Receive) -> tuple[Request, Scope | None, bytes | None]:
        """A request that nobody signed as one that is, and its body where it had to be read for that.

        Raises the Fault of one that nothing tells the service of and that is not S3's.
        """
        body = None
        service = unsigned.by_head(head)
        if service is None and unsigned.waits_for_body(head):
            guard.check_length(head.headers)
            body = await _read(receive, guard.BODY_BYTES)
            service = unsigned.by_body(_with_body(head, body))
        if service is None:
            return head, None, None
        scope = self._dispatcher.taken_for(service)
        headers = {**head.headers, "authorization": credentials.header(scope)}
        return replace(head, headers=headers), scope, body

    async def _to_cloud(
        self, scope: dict[str, Any], head: Request, receive: Receive, read: bytes | None
    ) -> Response:
        guard.check_length(head.headers, OBJECT_BYTES)
        loop = asyncio.get_running_loop()
        length = head.headers.get("content-length")
        if read is not None:
            body: bytes | Iterator[bytes] = read
        elif length is None and "transfer-encoding" not in head.headers:
            body = b""
        elif length is not None and int(length) <= _SMALL:
            body = await _read(receive, _SMALL)
        else:
            body = _pieces(receive, loop)
        return await loop.run_in_executor(self._cloud_threads, self._forwarded, scope, head, body)

    def _forwarded(self, scope: dict[str, Any], request: Request, body: bytes | Iterator[bytes]) -> Response:
        if self._forward is None:
            return _refusal(Fault("ServiceUnavailable", "There is no embedded cloud here.", status=503))
        text = scope["query_string"].decode("latin-1")
        target = f"{request.path}?{text}" if text else request.path
        try:
            status, headers, pieces = self._forward(request.method, target, request.headers.items(), body)
        except FaaslabError as error:
            # Not a 5xx that every SDK tries again and again: what is not installed stays so.
            status = 501 if isinstance(error, MissingExtra) else 503
            return _refusal(Fault("ServiceUnavailable", str(error), status=status))
        return Response(status=status, headers=tuple(headers), body=pieces)

    async def _send(self, response: Response, receive: Receive, send: Send) -> None:
        body = response.body
        whole = isinstance(body, bytes)
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in response.headers
            if name.lower() not in _DROPPED and not (whole and name.lower() == "content-length")
        ]
        if isinstance(body, bytes):
            if response.status != 204:
                headers.append((b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        loop = asyncio.get_running_loop()
        gone = loop.create_task(_until_gone(receive))
        try:
            while not gone.done():
                piece = await loop.run_in_executor(self._threads, next, body, _END)
                if piece is _END:
                    break
                if piece:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            close = getattr(body, "close", None)
            if close is not None:
                await loop.run_in_executor(self._threads, close)

    async def _waited_for(self, held: Held, receive: Receive) -> Response:
        """What is held, when it is there; no thread waits for it. Raises _Gone when the client is."""
        loop = asyncio.get_running_loop()
        gone = loop.create_task(_until_gone(receive))
        pauses = iter(_PAUSES_S)
        try:
            while not gone.done() and not self._letting_go:
                response = await loop.run_in_executor(self._threads, held.look)
                if response is not None:
                    return response
                await asyncio.wait((gone,), timeout=next(pauses, _PAUSES_S[-1]))
            if gone.done():
                raise _Gone
            return held.nothing
        finally:
            gone.cancel()


class _Gone(Exception):
    """The client went away before its request was whole."""


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _with_body(head: Request, body: bytes) -> Request:
    return replace(head, body=body)


async def _read(receive: Receive, most: int) -> bytes:
    """The whole body. Raises the Fault of one that is too long, whatever its length was said to be."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        piece = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise guard.too_large(most)
        if not message.get("more_body"):
            return piece if not pieces else b"".join((*pieces, piece))
        pieces.append(piece)


def _pieces(receive: Receive, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """A body as it comes, for a thread that hands it on."""
    size = 0
    while True:
        message: dict[str, Any] = asyncio.run_coroutine_threadsafe(_one(receive), loop).result()
        if message["type"] != "http.request":
            raise ConnectionResetError("the client went away")
        piece = message.get("body", b"")
        size += len(piece)
        if size > OBJECT_BYTES:
            raise guard.too_large(OBJECT_BYTES)
        if piece:
            yield piece
        if not message.get("more_body"):
            return


async def _one(receive: Receive) -> dict[str, Any]:
    return await receive()


async def _until_gone(receive: Receive) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass


def _refusal(fault: Fault) -> Response:
    """A refusal that is of no service: JSON, which curl shows and every SDK takes for an error."""
    import json

    body = json.dumps(
        {"__type": fault.code, "Type": "User", "Message": fault.message, "message": fault.message}
    )
    headers = (("content-type", "application/json"), ("x-amzn-errortype", fault.code))
    return Response(status=fault.status, headers=headers, body=body.encode())
