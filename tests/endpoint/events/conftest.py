import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from faaslab import app
from faaslab.clock import SteppedClock
from faaslab.cloud import CloudProcess
from faaslab.endpoint import events, scheduler
from faaslab.endpoint.messages import Fault
from tests.endpoint.calling import call
from tests.endpoint.events.moment import START


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """The embedded cloud in its own process, one for all tests of a file."""
    cloud = CloudProcess(tmp_path_factory.mktemp("cloud"), "http://127.0.0.1:1")
    yield cloud
    cloud.close()


@pytest.fixture(scope="module")
def asked(cloud):
    """Asks the cloud as a handler does: `asked(service, operation, params, region=)`."""
    clients = {}

    def asked(service, operation, params, *, region="us-east-1"):
        client = clients.get((service, region))
        if client is None:
            client = clients[service, region] = cloud.client(service, region)
        try:
            return getattr(client, xform_name(operation))(**params)
        except ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise Fault(told["Code"], told["Message"], status=status) from None

    return asked


@pytest.fixture
def clock():
    return SteppedClock(START)


@pytest.fixture
def opened(tmp_path, cache, clock, asked):
    """Opens a lab over the one store of the test, which is the home of it."""
    labs = []

    def opened():
        lab = app.open(store=tmp_path / "s.duckdb", cache=cache, clock=clock, keep_alive=1e6, sandbox="off")
        labs.append(lab)
        lab.targets.serve_with(asked, asked)
        lab.targets.begin()
        return lab

    yield opened
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(opened):
    return opened()


@pytest.fixture
def ask(lab, asked):
    """Carries an operation of EventBridge or Scheduler out as the endpoint does."""

    def ask(operation, **params):
        service, table = ("events", events) if operation in events.OPERATIONS else ("scheduler", scheduler)
        service = params.pop("service", service)

        def cloud(operation, params):
            return asked(service, operation, params)

        handler = table.OPERATIONS.get(operation)
        if handler is None:
            return cloud(operation, params)
        return handler(call(lab, operation, service=service, cloud=cloud, **params)) or {}

    return ask
