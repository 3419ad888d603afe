"""Log groups of functions: which functions write to a group of that name, and the ARNs of it all.

A function's group is `/aws/lambda/NAME`, or what its LoggingConfig names. A function that is no more has its
group as long as the store has its logs.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from faaslab.endpoint.call import Theirs
from faaslab.endpoint.messages import Fault
from faaslab.model.function import Function
from faaslab.store.questions import logs as questions

if TYPE_CHECKING:
    from faaslab.endpoint.call import Call
    from faaslab.lab import Lab

ACCOUNT = "000000000000"
PREFIX = "/aws/lambda/"
_ARN = re.compile(
    r"arn:aws[a-z-]*:logs:(?P<region>[^:]*):(?P<account>\d*):log-group:(?P<name>[^:*]+)(?::\*)?"
)


def group_arn(name: str, region: str) -> str:
    """A group's ARN, without the `:*` behind it."""
    return f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}"


def group_of(function: Function) -> str:
    """The group that a function writes to."""
    named = function.aws_only.get("LogGroup")
    return str(named) if named else f"{PREFIX}{function.name}"


def named_group(params: Mapping[str, object]) -> str:
    """The group of a request, by `logGroupName` or `logGroupIdentifier` (a name, too, or an ARN)."""
    name, identifier = params.get("logGroupName"), params.get("logGroupIdentifier")
    if name and identifier:
        raise Fault(
            "InvalidParameterException", "LogGroup name and LogGroup identifier must not be both specified."
        )
    if not name and not identifier:
        raise Fault("InvalidParameterException", "LogGroup name or LogGroup identifier must be specified.")
    return plain(str(name or identifier))


def plain(identifier: str) -> str:
    """The name that stands in an ARN of a group, or is there already."""
    match = _ARN.fullmatch(identifier)
    return match["name"] if match else identifier


@dataclass(frozen=True)
class Groups:
    """Group -> the functions that are defined to write to it; the group of each; since when each is there."""

    writers: Mapping[str, tuple[str, ...]]
    of: Mapping[str, str]
    since: Mapping[str, datetime]


_known: weakref.WeakKeyDictionary[Lab, tuple[int, Groups]] = weakref.WeakKeyDictionary()


def groups(lab: Lab) -> Groups:
    """Those of the functions as they are defined now, read anew when any definition changed."""
    definitions = lab.store.definitions
    generation = definitions.generation()
    known = _known.get(lab)
    if known is not None and known[0] == generation:
        return known[1]
    functions = definitions.list(Function)
    writers: dict[str, tuple[str, ...]] = {}
    for function in functions:
        group = group_of(function)
        writers[group] = (*writers.get(group, ()), function.name)
    found = Groups(
        writers,
        {function.name: group_of(function) for function in functions},
        {function.name: function.created_at for function in functions},
    )
    _known[lab] = generation, found
    return found


def writers(lab: Lab, group: str) -> tuple[str, ...]:
    """The functions that write, or wrote, to a group; none for a group of something else."""
    known = groups(lab)
    found = known.writers.get(group, ())
    deleted = lab.store.log_groups.deleted().get(group)
    own = group.removeprefix(PREFIX) if group.startswith(PREFIX) else None
    if own and own not in found and ran(lab, own, deleted):
        return (*found, own)  # it writes elsewhere now, or is no more
    if deleted is not None and not any(ran(lab, each, deleted) for each in found):
        return ()
    return found


def ran(lab: Lab, function: str, since: datetime | None = None) -> bool:
    """Whether a function ever wrote to a log here, or since its group was deleted."""
    with lab.store.connect() as connection:
        return questions.has_run(connection, function, since)


def written(lab: Lab, group: str) -> bool:
    """Whether there is anything in a group of functions."""
    deleted = lab.store.log_groups.deleted().get(group)
    return any(ran(lab, function, deleted) for function in writers(lab, group))


def floors(lab: Lab, group_of: Mapping[str, str]) -> dict[str, datetime]:
    """Function -> the instant that its group, of `group_of`, was deleted at: nothing before is shown."""
    deleted = lab.store.log_groups.deleted()
    return {function: deleted[group] for function, group in group_of.items() if group in deleted}


def asked_writers(call: Call, group: str) -> tuple[str, ...]:
    """The functions of the group; raises `Theirs` when it is none of functions."""
    found = writers(call.lab, group)
    if not found:
        raise Theirs
    return found


def no_group() -> Fault:
    """What is answered for a group that is not there."""
    return Fault("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> Fault:
    """What is answered for a stream that is not there."""
    return Fault("ResourceNotFoundException", "The specified log stream does not exist.")
