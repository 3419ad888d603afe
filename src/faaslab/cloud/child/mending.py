"""Where moto would do something that this process must not, or not in this way.

Rule: each change names what was wrong; what is not here is moto's own. It is made before the first request.
"""

from __future__ import annotations

import time
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from faaslab.cloud.child import archives
from faaslab.cloud.child.asked import AS_FORM

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.cloud.child.moments import Moments
    from faaslab.cloud.child.turns import Turn

ACCOUNT = "000000000000"
_MOST_KNOWN = 4096
_LONGEST_POLL_S = 20


def mend(turn: Turn, moments: Moments) -> None:
    """Change moto in this process."""
    _account()
    _long_polls(turn, moments)
    _containers()
    archives.keep()
    _lookups()
    _long_queues()
    _forms()
    _iterators()


def _account() -> None:
    """Some services take the constant instead of asking for the account."""
    import moto.core
    import moto.core.models

    moto.core.DEFAULT_ACCOUNT_ID = ACCOUNT
    moto.core.models.DEFAULT_ACCOUNT_ID = ACCOUNT


def _long_polls(turn: Turn, moments: Moments) -> None:
    """A receiver that waits would have the turn for 20 seconds, and nobody could send what it waits for."""
    from moto.sqs.models import Message, Queue

    waits = Queue.wait_for_messages

    def wait_for_messages(queue: Any, timeout: int) -> None:
        if moments.repeating:
            # What it got then is there at once. What came later is another line's.
            moments.pass_by(_LONGEST_POLL_S + 1)
            return
        with turn.lent(anew=True):
            waits(queue, timeout)
        moments.received = False

    Queue.wait_for_messages = wait_for_messages
    # A receiver that gets nothing may have moved messages to a dead-letter queue, or hidden what is too old.
    for owner, name in ((Message, "mark_received"), (Queue, "add_message")):
        setattr(owner, name, _noting(getattr(owner, name), moments))


def _noting(work: Callable[..., Any], moments: Moments) -> Callable[..., Any]:
    def noted(*given: Any, **options: Any) -> Any:
        moments.received = True
        return work(*given, **options)

    return noted


def _lookups() -> None:
    """With each request moto lists its own folder and tries two hundred patterns: a millisecond or two."""
    import moto.backends
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    names = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: names
    find = DomainDispatcherApplication.get_backend_for_host
    known: dict[str, Any] = {}

    def get_backend_for_host(dispatcher: Any, host: str | None) -> Any:
        if host is None:
            return None
        if host not in known:
            if len(known) > _MOST_KNOWN:
                known.clear()
            known[host] = find(dispatcher, host)
        return known[host]

    DomainDispatcherApplication.get_backend_for_host = get_backend_for_host
    # And with each it goes through the members of a class, and through words letter by letter.
    import moto.core.responses
    import moto.sqs.models

    moto.core.responses.method_names_from_class = cache(moto.core.responses.method_names_from_class)
    spelled = lru_cache(_MOST_KNOWN)(moto.core.responses.camelcase_to_underscores)
    moto.core.responses.camelcase_to_underscores = moto.sqs.models.camelcase_to_underscores = spelled


def _long_queues() -> None:
    """With each message that is sent moto counts all that are there, three times."""
    import moto.sqs.models
    from moto.sqs.models import Queue, SQSBackend

    def unix_time(moment: Any = None) -> float:
        return time.time() if moment is None else slow(moment)

    slow = moto.sqs.models.unix_time
    moto.sqs.models.unix_time = unix_time
    moto.sqs.models.unix_time_millis = lambda moment=None: unix_time(moment) * 1000.0
    sending = [False]
    send = SQSBackend.send_message

    def send_message(backend: Any, *given: Any, **options: Any) -> Any:
        sending[0] = True
        try:
            return send(backend, *given, **options)
        finally:
            sending[0] = False

    def counted(count: Callable[[Any], int]) -> Callable[[Any], int]:
        return lambda queue: 0 if sending[0] else count(queue)

    SQSBackend.send_message = send_message
    for name in ("", "_delayed", "_not_visible"):
        attribute = f"approximate_number_of_messages{name}"
        count = getattr(Queue, attribute).fget
        setattr(Queue, attribute, property(counted(count)))


def _forms() -> None:
    """An object that was sent with the type of a form was read as one: nothing of it was stored."""
    from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication

    BackendRequest.want_form_data_parsed = property(lambda request: request.environ[AS_FORM])
    read = DomainDispatcherApplication._get_body  # noqa: SLF001

    def _get_body(dispatcher: Any, environ: dict[str, Any]) -> Any:
        return read(dispatcher, environ) if environ[AS_FORM] else None

    DomainDispatcherApplication._get_body = _get_body  # noqa: SLF001


def _iterators() -> None:
    """One of a stream that is not known was an unknown operation; consumers know what to do with this."""
    from moto.core.exceptions import JsonRESTError
    from moto.dynamodbstreams.models import DynamoDBStreamsBackend

    get = DynamoDBStreamsBackend.get_records

    def get_records(backend: Any, iterator_arn: str, limit: int) -> Any:
        if iterator_arn not in backend.shard_iterators:
            raise JsonRESTError("ExpiredIteratorException", "Iterator expired.")
        return get(backend, iterator_arn, limit)

    DynamoDBStreamsBackend.get_records = get_records


def _containers() -> None:
    """Batch would ask Docker."""
    from moto.core.config import default_user_config

    default_user_config["batch"] = {"use_docker": False}
    default_user_config["lambda"] = {"use_docker": False}
