"""Templates for staff: what mails say, in versions; a preview sends nothing."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from theatre.kit.db import InTransaction, Session
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.notification import packaged, template_versions
from theatre.notification.routes.doors import PUBLIC, PageWanted
from theatre.notification.routes.staff import Staff
from theatre.notification.template_schemas import (
    Code,
    PreviewAnswer,
    PreviewBody,
    TemplateAnswer,
    TemplateBody,
    TemplateDetails,
    VersionAnswer,
    VersionBody,
    VersionDetails,
)
from theatre.notification.wordings import Wording, check

router = APIRouter(prefix=f"{PUBLIC}/templates", tags=["notification: staff"], route_class=StrictRoute)

Number = Annotated[int, Path(ge=0, le=2**31 - 1)]


@router.get("", summary="All templates by code; version 0 is the one that comes with the house")
async def list_templates(_: Staff, session: InTransaction) -> PageAnswer[TemplateAnswer]:
    found = await template_versions.list_all(session)
    return PageAnswer(items=[TemplateAnswer.of(template) for template in found], next_cursor=None)


@router.post(
    "", status_code=201, response_model=TemplateDetails, summary="Make a template for mailings; it is active"
)
async def create_template(body: TemplateBody, staff: Staff) -> Response:
    async def make(session: Session) -> TemplateDetails:
        draft = body.draft(staff.id)
        template = await template_versions.create(
            session, body.code, draft, description=body.description, now=staff.now
        )
        await staff.record(session, "template.create", body.code, after=body.model_dump(mode="json"))
        return TemplateDetails.of(template, draft.wording)

    return await staff.make(make)


@router.get("/{code}", summary="A template and what it says now")
async def get_template(code: Code, _: Staff, session: InTransaction) -> TemplateDetails:
    template = await template_versions.find_template(session, code)
    wording = await template_versions.get_wording(session, code, template.active_version)
    return TemplateDetails.of(template, wording or packaged.read(code))


@router.delete(
    "/{code}", status_code=204, summary="Put a template away; one of the house says again what it came with"
)
async def archive_template(code: Code, staff: Staff, session: InTransaction) -> None:
    await template_versions.archive(session, code, now=staff.now)
    await staff.record(session, "template.archive", code)


@router.get("/{code}/versions", summary="The versions of a template, newest first")
async def list_versions(
    code: Code, _: Staff, session: InTransaction, page: PageWanted
) -> PageAnswer[VersionAnswer]:
    template = await template_versions.find_template(session, code)
    found = await read_page(session, template_versions.find_versions(code), page)
    items = [VersionAnswer.of(version, template) for version in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get("/{code}/versions/{number}", summary="What a version says")
async def get_version(code: Code, number: Number, _: Staff, session: InTransaction) -> VersionDetails:
    template = await template_versions.find_template(session, code)
    version = await template_versions.get_version(session, code, number)
    return VersionDetails.of(version, template)


@router.post(
    "/{code}/versions",
    status_code=201,
    response_model=VersionDetails,
    summary="Change a template: a new version, which is active unless `activate` is false",
)
async def append_version(code: Code, body: VersionBody, staff: Staff) -> Response:
    async def make(session: Session) -> VersionDetails:
        version = await template_versions.append(
            session, code, body.draft(staff.id), is_active=body.activate, now=staff.now
        )
        after = {**body.model_dump(mode="json"), "number": version.number}
        await staff.record(session, "template.change", code, after=after)
        template = await template_versions.find_template(session, code)
        return VersionDetails.of(version, template)

    return await staff.make(make)


@router.post("/{code}/versions/{number}/activate", summary="Send this version from now on, or again")
async def activate_version(
    code: Code, number: Number, staff: Staff, session: InTransaction
) -> TemplateAnswer:
    before = (await template_versions.find_template(session, code)).active_version
    template = await template_versions.activate(session, code, number, now=staff.now)
    await staff.record(
        session, "template.activate", code, before={"version": before}, after={"version": number}
    )
    return TemplateAnswer.of(template)


@router.post("/{code}/preview", summary="See how a version, or a draft, reads; nothing is sent")
async def preview(code: Code, body: PreviewBody, staff: Staff, session: InTransaction) -> PreviewAnswer:
    template = await template_versions.find_template(session, code)
    wording: Wording | None
    if body.draft is not None:
        wording = body.draft.wording()
        check(wording, template_versions.places_of(code, wording))
    else:
        number = template.active_version if body.version is None else body.version
        wording = await template_versions.get_wording(session, code, number)
    known = packaged.samples_of(code if code in packaged.list_codes() else "mailing", body.locale)
    values = {**known, **(wording.variables if wording else {}), **body.values}
    reading = staff.held.writer.read(code, body.locale, values, wording=wording, leave_url=None)
    return PreviewAnswer.model_validate(reading)
