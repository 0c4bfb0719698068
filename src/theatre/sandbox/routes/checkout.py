"""The hosted page. Its forms work without scripts; they end in a 303 to the shop once the outcome is stored."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Form, Header, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from theatre.kit.routing import StrictRoute
from theatre.sandbox import checkout
from theatre.sandbox.calls import InTransaction, OurResources, Reading, refreshed
from theatre.sandbox.forms import CardForm, read_card, read_code
from theatre.sandbox.models import Payment, PaymentStatus
from theatre.sandbox.object_ids import read_id
from theatre.sandbox.pages import Page
from theatre.sandbox.resources import Resources

router = APIRouter(
    prefix="/sandbox/checkout",
    tags=["hosted page"],
    route_class=StrictRoute,
    default_response_class=HTMLResponse,
    dependencies=[Depends(refreshed)],
)

SEE_OTHER = 303
Languages: TypeAlias = Annotated[str, Header(alias="Accept-Language", include_in_schema=False)]
Field: TypeAlias = Annotated[str, Form(max_length=200)]


async def card_form(
    card_number: Field = "",
    expiry_month: Field = "",
    expiry_year: Field = "",
    cvc: Field = "",
    cardholder: Field = "",
    save_card: Field = "",
) -> CardForm:
    """Gather the fields of a card form; what is missing is empty and told to the payer."""
    return CardForm(card_number, expiry_month, expiry_year, cvc, cardholder, save_card)


@router.get("/{payment_id}", summary="The page where a payer pays")
async def show(
    payment_id: str, session: Reading, resources: OurResources, languages: Languages = ""
) -> Response:
    payment = await checkout.get(session, read_id(payment_id))
    if not checkout.is_open(payment, resources.state.clock.now()):
        return written(resources.pages.write_state(payment, languages))
    if payment.is_challenged:
        return going_to(code_address(payment))
    return written(resources.pages.write_card(payment, languages))


@router.post("/{payment_id}", summary="Pay, or go back to the shop")
async def pay(
    payment_id: str,
    form: Annotated[CardForm, Depends(card_form)],
    session: InTransaction,
    resources: OurResources,
    action: Field = "pay",
    languages: Languages = "",
) -> Response:
    payment = await checkout.get_locked(session, read_id(payment_id))
    now = resources.state.clock.now()
    if action == "leave":
        checkout.leave(session, payment, resources.state.shops.get(payment.shop_id), now=now)
        return going_back(payment, resources, languages)
    if not checkout.is_open(payment, now):
        return written(resources.pages.write_state(payment, languages))
    if not checkout.takes_card(payment):
        await checkout.pay_by_button(session, payment, now=now)
    elif not payment.is_challenged:
        entry, faults = read_card(form, now)
        if entry is None:
            return written(resources.pages.write_card(payment, languages, form=form, faults=faults))
        await checkout.pay_by_card(session, payment, entry, delay=resources.delay, now=now)
    return going_on(payment, resources, languages)


@router.get("/{payment_id}/3ds", summary="The 3-D Secure question")
async def show_code(
    payment_id: str, session: Reading, resources: OurResources, languages: Languages = ""
) -> Response:
    payment = await checkout.get(session, read_id(payment_id))
    if not checkout.is_open(payment, resources.state.clock.now()):
        return written(resources.pages.write_state(payment, languages))
    if not payment.is_challenged:
        return going_to(address(payment))
    return written(resources.pages.write_code(payment, languages))


@router.post("/{payment_id}/3ds", summary="Give the 3-D Secure code, or cancel")
async def confirm(
    payment_id: str,
    session: InTransaction,
    resources: OurResources,
    code: Field = "",
    action: Field = "confirm",
    languages: Languages = "",
) -> Response:
    payment = await checkout.get_locked(session, read_id(payment_id))
    now = resources.state.clock.now()
    if not checkout.is_open(payment, now):
        return written(resources.pages.write_state(payment, languages))
    if not payment.is_challenged:
        return going_to(address(payment))
    given = checkout.WRONG_CODE if action == "cancel" else read_code(code)
    if given is None:
        return written(resources.pages.write_code(payment, languages, faults={"code"}))
    await checkout.confirm(session, payment, given, delay=resources.delay, now=now)
    return going_on(payment, resources, languages)


def address(payment: Payment) -> str:
    """Give the path of a payment's page."""
    return f"{router.prefix}/{payment.id}"


def code_address(payment: Payment) -> str:
    """Give the path of a payment's 3-D Secure question."""
    return f"{address(payment)}/3ds"


def going_on(payment: Payment, resources: Resources, languages: str) -> Response:
    """Send the payer on: to the 3-D Secure question, to another try, to the shop, or to the end of the way."""
    if payment.is_challenged and payment.status == PaymentStatus.PENDING:
        return going_to(code_address(payment))
    if payment.last_refusal and checkout.is_open(payment, resources.state.clock.now()):
        return going_to(address(payment))
    return ending(payment, (payment.confirmation or {}).get("return_url"), resources, languages=languages)


def going_back(payment: Payment, resources: Resources, languages: str) -> Response:
    """Send a payer who does not pay back to the shop."""
    confirmation = payment.confirmation or {}
    url = confirmation.get("cancel_url") or confirmation.get("return_url")
    return ending(payment, url, resources, languages=languages)


def ending(payment: Payment, url: str | None, resources: Resources, *, languages: str) -> Response:
    """Send the payer away, or show how the payment stands where there is no address."""
    return going_to(url) if url else written(resources.pages.write_state(payment, languages))


def going_to(url: str) -> Response:
    """Answer 303: the browser goes on with a GET."""
    return RedirectResponse(url, SEE_OTHER, headers={"Cache-Control": "no-store"})


def written(page: Page) -> Response:
    """Answer with a page."""
    return HTMLResponse(page.html, page.status, headers=page.headers)
