"""What staff do with templates at notification's doors."""

import asyncio
from collections.abc import Mapping
from typing import Any

from theatre.web.admin_catalogue import LANGUAGES
from theatre.web.admin_message_schemas import Letter, Template, TemplateDetails, VersionDetails
from theatre.web.admin_schemas import ReadPage
from theatre.web.desk import Act, Desk
from theatre.web.staff_doors import NOTIFICATION


async def list_templates(desk: Desk) -> list[Template]:
    """List all templates by code.

    Raises:
        Forbidden
    """
    return (await desk.read("/templates", ReadPage[Template], doors=NOTIFICATION)).items


async def list_mailable(desk: Desk) -> list[str]:
    """Name the templates that a mailing may use.

    Raises:
        Forbidden
    """
    return [template.code for template in await list_templates(desk) if not template.is_packaged]


async def get_template(desk: Desk, code: str) -> TemplateDetails:
    """Read a template with what it says now.

    Raises:
        Forbidden, NotFound
    """
    return await desk.read(f"/templates/{code}", TemplateDetails, doors=NOTIFICATION)


async def get_version(desk: Desk, code: str, number: int) -> VersionDetails:
    """Read one version of a template.

    Raises:
        Forbidden, NotFound
    """
    return await desk.read(f"/templates/{code}/versions/{number}", VersionDetails, doors=NOTIFICATION)


async def preview(desk: Desk, code: str, what: Mapping[str, Any], *, locale: str) -> Letter:
    """See how a `version` or a `draft` reads in a language; nothing is sent.

    Raises:
        Forbidden, NotFound
        Declined: the draft cannot be used.
    """
    act = Act(path=f"/templates/{code}/preview", body={"locale": locale, **what}, doors=NOTIFICATION)
    return await desk.act(act, Letter)


async def preview_all(desk: Desk, code: str, what: Mapping[str, Any]) -> dict[str, Letter]:
    """See how a `version` or a `draft` reads in every language.

    Raises:
        what `preview` raises
    """
    letters = await asyncio.gather(*(preview(desk, code, what, locale=locale) for locale in LANGUAGES))
    return dict(zip(LANGUAGES, letters, strict=True))
