"""A visitor: a browser without a screen, that keeps cookies, reads pages and fills in their forms."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import httpx

PAGE = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}
PASSWORD = "the lights go down"


@dataclass
class Form:
    """A form of a page, with what its fields hold."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


def is_sent(field: dict[str, str | None]) -> bool:
    """Tell whether a browser sends a field: not a box that is not ticked."""
    return "disabled" not in field and (field.get("type") != "checkbox" or "checked" in field)


class Page(HTMLParser):
    """What a page shows."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.headers = response.headers
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given.get("action") or ""))
        if tag == "input" and self.forms and is_sent(given):
            self.forms[-1].fields[given.get("name") or ""] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text = f"{self.text} {data.strip()}" if data.strip() else self.text

    def form(self, action: str) -> Form:
        """Give the first form that is sent to an address ending like this."""
        return next(form for form in self.forms if form.action.endswith(action))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        """Give the attributes of every tag of a kind."""
        return (given for name, given in self.tags if name == tag)


class Visitor:
    """Somebody with a browser in front of the house: of `app`, if given, else over the network."""

    def __init__(self, app: Any, base_url: str) -> None:
        transport = httpx.ASGITransport(app=app) if app else None
        self.http = httpx.AsyncClient(transport=transport, base_url=base_url, headers=PAGE)
        self.login = f"visitor-{uuid4().hex[:12]}"

    async def open(self, path: str) -> Page:
        """Look at a page, following redirects."""
        return Page(await self.http.get(path, follow_redirects=True))

    async def send(self, form: Form, **fields: str) -> httpx.Response:
        """Send a form as it stands, with these fields filled in."""
        return await self.http.post(form.action, data={**form.fields, **fields})

    async def submit(self, path: str, action: str, **fields: str) -> httpx.Response:
        """Open a page and send one of its forms."""
        return await self.send((await self.open(path)).form(action), **fields)

    async def join(self) -> "Visitor":
        """Open an account."""
        answer = await self.submit(
            "/signup", "/signup", login=self.login, email=f"{self.login}@example.com", password=PASSWORD
        )
        assert answer.status_code == 303, answer.text
        return self

    def cookie(self, name: str) -> str:
        """Give one of our cookies, or nothing."""
        return self.http.cookies.get(f"theatre_{name}") or ""
