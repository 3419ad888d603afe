"""The local backend itself: what it is asked for, and the parts that do it.

Rule: the thread that asks for an invocation drives it (`invoking`); the lock guards counting only.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from faaslab.backends.local import record
from faaslab.backends.local.admission import check_debuggable, check_tenant, checked
from faaslab.backends.local.api.farewell import close_all
from faaslab.backends.local.api.streaming import Stream
from faaslab.backends.local.cancelling import Running
from faaslab.backends.local.environment import (
    Environment,
    EnvironmentInfo,
    Surroundings,
)
from faaslab.backends.local.fanout import FanOut
from faaslab.backends.local.flight import Ids
from faaslab.backends.local.host.limits import Limits
from faaslab.backends.local.host.machine import machine
from faaslab.backends.local.host.processes import Keeper
from faaslab.backends.local.invoking import Invoker
from faaslab.backends.local.lasting import Lastings
from faaslab.backends.local.phases import Phases
from faaslab.backends.local.pool import Pool, Pools
from faaslab.backends.local.preparing import Preparations, is_whole
from faaslab.backends.local.provisioned import INIT_TYPE, Provisioner
from faaslab.backends.local.runtimes.definition import Definer
from faaslab.backends.local.runtimes.variables import from_process
from faaslab.backends.local.settings import LocalSettings
from faaslab.backends.local.starting.launch import Launcher
from faaslab.backends.local.starting.templates import Templates
from faaslab.backends.local.upkeep import Upkeep
from faaslab.backends.local.workbench import Workbench
from faaslab.clock import SYSTEM, Clock
from faaslab.errors import Closed, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from faaslab.backends.local.cancelling import Cancelling
    from faaslab.backends.local.invoking import Lane
    from faaslab.backends.local.lasting import Watch
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.protocol import Complete, Debugger, Listening
    from faaslab.backends.stopping import Stopping
    from faaslab.model.concurrency import Provision
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation

_GRACE_S = 10.0


def _no_layers(layer: str) -> tuple[Path, str]:
    raise NotFound("layer", layer)


class LocalBackend:
    """Runs functions in processes of this machine; implements Backend, Maps, Debugs and Explains.

    `root` holds unpacked code, installed requirements and each environment's /tmp. `code_of` gives the path
    of a function's zip package, `layer_of` a layer's zip and its digest. `resolve_secret` gives the value of
    a secret's reference when an environment starts, `endpoint` where its SDK finds AWS's services. `watch` is
    told of invocations that last. Starts nothing before the first invocation.
    """

    name = "local"

    def __init__(
        self,
        root: Path,
        *,
        code_of: Callable[[Function], Path],
        layer_of: Callable[[str], tuple[Path, str]] = _no_layers,
        clock: Clock = SYSTEM,
        settings: LocalSettings = LocalSettings(),  # noqa: B008 - frozen
        resolve_secret: Callable[[str], str] = from_process,
        endpoint: Callable[[], str | None] = lambda: None,
        watch: Watch | None = None,
    ) -> None:
        self._root = root
        self._clock = clock
        self._settings = settings
        self._machine = machine(settings.system)
        self._keeper = Keeper(self._machine)
        self._definer = Definer(
            root,
            code_of=code_of,
            layer_of=layer_of,
            settings=settings,
            keeper=self._keeper,
            machine=self._machine,
        )
        self._preparations = Preparations(root)
        self._templates = Templates(root / "tmp", self._keeper, clock)
        self._launcher = Launcher(self._machine, settings, root, self._templates)
        self._limits: Limits | None = None
        self._resolve_secret = resolve_secret
        self._endpoint = endpoint
        self._pools = Pools(limit=settings.concurrency, rate=settings.scaling_rate, clock=clock)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._ids = Ids()
        self._phases = Phases(settings, self._closing, self._ids)
        self._lastings = Lastings(watch)
        self._workbench = Workbench(self._surroundings, clock=clock, closing=self._closing, ids=self._ids)
        self._upkeep = Upkeep(self._pools, settings, clock, self._closing, also=self._templates.expire)
        self._provisioner = Provisioner(
            self._pools, make=self._provisioned, closing=self._closing, released=self._upkeep.released
        )
        self._invoker = Invoker(
            self._pools,
            self._phases,
            self._ids,
            clock,
            self._closing,
            make=self._on_demand,
            lastings=self._lastings,
            idle=self._upkeep.released,
            refill=self._provisioner.refill,
        )
        self._executor: ThreadPoolExecutor | None = None
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        _living.add(self)

    # --- Backend ----------------------------------------------------------------------------------

    def invoke(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> Execution:
        """Run it once in this thread. See `protocol.Backend`.

        Raises InvalidValue for a payload that is not JSON or too large, RuntimeNotFound, RequirementsFailed,
        EnvironmentFailed, and whatever `complete` raises.
        """
        payload = checked(payload, request)
        return self._invoker.invoke(self._pool(function, request), payload, request, complete)

    def submit(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> Future[Execution]:
        """Run it once in the background; the future can be cancelled while it runs (`Running`)."""
        payload = checked(payload, request)
        pool = self._pool(function, request)
        running = Running()

        def invoke(cancelling: Cancelling) -> Execution:
            return self._invoker.invoke(pool, payload, request, complete, cancelling=cancelling)

        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._settings.submit_threads, "faaslab-invoke")
            driven = self._executor.submit(running.drive, invoke)
        driven.add_done_callback(running.given_up)
        return running

    def stream(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> Stream:
        """Run it once and hand its response on while it comes; see `protocol.Streams`."""
        payload = checked(payload, request)
        pool = self._pool(function, request)

        def drive(sink: Callable[[bytes, str | None], None]) -> Execution:
            return self._invoker.invoke(pool, payload, request, complete, sink=sink)

        stream = Stream(drive, version=pool.version, clock=self._clock, closing=self._closing)
        self._streams.add(stream)
        return stream

    def map(
        self,
        function: Function,
        payloads: Sequence[bytes],
        *,
        each: Sequence[Function] | None = None,
        request: Invocation,
        concurrency: int,
        complete: Complete,
        stop: Stopping | None = None,
    ) -> Iterator[tuple[int, Execution]]:
        """Run it over many payloads; see `protocol.Maps`.

        No more run at once than the function's reserved concurrency and the backend's own allow. When the
        iterator is left before its end, what still runs is killed, and recorded as such.
        """
        bodies = [checked(payload, request) for payload in payloads]
        pools = [self._pool(chosen, request) for chosen in (each or (function,))]
        reserved = function.configuration.reserved_concurrency
        most = min(concurrency, len(bodies), self._settings.concurrency, reserved or concurrency)
        return self._mapped(pools, bodies, request=request, most=max(most, 1), complete=complete, stop=stop)

    def _mapped(
        self,
        pools: Sequence[Pool],
        bodies: Sequence[bytes],
        *,
        request: Invocation,
        most: int,
        complete: Complete,
        stop: Stopping | None,
    ) -> Iterator[tuple[int, Execution]]:
        def begin(index: int) -> Lane | Execution:
            pool = pools[index] if len(pools) > 1 else pools[0]
            return self._invoker.begin(index, pool, bodies[index], request)

        fan_out = FanOut(len(bodies), begin=begin, invoker=self._invoker, complete=complete, stop=stop)
        yield from fan_out.run(most)

    # --- Prepares ---------------------------------------------------------------------------------

    def prepared(self, function: Function) -> bool:
        """Whether what takes long for it is done; see `protocol.Prepares`."""
        return self._preparations.hold(function)

    def prepare(self, function: Function) -> None:
        """Install and unpack what it needs; see `protocol.Prepares`."""
        if self._closing.is_set():
            raise Closed("the local backend is closed", hint="open another Lab")
        definition = self._definer.define(function)
        # What can never start here is said now, and not by the first invocation.
        self._launcher.sandboxed(definition)
        self._preparations.done(definition)

    # --- Debugs -----------------------------------------------------------------------------------

    def debug(
        self,
        function: Function,
        payload: bytes,
        *,
        request: Invocation,
        complete: Complete,
        debugger: Debugger | None = None,
        breakpoints: bool = True,
    ) -> Execution:
        """Run it once in this process; see `protocol.Debugs`."""
        check_debuggable(function, own_interpreter=self._settings.own_interpreter)
        payload = checked(payload, request)
        execution = self._workbench.debug(
            self._definition(self._pool(function, request)),
            payload,
            request,
            debugger=debugger,
            breakpoints=breakpoints,
        )
        complete([execution])
        return execution

    def attach(
        self,
        function: Function,
        payload: bytes,
        *,
        request: Invocation,
        complete: Complete,
        listening: Callable[[Listening], None],
        port: int = 0,
    ) -> Execution:
        """Run it once where a debugger attaches; see `protocol.Debugs`."""
        payload = checked(payload, request)
        debugpy = self._definer.debugpy(function)
        definition = self._definition(self._pool(function, request))
        execution = self._workbench.attach(
            definition, payload, request, debugpy=debugpy, port=port, listening=listening
        )
        complete([execution])
        return execution

    # --- Explains ---------------------------------------------------------------------------------

    def enforced(self, function: Function | None = None) -> Mapping[str, str]:
        """Limit -> how it is held on this machine, or that it is not; for that function if given."""
        forks = function is not None and self._definer.may_fork(function)
        return {
            "memory": self._found_limits().describe(),
            "timeout": "held: the process tree is killed",
            "concurrency": f"held in this process: {self._settings.concurrency} at once, and reserved",
            "scaling rate": f"held in this process: {self._settings.scaling_rate} environments in 10 s",
            "invocation rate": "not enforced (on AWS 10 a second for each concurrent one)",
            "payload": "held: 6 MB in (1 MB asynchronous), 6,291,556 bytes out, 200 MB streamed",
            "snapshot": "SnapStart's hooks run, restores are billed; each environment has its own init",
            "extensions": self._found_limits().describe_extensions(),
            "open files": "held: 1,024 a process" if self._machine.process_limits else "not enforced",
            "start": self._starts(),
            "environment between invocations": "frozen" if self._settings.freeze else "keeps running",
            **self._found_limits().describe_others(),
            **self._launcher.describe(self._found_limits(), forks=forks),
        }

    def _starts(self) -> str:
        which = {"auto": "those with preload", "on": "Python's", "off": ""}[self._settings.templates]
        if not which or not self._machine.fork_server:
            return "a new process for each environment"
        return (
            f"a new process; {which} are forks of a template once there is one ({self._templates.describe()})"
        )

    def retire(self, function_name: str, *, version: str | None = None) -> None:
        """End a function's idle environments, or those of one version; busy ones after their invocation."""
        close_all(self._pools.retire(function_name, version))

    # --- Reserves -----------------------------------------------------------------------------------

    def reserve(self, reservations: Mapping[str, int]) -> None:
        """What each function has reserved; see `protocol.Reserves`."""
        self._pools.reserve(reservations)

    def provision(self, function: Function, wanted: int) -> Future[Provision]:
        """Start environments of a version ahead; see `protocol.Reserves`."""
        return self._provisioner.set(self._pool_of(function), wanted)

    def provisioned(self, function: Function) -> Provision:
        """How the provisioned concurrency of a version stands."""
        return self._provisioner.state(self._pool_of(function))

    def _pool_of(self, function: Function) -> Pool:
        if self._closing.is_set():
            raise Closed("the local backend is closed", hint="open another Lab")
        return self._pools.of(function)

    def environments(self) -> tuple[EnvironmentInfo, ...]:
        """Every living environment."""
        now = self._clock.monotonic()
        return tuple(
            environment.info("busy" if busy else "idle", None if busy else now - environment.idle_since)
            for _, environment, busy in self._pools.all()
        )

    def close(self) -> None:
        """End every environment, thread and process; may be called twice."""
        self._closing.set()
        self._definer.stop()
        _living.discard(self)
        close_all(self._pools.retire())
        self._workbench.close(_GRACE_S)
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        until = time.perf_counter() + _GRACE_S
        while (left := self._pools.all()) and time.perf_counter() < until:
            # Whoever drives one of these sees its process end, and closes it.
            for _, environment, _ in left:
                environment.kill_now()
            time.sleep(0.002)
        if executor is not None:
            executor.shutdown(wait=True)
        for stream in list(self._streams):
            stream.join()
        self._provisioner.close()
        self._upkeep.close()
        self._templates.close()
        self._launcher.close()
        self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- environments -----------------------------------------------------------------------------

    def _pool(self, function: Function, request: Invocation) -> Pool:
        if self._closing.is_set():
            raise Closed("the local backend is closed", hint="open another Lab")
        tenant = request.tenant_id
        if tenant is not None or function.configuration.tenancy is not None:
            check_tenant(function, tenant)
        return self._pools.of(function, tenant=tenant)

    def _on_demand(self, pool: Pool) -> Environment:
        return self._environment(pool, "on-demand")

    def _provisioned(self, pool: Pool) -> Environment:
        return self._environment(pool, INIT_TYPE)

    def _environment(self, pool: Pool, init_type: str) -> Environment:
        definition = self._definition(pool)
        environment = Environment(definition, self._surroundings(), self._clock.now(), init_type=init_type)
        environment.prefix = record.common(environment)
        return environment

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            self._settings,
            self._found_limits(),
            self._keeper,
            self._machine,
            self._launcher,
            self._root,
            self._resolve_secret,
            self._endpoint,
            self._lastings.begin,
        )

    def _definition(self, pool: Pool) -> Definition:
        definition = pool.definition
        if definition is None or not is_whole(definition):
            with pool.preparing:
                definition = pool.definition
                if definition is None or not is_whole(definition):
                    definition = self._definer.define(pool.function)
                    self._preparations.done(definition)
                    pool.definition = definition
        return definition

    def _found_limits(self) -> Limits:
        if self._limits is None:
            self._limits = Limits(self._settings.memory, self._machine, cpu=self._settings.cpu)
        return self._limits

    def _abandon(self) -> None:
        """In a forked child: everything belongs to the parent."""
        self._closing.set()
        # A thread that is not here any more may have held one of these.
        self._lock, self._pools.lock = threading.Lock(), threading.Lock()
        self._keeper.abandon()
        for environment in self._pools.retire():
            environment.abandon()
        for _, environment, _ in self._pools.all():
            environment.abandon()
        self._templates.abandon()
        self._upkeep.abandon()
        self._provisioner.abandon()
        self._launcher.abandon()
        self._executor = None


_living: weakref.WeakSet[LocalBackend] = weakref.WeakSet()


def _close_all() -> None:
    for backend in list(_living):
        backend.close()


def _abandon_all() -> None:
    for backend in list(_living):
        backend._abandon()  # noqa: SLF001 - this module's own hook
    _living.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
