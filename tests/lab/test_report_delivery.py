"""Deliveries of a lab: to a folder, the embedded S3, a mail server and a webhook, each for itself."""

import os
from datetime import datetime, timedelta

import pytest

from faaslab import app
from faaslab.clock import SYSTEM
from faaslab.errors import InvalidValue
from faaslab.lab.report_delivery import deliver, deliver_by_hand
from faaslab.model.report import ReportSchedule, ReportStatus
from faaslab.reports.delivery import index
from tests.reports.delivery import servers
from tests.reports.delivery.stories import failed, pages, run

NOW = datetime(2026, 11, 23)


def schedule(*notify, **changes):
    return ReportSchedule(
        **{
            "name": "weekly",
            "report": "cold_starts",
            "expression": "cron(0 7 ? * MON *)",
            "timezone": "Europe/Madrid",
            "notify": notify,
            "created_at": NOW,
            "updated_at": NOW,
            **changes,
        }
    )


def ran(folder, number=1, *, made=run, **changes):
    kinds = pages(folder / "made", number)
    log = folder / "made" / f"cold_starts-{number}.log"
    log.write_text("it ran\n")
    outputs = tuple(map(str, kinds.values()))
    return made(number, outputs=outputs, log=str(log), **changes)


@pytest.fixture
def opened(tmp_path, cache):
    labs = []

    def opened(**settings):
        labs.append(app.open(store=tmp_path / "s.duckdb", cache=cache, **settings))
        return labs[-1]

    yield opened
    for lab in labs:
        lab.close()


def test_one_run_goes_everywhere_and_again_tells_nobody_twice(tmp_path, opened, monkeypatch):
    with servers.mail_server() as post_office, servers.post_server() as hooks:
        monkeypatch.setenv("TEAM_HOOK", f"{hooks.url}/T0/B1/very-secret")
        monkeypatch.setenv("HOOK_KEY", "key")
        lab = opened(smtp_url=f"smtp://127.0.0.1:{post_office.port}?from=reports@example.com")
        done = ran(tmp_path)
        wanted = schedule(
            "secret:TEAM_HOOK#sign=HOOK_KEY",
            "mailto:ada@example.com",
            f"file://{tmp_path}/out?url=https://r.example",
        )
        told = deliver(lab, done, wanted)
        assert [(each.target, each.ok) for each in told] == [
            ("secret:TEAM_HOOK", True),
            ("mailto:ada@example.com", True),
            (f"{tmp_path}/out", True),
        ]
        again = deliver(lab, done, wanted)
        assert [each.ok for each in again] == [True, True, True]
        assert [each.detail for each in again[:2]] == ["was told before"] * 2
        [letter], [(path, headers, _, document)] = post_office.letters, hooks.posts
        assert deliver_by_hand(lab, done, ["mailto:ada@example.com"])[0].ok
        assert len(post_office.letters) == 2
    page = "https://r.example/cold_starts-1-00000001.html"
    assert page in letter["message"].get_body(("plain",)).get_content()
    assert "run 1" in letter["message"].get_body(("html",)).get_content()
    assert [part.get_filename() for part in letter["message"].iter_attachments()] == [
        "cold_starts-1-00000001.pdf",
        "cold_starts-1-00000001.html",
    ]
    assert path == "/T0/B1/very-secret"
    assert document["links"]["html"] == page
    assert headers["X-Faaslab-Signature"].startswith("t=")
    log = (tmp_path / "made" / "cold_starts-1.log").read_text()
    assert "delivered to secret:TEAM_HOOK: taken (200)" in log
    assert "very-secret" not in log
    assert "very-secret" not in str(told)
    [entry] = index.entries((tmp_path / "out" / "index.html").read_text())
    assert set(entry.files) == {"html", "pdf", "log"}


def test_one_that_fails_harms_no_other_and_is_told_in_the_log(tmp_path, opened, monkeypatch):
    monkeypatch.delenv("NO_SUCH_HOOK", raising=False)
    lab = opened(clock=NoPause())
    told = deliver(
        lab,
        ran(tmp_path),
        schedule(
            "mailto:ada@example.com",
            "secret:NO_SUCH_HOOK",
            "https://127.0.0.1:1/very-secret",
            "gopher://very-secret",
            str(tmp_path / "made" / "cold_starts-1.html" / "below"),
            str(tmp_path / "out"),
        ),
    )
    assert [each.ok for each in told] == [False] * 5 + [True]
    assert "FAASLAB_SMTP_URL" in told[0].detail
    log = (tmp_path / "made" / "cold_starts-1.log").read_text()
    assert log.count("NOT delivered to") == 5
    assert "very-secret" not in log + str(told)


def test_a_delivery_without_the_page_is_none(tmp_path, opened):
    lab, done = opened(), ran(tmp_path)
    page = next(path for path in done.outputs if path.endswith(".html"))
    os.unlink(page)
    with pytest.raises(InvalidValue, match=r"cold_starts-1\.html is not there any more"):
        deliver_by_hand(lab, done, [str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
    [told] = deliver(lab, done, schedule(str(tmp_path / "out")))
    assert not told.ok
    assert told.detail.endswith("cold_starts-1.html is not there any more")


class NoPause:
    """The machine's clock, whose pauses are over at once."""

    def now(self):
        return SYSTEM.now()

    def monotonic(self):
        return SYSTEM.monotonic()

    def wait(self, event, seconds):
        return event.is_set()


def test_only_of_failures_and_then_with_the_cell(tmp_path, opened):
    with servers.post_server() as hooks:
        lab = opened()
        wanted = schedule(f"{hooks.url}/x", str(tmp_path / "out"), notify_on="failure")
        assert [each.target for each in deliver(lab, ran(tmp_path), wanted)] == [str(tmp_path / "out")]
        assert hooks.posts == []
        first, last = (ran(tmp_path, number, made=failed) for number in (2, 3))
        assert [each.target for each in deliver(lab, first, wanted, to_be_retried=True)] == [
            str(tmp_path / "out")
        ]
        assert hooks.posts == []
        assert [each.ok for each in deliver(lab, last, wanted)] == [True, True]
    [(_, _, _, document)] = hooks.posts
    assert (document["failed_cell"], document["error"]["type"]) == (3, "KeyError")


@pytest.mark.parametrize("status", [ReportStatus.SKIPPED, ReportStatus.RUNNING])
def test_what_did_not_end_is_delivered_nowhere(tmp_path, opened, status):
    lab = opened()
    unfinished = run(status=status, outputs=())
    assert deliver(lab, unfinished, schedule(str(tmp_path / "out"))) == ()
    with pytest.raises(InvalidValue, match="nothing to deliver"):
        deliver_by_hand(lab, unfinished, [str(tmp_path / "out")])


def test_a_target_that_cannot_be_read_is_refused_by_hand(tmp_path, opened):
    with pytest.raises(InvalidValue, match="nothing is delivered to gopher"):
        deliver_by_hand(opened(), ran(tmp_path), ["gopher://x"])


def test_a_bucket_of_the_embedded_cloud(tmp_path, opened):
    lab = opened()
    s3 = lab.cloud.client("s3")
    [missing] = deliver_by_hand(lab, ran(tmp_path), ["s3+local://team-reports/weekly"])
    assert not missing.ok
    assert "make the bucket first" in missing.detail
    s3.create_bucket(Bucket="team-reports")
    wanted = schedule("s3+local://team-reports/weekly", keep=2)
    for number in (1, 2, 3, 3):
        due = NOW + timedelta(days=7 * number)
        [told] = deliver(lab, ran(tmp_path, number, scheduled_for=due), wanted)
        assert told.ok, told.detail
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="team-reports")["Contents"]]
    assert sorted(keys) == sorted(
        ["weekly/index.html"]
        + [f"weekly/cold_starts-{n}-0000000{n}.{kind}" for n in (2, 3) for kind in ("html", "log", "pdf")]
    )
    got = s3.get_object(Bucket="team-reports", Key="weekly/index.html")
    assert (got["ContentType"], got["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
    assert [each.id[:8] for each in index.entries(got["Body"].read().decode())] == ["00000003", "00000002"]
    head = s3.head_object(Bucket="team-reports", Key="weekly/cold_starts-3-00000003.pdf")
    assert head["ContentType"] == "application/pdf"
    # Somebody's own page is not written over.
    s3.put_object(Bucket="team-reports", Key="index.html", Body=b"<h1>mine</h1>")
    [refused] = deliver_by_hand(lab, ran(tmp_path), ["s3+local://team-reports"])
    assert not refused.ok
    assert s3.get_object(Bucket="team-reports", Key="index.html")["Body"].read() == b"<h1>mine</h1>"
    # `s3://` is what boto3's own configuration says, the environment of this very process.
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, str(tmp_path / "none"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        [nobody] = deliver_by_hand(lab, ran(tmp_path, 4), ["s3://team-reports/own?region=eu-west-1"])
        assert "s3+local://" in nobody.detail
        [unknown] = deliver_by_hand(lab, ran(tmp_path, 4), ["s3://team-reports/own?profile=nobody"])
        assert "nobody" in unknown.detail
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        patch.setenv("AWS_ENDPOINT_URL", lab.cloud.address)
        [own] = deliver_by_hand(lab, ran(tmp_path, 4), ["s3://team-reports/own?region=us-east-1"])
        assert own.ok, own.detail
    assert s3.head_object(Bucket="team-reports", Key="own/cold_starts-4-00000004.html")


def test_a_run_whose_pages_are_gone_is_told_of_all_the_same(tmp_path, opened):
    with servers.post_server() as hooks:
        lab = opened()
        gone = run(outputs=(str(tmp_path / "gone.html"),), log=str(tmp_path / "nowhere" / "x.log"))
        told = deliver(lab, gone, schedule(f"{hooks.url}/x", str(tmp_path / "out")))
    assert [each.ok for each in told] == [True, False]
    assert hooks.posts[0][3]["title"] == "Cold starts"
    [entry] = index.entries((tmp_path / "out" / "index.html").read_text())
    assert entry.files == {}
