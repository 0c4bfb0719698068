"""What objects of payment systems have in common as they come over the wire."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from theatre.payment.errors import OutcomeUnknown


class Shape(BaseModel):
    """An object of theirs; fields that we have no use for are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


S = TypeVar("S", bound=Shape)


def id_in(metadata: Mapping[str, str] | None, name: str) -> UUID | None:
    """Give the id of ours that we gave along under a name; None if it is not there."""
    try:
        return UUID((metadata or {})[name])
    except (KeyError, ValueError):
        return None


def names(item: Mapping[str, Any], name: str, wanted: UUID) -> bool:
    """Tell whether an item of a list carries an id of ours."""
    metadata = item.get("metadata")
    return isinstance(metadata, dict) and metadata.get(name) == str(wanted)


def read_item(shape: type[S], item: Mapping[str, Any]) -> S:
    """Read an item of a list.

    Raises:
        OutcomeUnknown
    """
    try:
        return shape.model_validate(item)
    except ValidationError as error:
        raise OutcomeUnknown("an item of a provider's list makes no sense") from error
