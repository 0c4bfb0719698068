"""Doors of links by mail: asked for, and used. No door here is a GET, since whoever previews a link opens it."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from theatre.auth import link_requests, links
from theatre.auth.resources import From, Given
from theatre.auth.schemas import EmailRequest, EmailVerification, Nothing, PasswordReset
from theatre.contracts.auth import PUBLIC, NoticeKind
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=PUBLIC, tags=["links"], route_class=StrictRoute)


@router.post(
    "/email/verify",
    status_code=HTTPStatus.NO_CONTENT,
    responses={202: {"model": Nothing, "description": "A link is on its way, if the address is anybody's"}},
    summary="Ask for a link that verifies an address, or use it",
    description=(
        "With `email`: 202, whether or not the address is known or verified already. With the `token` of the link: "
        "204, or `auth.bad_link` (400)."
    ),
)
async def verify_email(body: EmailVerification, resources: Given, device: From) -> Response:
    if body.token is None:
        await link_requests.add(resources, NoticeKind.VERIFY_EMAIL, body.email or "", network=device.network)
        return JSONResponse({}, HTTPStatus.ACCEPTED)
    await resources.rate_limit.hit(resources.settings.link_use_rate, "use link", device.network)
    await links.verify_email(resources, body.token)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/password/forgot",
    status_code=HTTPStatus.ACCEPTED,
    response_model=Nothing,
    summary="Ask for a link that sets a new password",
    description="202, whether or not the address is known.",
)
async def forget_password(body: EmailRequest, resources: Given, device: From) -> Nothing:
    await link_requests.add(resources, NoticeKind.RESET_PASSWORD, body.email, network=device.network)
    return Nothing()


@router.post(
    "/password/reset",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Set a new password by the token of a link",
    description=(
        "Ends every session and verifies the address. `auth.bad_link` (400); `auth.weak_password` (422), after which "
        "the link goes on holding."
    ),
)
async def reset_password(body: PasswordReset, resources: Given, device: From) -> None:
    await resources.rate_limit.hit(resources.settings.link_use_rate, "use link", device.network)
    await links.reset_password(resources, body.token, body.password)
