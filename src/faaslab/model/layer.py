"""A version of a layer: a zip that lies at /opt of the functions that name it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class LayerVersion:
    """`number` counts the versions of a name from 1 and is never used again.

    `code_digest` is the hex SHA-256 under which the store's blobs hold the zip. One that was deleted is not
    given to further functions; those that have it keep it, as on Lambda.
    """

    layer: str
    number: int
    code_digest: str
    code_sha256: str
    code_bytes: int
    unzipped_bytes: int
    description: str = ""
    compatible_runtimes: tuple[str, ...] = ()
    compatible_architectures: tuple[str, ...] = ()
    license_info: str = ""
    deleted: bool = False
    region: str = "us-east-1"
    revision_id: str = ""
    created_at: datetime

    @property
    def name(self) -> str:
        """`NAME:NUMBER`, as it is written after `--layer`."""
        return f"{self.layer}:{self.number}"

    @property
    def arn(self) -> str:
        """The ARN that a function's configuration holds."""
        return layer_arn(self.layer, self.number, self.region)


def layer_name(arn: str) -> str:
    """`NAME:NUMBER` of an ARN."""
    return ":".join(arn.split(":")[-2:])


def layer_arn(layer: str, number: int, region: str, account: str = "000000000000") -> str:
    """The ARN of a version of a layer."""
    return f"arn:aws:lambda:{region}:{account}:layer:{layer}:{number}"
