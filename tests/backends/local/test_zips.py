"""Hostile zips: whatever they hold or claim, nothing is written out of the folder or beyond the limit."""

import stat
import struct
import zipfile

import pytest

from faaslab.backends.local.runtimes.packages import Packages
from faaslab.backends.local.runtimes.zips import unpack, unpack_all
from faaslab.errors import InvalidValue


def written(path, *entries, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def claiming(path, size, *, real):
    """An archive of one file of `real` zeros that says of itself that it has `size` bytes."""
    written(path, ("zeros", bytes(real)))
    data = bytearray(path.read_bytes())
    if size <= 0xFFFFFFFF:
        for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            where = data.find(signature) + at
            data[where : where + 4] = struct.pack("<I", size)
        path.write_bytes(data)
        return path
    with zipfile.ZipFile(path) as archive:
        (entry,) = archive.infolist()
        entry.file_size = size
        directory = zipfile.ZipFile(path, "a")
        directory.filelist = [entry]
        directory.NameToInfo = {entry.filename: entry}
        directory._didModify = True
        directory.close()
    return path


@pytest.fixture
def refused(tmp_path):
    """refused(archive): what is said; and then nothing is left of it."""

    def refuse(archive, said):
        with pytest.raises(InvalidValue, match=said):
            Packages(tmp_path / "root").code(archive, "bad")
        left = [path.name for path in (tmp_path / "root" / "code").iterdir()]
        assert left == [".bad.lock"]

    return refuse


def test_ten_gigabytes_in_a_small_zip(tmp_path, refused):
    archive = claiming(tmp_path / "a.zip", 10 << 30, real=1 << 20)
    assert archive.stat().st_size < 5000
    refused(archive, "Unzipped size must be smaller than 262144000 bytes")


def test_a_bomb_that_claims_to_be_small(tmp_path, refused):
    refused(claiming(tmp_path / "a.zip", 1000, real=64 << 20), "not a usable zip|larger than it says")


def test_many_entries_over_the_same_bytes(tmp_path, refused):
    path = written(tmp_path / "a.zip", ("zeros", bytes(50 << 20)))
    with zipfile.ZipFile(path, "a") as archive:
        (entry,) = archive.infolist()
        for number in range(9):
            twin = zipfile.ZipInfo(f"zeros{number}")
            for name in zipfile.ZipInfo.__slots__:
                if hasattr(entry, name) and name not in ("filename", "orig_filename"):
                    setattr(twin, name, getattr(entry, name))
            archive.filelist.append(twin)
        archive._didModify = True
    refused(path, "Unzipped size must be smaller")


def test_more_entries_than_any_package_has(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("faaslab.backends.local.runtimes.zips.ENTRY_LIMIT", 3)
    refused(written(tmp_path / "a.zip", *((name, "x") for name in "abcd")), "more than 3 entries")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("../../etc/passwd", "x")], "outside"),
        ([("/etc/passwd", "x")], "outside"),
        ([("a/" * 300 + "b", "x")], "nested more than 200"),
        ([("a", "x"), ("a/b", "y")], "file and a folder at once"),
    ],
    ids=["climbs", "absolute", "deep", "both"],
)
def test_names_that_lead_elsewhere(entries, said, tmp_path, refused):
    refused(written(tmp_path / "a.zip", *entries), said)


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_devices(kind, tmp_path, refused):
    entry = zipfile.ZipInfo("etc")
    entry.external_attr = (kind | 0o777) << 16
    refused(written(tmp_path / "a.zip", (entry, "/etc")), "is a device")


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


LINKS = [
    ([(link("etc"), "/etc")], "leads to '/etc'"),
    ([(link("out"), "..")], "leads out of the archive"),
    ([(link("a/out"), "../..")], "leads out of the archive"),
    ([(link("a/out"), "../../x")], "leads nowhere"),
    ([(link("a"), "b"), (link("b"), "a")], "leads nowhere"),
    ([(link("whole"), ".")], "leads out of the archive"),
    ([("d/x", "1"), (link("d/up"), ".."), (link("out"), "d/up/../..")], "leads out of the archive"),
    ([(link("empty"), "")], "leads to ''"),
    ([(link("long"), "x" * 5000)], "leads to 'x"),
    ([(link("nul"), "a\0b")], "leads to"),
    ([("d/x", "1"), (link("e"), "d"), ("e/y", "2")], "written through a link"),
]


@pytest.mark.parametrize(("entries", "said"), LINKS)
def test_links_that_lead_elsewhere(entries, said, tmp_path, refused):
    for order in (entries, entries[::-1]):
        refused(written(tmp_path / "a.zip", *order), said)


def test_links_within_the_archive_are_links_again(tmp_path):
    entries = [
        (link("node_modules/.bin/tool"), "../tool/cli.js"), ("node_modules/tool/cli.js", "js"),
        (link("lib/libx.so"), "libx.so.1"), ("lib/libx.so.1", "so"), (link("lib64"), "lib"),
    ]  # fmt: skip
    root = Packages(tmp_path / "root").code(written(tmp_path / "a.zip", *entries), "good")
    assert (root / "node_modules/.bin/tool").read_text() == "js"
    assert (root / "lib64/libx.so").read_text() == "so"
    assert (root / "lib64").readlink().as_posix() == "lib"
    assert Packages(tmp_path / "root").code(tmp_path / "a.zip", "good") == root


def test_a_later_layer_writes_through_no_link_of_an_earlier_one(tmp_path):
    one = written(tmp_path / "1.zip", ("lib/a", "1"), (link("lib64"), "lib"), (link("b"), "lib/a"))
    with pytest.raises(InvalidValue, match=r"'lib64' is a link, but 'lib64/a' would be written through it"):
        unpack_all([one, written(tmp_path / "2.zip", ("lib64/a", "2"))], tmp_path / "first")
    over = written(tmp_path / "3.zip", ("b", "3"), ("lib64", "file"))
    unpack_all([one, over], tmp_path / "second")
    assert {path: (tmp_path / "second" / path).read_text() for path in ("lib/a", "b", "lib64")} == {
        "lib/a": "1", "b": "3", "lib64": "file",
    }  # fmt: skip
    shallow = written(tmp_path / "4.zip", ("p/q/s", "1"), (link("a"), "p/q/r/../../x"), ("p/q/r/f", "1"))
    swapped = written(tmp_path / "5.zip", (link("p/q/r"), "../../s"), ("s/f", "1"))
    with pytest.raises(InvalidValue, match="'a' leads"):
        unpack_all([shallow, swapped], tmp_path / "third")
    again = written(tmp_path / "6.zip", (link("lib"), "other"), ("other/a", "6"))
    unpack_all([one, again], tmp_path / "fourth")
    assert (tmp_path / "fourth" / "lib64" / "a").read_text() == "6"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions(method, tmp_path, refused):
    refused(written(tmp_path / "a.zip", ("a", "x" * 1000), method=method), "compression method")


def test_set_user_id_is_dropped(tmp_path):
    entry = zipfile.ZipInfo("tool")
    entry.external_attr = (stat.S_IFREG | 0o6755) << 16
    unpack(written(tmp_path / "a.zip", (entry, "x")), tmp_path / "into")
    assert stat.S_IMODE((tmp_path / "into" / "tool").stat().st_mode) == 0o555


def test_a_later_archive_goes_over_an_earlier_one(tmp_path):
    one = written(tmp_path / "1.zip", ("a", "1"), ("d/b", "1"), ("e/f", "1"))
    two = written(tmp_path / "2.zip", ("a", "2"), ("d/c", "2"), ("e", "2"))
    unpack_all([one, two], tmp_path / "into")
    found = {path.relative_to(tmp_path / "into").as_posix() for path in (tmp_path / "into").rglob("*")}
    assert found == {"a", "d", "d/b", "d/c", "e"}
    assert (tmp_path / "into" / "a").read_text() == "2"
