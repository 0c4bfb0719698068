"""The quickpay form: somebody pays a sum to a wallet, from a wallet of theirs or by a card. It is paid once."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.sandbox import yoomoney_operations, yoomoney_wallets
from theatre.sandbox.cards import SCENARIOS, card_of
from theatre.sandbox.checkout import WRONG_CODE
from theatre.sandbox.forms import CardEntry, CardForm, read_card, read_code
from theatre.sandbox.models import Face
from theatre.sandbox.yoomoney_errors import AskedWrongly, NothingHere
from theatre.sandbox.yoomoney_models import PayForm, Wallet
from theatre.sandbox.yoomoney_money import credited, read_minor

WAYS = {"PC": False, "AC": True}
MAX_LABEL_CHARACTERS = 64
CODE_REFUSED = "3d_secure_failed"
NOT_ENOUGH = "insufficient_funds"


@dataclass(frozen=True, slots=True)
class Payer:
    """What a payer typed, whichever way they pay."""

    card: CardForm
    login: str
    password: str
    code: str


async def open_form(
    session: Session,
    *,
    receiver: str,
    total: str,
    label: str,
    way: str,
    success_url: str,
    now: datetime,
) -> PayForm:
    """Take a form as a shop's page sends it.

    Raises:
        AskedWrongly
    """
    sum_minor = read_minor(total)
    is_address = urlsplit(success_url).scheme in {"http", "https"} or success_url == ""
    if await session.get(Wallet, receiver) is None:
        raise AskedWrongly("There is no such receiver.")
    if sum_minor is None or way not in WAYS or len(label) > MAX_LABEL_CHARACTERS or not is_address:
        raise AskedWrongly("The sum, the way to pay, the label or the address is not acceptable.")
    form = PayForm(
        id=new_id(),
        receiver=receiver,
        sum_minor=sum_minor,
        label=label,
        success_url=success_url,
        by_card=WAYS[way],
        created_at=now,
    )
    session.add(form)
    return form


async def get(session: Session, form_id: UUID, *, locked: bool = False) -> PayForm:
    """Give a form; locked, of two submits the second sees what the first did.

    Raises:
        NothingHere
    """
    form = await session.get(PayForm, form_id, with_for_update=locked)
    if form is None:
        raise NothingHere
    return form


async def pay(session: Session, form: PayForm, payer: Payer, *, now: datetime) -> set[str]:
    """Take a payer's next step with a form that is locked and not paid; give what was at fault or refused."""
    if form.is_challenged:
        code = read_code(payer.code)
        refusal = "code" if code is None else await confirm(session, form, code, now=now)
    elif form.by_card:
        entry, faults = read_card(payer.card, now)
        if entry is None:
            return faults
        refusal = await pay_by_card(session, form, entry, now=now)
    else:
        refusal = await pay_by_wallet(session, form, login=payer.login, password=payer.password, now=now)
    return {refusal} if refusal else set()


async def pay_by_wallet(
    session: Session, form: PayForm, *, login: str, password: str, now: datetime
) -> str | None:
    """Pay from a wallet; give why not."""
    owned = await yoomoney_wallets.find_owned(session, login, password)
    if owned is None or owned.number == form.receiver:
        return "login"
    wallets = await yoomoney_wallets.lock(session, owned.number, form.receiver)
    payer = wallets[owned.number]
    await session.refresh(payer)
    if payer.balance_minor < form.sum_minor:
        return NOT_ENOUGH
    await _move(session, form, payer=payer, receiver=wallets[form.receiver], now=now)
    return None


async def pay_by_card(session: Session, form: PayForm, entry: CardEntry, *, now: datetime) -> str | None:
    """Try a card; give why it was refused. With 3-D Secure the form waits for the code."""
    form.scenario = card_of(entry.number, Face.YOOKASSA).scenario
    if SCENARIOS[form.scenario].asks_code:
        form.is_challenged = True
        return None
    return await _decide(session, form, now=now)


async def confirm(session: Session, form: PayForm, code: str, *, now: datetime) -> str | None:
    """Give the 3-D Secure code; any will do but one. Give why the card was refused."""
    form.is_challenged = False
    return CODE_REFUSED if code == WRONG_CODE else await _decide(session, form, now=now)


async def _decide(session: Session, form: PayForm, *, now: datetime) -> str | None:
    refusal = SCENARIOS[str(form.scenario)].refusal
    if refusal is not None:
        return refusal.reason
    wallets = await yoomoney_wallets.lock(session, form.receiver)
    await _move(session, form, payer=None, receiver=wallets[form.receiver], now=now)
    return None


async def _move(
    session: Session, form: PayForm, *, payer: Wallet | None, receiver: Wallet, now: datetime
) -> None:
    form.paid_at = now
    await yoomoney_operations.move(
        session,
        payer=payer,
        receiver=receiver,
        charged_minor=form.sum_minor,
        credited_minor=credited(form.sum_minor, by_card=payer is None),
        label=form.label,
        message="",
        now=now,
    )
