"""Targets: what they mean, how they are refused, and how little of them is shown."""

from pathlib import PurePosixPath

import pytest

from faaslab.errors import InvalidValue
from faaslab.reports.delivery.targets import Bucket, Folder, Mail, Webhook, address, masked, parsed, settled

MEANT = [
    ("reports", Folder(path="reports")),
    ("/srv/my reports?x", Folder(path="/srv/my reports?x")),
    ("~/reports", Folder(path="~/reports")),
    ("file:///srv/my%20reports", Folder(path="/srv/my reports")),
    (
        "file:///srv/r?url=https://reports.example.com/",
        Folder(path="/srv/r", url="https://reports.example.com"),
    ),
    ("s3://team-reports", Bucket(bucket="team-reports")),
    ("s3://team-reports/a/b/", Bucket(bucket="team-reports", prefix="a/b")),
    (
        "s3://team/a?region=eu-west-1&profile=ops",
        Bucket(bucket="team", prefix="a", region="eu-west-1", profile="ops"),
    ),
    ("s3+local://team/a", Bucket(bucket="team", prefix="a", local=True)),
    ("mailto:a@x.org", Mail(to=("a@x.org",))),
    (
        "mailto:a@x.org,%20b@y.org?subject=Cold%20starts",
        Mail(to=("a@x.org", "b@y.org"), subject="Cold starts"),
    ),
    ("https://hooks.example.com/T0/x?k=1", Webhook(url="https://hooks.example.com/T0/x?k=1")),
    ("http://127.0.0.1:9/x", Webhook(url="http://127.0.0.1:9/x")),
    ("http://[::1]:9/x", Webhook(url="http://[::1]:9/x")),
    ("https://h.example/x#sign=HOOK_KEY", Webhook(url="https://h.example/x", sign="HOOK_KEY")),
    ("http://ci.internal/x#plain=yes", Webhook(url="http://ci.internal/x", plain=True)),
    ("secret:TEAM_HOOK", Webhook(secret="TEAM_HOOK")),
    ("secret:keyring:faaslab/hook#sign=env:KEY", Webhook(secret="keyring:faaslab/hook", sign="env:KEY")),
]


@pytest.mark.parametrize(("text", "meant"), MEANT, ids=[text for text, _ in MEANT])
def test_a_target_is_read(text, meant):
    assert parsed(text) == meant


REFUSED = [
    ("", "empty"),
    ("a@x.org", "mailto:a@x.org"),
    ("ftp://x/y", "nothing is delivered to ftp"),
    ("htps://h.example/x", "did you mean https:"),
    ("s3://Team_Reports/x", "no name of a bucket"),
    ("s3://team?regoin=eu-west-1", "did you mean region"),
    ("s3+local://team?profile=ops", "no option 'profile'"),
    ("s3://team?url=javascript:alert(1)", "where readers find it"),
    ("s3:team/x", "did you mean s3://"),
    ("https:/one.slash/x", "did you mean https://"),
    ("s3://team/a/../../b", "has no . or .. in it"),
    ("http://127.0.0.999/x", "could be read on its way"),
    ("file://elsewhere/srv", "another machine"),
    ("mailto:", "names nobody"),
    ("mailto:a@x.org,nobody", "'nobody' is no e-mail address"),
    ("mailto:a@x.org%0d%0aBcc:b@y.org", "is no e-mail address"),
    ("mailto:a@x.org?subject=x%0d%0aBcc:b@y.org", "one line"),
    ("mailto:a@x.org?bcc=b@y.org", "no option 'bcc'"),
    ("mailto:a@x.org\r\nRCPT TO:<b@y.org>", "control character"),
    ("https://user:pass@h.example/x", "secret:NAME"),
    ("https:///x", "begins with https"),
    ("https://h.example/a b", "space"),
    ("https://h.example:99999/x", "cannot be read"),
    ("http://h.example/x", "use https"),
    ("secret:", "names no secret"),
    ("secret:A B", "is named by"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[text for text, _ in REFUSED])
def test_a_wrong_target_is_told_why(text, why):
    with pytest.raises(InvalidValue) as refused:
        parsed(text)
    assert why in str(refused.value)
    assert refused.value.place == "--notify"
    assert "pass@" not in str(refused.value)


SHOWN = [
    ("https://hooks.example.com/T0/B1/secret?token=secret", "https://hooks.example.com/…"),
    ("http://[::1]:9/secret", "http://[::1]/…"),
    ("https://user:secret@h.example/x", "https:…"),
    ("secret:TEAM_HOOK#sign=OTHER", "secret:TEAM_HOOK"),
    ("s3://team/a?profile=ops", "s3://team/a"),
    ("s3+local://team", "s3+local://team"),
    ("mailto:a@x.org,b@y.org?subject=s", "mailto:a@x.org,b@y.org"),
    ("/srv/reports", "/srv/reports"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN, ids=[text for text, _ in SHOWN])
def test_of_a_webhook_the_host_alone_is_shown(text, shown):
    assert masked(text) == shown


def test_no_error_shows_the_path_of_a_webhook():
    for url in ("http://h.example/secret", "https://h.example/sec ret", "https://a:b@h.example/secret"):
        with pytest.raises(InvalidValue) as refused:
            address(url)
        assert "sec" not in str(refused.value).replace("secret:NAME", "").replace("as a secret", "")


def test_a_folder_is_kept_in_full():
    here = PurePosixPath("/home/ada")
    assert settled("reports", here) == "/home/ada/reports"
    assert settled("/srv/r", here) == "/srv/r"
    assert settled("~/r", here) == "~/r"
    assert settled("s3://team", here) == "s3://team"
    told = settled("file:///srv/a%20b?url=https://r.example/x", here)
    assert parsed(told) == parsed("file:///srv/a%20b?url=https://r.example/x")
