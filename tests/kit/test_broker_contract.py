"""What both brokers promise, proved by the same tests."""

import pytest

from tests.kit.brokers import Notebook, consuming, message, until
from theatre.kit.broker import Broker, Dead, Retry, Subscription, Unpublished

PAYMENTS = Subscription("settling", ("payment.attempt.*",))


async def test_a_published_message_is_delivered_whole(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    sent = message(body=b'{"a": "\xd0\x94"}', trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    await broker.publish([sent])
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) == 1)
    assert notebook.seen == [(sent, False)]
