"""A snapshot of moto's services, so that a start need not repeat the whole journal.

Rule: it is a shortcut that may be missing. It is a pickle, so it is opened only when this user's own key
signed it (a store that came from elsewhere has another), for this very journal; and even then it can name
nothing but data types and moto's own classes. Large objects stay in files of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import pickle
import platform
import secrets
import sys
import threading
import types
import weakref
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.cloud.child.bodies import LARGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.cloud.child.bodies import Bodies

FORMAT = 2
_OF_ANY_SERVICE = frozenset({"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"})
_FUNCTIONS = (
    "bare",
    "certificate_from",
    "certificate_request_from",
    "condition",
    "inner",
    "lock",
    "method_of",
    "nested",
    "object_from",
    "private_key_from",
    "public_key_from",
    "rest_of_pages",
    "weak",
    "weak_dictionary",
)
# What moto keeps is made of its own classes and, in places, of those of the packages that it stands on.
_CLASSES_OF = ("moto", "werkzeug", "joserfc", "dateutil")
# A schema of AppSync is a tree of these.
_CLASSES_IN = (
    "graphql.language.ast",
    "graphql.language.location",
    "graphql.language.source",
    "graphql.language.token_kind",
)
_PLAIN = {
    "builtins": {
        "bytearray",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "object",
        "range",
        "set",
        "slice",
        "str",
        "tuple",
        "type",
    },
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "copyreg": {"_reconstructor"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "functools": {"partial"},
    "ipaddress": {"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"},
    # What makes an entry that is not there; each gives a new dictionary of constants.
    "moto.lakeformation.models": {"default_settings"},
    "moto.xray.models": {"SegmentCollection._new_trace_item"},
    "re": {"_compile"},
    "requests.structures": {"CaseInsensitiveDict"},
    "uuid": {"SafeUUID", "UUID"},
    "zoneinfo": {"ZoneInfo"},
}


def key() -> bytes | None:
    """This user's key, kept outside of every store and made with the first use; None without a place."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111
    path = Path(base) / "faaslab" / "cloud.key"
    try:
        if not path.is_absolute():
            return None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_name(f"cloud.key.{os.getpid()}")
        try:
            if not path.exists():
                file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                os.write(file, secrets.token_bytes(32))
                os.close(file)
                # The first of two processes that begin at once.
                os.link(half, path)
        except FileExistsError:
            pass
        finally:
            half.unlink(missing_ok=True)
        data = path.read_bytes()
        return data if len(data) == 32 and path.stat().st_uid == os.getuid() else None
    except OSError:
        return None


def version() -> str:
    """What a snapshot has to be of to be taken without doubt."""
    import moto

    return f"moto {moto.__version__}, Python {platform.python_version()}"


def taken(bodies: Bodies) -> tuple[bytes, dict[str, int]]:
    """All of moto's services as bytes, and the bodies that go with it with their sizes. Raises."""
    from moto.core.base_backend import BackendDict

    found = io.BytesIO()
    pickler = _Pickler(found, bodies)
    pickler.dump(
        {
            name: (dict(backends), _beside(backends))
            for name, backends in _named(BackendDict._instances)  # noqa: SLF001
        }
    )
    return found.getvalue(), pickler.digests


def write(
    path: Path,
    data: bytes,
    *,
    signed_with: bytes,
    identity: str,
    offset: int,
    pending: Mapping[str, Any] | None = None,
) -> None:
    """Put it there whole. It stands for the first `offset` bytes of the journal with that identity.

    `pending` are the deliveries that were not handed over then.
    """
    said: dict[str, Any] = {"format": FORMAT, "version": version(), "identity": identity, "offset": offset}
    said["pending"] = dict(pending or {})
    said["signature"] = _signature(said, data, signed_with)
    half = path.with_name(f"{path.name}.half")
    with open(half, "wb", opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, 0o600)) as file:
        file.write(json.dumps(said).encode() + b"\n" + data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def read(path: Path, *, signed_with: bytes, identity: str) -> tuple[dict[str, Any], bytes] | None:
    """What was said of it and its bytes, when it is ours and of that journal."""
    try:
        with open(path, "rb") as file:
            said = json.loads(file.readline())
            data = file.read()
        signature = said.pop("signature")
        ours = hmac.compare_digest(_signature(said, data, signed_with), signature)
        known = said["format"] == FORMAT and {"version", "offset", "pending"} <= said.keys()
        return (said, data) if ours and known and said["identity"] == identity else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def prove(data: bytes, bodies: Bodies) -> None:
    """Read it as a start would, into things that nobody has. Raises when it cannot be read.

    Large objects are only looked for.
    """
    _Unpickler(io.BytesIO(data), _Named(bodies)).load()


class _Named:
    """Bodies that are there, and not read."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def read(self, digest: str) -> bytes:
        """Nothing, when there is one of that name. Raises `BodyLost`."""
        self._bodies.look_for(digest)
        return b""


def put_back(data: bytes, bodies: Bodies) -> None:
    """Give moto's services what is in it. Raises when it cannot; then moto may have half of it."""
    from moto.core.base_backend import BackendDict

    services: dict[str, tuple[dict[str, Any], dict[str, Any]]] = _Unpickler(io.BytesIO(data), bodies).load()
    for name, (accounts, beside) in services.items():
        backends = _backends(name)
        backends.clear()
        for attribute, value in beside.items():
            if attribute in _beside(backends):
                setattr(backends, attribute, value)
        for account, regions in accounts.items():
            dict.__setitem__(backends, account, regions)
        if not any(known is backends for known in BackendDict._instances):  # noqa: SLF001
            BackendDict._instances.append(backends)  # noqa: SLF001


def _beside(backends: Any) -> dict[str, Any]:
    """What a service knows over all accounts (S3: whose a bucket's name is), beside what each has."""
    return {name: value for name, value in vars(backends).items() if name not in _OF_ANY_SERVICE}


def _signature(said: dict[str, Any], data: bytes, signed_with: bytes) -> str:
    text = json.dumps(said, sort_keys=True).encode()
    return hmac.new(signed_with, text + b"\n" + hashlib.sha256(data).digest(), "sha256").hexdigest()


def _named(instances: list[Any]) -> list[tuple[str, Any]]:
    """Each with where it is found: `moto.sqs.models:sqs_backends`."""
    names: dict[int, str] = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("moto.") and module_name.endswith("models"):
            for name, value in list(vars(module).items()):
                if name.endswith("_backends"):
                    names.setdefault(id(value), f"{module_name}:{name}")
    return [(names[id(backends)], backends) for backends in instances]


def _backends(name: str) -> Any:
    from importlib import import_module

    from moto.core.base_backend import BackendDict

    module, _, attribute = name.partition(":")
    if not (module.startswith("moto.") and attribute.endswith("_backends")):
        raise pickle.UnpicklingError(f"no services are at {name}")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, BackendDict):
        raise pickle.UnpicklingError(f"no services are at {name}")
    return found


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, bodies: Bodies) -> None:
        super().__init__(file, protocol=5)
        from moto.core.base_backend import BackendDict
        from moto.s3.models import FakeKey

        self._bodies = bodies
        self._services, self._object = BackendDict, FakeKey
        self._names: dict[int, str] = {}
        self.digests: dict[str, int] = {}

    def persistent_id(self, thing: Any) -> Any:
        """A service that another refers to is that service, not a copy of it."""
        if isinstance(thing, self._services):
            return ("services", _named([thing])[0][0])
        return None

    def reducer_override(self, thing: Any) -> Any:
        """What pickle cannot do, or not as it should."""
        kind = type(thing)
        if kind is self._object:
            return object_from, (self._object_state(thing),)
        if kind is types.MethodType:
            return method_of, (thing.__self__, thing.__name__)
        if kind in _LOCKS:
            return _LOCKS[kind]
        if kind is not defaultdict and isinstance(thing, defaultdict):
            # What makes one has other arguments than the class that it comes from.
            return bare, (kind, thing.default_factory), thing.__dict__, None, iter(thing.items())
        if kind is defaultdict and getattr(thing.default_factory, "__name__", "") == "<lambda>":
            return _defaults(thing)
        if kind in (weakref.ProxyType, weakref.CallableProxyType):
            return weak, (thing.__init__.__self__,)
        if kind is types.GeneratorType:
            return rest_of_pages, ()
        if kind is weakref.WeakValueDictionary:
            return weak_dictionary, (dict(thing),)
        if kind.__module__.startswith("cryptography."):
            return _as_pem(thing)
        return NotImplemented

    def _object_state(self, thing: Any) -> dict[str, Any]:
        size, tag = thing.contentsize, thing.etag
        known = thing.__dict__.get("_kept")
        if size <= LARGE or thing._value_buffer.closed:  # noqa: SLF001
            state: dict[str, Any] = thing.__getstate__()
            return state
        if known is None or known[:2] != (size, tag):
            known = (size, tag, self._bodies.keep(thing.value))
            thing.__dict__["_kept"] = known
        self.digests[known[2]] = size
        return {
            name: value for name, value in thing.__dict__.items() if name not in ("_value_buffer", "lock")
        } | {"value": None}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, bodies: Bodies | _Named) -> None:
        super().__init__(file)
        self._bodies = bodies

    def persistent_load(self, pid: Any) -> Any:
        """A service."""
        kind, name = pid
        if kind != "services":
            raise pickle.UnpicklingError("unknown reference")
        return _backends(name)

    def find_class(self, module: str, name: str) -> Any:
        """Data types, classes of moto and of what it stands on, and the functions below."""
        if module == __name__ and name in _FUNCTIONS:
            if name == "object_from":
                return lambda state: object_from(state, self._bodies)
            return globals()[name]
        top = module.partition(".")[0]
        if name in _PLAIN.get(module, ()):
            return super().find_class(module, name)
        if (top in _CLASSES_OF or module in _CLASSES_IN) and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is nothing that a snapshot may hold")


def object_from(state: dict[str, Any], bodies: Bodies | _Named | None = None) -> Any:
    """An S3 object, its content from its file where it is large."""
    from moto.s3.models import FakeKey

    if state.get("value") is None and bodies is not None:
        state = {**state, "value": bodies.read(state["_kept"][2])}
    made = FakeKey.__new__(FakeKey)
    made.__setstate__(state)
    return made


def bare(kind: type, factory: Any) -> Any:
    """A dictionary of that kind without anything in it."""
    if not issubclass(kind, defaultdict):
        raise pickle.UnpicklingError(f"{kind} is no dictionary")
    made = kind.__new__(kind)
    made.default_factory = factory
    return made


def method_of(thing: Any, name: str) -> Any:
    """A method of one of moto's objects, which is not called."""
    if type(thing).__module__.partition(".")[0] not in _CLASSES_OF:
        raise pickle.UnpicklingError(f"{thing} is none of moto's")
    return getattr(thing, name)


def lock(again: bool) -> Any:  # noqa: FBT001 - a pickle's arguments have no names
    """A lock that nobody has."""
    return threading.RLock() if again else threading.Lock()


def condition() -> threading.Condition:
    """A condition that nobody waits for."""
    return threading.Condition()


def nested(items: dict[Any, Any]) -> defaultdict[Any, Any]:
    """A dictionary of dictionaries of dictionaries, as Systems Manager has its tags in."""
    return defaultdict(inner, items)


def inner() -> defaultdict[Any, Any]:
    """What is in one of them."""
    return defaultdict(dict)


def _defaults(thing: defaultdict[Any, Any]) -> Any:
    made = thing.default_factory() if thing.default_factory else None
    if isinstance(made, defaultdict) and made.default_factory is dict:
        return nested, (dict(thing),)
    if type(made) in (dict, list, set) and not made:
        return defaultdict, (type(made), dict(thing))
    raise pickle.PicklingError(f"{thing.default_factory} makes what is not known here")


def rest_of_pages() -> Any:
    """In place of pages that were begun: nobody can go on with them."""
    yield from map(_begun_before, (None,))


def _begun_before(_: None) -> Any:
    raise LookupError("these pages were begun before the embedded cloud started again; ask for the first one")


def weak(thing: Any) -> Any:
    """What stands for a thing as long as something else has it."""
    return weakref.proxy(thing)


def weak_dictionary(items: dict[Any, Any]) -> Any:
    """One that keeps none of its values alive."""
    return weakref.WeakValueDictionary(items)


def private_key_from(pem: bytes) -> Any:
    """A key as it was."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)


def public_key_from(pem: bytes) -> Any:
    """The half of a key that anybody may have."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return load_pem_public_key(pem)


def certificate_from(pem: bytes) -> Any:
    """A certificate as it was."""
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem)


def certificate_request_from(pem: bytes) -> Any:
    """A request for one."""
    from cryptography.x509 import load_pem_x509_csr

    return load_pem_x509_csr(pem)


def _as_pem(thing: Any) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization as how

    if isinstance(thing, x509.Certificate):
        return certificate_from, (thing.public_bytes(how.Encoding.PEM),)
    if isinstance(thing, x509.CertificateSigningRequest):
        return certificate_request_from, (thing.public_bytes(how.Encoding.PEM),)
    if hasattr(thing, "private_bytes"):
        pem = thing.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption())
        return private_key_from, (pem,)
    if hasattr(thing, "public_bytes"):
        pem = thing.public_bytes(how.Encoding.PEM, how.PublicFormat.SubjectPublicKeyInfo)
        return public_key_from, (pem,)
    return NotImplemented


_LOCKS: dict[type, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    type(threading.Lock()): (lock, (False,)),
    type(threading.RLock()): (lock, (True,)),
    threading.Condition: (condition, ()),
}
