import pytest

from faaslab import app
from faaslab.clock import SteppedClock


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One lab a file, on a clock that stands still."""
    folder = tmp_path_factory.mktemp("endpoint")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache", clock=SteppedClock()) as lab:
        yield lab
