import pytest

from faaslab import app
from faaslab.clock import SteppedClock
from faaslab.cloud import extra


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def lab(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, keep_alive=60) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared(tmp_path_factory, cache):
    """A lab for tests that only look, with what `shared` functions did before."""
    with app.open(store=tmp_path_factory.mktemp("shared") / "s.duckdb", cache=cache) as lab:
        yield lab


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def opened(tmp_path, cache, clock, monkeypatch):
    """Opens a lab over the one store of the test, on the stepped clock; without the embedded cloud."""
    monkeypatch.setattr(extra, "installed", lambda: False)
    labs = []

    def opened(**settings):
        # In the open: handlers of these tests count in files of this machine.
        settings = {"clock": clock, "keep_alive": 1e6, "sandbox": "off", **settings}
        labs.append(app.open(store=tmp_path / "s.duckdb", cache=cache, **settings))
        return labs[-1]

    yield opened
    for lab in labs:
        lab.close()
