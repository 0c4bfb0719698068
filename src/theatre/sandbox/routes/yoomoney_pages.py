"""The wallet system's pages: what an owner allows, and forms that are paid. Opening one changes nothing."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Form, Header, Query, Response
from fastapi.responses import HTMLResponse

from theatre.kit.routing import StrictRoute
from theatre.sandbox import yoomoney_grants, yoomoney_pay_forms, yoomoney_transfers, yoomoney_wallets
from theatre.sandbox.calls import InTransaction, OurResources, Reading, refreshed
from theatre.sandbox.forms import CardForm
from theatre.sandbox.object_ids import read_id
from theatre.sandbox.routes.checkout import card_form, going_to, written
from theatre.sandbox.yoomoney_pages import ADDRESS

router = APIRouter(
    prefix=ADDRESS,
    tags=["yoomoney pages"],
    route_class=StrictRoute,
    default_response_class=HTMLResponse,
    dependencies=[Depends(refreshed)],
)

Languages: TypeAlias = Annotated[str, Header(alias="Accept-Language", include_in_schema=False)]
Asked: TypeAlias = Annotated[str, Query(max_length=2_048)]
Field: TypeAlias = Annotated[str, Form(max_length=2_048)]


@router.get("/oauth/authorize", summary="What an application asks to be allowed")
async def show_wish(
    session: Reading,
    resources: OurResources,
    client_id: Asked = "",
    response_type: Asked = "",
    redirect_uri: Asked = "",
    scope: Asked = "",
    languages: Languages = "",
) -> Response:
    wish = await yoomoney_grants.read_wish(
        session, client_id=client_id, response_type=response_type, redirect_uri=redirect_uri, scope=scope
    )
    return written(resources.yoomoney_pages.write_wish(wish, languages))


@router.post("/oauth/authorize", summary="Allow it or not; without a decision the question is shown")
async def decide(
    session: InTransaction,
    resources: OurResources,
    client_id: Field = "",
    response_type: Field = "",
    redirect_uri: Field = "",
    scope: Field = "",
    login: Field = "",
    password: Field = "",
    decision: Field = "",
    languages: Languages = "",
) -> Response:
    wish = await yoomoney_grants.read_wish(
        session, client_id=client_id, response_type=response_type, redirect_uri=redirect_uri, scope=scope
    )
    if decision == "deny":
        return going_to(yoomoney_grants.back(wish, error="access_denied"))
    wallet = await yoomoney_wallets.find_owned(session, login, password)
    if wallet is None or decision != "allow":
        faults = {"login"} if decision else set()
        return written(resources.yoomoney_pages.write_wish(wish, languages, login=login, faults=faults))
    now = resources.state.clock.now()
    return going_to(yoomoney_grants.allow(session, wish, wallet.number, now=now))


@router.post("/quickpay/confirm", summary="Where a shop's form takes a payer")
async def take_form(
    session: InTransaction,
    resources: OurResources,
    receiver: Field = "",
    total: Annotated[str, Form(alias="sum", max_length=20)] = "",
    label: Field = "",
    way: Annotated[str, Form(alias="paymentType", max_length=2)] = "PC",
    success_url: Annotated[str, Form(alias="successURL", max_length=2_048)] = "",
) -> Response:
    form = await yoomoney_pay_forms.open_form(
        session,
        receiver=receiver,
        total=total,
        label=label,
        way=way,
        success_url=success_url,
        now=resources.state.clock.now(),
    )
    return going_to(f"{ADDRESS}/quickpay/{form.id}")


@router.get("/quickpay/{form_id}", summary="The form that a payer has before them")
async def show_form(
    form_id: str, session: Reading, resources: OurResources, languages: Languages = ""
) -> Response:
    form = await yoomoney_pay_forms.get(session, read_id(form_id))
    return written(resources.yoomoney_pages.write_form(form, languages))


@router.post(
    "/quickpay/{form_id}", summary="Pay it: from a wallet, by a card, or with the code that was asked for"
)
async def pay_form(
    form_id: str,
    session: InTransaction,
    resources: OurResources,
    card: Annotated[CardForm, Depends(card_form)],
    login: Field = "",
    password: Field = "",
    code: Field = "",
    languages: Languages = "",
) -> Response:
    form = await yoomoney_pay_forms.get(session, read_id(form_id), locked=True)
    now = resources.state.clock.now()
    faults: set[str] = set()
    if form.paid_at is None:
        paid = yoomoney_pay_forms.Payer(card, login, password, code)
        faults = await yoomoney_pay_forms.pay(session, form, paid, now=now)
    if faults or form.is_challenged or not form.success_url:
        page = resources.yoomoney_pages.write_form(form, languages, entry=card, login=login, faults=faults)
        return written(page)
    return going_to(form.success_url)


@router.post("/bank/{transfer_id}", summary="What the bank asks, and the answer")
async def ask(
    transfer_id: str,
    session: InTransaction,
    resources: OurResources,
    decision: Field = "",
    languages: Languages = "",
) -> Response:
    if decision not in {"allow", "deny"}:
        transfer = await yoomoney_transfers.get(session, transfer_id)
        return written(resources.yoomoney_pages.write_question(transfer, languages))
    return going_to(await yoomoney_transfers.approve(session, transfer_id, is_approved=decision == "allow"))
