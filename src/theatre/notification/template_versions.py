"""Templates that staff write: every change is a new version, one of which is active; over those of the code.

Version 0 of a template that comes with the code is the code's own, so activating it goes back to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.kit.listing import Listing
from theatre.notification import packaged
from theatre.notification.errors import TemplateExists, TemplateNotFound
from theatre.notification.models import Template, TemplateVersion
from theatre.notification.wordings import BUILT_IN, Places, Reading, Wording, check

PACKAGED_VERSION = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A wording to save, and why it is as it is."""

    wording: Wording
    note: str
    author_id: UUID


def places_of(code: str, wording: Wording) -> Places:
    """Give the values that a wording of a template must and may name.

    What comes with a template of the code is ours to say; other templates are of mailings, and declare the rest
    themselves.
    """
    if code in packaged.list_codes():
        return packaged.places_of(code)
    of_mailing = packaged.places_of("mailing")
    return Places(frozenset(wording.variables), BUILT_IN | of_mailing.required | of_mailing.optional)


async def create(session: Session, code: str, draft: Draft, *, description: str, now: datetime) -> Template:
    """Make a template of a new code; its first version is active.

    Raises:
        TemplateExists, UnfitWording
    """
    if code in packaged.list_codes():
        raise TemplateExists
    known = await session.get(Template, code, with_for_update=True)
    if known is not None and known.archived_at is None:
        raise TemplateExists
    template = await _lock(session, code, now=now)
    template.description, template.archived_at = description, None
    version = await _append(session, template, draft, now=now)
    template.active_version = version.number
    return template


async def append(
    session: Session, code: str, draft: Draft, *, is_active: bool, now: datetime
) -> TemplateVersion:
    """Add a version; what the newest one says already is not added again. Locks the template.

    Raises:
        TemplateNotFound, UnfitWording
    """
    template = await get(session, code, now=now)
    version = await _append(session, template, draft, now=now)
    if is_active:
        template.active_version = version.number
    return version


async def activate(session: Session, code: str, number: int, *, now: datetime) -> Template:
    """Let a version be the one that is sent; 0 is that of the code. Locks the template.

    Raises:
        TemplateNotFound
    """
    template = await get(session, code, now=now)
    if number != PACKAGED_VERSION or code not in packaged.list_codes():
        await get_version(session, code, number)
    template.active_version, template.updated_at = number, now
    return template


async def archive(session: Session, code: str, *, now: datetime) -> None:
    """Put a template away: its versions stay for what still goes out. One of the code says again what it came with.

    Raises:
        TemplateNotFound
    """
    template = await get(session, code, now=now)
    template.updated_at = now
    if code in packaged.list_codes():
        template.active_version = PACKAGED_VERSION
    else:
        template.archived_at = now


async def get(session: Session, code: str, *, now: datetime) -> Template:
    """Read a template and lock it; one of the code gets its row by this.

    Raises:
        TemplateNotFound
    """
    if code in packaged.list_codes():
        return await _lock(session, code, now=now)
    template = await session.get(Template, code, with_for_update=True)
    if template is None or template.archived_at is not None:
        raise TemplateNotFound
    return template


async def _lock(session: Session, code: str, *, now: datetime) -> Template:
    values = {"active_version": 0, "latest_version": 0, "created_at": now, "updated_at": now}
    row = insert(Template).values(code=code, description="", **values)
    await session.execute(row.on_conflict_do_nothing(index_elements=["code"]))
    return await session.get_one(Template, code, with_for_update=True)


async def _append(session: Session, template: Template, draft: Draft, *, now: datetime) -> TemplateVersion:
    check(draft.wording, places_of(template.code, draft.wording))
    texts: dict[str, Any] = {name: text.model_dump() for name, text in draft.wording.texts.items()}
    variables = dict(draft.wording.variables)
    newest = await session.get(TemplateVersion, (template.code, template.latest_version))
    if newest is not None and (newest.texts, newest.variables) == (texts, variables):
        return newest
    template.latest_version += 1
    template.updated_at = now
    version = TemplateVersion(
        code=template.code,
        number=template.latest_version,
        variables=variables,
        texts=texts,
        note=draft.note,
        author_id=draft.author_id,
        created_at=now,
    )
    session.add(version)
    await session.flush()
    return version


async def list_all(session: Session) -> Sequence[Template]:
    """List all templates by code: those of the code, whether staff have rewritten them or not, and those of staff."""
    found = await session.scalars(select(Template).where(Template.archived_at.is_(None)))
    rows = {row.code: row for row in found}
    for code in packaged.list_codes():
        rows.setdefault(code, Template(code=code, description="", active_version=0, latest_version=0))
    return [rows[code] for code in sorted(rows)]


async def find_template(session: Session, code: str) -> Template:
    """Read a template without locking or making anything.

    Raises:
        TemplateNotFound
    """
    template = await session.get(Template, code)
    if template is not None and template.archived_at is None:
        return template
    if code in packaged.list_codes():
        return Template(code=code, description="", active_version=0, latest_version=0)
    raise TemplateNotFound


def find_versions(code: str) -> Listing[TemplateVersion]:
    """List the versions of a template, newest first."""
    rows = select(TemplateVersion).where(TemplateVersion.code == code)
    return Listing(rows, keys=(TemplateVersion.number,))


async def get_version(session: Session, code: str, number: int) -> TemplateVersion:
    """Read a version.

    Raises:
        TemplateNotFound
    """
    version = await session.get(TemplateVersion, (code, number))
    if version is None:
        raise TemplateNotFound("There is no such version of this template.")
    return version


async def get_wording(session: Session, code: str, number: int) -> Wording | None:
    """Read the wording of a version; None is that of the code.

    Raises:
        TemplateNotFound
    """
    if number == PACKAGED_VERSION and code in packaged.list_codes():
        return None
    return wording_of(await get_version(session, code, number))


async def find_active(session: Session, code: str) -> Wording | None:
    """Read the wording that is to be sent; None is that of the code."""
    active = select(TemplateVersion).join(Template).where(Template.code == code)
    version = await session.scalar(active.where(TemplateVersion.number == Template.active_version))
    return wording_of(version) if version else None


def wording_of(version: TemplateVersion) -> Wording:
    """Give what a version says."""
    texts = {locale: Reading.model_validate(text) for locale, text in version.texts.items()}
    return Wording(texts, version.variables)
