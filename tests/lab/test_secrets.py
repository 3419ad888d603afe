"""Secrets are looked up by reference and shown nowhere."""

import sys
from types import SimpleNamespace

import pytest

from faaslab.errors import InvalidValue, MissingExtra, NotFound, Unsupported
from faaslab.lab import secrets


@pytest.mark.parametrize(
    "key", ["API_KEY", "TOKEN", "DB_PASSWORD", "client_secret", "MY_TOKEN_2", "api-key", "dbPassword"]
)
def test_telling_names(key):
    assert secrets.looks_secret(key)
    assert secrets.masked({key: "hunter2", "STAGE": "dev"}) == {key: secrets.MASK, "STAGE": "dev"}


@pytest.mark.parametrize("key", ["STAGE", "MONKEY", "KEYBOARD", "TOKENIZER_PATH"])
def test_innocent_names(key):
    assert not secrets.looks_secret(key)


def test_at_every_depth():
    given = {
        "db": {"password": "abc", "n": 1},
        "all": [{"token": [12345678, True, None]}],
        "key": "line\nof it",
    }
    assert secrets.without_secrets(given) == {
        "db": {"password": secrets.MASK, "n": 1},
        "all": [{"token": secrets.MASK}],
        "key": secrets.MASK,
    }
    assert list(secrets.secret_names(given)) == ["db.password", "all.token", "key"]
    # What is short stands everywhere.
    assert list(secrets.secret_texts(given)) == ["12345678", "line\nof it", "line", "of it"]


@pytest.fixture
def keyring(monkeypatch):
    kept = {("faaslab", "DB"): "from keyring", ("service/part", "me"): "mine"}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda s, u: kept.get((s, u))))


@pytest.mark.parametrize("reference", ["TOKEN", "T=TOKEN", "T=env:TOKEN", "env:TOKEN"])
def test_the_environment_of_the_process(monkeypatch, reference):
    monkeypatch.setenv("TOKEN", "hunter2")
    assert secrets.resolve(reference) == "hunter2"


@pytest.mark.parametrize(
    ("reference", "value"), [("DB", "from keyring"), ("X=keyring:faaslab/DB", "from keyring"), ("X=keyring:service/part/me", "mine")]
)  # fmt: skip
def test_the_keyring(keyring, reference, value):
    assert secrets.resolve(reference) == value


def test_what_is_nowhere_says_where_to_put_it(keyring):
    with pytest.raises(NotFound, match="export NOWHERE"):
        secrets.resolve("NOWHERE")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra, match=r"faaslab\[keyring\]"):
        secrets.resolve("X=keyring:a/b")
    with pytest.raises(NotFound):
        secrets.resolve("NOWHERE")


def test_places_of_later_releases_and_no_places():
    with pytest.raises(Unsupported):
        secrets.resolve("X=ssm:/a/b")
    with pytest.raises(InvalidValue):
        secrets.resolve("X=vault:a")
