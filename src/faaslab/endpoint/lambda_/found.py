"""What an operation is about, looked up: the function as it is now, a published version, or an alias's.

Only what is published has a number on the wire, as on AWS; the lab's other definitions are not in sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.endpoint.lambda_.names import Named, not_found
from faaslab.errors import NotFound
from faaslab.model.function import LATEST, Function
from faaslab.model.version import PublishedVersion

if TYPE_CHECKING:
    from faaslab.endpoint.call import Call
    from faaslab.lab import Lab


@dataclass(frozen=True, kw_only=True)
class Found:
    """A function as it is now, or as it was published.

    `qualifier` is what its ARN shows behind the name; None for nothing.
    """

    function: Function
    published: PublishedVersion | None = None
    qualifier: str | None = None

    @property
    def version(self) -> str:
        """Its number, or `$LATEST`."""
        return self.published.version if self.published is not None else LATEST

    @property
    def arn(self) -> str:
        """Its ARN as it was asked for."""
        return Named(function=self.function.name, qualifier=self.qualifier).arn(self.function.region)

    @property
    def revision_id(self) -> str:
        """The revision of what was found."""
        return (self.published or self.function).revision_id


def present(lab: Lab, name: str, *, asked: Named | None = None) -> Function:
    """The function as it is now; raises the `Fault` with the ARN of what was `asked` for."""
    kept = lab.store.definitions.get(Function, name)
    if kept is None:
        raise not_found((asked or Named(function=name)).arn(lab.region))
    return lab.updates.seen(kept)


def found(call: Call, asked: Named) -> Found:
    """What a name and a qualifier lead to; raises the `Fault` of AWS when that is nowhere."""
    lab, qualifier = call.lab, asked.qualifier
    if qualifier in (None, LATEST):
        return Found(function=present(lab, asked.function, asked=asked), qualifier=qualifier)
    assert qualifier is not None
    try:
        number = qualifier if qualifier.isdigit() else lab.versions.alias(asked.function, qualifier).version
        if number == LATEST:
            return Found(function=present(lab, asked.function, asked=asked), qualifier=qualifier)
        return released(lab, asked.function, number, qualifier=qualifier)
    except NotFound:
        raise not_found(asked.arn(lab.region)) from None


def released(lab: Lab, name: str, number: str, *, qualifier: str | None = None) -> Found:
    """A published version by its number; `NotFound` where there is none."""
    published = lab.versions.get(name, number)
    function = lab.functions.get(name, published.version)
    return Found(function=function, published=published, qualifier=qualifier or published.version)
