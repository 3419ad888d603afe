"""The verbs about versions and their concurrency: publish, versions, alias, reserve, provision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.model.json import to_json
from faaslab.verbs.answers import DoneAnswer, TableAnswer
from faaslab.verbs.function_options import NAME
from faaslab.verbs.options import Option, Positional, number, whole_number
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.model.alias import Alias
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_DESCRIPTION = Option(flags=("--description",), name="description", metavar="TEXT", help="what it is")
_REVISION = Option(
    flags=("--revision",), name="revision_id", metavar="ID", help="only if this is its revision"
)


def publish(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The present definition as the next version."""
    name = call["name"]
    before = lab.versions.latest(name)
    published = lab.versions.publish(
        name,
        definition=call["definition"],
        description=call["description"],
        code_sha256=call["code_sha256"],
        revision_id=call["revision_id"],
    )
    new = before is None or published != before
    said = "published" if new else "nothing changed since it was published"
    return DoneAnswer(
        text=f"{name} version {published.version} (definition {published.definition}): {said}",
        facts={**to_json(published), "change": "published" if new else "unchanged"},
    )


def versions(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """All definitions of a function, and which versions they are."""
    name = call["name"]
    if call["remove"] is not None:
        lab.versions.delete(name, call["remove"], revision_id=call["revision_id"])
        return DoneAnswer(
            text=f"deleted version {call['remove']} of {name}", facts={"deleted": call["remove"]}
        )
    return TableAnswer(df=lab.versions.table(name))


def alias(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """An alias: pointed, looked at, deleted; all of a function's without a name."""
    name, which, version = call["name"], call["alias"], call["version"]
    if which is None:
        return _table(lab.versions.aliases(name), f"{name} has no alias yet: alias {name} prod VERSION")
    if call["remove"]:
        lab.versions.delete_alias(name, which, revision_id=call["revision_id"])
        return DoneAnswer(text=f"deleted the alias {which} of {name}", facts={"deleted": which})
    if version is None:
        if call["weights"] is not None:
            raise InvalidValue("needs the version that it is for", place="weights")
        if call["description"] is None:
            return _table((lab.versions.alias(name, which),), "")
        found = lab.versions.update_alias(
            name, which, description=call["description"], revision_id=call["revision_id"]
        )
        return _pointed(found, "changed")
    if call["revision_id"] is not None:
        # So that a look and a change by two people at once cannot both win.
        lab.versions.update_alias(name, which, revision_id=call["revision_id"])
    share = None if call["weights"] is None else call["weights"] / 100
    try:
        pointed = lab.versions.point(name, which, version, share=share)
    except InvalidValue as error:
        if share is not None and not 0 <= share <= 1:
            error.message = f"{call['weights']:g} is no percentage from 0 to 100: {error.message}"
            error.hint = None
        raise
    found = pointed.alias
    if call["description"] is not None:
        found = lab.versions.update_alias(name, which, description=call["description"])
    return _pointed(found, pointed.change)


def reserve(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The reserved concurrency of a function: set, or given back."""
    name, executions = call["name"], _count(call["executions"], "executions")
    try:
        lab.functions.reserve(name, executions)
    except InvalidValue as error:
        error.place = "executions" if error.place == "reserved_concurrency" else error.place
        raise
    said = "nothing is reserved" if executions is None else f"{executions} reserved"
    if executions == 0:
        said += ", which blocks it"
    return DoneAnswer(text=f"{name}: {said}", facts={"function": name, "reserved_concurrency": executions})


def provision(lab: Lab, call: Call, face: Face) -> Answer:
    """Environments of a version or an alias that are kept ready."""
    name, qualifier = call["name"], call["qualifier"]
    if call["executions"] is not None:
        executions = _count(call["executions"], "executions")
        if executions is None:
            lab.versions.unprovision(name, qualifier)
            return DoneAnswer(
                text=f"{name}:{qualifier}: nothing is provisioned",
                facts={"function": name, "qualifier": qualifier, "requested": 0},
            )
        face.note("they are this process's and end with it: those of a shell with this very command")
        lab.versions.provision(name, qualifier, executions)
    state = lab.versions.provisioned(name, qualifier)
    why = f": {state.reason}" if state.reason else ""
    return DoneAnswer(
        text=f"{name}:{qualifier}: {state.requested} provisioned, {state.available} idle, "
        f"{state.status}{why}",
        facts={"function": name, "qualifier": qualifier, **to_json(state)},
        exit_status=1 if state.status == "FAILED" else 0,
    )


def _count(text: str, place: str) -> int | None:
    """A number, or None for `none`."""
    if text == "none":
        return None
    if not text.isdigit():
        raise InvalidValue(f"{text!r} is neither a whole number nor none", place=place)
    return int(text)


def _pointed(found: Alias, change: str) -> DoneAnswer:
    return DoneAnswer(
        text=f"{found.function}:{found.name} -> {leads(found)}",
        facts={**to_json(found), "change": change},
    )


def leads(found: Alias) -> str:
    """Where an alias leads, in words."""
    if not found.weights:
        return f"version {found.version}"
    left = 1 - sum(found.weights.values())
    parts = [(found.version, left), *found.weights.items()]
    return ", ".join(f"version {version} {share * 100:g}%" for version, share in parts)


def _table(aliases: tuple[Alias, ...], empty: str) -> TableAnswer:
    import pandas as pd

    rows: list[tuple[Any, ...]] = [
        (each.name, leads(each), each.description, each.updated_at, each.revision_id) for each in aliases
    ]
    columns = ["alias", "leads_to", "description", "updated_at", "revision_id"]
    return TableAnswer(df=pd.DataFrame(rows, columns=columns), empty=empty)


VERBS: tuple[Verb, ...] = (
    Verb(
        name="publish",
        summary="publish a function as it is now: a numbered version that never changes",
        run=publish,
        positionals=(NAME,),
        options=(
            Option(
                flags=("--definition",),
                name="definition",
                metavar="N",
                read=whole_number,
                help="this definition and not the present one",
            ),
            _DESCRIPTION,
            Option(
                flags=("--code-sha256",),
                name="code_sha256",
                metavar="SHA",
                help="only if this is its code",
            ),
            _REVISION,
        ),
        examples=('publish score --description "with tax"', "publish score --definition 3"),
    ),
    Verb(
        name="versions",
        summary="every definition of a function, which version it is, who points at it",
        run=versions,
        positionals=(NAME,),
        options=(
            Option(flags=("--remove",), name="remove", metavar="N", help="delete this version"),
            _REVISION,
        ),
        examples=("versions score",),
    ),
    Verb(
        name="alias",
        summary="point an alias at a version, or show and remove aliases",
        run=alias,
        positionals=(
            NAME,
            Positional(name="alias", help="such as prod; all of them without it", required=False),
            Positional(name="version", help="the number of a version, or $LATEST", required=False),
        ),
        options=(
            Option(
                flags=("--weight",),
                name="weights",
                metavar="PERCENT",
                read=number,
                help="so many percent of its traffic to that version; 0 ends that, 100 moves all",
            ),
            _DESCRIPTION,
            Option(flags=("--remove",), name="remove", help="delete the alias"),
            _REVISION,
        ),
        examples=("alias score prod 1", "alias score prod 2 --weight 10", "alias score"),
    ),
    Verb(
        name="reserve",
        summary="reserve concurrency for a function: so many at once, and nobody else has them",
        run=reserve,
        positionals=(
            NAME,
            Positional(name="executions", help="how many at once; 0 blocks it, none gives it back"),
        ),
        examples=("reserve score 5", "reserve score none"),
    ),
    Verb(
        name="provision",
        summary="keep environments of a version or an alias ready, or show how it stands",
        run=provision,
        positionals=(
            NAME,
            Positional(name="qualifier", help="an alias, or a version by number"),
            Positional(name="executions", help="how many; none ends them", required=False),
        ),
        examples=("provision score prod 2", "provision score prod"),
    ),
)
