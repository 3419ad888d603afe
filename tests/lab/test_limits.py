"""Lambda's limits, with the option's name in every complaint."""

import pytest

from faaslab.errors import InvalidValue
from faaslab.lab import limits, runtimes


@pytest.mark.parametrize("name", ["a", "score", "A-b_9", "x" * 64])
def test_a_name(name):
    assert limits.name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a.b", "naïve", "a/b", None, 5])
def test_no_name(name):
    with pytest.raises(InvalidValue) as caught:
        limits.name(name)
    assert caught.value.place == "name"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("memory_mb", 127), ("memory_mb", 10241), ("memory_mb", 128.5), ("memory_mb", True), ("memory_mb", "512"),
        ("timeout_s", 0), ("timeout_s", 901), ("ephemeral_storage_mb", 511), ("ephemeral_storage_mb", 10241),
        ("reserved_concurrency", -1),
        ("environment", {"1A": "x"}), ("environment", {"A": "x"}), ("environment", {"AB": 1}),
        ("environment", {"AWS_REGION": "x"}), ("environment", {"_HANDLER": "x"}), ("environment", {"BIG": "x" * 4094}),
        ("environment", {"NUL": "a\0b"}), ("environment", ["AB=c"]),
        ("secrets", ["=x"]), ("secrets", ["A-B"]), ("secrets", ["AWS_SECRET_ACCESS_KEY"]),
        ("requires", ["--index-url=http://x"]), ("requires", ["-r x.txt"]), ("requires", [""]), ("requires", ["a b"]),
        ("requires", ["a\nb"]), ("preload", ["pandas>=3"]), ("preload", ["a.b."]), ("preload", "x;y"), ("preload", [3]),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_names_its_option(option, value):
    with pytest.raises(InvalidValue) as caught:
        limits.configuration(**{option: value})
    assert caught.value.place == option


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("memory_mb", 128), ("memory_mb", 10240), ("timeout_s", 1), ("timeout_s", 900), ("reserved_concurrency", 0),
        ("environment", {"BIG": "x" * 4093}), ("environment", {"AB": ""}),
        ("secrets", ("TOKEN", "T=env:X", "T=keyring:a/b")),
        ("preload", ("pandas", "pyarrow.parquet", "_private")),
        ("requires", ("pandas>=3", "requests[socks]==2.32", "a; python_version<'3.12'", "a @ file:///x.whl", "six")),
    ],
)  # fmt: skip
def test_what_is_within_bounds(option, value):
    assert getattr(limits.configuration(**{option: value}), option) == value


def test_a_secret_may_not_be_an_environment_variable_too():
    with pytest.raises(InvalidValue, match="TOKEN is an environment variable as well"):
        limits.configuration(environment={"TOKEN": "x"}, secrets=["TOKEN=env:Y"])


def test_an_error_never_repeats_a_secret_like_text():
    with pytest.raises(InvalidValue) as caught:
        limits.configuration(secrets=["hunter2 is my password"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["handler", "", ".b", "a.", "a.b c", "9.b", "x" * 128 + ".y"])
def test_no_handler(text):
    with pytest.raises(InvalidValue) as caught:
        runtimes.handler(text)
    assert caught.value.place == "handler"


def test_a_runtime_is_known_or_near_one():
    assert runtimes.runtime("python3.13") == "python3.13"
    with pytest.raises(InvalidValue, match=r"did you mean 'python3\.1"):
        runtimes.runtime("pyton3.13")


@pytest.mark.parametrize("given", ["TOKEN=hunter2", "TOKEN=hun:ter2", "TOKEN=env:hunter 2"])
def test_a_secret_itself_in_the_place_of_its_reference_is_refused_and_not_repeated(given):
    with pytest.raises(InvalidValue, match="TOKEN=env:VARIABLE") as raised:
        limits.secrets([given])
    assert given.partition("=")[2] not in str(raised.value)


def test_a_snapshot_has_512_mb_of_storage_at_most():
    assert limits.configuration(snap_start="PublishedVersions")
    assert limits.configuration(snap_start="PublishedVersions", ephemeral_storage_mb=512)
    assert limits.configuration(snap_start="None", ephemeral_storage_mb=1024)
    with pytest.raises(
        InvalidValue, match="SnapStart does not support ephemeral storage greater than 512 MB"
    ):
        limits.configuration(snap_start="PublishedVersions", ephemeral_storage_mb=513)
