"""What the doors and jobs of the sandbox work with."""

from dataclasses import dataclass
from datetime import timedelta

from theatre.kit.db import Engine, Sessions
from theatre.sandbox.pages import Pages
from theatre.sandbox.sender import Sender
from theatre.sandbox.state import State


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
    public_url: str
    delay: timedelta
