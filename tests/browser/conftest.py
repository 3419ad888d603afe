import pytest

from tests.browser import jupyter


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests here."""
    reason = jupyter.missing()
    if reason is not None:
        pytest.skip(reason)
    with jupyter.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """(browser, address, token, folder): a JupyterLab, and so a store, for each file of tests."""
    folder = tmp_path_factory.mktemp("jupyter")
    with jupyter.jupyterlab(folder) as (address, token):
        yield browser, address, token, folder


@pytest.fixture(scope="module")
def opened(lab):
    """Opens notebooks of given cells; closes them at the end of the module."""
    notebooks = []

    def open_one(name, cells, **options):
        notebook = jupyter.Notebook(*lab, name, cells, **options)
        notebooks.append(notebook)
        return notebook

    yield open_one
    for notebook in notebooks:
        notebook.close()
