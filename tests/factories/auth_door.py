"""Auth as other services see it over HTTP: keys, tokens, revocations and contacts, without its database."""

import base64
import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from theatre.contracts.auth import INTERNAL, PUBLIC, Contact, FoundUsers, NoticeAnswer
from theatre.kit.access import ALGORITHM, AUDIENCE_SERVICES, AUDIENCE_USERS

KEY_ID = "test"
ISSUER = "theatre-auth"


class AuthDoor:
    """Issues tokens that hold, and answers what services ask auth."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.contacts: dict[UUID, Contact] = {}
        self.notices: dict[UUID, NoticeAnswer] = {}
        self.is_away = False
        self.revoked: list[str] = []
        self.transport = httpx.ASGITransport(app=self._app())

    def user(
        self, user_id: UUID, *permissions: str, is_superuser: bool = False, lifetime_seconds: int = 900
    ) -> dict[str, str]:
        """Give the headers of a signed-in user."""
        rights: dict[str, object] = {
            "sid": str(uuid4()),
            "permissions": list(permissions),
            "is_superuser": is_superuser,
        }
        rights["exp"] = int(time.time()) + lifetime_seconds
        return self._headers(str(user_id), AUDIENCE_USERS, **rights)

    def revoke(self, headers: dict[str, str]) -> None:
        """End the session of a signed-in user."""
        token = headers["Authorization"].partition(" ")[2]
        self.revoked.append(jwt.decode(token, options={"verify_signature": False})["sid"])

    def service(self, name: str = "payment") -> dict[str, str]:
        """Give the headers of one of our services."""
        return self._headers(name, AUDIENCE_SERVICES)

    def add_contact(self, *, email: str, locale: str = "en", login: str = "alice") -> Contact:
        """Let a user be known."""
        contact = Contact(user_id=uuid4(), login=login, email=email, locale=locale, is_active=True)
        self.contacts[contact.user_id] = contact
        return contact

    def _token(self, subject: str, audience: str, **claims: object) -> str:
        now = int(time.time())
        registered = {"sub": subject, "aud": audience, "iss": ISSUER, "iat": now, "exp": now + 900}
        claims = {**registered, "jti": str(uuid4()), **claims}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": KEY_ID})

    def _headers(self, subject: str, audience: str, **claims: object) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token(subject, audience, **claims)}"}

    def _app(self) -> FastAPI:
        app = FastAPI()
        point = base64.urlsafe_b64encode(self._key.public_key().public_bytes_raw()).decode().rstrip("=")
        key = {"kty": "OKP", "crv": "Ed25519", "x": point, "kid": KEY_ID, "alg": ALGORITHM}

        @app.get(f"{PUBLIC}/.well-known/jwks.json")
        async def keys() -> dict[str, Any]:
            return {"keys": [key]}

        @app.post(f"{PUBLIC}/token")
        async def token() -> dict[str, Any]:
            return {"access_token": self._token("notification", AUDIENCE_SERVICES), "expires_in": 900}

        @app.get(f"{INTERNAL}/revocations")
        async def revocations() -> dict[str, Any]:
            return {"session_ids": self.revoked, "until": "2026-01-01T00:00:00Z"}

        @app.get(f"{INTERNAL}/users")
        async def users(limit: int, after: UUID | None = None) -> Response:
            if self.is_away:
                return Response(status_code=503)
            later = [user_id for user_id in sorted(self.contacts) if after is None or user_id > after]
            items = [
                {"id": str(user_id), "locale": self.contacts[user_id].locale} for user_id in later[:limit]
            ]
            return JSONResponse({"items": items})

        @app.get(f"{INTERNAL}/users/count")
        async def count() -> dict[str, Any]:
            return {"count": len(self.contacts)}

        @app.get(f"{INTERNAL}/users/find")
        async def find_users(query: str) -> Response:
            if self.is_away:
                return Response(status_code=503)
            named = [who.user_id for who in self.contacts.values() if query.lower() in {who.login, who.email}]
            return Response(FoundUsers(user_ids=named).model_dump_json(), media_type="application/json")

        @app.get(f"{INTERNAL}/users/{{user_id}}/contact")
        async def contact(user_id: UUID) -> Response:
            if self.is_away:
                return Response(status_code=503)
            if user_id not in self.contacts:
                return Response(b'{"code": "auth.user_not_found"}', status_code=404)
            return Response(self.contacts[user_id].model_dump_json(), media_type="application/json")

        @app.get(f"{INTERNAL}/notices/{{notice_id}}")
        async def notice(notice_id: UUID) -> Response:
            if notice_id not in self.notices:
                return Response(b'{"code": "auth.notice_not_found"}', status_code=404)
            return Response(self.notices[notice_id].model_dump_json(), media_type="application/json")

        return app
