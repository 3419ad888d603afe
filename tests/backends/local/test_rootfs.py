"""Layers become a folder: whiteouts, links, limits; and nothing of them reaches out of it."""

import gzip
import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faaslab.backends.local.runtimes import rootfs
from faaslab.backends.local.runtimes.folders import remove
from faaslab.backends.local.runtimes.images import described
from faaslab.errors import EnvironmentFailed, InvalidValue, Unsupported
from tests.backends.local.image_making import (
    MOUNT_POINTS,
    OciImage,
    device,
    docker_archive,
    file,
    folder,
    hard_link,
    layer,
    link,
    tree,
)


@pytest.fixture
def unpack(tmp_path):
    """unpack(layers of entries) -> the root file system."""

    def unpacked(*layers, **options):
        image = OciImage(*(layer(*entries) for entries in layers), **options)
        return rootfs.unpacked(described(str(image.archive(tmp_path / "image.tar"))), tmp_path / "root")

    return unpacked


@pytest.fixture
def nothing_left(tmp_path):
    """What is refused leaves no folder, and nothing outside: the host's own file is as it was."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "passwd").write_text("mine")
    yield outside
    assert tree(outside) == {"passwd": "mine"}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750
    made = tmp_path / "root" / "images"
    assert [path.name for path in made.glob("*") if path.is_dir()] == []


# (layers, what stands there afterwards)
LAYERS = {
    "a file over a file": ([[file("a", "1")], [file("a", "2")]], {"a": "2"}),
    "folders are made": ([[file("x/y/z", "1")]], {"x": None, "x/y": None, "x/y/z": "1"}),
    "a slash and a dot mean the root": ([[folder("./"), file("./a", "1"), file("/b", "2")]], {"a": "1", "b": "2"}),
    "whiteout of a file": ([[file("a", "1"), file("b", "2")], [file(".wh.a")]], {"b": "2"}),
    "whiteout of a folder": ([[file("d/a", "1"), file("e", "2")], [file(".wh.d")]], {"e": "2"}),
    "whiteout of a link leaves its target": (
        [[file("d/a", "1"), link("l", "d")], [file(".wh.l")]],
        {"d": None, "d/a": "1"},
    ),
    "whiteout of nothing": ([[file("a", "1")], [file("d/.wh.b")]], {"a": "1", "d": None}),
    "opaque: only what is below goes": (
        [[file("d/a", "1"), file("d/e/b", "2")], [file("d/c", "3"), file("d/.wh..wh..opq")]],
        {"d": None, "d/c": "3"},
    ),
    "opaque first": (
        [[file("d/a", "1")], [file("d/.wh..wh..opq"), file("d/c", "3")]],
        {"d": None, "d/c": "3"},
    ),
    "opaque keeps a folder of its own layer, without what was in it": (
        [[file("d/e/a", "1")], [file("d/e/b", "2"), file("d/.wh..wh..opq")]],
        {"d": None, "d/e": None, "d/e/b": "2"},
    ),
    "a whiteout is not for its own layer": ([[file("a", "0")], [file("a", "1"), file(".wh.a")]], {"a": "1"}),
    "a file comes back in a later layer": ([[file("a", "1")], [file(".wh.a")], [file("a", "3")]], {"a": "3"}),
    "a folder over a file": ([[file("a", "1")], [folder("a"), file("a/b", "2")]], {"a": None, "a/b": "2"}),
    "a file over a folder": ([[file("a/b", "1")], [file("a", "2")]], {"a": "2"}),
    "a link over a folder": ([[file("a/b", "1")], [link("a", "c")]], {"a": "-> c"}),
    "a folder over a link": (
        [[file("c/x", "1"), link("a", "c")], [folder("a"), file("a/b", "2")]],
        {"a": None, "a/b": "2", "c": None, "c/x": "1"},
    ),
    "a file through a link": (
        [[folder("usr/lib"), link("lib", "usr/lib")], [file("lib/so", "1")]],
        {"lib": "-> usr/lib", "usr": None, "usr/lib": None, "usr/lib/so": "1"},
    ),
    "an absolute link is one within": (
        [[folder("usr/lib"), link("lib", "/usr/lib"), file("lib/so", "1")]],
        {"lib": "-> /usr/lib", "usr": None, "usr/lib": None, "usr/lib/so": "1"},
    ),
    "a file over a link replaces the link": (
        [[file("a", "1"), link("b", "a")], [file("b", "2")]],
        {"a": "1", "b": "2"},
    ),
    "a link that changed its target": (
        [[folder("one"), folder("two"), link("l", "one"), file("l/a", "1")], [link("l", "two"), file("l/a", "2")]],
        {"l": "-> two", "one": None, "one/a": "1", "two": None, "two/a": "2"},
    ),
    "hard links across layers": ([[file("a", "1")], [hard_link("d/b", "a")]], {"a": "1", "d": None, "d/b": "1"}),
    "a hard link over its target's folder link": (
        [[file("x/a", "1"), link("y", "x"), hard_link("b", "y/a")]],
        {"b": "1", "x": None, "x/a": "1", "y": "-> x"},
    ),
    "a hard link to a link": ([[link("a", "nowhere"), hard_link("b", "a")]], {"a": "-> nowhere", "b": "-> nowhere"}),
    "what is hard-linked is not changed by a later layer": (
        [[file("a", "1"), hard_link("b", "a")], [file("a", "2")]],
        {"a": "2", "b": "1"},
    ),
    "devices of /dev are the sandbox's": ([[folder("dev"), device("dev/null"), file("a", "1")]], {"a": "1", "dev": None}),
    "aufs' notes": ([[file("a", "1"), file(".wh..wh.plnk")]], {"a": "1"}),
    "an empty layer": ([[file("a", "1")], []], {"a": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYERS)
def test_layers_in_order(case, unpack):
    layers, expected = LAYERS[case]
    assert tree(unpack(*layers)) == MOUNT_POINTS | expected


def test_modes_times_and_names(unpack):
    root = unpack(
        [
            folder("d", 0o555),
            file("d/run", "#!", 0o4755, mtime=1_500_000_000),
            file("d/secret", "x", 0o000),
            folder("t", 0o1777),
            file("caf\u00e9", "1"),
            file("far", "1", mtime=1 << 62),
        ]
    )
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert modes["run"] == 0o755, "no set-user-id"
    assert modes["secret"] == 0o400
    assert modes["d"] == 0o755, "ours to remove"
    assert modes["t"] == 0o777
    assert (root / "d/run").stat().st_mtime == 1_500_000_000, "a .pyc is believed by the time of its source"
    assert (root / "caf\u00e9").is_file()


def test_a_layer_through_its_link_to_the_hosts_folder_stays_inside(unpack, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "passwd").write_text("mine")
    root = unpack(
        [link("etc", str(outside)), link("up", "../" * 30 + str(outside)[1:])],
        [
            file("etc/passwd", "theirs"),
            file("up/new", "theirs"),
            file("etc/.wh.passwd2"),
            folder("up", 0o777),
        ],
    )
    assert tree(outside) == {"passwd": "mine"}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700
    inside = root / outside.relative_to("/")
    assert (inside / "passwd").read_text() == "theirs"
    assert (inside / "new").read_text() == "theirs"
    remove(root)
    assert tree(outside) == {"passwd": "mine"}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700, "chmod followed no link either"


HOSTILE = {
    "a path that climbs": ([file("../outside/passwd", "x")], "outside of the image"),
    "a path that climbs within": ([file("a/../../outside/passwd", "x")], "outside of the image"),
    "a folder that climbs": ([folder("../outside", 0o777)], "outside of the image"),
    "a whiteout that climbs": ([file("../outside/.wh.passwd")], "outside of the image"),
    "a whiteout of the folder above": ([folder("d"), file("d/.wh...")], "is no whiteout"),
    "a whiteout of itself": ([file("d/.wh..")], "is no whiteout"),
    "a hard link to the host's file": ([hard_link("a", "{outside}/passwd")], "no file in the image"),
    "a hard link that climbs": ([hard_link("a", "../outside/passwd")], "outside of the image"),
    "a hard link through a link": (
        [link("l", "{outside}"), hard_link("a", "l/passwd")],
        "no file in the image",
    ),
    "a hard link to a folder": ([folder("d"), hard_link("a", "d")], "no file in the image"),
    "a link that goes round": ([link("a", "b"), link("b", "a"), file("a/c", "x")], "go round"),
    "a file as a folder": ([file("a", "x"), file("a/b", "y")], "cannot be unpacked"),
    "a character device": ([device("sda")], "device or a pipe"),
    "a block device": ([device("x/sda", tarfile.BLKTYPE)], "device or a pipe"),
    "a pipe": ([device("pipe", tarfile.FIFOTYPE)], "device or a pipe"),
    "a name without end": ([file("n" * 300, "x")], "cannot be unpacked"),
    "folders without end": ([file("d/" * 250 + "a", "x")], "nested more than 200"),
    "folders without end, by links": (
        [file("d/" * 150 + "a", "x"), link("l", "d/" * 150), file("l/" + "e/" * 100 + "a", "x")],
        "nested more than 200",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_hostile_is_refused_and_leaves_nothing(case, unpack, nothing_left):
    entries, said = HOSTILE[case]
    for info, _ in entries:
        info.linkname = info.linkname.replace("{outside}", str(nothing_left))
    with pytest.raises(InvalidValue, match=said):
        unpack([file("good", "x")], entries)


def test_a_layer_that_is_not_what_its_digest_says(tmp_path, nothing_left):
    good, other = layer(file("a", "1")), layer(file("a", "2"))
    image = OciImage(good)
    image.files[image.name(0)] = gzip.compress(other)
    with pytest.raises(InvalidValue, match="has the digest sha256:"):
        rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")
    del image.files[image.name(0)]
    with pytest.raises(InvalidValue, match="is not in it"):
        rootfs.unpacked(described(str(image.folder(tmp_path / "a"))), tmp_path / "root")


def test_a_layer_whose_tar_is_another_than_the_config_says(tmp_path, nothing_left):
    image = OciImage(layer(file("a", "1")))
    path = docker_archive(tmp_path / "d.tar", layer(file("a", "1")))
    with tarfile.open(path) as archive:
        members = [(member, archive.extractfile(member).read()) for member in archive.getmembers()]
    with tarfile.open(path, "w") as archive:
        for member, data in members:
            other = layer(file("a", "2")) if member.name.endswith("layer.tar") else data
            archive.addfile(member, io.BytesIO(other))
    with pytest.raises(InvalidValue, match="has the digest sha256:"):
        rootfs.unpacked(described(str(path)), tmp_path / "root")
    assert image.digest


def test_bytes_behind_the_end_of_a_layer_count_for_its_digest(tmp_path):
    padded = layer(file("a", "1")) + b"\0" * 100_000
    image = OciImage(padded)
    root = rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")
    assert tree(root) == MOUNT_POINTS | {"a": "1"}


def bomb(size):
    """A layer of one file of zeros, as small as gzip can make it, without ever holding it here."""
    info = tarfile.TarInfo("zeros")
    info.size = size
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        zeros = bytes(1 << 20)
        for _ in range(size >> 20):
            file.write(zeros)
    return packed.getvalue()


def test_a_bomb_is_refused_before_it_fills_a_disk(tmp_path, nothing_left):
    image = OciImage(layer(file("a", "1")))
    packed = bomb(200 << 20)
    image.files[image.name(0)] = packed
    assert len(packed) < 1 << 20
    with pytest.raises(InvalidValue, match="grows to more than"):
        rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")


def test_a_file_that_claims_ten_gigabytes(tmp_path, nothing_left):
    info = tarfile.TarInfo("zeros")
    info.size = 11 << 30
    image = OciImage(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(InvalidValue, match="limit for an image"):
        rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")


def test_all_layers_together_have_a_limit(unpack, nothing_left, monkeypatch):
    monkeypatch.setattr("faaslab.backends.local.runtimes.rootfs.IMAGE_BYTES", 50_000)
    with pytest.raises(InvalidValue, match="limit for an image"):
        unpack([file("a", os.urandom(30_000))], [file("a", os.urandom(30_000))])


def test_the_number_of_files_has_a_limit(unpack, nothing_left, monkeypatch):
    monkeypatch.setattr("faaslab.backends.local.runtimes.rootfs.ENTRY_LIMIT", 3)
    with pytest.raises(InvalidValue, match="more than 3 files"):
        unpack([file(name) for name in "abcd"])


def test_a_file_with_holes_is_refused(tmp_path, nothing_left):
    info = tarfile.TarInfo("holes")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\0" + b"00000000000\0"
    header[483:495] = b"70000000000\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    image = OciImage(bytes(header) + bytes(10240))
    with pytest.raises(InvalidValue, match="holes"):
        rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")


@pytest.mark.parametrize("cut", [100, 600])
def test_a_layer_that_is_cut_off(cut, tmp_path, nothing_left):
    image = OciImage(layer(file("a", b"x" * 1000))[:cut])
    with pytest.raises(InvalidValue, match="damaged"):
        rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads zstd")
def test_zstd_is_refused_with_the_remedy(tmp_path, nothing_left):
    image = OciImage(layer(file("a", "1")), compress=lambda data: b"\x28\xb5\x2f\xfd" + data)
    with pytest.raises(Unsupported, match="zstd.*gzip"):
        rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")


def test_a_full_disk_is_said_and_leaves_nothing(unpack, nothing_left, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("faaslab.backends.local.runtimes.rootfs._write_all", full)
    with pytest.raises(EnvironmentFailed, match="No space left"):
        unpack([file("a", "1")])


def test_an_image_is_unpacked_once_by_its_digest(tmp_path):
    image = OciImage(layer(file("a", "1")), layer(file("b", "2")))
    path = str(image.archive(tmp_path / "a.tar"))
    with ThreadPoolExecutor(4) as executor:
        roots = list(executor.map(lambda _: rootfs.unpacked(described(path), tmp_path / "root"), range(4)))
    assert set(roots) == {tmp_path / "root" / "images" / image.digest / "rootfs"}
    made = roots[0].stat().st_ino
    Path(path).unlink()
    again = OciImage(layer(file("a", "1")), layer(file("b", "2"))).folder(tmp_path / "folder")
    assert rootfs.unpacked(described(str(again)), tmp_path / "root").stat().st_ino == made


def test_a_layer_that_comes_twice_in_a_docker_archive(tmp_path):
    one, two = layer(file("a", "1")), layer(file("a", "2"))
    path = docker_archive(tmp_path / "d.tar.gz", one, two, one, mode="w:gz")
    assert tree(rootfs.unpacked(described(str(path)), tmp_path / "root")) == MOUNT_POINTS | {"a": "1"}


def test_another_image_under_the_same_name_is_noticed(tmp_path):
    first, second = OciImage(layer(file("a", "1"))), OciImage(layer(file("a", "2")))
    path = str(first.archive(tmp_path / "a.tar"))
    with pytest.raises(InvalidValue, match="another image than when the function was defined"):
        rootfs.at(path, second.digest, tmp_path / "root")
    image, root = rootfs.at(path, first.digest, tmp_path / "root")
    second.archive(tmp_path / "a.tar")
    assert rootfs.at(path, first.digest, tmp_path / "root") == (image, root), "it was unpacked before"
    (tmp_path / "a.tar").unlink()
    assert rootfs.at(path, first.digest, tmp_path / "root") == (image, root)
    assert image.layers == described(str(first.archive(tmp_path / "a.tar"))).layers


HIDDEN = {
    "etc": [link("etc", "{outside}")],
    "a file of etc": [link("etc/hosts", "{outside}/new"), link("etc/resolv.conf", "{outside}/passwd")],
    "a file in its place": [file("dev", "x"), file("tmp", "x"), folder("etc/hosts")],
    "tmp": [link("tmp", "{outside}"), link("dev", "/oldroot"), link("proc", "..")],
    "the working directory": [link("work", "{outside}")],
}


@pytest.mark.parametrize("case", HIDDEN)
def test_where_a_sandbox_lays_something_no_link_stands(case, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "passwd").write_text("mine")
    entries = HIDDEN[case]
    for info, _ in entries:
        info.linkname = info.linkname.replace("{outside}", str(outside))
    image = OciImage(layer(*entries), WorkingDir="/srv/deep")
    root = rootfs.unpacked(described(str(image.archive(tmp_path / "a.tar"))), tmp_path / "root")
    for name, text in MOUNT_POINTS.items():
        assert not (root / name).is_symlink()
        assert (root / name).is_dir() == (text is None)
    assert tree(outside) == {"passwd": "mine"}
    assert rootfs.inside(root, "/srv/deep").is_dir()
    assert rootfs.inside(root, "/srv/deep").is_relative_to(root)


HALF = """
import os, sys
from pathlib import Path
from faaslab.backends.local.runtimes import rootfs
from faaslab.backends.local.runtimes.images import described
def write(descriptor, data):
    os.write(descriptor, data[:1])
    print("half", flush=True)
    sys.stdin.read()
rootfs._write_all = write
rootfs.unpacked(described(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("by", ["the same", "another"])
def test_a_kill_in_the_middle_leaves_nothing_half(by, tmp_path):
    path = OciImage(layer(folder("d", 0o000), file("d/a", "whole"))).archive(tmp_path / "a.tar")
    source = Path(__file__).parent.parent.parent.parent / "src"
    with subprocess.Popen(
        [sys.executable, "-c", HALF, str(path), str(tmp_path / "root")],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"half\n"
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert len(list((tmp_path / "root" / "images").glob(".*.partial"))) == 1
    if by == "another":
        another = OciImage(layer(file("b", "x"))).archive(tmp_path / "b.tar")
        rootfs.unpacked(described(str(another)), tmp_path / "root")
        assert not list((tmp_path / "root" / "images").glob(".*.partial"))
    root = rootfs.unpacked(described(str(path)), tmp_path / "root")
    assert tree(root) == MOUNT_POINTS | {"d": None, "d/a": "whole"}
    assert not list((tmp_path / "root" / "images").glob(".*.partial"))
