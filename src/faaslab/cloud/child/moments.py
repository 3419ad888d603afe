"""The time and the chance that a change is carried out with, so that a repetition comes out the same.

Rule: while a change is carried out, its thread sees one instant and draws from one seed, for identifiers,
tokens and keys alike; all other threads have the machine's own.
"""

from __future__ import annotations

import datetime as real  # noqa: ICN001 - beside one that is not
import os
import random
import threading
import time
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faaslab.cloud.child.keys import Keys

_time, _urandom = time.time, os.urandom


class Moments:
    """Installed once; `at` gives this thread its moment."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._seed = self._made = 0
        self._thread: int | None = None
        self._chance = random.Random()  # noqa: S311 - it has to be repeatable
        self.now = 0.0
        self.repeating = False
        """Whether what is carried out was carried out before."""
        self.received = False
        """Whether a message was received, or was moved from its queue to another."""

    @staticmethod
    def fresh() -> tuple[float, int]:
        """This instant and a seed that nobody can guess."""
        return _time(), int.from_bytes(_urandom(8), "big")

    @contextmanager
    def at(self, now: float, seed: int) -> Iterator[None]:
        """That time and chance within the body."""
        self.received = False
        self.again(now, seed)
        try:
            yield
        finally:
            self._thread = None

    def again(self, now: float, seed: int) -> None:
        """From now on, within `at`, another time and chance."""
        from moto.moto_api._internal import mock_random

        self._thread = threading.get_ident()
        self.now = now
        self._seed, self._made = seed, 0
        self._chance.seed(seed)
        mock_random.seed(seed)

    def pass_by(self, seconds: float) -> None:
        """Let the time of this moment go on."""
        self.now += seconds

    def install(self) -> None:
        """Change time and chance in this process."""
        import moto.core.utils
        import moto.ec2.utils
        import moto.s3.models
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        moments = self

        def moments_time() -> float:
            return moments.now if threading.get_ident() == moments._thread else _time()

        def urandom(size: int) -> bytes:
            if threading.get_ident() == moments._thread:
                return moments._chance.randbytes(size)
            return _urandom(size)

        time.time = moments_time
        os.urandom = urandom
        shim = types.SimpleNamespace(**vars(real))
        shim.datetime = _Datetime
        moto.core.utils.datetime = shim
        moto.s3.models.datetime = shim
        for module in (rsa, ec):
            self._watch(module)
        make = moto.ec2.utils.Ed25519PrivateKey.generate
        # It makes keys there, and nothing else.
        moto.ec2.utils.Ed25519PrivateKey = types.SimpleNamespace(generate=lambda: self._key(make))
        _seeded_backends()

    def _watch(self, module: Any) -> None:
        make = module.generate_private_key

        def generate_private_key(*given: Any, **options: Any) -> Any:
            return self._key(lambda: make(*given, **options))

        module.generate_private_key = generate_private_key

    def _key(self, make: Callable[[], Any]) -> Any:
        """A key, the same with each repetition; no seed has a say in how one is made."""
        if threading.get_ident() != self._thread:
            return make()
        self._made += 1
        return self._keys.made(self._seed, self._made, make)


class _Instances(type):
    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, real.datetime)


class _Datetime(real.datetime, metaclass=_Instances):
    """`datetime` whose now is the moment's. It makes no instances of its own."""

    def __new__(cls, *given: Any, **options: Any) -> Any:
        return real.datetime(*given, **options)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return real.datetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return real.datetime.fromtimestamp(time.time(), real.UTC).replace(tzinfo=None)


def _seeded_backends() -> None:
    """What a service has from its beginning (EC2's networks) has the same identifiers in each process.

    It begins with the first request of any kind, a question too, which a replay does not repeat.
    """
    from moto.core.base_backend import AccountSpecificBackend
    from moto.moto_api._internal import mock_random

    get = AccountSpecificBackend.__getitem__

    def __getitem__(services: Any, region: str) -> Any:  # noqa: N807 - it is put in place of one
        if region in services.keys():  # noqa: SIM118 - its own `in` says what could be there
            return get(services, region)
        state = mock_random.getstate()
        mock_random.seed(f"{services.service_name}/{services.account_id}/{region}")
        try:
            return get(services, region)
        finally:
            mock_random.setstate(state)

    AccountSpecificBackend.__getitem__ = __getitem__
