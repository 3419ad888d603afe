"""A real JupyterLab and a headless Chromium for tests and for the README's picture.

Everything of theirs (settings, runtime files, the profile, the kernels' store) stands in one folder of the
test; they listen on loopback only and are ended by the process that began them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
# Without these Chromium asks hosts of its maker for updates and lists, at every start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]
_START_S = 60
_PATIENCE_S = 30
# What ipywidgets 8.1 says when a box leaves the page before the view of something in it has been made, as the
# bar of a verb does that ends just as it appears: `BoxView.add_child_model` then looks for a place in a layout
# that is no more. It is an error of a promise that nobody waits for: the view is dropped with its box, and
# nothing of it can be seen. A notebook of ipywidgets alone says it as well, in a browser slowed down ten times
# (a box displayed, replaced and closed); a bar that is closed two seconds later leaves it, too. One message
# from that one place: the same from anywhere else is a complaint.
_BOX_GONE = re.compile(
    r"TypeError: Cannot read properties of null \(reading 'widgets'\)\n"
    r" +at get widgets \(\S+\)\n"
    r" +at \S+/@jupyter-widgets/jupyterlab-manager/static/\S+\n"
    r" +at async Promise\.all \(index \d+\)"
)
_IDLE = (
    "() => { const kernel = window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel;"
    " return kernel && kernel.status === 'idle' }"
)
_SETTINGS = {
    "apputils-extension/notification": {
        "checkForUpdates": False,
        "fetchNews": "false",
        "doNotDisturbMode": True,
    },
    # Cells outside the window would be taken out of the page, and tests look at all of them.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}


def missing() -> str | None:
    """What this machine lacks for the browser tests, in a sentence; None when nothing."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return 'playwright is not installed: pip install "faaslab[dev]"'
    if not Path(CHROMIUM).exists():
        return f"{CHROMIUM} is not there: apt-get install chromium"
    if shutil.which("jupyter-lab", path=str(Path(sys.executable).parent)) is None:
        return "JupyterLab is not installed beside this Python"
    return None


@contextlib.contextmanager
def jupyterlab(folder: Path, module: str = "jupyterlab"):
    """(address, token) of a JupyterLab (or of `notebook`, 7) over `folder`/work, ready to be asked."""
    work, runtime = folder / "work", folder / "runtime"
    for each in (work, runtime, folder / "settings"):
        each.mkdir(parents=True, exist_ok=True)
    for name, settings in _SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    token = secrets.token_hex(16)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "FAASLAB"))},
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(ROOT / "src"),
        "FAASLAB_STORE": str(folder / "faaslab.duckdb"),
        "FAASLAB_CACHE": str(folder / "cache"),
    }
    words = [
        *(sys.executable, "-m", module, "--no-browser", "--expose-app-in-browser", "--allow-root"),
        *("--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={work}", "--ServerApp.open_browser=False"),
        "--LabApp.news_url=",
    ]
    log = (folder / "jupyter.log").open("wb")
    process = subprocess.Popen(
        words, cwd=work, env=environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    try:
        yield _address(process, runtime, folder / "jupyter.log"), token
    finally:
        process.terminate()  # it ends its kernels
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _address(process: subprocess.Popen, runtime: Path, log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"JupyterLab ended at once:\n{log.read_text()[-2000:]}")
        for path in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):
                return json.loads(path.read_text())["url"].rstrip("/")
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab is not ready after {_START_S} s:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def chromium():
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """A notebook open in a page of its own."""

    def __init__(
        self, browser, address, token, folder, name, cells, *, width=1100, height=900, scale=1, at="doc/tree"
    ):
        self._url = f"{address}/{at}/{name}?token={token}&reset"
        node = nbformat.v4.new_notebook()
        node.cells = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        code = sum(cell.cell_type == "code" for cell in node.cells)
        node.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(node, folder / "work" / name)
        self.path = folder / "work" / name
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
        self.page = context.new_page()
        self.page.on("request", lambda request: self._watch(request.url, address))
        self.page.on("pageerror", lambda error: self._complain(error.stack or str(error)))
        self.page.goto(self._url)
        self.page.wait_for_function(
            "() => window.jupyterapp && document.querySelectorAll('.jp-Notebook .jp-CodeCell').length"
            f" === {code}",
            timeout=60_000,
        )
        # A cell that is run before the kernel answers is forgotten.
        self.page.evaluate(
            "async () => { const session = window.jupyterapp.shell.currentWidget.context.sessionContext;"
            " await session.ready; await session.session.kernel.info; }"
        )
        self.page.wait_for_function(_IDLE, timeout=60_000)

    def _watch(self, url: str, address: str) -> None:
        if not url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:")):
            self.elsewhere.append(url)

    def _complain(self, stack: str) -> None:
        if not _BOX_GONE.fullmatch(stack.strip()):
            self.complaints.append(stack)

    def command(self, name: str, arguments: dict | None = None) -> None:
        """One of JupyterLab's own commands; ends when it has ended."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)",
            [name, arguments or {}],
        )

    def run(self) -> None:
        """Run all cells, also after one that fails, and wait for the last output."""
        self.command("notebook:run-all-cells")
        self.wait()

    def wait(self) -> None:
        """Until nothing runs any more."""
        self.page.wait_for_function(
            "() => ![...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')]"
            ".some(prompt => prompt.textContent.includes('*'))",
            timeout=60_000,
        )
        self.page.wait_for_function(_IDLE, timeout=60_000)

    def run_each(self) -> None:
        """Run cell by cell, so that one that fails stops none."""
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        for place in range(cells.count()):
            self.run_one(place)

    def run_one(self, place: int) -> None:
        """Run that cell, and wait for its end."""
        self.select(place)
        self.command("notebook:run-cell")
        self.wait()

    def run_until(self, place: int, said: str) -> None:
        """Run that cell again and again, until that is all that its output says."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self.run_one(place)
            now = self.outputs(place).first.inner_text().strip()
            if now == said:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{now!r} and not {said!r} after {_PATIENCE_S} s")

    def select(self, place: int) -> None:
        """Make a cell the active one."""
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        cells.nth(place).locator(".jp-InputPrompt").click()

    def outputs(self, place: int):
        """The outputs of a cell, without those that gave way to nothing: a slow machine has some of these."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").nth(place)
        return cell.locator(".jp-OutputArea-child:not(:has(.faas-nothing)) .jp-OutputArea-output")

    def saved_outputs(self, place: int) -> list:
        """Save, and read what the file has of that cell's outputs, without those that gave way to nothing."""
        self.command("docmanager:save")
        outputs = nbformat.read(self.path, as_version=4).cells[place].outputs
        return [each for each in outputs if "faas-nothing" not in each.get("data", {}).get("text/html", "")]

    def theme(self, name: str) -> None:
        """`JupyterLab Light` or `JupyterLab Dark`."""
        self.command("apputils:change-theme", {"theme": name})
        self.page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state="attached")
        # JupyterLab complains when the next change comes before the curtain of this one has gone.
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def close(self) -> None:
        """The page and all of it."""
        self.page.context.close()
