"""Messages: the form that each host reads, and posting to a real server that is slow, busy or elsewhere."""

import base64
import hashlib
import hmac
import json
import socketserver
import threading

import pytest

from faaslab.reports.delivery import hook, webhook
from faaslab.reports.delivery.folder import NotDelivered
from tests.reports.delivery import servers
from tests.reports.delivery.stories import HOSTILE, failed, run, story


def test_the_document():
    told = story(
        failed(outputs=("/srv/r/cold.html",)), headline=("12 %.",), links={"html": "https://r.example/x"}
    )
    assert hook.body(told, "hooks.example.com") == {
        "event": "report.failed",
        "text": "FAILED: Cold starts, Mon 23 Nov 2026, 07:00 CET\nCell 3: KeyError: 'day'\n12 %.\n"
        "Page: https://r.example/x",
        "id": "00000001-13ab-400a-b26f-7f51998ac89a",
        "name": "cold_starts",
        "title": "Cold starts",
        "status": "failed",
        "schedule": "weekly",
        "attempt": 1,
        "scheduled_for": "2026-11-23T06:00:00.000Z",
        "started": "2026-11-23T06:00:04.000Z",
        "ended": "2026-11-23T06:00:21.500Z",
        "duration_ms": 17500,
        "failed_cell": 3,
        "error": {"type": "KeyError", "message": "Cell 3: KeyError: 'day'"},
        "summary": ["12 %."],
        "outputs": ["cold.html"],
        "links": {"html": "https://r.example/x"},
    }


@pytest.mark.parametrize(
    ("host", "members"),
    [
        ("hooks.slack.com", {"text"}),
        ("discord.com", {"content", "allowed_mentions"}),
        ("acme.webhook.office.com", {"type", "attachments"}),
        ("prod-1.westeurope.logic.azure.com", {"type", "attachments"}),
    ],
)
def test_each_host_gets_what_it_reads(host, members):
    document = hook.body(story(failed(), title=HOSTILE, links={"html": "https://r.example/x"}), host)
    assert set(document) == members
    assert "Cell 3" in json.dumps(document)
    if host == "hooks.slack.com":
        assert "<!channel>" not in document["text"]


def post(url, pauses=None, content=b"{}", **more):
    pauses = [] if pauses is None else pauses
    return webhook.post(url, content, {"X-A": "1"}, pause=pauses.append, chance=lambda: 1.0, **more)


def test_it_is_posted_once():
    content = hook.encoded(hook.body(story(run(), title="Kältestarts \ud800"), "x"))
    with servers.post_server() as server:
        assert post(f"{server.url}/hook?k=1", content=content) == webhook.Answered(status=200, tries=1)
    [(path, headers, _, document)] = server.posts
    assert (path, headers["X-A"]) == ("/hook?k=1", "1")
    assert document["text"].startswith("Kältestarts ")


def test_a_busy_server_is_asked_again_a_few_times():
    pauses = []
    with servers.post_server(
        (503, {}), (429, {"Retry-After": "7"}), (500, {"Retry-After": "3600"})
    ) as server:
        assert post(server.url, pauses).tries == 4
    assert pauses == [1, 7, 10]
    with servers.post_server(*[(503, {})] * 9) as server:
        with pytest.raises(NotDelivered, match="localhost did not take it in 4 tries: it answered 503"):
            post(f"{server.url}/secret")
        assert len(server.posts) == 4


@pytest.mark.parametrize(("status", "why"), [(404, "it answered 404"), (302, "leads elsewhere")])
def test_what_is_refused_or_elsewhere_is_not_tried_again(status, why):
    with servers.post_server() as other, servers.post_server((status, {"Location": other.url})) as server:
        with pytest.raises(NotDelivered, match=why):
            post(f"{server.url}/secret")
        assert (len(server.posts), len(other.posts)) == (1, 0)


def test_an_answer_without_an_end_is_cut():
    with servers.post_server(*[(None, {})] * 9) as server:
        with pytest.raises(NotDelivered, match=r"no answer within 0\.3 s"):
            post(server.url, try_s=0.3)


def test_nobody_there():
    with pytest.raises(NotDelivered, match="Connection refused"):
        post("http://127.0.0.1:1/secret")


def test_over_tls_a_certificate_is_verified(tmp_path, monkeypatch):
    context, trusted = servers.certificate(tmp_path)
    with servers.post_server(context=context) as server:
        with pytest.raises(NotDelivered, match="certificate"):
            post(server.url)
        assert server.posts == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert post(server.url).status == 200


def test_what_is_signed_can_be_verified():
    told = hook.signature("key", b'{"a":1}', 1_700_000_000)
    expected = hmac.new(b"key", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert told == f"t=1700000000,v1={expected}"


def test_a_proxy_is_asked_by_connect_and_its_password_shown_to_nobody_else(monkeypatch):
    """What stands in HTTPS_PROXY is used beyond this machine, and for that machine alone."""
    heard = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self):
            while (line := self.rfile.readline().strip()) != b"":
                heard.append(line.decode())
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
        serving = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        for name in ("https_proxy", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:hunter2@127.0.0.1:{proxy.server_address[1]}")
        with pytest.raises(NotDelivered) as told:
            post("https://hooks.example.invalid/secret")
        proxy.shutdown()
        serving.join()
    assert heard[0].startswith("CONNECT hooks.example.invalid:443 ")
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'ada:hunter2').decode()}" in heard
    assert "hunter2" not in str(told.value)
    assert "/secret" not in str(told.value)
