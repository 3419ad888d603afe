import pytest

from faaslab import app


@pytest.fixture(scope="module")
def cloud_lab(tmp_path_factory):
    """One lab with its embedded cloud for the tests of a file; its functions and names are told apart by them."""
    folder = tmp_path_factory.mktemp("tasks")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache") as lab:
        yield lab
