"""Doors for payers: the page of an attempt, the way to their wallet and back, and the confirmation.

Only a POST with the word of our own page begins or pays anything; opening an address never does.
"""

import re
import secrets
from http import HTTPStatus
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from theatre.kit.i18n import negotiate
from theatre.kit.routing import StrictRoute
from theatre.payment import wallet_payments
from theatre.payment.errors import AttemptNotFound, FormForged
from theatre.payment.resources import Resources
from theatre.payment.senders import sender_in
from theatre.payment.wallet_payments import BACK, Desk, Notice, Stage, Step

PREFIX = "/payment/yoomoney"
BROWSER_BYTES = 32
COOKIE = "wallet_browser"
COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
COOKIE_SECONDS = 30 * 24 * 3600
router = APIRouter(prefix=PREFIX, tags=["wallet"], route_class=StrictRoute)

Word: TypeAlias = Annotated[str, Query(max_length=2_048)]


async def open_desk(request: Request) -> Desk:
    """Give what the verbs work with; without a wallet there are no such pages.

    Raises:
        AttemptNotFound
    """
    resources: Resources = request.app.state.resources
    if resources.wallet_desk is None:
        raise AttemptNotFound
    return resources.wallet_desk


async def own_form(
    request: Request,
    attempt_id: UUID,
    desk: Annotated[Desk, Depends(open_desk)],
    form_token: Annotated[str, Form(max_length=200)] = "",
) -> str:
    """Let in what our own page sent, and give its browser.

    Raises:
        FormForged, TooMany
    """
    await count(request)
    browser = browser_of(request, desk)
    if not desk.permits.is_own_form(attempt_id, browser=browser, given=form_token):
        raise FormForged
    return browser


AtDesk: TypeAlias = Annotated[Desk, Depends(open_desk)]
OwnForm: TypeAlias = Annotated[str, Depends(own_form)]


@router.get(f"/{BACK}", summary="Where the owner of a wallet comes back to")
async def come_back(
    request: Request, desk: AtDesk, attempt_id: UUID, state: Word = "", code: Word = "", error: Word = ""
) -> Response:
    await count(request)
    notice = await wallet_payments.accept_code(
        request.app.state.resources.sessions,
        attempt_id,
        desk=desk,
        browser=browser_of(request, desk),
        state=state,
        code="" if error else code,
    )
    if notice == Notice.STALE:
        return await written(request, desk, attempt_id, notice=notice, status=HTTPStatus.BAD_REQUEST)
    return going_to(desk.page_url(attempt_id), notice)


@router.get("/{attempt_id}", response_class=HTMLResponse, summary="How to pay an attempt from a wallet")
async def show(request: Request, desk: AtDesk, attempt_id: UUID, notice: Notice | None = None) -> Response:
    return await written(request, desk, attempt_id, notice=notice)


@router.post("/{attempt_id}/authorize", summary="Go to the wallet and allow us to be paid from it")
async def authorise(request: Request, desk: AtDesk, attempt_id: UUID, browser: OwnForm) -> Response:
    sessions = request.app.state.resources.sessions
    return going_to(await wallet_payments.authorise(sessions, attempt_id, desk=desk, browser=browser))


@router.post("/{attempt_id}/confirm", summary="Pay from the wallet, or go on with what was begun")
async def confirm(request: Request, desk: AtDesk, attempt_id: UUID, browser: OwnForm) -> Response:
    sessions = request.app.state.resources.sessions
    step = await wallet_payments.confirm(sessions, attempt_id, desk=desk, browser=browser)
    if step.is_over:
        return going_to(desk.return_url(attempt_id))
    if step.page:
        return await written(request, desk, attempt_id, asked=step)
    return going_to(desk.page_url(attempt_id), step.notice)


@router.post("/{attempt_id}/forget", summary="Forget the wallet")
async def forget(request: Request, desk: AtDesk, attempt_id: UUID, browser: OwnForm) -> Response:
    sessions = request.app.state.resources.sessions
    await wallet_payments.forget(sessions, attempt_id, desk=desk, browser=browser)
    return going_to(desk.page_url(attempt_id))


async def written(
    request: Request,
    desk: Desk,
    attempt_id: UUID,
    *,
    notice: Notice | None = None,
    asked: Step | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    """Answer with the page; a browser that we have not seen gets its cookie."""
    resources: Resources = request.app.state.resources
    browser = browser_of(request, desk) or secrets.token_urlsafe(BROWSER_BYTES)
    view = await wallet_payments.look(resources.sessions, attempt_id, desk=desk, browser=browser)
    if view.stage == Stage.CLOSED:
        return going_to(desk.return_url(attempt_id))
    languages = request.headers.get("accept-language", "")
    locale = negotiate(languages, chosen=request.query_params.get("lang", ""))
    page = resources.wallet_page.write(view, locale, desk=desk, browser=browser, notice=notice, asked=asked)
    response = HTMLResponse(page.html, status, headers=page.headers)
    is_https = desk.outside.public_url.startswith("https://")
    response.set_cookie(
        cookie_name(desk), browser, max_age=COOKIE_SECONDS, httponly=True, secure=is_https, samesite="lax"
    )
    return response


async def count(request: Request) -> None:
    """Count what comes from an address.

    Raises:
        TooMany
    """
    resources: Resources = request.app.state.resources
    sender = sender_in(request, trusted=resources.trusted_proxies)
    await resources.ratelimit.hit(resources.wallet_rate, "wallet", str(sender))


def browser_of(request: Request, desk: Desk) -> str:
    """Give the secret of the calling browser, empty if it has none of ours."""
    given = request.cookies.get(cookie_name(desk), "")
    return given if COOKIE_VALUE.fullmatch(given) else ""


def cookie_name(desk: Desk) -> str:
    """Name the cookie so that no other host can set it, where browsers allow that."""
    return f"__Host-{COOKIE}" if desk.outside.public_url.startswith("https://") else COOKIE


def going_to(url: str, notice: Notice | None = None) -> Response:
    """Answer 303: the browser goes on with a GET."""
    return RedirectResponse(f"{url}?notice={notice}" if notice else url, HTTPStatus.SEE_OTHER)
