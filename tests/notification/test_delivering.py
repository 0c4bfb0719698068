"""Delivering over SMTP: what is retried, what is final, and that nothing is sent twice without need."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import tell
from tests.notification.sink import Sink
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.notification import deliveries
from theatre.notification.models import CLAIMABLE, DELIVERY_TRANSITIONS, RETRYABLE, Delivery, DeliveryStatus
from theatre.notification.resources import WorkerResources

ADDRESS = "alice@mail.example"


async def deliver(held: WorkerResources) -> None:
    await deliveries.deliver_due(held.sessions, held.post, clock=held.clock)


async def look_at(held: WorkerResources) -> Delivery:
    async with held.sessions() as session:
        return (await session.scalars(select(Delivery))).one()


@pytest.fixture
async def user_id(held: WorkerResources, auth: AuthDoor, clock: MovableClock) -> UUID:
    """A user with one delivery that is due."""
    user_id = auth.add_contact(email=ADDRESS, locale="en").user_id
    await tell(held.sessions, user_id, clock)
    return user_id


@pytest.mark.usefixtures("user_id")
async def test_a_due_delivery_is_sent_once(held: WorkerResources, sink: Sink, clock: MovableClock) -> None:
    await deliver(held)
    await deliver(held)
    clock.advance(timedelta(days=2))
    await deliver(held)
    [caught] = sink.caught
    delivery = await look_at(held)
    assert caught.recipients == [ADDRESS]
    assert caught.sender == "no-reply@theatre.example"
    assert caught.message_id == f"<{delivery.id}@theatre.example>"
    assert caught.message["Subject"] == "Payment received: RUB\u00a0399.00"
    assert caught.message["From"] == "Театр <no-reply@theatre.example>"
    assert "Month" in caught.reading("plain")
    assert "Month" in caught.reading("html")
    assert (delivery.status, delivery.tries, delivery.last_error) == ("sent", 1, None)
    assert delivery.sent_at is not None


@pytest.mark.usefixtures("user_id")
@pytest.mark.parametrize("stage", ["rcpt_reply", "data_reply"])
async def test_a_4xx_reply_is_tried_again_later(
    held: WorkerResources, sink: Sink, clock: MovableClock, stage: str
) -> None:
    """RELIABILITY F-M1."""
    setattr(sink, stage, "451 greylisted, come back")
    await deliver(held)
    await deliver(held)
    waiting = await look_at(held)
    assert (waiting.status, waiting.tries, sink.caught) == ("queued", 1, [])
    assert "451 greylisted" in str(waiting.last_error)
    setattr(sink, stage, "250 OK")
    clock.advance(timedelta(seconds=7))
    await deliver(held)
    sent = await look_at(held)
    assert (sent.status, sent.tries, sent.last_error) == ("sent", 2, None)
    assert len(sink.caught) == 1


@pytest.mark.usefixtures("user_id")
@pytest.mark.parametrize("stage", ["rcpt_reply", "data_reply"])
async def test_a_5xx_reply_about_the_address_is_final(
    held: WorkerResources, sink: Sink, clock: MovableClock, stage: str
) -> None:
    """RELIABILITY F-M1."""
    setattr(sink, stage, "550 no such person")
    await deliver(held)
    setattr(sink, stage, "250 OK")
    clock.advance(timedelta(hours=1))
    await deliver(held)
    delivery = await look_at(held)
    assert (delivery.status, delivery.tries, sink.caught) == ("failed", 1, [])
    assert "550 no such person" in str(delivery.last_error)


@pytest.mark.usefixtures("user_id")
async def test_a_line_cut_after_the_data_repeats_the_same_message_id(
    held: WorkerResources, sink: Sink, clock: MovableClock
) -> None:
    """RELIABILITY F-M1, K20."""
    sink.drops = True
    await deliver(held)
    waiting = await look_at(held)
    assert waiting.status == "queued"
    assert "ChannelAway" not in str(waiting.last_error)
    assert "channel_away" in str(waiting.last_error)
    sink.drops = False
    clock.advance(timedelta(seconds=7))
    await deliver(held)
    assert (await look_at(held)).status == "sent"
    assert [caught.message_id for caught in sink.caught] == [f"<{waiting.id}@theatre.example>"] * 2


@pytest.mark.usefixtures("user_id")
async def test_a_try_that_takes_too_long_is_ended_and_repeated(
    held: WorkerResources, sink: Sink, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RELIABILITY F-M1: hang."""
    monkeypatch.setattr(deliveries, "TRY_SECONDS", 0.3)
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    sink.before_rcpt = hang
    await deliver(held)
    never.set()
    delivery = await look_at(held)
    assert (delivery.status, delivery.tries) == ("queued", 1)
    assert "TimeoutError" in str(delivery.last_error)


async def test_a_user_that_auth_does_not_know_is_final(held: WorkerResources, clock: MovableClock) -> None:
    await tell(held.sessions, uuid4(), clock)
    await deliver(held)
    delivery = await look_at(held)
    assert (delivery.status, delivery.last_error) == ("failed", "there is no such user")


@pytest.mark.usefixtures("user_id")
async def test_auth_away_is_waited_for(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    auth.is_away = True
    await deliver(held)
    assert (await look_at(held)).status == "queued"
    auth.is_away = False
    clock.advance(timedelta(seconds=7))
    await deliver(held)
    assert ((await look_at(held)).status, len(sink.caught)) == ("sent", 1)


@pytest.mark.usefixtures("user_id")
async def test_pauses_grow_and_the_end_comes_after_a_day(
    held: WorkerResources, sink: Sink, clock: MovableClock
) -> None:
    """RELIABILITY F-M1: backoff up to 24 h, the state is visible."""
    sink.rcpt_reply = "450 later"
    pauses = []
    for _ in range(12):
        tried_at = clock.now()
        await deliver(held)
        due_at = (await look_at(held)).next_try_at
        pauses.append((due_at - tried_at).total_seconds())
        clock.advance(max(due_at - clock.now(), timedelta()) + timedelta(milliseconds=1))
    assert 3 < pauses[0] < 7
    assert all(earlier < later for earlier, later in pairwise(pauses[:8]))
    assert 600 < max(pauses) < 1200
    assert (await look_at(held)).status == "queued"
    clock.advance(timedelta(hours=24))
    await deliver(held)
    delivery = await look_at(held)
    assert (delivery.status, delivery.tries) == ("dead", 13)
    assert "given up after 24 hours" in str(delivery.last_error)


@pytest.mark.usefixtures("user_id")
async def test_a_claim_runs_out_within_a_minute_and_the_late_holder_has_no_say(
    held: WorkerResources, sink: Sink, clock: MovableClock
) -> None:
    """RELIABILITY K19."""
    async with transaction(held.sessions) as session:
        [lost] = await deliveries.claim_due(session, now=clock.now())
    await deliver(held)
    assert ((await look_at(held)).status, sink.caught) == ("sending", [])
    clock.advance(timedelta(seconds=59))
    await deliver(held)
    assert ((await look_at(held)).status, len(sink.caught)) == ("sent", 1)
    async with transaction(held.sessions) as session:
        failed = deliveries.Outcome(DeliveryStatus.FAILED, "too late")
        assert not await deliveries.record(session, lost, failed, now=clock.now())
    assert (await look_at(held)).status == "sent"


async def test_several_workers_send_each_mail_once(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    """RELIABILITY F-M2; CORRECTNESS C1."""
    for number in range(60):
        user_id = auth.add_contact(email=f"user{number}@mail.example").user_id
        await tell(held.sessions, user_id, clock)

    async def work() -> None:
        while await deliveries.deliver_due(held.sessions, held.post, clock=clock):
            pass

    await asyncio.gather(*(work() for _ in range(4)))
    await deliver(held)
    sent = Counter(recipient for caught in sink.caught for recipient in caught.recipients)
    assert sent == Counter(f"user{number}@mail.example" for number in range(60))


async def test_one_refused_address_does_not_hold_up_the_others(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    for email in ("a@mail.example", "not an address", "b@mail.example"):
        await tell(held.sessions, auth.add_contact(email=email).user_id, clock)
    await deliver(held)
    assert sorted(caught.recipients[0] for caught in sink.caught) == ["a@mail.example", "b@mail.example"]
    async with held.sessions() as session:
        statuses = Counter(await session.scalars(select(Delivery.status)))
    assert statuses == {"sent": 2, "failed": 1}


HOSTILE_ADDRESSES = [
    "alice@mail.example\r\nBcc: evil@x.example",
    "alice@mail.example\nevil@x.example",
    "alice@mail.example, evil@x.example",
    "<alice@mail.example>,evil@x.example",
    "Alice <alice@mail.example>",
    "=?utf-8?q?alice=0ABcc=3A_evil=40x?=@mail.example",
    "alice@mail.example\u0000",
    "alice%0aBcc:evil@x.example@mail.example",
    "алиса@mail.example",
    "a" * 10_000 + "@mail.example",
    "alice@" + "a" * 100 + ".example",
    "alice@mail..example",
    "alice@[127.0.0.1]",
    '"alice evil"@mail.example',
    "alice@mail.example>",
    "@mail.example",
    "",
]


@pytest.mark.parametrize("email", HOSTILE_ADDRESSES)
async def test_only_one_read_address_is_written_to(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock, email: str
) -> None:
    """RELIABILITY S-N4."""
    await tell(held.sessions, auth.add_contact(email=email).user_id, clock)
    await deliver(held)
    assert ((await look_at(held)).status, sink.caught) == ("failed", [])


@pytest.mark.parametrize(
    ("email", "written_to"),
    [
        ("alice@localhost", "alice@localhost"),
        ("a.b+c=d@mail.example", "a.b+c=d@mail.example"),
        ("alice@почта.example", "alice@xn--80a1acny.example"),
    ],
)
async def test_unusual_but_read_addresses_are_written_to(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock, *, email: str, written_to: str
) -> None:
    await tell(held.sessions, auth.add_contact(email=email).user_id, clock)
    await deliver(held)
    assert [caught.recipients for caught in sink.caught] == [[written_to]]


HOSTILE_WORDS = [
    "Month\r\nBcc: evil@x.example",
    "Month%0aBcc: evil@x.example",
    "=?utf-8?q?Month=0ABcc=3A_evil=40x.example?=",
    "a@x.example, b@x.example",
    "<a@x.example>,c@x.example",
    "\r\n.\r\nMAIL FROM:<evil@x.example>\r\n",
    "\u202eevil",
    "x" * 10_000,
]


@pytest.mark.parametrize("words", HOSTILE_WORDS)
async def test_no_value_becomes_a_recipient_or_a_header(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock, words: str
) -> None:
    """RELIABILITY S-N4."""
    user_id = auth.add_contact(email=ADDRESS, login=words[:300]).user_id
    await tell(held.sessions, user_id, clock, title=words, message=words, status="failed")
    await deliver(held)
    [caught] = sink.caught
    assert caught.recipients == [ADDRESS]
    headers = Counter(name.lower() for name in caught.message)
    names = ["message-id", "date", "from", "to", "subject", "auto-submitted", "mime-version", "content-type"]
    assert headers == Counter(names)
    assert caught.message["To"] == ADDRESS
    assert words.strip().splitlines()[0] in caught.reading("plain")


def test_the_table_of_states_ends_where_nothing_is_tried_again() -> None:
    assert set(DELIVERY_TRANSITIONS) == set(DeliveryStatus)
    assert set(CLAIMABLE) == {"queued", "sending"}
    assert {was for was, becomes in DELIVERY_TRANSITIONS.items() if not becomes} == {"sent", "suppressed"}
    # by a member of staff
    assert {was for was, becomes in DELIVERY_TRANSITIONS.items() if becomes == {"queued"}} == set(RETRYABLE)
