"""Notifications: sent after the commit, until exactly 200, on a schedule of a day by the sandbox's clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.sandbox.stage import HOOK_URL, Merchant, Object, Shop, refused, taken
from theatre.sandbox.app import create_app
from theatre.sandbox.settings import SandboxSettings

SCHEDULE = [10, 50, 240, 600, *[3600] * 23]


async def test_the_object_can_be_read_in_its_new_state_before_the_shop_is_told(
    merchant: Merchant, shop: Shop
) -> None:
    seen: list[tuple[str, str]] = []

    async def read(body: Object) -> None:
        seen.append((body["object"]["status"], (await merchant.read(body["object"]))["status"]))

    shop.on_receive = read
    await merchant.pay(await merchant.create())
    await shop.wait_for(1)
    assert seen == [("succeeded", "succeeded")]


async def test_the_body_is_a_snapshot_of_that_moment(merchant: Merchant, shop: Shop) -> None:
    shop.answers = [500]
    paid = await merchant.pay(await merchant.create())
    await shop.wait_for(1)
    await merchant.refund(paid, "149.90")
    await merchant.advance(10)
    await shop.wait_for(3)
    told = [body for body in shop.received if body["event"] == "payment.succeeded"]
    assert told == [{"type": "notification", "event": "payment.succeeded", "object": paid}] * 2


async def test_delivered_means_exactly_200(merchant: Merchant, shop: Shop) -> None:
    shop.answers = [201, 204, 302, 404]
    payment = await merchant.pay(await merchant.create())
    for count, step in enumerate([10, 50, 240, 600], start=1):
        await shop.wait_for(count)
        await until_recorded(merchant, payment, tries=count)
        await merchant.advance(step)
    await shop.wait_for(5)
    row = await until_recorded(merchant, payment, tries=5)
    assert (row["last_status"], row["next_try_at"]) == (200, None)
    assert row["delivered_at"] is not None


async def test_tries_follow_the_schedule_and_end_after_a_day(merchant: Merchant, shop: Shop) -> None:
    shop.answers = [500] * 100
    payment = await merchant.pay(await merchant.create())
    row = await until_recorded(merchant, payment, tries=1)
    for count, step in enumerate(SCHEDULE, start=2):
        await merchant.advance(step - 3)
        assert len(shop.received) == count - 1
        await merchant.advance(3)
        row = await until_recorded(merchant, payment, tries=count)
    assert (row["tries"], row["next_try_at"], row["delivered_at"]) == (28, None, None)


async def test_a_shop_that_cannot_be_reached_is_told_later(merchant: Merchant, shop: Shop) -> None:
    shop.answers = [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")]
    payment = await merchant.pay(await merchant.create())
    row = await until_recorded(merchant, payment, tries=1)
    assert (row["last_status"], "ConnectError" in row["last_error"]) == (None, True)
    await merchant.advance(10)
    await until_recorded(merchant, payment, tries=2)
    await merchant.advance(50)
    assert (await until_recorded(merchant, payment, tries=3))["last_status"] == 200


async def test_a_shop_without_an_address_is_told_when_it_has_one(merchant: Merchant, shop: Shop) -> None:
    await merchant.control("PUT", f"/shops/{merchant.auth[0]}", {"notification_url": None})
    payment = await merchant.pay(await merchant.create())
    await until_recorded(merchant, payment, tries=1)
    await merchant.control("PUT", f"/shops/{merchant.auth[0]}", {"notification_url": HOOK_URL})
    await merchant.advance(10)
    assert (await shop.wait_for(1))[0]["object"]["id"] == payment["id"]


async def test_a_delivered_one_can_be_sent_again(merchant: Merchant, shop: Shop) -> None:
    payment = await merchant.pay(await merchant.create())
    row = await until_recorded(merchant, payment, tries=1)
    await merchant.control("POST", f"/notifications/{row['id']}/redeliver")
    first, second = await shop.wait_for(2)
    assert first == second


async def test_what_was_not_delivered_before_a_stop_is_sent_after_the_start(
    settings: SandboxSettings, shop: Shop
) -> None:
    shop.answers = [500]
    async with running(settings, shop) as merchant:
        payment = await merchant.pay(await merchant.create())
        await until_recorded(merchant, payment, tries=1)
    async with running(settings, shop) as merchant:
        await merchant.advance(10)
        first, second = await shop.wait_for(2)
    assert first == second


@asynccontextmanager
async def running(settings: SandboxSettings, shop: Shop) -> AsyncIterator[Merchant]:
    """Start a sandbox, and stop it at the end."""
    app = create_app(settings, transport=shop.transport)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x")
    async with app.router.lifespan_context(app), http:
        yield Merchant(http)


async def test_two_senders_side_by_side_send_each_notification_once(
    settings: SandboxSettings, merchant: Merchant, shop: Shop
) -> None:
    twin = create_app(settings, transport=shop.transport)
    async with twin.router.lifespan_context(twin):
        payments = [await merchant.create() for _ in range(20)]
        await asyncio.gather(*(merchant.pay(payment) for payment in payments))
        await shop.wait_for(20)
        for payment in payments:
            await until_recorded(merchant, payment, tries=1)
    assert sorted(body["object"]["id"] for body in shop.received) == sorted(one["id"] for one in payments)


async def test_every_change_that_shops_hear_of_is_told_and_no_other(merchant: Merchant, shop: Shop) -> None:
    held = await merchant.pay(await merchant.create(capture=False))
    await shop.wait_for(1)
    captured = await merchant.post(f"/payments/{held['id']}/capture")
    await shop.wait_for(2)
    await merchant.refund(captured.json(), "149.90")
    await shop.wait_for(3)
    assert shop.events == ["payment.waiting_for_capture", "payment.succeeded", "refund.succeeded"]


async def test_an_application_sets_up_its_own_addresses(merchant: Merchant, shop: Shop) -> None:
    await merchant.control("PUT", f"/shops/{merchant.auth[0]}", {"oauth_token": "an-oauth-token"})
    headers = {"Authorization": "Bearer an-oauth-token", "Idempotence-Key": "w-1"}
    wanted = {"event": "refund.succeeded", "url": "http://application.example/hook"}
    hooks = "/sandbox/v3/webhooks"
    made = taken(await merchant.http.post(hooks, json=wanted, headers=headers))
    assert made == {"id": made["id"], **wanted}
    assert len(made["id"]) == 39
    assert taken(await merchant.http.get(hooks, headers=headers)) == {"type": "list", "items": [made]}

    paid = await merchant.pay(await merchant.create())
    await merchant.refund(paid, "149.90")
    await shop.wait_for(3)
    assert sorted(shop.events) == ["payment.succeeded", "refund.succeeded", "refund.succeeded"]

    assert taken(await merchant.http.delete(f"{hooks}/{made['id']}", headers=headers)) == {}
    refused(await merchant.http.delete(f"{hooks}/{made['id']}", headers=headers), 404, "not_found")


async def until_recorded(merchant: Merchant, payment: Object, *, tries: int) -> Object:
    """Wait until the payment's notification was tried so often, and give it."""
    found: list[Object] = []

    async def look() -> None:
        while not found or found[0]["tries"] < tries:
            found[:] = await merchant.notifications(payment)
            await asyncio.sleep(0.005)

    async with asyncio.timeout(10):
        await look()
    return found[0]
