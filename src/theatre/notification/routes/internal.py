"""The doors of our own services: tell a user something, and what came of it.

A `dedupe_key` that is known changes nothing.
"""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request

from theatre.contracts.notification import PREFIX, DeliveryState, ListingDeliveries
from theatre.kit.access import CallingService
from theatre.kit.db import InTransaction, Session
from theatre.kit.routing import StrictRoute
from theatre.notification import announcements, notifications
from theatre.notification.kinds import Data, Kind
from theatre.notification.models import ChannelName
from theatre.notification.notifications import News
from theatre.notification.schemas import (
    Accepted,
    EventBody,
    NewMovieBody,
    PaymentStatusBody,
    RegistrationBody,
)

router = APIRouter(prefix=PREFIX, tags=["internal"], route_class=StrictRoute)


@router.post("/events/registration", status_code=HTTPStatus.ACCEPTED, summary="Greet a new user")
async def tell_registration(
    request: Request, body: RegistrationBody, session: InTransaction, _: CallingService
) -> Accepted:
    return await accept(session, request, read_news(body, Kind.REGISTRATION, body.data))


@router.post(
    "/events/payment_status", status_code=HTTPStatus.ACCEPTED, summary="Tell what became of a payment"
)
async def tell_payment_status(
    request: Request, body: PaymentStatusBody, session: InTransaction, _: CallingService
) -> Accepted:
    return await accept(session, request, read_news(body, Kind.PAYMENT_STATUS, body.data))


@router.post("/events/new_movie", status_code=HTTPStatus.ACCEPTED, summary="Tell one user, or all, of a film")
async def tell_new_movie(
    request: Request, body: NewMovieBody, session: InTransaction, _: CallingService
) -> Accepted:
    if body.user_id is None:
        now = request.app.state.resources.clock.now()
        return Accepted(id=await announcements.announce(session, body.data, body.dedupe_key, now=now))
    about = EventBody(user_id=body.user_id, dedupe_key=body.dedupe_key, channels=body.channels)
    return await accept(session, request, read_news(about, Kind.NEW_MOVIE, body.data))


@router.get("/deliveries", summary="What was told about a payment, and how it went out")
async def list_deliveries(payment_id: UUID, session: InTransaction, _: CallingService) -> ListingDeliveries:
    rows = await notifications.list_deliveries(session, payment_id)
    return ListingDeliveries(items=[DeliveryState.model_validate(row, from_attributes=True) for row in rows])


async def accept(session: Session, request: Request, news: News) -> Accepted:
    """Store news."""
    now = request.app.state.resources.clock.now()
    return Accepted(id=await notifications.accept(session, news, now=now))


def read_news(body: EventBody, kind: Kind, data: Data) -> News:
    """Read what a body says; without channels, all of them."""
    channels = body.channels or tuple(ChannelName)
    return News(kind=kind, user_id=body.user_id, data=data, dedupe_key=body.dedupe_key, channels=channels)
