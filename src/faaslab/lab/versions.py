"""Published versions of functions, and the aliases that point at them.

Rule: two lines of numbers, each with a word of its own. Whatever changes makes the next *definition*, be it
published or not; publishing one makes it a *version*, whose numbers are dense and never used again
(configuration-versions). A qualifier always means a version.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.lab import routing
from faaslab.lab.definitions import publishes_the_same
from faaslab.model.alias import Alias
from faaslab.model.function import LATEST, Function
from faaslab.model.version import REVISION_MISMATCH, PublishedVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.model.concurrency import Provision, ProvisionedConcurrency

_COLUMNS = (
    "definition", "version", "latest", "aliases", "description", "runtime", "memory_mb", "timeout_s",
    "code_sha256", "defined_at", "published_at",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pointed:
    """What pointing an alias did."""

    alias: Alias
    change: str


class Versions:
    """`lab.versions`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions

    # -- published versions ---------------------------------------------------------------------------

    def publish(
        self,
        name: str,
        *,
        definition: int | None = None,
        description: str | None = None,
        code_sha256: str | None = None,
        revision_id: str | None = None,
    ) -> PublishedVersion:
        """Publish the function as it is now, or a definition of it by number, as its next version.

        When nothing changed since the version published last, that one is the answer (PublishVersion). Else
        the function itself has another revision as well, as on Lambda.
        `description` is the function's own unless one is given. Raises `InvalidValue` when `code_sha256` is
        not that of the code, `Conflict` when `revision_id` is not the function's.
        """
        present = self._function(name)
        if revision_id is not None and revision_id != present.revision_id:
            raise changed_meanwhile(name)
        self._lab.updates.require_publishable(present)
        function = present if definition in (None, present.definition) else self.defined(name, definition)
        if code_sha256 is not None and code_sha256 != function.code_sha256:
            raise InvalidValue(
                f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST "
                f"({function.code_sha256}). Please try again with the CodeSHA256 in $LATEST.",
                place="code_sha256",
            )
        while True:
            last = self.latest(name)
            if last is not None and publishes_the_same(self.defined(name, last.definition), function):
                return last
            highest = self._kept.highest_number(PublishedVersion, name)
            publication = PublishedVersion(
                function=name,
                version=str(highest + 1),
                definition=function.definition,
                description=function.description if description is None else description,
                code_sha256=function.code_sha256,
                published_at=self._lab.clock.now(),
            )
            # Whoever was faster took the number, and may have published the same.
            with contextlib.suppress(AlreadyExists):
                kept = self._kept.put(publication, needs=((Function, name),))
                break
        with contextlib.suppress(Conflict, NotFound):
            # $LATEST has another revision now; where it was changed meanwhile it has one anyhow.
            self._kept.put(present, action="updated", expected_revision=present.revision_id)
        return kept

    def list(self, name: str) -> tuple[PublishedVersion, ...]:
        """The published versions of a function, oldest first."""
        found = self._kept.list(PublishedVersion, function=name)
        if not found:
            self._function(name)
        return tuple(sorted(found, key=lambda each: int(each.version)))

    def latest(self, name: str) -> PublishedVersion | None:
        """The published version with the highest number; None where there is none."""
        found = self.list(name)
        return found[-1] if found else None

    def get(self, name: str, version: str) -> PublishedVersion:
        """A published version; `NotFound` tells which there are."""
        found = self._kept.get(PublishedVersion, _key(name, version))
        if found is None:
            known = ", ".join(each.version for each in self.list(name))
            raise NotFound(
                f"published version of {name}",
                version,
                hint=f"it has: {known}" if known else f"publish it first: publish {name}",
            )
        return found

    def function(self, name: str, version: str) -> Function:
        """The function as that version was published; updates of `$LATEST` are none of its own."""
        published = self.get(name, version)
        return dataclasses.replace(
            self.defined(name, published.definition),
            version=version,
            description=published.description,
            revision_id=published.revision_id,
            last_update_status="Successful",
            last_update_reason=None,
        )

    def defined(self, name: str, definition: int) -> Function:
        """A definition of a function by its number, published or not; `NotFound` tells which there are."""
        function = self._kept.get(Function, name, definition)
        if function is None:
            self._function(name)
            known = [each.definition for each in self._kept.every(Function, name)]
            raise NotFound(f"definition of {name}", str(definition), hint=f"it has: {_spans(known)}")
        return function

    def delete(self, name: str, version: str, *, revision_id: str | None = None) -> None:
        """Take a published version away (DeleteFunction with a qualifier); what was defined stays.

        Raises `Conflict` while an alias leads to it, `InvalidValue` for what is no published version.
        """
        if version == LATEST:
            raise InvalidValue(
                "$LATEST version cannot be deleted without deleting the function.",
                place="version",
                hint=f"that is: rm {name}",
            )
        if not version.isdecimal():
            raise InvalidValue(
                "Deletion of aliases is not currently supported.",
                place="version",
                hint=f"an alias goes with: alias {name} {version} --remove",
            )
        self.get(name, version)
        self._kept.delete(PublishedVersion, _key(name, version), expected_revision=revision_id)
        self._lab.provisioned.hold(name)
        self._lab.retire(name, version=version)

    def table(self, name: str) -> pd.DataFrame:
        """Every definition of a function, the newest first, which version it is and who points at it."""
        import pandas as pd

        published: dict[int, list[PublishedVersion]] = {}
        for each in self.list(name):
            published.setdefault(each.definition, []).append(each)
        aliases = self.aliases(name)
        present = self._function(name)
        rows = []
        for function in reversed(self._lab.functions.definitions(name)):
            releases = published.get(function.definition, [])
            release = releases[-1] if releases else None
            latest = function.definition == present.definition
            numbers = tuple(each.version for each in releases)
            led_to = (*numbers, LATEST) if latest else numbers
            rows.append((
                function.definition,
                ", ".join(numbers),
                latest,
                ", ".join(said for alias in aliases for said in _shares(alias, led_to)),
                release.description if release else function.description,
                function.runtime,
                function.configuration.memory_mb,
                function.configuration.timeout_s,
                function.code_sha256,
                function.updated_at,
                release.published_at if release else None,
            ))  # fmt: skip
        return pd.DataFrame(rows, columns=[*_COLUMNS])

    # -- aliases --------------------------------------------------------------------------------------

    def create_alias(
        self,
        name: str,
        alias: str,
        version: str,
        *,
        weights: Mapping[str, float] | None = None,
        description: str = "",
    ) -> Alias:
        """A new alias of a published version, or of `$LATEST`; `weights` is {second version: its share}.

        Raises `InvalidValue` for what Lambda would refuse, `NotFound` for a version that is not published,
        `AlreadyExists`.
        """
        self._function(name)
        now = self._lab.clock.now()
        made = Alias(
            function=name,
            name=routing.name(alias),
            version=version,
            weights=routing.weights(version, weights or {}),
            description=description,
            created_at=now,
            updated_at=now,
        )
        try:
            return self._kept.put(made, needs=self._needs(made))
        except AlreadyExists:
            arn = f"{self._function(name).arn}:{alias}"
            raise AlreadyExists(
                f"Alias already exists: {arn}", place="alias", hint="update it, or choose another name"
            ) from None

    def update_alias(
        self,
        name: str,
        alias: str,
        *,
        version: str | None = None,
        weights: Mapping[str, float] | None = None,
        description: str | None = None,
        revision_id: str | None = None,
    ) -> Alias:
        """Point an alias elsewhere; what is not given stays, and `weights={}` clears them (UpdateAlias).

        Raises `Conflict` when `revision_id` is not the alias's own, and what `create_alias` raises.
        """
        present = self.alias(name, alias)
        if revision_id is not None and revision_id != present.revision_id:
            raise changed_meanwhile(f"{name}:{alias}")
        target = present.version if version is None else version
        if target != present.version:
            self._lab.provisioned.check_move(name, alias, target)
        changed = dataclasses.replace(
            present,
            version=target,
            weights=routing.weights(target, present.weights if weights is None else weights),
            description=present.description if description is None else description,
            updated_at=self._lab.clock.now(),
        )
        kept = self._kept.put(
            changed, action="updated", expected_revision=present.revision_id, needs=self._needs(changed)
        )
        self._lab.provisioned.hold(name)
        return kept

    def alias(self, name: str, alias: str) -> Alias:
        """An alias of a function; `NotFound` tells which there are."""
        found = self._kept.get(Alias, _key(name, alias))
        if found is None:
            known = [each.name for each in self.aliases(name)]
            hint = None if known else f"point it at a version first: alias {name} {alias} VERSION"
            raise NotFound(f"alias of {name}", alias, known, hint=hint)
        return found

    def aliases(self, name: str, *, version: str | None = None) -> tuple[Alias, ...]:
        """The aliases of a function by name; of one `version` those that lead to it."""
        found = self._kept.list(Alias, function=name)
        if not found:
            self._function(name)
        return tuple(each for each in found if version is None or version in each.versions)

    def delete_alias(self, name: str, alias: str, *, revision_id: str | None = None) -> None:
        """Delete an alias; the versions that it pointed at stay."""
        self.alias(name, alias)
        self._kept.delete(Alias, _key(name, alias), expected_revision=revision_id)
        self._lab.provisioned.hold(name)

    def point(self, name: str, alias: str, version: str, *, share: float | None = None) -> Pointed:
        """Create or move an alias.

        Without `share` all of the alias's traffic goes to `version`; with it that share (0 to 1) does, and
        the rest stays where it is (a canary). A share of 1 moves it, one of 0 ends the canary.
        """
        routing.name(alias)
        present = self._kept.get(Alias, _key(name, alias))
        if share is not None and present is None:
            raise InvalidValue(
                f"{alias} points at nothing yet that could keep the rest",
                place="weights",
                hint=f"point it at a version first: alias {name} {alias} VERSION",
            )
        if present is None:
            return Pointed(alias=self.create_alias(name, alias, version), change="created")
        if share is None or share == 1:
            made = self.update_alias(name, alias, version=version, weights={})
        else:
            routing.weights(present.version, {version: share})
            made = self.update_alias(name, alias, weights={version: share} if share else {})
        return Pointed(alias=made, change="updated")

    # -- provisioned concurrency ----------------------------------------------------------------------

    def provision(
        self, name: str, qualifier: str, executions: int, *, wait: bool = True
    ) -> ProvisionedConcurrency:
        """Keep environments of a version or an alias ready (PutProvisionedConcurrencyConfig).

        They are started in this process; without `wait` the answer is IN_PROGRESS, later READY or FAILED.
        Raises `InvalidValue` and `Conflict` for what Lambda would refuse.
        """
        return self._lab.provisioned.put(name, qualifier, executions, wait=wait)

    def provisioned(self, name: str, qualifier: str) -> Provision:
        """How the provisioned concurrency of a version or an alias stands in this process."""
        return self._lab.provisioned.state(name, qualifier)

    def unprovision(self, name: str, qualifier: str) -> None:
        """Keep none ready any more; what runs there ends first."""
        self._lab.provisioned.delete(name, qualifier)

    # -- what is kept ---------------------------------------------------------------------------------

    def _function(self, name: str) -> Function:
        function = self._kept.get(Function, name)
        if function is None:
            raise NotFound("function", name, self._kept.names(Function))
        return function

    def _require_alike(self, name: str, one: str, other: str) -> None:
        """Versions that share an alias have one role and one dead-letter queue (configuration-aliases)."""
        if _role_and_dead_letters(self.function(name, one)) != _role_and_dead_letters(
            self.function(name, other)
        ):
            raise InvalidValue(
                f"versions {one} and {other} differ in their role or their dead-letter queue",
                place="weights",
                hint="an alias shares its traffic between versions that have the same",
            )

    def _needs(self, alias: Alias) -> tuple[tuple[type[Any], str], ...]:
        """What must be published for an alias; told in words before the store says it in keys."""
        numbers = [number for number in alias.versions if number != LATEST]
        for number in numbers:
            self.get(alias.function, number)
        if len(numbers) > 1:
            self._require_alike(alias.function, *numbers)
        return (
            (Function, alias.function),
            *((PublishedVersion, _key(alias.function, number)) for number in numbers),
        )


def _role_and_dead_letters(function: Function) -> tuple[str | None, str | None]:
    return function.role, function.configuration.dead_letter_queue


def _spans(numbers: Sequence[int]) -> str:
    """`1 to 4, 7` of ascending numbers."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join(" to ".join(map(str, span)) for span in spans)


def changed_meanwhile(what: str) -> Conflict:
    """What a revision that is not the latest gets."""
    return Conflict(REVISION_MISMATCH, place="revision_id", hint=f"read {what!r} again, then change it")


def _key(name: str, qualifier: str) -> str:
    return f"{name}:{qualifier}"


def _shares(alias: Alias, numbers: tuple[str, ...]) -> list[str]:
    """How an alias leads to one of `numbers`: `prod`, or `prod 10%` where it shares."""
    left = 1.0 - sum(alias.weights.values())
    said = []
    for number, share in ((alias.version, left), *alias.weights.items()):
        if number in numbers:
            said.append(alias.name if not alias.weights else f"{alias.name} {share * 100:g}%")
    return said
