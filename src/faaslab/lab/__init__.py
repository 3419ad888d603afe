"""The Lab joins the parts: it hands what one neighbour gives to the next, one small file a service.

`faaslab.open()` makes one. Its services are `functions`, `layers`, `policies`, `versions`, `workflows`,
`asynchronous`, `executions`, `monitoring` and `reports`. A result meets the store here only, in
`Lab.complete` (in `settle`, when it comes from a queue), before any answer is given.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import random
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from faaslab.clock import SYSTEM, Clock
from faaslab.errors import Closed
from faaslab.lab import secrets, standing
from faaslab.lab.asynchronous import Asynchronous
from faaslab.lab.cloud import Cloud
from faaslab.lab.concurrency import Account
from faaslab.lab.door import Door
from faaslab.lab.executions import Executions
from faaslab.lab.following import Following
from faaslab.lab.functions import Functions
from faaslab.lab.home import Home
from faaslab.lab.layers import Layers
from faaslab.lab.monitoring import Monitoring
from faaslab.lab.orphans import Orphans
from faaslab.lab.policies import Policies
from faaslab.lab.provisioned import Provisioned
from faaslab.lab.reports import Reports
from faaslab.lab.running import Running
from faaslab.lab.serving import Serving
from faaslab.lab.targets import Targets
from faaslab.lab.updates import Updates
from faaslab.lab.versions import Versions
from faaslab.model.concurrency import ProvisionedConcurrency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from faaslab.backends.local import LocalBackend, LocalSettings
    from faaslab.backends.local.environment import EnvironmentInfo
    from faaslab.lab.definitions import Definition
    from faaslab.lab.imports import ImportResult
    from faaslab.lab.serving import StartEndpoint
    from faaslab.lab.workflows import Workflows
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.settings import Setting
    from faaslab.store import Claim, Store


class Lab:
    """Functions, executions, monitoring and reports of one store. A context manager; `close` twice is fine.

    `run_queue`: whether it runs the events that others have queued, too, as soon as it runs anything;
    `queue_concurrency`: how many of them at once. `start_endpoint` opens a port that speaks AWS's protocols;
    with `aws_endpoint` the SDKs in functions find it. One that `borrows` runs single invocations at the home.
    `backend` is made when something runs for the first time: looking at a store starts nothing.
    """

    def __init__(
        self,
        store: Store,
        *,
        cache: Path,
        local: LocalSettings | None = None,
        region: str = "us-east-1",
        settings: Sequence[Setting] = (),
        clock: Clock = SYSTEM,
        chance: Callable[[], float] = random.random,
        run_queue: bool = True,
        queue_concurrency: int | None = None,
        start_endpoint: StartEndpoint | None = None,
        aws_endpoint: bool = True,
        borrows: bool = False,
        close_store: Callable[[Store], None] | None = None,
        on_close: Callable[[Lab], None] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.chance = chance
        self.region = region
        self.settings = tuple(settings)
        self._cache = cache
        self._local = local
        self._backend: LocalBackend | None = None
        self._guard = threading.Lock()
        self._workflows: Workflows | None = None
        self._closed = False
        self._close_store = close_store
        self._on_close = on_close
        self.home = Home(self, start_endpoint)
        self.cloud = Cloud(self)
        self.door = Door(self.home.ensure, self.home.present)
        self._aws_endpoint = aws_endpoint and start_endpoint is not None
        self._borrows = borrows
        self.home.note_with(lambda: {standing.WAY: self._way()})
        self.secrets = secrets.Known()
        self.updates = Updates(self)
        self.asynchronous = Asynchronous(self, everybodys=run_queue, at_once=queue_concurrency)
        self.targets = Targets(self)
        self.home.listen(self.targets.look)
        self.orphans = Orphans(self, by_itself=run_queue)
        self.home.on_change(self.orphans.begin, self.orphans.end)
        self.home.listen(self.orphans.look)
        self.layers = Layers(self)
        self.policies = Policies(self)
        self.functions = Functions(self)
        self.following = Following(self)
        self.versions = Versions(self)
        self.provisioned = Provisioned(self)
        self.running = Running(self)
        self.executions = Executions(self)
        self.monitoring = Monitoring(self)
        self.reports = Reports(self)

    @property
    def workflows(self) -> Workflows:
        """Workflows. Imported with the first use, as many a lab has none."""
        found = self._workflows
        if found is None:
            from faaslab.lab.workflows import Workflows

            with self._guard:
                found = self._workflows = self._workflows or Workflows(self)
        return found

    @property
    def uses_workflows(self) -> bool:
        """Whether anybody has asked for them yet."""
        return self._workflows is not None

    @property
    def backend(self) -> LocalBackend:
        """What runs the functions."""
        backend = self._backend
        return backend if backend is not None else self._start_backend()

    @property
    def keep_alive_s(self) -> float:
        """For how many seconds idle environments are kept."""
        from faaslab.backends.local import LocalSettings

        return (self._local or LocalSettings()).keep_alive_s

    def _start_backend(self) -> LocalBackend:
        with self._guard:
            if self._closed:
                raise Closed("this lab is closed", hint="open another: faaslab.open()")
            if self._backend is None:
                from faaslab.backends.local import LocalBackend, LocalSettings

                made: Callable[..., LocalBackend] = LocalBackend
                if self._borrows:
                    from faaslab.backends.borrowing import BorrowingBackend

                    made = functools.partial(
                        BorrowingBackend, home=self._borrowed, recorded=self.executions.get
                    )
                self._backend = made(
                    self._cache,
                    code_of=self._code_of,
                    layer_of=self.layers.archive,
                    clock=self.clock,
                    settings=self._local or LocalSettings(),
                    resolve_secret=self.secrets.resolve,
                    endpoint=self._aws,
                    watch=self.running,
                )
                self._backend.reserve(self.store.definitions.reserved())
                self.asynchronous.backend_started()
            return self._backend

    def _code_of(self, function: Function) -> Path:
        return self.store.blobs.path(function.code_digest)

    def _aws(self) -> str | None:
        """Where the SDKs in functions find AWS's services."""
        return self.door.address if self._aws_endpoint else None

    def _way(self) -> str:
        """What tells how this process runs functions from how another one does."""
        how = (self._local, self.store.settings, self._cache, self.region, self._aws_endpoint, sys.executable)
        said = repr(how)
        return hashlib.sha256(said.encode()).hexdigest()

    def keeps_secrets_from_home(self, name: str) -> bool:
        """Whether a home would run this function for this process, if it had no secrets."""
        if not self._borrows or self._borrowed() is None:
            return False
        return bool(self.functions.get(name).configuration.secrets)

    def _borrowed(self) -> str | None:
        """The address of a home that runs functions as this process would."""
        lease = self.home.elsewhere()
        if lease is None or lease.notes.get(standing.WAY) != self._way():
            return None
        return lease.address

    def complete(self, executions: Sequence[Execution]) -> None:
        """Record what ended. Every answer of the lab comes after this."""
        if not self.running.any_here:
            self.store.record(*executions)
            return
        with self.running.ending(executions) as ended:
            self.store.record(*executions, ended=ended)

    def settle(self, claim: Claim, *entities: object, **follows: Any) -> bool:
        """Record what came of something queued, and what follows, in one; see `Store.settle`."""
        with self.running.ending(entities) as ended:
            return self.store.settle(claim, *entities, ended=ended, **follows)

    def foreseen(self, definition: Definition) -> Definition:
        """With what is known to become of it on this machine among its notes."""
        from faaslab.lab import foresight

        own = self._local is not None and self._local.own_interpreter
        notes = foresight.foreseen(definition.function, own_interpreter=own)
        return dataclasses.replace(definition, notes=(*definition.notes, *notes)) if notes else definition

    def retire(self, function_name: str, *, version: str | None = None) -> None:
        """End the idle environments of a function that is no longer what it was, or of one version of it."""
        if self._backend is not None:
            self._backend.retire(function_name, version=version)

    def reserve(self) -> None:
        """Tell the backend what functions have reserved now."""
        if self._backend is not None:
            self._backend.reserve(self.store.definitions.reserved())

    def account(self) -> Account:
        """What functions have set aside of the account's concurrency."""
        from faaslab.backends.local import LocalSettings

        kept = self.store.definitions
        provisioned = kept.list(ProvisionedConcurrency)
        return Account(
            limit=(self._local or LocalSettings()).concurrency,
            reserved=kept.reserved(),
            provisioned={(each.function, each.qualifier): each.executions for each in provisioned},
        )

    def enforced(self, function: Function | None = None) -> Mapping[str, str]:
        """Limit -> how it is enforced on this machine; for that function, where one is given."""
        return self.backend.enforced(function)

    def environments(self) -> tuple[EnvironmentInfo, ...]:
        """The execution environments of this process; none before anything ran in it."""
        return () if self._backend is None else self._backend.environments()

    def sql(self, text: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The answer to a question in DuckDB's SQL over the whole history, the newest record included."""
        return self.store.sql(text, params)

    def import_logs(
        self, paths: Iterable[str | Path], *, function: str | None = None, region: str | None = None
    ) -> ImportResult:
        """Executions out of real log files, marked `imported`; the same file twice adds nothing."""
        from faaslab.lab.imports import import_logs

        return import_logs(self.store, [Path(path) for path in paths], function=function, region=region)

    def settings_table(self) -> pd.DataFrame:
        """Every setting with its value and its source."""
        import pandas as pd

        rows = [(each.name, _shown(each.value), each.source, each.help) for each in self.settings]
        return pd.DataFrame(rows, columns=["setting", "value", "source", "help"])

    def doctor(self) -> pd.DataFrame:
        """What is installed, enforced and healthy: what, state (ok, note, bad), detail."""
        import pandas as pd

        from faaslab.lab import doctor

        return pd.DataFrame(doctor.rows(self), columns=["what", "state", "detail"])

    def serve(self, host: str = "127.0.0.1", port: int = 0, token: str | None = None) -> Serving:
        """Be the home of the store, with an endpoint that any AWS SDK talks to, until that is closed.

        Port 0 takes a free one; see `.address`. Reports that are due run meanwhile. Raises `StoreBusy` when
        another process was told to be the home, InvalidValue for a host that is not loopback without a token.
        """
        serving = self.home.take(host, port, token)
        schedules = self.reports.schedules
        began = schedules.start(everybodys=False)

        def end(drain_s: float) -> None:
            if began:
                schedules.finish(drain_s)
                schedules.close()
            serving.close(drain_s)

        return Serving(serving.address, end)

    def new_id(self) -> str:
        """A new identifier."""
        return os.urandom(8).hex()

    def close(self) -> None:
        """End every environment and thread, then the store. What was answered is recorded already."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        self.asynchronous.stop()
        self.updates.stop()
        self.reports.close()
        try:
            if self._workflows is not None:
                self._workflows.close()
            self.home.close()
            self.door.close()
            self.targets.close()
            if self._backend is not None:
                self._backend.close()
            self.running.close()
            self.updates.close()
        finally:
            self.asynchronous.close()
            try:
                (self._close_store or type(self.store).close)(self.store)
            finally:
                if self._on_close is not None:
                    self._on_close(self)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Lab {self.store.path}{' (closed)' if self._closed else ''}>"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
