"""Doors for payment systems and browsers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse

from theatre.kit.i18n import negotiate
from theatre.kit.logging import get_logger
from theatre.kit.routing import StrictRoute
from theatre.payment import attempts, provider_events
from theatre.payment.errors import ForgedCallback, ProviderNotFound, ProviderUnknown
from theatre.payment.providers import Callback
from theatre.payment.resources import Resources
from theatre.payment.schemas import ProviderAnswer, ProvidersAnswer, StateAnswer, Taken
from theatre.payment.senders import sender_in

API = "/payment/api/v1"
router = APIRouter(tags=["payment"], route_class=StrictRoute)
security = get_logger("theatre.security")


@router.post(f"{API}/callbacks/{{provider}}", summary="Where payment systems tell us what happened")
async def call_back(request: Request, provider: str) -> Taken:
    resources: Resources = request.app.state.resources
    callback = await _read_callback(request, resources)
    try:
        found = resources.outside.provider(provider)
        await provider_events.receive(resources.sessions, found, callback, outside=resources.outside)
    except ProviderUnknown:
        raise ProviderNotFound from None
    except ForgedCallback:
        await resources.ratelimit.hit(resources.forged_callback_rate, "forged", str(callback.sender))
        security.warning("forged callback", provider=provider, sender=str(callback.sender))
        raise
    return Taken()


@router.get(f"{API}/providers", summary="Payment systems to choose from")
async def list_providers(request: Request) -> ProvidersAnswer:
    outside = request.app.state.resources.outside
    items = [
        ProviderAnswer(
            name=provider.name,
            title=provider.capabilities.title,
            is_default=provider.name == outside.default_provider,
            has_partial_refunds=provider.capabilities.has_partial_refunds,
            has_saved_methods=provider.name in outside.chargers,
        )
        for provider in outside.providers.values()
    ]
    return ProvidersAnswer(items=items)


@router.get(f"{API}/attempts/{{attempt_id}}/state", summary="How an attempt stands")
async def read_state(request: Request, attempt_id: UUID) -> StateAnswer:
    resources: Resources = request.app.state.resources
    status = await attempts.find_status(resources.sessions, attempt_id, outside=resources.outside)
    return StateAnswer(status=status)


@router.get(
    "/payment/return/{attempt_id}", response_class=HTMLResponse, summary="Where people come back after paying"
)
async def come_back(
    request: Request,
    attempt_id: UUID,
    lang: Annotated[str, Query(max_length=8)] = "",
    accept_language: Annotated[str, Header()] = "",
) -> Response:
    resources: Resources = request.app.state.resources
    attempt = await attempts.get(resources.sessions, attempt_id)
    page = resources.return_page.write(attempt, negotiate(accept_language, chosen=lang))
    return HTMLResponse(page.html, headers=page.headers)


async def _read_callback(request: Request, resources: Resources) -> Callback:
    sender = sender_in(request, trusted=resources.trusted_proxies)
    return Callback(request.headers, await request.body(), sender)
