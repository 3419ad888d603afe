"""`lab.cloud`: the embedded S3, SQS, SNS, DynamoDB, … of a store, that its functions use as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faaslab.lab import Lab


class Cloud:
    """It runs at the store's home, and is started when something is asked of it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def client(self, service: str, *, region: str | None = None, **config: Any) -> Any:
        """A boto3 client of `service` (`s3`, `sqs`, `lambda`, …) for this store and nothing else.

        It reads no profile and no credentials of yours. `config` is what `botocore.config.Config` takes.
        Raises InvalidValue for a service that boto3 does not know, `MissingExtra` without `faaslab[cloud]`.
        """
        from faaslab.cloud import client, clients, extra

        clients.check(service)
        if service not in OURS:
            extra.require()
        self._lab.home.ensure()
        # By the door it finds the home wherever that moves to, for as long as this lab is open.
        return client(service, self._lab.door.address, region or self._lab.region, **config)

    @property
    def address(self) -> str:
        """The `endpoint_url` for any AWS SDK, of the home, which this Lab becomes when there is none."""
        return self._lab.home.ensure()

    def __repr__(self) -> str:
        found = self._lab.home.find()
        where = f"behind {found.address}" if found is not None and found.address else "not used yet"
        return f"<cloud of {self._lab.store.path}, {where}>"


OURS = frozenset({"lambda", "stepfunctions"})
"""Services that are there without the extra."""
