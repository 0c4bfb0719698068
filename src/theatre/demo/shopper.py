"""A new user with a browser, who buys, looks and takes the money back."""

import secrets
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from theatre.demo.forms import read_form

# a test card that asks for 3-D Secure; any date to come, any CVC and any code but 000000 will do
CARD = {"card_number": "5555555555554477", "expiry_month": "12", "expiry_year": "2049", "cvc": "123"}
CODE = {"code": "123456"}
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05
MAX_FORMS = 5

Json = dict[str, Any]


class Failed(Exception):
    """A step did not end as it should; the message says how it ended."""


class Shopper:
    """A new user with a browser; each step leaves what the next ones need."""

    def __init__(self, http: httpx.Client, browser: httpx.Client) -> None:
        self.http = http
        self.browser = browser
        self.login = f"demo-{secrets.token_hex(5)}"
        self.password = secrets.token_urlsafe(16)
        self.email = f"{self.login}@example.com"
        self.card = {**CARD, **CODE}
        self.price: Json = {}
        self.payment: Json = {}
        self.page: httpx.Response | None = None
        self.mails_seen: set[str] = set()

    def steps(self) -> dict[str, Callable[[], str]]:
        """Give all steps in their order."""
        return {
            "the house is ready": self.find_ready,
            "register": self.register,
            "sign in": self.sign_in,
            "look at the plans": self.choose_plan,
            "nothing to watch yet": lambda: self.check_right(expected=False),
            "begin a payment": self.create_payment,
            "begin it again, same key": self.repeat_payment,
            "check out": self.check_out,
            "follow the short link": self.open_hosted_page,
            "pay with a test card": self.pay,
            "the payment is paid": lambda: self.wait_for_status("paid"),
            "may watch now": lambda: self.check_right(expected=True),
            "a mail tells of the purchase": self.wait_for_mail,
            "ask for the money back": self.ask_refund,
            "the payment is refunded": lambda: self.wait_for_status("refunded"),
            "may watch no more": lambda: self.check_right(expected=False),
            "a mail tells of the refund": self.wait_for_mail,
        }

    def find_ready(self) -> str:
        """Wait until the services are ready."""

        def is_ready() -> bool:
            return self.http.get("/billing/api/_ready").status_code == httpx.codes.OK

        wait_until(is_ready, "not ready")
        return str(self.http.base_url)

    def register(self) -> str:
        """Make an account of one's own."""
        account = {"login": self.login, "password": self.password, "email": self.email}
        return f"{self.login}, id {self.ask('POST', '/auth/api/v1/register', json=account)['id']}"

    def sign_in(self) -> str:
        """Get an access token and show it from now on."""
        form = {"username": self.login, "password": self.password}
        answer = self.ask("POST", "/auth/api/v1/jwt/login", data=form)
        self.http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return f"a token for {answer['expires_in']} s"

    def choose_plan(self) -> str:
        """Choose the cheapest plan that is paid at once."""
        plans = self.ask("GET", "/billing/api/v1/products", params={"kind": "plan"})["items"]
        prices = [(price, plan) for plan in plans for price in plan["prices"] if not price["trial_days"]]
        if not prices:
            raise Failed("no plan is sold")
        self.price, plan = min(prices, key=lambda pair: float(pair[0]["amount"]["amount"]))
        return f"{plan['name']}, {self.price['amount']['amount']} {self.price['amount']['currency']}"

    def create_payment(self) -> str:
        """Begin a payment."""
        self.payment = self.post_payment(key := f"{self.login}-payment")
        return f"{self.payment['id']} is {self.payment['status']} (key {key})"

    def repeat_payment(self) -> str:
        """Send the same request again: it must not begin a second payment."""
        again = self.post_payment(f"{self.login}-payment")
        if again != self.payment:
            raise Failed(f"the same key began another payment: {again['id']}")
        return "the same payment"

    def post_payment(self, key: str) -> Json:
        """Order one of the chosen price."""
        order = {"items": [{"price_id": self.price["id"], "quantity": 1}]}
        return self.ask("POST", "/billing/api/v1/payments", json=order, headers={"Idempotency-Key": key})

    def check_out(self) -> str:
        """Get the link to pay by."""
        self.payment |= self.ask(
            "POST",
            f"{self.payment_path}/checkout",
            json={},
            headers={"Idempotency-Key": f"{self.login}-checkout"},
        )
        return str(self.payment["short_url"])

    def open_hosted_page(self) -> str:
        """Follow the short link to the payment system's page."""
        self.page = self.browse("GET", self.payment["short_url"])
        return str(self.page.url)

    def pay(self) -> str:
        """Fill in every form on the way, as a person would, until there is none left for a payer."""
        for forms in range(MAX_FORMS):
            form = read_form(self.page, self.card) if self.page else None
            if form is None:
                return f"{forms} forms, then back to {self.page.url if self.page else self.page}"
            self.page = self.browse(form.method, form.action, data=form.filled(self.card))
        raise Failed("the payment system asks again and again")

    def wait_for_status(self, status: str) -> str:
        """Look at the payment until it has a status."""

        def has_status() -> bool:
            self.payment = self.ask("GET", self.payment_path)
            return bool(self.payment["status"] == status)

        wait_until(
            has_status, lambda: f"the payment stays {self.payment['status']} ({self.payment['failure']})"
        )
        return f"refunded {self.payment['refunded']['amount']} of {self.payment['total']['amount']}"

    def check_right(self, *, expected: bool) -> str:
        """Ask as playback does whether a film may be watched."""
        verdict = self.ask("GET", "/billing/api/v1/entitlements/check", params={"film_id": str(uuid4())})
        if verdict["allowed"] is not expected:
            raise Failed(f"allowed is {verdict['allowed']}: {verdict['reason']}")
        return f"allowed is {verdict['allowed']}: {verdict['reason']}"

    def wait_for_mail(self) -> str:
        """Wait for a new mail that names the sum."""
        if self.http.get("/mail/api/v1/messages").status_code == httpx.codes.NOT_FOUND:
            return "not checked: this server has no mailbox to look into"
        found: list[Json] = []

        def has_arrived() -> bool:
            mails = self.ask("GET", "/mail/api/v1/messages", params={"to": self.email})["items"]
            found[:] = [mail for mail in mails if mail["id"] not in self.mails_seen and self.sum_is_in(mail)]
            return bool(found)

        wait_until(has_arrived, "no mail came")
        self.mails_seen |= {mail["id"] for mail in found}
        return str(found[0]["subject"])

    def sum_is_in(self, mail: Json) -> bool:
        """Tell whether a mail names the sum of the payment."""
        whole = self.payment["total"]["amount"].partition(".")[0]
        return whole in "".join(mail["text"].split())

    def ask_refund(self) -> str:
        """Take all of the money back."""
        refund = self.ask(
            "POST",
            f"{self.payment_path}/refunds",
            json={"reason": "The demo has seen enough."},
            headers={"Idempotency-Key": f"{self.login}-refund"},
        )
        return f"{refund['amount']['amount']} {refund['amount']['currency']} is {refund['status']}"

    @property
    def payment_path(self) -> str:
        """Where the payment lives."""
        return f"/billing/api/v1/payments/{self.payment['id']}"

    def ask(self, method: str, path: str, **arguments: Any) -> Json:
        """Send a request and read its JSON answer.

        Raises:
            Failed: with the problem's own words.
        """
        answer = self.http.request(method, path, **arguments)
        body: Json = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if answer.is_success:
            return body
        raise Failed(f"{method} {path}: {answer.status_code} {body.get('code', '')} {body.get('detail', '')}")

    def browse(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Open a page, with every redirect on the way and without the token.

        Raises:
            Failed: it does not open.
        """
        page = self.browser.request(method, url, **arguments)
        if not page.is_success:
            raise Failed(f"{method} {page.url}: {page.status_code}")
        return page


def wait_until(is_so: Callable[[], bool], otherwise: str | Callable[[], str]) -> None:
    """Ask again and again.

    Raises:
        Failed: it did not become so in a minute.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Failed(otherwise if isinstance(otherwise, str) else otherwise())
        time.sleep(PAUSE_SECONDS)
