"""What everybody is told by the house itself: a film that came into it. Such a mailing is nobody's, and made once for a
key.
"""

from datetime import datetime
from uuid import UUID

from theatre.kit.db import Session
from theatre.notification import mailings
from theatre.notification.audiences import AudienceKind
from theatre.notification.kinds import NewMovieData
from theatre.notification.lines import write_lines
from theatre.notification.mailings import Plan

NOBODY = UUID(int=0)
RATE_PER_MINUTE = 600


async def announce(session: Session, film: NewMovieData, key: str, *, now: datetime) -> UUID:
    """Tell everybody of a film; with a key that is known, change nothing. Gives the mailing."""
    plan = Plan(
        name=f"new film: {film.titles.en}"[:200],
        category=film.category,
        lines=write_lines(film),
        link=film.link,
        template_code=None,
        values={},
        audience={"kind": AudienceKind.ALL},
        rate_per_minute=RATE_PER_MINUTE,
        starts_at=None,
        cron=None,
        zone="UTC",
        author_id=NOBODY,
    )
    return await mailings.create_once(session, plan, key, now=now)
