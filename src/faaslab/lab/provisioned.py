"""Provisioned concurrency of versions and aliases: kept in the store, held by each process that runs them.

Rule: a process starts its environments when it is told to provision, or when it first runs such a version;
looking at a function starts nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import TYPE_CHECKING

from faaslab.errors import AlreadyExists, Conflict, FaaslabError, InvalidValue, NotFound
from faaslab.lab import concurrency
from faaslab.lab.versions import changed_meanwhile
from faaslab.model.alias import Alias
from faaslab.model.concurrency import Provision, ProvisionedConcurrency
from faaslab.model.function import LATEST, Function
from faaslab.model.version import PublishedVersion

if TYPE_CHECKING:
    from concurrent.futures import Future

    from faaslab.lab import Lab

_ATTEMPTS = 20  # other definitions may change at the same moment


class _Changed(Conflict):
    """Something changed between the look and the change: look again."""


class Provisioned:
    """The provisioned concurrency of a lab's functions."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions
        self._lock = threading.RLock()
        self._held: dict[tuple[str, str], tuple[Function, int]] = {}

    def put(self, name: str, qualifier: str, executions: int, *, wait: bool) -> ProvisionedConcurrency:
        """Keep so many environments ready; with `wait` until they are, or the init failed."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(_Changed):
                version, wanted = self._put(name, qualifier, executions)
                break
        else:
            raise changed_meanwhile(f"{name}:{qualifier}")
        with self._lock:
            self._held.pop((name, version), None)
        futures = self._settle(name)
        if wait and version in futures:
            futures[version].result()
            self._ended(wanted, futures[version])  # the callback may come after this
        return self.get(name, qualifier)

    def _put(self, name: str, qualifier: str, executions: int) -> tuple[str, ProvisionedConcurrency]:
        """The version, and what is kept now; `_Changed` when something else changed meanwhile."""
        generation = self._kept.generation()
        concurrency.check_provisioned(name, qualifier, executions, self._lab.account())
        version = self._version(name, qualifier)
        self._check_suits(self._lab.functions.get(name, version))
        if not qualifier.isdigit() and self._lab.versions.alias(name, qualifier).weights:
            raise Conflict(
                "Alias with weights can not be used with Provisioned Concurrency",
                place="qualifier",
                hint=f"clear them first: alias {name} {qualifier} {version}",
            )
        self._check_free(name, qualifier, version)
        present = self._kept.get(ProvisionedConcurrency, f"{name}:{qualifier}")
        wanted = ProvisionedConcurrency(
            function=name, qualifier=qualifier, executions=executions, updated_at=self._lab.clock.now()
        )
        owner = (PublishedVersion if qualifier.isdigit() else Alias, f"{name}:{qualifier}")
        try:
            if present is None:
                kept = self._kept.put(wanted, needs=(owner,), at_generation=generation)
            else:
                kept = self._kept.put(
                    wanted,
                    action="updated",
                    expected_revision=present.revision_id,
                    needs=(owner,),
                    at_generation=generation,
                )
        except (AlreadyExists, Conflict) as error:
            raise _Changed(error.message) from None
        return version, kept

    def get(self, name: str, qualifier: str) -> ProvisionedConcurrency:
        """What is asked for, and how it ended; `NotFound` where there is none."""
        found = self._kept.get(ProvisionedConcurrency, f"{name}:{qualifier}")
        if found is None:
            raise NotFound(
                f"provisioned concurrency of {name}",
                qualifier,
                hint="No Provisioned Concurrency Config found for this function",
            )
        return found

    def list(self, name: str) -> tuple[ProvisionedConcurrency, ...]:
        """All of a function."""
        return self._kept.list(ProvisionedConcurrency, function=name)

    def state(self, name: str, qualifier: str) -> Provision:
        """How it stands in this process."""
        found = self.get(name, qualifier)
        held = self._held.get((name, self._version(name, qualifier)))
        if held is None:
            return Provision(
                requested=found.executions,
                allocated=0,
                available=0,
                status=found.status,
                reason=found.status_reason,
            )
        return self._lab.backend.provisioned(held[0])

    def delete(self, name: str, qualifier: str) -> None:
        """End them."""
        self.get(name, qualifier)
        self._kept.delete(ProvisionedConcurrency, f"{name}:{qualifier}")
        self._settle(name)

    def hold(self, name: str) -> None:
        """Have in this process what is kept for a function, and no more."""
        if self._kept.list(ProvisionedConcurrency, function=name) or any(
            function == name for function, _ in self._held
        ):
            self._settle(name)

    def forget(self, name: str) -> None:
        """The function was deleted, and its environments with it."""
        with self._lock:
            for key in [key for key in self._held if key[0] == name]:
                del self._held[key]

    def check_move(self, name: str, alias: str, version: str) -> None:
        """Raise where an alias that has provisioned concurrency may not lead to `version`."""
        if self._kept.get(ProvisionedConcurrency, f"{name}:{alias}") is not None:
            if version == LATEST:
                concurrency.check_provisioned(name, LATEST, 1, self._lab.account())
            self._check_suits(self._lab.versions.function(name, version))
            self._check_free(name, alias, version)

    def _settle(self, name: str) -> dict[str, Future[Provision]]:
        with self._lock:
            return self._settled(name)

    def _settled(self, name: str) -> dict[str, Future[Provision]]:
        wanted: dict[str, ProvisionedConcurrency] = {}
        for each in self.list(name):
            with contextlib.suppress(NotFound, InvalidValue):  # it was moved or deleted by another process
                wanted[self._version(name, each.qualifier)] = each
        futures: dict[str, Future[Provision]] = {}
        backend = self._lab.backend
        for key, (function, _) in list(self._held.items()):
            if key[0] == name and key[1] not in wanted:
                del self._held[key]
                backend.provision(function, 0)
        for version, each in wanted.items():
            held = self._held.get((name, version))
            if each.status == "FAILED" or (held is not None and held[1] == each.executions):
                continue
            function = held[0] if held is not None else self._lab.functions.get(name, version)
            self._held[name, version] = (function, each.executions)
            future = backend.provision(function, each.executions)
            future.add_done_callback(lambda done, each=each: self._ended(each, done))  # type: ignore[misc]
            futures[version] = future
        return futures

    def _ended(self, asked: ProvisionedConcurrency, done: Future[Provision]) -> None:
        """Keep how it ended, for every process to see."""
        told = done.result()
        if told.status == "IN_PROGRESS":
            return
        with contextlib.suppress(FaaslabError):  # the store tells what it last saw; `state` asks the backend
            present = self._kept.get(ProvisionedConcurrency, asked.name)
            if present is None or present.executions != asked.executions:
                return
            if (present.status, present.status_reason) != (told.status, told.reason):
                changed = dataclasses.replace(present, status=told.status, status_reason=told.reason)
                self._kept.put(changed, action="updated", expected_revision=present.revision_id)

    def _version(self, name: str, qualifier: str) -> str:
        """The published version that a qualifier leads to."""
        if qualifier.isdigit():
            return self._lab.versions.get(name, qualifier).version
        alias = self._lab.versions.alias(name, qualifier)
        if alias.version == LATEST:
            concurrency.check_provisioned(name, LATEST, 1, self._lab.account())
        return alias.version

    @staticmethod
    def _check_suits(function: Function) -> None:
        """Lambda's SnapStart and its tenants have environments of another kind (page snapstart)."""
        kind = None
        if function.configuration.snap_start != "None":
            kind = "SnapStart enabled functions"
        elif function.configuration.tenancy is not None:
            kind = "functions with tenant isolation mode"
        if kind is not None:
            raise InvalidValue(
                f"Provisioned Concurrency is not supported for {kind}.",
                place="qualifier",
                hint="take one of them",
            )

    def _check_free(self, name: str, qualifier: str, version: str) -> None:
        """A version has one provisioned concurrency: its own, or that of one alias."""
        others = [each.qualifier for each in self.list(name) if each.qualifier != qualifier]
        if qualifier.isdigit():
            for other in others:
                if not other.isdigit() and self._lab.versions.alias(name, other).version == version:
                    raise Conflict("Version is pointed by a Provisioned Concurrency alias", place="qualifier")
            return
        for other in others:
            led = other if other.isdigit() else self._lab.versions.alias(name, other).version
            if led == version:
                raise Conflict(
                    "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned "
                    "version",
                    place="qualifier",
                )
