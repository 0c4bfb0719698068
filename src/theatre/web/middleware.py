"""What every answer gets on its way out: cookies, security headers, and for browsers a page, not a problem."""

from urllib.parse import quote

import orjson
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from theatre.kit.problems import MEDIA_TYPE as PROBLEM
from theatre.web.pages import Pages
from theatre.web.settings import WebSettings
from theatre.web.visits import Visit

UNAUTHENTICATED = 401
API_PREFIX = "/web/api/"
OWN_POLICY = ("content-security-policy", "x-frame-options")
KEPT_HEADERS = ("x-request-id", "retry-after", "allow", "connection")


def security_headers(settings: WebSettings) -> dict[str, str]:
    """Give the headers that keep a page from running, framing or sending what is not ours."""
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        # the marks in Bootstrap's form controls are addresses that hold their own picture
        " ".join(["img-src 'self' data:", *settings.image_origin_list]),
        # the player plays what its script put together
        "media-src 'self' blob:",
        "connect-src 'self'",
        # only what says so itself may be framed: a letter as its reader would see it
        "frame-src 'self'",
        # browsers apply this to redirects too, and a purchase ends in one to a payment system's page
        f"form-action 'self' {settings.public_url.rstrip('/')}/ https:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    headers = {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # with the kit's `no-referrer` browsers would send `Origin: null` with our own forms
        "Referrer-Policy": "same-origin",
    }
    if settings.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


class Visits:
    """Opens the visit of each request and finishes its answer."""

    def __init__(self, app: ASGIApp, *, pages: Pages, settings: WebSettings) -> None:
        self.app = app
        self._pages = pages
        self._settings = settings
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(API_PREFIX):
            await self.app(scope, receive, send)
            return
        visit = Visit(Request(scope), self._settings)
        scope["state"] = {**scope.get("state", {}), "visit": visit}
        answer = _Answer(visit, pages=self._pages, headers=self._headers, send=send)
        shows_pages = "text/html" in Headers(scope=scope).get("accept", "")
        await self.app(scope, receive, answer.send_as_page if shows_pages else answer.send)
        if answer.problem is not None:
            await answer.page()(scope, receive, answer.send)


class _Answer:
    """The answer to one request on its way out."""

    def __init__(self, visit: Visit, *, pages: Pages, headers: dict[str, str], send: Send) -> None:
        self._visit = visit
        self._pages = pages
        self._headers = headers
        self._send = send
        self._kept: dict[str, str] = {}
        self.problem: bytes | None = None

    async def send(self, message: Message) -> None:
        """Send on, with cookies and headers."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            # a route that shows what is not ours has a stricter policy of its own
            own = {name: headers[name] for name in OWN_POLICY if name in headers}
            headers.update({**self._headers, **own, **self._kept})
            headers.setdefault("Cache-Control", "no-store")
            for cookie in self._visit.set_cookies():
                headers.append("Set-Cookie", cookie)
        await self._send(message)

    async def send_as_page(self, message: Message) -> None:
        """Send on, but keep a problem back: its page goes out in its place."""
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if headers.get("content-type", "").startswith(PROBLEM):
                self.problem = b""
                self._kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        if self.problem is None:
            await self.send(message)
        elif message["type"] == "http.response.body":
            self.problem += message.get("body", b"")

    def page(self) -> Response:
        """Make the page in place of the problem; who is not signed in is asked to, and comes back here."""
        problem = orjson.loads(self.problem or b"{}")
        if problem["status"] == UNAUTHENTICATED:
            self._visit.sign_out()
            return RedirectResponse(f"/signin?next={quote(self._visit.here, safe='/')}", status_code=303)
        return self._pages.render_error(self._visit, status=problem["status"], code=problem["code"])
