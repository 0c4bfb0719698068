"""How one service calls another: time limit, retry of safe calls, request id, trace and service token carried."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from theatre.kit.errors import Problem, Transient
from theatre.kit.telemetry import call, current_traceparent

M = TypeVar("M", bound=BaseModel)

TIMEOUT_SECONDS = 5.0
SAFE_TRIES = 3
RETRY_PAUSE_SECONDS = 0.1
TOKEN_MARGIN_SECONDS = 30
SERVER_ERROR = 500
# ids and secrets in a path: what is long, and what has digits and is no version
OWN_PART = re.compile(r"/(?:[^/]{24,}|(?=[^/]*\d)[^/]{4,})(?=/|$)")


class Unknown(Transient):
    """The call may or may not have had its effect: time-out, cut connection or a server error. Ask again."""

    code = "kit.outcome_unknown"


class Refused(Problem):
    """The other service said no; `refused_status`, `refused_code` and `detail` are its own words."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.refused_status = status
        self.refused_code = code


class HttpClient(httpx.AsyncClient):
    """The HTTP client of the house: every request is a part of the trace it is made in.

    Strangers are not told our trace; who calls a service of ours sends `carried_headers`.
    """

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request."""
        path = OWN_PART.sub("/*", request.url.path)
        known = {"http.request.method": request.method, "server.address": request.url.host, "url.path": path}
        with call(f"{request.method} {request.url.host}", known) as step:
            if "traceparent" in request.headers and (within := current_traceparent()):
                # the other side's span is to be below this one
                request.headers["traceparent"] = within
            response = await super().send(request, **options)
            step.note({"http.response.status_code": response.status_code})
            if response.status_code >= SERVER_ERROR:
                step.fail(str(response.status_code))
            return response


class ServiceToken:
    """This service's own access token by client credentials, renewed shortly before it ends."""

    def __init__(self, http: HttpClient, *, url: str, client_id: str, secret: SecretStr) -> None:
        self._http = http
        self._url = url
        self._form = {"grant_type": "client_credentials", "client_id": client_id}
        self._secret = secret
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until = 0.0

    async def get(self) -> str:
        """Give a token with life left in it.

        Raises:
            Unknown: auth did not answer.
            Refused: auth does not know these credentials.
        """
        async with self._lock:
            if time.monotonic() >= self._good_until:
                await self._renew()
            return self._token

    def drop(self) -> None:
        """Forget a token that was refused."""
        self._good_until = 0.0

    async def close(self) -> None:
        await self._http.aclose()

    async def _renew(self) -> None:
        form = {**self._form, "client_secret": self._secret.get_secret_value()}
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self._http.post(self._url, data=form)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown("auth does not answer") from error
        body = _body_of(response)
        self._token = str(body["access_token"])
        self._good_until = time.monotonic() + max(int(body["expires_in"]) - TOKEN_MARGIN_SECONDS, 1)


class ServiceClient:
    """Calls another service's internal doors. `transport` replaces the network by an application in this process."""

    def __init__(
        self,
        base_url: str,
        *,
        token: ServiceToken | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.http = HttpClient(
            base_url=base_url, transport=transport, timeout=timeout_seconds, follow_redirects=False
        )
        self._token = token
        self._timeout_seconds = timeout_seconds

    async def get(
        self,
        path: str,
        answer: type[M],
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """Read; repeated up to three times when the outcome is unknown.

        Raises:
            Unknown, Refused
        """
        for attempt in range(1, SAFE_TRIES + 1):
            try:
                return _parsed(await self._send("GET", path, params=params, headers=headers or {}), answer)
            except Unknown:
                if attempt == SAFE_TRIES:
                    raise
                await asyncio.sleep(RETRY_PAUSE_SECONDS * attempt)
        raise AssertionError("unreachable")

    async def post(self, path: str, body: BaseModel, answer: type[M]) -> M:
        """Write, once: the caller knows whether and with which key to ask again.

        Raises:
            Unknown, Refused
        """
        content = body.model_dump_json().encode()
        headers = {"Content-Type": "application/json"}
        return _parsed(await self._send("POST", path, content=content, headers=headers), answer)

    async def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {**carried_headers(), **arguments.pop("headers", {})}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {await self._token.get()}"
        try:
            # our own limit around the client's: an in-process transport has none
            async with asyncio.timeout(self._timeout_seconds):
                response = await self.http.request(method, path, headers=headers, **arguments)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"{self.http.base_url.host} does not answer") from error
        if response.status_code == httpx.codes.UNAUTHORIZED and self._token is not None:
            self._token.drop()
            raise Unknown("our service token was refused")
        return response

    async def close(self) -> None:
        """Close the way there, and the way to its tokens."""
        await self.http.aclose()
        if self._token is not None:
            await self._token.close()


def carried_headers() -> dict[str, str]:
    """Give the request id and the trace of the work in progress, to be sent along."""
    headers = {}
    if traceparent := current_traceparent():
        headers["traceparent"] = traceparent
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        headers["X-Request-Id"] = str(request_id)
    return headers


def _parsed(response: httpx.Response, answer: type[M]) -> M:
    try:
        return answer.model_validate(_body_of(response))
    except ValidationError as error:
        raise Unknown("an answer of another service makes no sense") from error


def _body_of(response: httpx.Response) -> Any:
    if response.status_code >= SERVER_ERROR or response.is_redirect:
        raise Unknown(f"another service answered {response.status_code}")
    try:
        body = response.json() if response.content else {}
    except ValueError as error:
        raise Unknown("an answer of another service is not JSON") from error
    if response.is_success:
        return body
    code, detail = (body.get("code"), body.get("detail")) if isinstance(body, dict) else (None, None)
    raise Refused(response.status_code, str(code or "kit.refused"), str(detail or "refused"))
