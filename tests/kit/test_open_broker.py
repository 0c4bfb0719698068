"""Which broker a service gets is a matter of one address."""

from typing import Any, ClassVar

import pytest

from tests.kit.brokers import Notebook, consuming, delete_topology, message, until
from theatre.kit.broker import Subscription, open_broker
from theatre.kit.broker.embedded import EmbeddedBroker
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.settings import ServiceSettings


class StageSettings(ServiceSettings):
    service: ClassVar[str] = "stage"


@pytest.mark.parametrize("member", [RabbitBroker, EmbeddedBroker])
async def test_the_address_chooses_the_broker(
    member: type[Any], amqp_url: str, broker_database_url: str, exchange: str
) -> None:
    settings = StageSettings(
        broker_url=amqp_url if member is RabbitBroker else "embedded",
        broker_exchange=exchange,
        database_url=broker_database_url,
    )
    notebook = Notebook()
    async with open_broker(settings) as broker:
        assert isinstance(broker, member)
        await broker.declare([Subscription("settling", ("payment.#",))])
        await broker.publish([sent := message()])
        async with consuming(broker, "settling", notebook):
            await until(lambda: notebook.ids == [sent.id])
    await delete_topology(amqp_url, exchange)
