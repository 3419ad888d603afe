"""Tasks that call an API over HTTP: against a real server of this machine, and refused where AWS refuses."""

import base64
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from faaslab.cloud import extra
from faaslab.errors import InvalidValue
from faaslab.lab.tasks import http, workers
from tests.lab.workflow_cases import task, types

needs_cloud = pytest.mark.skipif(not extra.installed(), reason="needs faaslab[cloud]")


class Api(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        path = self.path.partition("?")[0]
        if path == "/token":
            self._send(200, {"access_token": "T" if "client_id=me&client_secret=s3cret" in body else "wrong"})
        elif path == "/text":
            self._send(200, "plain", kind="text/plain")
        elif path == "/gone":
            self._send(404, {"why": "gone"})
        elif path == "/moved":
            self._send(302, "", location="/text")
        elif path == "/broken":
            self.connection.close()
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(200, {"method": self.command, "path": self.path, "body": body, "headers": headers})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer

    def _send(self, status, body, *, kind="application/json", location=None):
        content = (json.dumps(body) if kind.endswith("json") else body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def api():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def lab(cloud_lab):
    return cloud_lab


def run(lab, **parameters):
    name = f"h-{uuid.uuid4()}"
    flow = task("arn:aws:states:::http:invoke", QueryLanguage="JSONata", Arguments="{% $states.input %}")
    lab.workflows.create(name, flow)
    run = lab.workflows.start(name, parameters)
    run.wait(90)
    return run


def test_a_call_answers_with_status_headers_and_body(lab, api):
    done = run(lab, ApiEndpoint=f"{api}/orders", Method="POST", RequestBody={"a": 1}, Headers={"X-One": "1"},
               QueryParameters={"q": "a b", "n": 2})  # fmt: skip
    output = done.output
    assert (output["StatusCode"], output["StatusText"]) == (200, "OK")
    assert output["Headers"]["content-type"] == ["application/json"]
    told = output["ResponseBody"]
    assert (told["method"], told["path"], told["body"]) == ("POST", "/orders?q=a%20b&n=2", '{"a":1}')
    assert told["headers"]["x-one"] == "1"
    assert told["headers"]["content-type"] == "application/json"
    assert types(done) == ["TaskScheduled", "TaskStarted", "TaskSucceeded", "ExecutionSucceeded"]
    assert run(lab, ApiEndpoint=f"{api}/text", Method="GET").output["ResponseBody"] == "plain"


def test_a_status_outside_of_200_to_299_is_an_error_and_no_redirect_is_followed(lab, api):
    gone = run(lab, ApiEndpoint=f"{api}/gone", Method="GET").error
    assert (gone.error, json.loads(gone.cause)) == ("States.Http.StatusCode.404", {"why": "gone"})
    assert run(lab, ApiEndpoint=f"{api}/moved", Method="GET").error.error == "States.Http.StatusCode.302"


def test_a_server_that_does_not_answer_is_a_socket_error_without_its_address(lab, api):
    for endpoint in (
        f"{api}/broken?key=secret",
        "http://127.0.0.1:9/?key=secret",
        "https://localhost:9/?key=secret",
    ):
        error = run(lab, ApiEndpoint=endpoint, Method="GET").error
        assert error.error == "States.Http.Socket"
        assert "secret" not in error.cause


def test_a_certificate_that_does_not_hold_is_refused(lab, api):
    assert (
        run(lab, ApiEndpoint=api.replace("http:", "https:"), Method="GET").error.error == "States.Http.Socket"
    )


@needs_cloud
@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("API_KEY", {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "s3cret"}}, ("x-key", "s3cret")),
        ("BASIC", {"BasicAuthParameters": {"Username": "me", "Password": "s3cret"}},
         ("authorization", "Basic " + base64.b64encode(b"me:s3cret").decode())),
        ("OAUTH_CLIENT_CREDENTIALS",
         {"OAuthParameters": {"ClientParameters": {"ClientID": "me", "ClientSecret": "s3cret"},
                              "AuthorizationEndpoint": "API/token", "HttpMethod": "POST"}},
         ("authorization", "Bearer T")),
    ],
)  # fmt: skip
def test_a_connection_gives_its_credentials_and_the_history_has_none_of_them(lab, api, kind, given, expected):
    parameters = json.loads(json.dumps(given).replace("API/", f"{api}/"))
    parameters["InvocationHttpParameters"] = {
        "HeaderParameters": [{"Key": "X-More", "Value": "h1dden", "IsValueSecret": True}],
        "QueryStringParameters": [{"Key": "more", "Value": "1"}],
        "BodyParameters": [{"Key": "added", "Value": "2"}],
    }
    connection = lab.cloud.client("events").create_connection(
        Name=f"c-{kind}", AuthorizationType=kind, AuthParameters=parameters
    )["ConnectionArn"]
    # What comes back is not looked at: the server here gives back what it got, as no other would.
    done = run(lab, ApiEndpoint=f"{api}/text", Method="POST", RequestBody={"a": 1},
               Authentication={"ConnectionArn": connection})  # fmt: skip
    assert done.output["ResponseBody"] == "plain"
    history = str(done.history["details"].tolist())
    assert "s3cret" not in history
    assert "h1dden" not in history
    told = run(lab, ApiEndpoint=f"{api}/x", Method="POST", RequestBody={"a": 1},
               Authentication={"ConnectionArn": connection}).output["ResponseBody"]  # fmt: skip
    assert told["headers"][expected[0]] == expected[1]
    assert told["headers"]["x-more"] == "h1dden"
    assert told["path"] == "/x?more=1"
    assert json.loads(told["body"]) == {"a": 1, "added": "2"}


@needs_cloud
def test_a_connection_that_is_not_there_fails_the_task(lab, api):
    arn = "arn:aws:events:us-east-1:000000000000:connection/gone/1"
    error = run(lab, ApiEndpoint=f"{api}/x", Method="GET", InvocationConfig={"ConnectionArn": arn}).error
    assert error.error == "Events.ConnectionResource.InvalidConnectionState"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"Method": "GET"}, '"ApiEndpoint" is required'),
        ({"ApiEndpoint": "https://a.test"}, '"Method" is required'),
        ({"ApiEndpoint": "http://a.test", "Method": "GET"}, "must be an https URL"),
        ({"ApiEndpoint": "file:///etc/passwd", "Method": "GET"}, "must be an https URL"),
        ({"ApiEndpoint": "https://", "Method": "GET"}, "must be an https URL"),
        ({"ApiEndpoint": "https://[", "Method": "GET"}, "is no URL"),
        ({"ApiEndpoint": "http://localhost:99999", "Method": "GET"}, "is no URL"),
        ({"ApiEndpoint": "https://a.test", "Method": "FLY"}, "must be one of GET"),
        ({"ApiEndpoint": "https://a.test", "Method": "GET", "Colour": 1}, "not supported by Step Functions"),
        ({"ApiEndpoint": "https://a.test", "Method": "GET", "Headers": {"a": "b\r\nc: d"}}, "must be one line"),
        ({"ApiEndpoint": "https://a.test", "Method": "GET", "Headers": []}, "must be an object"),
        ({"ApiEndpoint": "https://a.test", "Method": "GET", "Transform": {"RequestBodyEncoding": "XML"}}, "NONE or URL_ENCODED"),
        ([], '"ApiEndpoint" is required'),
    ],
)  # fmt: skip
def test_what_aws_does_not_take_is_refused(given, says):
    with pytest.raises(InvalidValue) as refused:
        http.asked(given, {})
    assert says in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example\\@127.0.0.1/x",
        "http://127.0.0.1\\@evil.example/",
        "http://evil.example#@localhost/",
        "http://evil.example?@localhost/",
        "http://evil.example;@localhost/",
        "http://evil.example\t@localhost/",
        "http://evil.example\x00@localhost/",
        "http://localhost\r\nX: y/",
        "http://localhost /",
        "http://[::1]@evil.example/",
        "http://localhost:80@evil.example/",
        "http://localhost%2eevil.example/",
        "http://127.0.0.1.evil.example/",
        "http://user:pw@localhost/",
        "https://user:pw@evil.example/",
        "http:///localhost",
        "//localhost/",
    ],
)
def test_a_url_that_could_be_read_as_another_server_is_refused(url):
    with pytest.raises(InvalidValue) as refused:
        http.asked({"ApiEndpoint": url, "Method": "GET"}, {})
    assert "evil" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("http://LOCALHOST:80/a", ("http", "localhost", 80, "/a?q=1")),
        ("http://[::1]:8080?b", ("http", "[::1]", 8080, "/?b&q=1")),
        ("https://a.test/x/../y?b=%20#part", ("https", "a.test", None, "/y?b=%20&q=1")),
        ("https://a.test//127.0.0.1/", ("https", "a.test", None, "//127.0.0.1/?q=1")),
    ],
)
def test_what_is_connected_to_is_what_was_checked(url, meant):
    given = {"ApiEndpoint": url, "Method": "GET", "QueryParameters": {"q": 1}}
    address = http.asked(given, {}).address
    assert (address.scheme, address.host, address.port, address.request_uri) == meant


@pytest.mark.parametrize(
    ("array_format", "body"),
    [
        (None, "a[0]=1&a[1]=2&o[k]=%C3%BC"),
        ("INDICES", "a[0]=1&a[1]=2&o[k]=%C3%BC"),
        ("BRACKETS", "a[]=1&a[]=2&o[k]=%C3%BC"),
        ("REPEAT", "a=1&a=2&o[k]=%C3%BC"),
        ("COMMAS", "a=1%2C2&o[k]=%C3%BC"),
    ],
)
def test_a_body_is_url_encoded_when_that_is_asked_for(array_format, body):
    transform = {"RequestBodyEncoding": "URL_ENCODED"}
    if array_format is not None:
        transform["RequestEncodingOptions"] = {"ArrayFormat": array_format}
    given = {"ApiEndpoint": "https://a.test", "Method": "POST", "RequestBody": {"a": [1, 2], "o": {"k": "ü"}}}
    request = http.asked({**given, "Transform": transform}, {})
    assert request.body.decode() == body
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.fixture
def silent():
    """A server that takes calls and answers none of them, until it may."""
    asked, may_answer = [], threading.Event()

    class Silent(Api):
        def do_POST(self):
            asked.append(self.path)
            may_answer.wait(60)
            self._send(200, {})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked, may_answer
    may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_who_asks_a_silent_server_holds_up_no_other_and_once_stopped_asks_no_more(lab, api, silent):
    url, asked, may_answer = silent
    name = f"m-{uuid.uuid4()}"
    call = {
        "Type": "Task", "Resource": "arn:aws:states:::http:invoke", "End": True,
        "Parameters": {"ApiEndpoint": url, "Method": "POST"},
    }  # fmt: skip
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "H", "States": {"H": call}}, "End": True}
    lab.workflows.create(name, {"StartAt": "M", "States": {"M": each}})
    waits = lab.workflows.start(name, [1] * 80)
    # Another server's answer, and a child, come meanwhile.
    assert run(lab, ApiEndpoint=f"{api}/text", Method="GET").output["ResponseBody"] == "plain"
    lab.workflows.create(f"n-{name}", task(
        "arn:aws:states:::states:startExecution.sync:2",
        Parameters={"StateMachineArn": lab.workflows.create(f"c-{name}", {
            "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}).id},
    ))  # fmt: skip
    assert str(lab.workflows.start(f"n-{name}").wait(30).status) == "SUCCEEDED"
    waits.stop()
    may_answer.set()
    # What comes later in the same lane is done once all that is before it is gone.
    run(lab, ApiEndpoint=url, Method="POST")
    assert len(asked) <= workers.A_LANE + 1
