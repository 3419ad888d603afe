"""Functions: made, changed, looked at, listed and deleted. What is made here is the lab's own.

A function that needs preparing (an image, packages) is Pending until it is prepared, and its update is
InProgress, as on AWS; any other can run when the answer is there.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from faaslab.endpoint import downloads
from faaslab.endpoint.lambda_ import code, settings, shapes
from faaslab.endpoint.lambda_.found import Found, found, present, released
from faaslab.endpoint.lambda_.names import named, not_found, unqualified
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.endpoint.messages import Fault
from faaslab.errors import AlreadyExists, FaaslabError, NotFound
from faaslab.lab import runtimes
from faaslab.model.function import LATEST, Function, ImageCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.lab import Lab
    from faaslab.lab.definitions import Definition

_MANDATORY = "Runtime and Handler are mandatory parameters for functions created with deployment packages."
_NOT_OF_IMAGES = (
    "Please don't provide handler or runtime or layer when the intended function PackageType is Image."
)


def create_function(call: Call) -> Mapping[str, Any]:
    """CreateFunction."""
    params, lab, name = call.params, call.lab, unqualified(call)
    if lab.store.definitions.get(Function, name) is not None:
        raise _exists(name)
    is_image = params.get("PackageType") == "Image"
    options = _options(call)
    options["aws_only"] = _kept(params, params["Code"], {})
    if is_image:
        if any(params.get(member) for member in ("Runtime", "Handler", "Layers")):
            raise invalid(_NOT_OF_IMAGES)
        given: bytes | ImageCode = code.image(params["Code"], params.get("ImageConfig") or {}, None)
    else:
        if not params.get("Runtime") or not params.get("Handler"):
            raise invalid(_MANDATORY)
        if params["Code"].get("ImageUri"):
            raise invalid("Please don't provide ImageUri when creating a function with packageType Zip.")
        given = code.archive(call, params["Code"])
    # AWS's default, whatever this machine is.
    options.setdefault("architecture", "x86_64")
    options["tags"] = settings.tags({}, params.get("Tags") or {})
    publish = bool(params.get("Publish"))
    try:
        made = lab.functions.define(name, given, exist_ok=False, wait=publish, **options).function
    except AlreadyExists:
        raise _exists(name) from None
    if publish:
        number = lab.versions.publish(name, definition=made.definition).version
        return configuration(lab, released(lab, name, number)) | {"FunctionArn": made.arn}
    return configuration(lab, Found(function=made))


def get_function(call: Call) -> Mapping[str, Any]:
    """GetFunction."""
    it = found(call, named(call))
    function = it.function
    answer: dict[str, Any] = {
        "Configuration": configuration(call.lab, it),
        "Code": _location(call, function),
    }
    now = present(call.lab, function.name)
    if now.tags:
        answer["Tags"] = dict(now.tags)
    reserved = now.configuration.reserved_concurrency
    if reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
    return answer


def get_function_configuration(call: Call) -> Mapping[str, Any]:
    """GetFunctionConfiguration."""
    return configuration(call.lab, found(call, named(call)))


def update_function_code(call: Call) -> Mapping[str, Any]:
    """UpdateFunctionCode; with DryRun nothing is written, and the answer is what would be."""
    params, lab, name = call.params, call.lab, unqualified(call)
    before = present(lab, name)
    is_image = isinstance(before.code, ImageCode)
    if params.get("PublishTo"):
        settings.options({"PublishTo": params["PublishTo"]})
    if is_image and (params.get("ZipFile") is not None or params.get("S3Bucket")):
        raise invalid("Please provide ImageUri when updating a function with packageType Image.")
    if not is_image and params.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    given: bytes | ImageCode
    if is_image:
        assert isinstance(before.code, ImageCode)
        if not params.get("ImageUri"):
            raise invalid("Please provide ImageUri when updating a function with packageType Image.")
        given = code.image(params, None, before.code)
    else:
        given = code.archive(call, params)
    options: dict[str, Any] = {"aws_only": _kept({}, params, before.aws_only)}
    if params.get("Architectures"):
        options["architecture"] = params["Architectures"][0]
    publish = bool(params.get("Publish"))
    dry_run = bool(params.get("DryRun"))
    changed = lab.functions.redefine(
        name,
        code=given,
        revision_id=params.get("RevisionId"),
        dry_run=dry_run,
        wait=publish,
        **options,
    )
    if publish and not dry_run:
        number = lab.versions.publish(name, definition=changed.function.definition).version
        return configuration(lab, released(lab, name, number))
    return configuration(lab, Found(function=_to_be(changed)))


def update_function_configuration(call: Call) -> Mapping[str, Any]:
    """UpdateFunctionConfiguration."""
    params, lab, name = call.params, call.lab, unqualified(call)
    before = present(lab, name)
    options = _options(call, before)
    options["aws_only"] = _kept(params, {}, before.aws_only)
    if isinstance(before.code, ImageCode):
        if any(params.get(member) for member in ("Runtime", "Handler", "Layers")):
            raise invalid(_NOT_OF_IMAGES)
        if params.get("ImageConfig") is not None:
            options["code"] = code.image({}, params["ImageConfig"], before.code)
    changed = lab.functions.redefine(name, revision_id=params.get("RevisionId"), wait=False, **options)
    return configuration(lab, Found(function=_to_be(changed)))


def delete_function(call: Call) -> Mapping[str, Any]:
    """DeleteFunction: a function with all that is its own, or a published version."""
    asked, lab = named(call), call.lab
    present(lab, asked.function)
    if asked.qualifier is None:
        lab.functions.delete(asked.function)
    elif asked.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    elif not asked.qualifier.isdigit():
        raise invalid("Deletion of aliases is not currently supported.")
    else:
        try:
            lab.versions.delete(asked.function, asked.qualifier)
        except NotFound:
            raise not_found(asked.arn(lab.region)) from None
    return {"StatusCode": 204}


def list_functions(call: Call) -> Mapping[str, Any]:
    """ListFunctions; with FunctionVersion=ALL published versions as well."""
    params, lab = call.params, call.lab
    if params.get("MasterRegion") not in (None, "ALL", lab.region, call.region):
        return {"Functions": []}  # nothing is replicated from another region
    if params.get("FunctionVersion") == "ALL":
        everything = [each for function in lab.functions.list() for each in _versions(lab, function)]
    else:
        everything = [Found(function=function) for function in lab.functions.list()]
    given, more = page(everything, params, _place)
    return {"Functions": [configuration(lab, each, listed=True) for each in given], **more}


def list_versions_by_function(call: Call) -> Mapping[str, Any]:
    """ListVersionsByFunction: the function as it is now, then what is published, oldest first."""
    lab = call.lab
    function = present(lab, unqualified(call))
    given, more = page(_versions(lab, function), call.params, _place)
    return {"Versions": [configuration(lab, each, listed=True) for each in given], **more}


def publish_version(call: Call) -> Mapping[str, Any]:
    """PublishVersion; the last one again where nothing has changed since."""
    params, lab, name = call.params, call.lab, unqualified(call)
    present(lab, name)
    if params.get("PublishTo"):
        settings.options({"PublishTo": params["PublishTo"]})
    made = lab.versions.publish(
        name,
        description=params.get("Description"),
        code_sha256=params.get("CodeSha256"),
        revision_id=params.get("RevisionId"),
    )
    return configuration(lab, released(lab, name, made.version))


def configuration(lab: Lab, it: Found, *, listed: bool = False) -> dict[str, Any]:
    """What was found as a FunctionConfiguration."""
    sizes = {arn: lab.layers.size(arn) for arn in it.function.configuration.layers}
    return shapes.configuration(it, sizes, listed=listed)


def _to_be(definition: Definition) -> Function:
    """The function as an update answers: what it is to be, and that the update is in progress."""
    now = definition.function
    if definition.becoming is None:
        return now
    return dataclasses.replace(
        definition.becoming,
        revision_id=now.revision_id,
        last_update_status=now.last_update_status,
        last_update_reason=now.last_update_reason,
    )


def _options(call: Call, before: Function | None = None) -> dict[str, Any]:
    given = settings.options(call.params)
    if "runtime" in given:
        try:
            runtimes.runtime(given["runtime"])
        except FaaslabError as error:
            raise invalid(f"{error.message}: {error.hint}") from None
    known = before.configuration.layers if before is not None else ()
    for arn in given.get("layers", ()):
        if arn not in known:
            try:
                call.lab.layers.get(arn)
            except NotFound:
                raise invalid(
                    f"Layer version {arn} does not exist. Layers are those of this lab: "
                    "publish its zip here first (PublishLayerVersion)."
                ) from None
    return given


def _kept(params: Mapping[str, Any], source: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept for AWS's API, with the key that the code is encrypted with there."""
    after = settings.kept(params, before)
    if source.get(shapes.SOURCE_KEY):
        after[shapes.SOURCE_KEY] = source[shapes.SOURCE_KEY]
    return after


def _location(call: Call, function: Function) -> dict[str, Any]:
    """Where the code is; fetched from this port, where it is a zip."""
    if isinstance(function.code, ImageCode):
        uri = function.code.uri
        return {
            "RepositoryType": "ECR",
            "ImageUri": uri,
            "ResolvedImageUri": f"{uri}@sha256:{function.code_sha256}",
        }
    answer = {
        "RepositoryType": "S3",
        "Location": downloads.code_address(call.request, function.code_digest, call.lab.clock.now()),
    }
    if key := function.aws_only.get(shapes.SOURCE_KEY):
        answer[shapes.SOURCE_KEY] = key
    return answer


def _versions(lab: Lab, function: Function) -> Iterator[Found]:
    yield Found(function=function, qualifier=LATEST)
    for published in lab.versions.list(function.name):
        try:
            yield released(lab, function.name, published.version)
        except NotFound:  # deleted between two looks
            continue


def _place(each: Found) -> str:
    """Where it stands in a list: by name, the function itself before its versions in their order."""
    number = each.published.version if each.published is not None else "0"
    return f"{each.function.name}:{number:>20}"


def _exists(name: str) -> Fault:
    return Fault(
        "ResourceConflictException",
        f"Function already exist: {name}",
        status=409,
        fields={"Type": "User"},
    )


OPERATIONS: dict[str, Handler] = {
    "CreateFunction": create_function,
    "DeleteFunction": delete_function,
    "GetFunction": get_function,
    "GetFunctionConfiguration": get_function_configuration,
    "ListFunctions": list_functions,
    "ListVersionsByFunction": list_versions_by_function,
    "PublishVersion": publish_version,
    "UpdateFunctionCode": update_function_code,
    "UpdateFunctionConfiguration": update_function_configuration,
}
