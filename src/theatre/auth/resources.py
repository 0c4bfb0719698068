"""What auth's doors and verbs work with; opened by `app.py`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from theatre.auth.addresses import Device, find_device
from theatre.auth.hashing import Hasher
from theatre.auth.keys import Keyring
from theatre.auth.settings import AuthSettings
from theatre.auth.throttle import Turns
from theatre.auth.tokens import Mint
from theatre.kit.access import Access
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Sessions
from theatre.kit.ratelimit import RateLimit


@dataclass(frozen=True)
class Resources:
    """Everything that is open while the service runs."""

    settings: AuthSettings
    engine: Engine
    sessions: Sessions
    clock: Clock
    broker: Broker
    access: Access
    keyring: Keyring
    mint: Mint
    hasher: Hasher
    rate_limit: RateLimit
    turns: Turns

    def now(self) -> datetime:
        """Tell the present moment."""
        return self.clock.now()


def given_resources(request: Request) -> Resources:
    """Give a route the resources."""
    resources: Resources = request.app.state.resources
    return resources


def given_device(request: Request) -> Device:
    """Give a route the device that sent the request."""
    resources = given_resources(request)
    return find_device(
        request.client.host if request.client else None,
        request.headers.getlist("x-forwarded-for"),
        request.headers.get("user-agent", ""),
        trusted=resources.settings.trusted_proxies,
    )


Given = Annotated[Resources, Depends(given_resources)]
From = Annotated[Device, Depends(given_device)]
