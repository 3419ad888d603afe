"""What tests of the Lambda API's definitions share: zips, and asking a handler."""

import io
import zipfile

import pytest

from faaslab.endpoint.faults import fault_of
from faaslab.endpoint.lambda_ import OPERATIONS
from tests.endpoint.calling import ask

ROLE = "arn:aws:iam::000000000000:role/lambda"
ARN = "arn:aws:lambda:us-east-1:000000000000:function"
DOUBLE = "def handler(event, context):\n    return event['x'] * 2\n"


def zipped(text=DOUBLE, name="app.py", **others):
    """The bytes of a zip with that file in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {name: text, **others}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return buffer.getvalue()


def answered(lab, operation, **given):
    """What the operation answers."""
    return ask(OPERATIONS, lab, operation, **given)


def refused(lab, operation, **given):
    """The fault that the caller gets, whoever said so."""
    with pytest.raises(Exception) as raised:
        answered(lab, operation, **given)
    return fault_of(raised.value)


def create(lab, name, text=DOUBLE, **more):
    """CreateFunction of a zip with `app.handler`."""
    given = {
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": ROLE,
        "Code": {"ZipFile": zipped(text)},
        **more,
    }
    return answered(lab, "CreateFunction", FunctionName=name, **given)
