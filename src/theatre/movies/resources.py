"""What movies' processes hold while they run."""

from dataclasses import dataclass

from theatre.kit.access import Access
from theatre.kit.broker.port import Broker
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Sessions
from theatre.kit.idempotency import Flights
from theatre.movies.answers import Answers
from theatre.movies.cards import Cards
from theatre.movies.changes import Changes
from theatre.movies.gate import Gate
from theatre.movies.search import SearchIndex


@dataclass(frozen=True)
class Resources:
    """Of `serve movies`."""

    engine: Engine
    sessions: Sessions
    access: Access
    clock: Clock
    index: SearchIndex
    changes: Changes
    cards: Cards
    answers: Answers
    gate: Gate
    flights: Flights


@dataclass(frozen=True)
class WorkerResources:
    """Of `work movies`."""

    engine: Engine
    sessions: Sessions
    clock: Clock
    broker: Broker
    index: SearchIndex
