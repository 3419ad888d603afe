"""A real JupyterLab in headless Chromium, driven as a person would."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DEADLINE_S = 90


@contextmanager
def server(folder: Path):
    """JupyterLab on a free loopback port over `folder`, with settings of its own; gives its address."""
    home = folder / ".home"
    home.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "FAASLAB_CACHE": str(home / "cache"),
        "PYTHONPATH": str(ROOT / "src"),
    }
    argv = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(argv, env=env, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            _until(lambda: _answers(f"{address}/api/status"), process, home / "server.log")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


def _until(met, process, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not met():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


class Notebook:
    """A notebook open in a page. Cells are counted from 0."""

    def __init__(self, page, address: str, path: Path) -> None:
        self.page = page
        self.path = path
        self.requests: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{address}/lab/tree/{path.name}?reset", timeout=DEADLINE_S * 1000)
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell .cm-content", timeout=DEADLINE_S * 1000)
        page.get_by_text(re.compile(r"\| Idle")).wait_for(timeout=DEADLINE_S * 1000)

    def run_all(self) -> None:
        """Run every cell and wait until each has its number; a failing cell stops those below."""
        self.page.click("text=Run >> nth=0")
        self.page.click("text=Run All Cells")
        self.page.wait_for_function(
            """() => {
                const cells = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
                    .map(each => each.textContent);
                return cells.some(text => /\\d/.test(text)) && !cells.some(text => text.includes('*'));
            }""",
            timeout=DEADLINE_S * 1000,
        )

    def cell(self, number: int):
        """The cell's element."""
        return self.page.locator(".jp-CodeCell").nth(number)

    def output(self, number: int):
        """What stands below the cell."""
        return self.cell(number).locator(".jp-OutputArea")

    def theme(self, name: str) -> None:
        """Light or Dark."""
        self.page.click("text=Settings >> nth=0")
        self.page.hover("text=Theme >> nth=0")
        self.page.click(f"text=JupyterLab {name}")
        self.page.wait_for_function(
            "dark => (document.body.dataset.jpThemeLight === 'false') === dark", arg=name == "Dark"
        )

    def picture(self, path: Path, width: int = 1300) -> None:
        """The whole notebook as a PNG."""
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.wait_for_timeout(600)
        height = self.page.evaluate(
            "() => document.querySelector('.jp-WindowedPanel-inner, .jp-WindowedPanel-outer').scrollHeight"
        )
        self.page.set_viewport_size({"width": width, "height": min(int(height) + 130, 9000)})
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=path)


@contextmanager
def notebook(folder: Path, cells: list[str]):
    """A notebook with these cells, open in a browser."""
    from playwright.sync_api import sync_playwright

    path = folder / "demo.ipynb"
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(text) for text in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        ),
        path,
    )
    with server(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield Notebook(browser.new_page(viewport={"width": 1300, "height": 1000}), address, path)
        finally:
            browser.close()
