import pytest

from faaslab import app
from faaslab.verbs import parse, run
from tests.verbs.faces import KeptFace


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def lab(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        yield lab


COVERED = set()
"""The verbs that were run by any test."""


@pytest.fixture(scope="session")
def covered():
    return COVERED


@pytest.fixture
def do(lab):
    face = KeptFace()

    def do(line, cell=None, **names):
        face.kept |= names
        call = parse(line, cell)
        COVERED.add(call.verb.name)
        return run(lab, call, face)

    do.face = face
    do.lab = lab
    return do
