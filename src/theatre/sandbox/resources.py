"""What the doors and jobs of the sandbox work with."""

from dataclasses import dataclass
from datetime import timedelta

import httpx

from theatre.kit.db import Engine, Sessions
from theatre.sandbox.pages import Pages
from theatre.sandbox.sender import Sender
from theatre.sandbox.state import State
from theatre.sandbox.yoomoney_pages import YooMoneyPages


@dataclass(frozen=True)
class Resources:
    """Opened by the application's lifespan. `statements` make each statement a transaction of its own: for reading,
    and for what is written by one.
    """

    engine: Engine
    sessions: Sessions
    statements: Sessions
    state: State
    sender: Sender
    pages: Pages
    yoomoney_pages: YooMoneyPages
    http: httpx.AsyncClient
    public_url: str
    delay: timedelta
