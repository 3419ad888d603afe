"""A page as PDF: Chromium prints it, without a window, a network, or anything of the user's profile.

The page forbids every request by itself; the browser is pointed at a proxy that is not there, so that
nothing of its own leaves either. It is given a bounded time and ends with all that it started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from faaslab.errors import FaaslabError, Unsupported

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
LIMIT_S = 120.0
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    "--force-color-profile=srgb",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


class PrintingFailed(FaaslabError):
    """The browser was there and made no PDF."""


def browser(chosen: str | os.PathLike[str] | None = None) -> Path:
    """The browser to print with: `chosen` (a path or a name), else the first that is installed.

    Raises `Unsupported` with the remedy where there is none.
    """
    if chosen:
        found = shutil.which(str(Path(chosen).expanduser()))
        if found is None:
            raise Unsupported(
                f"{str(chosen)!r} is no program", place="chromium", hint="the path of a Chromium"
            )
        return Path(found)
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    for place in APPLICATIONS if sys.platform == "darwin" else ():
        if Path(place).is_file():
            return Path(place)
    raise Unsupported(
        "PDF needs Chromium or Chrome, and there is none",
        place="--to pdf",
        hint="apt-get install chromium, or set FAASLAB_CHROMIUM to its path; --to html needs nothing",
    )


def print_page(page: Path, target: Path, program: Path, *, limit_s: float = LIMIT_S) -> None:
    """Write `page` (an HTML file) to `target` as PDF. Raises `PrintingFailed` with what the browser said."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="faaslab-print-", ignore_cleanup_errors=True) as folder:
        words = [
            str(program),
            *_FLAGS,
            # As root its sandbox does not start; the page may run no script either way.
            *(["--no-sandbox"] if root else []),
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={folder}/page.pdf",
            page.resolve().as_uri(),
        ]
        said = Path(folder) / "said.txt"
        with said.open("wb") as log:
            # The same process group: whoever ends the worker's group ends the browser with it.
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=_environment(Path(folder)),
            )
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                raise PrintingFailed(f"{program.name} has not printed the page in {limit_s:g} s") from None
            finally:
                end_tree(process)
        made = Path(folder) / "page.pdf"
        if not made.is_file() or not made.stat().st_size:
            lines = [line for line in said.read_text("utf-8", "replace").splitlines() if line.strip()]
            # That there is no desktop to talk to is nothing to it.
            lines = [line for line in lines if "/dbus/" not in line and "ERROR:dbus" not in line]
            hint = None
            if any("sandbox" in line.lower() for line in lines):
                hint = (
                    "its sandbox needs user namespaces, which this machine forbids; the setting chromium may "
                    "name a script that starts it with --no-sandbox"
                )
            told = lines[-1] if lines else f"it ended with status {process.returncode}"
            raise PrintingFailed(f"{program.name} made no PDF: {told}", hint=hint)
        shutil.move(made, target)


def _environment(folder: Path) -> dict[str, str]:
    """What it sees of the user's: where programs and fonts are, and no proxy, key or session."""
    kept = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH")
    given = {name: os.environ[name] for name in kept if name in os.environ}
    return {**given, "HOME": str(folder), "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(folder)}


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, and wait for them."""
    import psutil

    family: list[psutil.Process] = []
    with suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    if process.poll() is None:
        with suppress(OSError):
            process.send_signal(signal.SIGKILL)
    for each in family:
        with suppress(psutil.Error):
            each.kill()
    psutil.wait_procs(family, timeout=5)
    process.wait()
