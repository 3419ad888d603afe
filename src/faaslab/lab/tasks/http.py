"""Tasks that call an HTTPS API: `http:invoke`, with the credentials of a connection of EventBridge.

As AWS does it asks for TLS with a certificate that holds, follows no redirect, and gives up after 60 seconds.
Other than AWS it lets plain HTTP through to this machine itself, and takes a call without a connection: so
that a workflow can be tried against a server of one's own. Rule: what a connection keeps secret goes into the
request and nowhere else.
"""

from __future__ import annotations

import base64
import json
import threading
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from faaslab.errors import Closed, FaaslabError, InvalidValue
from faaslab.lab.tasks import addresses, values
from faaslab.lab.tasks.workers import Workers
from faaslab.workflow.effects import Failed, Submitted, Succeeded
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.util import Url

    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import Call, Signal

LIMIT_S = 60.0
_AT_ONCE = 64
_MOST_BYTES = 262_144
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
_MEMBERS = (
    "ApiEndpoint", "Method", "Headers", "QueryParameters", "RequestBody", "Transform", "Authentication",
    "InvocationConfig",
)  # fmt: skip
_FORMATS = ("INDICES", "REPEAT", "COMMAS", "BRACKETS")


class HttpTasks:
    """Calls over HTTP."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        # Their own: others must not wait for servers that do not answer.
        self._workers = Workers(_AT_ONCE)
        self._guard = threading.Lock()
        self._pool: PoolManager | None = None

    def call(self, call: Call, execution: WorkflowExecution, answer: Callable[[Signal], None]) -> None:
        """Have the request made."""
        whose = (execution.id, call.key)
        self._workers.submit(_lane(call.parameters), whose, self._carry, call, whose, answer)

    def forget(self, key: str, execution_id: str) -> None:
        """Nobody waits for that answer any more: a call that was not made yet is not made."""
        self._workers.forget((execution_id, key))

    def close(self) -> None:
        """Let what is on its way end, for some seconds."""
        self._workers.close()

    def request(self, given: Any, *, secrets: bool) -> Request:
        """The request that the parameters of a call make; what a connection adds comes with `secrets`."""
        try:
            return asked(given, self._connection(given) if secrets else {})
        except _Refused as refused:
            raise InvalidValue(refused.cause) from None

    def _carry(self, call: Call, whose: tuple[str, str], answer: Callable[[Signal], None]) -> None:
        from urllib3.exceptions import HTTPError

        given = call.parameters
        try:
            request = asked(given, self._connection(given))
            if not self._workers.is_wanted(whose):
                return  # it was stopped while its connection was asked for credentials
            response = self._sent(request)
            output = _told(response)
        except Closed:
            return  # whoever takes the execution up calls again
        except _Refused as refused:
            answer(Failed(call.key, refused.error, refused.cause))
        except InvalidValue as error:
            answer(Failed(call.key, RUNTIME, values.not_started(given, error.message)))
        except HTTPError as error:
            answer(Failed(call.key, "States.Http.Socket", _without_address(error)))
        except (FaaslabError, OSError) as error:
            answer(Failed(call.key, RUNTIME, str(error)))
        except Exception as error:  # noqa: BLE001 -- an execution that is never answered would hang
            # Not what it says: the request has secrets in it.
            answer(Failed(call.key, RUNTIME, f"the request could not be made: {type(error).__name__}"))
        else:
            answer((Submitted if call.pattern == "token" else Succeeded)(call.key, output))

    def _sent(self, request: Request) -> BaseHTTPResponse:
        import urllib3

        with self._guard:
            if self._pool is None:
                self._pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", retries=False, maxsize=4)
            pools = self._pool
        address = request.address
        # Not by its text: the server is the one that was checked.
        return pools.connection_from_host(address.host, address.port, address.scheme).urlopen(
            request.method,
            address.request_uri,
            body=request.body,
            headers=request.headers,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(total=LIMIT_S),
        )

    # -- what a connection adds

    def _connection(self, given: Any) -> Mapping[str, Any]:
        """What the connection of a call adds to its request, secrets included; nothing without one."""
        arn = _connection_arn(given)
        if arn is None:
            return {}
        parts = arn.split(":connection/", 1)
        if len(parts) != 2:
            raise InvalidValue(f"{arn!r} is no connection of EventBridge")
        name, region = parts[1].partition("/")[0], self._lab.region
        try:
            described = self._lab.targets.ask("events", "DescribeConnection", {"Name": name}, region=region)
            secret = self._lab.targets.ask(
                "secretsmanager", "GetSecretValue", {"SecretId": described["SecretArn"]}, region=region
            )
        except FaaslabError:
            raise
        except Exception as error:
            if getattr(error, "code", None) is None:
                raise
            raise _Refused(
                "Events.ConnectionResource.InvalidConnectionState", f"The connection {arn} cannot be used"
            ) from None
        kept = json.loads(secret["SecretString"])
        added = _added(kept.get("invocation_http_parameters") or {})
        match described["AuthorizationType"]:
            case "API_KEY":
                added["headers"][kept["api_key_name"]] = kept["api_key_value"]
            case "BASIC":
                pair = f"{kept['username']}:{kept['password']}".encode()
                added["headers"]["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
            case "OAUTH_CLIENT_CREDENTIALS":
                added["headers"]["Authorization"] = f"Bearer {self._bearer(kept)}"
        return added

    def _bearer(self, kept: Mapping[str, Any]) -> str:
        """The token that an authorization server gives for the client's credentials (RFC 6749, 4.4)."""
        client = kept.get("client_parameters") or {}
        more = _added(kept.get("o_auth_http_parameters") or kept.get("oauth_http_parameters") or {})
        body = {
            "grant_type": "client_credentials",
            "client_id": client.get("client_id", ""),
            "client_secret": client.get("client_secret", ""),
            **more["body"],
        }
        endpoint = addresses.checked(kept.get("authorization_endpoint"), "AuthorizationEndpoint")
        response = self._sent(
            Request(
                method=kept.get("http_method") or "POST",
                address=addresses.with_query(endpoint, urlencode(more["query"])),
                headers={"Content-Type": "application/x-www-form-urlencoded", **more["headers"]},
                body=urlencode(body).encode(),
            )
        )
        told = values.parsed(_read(response))
        token = told.get("access_token") if isinstance(told, dict) else None
        if not 200 <= response.status < 300 or not isinstance(token, str):
            raise _Refused(
                "Events.ConnectionResource.InvalidConnectionState",
                f"The authorization server answered {response.status}",
            )
        return token


def _lane(given: Any) -> str:
    """Whose answer a call waits for: the server's, by its name."""
    try:
        return str(addresses.checked(given.get("ApiEndpoint")).netloc)
    except (AttributeError, InvalidValue):
        return ""


class _Refused(Exception):
    """The call fails with that error and cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


class Request:
    """A request as it is sent, to the server of `address`."""

    __slots__ = ("address", "body", "headers", "method")

    def __init__(self, *, method: str, address: Url, headers: Mapping[str, str], body: bytes | None) -> None:
        self.method = method
        self.address = address
        self.headers = dict(headers)
        self.body = body


def asked(given: Any, added: Mapping[str, Any]) -> Request:
    """The request that the parameters ask for, with what a connection adds. Pure.

    Raises InvalidValue for what AWS does not take.
    """
    if not isinstance(given, dict):
        raise InvalidValue('The field "ApiEndpoint" is required but was missing')
    unknown = [name for name in given if name not in _MEMBERS]
    if unknown:
        raise InvalidValue(f'The field "{unknown[0]}" is not supported by Step Functions')
    for name in ("ApiEndpoint", "Method"):
        if not isinstance(given.get(name), str):
            raise InvalidValue(f'The field "{name}" is required but was missing')
    method = given["Method"]
    if method not in _METHODS:
        raise InvalidValue(f'The value of "Method" must be one of {", ".join(_METHODS)}')
    headers = {**_texts(given.get("Headers"), "Headers"), **added.get("headers", {})}
    query = {**_object(given.get("QueryParameters"), "QueryParameters"), **added.get("query", {})}
    body = given.get("RequestBody")
    if added.get("body"):
        body = {**(body if isinstance(body, dict) else {}), **added["body"]}
    options = _encoding(given.get("Transform"))
    address = addresses.with_query(addresses.checked(given["ApiEndpoint"]), _urlencoded(query, "REPEAT"))
    encoded = None if body is None else _body(body, options)
    headers.setdefault("User-Agent", "Amazon|StepFunctions|HttpInvoke|faaslab")
    headers.setdefault("Range", f"bytes=0-{_MOST_BYTES}")
    if encoded is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = (
            "application/x-www-form-urlencoded" if options is not None else "application/json"
        )
    return Request(method=method, address=address, headers=headers, body=encoded)


def _connection_arn(given: Any) -> str | None:
    for name in ("Authentication", "InvocationConfig"):
        part = given.get(name) if isinstance(given, dict) else None
        if part is None:
            continue
        arn = part.get("ConnectionArn") if isinstance(part, dict) else None
        if not isinstance(arn, str):
            raise InvalidValue(f'The field "{name}.ConnectionArn" is required but was missing')
        return arn
    return None


def _encoding(transform: Any) -> str | None:
    """How arrays are written where the body is URL-encoded; None where it is JSON."""
    transform = _object(transform, "Transform")
    if transform.get("RequestBodyEncoding") in (None, "NONE"):
        return None
    if transform["RequestBodyEncoding"] != "URL_ENCODED":
        raise InvalidValue('The value of "Transform.RequestBodyEncoding" must be NONE or URL_ENCODED')
    options = _object(transform.get("RequestEncodingOptions"), "Transform.RequestEncodingOptions")
    found = options.get("ArrayFormat", "INDICES")
    if found not in _FORMATS:
        raise InvalidValue(f'The value of "ArrayFormat" must be one of {", ".join(_FORMATS)}')
    return str(found)


def _body(body: Any, array_format: str | None) -> bytes:
    if array_format is not None:
        return _urlencoded(_object(body, "RequestBody"), array_format).encode()
    return (body if isinstance(body, str) else values.text(body)).encode("utf-8", "surrogatepass")


def _urlencoded(parameters: Mapping[str, Any], array_format: str) -> str:
    pairs = [pair for name, value in parameters.items() for pair in _pairs(name, value, array_format, 0)]
    return "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in pairs)


def _pairs(name: str, value: Any, array_format: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > 20:
        raise InvalidValue("the parameters are nested too deep")
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item, array_format, depth + 1)
    elif not isinstance(value, list):
        yield name, value if isinstance(value, str) else values.text(value)
    elif array_format == "COMMAS":
        yield name, ",".join(item if isinstance(item, str) else values.text(item) for item in value)
    else:
        for number, item in enumerate(value):
            written = {"INDICES": f"{name}[{number}]", "BRACKETS": f"{name}[]", "REPEAT": name}[array_format]
            yield from _pairs(written, item, array_format, depth + 1)


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidValue(f'The value of "{name}" must be an object')
    return value


def _texts(value: Any, name: str) -> dict[str, str]:
    found = {
        key: item
        if isinstance(item, str)
        else ",".join(map(str, item))
        if isinstance(item, list)
        else values.text(item)
        for key, item in _object(value, name).items()
    }
    for key, item in found.items():
        if "\n" in key + item or "\r" in key + item:
            raise InvalidValue(f'The value of "{name}.{key}" must be one line')
    return found


def _added(parameters: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The headers, query and body that a connection adds."""

    def of(name: str) -> dict[str, str]:
        return {str(each["key"]): str(each["value"]) for each in parameters.get(name) or ()}

    return {
        "headers": of("header_parameters"),
        "query": of("query_string_parameters"),
        "body": of("body_parameters"),
    }


def _read(response: BaseHTTPResponse) -> bytes:
    try:
        return response.read(2 * _MOST_BYTES)
    finally:
        response.close()


def _told(response: BaseHTTPResponse) -> dict[str, Any]:
    """The result of the call; `_Refused` for an answer outside of 200 to 299."""
    content = _read(response)
    text = content.decode("utf-8", "replace")
    if not 200 <= response.status < 300:
        reason = response.reason or responses.get(response.status, "")
        raise _Refused(f"States.Http.StatusCode.{response.status}", text or reason)
    headers: dict[str, list[str]] = {}
    for name, value in response.headers.items():
        headers.setdefault(name.lower(), []).append(value)
    body: Any = text
    if "json" in response.headers.get("Content-Type", ""):
        try:
            body = values.parsed(content)
        except InvalidValue:
            body = text
    told = {
        "Headers": headers,
        "ResponseBody": body,
        "StatusCode": response.status,
        "StatusText": response.reason or responses.get(response.status, ""),
    }
    if not content:
        del told["ResponseBody"]
    return told


def _without_address(error: Exception) -> str:
    """What went wrong, without the request: its URL may have a secret in it."""
    cause = getattr(error, "reason", None) or error
    return f"{type(cause).__name__}: the API endpoint could not be reached, or did not answer in time"
