"""A function: its code, its configuration, its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

LATEST = "$LATEST"


class FunctionStatus(StrEnum):
    """Where a function stands (Lambda's `State`)."""

    PENDING = "pending"
    ACTIVE = "active"
    INACTIVE = "inactive"
    FAILED = "failed"


class Architecture(StrEnum):
    """The instruction set that a function is built for and billed at."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


@dataclass(frozen=True, kw_only=True)
class InlineCode:
    """Source text that becomes the file `filename` (a relative path) in the task root.

    `files` are further files by relative path; their contents stand in the store as one zip.
    """

    kind: Literal["inline"] = "inline"
    source: str
    filename: str = "lambda_function.py"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ZipCode:
    """A zip archive that the store keeps."""

    kind: Literal["zip"] = "zip"
    filename: str | None = None


@dataclass(frozen=True, kw_only=True)
class S3Code:
    """A zip archive in S3."""

    kind: Literal["s3"] = "s3"
    bucket: str
    key: str
    object_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImageCode:
    """A container image, by URI or by the path of an OCI or docker archive."""

    kind: Literal["image"] = "image"
    uri: str
    command: tuple[str, ...] = ()
    entry_point: tuple[str, ...] = ()
    working_directory: str | None = None


Code = InlineCode | ZipCode | S3Code | ImageCode


@dataclass(frozen=True, kw_only=True)
class VpcConfig:
    """The network a function is attached to on AWS; recorded, without effect locally."""

    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FunctionConfiguration:
    """How a function runs. Limits and defaults are Lambda's (CreateFunction)."""

    timeout_s: int = 3
    memory_mb: int = 128
    ephemeral_storage_mb: int = 512
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    dead_letter_queue: str | None = None
    vpc: VpcConfig | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """`NAME` or `NAME=REFERENCE`; resolved when an environment starts, never stored."""
    requires: tuple[str, ...] = ()
    """The function's own packages, as pip requirement specifiers."""
    preload: tuple[str, ...] = ()
    """Modules that are imported already when a local environment begins, as a fork; no effect on AWS."""
    tracing: Literal["PassThrough", "Active"] = "PassThrough"
    layers: tuple[str, ...] = ()
    log_format: Literal["Text", "JSON"] = "Text"
    application_log_level: str | None = None
    """`TRACE` to `FATAL`; of JSON logs only, as on Lambda."""
    system_log_level: str | None = None
    """`DEBUG`, `INFO` or `WARN`; of JSON logs only."""
    snap_start: Literal["None", "PublishedVersions"] = "None"
    tenancy: Literal["PER_TENANT"] | None = None
    """`PER_TENANT`: environments are never shared across tenants."""
    recursive_loop: Literal["Terminate", "Allow"] = "Terminate"
    """Whether an event that has come back to the function some 16 times is stopped."""


@dataclass(frozen=True, kw_only=True)
class FunctionStatistics:
    """What the store has seen of a function; `None` where it has seen nothing."""

    invocations: int = 0
    errors: int = 0
    timeouts: int = 0
    throttles: int = 0
    cold_starts: int = 0
    mean_duration_ms: float | None = None
    p95_duration_ms: float | None = None
    max_memory_mb: int | None = None
    last_invoked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Function:
    """A function as it is defined now (`$LATEST`), as one of its versions was published, or was once defined.

    `definition` counts the definitions of this name from 1: another code or configuration is the next one.
    `version` is what Lambda knows it by: `$LATEST`, or the number that it was published under and asked for.
    `code_sha256` is the base64 SHA-256 of the deployment package (Lambda's `CodeSha256`).
    `code_digest` is the hex SHA-256 under which the store's blobs hold that package.
    """

    id: str
    name: str
    runtime: str
    handler: str
    code: Code
    configuration: FunctionConfiguration = field(default_factory=FunctionConfiguration)
    triggers: tuple[str, ...] = ()
    status: FunctionStatus = FunctionStatus.ACTIVE
    status_reason: str | None = None
    last_update_status: Literal["Successful", "InProgress", "Failed"] = "Successful"
    last_update_reason: str | None = None
    statistics: FunctionStatistics | None = None
    version: str = LATEST
    definition: int = 1
    revision_id: str = ""
    code_sha256: str = ""
    code_digest: str = ""
    code_bytes: int = 0
    architecture: Architecture = Architecture.X86_64
    backend: str = "local"
    region: str = "us-east-1"
    source_path: str | None = None
    """The file or folder of this machine that its code is read from, anew whenever it has changed."""
    description: str = ""
    role: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aws_only: Mapping[str, Any] = field(default_factory=dict)
    """What AWS's API was told that has no effect here (`VpcConfig`, `KMSKeyArn`, …): kept and given back."""
    created_at: datetime
    updated_at: datetime
    last_deployed_at: datetime | None = None

    def __repr__(self) -> str:
        # A line, as a person at a prompt wants it, and no values of its environment.
        configuration = self.configuration
        version = "" if self.version == LATEST else f" version {self.version},"
        return (
            f"<Function {self.name}{version} definition {self.definition}: {self.runtime}, {self.handler}, "
            f"{configuration.memory_mb} MB, {configuration.timeout_s} s>"
        )

    @property
    def without_effect(self) -> tuple[str, ...]:
        """What AWS's API was told of it that has no effect here, by AWS's names."""
        # How the handler is written is only another way to say what is called.
        return (*(["Role"] if self.role else []), *(name for name in self.aws_only if name != "Handler"))

    @property
    def takes_preparing(self) -> bool:
        """Whether it brings what takes long to install or to unpack, before it can run."""
        return bool(self.configuration.requires) or self.code.kind == "image"

    @property
    def arn(self) -> str:
        """The ARN that its context object and events show."""
        return function_arn(self.name, self.region)


def function_arn(name: str, region: str, account: str = "000000000000") -> str:
    """A Lambda function ARN."""
    return f"arn:aws:lambda:{region}:{account}:function:{name}"
