"""Files that a user names are read whole when they are regular and small enough, and refused when not."""

import os

import pytest

from faaslab import app
from faaslab.deploy import regular
from faaslab.errors import InvalidValue


@pytest.fixture
def strange(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    return [tmp_path / "fifo", tmp_path / "nothing", tmp_path]


def test_what_is_no_regular_file_is_refused_at_once(strange):
    for path in strange:
        with pytest.raises(InvalidValue, match=f"^--file: cannot read '{path}'"):
            regular.read(path, limit=10, place="--file")


def test_the_limit_is_the_last_size_that_is_read(tmp_path):
    file = tmp_path / "code.py"
    file.write_bytes(b"12345")
    assert regular.read(file, limit=5, place="x") == b"12345"
    with pytest.raises(InvalidValue, match="has more than 4 bytes"):
        regular.read(file, limit=4, place="x")


def test_no_way_to_give_code_waits_for_what_has_no_end(strange, tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache") as lab:
        for path in (strange[0], "/dev/zero"):
            with pytest.raises(InvalidValue, match="regular file"):
                lab.functions.create("f", source=path)
            with pytest.raises(InvalidValue, match="regular file"):
                lab.layers.publish("l", path)
