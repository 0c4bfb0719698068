"""Templates: what letters say, in versions; seen before they are sent."""

import re
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from theatre.kit.errors import NotFound
from theatre.kit.routing import StrictRoute
from theatre.web import admin_messages, letter_desk
from theatre.web.admin_forms import Typed, Typing, Written
from theatre.web.admin_message_lists import versions_of
from theatre.web.admin_message_schemas import TemplateDetails, VersionDetails
from theatre.web.desk import Act, CurrentDesk, Desk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.framed import show_letter
from theatre.web.resources import own_form
from theatre.web.schemas import Nothing
from theatre.web.staff_doors import NOTIFICATION

TEMPLATES = "/admin/templates"
CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class DraftForm(Typing):
    """What a template is to say."""

    variables: Written = ""
    subject_ru: Typed = ""
    text_ru: Written = ""
    html_ru: Written = ""
    subject_en: Typed = ""
    text_en: Written = ""
    html_en: Written = ""


class VersionForm(DraftForm):
    """A new version."""

    note: Typed = ""
    activate: bool = False


class TemplateForm(DraftForm):
    """A new template for mailings."""

    code: Typed = ""
    description: Typed = ""


async def known_code(code: str) -> str:
    """Let through what may be a template's code (a route dependency).

    Raises:
        NotFound
    """
    if not CODE.fullmatch(code):
        raise NotFound
    return code


Code: TypeAlias = Annotated[str, Depends(known_code)]
Number: TypeAlias = Annotated[int, Path(ge=0, lt=2**31)]
Language: TypeAlias = Literal["ru", "en"]

router = APIRouter(prefix=TEMPLATES, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_templates(desk: CurrentDesk, said: Said) -> Response:
    """Show all templates."""
    return desk.show("templates.html", {"templates": await letter_desk.list_templates(desk), **said})


@router.get("/new-template")
async def show_new(desk: CurrentDesk, said: Said) -> Response:
    """Show the form of a new template."""
    await letter_desk.list_templates(desk)  # whoever may not is told now, not when all is written
    return desk.show("template_new.html", {"typed": {}, "wrong": {}, **said})


@router.post("/new-template", dependencies=[Depends(own_form)])
async def create_template(desk: CurrentDesk, form: Annotated[TemplateForm, Form()]) -> Response:
    """Make a template for mailings; what was typed stays if it is refused."""
    typed = form.model_dump()
    body = {
        **admin_messages.wording_of(typed, is_packaged=False),
        "code": form.code,
        "description": form.description,
    }
    try:
        await desk.act(
            Act(path="/templates", key=f"{form.key}-template", body=body, doors=NOTIFICATION), Nothing
        )
    except Declined as declined:
        given = {"typed": typed, "wrong": admin_messages.beside(declined.faults), "fault": declined.word}
        return desk.show("template_new.html", given, status=400)
    return go_to(f"{TEMPLATES}/{form.code}", note="template_created")


@router.get("/{code}")
async def show_template(desk: CurrentDesk, said: Said, request: Request, code: Code) -> Response:
    """Show what a template says now, as its readers see it, and its versions."""
    template = await letter_desk.get_template(desk, code)
    letters = await letter_desk.preview_all(desk, code, {"version": template.active_version})
    listed = await desk.list(versions_of(code), request.query_params)
    shown = {"template": template, "number": template.active_version, "letters": letters}
    return desk.show("template.html", {**shown, "wording": template, "listed": listed, **said})


@router.get("/{code}/versions/{number}")
async def show_version(desk: CurrentDesk, said: Said, code: Code, number: Number) -> Response:
    """Show what one version says."""
    template = await letter_desk.get_template(desk, code)
    version = await letter_desk.get_version(desk, code, number)
    letters = await letter_desk.preview_all(desk, code, {"version": number})
    shown = {"template": template, "number": number, "letters": letters}
    return desk.show("template_version.html", {**shown, "wording": version, **said})


@router.get("/{code}/versions/{number}/letters/{locale}")
async def show_version_letter(desk: CurrentDesk, code: Code, number: Number, locale: Language) -> Response:
    """Show a version's letter, for a frame."""
    return show_letter((await letter_desk.preview(desk, code, {"version": number}, locale=locale)).html)


@router.get("/{code}/draft")
async def show_draft(
    desk: CurrentDesk, said: Said, code: Code, version: Annotated[int | None, Query(ge=1, lt=2**31)] = None
) -> Response:
    """Show the form of a new version, with what is said now or what `version` said."""
    template = await letter_desk.get_template(desk, code)
    wording: TemplateDetails | VersionDetails = template
    if version is not None:
        wording = await letter_desk.get_version(desk, code, version)
    return _show_form(desk, template, admin_messages.typed_of(wording), **said)


@router.post("/{code}/draft", dependencies=[Depends(own_form)])
async def preview_draft(desk: CurrentDesk, code: Code, form: Annotated[VersionForm, Form()]) -> Response:
    """Show how a draft reads, in every language; nothing is saved."""
    template = await letter_desk.get_template(desk, code)
    typed = form.model_dump()
    draft = admin_messages.wording_of(typed, is_packaged=template.is_packaged)
    try:
        letters = await letter_desk.preview_all(desk, code, {"draft": draft})
    except Declined as declined:
        return _show_refused(desk, template, typed, declined)
    return _show_form(desk, template, typed, letters=letters)


@router.post("/{code}/draft/letters/{locale}", dependencies=[Depends(own_form)])
async def show_draft_letter(
    desk: CurrentDesk, code: Code, locale: Language, form: Annotated[VersionForm, Form()]
) -> Response:
    """Show a draft's letter, for a frame; of one that is refused there is none."""
    template = await letter_desk.get_template(desk, code)
    draft = admin_messages.wording_of(form.model_dump(), is_packaged=template.is_packaged)
    try:
        return show_letter((await letter_desk.preview(desk, code, {"draft": draft}, locale=locale)).html)
    except Declined:
        return show_letter("")


@router.post("/{code}/versions", dependencies=[Depends(own_form)])
async def append_version(desk: CurrentDesk, code: Code, form: Annotated[VersionForm, Form()]) -> Response:
    """Save a new version; what was typed stays if it is refused."""
    template = await letter_desk.get_template(desk, code)
    typed = form.model_dump()
    wording = admin_messages.wording_of(typed, is_packaged=template.is_packaged)
    body = {**wording, "note": form.note, "activate": form.activate}
    act = Act(path=f"/templates/{code}/versions", key=f"{form.key}-version", body=body, doors=NOTIFICATION)
    try:
        await desk.act(act, Nothing)
    except Declined as declined:
        return _show_refused(desk, template, typed, declined)
    return go_to(f"{TEMPLATES}/{code}", note="version_active" if form.activate else "version_saved")


@router.post("/{code}/versions/{number}/activate", dependencies=[Depends(own_form)])
async def activate(desk: CurrentDesk, code: Code, number: Number) -> Response:
    """Send a version from now on; 0 is what the house came with."""
    act = Act(path=f"/templates/{code}/versions/{number}/activate", doors=NOTIFICATION)
    return await desk.act_and_return(act, back=f"{TEMPLATES}/{code}", note="version_active")


@router.post("/{code}/archive", dependencies=[Depends(own_form)])
async def archive(desk: CurrentDesk, code: Code) -> Response:
    """Put a template away."""
    act = Act(path=f"/templates/{code}", method="DELETE", doors=NOTIFICATION)
    return await desk.act_and_return(act, back=TEMPLATES, note="template_archived")


def _show_form(desk: Desk, template: TemplateDetails, typed: dict[str, str], **more: object) -> Response:
    given = {"template": template, "typed": typed, "wrong": {}, "letters": {}}
    return desk.show("template_draft.html", {**given, **more})


def _show_refused(
    desk: Desk, template: TemplateDetails, typed: dict[str, str], declined: Declined
) -> Response:
    given = {"template": template, "typed": typed, "letters": {}, "fault": declined.word}
    wrong = admin_messages.beside(declined.faults)
    return desk.show("template_draft.html", {**given, "wrong": wrong}, status=400)
