import os
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faaslab.backends.local.runtimes import interpreters
from faaslab.backends.local.runtimes.packages import Packages
from faaslab.backends.local.runtimes.zips import unpack
from faaslab.errors import InvalidValue, RequirementsFailed
from tests.backends.local.defining import eventually

ROOT = Path(__file__).parent.parent.parent.parent


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return path


def entry(name, mode=0o644, kind=stat.S_IFREG):
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | mode) << 16
    return info


def wheel(folder, name="tinything", version="1.0", body="VALUE = 42\n"):
    info = f"{name}-{version}.dist-info"
    return zipped(
        folder / f"{name}-{version}-py3-none-any.whl",
        [
            (f"{name}/__init__.py", body),
            (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            (
                f"{info}/WHEEL",
                "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            ),
            (f"{info}/RECORD", ""),
        ],
    )


def test_an_archive_becomes_a_read_only_folder(tmp_path):
    archive = zipped(
        tmp_path / "a.zip",
        [
            (entry("m.py"), "x = 1"),
            (entry("pkg/"), ""),
            (entry("pkg/data.bin"), b"\0" * 10),
            (entry("bin/tool", 0o755), "#!"),
        ],
    )
    folder = Packages(tmp_path / "root").code(archive, "d" * 64)
    assert folder == tmp_path / "root" / "code" / ("d" * 64)
    modes = {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")
    }
    assert modes == {"m.py": 0o444, "pkg": 0o555, "pkg/data.bin": 0o444, "bin": 0o555, "bin/tool": 0o555}
    archive.unlink()
    assert Packages(tmp_path / "root").code(archive, "d" * 64) == folder, "it is not read again"


@pytest.mark.parametrize(
    "bad",
    [entry("../out.py"), entry("/out.py"), entry("a/../../out.py"), entry("a\\..\\out.py"), entry("link", kind=stat.S_IFLNK), entry("pipe", kind=stat.S_IFIFO)],
    ids=lambda bad: bad.filename,
)  # fmt: skip
def test_what_would_leave_the_folder_is_refused_and_leaves_nothing(bad, tmp_path):
    archive = zipped(tmp_path / "a.zip", [(entry("good.py"), "x"), (bad, "y")])
    with pytest.raises(InvalidValue):
        Packages(tmp_path / "root").code(archive, "bad")
    assert [
        path.name for path in (tmp_path / "root" / "code").iterdir() if not path.name.endswith(".lock")
    ] == []
    assert not (tmp_path / "out.py").exists()


def test_an_archive_that_is_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(InvalidValue, match="zip"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr("faaslab.backends.local.runtimes.zips.UNZIPPED_BYTES", 1000)
    with pytest.raises(InvalidValue, match="Unzipped size"):
        unpack(zipped(tmp_path / "a.zip", [("a", "x" * 600), ("b", "x" * 600)]), tmp_path)


def test_a_digest_cannot_be_a_path(tmp_path):
    with pytest.raises(InvalidValue):
        Packages(tmp_path / "root").code(zipped(tmp_path / "a.zip", []), "../x")


def test_requirements_are_installed_once_for_a_distinct_set(tmp_path):
    packages = Packages(tmp_path / "root", pip_arguments=("--no-index",))
    own = interpreters.own()
    one, two = str(wheel(tmp_path)), str(wheel(tmp_path, "otherthing"))
    folder = packages.requirements([one], own)
    assert (folder / "tinything" / "__init__.py").read_text() == "VALUE = 42\n"
    made = folder.stat().st_ino
    assert packages.requirements([f"  {one} ", one], own).stat().st_ino == made
    both = packages.requirements([two, one], own)
    assert both != folder
    assert packages.requirements([one, two], own) == both
    assert packages.requirements([], own) is None
    assert packages.requirements(["  "], own) is None


def test_a_function_sees_its_requirements_and_no_other_does(tmp_path, define, invoke, backend_with):
    backend = backend_with(pip_arguments=("--no-index",))
    source = "import {m}\ndef handler(e, c):\n    return [{m}.VALUE, {m}.__file__]\n"
    function = define(source.format(m="tinything"), requires=(str(wheel(tmp_path)),))
    value, path = invoke(function, on=backend).result
    assert value == 42
    assert str(tmp_path / "cache" / "requirements") in path
    assert (
        invoke(define(source.format(m="tinything"), name="other"), on=backend).error.type
        == "Runtime.ImportModuleError"
    )


def test_what_cannot_be_installed_says_why_and_leaves_nothing(
    tmp_path, define, invoke, backend_with, definer, monkeypatch
):
    backend = backend_with(pip_arguments=("--no-index",))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a kernel of JupyterLab
    with pytest.raises(RequirementsFailed, match="no-such-package-anywhere") as caught:
        invoke(define(requires=("no-such-package-anywhere==9",)), on=backend)
    assert "\x1b" not in str(caught.value)
    assert "WARNING" not in str(caught.value)
    assert definer.recorded == []
    assert not [path for path in (tmp_path / "cache" / "requirements").iterdir() if path.is_dir()]
    assert invoke(define(), on=backend).ok, "its place was given back"


def test_an_option_is_not_a_requirement(tmp_path):
    with pytest.raises(InvalidValue, match="option of pip"):
        Packages(tmp_path).requirements(["--index-url=http://evil"], interpreters.own())


def test_two_at_once_install_once(tmp_path):
    calls = []
    packages = Packages(tmp_path / "root")
    packages._install = lambda folder, wanted, interpreter: (calls.append(1), (folder / "x").touch())
    with ThreadPoolExecutor(8) as executor:
        folders = list(executor.map(lambda _: packages.requirements(["a"], interpreters.own()), range(8)))
    assert len(set(folders)) == 1
    assert calls == [1]


HALF = """
import sys
from pathlib import Path
from faaslab.backends.local.runtimes import interpreters
from faaslab.backends.local.runtimes.packages import Packages
packages = Packages(Path(sys.argv[1]))
def install(folder, wanted, interpreter):
    (folder / "half").touch()
    print("half", flush=True)
    sys.stdin.read()
packages._install = install
packages.requirements(["a"], interpreters.own())
"""


def test_a_kill_in_the_middle_leaves_nothing_half_and_does_not_block(tmp_path):
    root = tmp_path / "root"
    other = subprocess.Popen(
        [sys.executable, "-c", HALF, str(root)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other:
        assert other.stdout.readline() == b"half\n"
        packages = Packages(root)
        packages._install = lambda folder, wanted, interpreter: (folder / "whole").touch()
        result = []
        waiting = threading.Thread(
            target=lambda: result.append(packages.requirements(["a"], interpreters.own()))
        )
        waiting.start()
        assert not (root / "requirements").joinpath("whole").exists()
        other.send_signal(signal.SIGKILL)
        other.wait()
        waiting.join(20)
    (folder,) = result
    assert [path.name for path in folder.iterdir()] == ["whole"]
    eventually(lambda: not list(folder.parent.glob("*.partial")))
