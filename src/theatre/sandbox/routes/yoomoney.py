"""The wallet system's API: OAuth tokens, and what they allow. Forms in, JSON out."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import AwareDatetime

from theatre.sandbox import yoomoney_grants, yoomoney_operations, yoomoney_transfers
from theatre.sandbox.calls import InTransaction, JsonAnswer, MerchantRoute, OurResources, Reading
from theatre.sandbox.yoomoney_errors import TokenInvalid
from theatre.sandbox.yoomoney_grants import check_right
from theatre.sandbox.yoomoney_models import Grant, Wallet
from theatre.sandbox.yoomoney_money import CURRENCY_NUMBER, number
from theatre.sandbox.yoomoney_transfers import TransferWish

router = APIRouter(prefix="/sandbox/yoomoney", tags=["yoomoney"], route_class=MerchantRoute)

Field: TypeAlias = Annotated[str, Form(max_length=2_048)]
Count: TypeAlias = Annotated[int, Form(ge=0, le=1_000_000)]
BAD_REQUEST = 400


async def given_grant(request: Request, session: Reading) -> Grant:
    """Give what the caller's token stands for.

    Raises:
        TokenInvalid
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenInvalid
    return await yoomoney_grants.find(session, token.strip())


Granted: TypeAlias = Annotated[Grant, Depends(given_grant)]


@router.post("/oauth/token", summary="Exchange a code for a token")
async def exchange(
    session: InTransaction,
    resources: OurResources,
    code: Field = "",
    client_id: Field = "",
    client_secret: Field = "",
    redirect_uri: Field = "",
    grant_type: Field = "",
) -> Response:
    if grant_type != "authorization_code":
        return JsonAnswer({"error": "invalid_request"}, BAD_REQUEST)
    answer = await yoomoney_grants.exchange(
        session,
        code=code,
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=redirect_uri,
        now=resources.state.clock.now(),
    )
    return JsonAnswer(answer, BAD_REQUEST if "error" in answer else 200)


@router.post("/api/revoke", summary="Make a token worthless")
async def revoke(grant: Granted, session: InTransaction, resources: OurResources) -> Response:
    await yoomoney_grants.revoke(session, grant.id, now=resources.state.clock.now())
    return Response()


@router.post("/api/account-info", summary="Whose wallet this is, and what is in it")
async def account_info(grant: Granted, session: Reading) -> Response:
    check_right(grant, "account-info")
    wallet = await session.get_one(Wallet, grant.wallet)
    answer = {
        "account": wallet.number,
        "balance": number(wallet.balance_minor),
        "currency": CURRENCY_NUMBER,
        "account_status": "identified",
        "account_type": "personal",
    }
    return JsonAnswer(answer)


@router.post("/api/operation-history", summary="What came and went, the newest first")
async def operation_history(
    grant: Granted,
    session: Reading,
    label: Field = "",
    kind: Annotated[str, Form(alias="type", max_length=100)] = "",
    since: Annotated[AwareDatetime | None, Form(alias="from")] = None,
    till: Annotated[AwareDatetime | None, Form()] = None,
    start_record: Count = 0,
    records: Annotated[int, Form(ge=1, le=100)] = 30,
    details: Field = "false",
) -> Response:
    check_right(grant, "operation-history")
    with_details = details == "true"
    if with_details:
        check_right(grant, "operation-details")
    wanted = yoomoney_operations.Wanted(label, kind, since, till, start_record, records)
    found = await yoomoney_operations.list_page(session, grant.wallet, wanted)
    shown = [
        yoomoney_operations.to_object(one, grant.wallet, with_details=with_details) for one in found[:records]
    ]
    more = {"next_record": str(start_record + records)} if len(found) > records else {}
    return JsonAnswer({"operations": shown, **more})


@router.post("/api/operation-details", summary="One operation")
async def operation_details(grant: Granted, session: Reading, operation_id: Field = "") -> Response:
    check_right(grant, "operation-details")
    operation = await yoomoney_operations.find(session, grant.wallet, operation_id)
    if operation is None:
        return JsonAnswer({"error": "illegal_param_operation_id"})
    return JsonAnswer(yoomoney_operations.to_object(operation, grant.wallet, with_details=True))


@router.post("/api/request-payment", summary="Prepare a transfer to another wallet")
async def prepare_payment(
    grant: Granted,
    session: InTransaction,
    resources: OurResources,
    pattern_id: Field = "",
    to: Field = "",
    amount: Field = "",
    amount_due: Field = "",
    label: Annotated[str, Form(max_length=64)] = "",
    message: Field = "",
) -> Response:
    if pattern_id != "p2p":
        return JsonAnswer({"status": "refused", "error": "illegal_param_pattern_id"})
    wish = TransferWish(to, amount, amount_due, label, message)
    now = resources.state.clock.now()
    return JsonAnswer(await yoomoney_transfers.prepare(session, grant, wish, now=now))


@router.post("/api/process-payment", summary="Send a prepared transfer, or learn how it stands")
async def send_payment(
    grant: Granted,
    session: InTransaction,
    resources: OurResources,
    request_id: Field = "",
    ext_auth_success_uri: Field = "",
) -> Response:
    answer = await yoomoney_transfers.send(
        session,
        grant,
        request_id,
        return_url=ext_auth_success_uri,
        public_url=resources.public_url,
        delay=resources.delay,
        now=resources.state.clock.now(),
    )
    return JsonAnswer(answer)
