"""A visit: one request of a browser, with what its cookies say: language, session, the seal of our forms."""

import base64
import hashlib
import hmac
import re
import secrets
from functools import cache
from http.cookies import SimpleCookie
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import jwt
from fastapi import Request

from theatre.kit.i18n import negotiate
from theatre.web import panel
from theatre.web.schemas import Tokens
from theatre.web.settings import WebSettings

VISITOR = re.compile(r"^[A-Za-z0-9_-]{43}$")
OWN_PATH = re.compile(r"^/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1000}$")
Theme: TypeAlias = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
COOKIE_SECONDS = 30 * 24 * 3600
CHOICE_SECONDS = 365 * 24 * 3600


def own_path(text: str) -> str:
    """Give a path of ours to go to next; whatever else was asked for becomes the front page."""
    return text if OWN_PATH.match(text) else "/"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> ZoneInfo:
    """Give the zone in which a reader's moments are written: of this name, else UTC."""
    return ZoneInfo(name if name in _zones() else "UTC")


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path or "/"
    except ValueError:  # no address at all
        return "/"


class Visit:
    """What one request's visitor brought, and the cookies to be sent back."""

    def __init__(self, request: Request, settings: WebSettings) -> None:
        self._request = request
        self._settings = settings
        self._prefix = "__Host-" if settings.is_secure else "theatre_"
        self._changed: dict[str, tuple[str, int]] = {}
        self.locale = negotiate(
            request.headers.get("accept-language", ""), chosen=request.cookies.get("lang", "")
        )
        self.theme = next((theme for theme in THEMES if theme == request.cookies.get("theme")), THEMES[0])
        self.zone = zone_of(request.cookies.get("zone", ""))
        self.access_token = self._brought("access")
        self.refresh_token = self._brought("refresh")
        self._visitor = self._brought("visitor")

    def _brought(self, name: str) -> str:
        return self._request.cookies.get(self._prefix + name, "")

    @property
    def has_session(self) -> bool:
        """Whether the browser claims a session: good enough to choose a menu by, and for nothing else."""
        return bool(self.refresh_token)

    def may(self, permission: str) -> bool:
        """Whether the token claims a permission: again, to choose a menu by."""
        claims = read_claims(self.access_token)
        permissions = claims.get("permissions")
        is_permitted = isinstance(permissions, list) and permission in permissions
        return bool(claims.get("is_superuser")) or is_permitted

    @property
    def is_staff(self) -> bool:
        """Whether there is any room of the admin panel to show."""
        return bool(panel.rooms_of(self))

    @property
    def user_id(self) -> str:
        """Whose session this claims to be."""
        return str(read_claims(self.access_token).get("sub", ""))

    @property
    def here(self) -> str:
        """The page that this visitor sees, or came from if this request is a form."""
        url = self._request.url
        if self._request.method != "GET":
            url = url.replace(path=_path_of(self._request.headers.get("referer", "")), query="")
        return own_path(f"{url.path}?{url.query}" if url.query else url.path)

    @property
    def headers(self) -> dict[str, str]:
        """What auth is told about the browser: address, name and language.

        The address is added to those that proxies before us told: how far they are believed is for auth to know.
        """
        address = self._request.client.host if self._request.client else ""
        return {
            "X-Forwarded-For": ", ".join([*self._request.headers.getlist("x-forwarded-for"), address]),
            "User-Agent": self._request.headers.get("user-agent", "")[:200],
            "Accept-Language": self.locale,
        }

    def sign_in(self, tokens: Tokens) -> None:
        """Start a session; forms given out before it no longer hold."""
        self.renew(tokens)
        self._set("visitor", "")

    def renew(self, tokens: Tokens) -> None:
        """Go on with the session on a new pair."""
        self.access_token, self.refresh_token = tokens.access_token, tokens.refresh_token
        self._set("access", tokens.access_token)
        self._set("refresh", tokens.refresh_token)

    def sign_out(self) -> None:
        """Forget the session and the forms given out in it."""
        self.access_token = self.refresh_token = ""
        for name in ("access", "refresh", "visitor"):
            self._set(name, "")

    def choose_language(self, locale: str) -> None:
        """Answer in this language from now on."""
        self.locale = locale
        self._changed["lang"] = (locale, CHOICE_SECONDS)

    def choose_theme(self, theme: Theme) -> None:
        """Show pages in light or dark from now on, or as the visitor's system is set."""
        self.theme = theme
        self._changed["theme"] = (theme, CHOICE_SECONDS)

    @property
    def form_token(self) -> str:
        """The seal of a form given to this visitor, in this session."""
        if not VISITOR.match(self._visitor):
            self._visitor = secrets.token_urlsafe(32)
            self._set("visitor", self._visitor)
        return self._seal()

    def has_sealed(self, form_token: str) -> bool:
        """Tell whether a form was given to this visitor, in this session."""
        good = VISITOR.match(self._visitor) and self._seal()
        return bool(good) and hmac.compare_digest(str(good).encode(), form_token.encode())

    def read_sealed(self, name: str) -> str:
        """Read what `set_sealed` kept for who is signed in; nothing of anybody else's, and nothing that is not ours."""
        packed, _, seal = self._brought(name).partition(".")
        if not hmac.compare_digest(self._seal_of(f"{name}:{self.user_id}:{packed}").encode(), seal.encode()):
            return ""
        return base64.urlsafe_b64decode(packed).decode()

    def set_sealed(self, name: str, text: str, *, most: int) -> bool:
        """Keep a text for who is signed in, in this browser; False if it would take more than `most` characters."""
        packed = base64.urlsafe_b64encode(text.encode()).decode()
        value = f"{packed}.{self._seal_of(f'{name}:{self.user_id}:{packed}')}"
        if len(value) > most:
            return False
        self._changed[self._prefix + name] = (value, CHOICE_SECONDS)
        return True

    def _seal(self) -> str:
        return self._seal_of(self._visitor)

    def _seal_of(self, text: str) -> str:
        secret = self._settings.service_secret.get_secret_value().encode()
        return hmac.new(b"web.form:" + secret, text.encode(), hashlib.sha256).hexdigest()

    def _set(self, name: str, value: str) -> None:
        self._changed[self._prefix + name] = (value, COOKIE_SECONDS if value else 0)

    def set_cookies(self) -> list[str]:
        """Write the `Set-Cookie` headers of what changed."""
        jar = SimpleCookie()
        for name, (value, seconds) in self._changed.items():
            jar[name] = value
            jar[name].update({"path": "/", "max-age": str(seconds), "samesite": "Lax"})
            jar[name]["httponly"] = True
            jar[name]["secure"] = self._settings.is_secure
        return [morsel.OutputString() for morsel in jar.values()]


def read_claims(token: str) -> dict[str, Any]:
    """Read what a token says without believing it: each service verifies the tokens it is sent."""
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        return {}
