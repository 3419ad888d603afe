"""Which image a file holds, and what its digests say."""

import gzip
import json
import os
import tarfile

import pytest

from faaslab.backends.local.runtimes import images
from faaslab.backends.local.runtimes.images import described, machine
from faaslab.errors import InvalidValue, Unsupported
from tests.backends.local.image_making import OciImage, docker_archive, file, layer

ONE = layer(file("bin/one", "1"))
TWO = layer(file("bin/two", "2"))
OTHER = "arm64" if machine() == "amd64" else "amd64"


@pytest.mark.parametrize("written", ["folder", "tar", "tar.gz"])
def test_an_oci_layout_says_what_is_in_it(written, tmp_path):
    image = OciImage(
        ONE,
        TWO,
        Entrypoint=["/bin/one"],
        Cmd=["app.handler"],
        Env=["PATH=/bin", "EMPTY=", "A=b=c"],
        WorkingDir="/var/task",
        User="nobody",
    )
    path = (
        image.folder(tmp_path)
        if written == "folder"
        else image.archive(tmp_path / written, "w:gz" if "gz" in written else "w")
    )
    found = described(str(path))
    assert found.digest == image.digest
    assert [each.digest for each in found.layers] == [each["digest"] for each in image.manifest["layers"]]
    assert [each.unpacked_digest for each in found.layers] == image.config["rootfs"]["diff_ids"]
    assert (found.entry_point, found.command) == (("/bin/one",), ("app.handler",))
    assert found.environment == (("PATH", "/bin"), ("EMPTY", ""), ("A", "b=c"))
    assert found.working_directory == "/var/task"


@pytest.mark.parametrize(
    ("told", "found"),
    [("", "/"), ("work", "/work"), ("/a/../b/./c/", "/b/c"), ("../..", "/"), ("//x", "/x"), (None, "/")],
)
def test_the_folder_it_starts_in_is_one_of_its_own(told, found, tmp_path):
    assert described(str(OciImage(ONE, WorkingDir=told).folder(tmp_path))).working_directory == found


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_docker_archive_too(mode, tmp_path):
    path = docker_archive(tmp_path / "image.tar", ONE, TWO, mode=mode, Cmd=["/bin/one"])
    found = described(str(path))
    assert len(found.layers) == 2
    assert found.command == ("/bin/one",)
    assert found.working_directory == "/"
    assert described(f"{path}:latest").digest == found.digest
    with pytest.raises(InvalidValue, match="holds 0 images"):
        described(f"{path}:other")


def test_the_manifest_for_this_machine_is_taken_from_an_index(tmp_path):
    mine, other = OciImage(ONE), OciImage(TWO, architecture=OTHER)
    mine.files |= {name: data for name, data in other.files.items() if name.startswith("blobs")}
    inner = mine.blob(
        json.dumps(
            {
                "manifests": [
                    {**other.descriptor, "platform": {"os": "linux", "architecture": OTHER}},
                    {**mine.descriptor, "platform": {"os": "linux", "architecture": machine()}},
                    {**other.descriptor, "platform": {"os": "unknown", "architecture": "unknown"}},
                ]
            }
        ).encode()
    )
    mine.index([inner])
    assert described(str(mine.folder(tmp_path))).digest == mine.digest


def test_an_image_for_another_machine_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(Unsupported, match=f"built for linux/{OTHER}.*--platform linux/{machine()}"):
        described(str(OciImage(ONE, architecture=OTHER).folder(tmp_path / "a")))
    image = OciImage(ONE)
    image.index([{**image.descriptor, "platform": {"os": "linux", "architecture": OTHER}}])
    with pytest.raises(Unsupported, match=f"no image for linux/{machine()}, only linux/{OTHER}"):
        described(str(image.folder(tmp_path / "b")))


def test_one_of_several_images_is_named_by_its_tag(tmp_path):
    one, two = OciImage(ONE, tag="one"), OciImage(TWO, tag="two")
    one.files |= {name: data for name, data in two.files.items() if name.startswith("blobs")}
    one.index([one.descriptor, two.descriptor])
    one.folder(tmp_path)
    assert described(f"{tmp_path}:two").digest == two.digest
    with pytest.raises(InvalidValue, match=r"several images.*\(one, two\)"):
        described(str(tmp_path))
    with pytest.raises(InvalidValue, match="its tags: one, two"):
        described(f"{tmp_path}:three")


def test_an_image_in_a_registry_says_how_to_get_it():
    with pytest.raises(Unsupported, match="skopeo copy docker://public.ecr.aws/lambda/python:3.12"):
        described("public.ecr.aws/lambda/python:3.12")


def spoiled(**changes):
    image = OciImage(ONE)
    for name, data in changes.items():
        image.files[{"index": "index.json"}.get(name, name)] = data
    return image


def wrong_manifest():
    image = OciImage(ONE)
    image.files[f"blobs/sha256/{image.digest}"] += b" "
    return image


def without(part):
    image = OciImage(ONE)
    kept = {name: data for name, data in image.files.items() if part not in name}
    image.files = kept
    return image


def with_config(**config):
    image = OciImage(ONE)
    body = {**image.config, **config}
    image.manifest["config"] = image.blob(json.dumps(body).encode())
    image.descriptor = image.blob(json.dumps(image.manifest).encode())
    image.index([image.descriptor])
    return image


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (wrong_manifest(), "has the digest sha256:"),
        (without("blobs"), "is not in it"),
        (without("index"), "holds no image"),
        (spoiled(index=b"{"), "not JSON"),
        (spoiled(index=b"[" * 200_000), "not JSON"),
        (spoiled(index=b"[]"), "names no manifests"),
        (spoiled(index=b'{"manifests":[1]}'), "no JSON objects"),
        (spoiled(index=b'{"manifests":[{"digest":"../../etc/passwd"}]}'), "no sha256 digest"),
        (spoiled(index=b" " * (5 << 20)), "larger than"),
        (with_config(rootfs={"diff_ids": []}), "do not name the same layers"),
        (with_config(rootfs={"diff_ids": ["md5:1"]}), "no sha256 digest"),
        (with_config(config={"Cmd": 3}), "is no text"),
        (with_config(config={"Env": {"A": 1}}), "is no text"),
        (with_config(config={"Entrypoint": ["a\0b"]}), "is no text"),
    ],
)
@pytest.mark.parametrize("written", ["folder", "archive"])
def test_what_is_damaged_or_false_is_said(image, said, written, tmp_path):
    path = getattr(image, written)(tmp_path / "image")
    with pytest.raises(InvalidValue, match=said):
        described(str(path))


def test_what_is_no_archive_at_all(tmp_path):
    (tmp_path / "text").write_text("hello " * 1000)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 100_000)[:60])
    for name in ("text", "empty", "cut.gz"):
        with pytest.raises(InvalidValue, match="no image archive|damaged"):
            described(str(tmp_path / name))
    with pytest.raises(InvalidValue, match="there is no"):
        described(str(tmp_path / "absent"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidValue, match="is no file"):
        described(str(tmp_path / "pipe"))
    for name in ("", "a\0b"):
        with pytest.raises(InvalidValue):
            described(name)


def test_a_header_that_asks_for_much_memory_is_not_obeyed(tmp_path):
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 7 << 30
    (tmp_path / "a").write_bytes(info.tobuf(tarfile.PAX_FORMAT) + b"\0" * 10240)
    with pytest.raises(InvalidValue, match="header of 7,516,192,768 bytes"):
        described(str(tmp_path / "a"))
    info.type, info.name, info.size = tarfile.REGTYPE, "big", 1 << 40
    (tmp_path / "b").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 10240)
    with pytest.raises(InvalidValue, match="limit for an image"):
        described(str(tmp_path / "b"))


def test_an_archive_of_many_small_files_is_none_of_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr("faaslab.backends.local.runtimes.image_files.MEMBER_LIMIT", 3)
    with pytest.raises(InvalidValue, match="more than 3 files"):
        described(str(OciImage(ONE, TWO).archive(tmp_path / "a")))


def test_a_name_in_a_docker_archive_stays_in_it(tmp_path):
    with pytest.raises(InvalidValue, match="leads out"):
        images._inside("../../etc/passwd")
