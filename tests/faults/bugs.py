"""Bugs to be seeded (RELIABILITY 2.5): a few lines of the product changed for the worse, which the suite must notice.

Not here: renewals and wallets do not exist yet (part of 8 and 9), and no revocation is kept in Redis (18).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """A text that stands once in a file of the package, and what is put in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """One sabotage, and the tests of which at least one must turn red; `number` as in the matrix, with a letter."""

    number: str
    words: str
    change: Change
    tests: tuple[str, ...]


KILLS = "tests/faults/test_kills.py::test_a_purchase_survives_a_kill_at_one_crossing_of_each_kind"

BUGS = (
    Bug(
        "1",
        "ack before commit",
        Change(
            "kit/broker/rabbit_consumption.py",
            "            await self._carry_out(await self._judge(incoming), incoming)\n",
            "            await incoming.ack()\n            await self._judge(incoming)\n",
        ),
        ("tests/kit/test_worker_killed.py", "tests/kit/test_worker.py"),
    ),
    Bug(
        "2",
        "ack and drop when the callee fails",
        Change(
            "kit/consumer.py",
            "                return Retry(min(MAX_WAIT_SECONDS, max(1.0, (now - since).total_seconds() / 2)))\n",
            "                return Done() if since else Done()\n",
        ),
        ("tests/kit/test_worker.py",),
    ),
    Bug(
        "3",
        "message written after the commit instead of in it",
        Change(
            "kit/outbox.py",
            "    session.add(row)\n    return row.id\n",
            "    bind = session.bind\n\n"
            "    async def write() -> None:\n"
            "        async with Session(bind) as own, own.begin():\n"
            "            own.add(row)\n\n"
            "    from sqlalchemy import event as events\n\n"
            "    events.listen(\n"
            "        session.sync_session, 'after_commit', lambda _: asyncio.ensure_future(write()), once=True\n"
            "    )\n"
            "    return row.id\n",
        ),
        (KILLS,),
    ),
    Bug(
        "4a",
        "publish without a confirm",
        Change("kit/broker/rabbit_sender.py", "publisher_confirms=True", "publisher_confirms=False"),
        ("tests/kit/test_rabbit.py", "tests/kit/test_broker_contract.py"),
    ),
    Bug(
        "4b",
        "messages that are not persistent",
        Change(
            "kit/broker/rabbit_letters.py",
            "        delivery_mode=DeliveryMode.PERSISTENT,\n        headers={TRACE",
            "        delivery_mode=DeliveryMode.NOT_PERSISTENT,\n        headers={TRACE",
        ),
        ("tests/kit/test_rabbit.py",),
    ),
    Bug(
        "4c",
        "unroutable messages taken for sent",
        Change("kit/broker/rabbit_sender.py", "mandatory=True)", "mandatory=False)"),
        ("tests/kit/test_rabbit.py", "tests/kit/test_broker_contract.py"),
    ),
    Bug(
        "5",
        "inbox mark outside the transaction of the effect",
        Change(
            "kit/consumer.py",
            "                    if await self._mark(session, on):\n",
            "                    async with on.resources.sessions.begin() as other:\n"
            "                        is_new = await self._mark(other, on)\n"
            "                    if is_new:\n",
        ),
        ("tests/kit/test_worker.py", "tests/kit/test_worker_killed.py"),
    ),
    Bug(
        "6",
        "a new key for each call of the provider",
        Change("payment/providers/yookassa.py", "key=order.attempt_id", 'key=__import__("uuid").uuid4()'),
        ("tests/payment/test_attempts.py", "tests/payment/test_yookassa_wire.py"),
    ),
    Bug(
        "7",
        "refund row deleted when the provider does not answer",
        Change(
            "payment/refunds.py",
            '            log.warning("refund not known yet", refund_id=str(refund.id), cause=unknown.detail)\n',
            "            async with transaction(sessions) as session:\n"
            "                await session.delete(await session.get_one(Refund, refund.id))\n"
            '            log.warning("refund given up", cause=unknown.detail)\n',
        ),
        ("tests/payment/test_refunds.py",),
    ),
    Bug(
        "8",
        "payments not locked",
        Change(
            "billing/payments.py",
            "select(Payment).where(Payment.id == payment_id).with_for_update()",
            "select(Payment).where(Payment.id == payment_id)",
        ),
        ("tests/billing/test_concurrency.py",),
    ),
    Bug(
        "9a",
        "no unique operation of the ledger",
        Change(
            "billing/migrations/0001_tables.py",
            '        sa.UniqueConstraint("operation_key", name="uq_ledger_entry_operation_key"),\n',
            "",
        ),
        ("tests/billing/test_schema.py",),
    ),
    Bug(
        "9b",
        "no unique reference of the provider",
        Change(
            "payment/migrations/0001_attempts.py",
            '"provider", "provider_reference", name="uq_attempt_provider_provider_reference"',
            '"id", name="uq_attempt_provider_provider_reference"',
        ),
        ("tests/payment/test_schema.py",),
    ),
    Bug(
        "9c",
        "no unique callback",
        Change(
            "payment/migrations/0001_attempts.py",
            '"provider", "event", "object_id", name="uq_provider_event_provider_event_object_id"',
            '"id", name="uq_provider_event_provider_event_object_id"',
        ),
        ("tests/payment/test_schema.py", "tests/payment/test_callbacks.py"),
    ),
    Bug(
        "10a",
        "a payment may become anything",
        Change(
            "billing/payments.py",
            "    if to not in PAYMENT_TRANSITIONS[PaymentStatus(payment.status)]:\n",
            "    if to not in PAYMENT_TRANSITIONS:\n",
        ),
        ("tests/billing/test_settling.py",),
    ),
    Bug(
        "10b",
        "an attempt goes backwards",
        Change(
            "payment/outcomes.py",
            "    if reading.status not in ATTEMPT_TRANSITIONS[attempt.status]:\n",
            "    if reading.status not in ATTEMPT_TRANSITIONS:\n",
        ),
        ("tests/payment/test_callbacks.py",),
    ),
    Bug(
        "11",
        "captured amount not compared",
        Change(
            "billing/settlements.py",
            "fits = event.captured.to_money() == payments.owed(payment)",
            "fits = True",
        ),
        ("tests/billing/test_settling.py",),
    ),
    Bug(
        "12",
        "callbacks believed whoever sends them",
        Change(
            "payment/providers/yookassa.py",
            "        if sender is None or not any(sender in network for network in self._trust.networks):\n",
            "        if sender is not None and not self._trust.networks:\n",
        ),
        ("tests/payment/test_callbacks.py", "tests/payment/test_yookassa_wire.py"),
    ),
    Bug(
        "13",
        "sum of refunds checked without the payment's lock",
        Change(
            "billing/refunds.py",
            "payment = await payments.get_locked(session, payment_id, user_id=claim.requested_by",
            "payment = await payments.get(session, payment_id, user_id=claim.requested_by",
        ),
        ("tests/billing/test_concurrency.py",),
    ),
    Bug(
        "14",
        "rights granted at the checkout",
        Change(
            "billing/attempts.py",
            "        _open(session, payment, checkout, settings=settings, now=now)\n",
            "        _open(session, payment, checkout, settings=settings, now=now)\n"
            "        from theatre.billing import entitlements, products\n\n"
            "        prices = await products.find_prices(session, [item.price_id for item in payment.items])\n"
            "        for item in payment.items:\n"
            "            price = prices[item.price_id]\n"
            "            await entitlements.grant(session, payment, item, price=price, settings=settings, now=now)\n",
        ),
        ("tests/billing/test_checkout.py", "tests/billing/test_settling.py"),
    ),
    Bug(
        "15",
        "any database error is reason enough to try again",
        Change(
            "kit/db.py",
            "if sqlstate(error) not in RETRYABLE_SQLSTATES or attempt == MAX_TRANSACTION_TRIES:",
            "if attempt == MAX_TRANSACTION_TRIES:",
        ),
        ("tests/faults/test_lost_commit.py",),
    ),
    Bug(
        "16a",
        "a relay's claim never ends",
        Change("kit/outbox.py", "LEASE = timedelta(seconds=15)", "LEASE = timedelta(days=3650)"),
        (KILLS,),
    ),
    Bug(
        "16b",
        "a claim on a delivery never ends",
        Change("notification/deliveries.py", "LEASE = timedelta(seconds=50)", "LEASE = timedelta(days=3650)"),
        ("tests/notification",),
    ),
    Bug(
        "17",
        "another clock",
        Change(
            "billing/settlements.py",
            "    payment.paid_at = now\n",
            "    payment.paid_at = datetime.now(now.tzinfo)\n",
        ),
        ("tests/architecture/test_form.py",),
    ),
    Bug(
        "19",
        "somebody else's refunds shown",
        Change(
            "billing/routes/public.py",
            "payment = await payments.get(session, payment_id, user_id=own_id(user))",
            "payment = await payments.get(session, payment_id)",
        ),
        ("tests/billing/test_purchase.py",),
    ),
    Bug(
        "20",
        "an amount reckoned in floats",
        Change(
            "billing/payments.py",
            "total_minor=price.amount_minor * quantity",
            "total_minor=int(price.amount_minor * 1.0) * quantity",
        ),
        ("tests/architecture/test_form.py",),
    ),
)
