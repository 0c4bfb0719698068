"""A payer's YooMoney wallet: the quickpay form, authorisation by OAuth, and a transfer to ours.

Their OAuth has neither PKCE nor `state`; what must come back with the code is put into the query of `redirect_uri`,
which they return as it was.
"""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import SecretStr

from theatre.kit.money import Money, to_decimal
from theatre.payment.providers.yoomoney import YooMoney
from theatre.payment.providers.yoomoney_transfers import Transfers
from theatre.payment.providers.yoomoney_wire import Wire
from theatre.payment.wallet_port import PayForm, Progress, TokenRefused, TransferOrder

WAYS = {"wallet": ("paymentType", "PC"), "card": ("paymentType", "AC")}


@dataclass(frozen=True, slots=True)
class Application:
    """What YooMoney knows us as. A token allows `limit` to our wallet within `limit_days`, and nothing else."""

    url: str
    client_id: str
    client_secret: SecretStr
    receiver: str
    limit: Money
    limit_days: int


class YooMoneyWallet:
    """The member of the wallet port."""

    provider = YooMoney.name

    def __init__(self, wire: Wire, transfers: Transfers, application: Application) -> None:
        self._wire = wire
        self._transfers = transfers
        self._application = application

    def pay_form(self, order: TransferOrder, *, return_url: str) -> PayForm:
        """See `Wallet`."""
        fields = {
            "receiver": self._application.receiver,
            "quickpay-form": "button",
            "sum": to_decimal(order.amount),
            "label": str(order.label),
            "successURL": return_url,
        }
        return PayForm(f"{self._application.url}/quickpay/confirm", fields, WAYS)

    def authorisation_url(self, amount: Money, *, back_url: str) -> str:
        """See `Wallet`."""
        limit = max(self._application.limit, amount, key=lambda money: money.amount_minor)
        receiver, days = self._application.receiver, self._application.limit_days
        query = {
            "client_id": self._application.client_id,
            "response_type": "code",
            "redirect_uri": back_url,
            "scope": f'payment.to-account("{receiver}").limit({days},{to_decimal(limit)})',
        }
        return f"{self._application.url}/oauth/authorize?{urlencode(query)}"

    async def exchange(self, code: str, *, back_url: str) -> SecretStr | None:
        """See `Wallet`."""
        form = {
            "code": code,
            "client_id": self._application.client_id,
            "grant_type": "authorization_code",
            "redirect_uri": back_url,
            "client_secret": self._application.client_secret.get_secret_value(),
        }
        answer = await self._wire.exchange(form)
        return SecretStr(answer.access_token) if answer.access_token and not answer.error else None

    async def revoke(self, token: SecretStr) -> None:
        """See `Wallet`."""
        with suppress(TokenRefused):
            await self._wire.revoke(token)

    async def request(self, token: SecretStr, order: TransferOrder) -> str:
        """See `Wallet`."""
        return await self._transfers.request(
            token,
            to=self._application.receiver,
            label=str(order.label),
            purpose=order.purpose,
            amounts={"amount": order.amount},
        )

    async def send(self, token: SecretStr, request_id: str, *, back_url: str) -> Progress:
        """See `Wallet`."""
        return await self._transfers.send(token, request_id, back_url=back_url)
