"""Code as CreateFunction, UpdateFunctionCode and PublishLayerVersion get it: bytes, an object, an image.

Rule: what is named is fetched at once, so that a function is what it was when it was made, whatever becomes
of the object or the file.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from typing import TYPE_CHECKING, Any

from faaslab.deploy import package
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.endpoint.messages import Fault
from faaslab.errors import InvalidValue
from faaslab.model.function import ImageCode
from faaslab.model.quotas import UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call

_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
_SOURCES = ("ZipFile", "S3Bucket", "ImageUri")


def archive(call: Call, code: Mapping[str, Any]) -> bytes:
    """The zip that `ZipFile` is, or that lies in a bucket; refused in AWS's words when it is none."""
    if code.get("ZipFile") is not None:
        if code.get("S3Bucket") or code.get("S3Key"):
            raise invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
        data = bytes(code["ZipFile"])
        if not data:
            raise invalid("Uploaded file must be a non-empty zip")
    elif code.get("S3Bucket") and code.get("S3Key"):
        data = _object(call, code)
    elif code.get("S3Bucket") or code.get("S3Key"):
        raise invalid("Please provide both S3Bucket and S3Key.")
    else:
        raise invalid("Please provide a source for function code.")
    checked(data)
    return data


def checked(data: bytes) -> int:
    """The size of what is in a zip; raises the `Fault` of AWS where that is no zip, or too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            size = sum(entry.file_size for entry in opened.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise invalid(_ZIP) from None
    if size > UNZIPPED_BYTES:
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes")
    try:
        package.check(data, place="ZipFile", limit=UNZIPPED_BYTES)
    except InvalidValue as error:
        raise invalid(f"{_ZIP} {error}") from None
    return size


def image(code: Mapping[str, Any], settings: Mapping[str, Any] | None, before: ImageCode | None) -> ImageCode:
    """The image of `ImageUri`, else the one `before`, with what an ImageConfig says of it."""
    uri = code.get("ImageUri")
    if uri is None and before is None:
        raise invalid("Please provide ImageUri when creating a function with packageType Image.")
    made = ImageCode(uri=uri) if uri is not None else before
    assert made is not None
    if settings is None:
        if before is None:
            return made
        settings = {
            "Command": before.command,
            "EntryPoint": before.entry_point,
            "WorkingDirectory": before.working_directory,
        }
    return dataclasses.replace(
        made,
        command=tuple(settings.get("Command") or ()),
        entry_point=tuple(settings.get("EntryPoint") or ()),
        working_directory=settings.get("WorkingDirectory") or None,
    )


def _object(call: Call, code: Mapping[str, Any]) -> bytes:
    asked = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        asked["VersionId"] = code["S3ObjectVersion"]
    try:
        answer = call.cloud("GetObject", asked, service="s3")
    except Fault as fault:
        if fault.status >= 500:
            raise
        raise invalid(
            f"Error occurred while GetObject. S3 Error Code: {fault.code}. S3 Error Message: {fault.message}"
        ) from None
    body = answer["Body"]
    return bytes(body) if isinstance(body, (bytes, bytearray)) else bytes(body.read())
