"""A payer with a browser: opens our pages and the wallet's, fills in their forms and follows where they lead."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.payment.stage import HOUSE, Stage
from theatre.payment.wallet_port import PayForm

WALLET, POOR, SLOW, REFUSED, ASKED = (f"410010000000000{number}" for number in range(2, 7))
PASSWORD = "sandbox"
CARD = {"card_number": "5555555555554444", "expiry_month": "12", "expiry_year": "2040", "cvc": "123"}


@dataclass
class Form:
    """A form of a page: where it goes, its hidden fields, its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.forms.append(Form(given["action"]))
        elif tag == "input" and given.get("type") == "hidden":
            self.forms[-1].fields[given["name"]] = given["value"]
        elif tag == "button":
            self.forms[-1].buttons.append((given.get("name", ""), given.get("value", "")))


class Payer:
    """One browser. Our own pages come from payment, the wallet's from the sandbox; neither sees the other's cookies."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        own = httpx.ASGITransport(stage.app)
        sandbox = httpx.ASGITransport(stage.network.applications["sandbox"])
        self._own = httpx.AsyncClient(transport=own, base_url=HOUSE, headers={"Accept-Language": "en"})
        self._wallet = httpx.AsyncClient(transport=sandbox, base_url=HOUSE, headers={"Accept-Language": "en"})

    async def open(self, url: str, **arguments: Any) -> httpx.Response:
        """Open an address."""
        return await self.client_of(url).get(url, **arguments)

    async def send(self, form: Form, **fields: str) -> httpx.Response:
        """Send a form with what is typed into it."""
        return await self.client_of(form.action).post(form.action, data={**form.fields, **fields})

    def client_of(self, url: str) -> httpx.AsyncClient:
        return self._wallet if urlsplit(urljoin(HOUSE, url)).path.startswith("/sandbox/") else self._own

    async def forms(self, attempt: dict[str, Any]) -> dict[str, Form]:
        """Open an attempt's page and give its forms: ours by the last part of their addresses, the wallet's own."""
        response = await self.open(page_of(attempt))
        assert response.status_code == 200, response.text
        return {
            "form" if "/quickpay/" in form.action else form.action.rsplit("/", 1)[1]: form
            for form in Forms(response.text).forms
        }

    async def pay_form(self, form: PayForm, *, by: str = "wallet", number: str = WALLET) -> httpx.Response:
        """Pay by the form on the wallet's page, from a wallet or by a card."""
        name, value = form.ways[by]
        taken = await self._wallet.post(form.address, data={**form.fields, name: value})
        assert taken.status_code == 303, taken.text
        typed = {"login": number, "password": PASSWORD} if by == "wallet" else CARD
        paid = await self._wallet.post(taken.headers["location"], data=typed)
        assert paid.status_code == 303, paid.text
        return paid

    async def begin_authorisation(self, attempt: dict[str, Any]) -> str:
        """Ask for an authorisation; give the address at the wallet."""
        form = (await self.forms(attempt))["authorize"]
        response = await self.send(form)
        assert response.status_code == 303, response.text
        return str(response.headers["location"])

    async def decide(self, asked: str, *, number: str = WALLET, decision: str = "allow") -> str:
        """Log in at the wallet and decide; give the address back to us."""
        shown = await self.open(asked)
        assert shown.status_code == 200, shown.text
        [form] = Forms(shown.text).forms
        response = await self.send(form, login=number, password=PASSWORD, decision=decision)
        assert response.status_code == 303, response.text
        return str(response.headers["location"])

    async def authorise(self, attempt: dict[str, Any], *, number: str = WALLET) -> httpx.Response:
        """Allow payments from a wallet."""
        back = await self.decide(await self.begin_authorisation(attempt), number=number)
        response = await self.open(back)
        assert response.status_code == 303, response.text
        return response

    async def confirm(self, attempt: dict[str, Any]) -> httpx.Response:
        """Confirm with one click."""
        return await self.send((await self.forms(attempt))["confirm"])


def page_of(attempt: dict[str, Any]) -> str:
    """Give the path of an attempt's page."""
    return f"/payment/yoomoney/{attempt['id']}"


def asked_of(url: str) -> dict[str, str]:
    """Read the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
