"""The files that the cloud keeps: torn, damaged, not ours, too long, on a full disk."""

import base64
import contextlib
import io
import json
import os
import pickle
import resource
import signal
import threading
import zlib

import pytest

from faaslab.cloud.child import snapshot
from faaslab.cloud.child.asked import Asked
from faaslab.cloud.child.bodies import Bodies
from faaslab.cloud.child.bridge import Bridge
from faaslab.cloud.child.keeping import Keeper
from faaslab.cloud.child.keys import Keys
from faaslab.cloud.child.moments import Moments
from faaslab.cloud.child.snapshot import _Unpickler
from faaslab.cloud.child.turns import Turn
from faaslab.errors import BackendError

NOWHERE = "http://127.0.0.1:9"
SIGNED = "AWS4-HMAC-SHA256 Credential="


def test_a_torn_line_is_cut_off(lives):
    lives.client("s3").create_bucket(Bucket="bucket")
    lives.again()
    with open(lives.folder / "journal", "ab") as file:
        file.write(b'0badc0de {"now":1,"se')
    assert [bucket["Name"] for bucket in lives.client("s3").list_buckets()["Buckets"]] == ["bucket"]
    lives.client("s3").create_bucket(Bucket="another")
    lives.again("journal alone")
    assert len(lives.client("s3").list_buckets()["Buckets"]) == 2


@pytest.mark.parametrize("data", [b"", b"faaslab", b"deadbeef {"])
def test_a_journal_that_was_torn_at_its_very_beginning_is_begun_anew(lives, data):
    lives.folder.mkdir()
    (lives.folder / "journal").write_bytes(data)
    lives.client("s3").create_bucket(Bucket="bucket")
    lives.again("journal alone")
    assert lives.client("s3").list_buckets()["Buckets"]


def damage_a_byte(lines):
    lines[2] = lines[2].replace(b"first", b"fir5t")


def damage_with_a_good_sum(lines):
    text = b'{"now":"never"}'
    lines[2] = b"%08x %s" % (zlib.crc32(text), text)


def damage_by_a_path(lines):
    text = json.dumps(
        {
            "now": 1.0,
            "seed": 1,
            "method": "PUT",
            "target": "/bucket/k",
            "headers": [["Host", "h"]],
            "file": "../../../etc/passwd",
        }
    ).encode()
    lines.append(b"%08x %s" % (zlib.crc32(text), text))


@pytest.mark.parametrize("damage", [damage_a_byte, damage_with_a_good_sum, damage_by_a_path])
def test_a_damaged_journal_is_told_put_aside_and_used_up_to_there(lives, damage):
    s3 = lives.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="first", Body=b"1")
    s3.put_object(Bucket="bucket", Key="second", Body=b"2")
    lives.again("journal alone")
    lines = lives.lines()
    damage(lines)
    harmed = b"\n".join(lines) + b"\n"
    (lives.folder / "journal").write_bytes(harmed)
    with pytest.raises(BackendError, match="damaged.*put aside as"):
        _ = lives.cloud.address
    assert (lives.folder / "aside" / "journal.1").read_bytes() == harmed
    # The next try has what stands before the damage.
    kept = [entry["Key"] for entry in lives.client("s3").list_objects_v2(Bucket="bucket").get("Contents", [])]
    assert kept == (["first", "second"] if damage is damage_by_a_path else [])


def test_another_first_line_is_no_journal(lives):
    lives.folder.mkdir()
    (lives.folder / "journal").write_bytes(b"#!/bin/sh\nrm -rf /\n" * 500)
    with pytest.raises(BackendError, match="damaged"):
        _ = lives.cloud.address
    assert lives.client("s3").list_buckets()["Buckets"] == []


def test_a_snapshot_that_is_not_ours_is_not_opened(lives):
    """A store can come from elsewhere: with a snapshot of another user, or one that was made to do harm."""
    lives.client("s3").create_bucket(Bucket="bucket")
    lives.again("close")
    path = lives.folder / "snapshot"
    head, _, _ = path.read_bytes().partition(b"\n")
    trap = lives.folder / "sprung"

    class Trap:
        def __reduce__(self):
            return (open, (str(trap), "w"))

    path.write_bytes(head + b"\n" + pickle.dumps(Trap()))
    assert len(lives.client("s3").list_buckets()["Buckets"]) == 1
    assert not trap.exists()


def test_a_snapshot_that_cannot_be_used_is_put_aside_and_the_journal_is_enough(lives):
    kms = lives.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"open")["CiphertextBlob"]
    lives.client("ssm").put_parameter(Name="/p", Value="v", Type="String")
    lives.again("close")
    signed_with, identity = snapshot.key(), json.loads(lives.lines()[0][9:])["identity"]
    path = lives.folder / "snapshot"
    said, data = snapshot.read(path, signed_with=signed_with, identity=identity)
    snapshot.write(path, data[:-100], signed_with=signed_with, identity=identity, offset=said["offset"])
    assert lives.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"open"
    assert (lives.folder / "aside" / "snapshot").exists()


def test_a_snapshot_that_is_signed_can_name_nothing_that_acts(tmp_path):
    for thing in (os.system, eval, open, getattr, __import__, threading.Thread):
        with pytest.raises(pickle.UnpicklingError):
            _Unpickler(io.BytesIO(pickle.dumps(thing)), Bodies(tmp_path)).load()
    for module, name in (
        ("moto.server", "main"),
        ("moto.core.utils", "os"),
        ("moto.s3.models", "threading.Thread"),
        ("moto.s3.models", "FakeKey.__init__"),
        ("faaslab.cloud.child.snapshot", "write"),
    ):
        data = b"\x80\x04\x8c" + bytes([len(module)]) + module.encode()
        data += b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
        with pytest.raises((pickle.UnpicklingError, AttributeError)):
            _Unpickler(io.BytesIO(data), Bodies(tmp_path)).load()


def test_moto_itself_cannot_be_emptied(lives):
    lives.client("s3").create_bucket(Bucket="bucket")
    for target in ("/moto-api/reset", "/moto-api/seed?a=1", "/latest/meta-data/"):
        assert lives.cloud.forward("POST", target, [("Host", "h")]).status == 403
    assert lives.client("s3").list_buckets()["Buckets"]


def test_a_full_disk_refuses_the_change_and_nothing_is_half_done(lives):
    """A journal that cannot grow: a file size limit stands for the disk."""
    s3 = lives.client("s3")
    s3.create_bucket(Bucket="bucket")
    size = (lives.folder / "journal").stat().st_size
    resource.prlimit(lives.cloud.pid, resource.RLIMIT_FSIZE, (size + 50, resource.RLIM_INFINITY))
    once = lives.client("s3", retries={"total_max_attempts": 1})
    with pytest.raises(s3.exceptions.ClientError, match="cannot keep"):
        once.put_object(Bucket="bucket", Key="k", Body=b"x")
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")
    resource.prlimit(lives.cloud.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    s3.put_object(Bucket="bucket", Key="k", Body=b"y")
    lives.again("journal alone")
    assert lives.client("s3").get_object(Bucket="bucket", Key="k")["Body"].read() == b"y"


def test_files_are_for_nobody_else(lives):
    lives.client("s3").create_bucket(Bucket="bucket")
    lives.client("s3").put_object(Bucket="bucket", Key="k", Body=b"x" * 200_000)
    lives.again("close")
    for path in [lives.folder, *lives.folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_acknowledged_under_load_is_there_after_a_kill(lives):
    lives.client("s3").create_bucket(Bucket="bucket")
    acknowledged, stop = [], threading.Event()

    def work(worker):
        s3 = lives.client("s3", retries={"total_max_attempts": 1})
        number = 0
        with contextlib.suppress(Exception):
            while not stop.is_set():
                s3.put_object(Bucket="bucket", Key=f"{worker}-{number}", Body=b"x")
                acknowledged.append(f"{worker}-{number}")
                number += 1

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 150:
        assert any(thread.is_alive() for thread in threads)
        threading.Event().wait(0.01)
    os.kill(lives.cloud.pid, signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    lives.again("close")
    pages = lives.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bucket")
    assert {entry["Key"] for page in pages for entry in page["Contents"]} >= set(acknowledged)


def begun_anew(lives):
    return json.loads(lives.lines()[0][9:])["based"]


def test_a_long_journal_is_begun_anew_on_a_snapshot(short):
    s3 = short.client("s3")
    s3.create_bucket(Bucket="bucket")
    for number in range(100):
        s3.put_object(Bucket="bucket", Key=f"{number}", Body=b"x" * 100)
    s3.put_object(Bucket="bucket", Key="large", Body=b"x" * 100_000)
    short.again("close")
    assert short.client("s3").list_objects_v2(Bucket="bucket")["KeyCount"] == 101
    assert begun_anew(short)
    assert len(short.lines()) == 1
    short.client("s3").put_object(Bucket="bucket", Key="after", Body=b"after")
    short.again("kill")
    assert short.client("s3").list_objects_v2(Bucket="bucket")["KeyCount"] == 102
    assert short.client("s3").get_object(Bucket="bucket", Key="large")["Body"].read() == b"x" * 100_000
    assert "Traceback" not in (short.folder / "cloud.log").read_text()


KEPT = ("journal", "snapshot")


def fill(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="bucket")
    for number in range(100):
        s3.put_object(Bucket="bucket", Key=f"{number}", Body=b"x" * 100)


def test_an_upload_that_was_left_open_is_in_a_snapshot_too(short):
    fill(short)
    given = short.client("s3").create_multipart_upload(Bucket="bucket", Key="parts", Metadata={"a": "b"})
    short.again("close")
    assert begun_anew(short)
    assert short.client("s3").list_objects_v2(Bucket="bucket")["KeyCount"] == 100
    [upload] = short.client("s3").list_multipart_uploads(Bucket="bucket")["Uploads"]
    assert upload["UploadId"] == given["UploadId"]
    assert "Traceback" not in (short.folder / "cloud.log").read_text()


def test_a_journal_is_not_begun_anew_on_a_snapshot_that_cannot_be_read(short):
    """Which of moto's things that is differs by version: one of them is made unreadable here."""
    short.cloud.close()
    script = short.folder.parent / "odd" / "sitecustomize.py"
    script.parent.mkdir()
    script.write_text(
        "import faaslab.cloud.child.snapshot as s\n"
        "s._CLASSES_OF = tuple(one for one in s._CLASSES_OF if one != 'moto')\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(script.parent))
        short.again("close")
        fill(short)
        short.again("close")
    assert "is nothing that a snapshot may hold" in (short.folder / "cloud.log").read_text()
    assert not begun_anew(short)
    assert not (short.folder / "snapshot").exists()
    assert short.client("s3").list_objects_v2(Bucket="bucket")["KeyCount"] == 100


def test_no_snapshot_is_made_while_a_change_is_half_done(tmp_path):
    """It would stand for the change's line, and the rest of the change would be in neither."""
    turn, keys = Turn(), Keys(tmp_path / "keys")
    found = []

    def application(_, start_response):
        with turn.lent(anew=False), turn.taken():
            keeper._save()
            found.append((tmp_path / "snapshot").exists())
        start_response("200 OK", [])
        return [b""]

    keeper = Keeper(
        application,
        tmp_path,
        turn=turn,
        moments=Moments(keys),
        bridge=Bridge(NOWHERE, "key", turn),
        keys=keys,
    )
    keeper.open()
    assert keeper.carry(Asked(method="PUT", target="/", headers=(), body=b"")).status == 200
    assert found == [False]
    keeper.close()
    assert (tmp_path / "snapshot").exists()


def test_what_was_overwritten_does_not_fill_the_disk(short):
    s3 = short.client("s3")
    s3.create_bucket(Bucket="bucket")
    for number in range(10):
        s3.put_object(Bucket="bucket", Key="large", Body=bytes([number]) * 100_000)
    assert len(list((short.folder / "bodies").glob("??/*"))) == 10
    short.again("close")
    assert short.client("s3").get_object(Bucket="bucket", Key="large")["Body"].read() == b"\t" * 100_000
    assert len(list((short.folder / "bodies").glob("??/*"))) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_while_a_journal_is_begun_anew_loses_nothing(short, moment):
    s3 = short.client("s3")
    s3.create_bucket(Bucket="bucket")
    short.again("close")
    old = {path.name: path.read_bytes() for path in short.folder.iterdir() if path.is_file()}
    for number in range(100):
        short.client("s3").put_object(Bucket="bucket", Key=f"{number}", Body=b"x" * 100)
    before = (short.folder / "journal").read_bytes()
    short.cloud.close()
    if moment == "before":
        # The new snapshot and the new journal are there under the names that they are made with.
        (short.folder / "journal").replace(short.folder / "journal.next")
        (short.folder / "snapshot").replace(short.folder / "snapshot.next")
        (short.folder / "journal").write_bytes(before)
        (short.folder / "snapshot").write_bytes(old["snapshot"])
    else:
        (short.folder / "snapshot").replace(short.folder / "snapshot.next")
        (short.folder / "snapshot").write_bytes(old["snapshot"])
    short.again("close")
    assert short.client("s3").list_objects_v2(Bucket="bucket")["KeyCount"] == 100


def test_a_journal_whose_snapshot_cannot_be_opened_here_is_left_to_who_can(short, tmp_path):
    """Another user or home once (sudo, a container), and back: nothing is lost, and nobody is given an empty cloud."""
    fill(short)
    short.again("close")
    assert short.client("s3").list_buckets()["Buckets"]
    assert begun_anew(short)
    short.cloud.close()
    before = {path.name: path.read_bytes() for path in short.folder.iterdir() if path.name in KEPT}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path / "of another"))
        short.again("close")
        for _ in range(3):
            with pytest.raises(BackendError, match="another user or machine.*move the folder away"):
                _ = short.cloud.address
    assert {path.name: path.read_bytes() for path in short.folder.iterdir() if path.name in KEPT} == before
    short.again("close")
    assert short.client("s3").list_objects_v2(Bucket="bucket")["KeyCount"] == 100


def test_the_body_of_a_line_is_base64_and_nothing_else(lives):
    lives.client("sqs").create_queue(QueueName="queue")
    said = json.loads(lives.lines()[1][9:])
    assert set(said) == {"now", "seed", "method", "target", "headers", "body"}
    assert json.loads(base64.b64decode(said["body"])) == {"QueueName": "queue"}
