"""What a user wants to be told; and the link in their mails by which they leave a category without signing in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from theatre.kit.db import InTransaction
from theatre.kit.routing import StrictRoute
from theatre.notification import preferences
from theatre.notification.kinds import Category
from theatre.notification.lines import read_texts
from theatre.notification.routes.doors import PUBLIC, AReader, language_of
from theatre.notification.schemas import PreferencesAnswer, PreferencesBody

router = APIRouter(prefix=PUBLIC, tags=["preferences"], route_class=StrictRoute)

Token = Annotated[str, Path(max_length=64)]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


@router.get("/preferences", summary="What I am told, by category and channel, and my quiet hours")
async def read_preferences(reader: AReader, session: InTransaction) -> PreferencesAnswer:
    return PreferencesAnswer.of(await preferences.get(session, reader.id))


@router.put("/preferences", summary="Choose all of it anew; what is not named is switched on")
async def replace_preferences(
    body: PreferencesBody, reader: AReader, session: InTransaction
) -> PreferencesAnswer:
    await preferences.replace(session, reader.id, body.wishes(), now=reader.now)
    return PreferencesAnswer.of(await preferences.get(session, reader.id))


@router.get(
    "/unsubscribe/{token}", response_class=HTMLResponse, summary="A page that asks; it changes nothing"
)
async def ask_unsubscribe(token: Token, request: Request, session: InTransaction) -> Response:
    delivery_id = request.app.state.resources.writer.links.read(token)
    return page(request, await preferences.find_category(session, delivery_id), is_done=False)


@router.post(
    "/unsubscribe/{token}",
    response_class=HTMLResponse,
    summary="Get no more mails of this category (RFC 8058); needs no login, and may be repeated",
)
async def unsubscribe(token: Token, request: Request, session: InTransaction) -> Response:
    held = request.app.state.resources
    delivery_id = held.writer.links.read(token)
    category = await preferences.unsubscribe(session, delivery_id, now=held.clock.now())
    return page(request, category, is_done=True)


def page(request: Request, category: Category, *, is_done: bool) -> Response:
    """Show what is asked, or done, in the language of the browser."""
    locale, texts = language_of(request), read_texts()
    words = "done" if is_done else "ask"
    shown = {name: texts.text(locale, f"unsubscribe.{words}.{name}") for name in ("title", "text")}
    template = request.app.state.resources.writer.templates.get_template("pages/unsubscribe.html")
    text = template.render(
        shown,
        locale=locale,
        brand=texts.text(locale, "brand"),
        category=texts.text(locale, f"category.{category}"),
        button=None if is_done else texts.text(locale, "unsubscribe.button"),
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})
