"""boto3 clients for an address on this machine.

Rule: nothing of the user's is read. A profile, a proxy or real credentials in `~/.aws` must neither change
what such a client does nor reach it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOWHERE: dict[str, Any] = {
    # Each of them stands before its variable and its entry in a profile.
    "profile": (None, [], None, None),
    "config_file": (None, None, "/dev/null", None),
    "credentials_file": (None, None, "/dev/null", None),
    "ca_bundle": ("ca_bundle", None, None, None),
    "data_path": ("data_path", None, None, None),
}


@cache
def models() -> Any:
    """The services' models, read once for all clients: some take a second to read."""
    from botocore.loaders import Loader

    return Loader()


def client(
    service: str,
    address: str,
    region: str = "us-east-1",
    *,
    key: str = "local",
    headers: Mapping[str, str] | None = None,
    **config: Any,
) -> Any:
    """A boto3 client of `service` (botocore's name) that talks to `address` and to nothing else.

    `key` is the access key that requests are signed with, `headers` go with every request, and `config` is
    what `botocore.config.Config` takes. S3 addresses buckets by path unless told otherwise, since a bucket is
    no name that a resolver knows.
    """
    import boto3
    import botocore.session
    from botocore.config import Config

    session = botocore.session.Session(session_vars=_NOWHERE)
    session.register_component("data_loader", models())
    # No chain of providers is asked, so no file, no container and no instance is.
    session.set_credentials(key, "local")
    settings: dict[str, Any] = {
        "proxies": {},
        "s3": {"addressing_style": "path"},
        "inject_host_prefix": False,
        "retries": {"mode": "standard", "total_max_attempts": 3},
        "connect_timeout": 5,
        "ignore_configured_endpoint_urls": True,
        "use_fips_endpoint": False,
        "use_dualstack_endpoint": False,
    }
    name: Any = service
    made: Any = boto3.session.Session(botocore_session=session, region_name=region).client(
        name, region_name=region, endpoint_url=address, config=Config(**settings | config)
    )
    if headers:
        fixed = dict(headers)

        def _add(request: Any, **_: Any) -> None:
            for name, value in fixed.items():
                request.headers[name] = value

        # After signing, so that they are no part of the signature and a presigned URL has none of them.
        made.meta.events.register("before-send", _add)
    return made


def check(service: str) -> None:
    """Raise InvalidValue for a service that boto3 does not know."""
    from botocore.loaders import Loader

    known = Loader().list_available_services("service-2")
    if service not in known:
        near = nearest(service, known)
        raise InvalidValue(
            f"boto3 knows no service {service!r}",
            place="service",
            hint=f"did you mean {near!r}?" if near else None,
        )
