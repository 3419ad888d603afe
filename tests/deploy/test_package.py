"""Deployment packages: what a cell may see, equal bytes for equal input, and archives that mean harm."""

import base64
import hashlib
import io
import json
import os
import stat
import struct
import subprocess
import sys
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.deploy import package
from faaslab.errors import InvalidValue


def names(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


def run(data, tmp_path, code):
    """Unpack and run `code` in a fresh interpreter in the task root; what it printed, as JSON."""
    root = tmp_path / "task"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(root)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- from source --------------------------------------------------------------------------------------

PRINT = "import json, lambda_function as m; print(json.dumps(m.handler(None, None)))"


def test_source_becomes_the_file(tmp_path):
    data = package.from_source("def handler(event, context):\n    return __file__[-18:]")
    assert names(data) == ["lambda_function.py"]
    assert run(data, tmp_path, PRINT) == "lambda_function.py"


def test_included_files_and_folders_can_be_imported(tmp_path):
    (tmp_path / "lib" / "deep" / "__pycache__").mkdir(parents=True)
    (tmp_path / "lib" / "__init__.py").write_text("from lib.deep.two import two\n")
    (tmp_path / "lib" / "deep" / "two.py").write_text("two = 2\n")
    (tmp_path / "lib" / "deep" / "__pycache__" / "two.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "one.py").write_text("one = 1\n")
    data = package.from_source(
        "from lib import two\nfrom one import one\ndef handler(e, c): return [one, two]",
        include=[tmp_path / "lib", tmp_path / "one.py"],
    )
    assert names(data) == ["lambda_function.py", "lib/__init__.py", "lib/deep/two.py", "one.py"]
    assert run(data, tmp_path / "x", PRINT) == [1, 2]


def test_an_executable_stays_one(tmp_path):
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    data = package.from_source("", include=[tmp_path / "tool"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        modes = {e.filename: stat.S_IMODE(e.external_attr >> 16) for e in archive.infolist()}
    assert modes == {"lambda_function.py": 0o644, "tool": 0o755}


@pytest.mark.parametrize(
    "source",
    [
        "def handler(e, c):\n    return [threshold, words]\n",
        '"""A docstring."""\nfrom __future__ import annotations\ndef handler(e, c):\n    return [threshold, words]\n',
        "HERE = [threshold, words]  # already while the module is imported\ndef handler(e, c): return HERE\n",
        "import json, os\ndef handler(e, c): return json.loads(json.dumps([threshold, words]))",
    ],
)
def test_captured_values_are_globals(tmp_path, source):
    data = package.from_source(source, capture={"threshold": 0.5, "words": {"b": [1, None, True], "a": "ü"}})
    assert run(data, tmp_path, PRINT) == [0.5, {"b": [1, None, True], "a": "ü"}]


def test_captured_values_may_have_the_loaders_own_names(tmp_path):
    wanted = {name: name for name in ("json", "os", "run", "code", "scope", "captured", "folder", "path")}
    source = (
        "def handler(e, c): return {k: v for k, v in globals().items() if k[0] != '_' and k != 'handler'}"
    )
    assert run(package.from_source(source, capture=wanted), tmp_path, PRINT) == wanted


def test_captured_values_leave_line_numbers_and_docstring_alone(tmp_path):
    source = '"""Mine."""\n\n\ndef handler(event, context):\n    raise ValueError(x)\n'
    code = (
        "import json, traceback, lambda_function as m\n"
        "try: m.handler(0, 0)\n"
        "except ValueError as e:\n"
        "    f = traceback.extract_tb(e.__traceback__)[-1]\n"
        "    print(json.dumps([f.filename[-24:], f.lineno, f.name, f.line, m.__doc__]))"
    )
    assert run(package.from_source(source, capture={"x": 1}), tmp_path, code) == [
        "/task/lambda_function.py", 5, "handler", "raise ValueError(x)", "Mine."
    ]  # fmt: skip


def test_a_syntax_error_stays_one_when_values_are_captured(tmp_path):
    code = (
        "import json\n"
        "try: import lambda_function\n"
        "except SyntaxError as e: print(json.dumps([e.filename[-18:], e.lineno]))"
    )
    data = package.from_source("x = 1\ndef handler(:\n", capture={"a": 1})
    assert run(data, tmp_path, code) == ["lambda_function.py", 2]


def loop():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        ({"model": object()}, "capture model: a object has no JSON form"),
        ({"x": {"a": [1, {2, 3}]}}, "capture x/a/1: a set has no JSON form"),
        ({"x": {1: 2}}, "capture x: the key 1 is not a string"),
        ({"x": [float("nan")]}, "capture x/0: nan has no JSON form"),
        ({"x": loop()}, "capture x/0: contains itself"),
        ({"not a name": 1}, "capture: 'not a name' cannot be the name"),
        ({"class": 1}, "capture: 'class' cannot be the name"),
        ({"__file__": 1}, "capture: '__file__' cannot be the name"),
    ],
)
def test_what_cannot_be_captured_is_named(capture, said):
    with pytest.raises(InvalidValue, match="^" + said):
        package.from_source("", capture=capture)


def test_capturing_needs_python():
    with pytest.raises(InvalidValue, match=r"'bootstrap'"):
        package.from_source("", "bootstrap", capture={"a": 1})


def test_what_cannot_be_included_is_named(tmp_path):
    with pytest.raises(InvalidValue, match=r"include .*nowhere: no such file"):
        package.from_source("", include=[tmp_path / "nowhere"])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "x.py").write_text("")
    (tmp_path / "b" / "x.py").write_text("")
    with pytest.raises(InvalidValue, match=r"b/x.py and .*a/x.py would both be 'x.py'"):
        package.from_source("", include=[tmp_path / "a" / "x.py", tmp_path / "b" / "x.py"])
    with pytest.raises(InvalidValue, match=r"x.py and the source would both be 'x.py'"):
        package.from_source("", "x.py", include=[tmp_path / "a" / "x.py"])
    (tmp_path / "a" / "out").symlink_to(tmp_path / "b" / "x.py")
    with pytest.raises(InvalidValue, match=r"a/out: the link points out of"):
        package.from_source("", include=[tmp_path / "a"])
    (tmp_path / "a" / "out").unlink()
    os.mkfifo(tmp_path / "a" / "pipe")
    with pytest.raises(InvalidValue, match=r"a/pipe: is neither a file nor a folder"):
        package.from_source("", include=[tmp_path / "a"])


@pytest.mark.parametrize("filename", ["", "/x.py", "../x.py", "a/../../x.py", "a\\x.py", "a//x.py", "x\n.py"])
def test_a_filename_stays_in_the_package(filename):
    with pytest.raises(InvalidValue, match="filename"):
        package.from_source("", filename)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.text(st.characters(codec="utf-8")),
    st.dictionaries(st.sampled_from(["a", "bb", "ü", "_c"]), json_values, max_size=3),
)
def test_equal_input_gives_equal_bytes_and_every_json_value_arrives(source, capture):
    data = package.from_source(source, capture=capture)
    backwards = dict(reversed(capture.items()))
    assert package.from_source(source, capture=backwards) == data
    assert "lambda_function.py" in package.check(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if capture:
            assert json.loads(archive.read("lambda_function/captured.json")) == capture
        stored = archive.read("lambda_function.py").decode()
    assert stored in (source, source + "\n")


def test_the_digest_is_lambdas():
    digest = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    assert package.code_sha256(b"abc") == digest


# --- archives of others -------------------------------------------------------------------------------


def archive(*entries, compression=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content) pairs, as given."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of duplicate names, which is what is wanted here
        with zipfile.ZipFile(buffer, "w", compression) as target:
            for name, content in entries:
                target.writestr(name, content)
    return buffer.getvalue()


def link(name):
    return info(name, stat.S_IFLNK | 0o777)


def info(name, mode=stat.S_IFREG | 0o644):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry


def patched(data, old, new):
    assert data.count(old)
    return data.replace(old, new)


def encrypted():
    data = bytearray(archive(("secret.py", "x = 1")))
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    return bytes(data)


def lying_about_its_size():
    """The directory says 10 bytes, the data has 300 MB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target, target.open("liar.bin", "w") as stream:
        for _ in range(300):
            stream.write(bytes(1 << 20))
    data = bytearray(buffer.getvalue())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 10)
    struct.pack_into("<L", data, 22, 10)
    return bytes(data)


HOSTILE = {
    "absolute": (lambda: archive(("/etc/cron.d/x", "")), r"entry '/etc/cron.d/x'.*absolute"),
    "drive": (lambda: archive(("C:/x.py", "")), r"entry 'C:/x.py'.*absolute"),
    "out": (lambda: archive(("a/../../x.py", "")), r"entry 'a/../../x.py'.*leads out"),
    "dots": (lambda: archive(("..", "")), r"entry '..'.*leads out"),
    "backslash": (lambda: archive(("..\\x.py", "")), r"backslash"),
    "nul": (lambda: patched(archive(("aa0bb.py", "")), b"aa0bb", b"aa\0bb"), r"aa\\x00bb.*NUL"),
    "newline": (lambda: archive(("a\nb.py", "")), r"control character"),
    "long": (lambda: archive(("a" * 300, "")), r"too long"),
    "link": (lambda: archive((link("ln"), "/etc/passwd")), r"entry 'ln'.*link to '/etc/passwd', out of"),
    "link_up": (lambda: archive(("x.py", ""), (link("d/ln"), "../../x.py")), r"entry 'd/ln'.*out of"),
    "link_far": (
        lambda: archive(("a/b/x.py", ""), (link("up"), "a/b/.."), (link("ln"), "up/../../x.py")),
        r"entry 'ln'.*out of",
    ),
    "link_nowhere": (lambda: archive(("x.py", ""), (link("ln"), "y.py")), r"'ln'.*not in the archive"),
    "link_dots": (lambda: archive(("x.py", ""), (link("ln"), "y/../x.py")), r"'ln'.*not in the archive"),
    "link_self": (lambda: archive(("x.py", ""), (link("ln"), "ln")), r"'ln'.*never to a file"),
    "link_ring": (
        lambda: archive(("x.py", ""), (link("a"), "b"), (link("b"), "./a")),
        r"'a'.*never to a file",
    ),
    "link_above": (lambda: archive(("d/x.py", ""), (link("d/ln"), "../d")), r"'d/ln'.*folder that it stands"),
    "link_root": (lambda: archive(("x.py", ""), (link("ln"), ".")), r"'ln'.*folder that it stands"),
    "link_empty": (lambda: archive(("x.py", ""), (link("ln"), "")), r"'ln'.*to no name"),
    "link_long": (lambda: archive(("x.py", ""), (link("ln"), "x/" * 4000)), r"'ln'.*to no name"),
    "link_below": (
        lambda: archive(("d/x.py", ""), (link("e"), "d"), ("e/y.py", "")),
        r"'e' is a file, but 'e/y.py'",
    ),
    "device": (lambda: archive((info("dev", stat.S_IFCHR | 0o666), "")), r"entry 'dev'.*neither"),
    "twice": (lambda: archive(("x.py", "a"), ("x.py", "b")), r"entry 'x.py'.*twice"),
    "twice_by_dot": (lambda: archive(("x.py", "a"), ("./x.py", "b")), r"entry './x.py'.*twice"),
    "file_and_folder": (lambda: archive(("x", "a"), ("x/y", "b")), r"'x' is a file, but 'x/y'"),
    "encrypted": (encrypted, r"entry 'secret.py'.*encrypted"),
    "method": (lambda: archive(("x.py", "a" * 99), compression=zipfile.ZIP_LZMA), r"'x.py'.*method 14"),
    "ratio": (lambda: archive(("zeros", bytes(20 << 20))), r"entry 'zeros'.*would grow"),
    "liar": (lying_about_its_size, r"liar.bin|sound zip"),
    "total": (
        lambda: archive(*((f"part{n}", os.urandom(1 << 17) + bytes(16 << 20)) for n in range(17))),
        r"larger than 262,144,000 bytes",
    ),
    "empty": (archive, r"holds no file"),
    "not_a_zip": (lambda: b"PK\x03\x04 is not enough", r"not a sound zip"),
    "cut": (lambda: archive(("x.py", "x = 1" * 1000))[:-30], r"not a sound zip"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused_and_the_entry_named(kind, tmp_path):
    make, said = HOSTILE[kind]
    path = tmp_path / "code.zip"
    path.write_bytes(make())
    with pytest.raises(InvalidValue, match=said) as caught:
        package.from_zip(path)
    assert str(path) in str(caught.value)


def test_damaged_data_is_found():
    data = bytearray(archive(("x.py", os.urandom(5000)), compression=zipfile.ZIP_STORED))
    data[2000] ^= 255
    with pytest.raises(InvalidValue, match="not a sound zip"):
        package.check(bytes(data))


def test_a_zip_over_the_limit_is_not_read(tmp_path):
    path = tmp_path / "big.zip"
    with path.open("wb") as file:
        file.truncate(package.ZIP_LIMIT + 1)
    with pytest.raises(InvalidValue, match="52,428,801 bytes; Lambda takes 52,428,800"):
        package.from_zip(path)


def test_a_path_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InvalidValue, match=r"nowhere.zip: cannot be read"):
        package.from_zip(tmp_path / "nowhere.zip")


def test_links_within_an_archive_are_taken():
    entries = [
        (link("node_modules/.bin/tool"), "../tool/cli.js"), ("node_modules/tool/cli.js", ""),
        (link("lib/libx.so"), "libx.so.1"), (link("lib/libx.so.1"), "./libx.so.1.2"), ("lib/libx.so.1.2", ""),
        (link("lib64"), "lib/"), (link("deep/er"), "../lib64/libx.so"), (link("deep/est"), "../lib64/../deep/er"),
    ]  # fmt: skip
    for order in (entries, entries[::-1]):
        assert len(package.check(archive(*order))) == 8


def test_many_links_take_no_time():
    ring = [(link(f"l{n}"), "./" * 2000 + f"l{n + 1}") for n in range(100)]
    with pytest.raises(InvalidValue, match=r"links of more than 262,144 bytes"):
        package.check(archive(("x.py", ""), *ring))


def test_a_sound_archive_comes_back_unchanged(tmp_path):
    data = archive(("./", ""), ("./lib/", ""), ("./lib/a.py", "a = 1"), ("main.py", "import lib.a"))
    (tmp_path / "ok.zip").write_bytes(data)
    assert package.from_zip(tmp_path / "ok.zip") == data
    assert package.check(data) == ("lib/a.py", "main.py")


@given(st.binary(max_size=200), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_no_bytes_make_it_fail_otherwise(data, at, noise):
    whole = bytearray(package.from_source("x = 1\n" * 50, capture={"a": [1, 2]}))
    at %= len(whole)
    whole[at : at + len(noise)] = noise
    for attempt in (data, b"PK\x03\x04" + data, bytes(whole)):
        try:
            package.check(attempt)
        except InvalidValue:
            pass
