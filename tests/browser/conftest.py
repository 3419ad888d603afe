import pytest

from tests.browser import jupyter


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """(browser, address, token, folder): one JupyterLab and one Chromium for all tests here."""
    reason = jupyter.missing()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("jupyter")
    with jupyter.jupyterlab(folder) as (address, token), jupyter.chromium() as browser:
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
