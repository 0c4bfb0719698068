"""The gate: who may watch which film now. What a viewer has is billing's to know, and billing is asked each time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from theatre.contracts.billing import BillingClient, PlayStart
from theatre.kit.db import Sessions, transaction
from theatre.movies import films, tickets
from theatre.movies.errors import NotYet, PaymentRequired
from theatre.movies.models import Film, FilmAccess


@dataclass(frozen=True)
class Gate:
    """What is needed to let somebody in."""

    sessions: Sessions
    billing: BillingClient
    secret: SecretStr
    ticket_seconds: int

    async def admit(
        self, film_id: UUID, user_id: UUID, *, locale: str, now: datetime
    ) -> tuple[str, datetime]:
        """Give a ticket to a film's stream, and until when it is good: not longer than the film may be shown nor than
        the viewer's right lasts.

        Raises:
            FilmNotFound, NotYet, PaymentRequired
            Unknown: billing does not answer.
        """
        async with transaction(self.sessions) as session:
            film = await films.get_public(session, film_id, now=now)
        if film.available_from is not None and film.available_from > now:
            raise NotYet
        ends = [now + timedelta(seconds=self.ticket_seconds), film.available_until]
        if film.access != FilmAccess.FREE:
            ends.append(await self._check_right(film, user_id, locale=locale))
        expires_at = min(end for end in ends if end is not None)
        return tickets.write(self.secret, film.id, expires_at), expires_at

    async def _check_right(self, film: Film, user_id: UUID, *, locale: str) -> datetime | None:
        verdict = await self.billing.start_play(PlayStart(user_id=user_id, film_id=film.id))
        if not verdict.allowed:
            raise PaymentRequired(products=await self._offers(film, locale))
        return verdict.expires_at

    async def _offers(self, film: Film, locale: str) -> list[dict[str, Any]]:
        """List what would open a film: itself, bought or rented, and every plan."""
        own = await self.billing.offers(language=locale, film_id=str(film.id))
        return [*own, *await self.billing.offers(language=locale, kind="plan")]
