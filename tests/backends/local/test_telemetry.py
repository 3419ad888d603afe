"""The Telemetry API: what may be subscribed to, when it is delivered, and what arrives."""

import json

import pytest

from faaslab.backends import log_files
from faaslab.backends.local.api.telemetry_batches import Batch, wanted
from tests.backends.local.defining import SANDBOX_FAULT, eventually
from tests.backends.local.extending import install

GOOD = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/logs"},
}


def changed(**members):
    return json.dumps({**GOOD, **members}).encode()


def test_a_subscription_is_read():
    asked = wanted(changed(), "telemetry")
    assert asked == (("platform", "function"), "HTTP", 8080, "/logs", 1000, 262144, 0.025)
    plain = wanted(changed(buffering=None, destination={"protocol": "TCP", "port": 9999}), "telemetry")
    assert plain[1:] == ("TCP", 9999, "", 10_000, 262_144, 1.0)
    old = wanted(changed(schemaVersion="2020-08-15"), "logs")
    assert old.port == 8080


WRONG = {
    "no JSON": (b"{", "no JSON"),
    "a list": (b"[]", "no JSON object"),
    "schema": (changed(schemaVersion="1999"), "schemaVersion"),
    "types": (changed(types=["platform", "gossip"]), "types"),
    "no types": (changed(types=[]), "types"),
    "no destination": (changed(destination=None), "destination"),
    "another host": (changed(destination={"protocol": "HTTP", "URI": "http://example.com:80/"}), "sandbox.localdomain"),
    "a host that looks alike": (
        changed(destination={"protocol": "HTTP", "URI": "http://sandbox.localdomain:80@example.com/"}), "sandbox.localdomain",
    ),
    "a header in the path": (changed(destination={"protocol": "HTTP", "URI": "http://sandbox:80/a\r\nb"}), "sandbox.localdomain"),
    "no port": (changed(destination={"protocol": "HTTP", "URI": "http://sandbox.localdomain:0/"}), "port"),
    "the Runtime API's port": (changed(destination={"protocol": "TCP", "port": 9001}), "port"),
    "a port that is none": (changed(destination={"protocol": "TCP", "port": True}), "port"),
    "another protocol": (changed(destination={"protocol": "UDP", "port": 1}), "protocol"),
    "too few items": (changed(buffering={"maxItems": 999}), "maxItems"),
    "too many bytes": (changed(buffering={"maxBytes": 1048577}), "maxBytes"),
    "too long": (changed(buffering={"timeoutMs": 30001}), "timeoutMs"),
    "no number": (changed(buffering={"timeoutMs": "1"}), "timeoutMs"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_subscription_is_said(name):
    body, told = WRONG[name]
    with pytest.raises(ValueError, match=told):
        wanted(body, "telemetry")


def test_a_batch_is_due_when_it_is_full_or_old():
    batch = Batch(wanted(changed(), "telemetry"))
    assert batch.wait_s(0) is None
    batch.add(b"x", 1.0)
    assert batch.wait_s(1.0) == pytest.approx(0.025)
    assert batch.wait_s(2.0) == 0
    for _ in range(999):
        batch.add(b"y", 1.001)
    assert batch.wait_s(1.001) == 0
    assert len(batch.take()) == 1000
    assert batch.wait_s(9) is None
    for size in (200_000, 100_000, 10):
        batch.add(b"z" * size, 10.0)
    assert batch.wait_s(10.0) == 0
    assert [len(item) for item in batch.take()] == [200_000]
    batch.give_back([b"z" * 200_000], 11.0)
    assert [len(item) for item in batch.take()] == [200_000]
    assert [len(item) for item in batch.take()] == [100_000, 10]


def test_what_nobody_takes_is_dropped_and_counted():
    batch = Batch(wanted(changed(), "telemetry"))
    for _ in range(9):
        batch.add(b"x" * 1_000_000, 0)
    assert (batch.dropped_items, batch.dropped_bytes) == (1, 1_000_000)


SUBSCRIBER = """
import http.server, socket, threading
path = {path!r}
def keep(events):
    with open(path, "a") as file:
        for event in events:
            file.write(json.dumps(event) + "\\n")
class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        keep(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *a): pass
if {protocol!r} == "HTTP":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take)
    port = server.server_address[1]
    target = {{"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{{port}}/"}}
    threading.Thread(target=server.serve_forever, daemon=True).start()
else:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    target = {{"protocol": "TCP", "port": port}}
    def take():
        for line in listening.accept()[0].makefile():
            keep([json.loads(line)])
    threading.Thread(target=take, daemon=True).start()
api.register("INVOKE", "SHUTDOWN")
body = {{"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
        "buffering": {{"timeoutMs": 25}}, "destination": target}}
print(api.call("PUT", "/2022-07-01/telemetry", body), flush=True)
print(api.call("PUT", "/2022-07-01/telemetry", {{"types": []}})[0], flush=True)
while True:
    if api.next()["eventType"] == "SHUTDOWN":
        time.sleep(0.3)
        print(api.call("PUT", "/2022-07-01/telemetry", body), flush=True)
        break
"""
TALKER = "import json\ndef handler(e, c):\n    print('said ' + c.aws_request_id)\n    print(json.dumps({'k': 1}))\n    return 1\n"


def subscribed(tmp_path, protocol):
    told = tmp_path / "events.jsonl"
    install(
        tmp_path / "cache/runtime/opt", "subscriber", SUBSCRIBER.format(path=str(told), protocol=protocol)
    )
    return lambda: [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


@pytest.mark.parametrize("form", ["Text", "JSON"])
@pytest.mark.parametrize("protocol", ["HTTP", "TCP"])
def test_what_happens_arrives(protocol, form, define, invoke, tmp_path, backend):
    events = subscribed(tmp_path, protocol)
    function = define(TALKER, log_format=form, timeout_s=10)
    first, second = invoke(function), invoke(function)
    assert (first.ok, second.ok) == (True, True)
    backend.close()
    found = eventually(
        lambda: (seen := events()) and [e for e in seen if e["type"] == "platform.report"][1:] and seen
    )
    kinds = [event["type"] for event in found]
    assert kinds[0] == "platform.initStart"
    for kind in (
        "platform.telemetrySubscription",
        "platform.extension",
        "platform.initRuntimeDone",
        "platform.initReport",
    ):
        assert kinds.count(kind) == 1, kind
    for kind in ("platform.start", "platform.runtimeDone", "platform.report"):
        assert [e["record"]["requestId"] for e in found if e["type"] == kind] == [
            first.request_id,
            second.request_id,
        ]
    said = [event["record"] for event in found if event["type"] == "function"]
    assert said == [
        f"said {first.request_id}", {"k": 1} if form == "JSON" else '{"k": 1}',
        f"said {second.request_id}", {"k": 1} if form == "JSON" else '{"k": 1}',
    ]  # fmt: skip
    assert any("OK" in event["record"] for event in found if event["type"] == "extension")
    report = next(e["record"] for e in found if e["type"] == "platform.report")
    assert report["metrics"]["durationMs"] == first.duration_ms
    assert report["status"] == "success"


def test_a_refused_subscription_tells_why_and_the_log_tells_of_a_good_one(define, invoke, tmp_path):
    subscribed(tmp_path, "HTTP")
    execution = invoke(define(TALKER, timeout_s=10))
    written = [line.message for line in execution.logs if line.stream == "extension"]
    assert written == ["(200, 'OK')", "400"]
    assert "TELEMETRY\tName: subscriber\tState: Subscribed\tTypes: [Platform, Function, Extension]" in [
        line.message for line in execution.logs if line.stream == "platform"
    ]


WAITS = """
import http.server, threading
done = threading.Event()
class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            if event["type"] == "platform.runtimeDone": done.set()
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take)
threading.Thread(target=server.serve_forever, daemon=True).start()
api.register("INVOKE")
target = {"protocol": "HTTP", "URI": f"http://sandbox:{server.server_address[1]}/"}
api.call("PUT", "/2022-07-01/telemetry", {"schemaVersion": "2022-07-01", "types": ["platform"], "buffering": {"timeoutMs": 25}, "destination": target})
while True:
    api.next()
    done.wait()
    done.clear()
"""


def test_an_extension_may_wait_for_the_runtime_to_be_done(define, invoke, tmp_path):
    install(tmp_path / "cache/runtime/opt", "waits", WAITS)
    function = define("def handler(e, c): return e\n", timeout_s=10)
    assert [invoke(function, b"%d" % number).result for number in range(3)] == [0, 1, 2]


def test_a_subscriber_that_is_not_there_holds_nobody_up(define, invoke, tmp_path):
    body = """
api.register("INVOKE")
api.call("PUT", "/2022-07-01/telemetry", {"schemaVersion": "2022-07-01", "types": ["platform"], "destination": {"protocol": "TCP", "port": 1}})
while True: api.next()
"""
    install(tmp_path / "cache/runtime/opt", "nobody", body)
    function = define(timeout_s=10)
    assert invoke(function).ok
    assert invoke(function).ok


@pytest.mark.skipif(bool(SANDBOX_FAULT), reason=SANDBOX_FAULT or "")
def test_in_a_sandbox_extensions_listen_at_lambdas_name(define, invoke, tmp_path, backend_with):
    body = WAITS.replace('("127.0.0.1", 0)', '("sandbox.localdomain", 0)')
    install(tmp_path / "cache/runtime/opt", "waits", body)
    backend = backend_with(sandbox="on")
    function = define("def handler(e, c): return e\n", timeout_s=10)
    assert [invoke(function, b"%d" % number, on=backend).result for number in range(2)] == [0, 1]


@pytest.mark.parametrize("form", ["Text", "JSON"])
def test_a_log_with_extensions_is_read_again(form, define, invoke, tmp_path):
    subscribed(tmp_path, "HTTP")
    execution = invoke(define(TALKER, log_format=form, timeout_s=10))
    file = tmp_path / "saved.log"
    file.write_text(
        "".join(f"{line.at.isoformat()}Z {execution.log_stream} {line.message}\n" for line in execution.logs)
    )
    reading = log_files.read(file, function="probe")
    (found,) = reading
    assert found.request_id == execution.request_id
    assert found.init_ms == pytest.approx(execution.init_ms, abs=0.006)
    assert found.ok
