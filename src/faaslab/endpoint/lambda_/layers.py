"""Layers: their versions published, looked at, listed and deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint import downloads
from faaslab.endpoint.lambda_ import code, shapes
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.endpoint.messages import Fault
from faaslab.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.layer import LayerVersion

_ARN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:layer:(?P<name>[a-zA-Z0-9_-]+)")


def publish_layer_version(call: Call) -> Mapping[str, Any]:
    """PublishLayerVersion: always a version of its own, the same zip again as well."""
    params = call.params
    data = code.archive(call, params["Content"])
    made = call.lab.layers.publish(
        _name(call),
        data,
        description=params.get("Description", ""),
        compatible_runtimes=params.get("CompatibleRuntimes") or (),
        compatible_architectures=params.get("CompatibleArchitectures") or (),
        license_info=params.get("LicenseInfo", ""),
        anew=True,
    )
    return _whole(call, made)


def get_layer_version(call: Call) -> Mapping[str, Any]:
    """GetLayerVersion."""
    return _whole(call, version(call))


def get_layer_version_by_arn(call: Call) -> Mapping[str, Any]:
    """GetLayerVersionByArn."""
    try:
        return _whole(call, call.lab.layers.get(call.params["Arn"]))
    except NotFound:
        raise _missing() from None


def list_layers(call: Call) -> Mapping[str, Any]:
    """ListLayers: each with its newest version that fits."""
    newest = {each.layer: each for each in call.lab.layers.list() if _fits(each, call.params)}
    given, more = page(newest.values(), call.params, lambda each: each.layer)
    return {
        "Layers": [
            {
                "LayerName": each.layer,
                "LayerArn": _layer_arn(each),
                "LatestMatchingVersion": shapes.layer_version(each),
            }
            for each in given
        ],
        **more,
    }


def list_layer_versions(call: Call) -> Mapping[str, Any]:
    """ListLayerVersions, the newest first; none of a layer that is not there."""
    fitting = [each for each in call.lab.layers.list(_name(call)) if _fits(each, call.params)]
    given, more = page(fitting, call.params, lambda each: -each.number)
    return {"LayerVersions": [shapes.layer_version(each) for each in given], **more}


def delete_layer_version(call: Call) -> None:
    """DeleteLayerVersion; functions that have it keep it, and one that is not there is gone already."""
    number = call.params["VersionNumber"]
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1.")
    try:
        call.lab.layers.delete(f"{_name(call)}:{number}")
    except NotFound:
        return


def version(call: Call) -> LayerVersion:
    """The version that `LayerName` and `VersionNumber` name."""
    number = call.params["VersionNumber"]
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1.")
    try:
        return call.lab.layers.get(f"{_name(call)}:{number}")
    except NotFound:
        raise _missing() from None


def _name(call: Call) -> str:
    text = str(call.params["LayerName"])
    match = _ARN.fullmatch(text)
    return match["name"] if match else text


def _fits(version: LayerVersion, params: Mapping[str, Any]) -> bool:
    """Whether it names the runtime and the architecture that are asked for."""
    runtime, architecture = params.get("CompatibleRuntime"), params.get("CompatibleArchitecture")
    return (runtime is None or runtime in version.compatible_runtimes) and (
        architecture is None or architecture in version.compatible_architectures
    )


def _layer_arn(version: LayerVersion) -> str:
    return version.arn.rpartition(":")[0]


def _whole(call: Call, version: LayerVersion) -> dict[str, Any]:
    address = downloads.code_address(call.request, version.code_digest, call.lab.clock.now())
    return {
        **shapes.layer_version(version),
        "LayerArn": _layer_arn(version),
        "Content": {
            "Location": address,
            "CodeSha256": version.code_sha256,
            "CodeSize": version.code_bytes,
        },
    }


def _missing() -> Fault:
    return Fault(
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
        status=404,
        fields={"Type": "User"},
    )


OPERATIONS: dict[str, Handler] = {
    "DeleteLayerVersion": delete_layer_version,
    "GetLayerVersion": get_layer_version,
    "GetLayerVersionByArn": get_layer_version_by_arn,
    "ListLayerVersions": list_layer_versions,
    "ListLayers": list_layers,
    "PublishLayerVersion": publish_layer_version,
}
