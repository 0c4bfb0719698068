"""A merchant's call at Stripe's face: whose it is, what it asks, with which key."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

import orjson
from fastapi import Depends, Request, Response

from theatre.kit.db import Session
from theatre.sandbox.calls import JsonAnswer, resources_of
from theatre.sandbox.errors import InvalidCredentials, InvalidRequest
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Shop
from theatre.sandbox.objects import Object
from theatre.sandbox.stripe.forms import Fields, read_fields
from theatre.sandbox.stripe.keys import answer_once

HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 255
FORM = "application/x-www-form-urlencoded"


async def calling_account(request: Request) -> Shop:
    """Tell which account calls, by its secret key.

    Raises:
        InvalidCredentials
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    account = resources_of(request).state.find_account(secret.strip()) if scheme.lower() == "bearer" else None
    if account is None:
        raise InvalidCredentials
    return account


async def asked_query(request: Request) -> Fields:
    """Read the fields of a query.

    Raises:
        InvalidRequest
    """
    return read_fields(request.url.query)


async def asked_form(request: Request) -> Fields:
    """Read the fields of a form.

    Raises:
        InvalidRequest
    """
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != FORM:
        raise InvalidRequest("Send the parameters as a form")
    try:
        return read_fields(body.decode("ascii"))
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form is not urlencoded") from error


async def account_call(
    request: Request,
    account: Annotated[Shop, Depends(calling_account)],
    fields: Annotated[Fields, Depends(asked_form)],
) -> Call:
    """Read the key of a writing call, if it has one, and fingerprint what it asks.

    Raises:
        InvalidRequest
    """
    key = request.headers.get(HEADER, "")
    if len(key) > MAX_KEY_CHARACTERS or not key.isascii() or (key and not key.isprintable()):
        raise InvalidRequest("The idempotency key is too long or malformed")
    asked = f"{request.method} {request.url.path} ".encode()
    fingerprint = hashlib.sha256(asked + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Call(account, key, fingerprint, resources_of(request).state.clock.now())


async def answered(session: Session, call: Call, make: Callable[[], Awaitable[Object]]) -> Response:
    """Answer a writing call, once for its key.

    Raises:
        KeyReused, KeyInUse
    """
    body, is_repeated = await answer_once(session, call, make)
    headers = {"Idempotent-Replayed": "true"} if is_repeated else {}
    return Response(body, headers=headers, media_type=JsonAnswer.media_type)


CallingAccount: TypeAlias = Annotated[Shop, Depends(calling_account)]
AccountCall: TypeAlias = Annotated[Call, Depends(account_call)]
Query: TypeAlias = Annotated[Fields, Depends(asked_query)]
Form: TypeAlias = Annotated[Fields, Depends(asked_form)]
