"""Extensions to test with: real programs, in the folder that environments see as /opt."""

import stat
import sys

CLIENT = """#!{python}
import http.client, json, os, signal, sys, time
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
class Api:
    def __init__(self, name):
        self.name, self.connection = name, http.client.HTTPConnection(host)
    def ask(self, method, path, body=None, **headers):
        names = {{key.replace("_", "-"): value for key, value in headers.items()}}
        self.connection.request(method, path, None if body is None else json.dumps(body), names)
        answer = self.connection.getresponse()
        self.headers, text = answer.headers, answer.read()
        return answer.status, json.loads(text) if text[:1] in b'{{["' and text else text
    def register(self, *events):
        status, told = self.ask("POST", "/2020-01-01/extension/register", {{"events": events}}, Lambda_Extension_Name=self.name)
        self.id = self.headers["Lambda-Extension-Identifier"]
        return told
    def call(self, method, path, body=None, **more):
        return self.ask(method, path, body, Lambda_Extension_Identifier=self.id, **more)
    def next(self):
        return self.call("GET", "/2020-01-01/extension/event/next")[1]
    def error(self, which, kind):
        return self.call("POST", f"/2020-01-01/extension/{{which}}/error", {{}}, Lambda_Extension_Function_Error_Type=kind)
api = Api(os.path.basename(sys.argv[0]))
def note(*words):
    with open(os.path.join(os.environ.get("TMPDIR", "/tmp"), "notes"), "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")
"""

STEADY = """
api.register("INVOKE", "SHUTDOWN")
print("extension starts", flush=True)
while True:
    event = api.next()
    if event["eventType"] == "SHUTDOWN":
        note("shutdown", event["shutdownReason"])
        sys.exit(0)
    print("extension sees", event["requestId"], flush=True)
"""


def install(opt, name, body):
    """Make an executable extension; `body` may use `api` and `note`."""
    folder = opt / "extensions"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(CLIENT.format(python=sys.executable) + body, "utf-8")
    file.chmod(stat.S_IRWXU)
    return file
