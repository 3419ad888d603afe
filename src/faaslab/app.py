"""`open()`: the one place where settings are read and a Lab is put together.

A setting holds from the first of: the flag (an argument of `open`, an option of a face), `FAASLAB_NAME` in
the environment, `[tool.faaslab]` in the project's pyproject.toml, the default.
"""

from __future__ import annotations

import atexit
import os
import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, overload

from faaslab.errors import InvalidValue, StoreLocation, Unsupported, nearest
from faaslab.model.settings import Setting

if TYPE_CHECKING:
    from faaslab.clock import Clock
    from faaslab.lab import Lab
    from faaslab.lab.decorated import DecoratedFunction
    from faaslab.store import Capture, Store

MARKS = ("pyproject.toml", "environment.yml", ".git")


@dataclass(frozen=True, kw_only=True)
class _Known:
    read: Callable[[Any], Any]
    help: str
    default: Any = None


def _text(value: Any) -> str:
    if not isinstance(value, (str, Path)) or not str(value):
        raise InvalidValue(f"{value!r} is not a text")
    return str(value)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise InvalidValue(f"{value!r} is not a list of texts")
    return tuple(value)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            near = nearest(str(value), choices)
            raise InvalidValue(
                f"{value!r} is none of {', '.join(choices)}", hint=f"did you mean {near!r}?" if near else None
            )
        return str(value)

    return read


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidValue(f"{value!r} is not a number") from None
    if not 0 <= number < 1e9:
        raise InvalidValue(f"{value!r} is out of range")
    return number


def _count(value: Any) -> int:
    number = _number(value)
    if number != int(number) or number < 1:
        raise InvalidValue(f"{value!r} is not a whole number from 1 on")
    return int(number)


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    meanings = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    meant = meanings.get(str(value).lower())
    if meant is None:
        raise InvalidValue(f"{value!r} is neither true nor false")
    return meant


def _pointers(value: Any) -> tuple[str, ...]:
    words = _words(value)
    for word in words:
        if not word.startswith("/"):
            raise InvalidValue(
                f"{word!r} is not a JSON pointer", hint="such as /customer/email or /items/*/card"
            )
    return words


def _mail_server(value: Any) -> str:
    from faaslab.reports.delivery import mail_server

    url = _text(value)
    mail_server.parsed(url)
    return url


def _backend(value: Any) -> str:
    name = _text(value)
    if name != "local":
        raise Unsupported(f"this release does not have the backend {name!r}", hint="use local")
    return name


SETTINGS: dict[str, _Known] = {
    "store": _Known(read=_text, help="the file of the store (data/faaslab.duckdb under the project's root)"),
    "backend": _Known(read=_backend, default="local", help="what runs the functions: local"),
    "region": _Known(read=_text, default="us-east-1", help="the region that functions see"),
    "cache": _Known(
        read=_text, help="the folder for unpacked code and installed requirements (~/.cache/faaslab)"
    ),
    "payloads": _Known(
        read=_one_of("all", "sizes", "none"),
        default="all",
        help="what is recorded of payloads and results: all, their sizes, none",
    ),
    "redact": _Known(
        read=_pointers, default=(), help="JSON pointers (with *) that are hidden before recording"
    ),
    "keep_alive": _Known(read=_number, default=300.0, help="seconds until an idle environment ends"),
    "concurrency": _Known(read=_count, default=100, help="invocations at once over all functions"),
    "scaling_rate": _Known(
        read=_count, default=1000, help="new environments that a function may get in 10 seconds"
    ),
    "freeze": _Known(
        read=_switch, default=True, help="stop environments between invocations, as Lambda does"
    ),
    "memory_limit": _Known(
        read=_one_of("auto", "cgroup", "watch", "off"),
        default="auto",
        help="how the memory limit is held: auto (the best that works), cgroup, watch, off",
    ),
    "run_queue": _Known(
        read=_switch, default=True, help="run the events that wait in the store's queue while it is open"
    ),
    "templates": _Known(
        read=_one_of("auto", "on", "off"),
        default="auto",
        help="fork Python environments from a warm process: auto (functions with --preload), on (all), off",
    ),
    "queue_concurrency": _Known(
        read=_count, help="events of the queue that run at once (two a processor, at least 8)"
    ),
    "aws_endpoint": _Known(
        read=_one_of("local", "off"),
        default="local",
        help="what the SDKs in functions talk to: local (this store's home), off (what they find)",
    ),
    "network": _Known(read=_switch, default=True, help="off: functions reach no network, or do not run"),
    "cpu": _Known(
        read=_switch, default=False, help="give functions the share of the CPU that their memory stands for"
    ),
    "sandbox": _Known(
        read=_one_of("auto", "on", "off"),
        default="auto",
        help="run functions in bubblewrap: auto (where it works), on (or not at all), off",
    ),
    "own_interpreter": _Known(
        read=_switch, default=False, help="run a Python runtime that is not installed on faaslab's own"
    ),
    "kernel_packages": _Known(
        read=_switch,
        default=False,
        help="functions may also import what is installed for faaslab itself, as on Lambda they could not",
    ),
    "smtp_url": _Known(
        read=_mail_server,
        help="the server that sends reports by e-mail: smtp://user@host?password=env:SMTP_PASSWORD&from=me@host",
    ),
    "reports": _Known(
        read=_text, help="the folder of your own report notebooks (notebooks/ under the project's root)"
    ),
    "chromium": _Known(
        read=_text, help="the browser that prints reports as PDF (the first Chromium or Chrome there is)"
    ),
    "paper": _Known(read=_one_of("A4", "letter"), default="A4", help="the paper of PDF: A4, letter"),
    "pip_arguments": _Known(
        read=_words, default=(), help="added to pip install of a function's requirements"
    ),
}
"""Setting -> how it is read, its default, a line about it."""


def project_root(start: Path | None = None) -> Path:
    """The nearest folder upwards with a pyproject.toml, environment.yml or .git; else the current one."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
    return here


def read_settings(flags: dict[str, Any], *, root: Path) -> dict[str, Setting]:
    """Every setting with its source; complains about what nobody knows, naming where it stands."""
    for name in flags:
        _check_known(name, "open()")
    pyproject = root / "pyproject.toml"
    written = _written(pyproject)
    settings = {}
    for name, known in SETTINGS.items():
        variable = f"FAASLAB_{name.upper()}"
        if flags.get(name) is not None:
            found: tuple[Any, Any, str, str] = (flags[name], "flag", "", name)
        elif os.environ.get(variable):
            found = (os.environ[variable], "environment", variable, variable)
        elif name in written:
            found = (written[name], "pyproject.toml", str(pyproject), f"{pyproject}, [tool.faaslab] {name}")
        else:
            found = (None, "default", "", name)
        given, origin, detail, place = found
        try:
            value = known.default if given is None else known.read(given)
        except InvalidValue as error:
            raise InvalidValue(error.message, place=place, hint=error.hint) from None
        except Unsupported as error:
            raise Unsupported(error.message, place=place, hint=error.hint) from None
        settings[name] = Setting(name=name, value=value, origin=origin, detail=detail, help=known.help)
    return settings | {
        name: _located(settings[name], root=root, default=default)
        for name, default in (
            ("store", root / "data" / "faaslab.duckdb"),
            ("cache", _cache()),
            ("reports", root / "notebooks"),
        )
    }


def _located(setting: Setting, *, root: Path, default: Path) -> Setting:
    """A path is relative to where it was said: the pyproject's folder, or the current one."""
    if setting.origin == "default":
        path = default
    else:
        base = root if setting.origin == "pyproject.toml" else Path.cwd()
        path = base / Path(setting.value).expanduser()
    return Setting(
        name=setting.name, value=path, origin=setting.origin, detail=setting.detail, help=setting.help
    )


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "faaslab"


def _check_known(name: str, place: str) -> None:
    if name not in SETTINGS:
        near = nearest(name, SETTINGS)
        raise InvalidValue(
            f"no setting is named {name!r}",
            place=place,
            hint=f"did you mean {near!r}?" if near else f"there are: {', '.join(SETTINGS)}",
        )


def _written(pyproject: Path) -> dict[str, Any]:
    """`[tool.faaslab]` of the project; {} where there is none."""
    try:
        text = pyproject.read_text("utf-8")
    except OSError:
        return {}
    try:
        section = tomllib.loads(text).get("tool", {}).get("faaslab", {})
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        raise InvalidValue(f"cannot be read: {error}", place=str(pyproject)) from None
    if not isinstance(section, dict):
        raise InvalidValue("is not a table", place=f"{pyproject}, [tool.faaslab]")
    for name in section:
        _check_known(name, f"{pyproject}, [tool.faaslab]")
    return section


class _SharedStores:
    """Labs of one process over one store share it: the history is one file with one lock for the process."""

    _guard = threading.Lock()
    _taken: ClassVar[list[tuple[Any, Store]]] = []

    @classmethod
    def take(cls, path: Path, clock: Clock, capture: Capture) -> Store:
        """The store at `path`; the same one for the same settings."""
        from faaslab.store import Store

        key = (path.resolve(), clock, capture)
        with cls._guard:
            present = next((store for taken, store in cls._taken if taken == key), None)
            store = present or Store(path, clock=clock, capture=capture)
            cls._taken.append((key, store))
            return store

    @classmethod
    def give_back(cls, store: Store) -> None:
        """Close it when nobody has it any more."""
        with cls._guard:
            for place, (_, taken) in enumerate(cls._taken):
                if taken is store:
                    del cls._taken[place]
                    break
            last = all(taken is not store for _, taken in cls._taken)
        if last:
            store.close()


_open_labs: list[Lab] = []


def open(  # noqa: A001 -- the name that the product gives it
    store: str | Path | None = None,
    backend: str | None = None,
    *,
    clock: Clock | None = None,
    borrows: bool = False,
    **settings: Any,
) -> Lab:
    """A Lab over the store at `store` (default: data/faaslab.duckdb under the project's root).

    `settings` are those of `faaslab config`. One that `borrows`, as a shell command does, runs a single
    invocation in the warm environments of the store's home, where there is one. Close it, or use it in a
    `with`; it is closed at exit anyway.
    """
    from faaslab.backends.local import LocalSettings
    from faaslab.clock import SYSTEM
    from faaslab.endpoint.wiring import Wiring
    from faaslab.lab import Lab
    from faaslab.store import Capture

    root = project_root()
    read = read_settings({"store": store, "backend": backend, **settings}, root=root)
    value = {name: setting.value for name, setting in read.items()}
    clock = clock or SYSTEM
    if read["store"].origin == "default":
        _make_folder(value["store"].parent)
    capture = Capture(payloads=value["payloads"], redact=value["redact"])
    wiring = Wiring()
    lab = Lab(
        _SharedStores.take(value["store"], clock, capture),
        cache=value["cache"],
        region=value["region"],
        clock=clock,
        run_queue=value["run_queue"],
        queue_concurrency=value["queue_concurrency"],
        aws_endpoint=value["aws_endpoint"] == "local",
        borrows=borrows,
        settings=tuple(read.values()),
        local=LocalSettings(
            keep_alive_s=value["keep_alive"],
            concurrency=value["concurrency"],
            scaling_rate=value["scaling_rate"],
            freeze=value["freeze"],
            memory=value["memory_limit"],
            templates=value["templates"],
            network=value["network"],
            cpu=value["cpu"],
            sandbox=value["sandbox"],
            own_interpreter=value["own_interpreter"],
            kernel_packages=value["kernel_packages"],
            pip_arguments=value["pip_arguments"],
        ),
        start_endpoint=wiring.start_endpoint,
        close_store=_SharedStores.give_back,
        on_close=_forget,
    )
    wiring.attach(lab)
    _open_labs.append(lab)
    # After its store's own, so before it: what runs for a queue is given back to the store.
    atexit.register(lab.close)
    if value["run_queue"]:
        lab.asynchronous.resume()
        lab.targets.resume()
    return lab


def _make_folder(folder: Path) -> None:
    """The default store's folder; a path that the user gave must have its folder, lest a typo makes one."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreLocation(
            f"cannot make the folder {folder}: {error.strerror or error}",
            hint="choose another place with --store",
        ) from None


def current() -> Lab:
    """The lab opened last that is still open, or the default one, opened now."""
    return _open_labs[-1] if _open_labs else open()


def opened(store: Path) -> Lab | None:
    """The lab over that store that is open in this process, the last one of several."""
    path = store.resolve()
    return next((lab for lab in reversed(_open_labs) if Path(lab.store.path).resolve() == path), None)


def _forget(lab: Lab) -> None:
    atexit.unregister(lab.close)
    if lab in _open_labs:
        _open_labs.remove(lab)


@overload
def function(decorated: Callable[..., Any], /) -> DecoratedFunction: ...
@overload
def function(**options: Any) -> Callable[[Callable[..., Any]], DecoratedFunction]: ...
def function(decorated: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """`@faaslab.function` or `@faaslab.function(memory=512, timeout=10, requires=[…], env={…})`.

    The function stays callable here and gets `.invoke()`, `.submit()` and `.map()`, which run it for real
    in the open lab. There it sees its own source, `include` and `capture`, nothing else of its module.
    """
    from faaslab.lab.decorated import decorate

    return decorate(decorated, options, current)
