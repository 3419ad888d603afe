"""Carries out one operation of ours as the endpoint does, without the wire."""

import uuid

from faaslab.endpoint.call import Call
from faaslab.endpoint.messages import Request


def no_cloud(operation, params):
    raise AssertionError(f"nobody has to ask the cloud for {operation}")


def call(lab, operation, *, service="lambda", headers=(), request_id=None, cloud=no_cloud, **params):
    """What a handler is given for those parameters."""
    return Call(
        lab=lab,
        service=service,
        operation=operation,
        params=params,
        request=Request(method="POST", path="/", headers=dict(headers)),
        region=lab.region,
        request_id=request_id or str(uuid.uuid4()),
        cloud=cloud,
    )


def ask(operations, lab, operation, **given):
    """What the handler of `operation` among `operations` answers."""
    return operations[operation](call(lab, operation, **given))
