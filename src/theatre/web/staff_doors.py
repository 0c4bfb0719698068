"""Where each service keeps its doors for staff."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from theatre.contracts import auth

Service: TypeAlias = Literal["auth", "billing", "movies", "notification"]


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors for staff of one service: all their addresses begin with `prefix`."""

    service: Service
    prefix: str


BILLING = Doors("billing", "/billing/api/v1/admin")
AUTH = Doors("auth", auth.PUBLIC)
NOTIFICATION = Doors("notification", "/notification/api/v1")
