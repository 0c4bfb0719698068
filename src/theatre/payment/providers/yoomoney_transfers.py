"""Transfers from wallet to wallet: prepared under an id, then sent under it as often as it takes to know."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from pydantic import SecretStr

from theatre.kit.logging import get_logger
from theatre.kit.money import Money, to_decimal
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers.yoomoney_objects import ProcessAnswer, RequestAnswer, money_of
from theatre.payment.providers.yoomoney_wire import Wire
from theatre.payment.wallet_port import Progress, TransferRefused, TransferStatus

# they may have forgotten the id, or somebody else's token asks: either way it tells nothing of what was sent before
UNDECIDED = frozenset({"contract_not_found"})
MAX_PAUSE_SECONDS = 60
MAX_PURPOSE_CHARACTERS = 128
FINAL = {"success": TransferStatus.DONE, "refused": TransferStatus.REFUSED}

log = get_logger(__name__)


class Transfers:
    """Prepares and sends transfers; `page_origins` are where a payer may be sent though it is not https."""

    def __init__(self, wire: Wire, *, page_origins: Collection[str] = ()) -> None:
        self._wire = wire
        self._page_origins = page_origins

    async def request(
        self, token: SecretStr, *, to: str, label: str, purpose: str, amounts: Mapping[str, Money]
    ) -> str:
        """Prepare a transfer of `amount` (what is charged) or `amount_due` (what arrives); give its id.

        Raises:
            TokenRefused, TransferRefused, OutcomeUnknown
        """
        words = purpose[:MAX_PURPOSE_CHARACTERS]
        form = {"pattern_id": "p2p", "to": to, "label": label, "comment": words, "message": words}
        form |= {name: to_decimal(amount) for name, amount in amounts.items()}
        answer = await self._wire.call("request-payment", form, RequestAnswer, token=token)
        if answer.status == "refused":
            raise TransferRefused(answer.error or "refused")
        if answer.status != "success" or answer.request_id is None:
            raise OutcomeUnknown("YooMoney neither prepared a transfer nor refused it")
        if "amount" in amounts:
            _check_charge(answer.contract_amount, amounts["amount"])
        return answer.request_id

    async def send(self, token: SecretStr, request_id: str, *, back_url: str = "") -> Progress:
        """Send a prepared transfer, or learn how it stands.

        Raises:
            TokenRefused, OutcomeUnknown
        """
        form = {"request_id": request_id, "money_source": "wallet"}
        if back_url:
            form |= {"ext_auth_success_uri": back_url, "ext_auth_fail_uri": back_url}
        answer = await self._wire.call("process-payment", form, ProcessAnswer, token=token)
        if answer.error in UNDECIDED:
            return Progress(TransferStatus.WAITING, code=answer.error or "")
        if answer.status in FINAL:
            return Progress(FINAL[answer.status], code=answer.error or "")
        if answer.status == "ext_auth_required" and self._is_page(answer.acs_uri or ""):
            return Progress(
                TransferStatus.ASKED, page=answer.acs_uri or "", page_fields=answer.acs_params or {}
            )
        pause_seconds = min((answer.next_retry or 1000) // 1000, MAX_PAUSE_SECONDS)
        return Progress(TransferStatus.WAITING, again_after_seconds=max(pause_seconds, 1))

    def _is_page(self, url: str) -> bool:
        parts = urlsplit(url) if url.isascii() and url.isprintable() and "\\" not in url else None
        is_https = parts is not None and parts.scheme == "https" and parts.netloc == parts.hostname
        if is_https or any(url.startswith(f"{origin}/") for origin in self._page_origins):
            return True
        log.error("a payer was to be sent to a strange address")
        return False


def _check_charge(charged: Decimal | None, asked: Money) -> None:
    if charged is None or money_of(charged) != asked:
        raise TransferRefused("amount_changed")
