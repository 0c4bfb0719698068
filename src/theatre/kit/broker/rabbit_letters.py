"""Messages as RabbitMQ carries them.

The key travels as the AMQP `type` as well, because a routing key is lost on the way through a retry queue.
"""

from dataclasses import dataclass
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from theatre.kit.broker.port import DeadMessage, Message

REASON_HEADER = "x-reason"
TRACE_HEADER = "traceparent"
# RabbitMQ writes these itself; copied along they would make it see a cycle of dead letters
SERVER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")
UNKNOWN_REASON = "given up by the broker"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with its address."""

    exchange: str
    routing_key: str
    content: aio_pika.Message


def pack(message: Message) -> aio_pika.Message:
    """Make the AMQP message; persistent, else a restart of the broker would lose it."""
    return aio_pika.Message(
        message.body,
        message_id=str(message.id),
        type=message.key,
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
        headers={TRACE_HEADER: message.trace} if message.trace else {},
    )


def repack(incoming: AbstractIncomingMessage, *, reason: str | None = None) -> aio_pika.Message:
    """Copy a delivery for another queue: same id and headers, with the reason if it is put aside."""
    headers = {
        name: value
        for name, value in incoming.headers.items()
        if not name.startswith(SERVER_HEADERS) and name != REASON_HEADER
    }
    if reason is not None:
        headers[REASON_HEADER] = reason
    return aio_pika.Message(
        incoming.body,
        message_id=incoming.message_id,
        type=key_of(incoming),
        content_type=incoming.content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        headers=headers,
    )


def key_of(incoming: AbstractIncomingMessage) -> str:
    """Give the key that the message was published with."""
    return incoming.type or incoming.routing_key or ""


def id_of(incoming: AbstractIncomingMessage) -> UUID | None:
    """Give the message id, or None if there is none that is a UUID."""
    try:
        return UUID(incoming.message_id or "")
    except ValueError:
        return None


def unpack(incoming: AbstractIncomingMessage) -> Message | None:
    """Give the message, or None if it has no proper id."""
    if (message_id := id_of(incoming)) is None:
        return None
    trace = incoming.headers.get(TRACE_HEADER)
    return Message(message_id, key_of(incoming), incoming.body, str(trace) if trace else None)


def unpack_dead(incoming: AbstractIncomingMessage) -> DeadMessage:
    """Describe a message that lies in a dead queue."""
    reason = incoming.headers.get(REASON_HEADER)
    headers = {name: value for name, value in incoming.headers.items() if name != REASON_HEADER}
    return DeadMessage(
        id_of(incoming), key_of(incoming), incoming.body, str(reason or UNKNOWN_REASON), headers
    )
