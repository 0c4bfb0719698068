"""Facts that leave a service: their envelope and how they are made.

The JSON envelope is `{id, type, version, occurred_at, trace, data}` (CONTRACT 5).
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """The data of a fact in the past tense. `key` is its routing key, `noun.noun.participle`.

    Readers ignore fields they do not know, so that adding one is not a new version.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: ClassVar[str]
    version: ClassVar[int] = 1


class Envelope(BaseModel):
    """An event on its way: `id` is what consumers recognise a repeat by, `trace` a W3C `traceparent`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: str
    version: int
    occurred_at: datetime
    trace: str | None = None
    data: dict[str, Any]
