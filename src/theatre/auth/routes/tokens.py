"""Doors by which one comes in and goes out."""

from typing import Annotated

from fastapi import APIRouter, Form, Header, Response

from theatre.auth import logins, user_sessions, users
from theatre.auth.clients import check_client
from theatre.auth.models import User
from theatre.auth.names import preferred_locale
from theatre.auth.resources import From, Given
from theatre.auth.schemas import (
    ClientForm,
    KeysAnswer,
    LoginForm,
    RefreshRequest,
    RegisteredAnswer,
    Registration,
    TokenAnswer,
    TokenPairAnswer,
)
from theatre.auth.tokens import TokenPair
from theatre.contracts.auth import PUBLIC
from theatre.kit import access
from theatre.kit.db import InTransaction
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=PUBLIC, tags=["tokens"], route_class=StrictRoute)

KEYS_MAX_AGE_SECONDS = 60


@router.post(
    "/register",
    status_code=201,
    response_model=RegisteredAnswer,
    summary="Make an account",
    description="`REGISTER_USER_ALREADY_EXISTS` (400), `auth.weak_password` (422).",
)
async def register(
    body: Registration, resources: Given, device: From, *, accept_language: Annotated[str, Header()] = ""
) -> User:
    await resources.rate_limit.hit(resources.settings.register_rate, "register", device.network)
    locale = body.locale or preferred_locale(accept_language)
    return await users.register(
        resources, login=body.login, email=body.email, password=body.password, locale=locale
    )


@router.post(
    "/jwt/login",
    response_model=TokenPairAnswer,
    summary="Sign in by login or e-mail address",
    description="`LOGIN_BAD_CREDENTIALS` (400); 429 after many tries for one name or from one address.",
)
async def log_in(form: Annotated[LoginForm, Form()], resources: Given, device: From) -> TokenPair:
    await resources.rate_limit.hit(resources.settings.login_rate, "login", device.network)
    return await logins.log_in(resources, device, username=form.username, password=form.password)


@router.post(
    "/jwt/refresh",
    response_model=TokenPairAnswer,
    summary="Change a refresh token for a new pair",
    description=(
        "A refresh token holds once. The last but one gives the same answer again for 10 s; any older one "
        "ends the session: `auth.bad_refresh_token` (401)."
    ),
)
async def refresh(body: RefreshRequest, resources: Given) -> TokenPair:
    return await user_sessions.refresh(resources, body.refresh_token)


@router.post("/jwt/logout", status_code=204, summary="End this session")
async def log_out(session: InTransaction, resources: Given, user: access.User) -> None:
    await user_sessions.end_own(session, user, now=resources.now())


@router.get("/.well-known/jwks.json", response_model=KeysAnswer, summary="Public keys of our tokens")
async def read_keys(resources: Given, response: Response) -> KeysAnswer:
    response.headers["Cache-Control"] = f"public, max-age={KEYS_MAX_AGE_SECONDS}"
    return KeysAnswer(keys=resources.keyring.public)


@router.post(
    "/token",
    response_model=TokenAnswer,
    summary="Give one of our services its token",
    description="Client credentials (RFC 6749, 4.4) in the form; `auth.bad_client` (401).",
)
async def give_service_token(form: Annotated[ClientForm, Form()], resources: Given) -> TokenAnswer:
    check_client(resources.settings.service_clients, form.client_id, form.client_secret)
    token, life_seconds = resources.mint.make_service_token(form.client_id, now=resources.now())
    return TokenAnswer(access_token=token, expires_in=life_seconds)
