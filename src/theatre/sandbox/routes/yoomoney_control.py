"""The tester's control panel of the wallet system: notifications and wallets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute
from theatre.sandbox import yoomoney_notifications, yoomoney_wallets
from theatre.sandbox.calls import InTransaction, OurResources, Reading, refreshed
from theatre.sandbox.control_schemas import (
    WalletAnswer,
    WalletChange,
    WalletNotificationAnswer,
    WalletsAnswer,
)

router = APIRouter(
    prefix="/sandbox/control/v1/yoomoney",
    tags=["control"],
    route_class=StrictRoute,
    dependencies=[Depends(refreshed)],
)
Paging = Annotated[PageRequest, Depends(page_request)]
Number = Annotated[str, Path(pattern=r"^[0-9]{11,33}$")]


@router.get("/notifications", summary="List notifications to wallets, newest first")
async def list_notifications(
    session: Reading, page: Paging, label: Annotated[str | None, Query(max_length=64)] = None
) -> PageAnswer[WalletNotificationAnswer]:
    found = await yoomoney_notifications.list_page(session, page, label=label)
    items = [WalletNotificationAnswer.model_validate(row) for row in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.post("/notifications/{notification_id}/redeliver", summary="Send a notification again")
async def redeliver(
    notification_id: UUID, session: InTransaction, resources: OurResources
) -> WalletNotificationAnswer:
    now = resources.state.clock.now()
    row = await yoomoney_notifications.redeliver(session, notification_id, now=now)
    return WalletNotificationAnswer.model_validate(row)


@router.get("/wallets", summary="List wallets")
async def list_wallets(session: Reading) -> WalletsAnswer:
    found = await yoomoney_wallets.list_all(session)
    return WalletsAnswer(items=[WalletAnswer.model_validate(wallet) for wallet in found])


@router.put("/wallets/{number}", summary="Make a wallet or change it")
async def change_wallet(number: Number, change: WalletChange, session: InTransaction) -> WalletAnswer:
    return WalletAnswer.model_validate(await yoomoney_wallets.change(session, number, change))
