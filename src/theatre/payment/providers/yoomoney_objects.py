"""YooMoney's answers and notifications as they come over the wire. All its money is roubles."""

from decimal import Decimal
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from theatre.kit.money import MAX_MINOR, Money
from theatre.payment.errors import MalformedCallback
from theatre.payment.providers.shapes import Shape

CURRENCY = "RUB"
CURRENCY_NUMBER = "643"
MAX_FORM_FIELDS = 64
INCOMING = frozenset({"p2p-incoming", "card-incoming"})

Roubles = Annotated[Decimal, Field(ge=0, le=MAX_MINOR // 100, decimal_places=2)]
OperationId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
RequestId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]


class Operation(Shape):
    """One operation of a wallet, out of its history or by its id. A card has no `sender`."""

    operation_id: OperationId
    status: str
    datetime: AwareDatetime
    direction: str
    amount: Roubles
    amount_due: Roubles | None = None
    label: str = ""
    sender: str = ""

    @property
    def credited(self) -> Money:
        """What the wallet got."""
        return money_of(self.amount)

    @property
    def received(self) -> Money:
        """What the other side of an outgoing operation got."""
        return money_of(self.amount if self.amount_due is None else self.amount_due)

    @property
    def spent(self) -> Money:
        """What an outgoing operation cost the wallet."""
        return money_of(self.amount)

    @property
    def is_by_card(self) -> bool:
        """Tell whether a card paid, not a wallet."""
        return self.sender == ""

    @property
    def attempt_id(self) -> UUID | None:
        """The attempt that the label names, if it names one."""
        return uuid_in(self.label)


class OperationAnswer(BaseModel):
    """An answer about one operation: its fields, or why there are none."""

    model_config = ConfigDict(frozen=True, extra="allow")

    error: str | None = None


class History(Shape):
    """One page of a wallet's history."""

    error: str | None = None
    operations: list[Operation] = []
    next_record: str | None = None


class RequestAnswer(Shape):
    """What a wallet says to a wish to transfer."""

    status: str
    error: str | None = None
    request_id: RequestId | None = None
    contract_amount: Roubles | None = None


class ProcessAnswer(Shape):
    """How a transfer stands. `next_retry` is in milliseconds; `acs_…` is where the bank asks the payer."""

    status: str
    error: str | None = None
    next_retry: int | None = Field(None, ge=0)
    acs_uri: str | None = None
    acs_params: dict[str, str] | None = None


class TokenAnswer(Shape):
    """What came of exchanging a code."""

    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,4096}$")] | None = None
    error: str | None = None


class Notification(Shape):
    """A notification's fields, those that we read."""

    notification_type: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    operation_id: OperationId
    amount: Roubles
    withdraw_amount: Roubles | None = None
    currency: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    label: str = ""
    codepro: str = "false"
    unaccepted: str = "false"
    test_notification: str = "false"
    sign: str | None = None

    @property
    def is_of_use(self) -> bool:
        """Tell whether it says that money of ours has come: not a test, not held back, not somebody's own transfer."""
        return (
            self.notification_type in INCOMING
            and self.currency == CURRENCY_NUMBER
            and self.label != ""
            and {self.codepro, self.unaccepted, self.test_notification} == {"false"}
        )


def read_form(body: bytes) -> dict[str, str]:
    """Read a form that can be read in one way only.

    Raises:
        MalformedCallback: no form, not UTF-8, a name twice, or more fields than can be meant.
    """
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError as error:
        raise MalformedCallback from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedCallback("A field occurs twice.")
    return fields


def read_notification(body: bytes) -> Notification:
    """Read a notification.

    Raises:
        MalformedCallback
    """
    try:
        return Notification.model_validate(read_form(body))
    except ValidationError as error:
        raise MalformedCallback from error


def money_of(roubles: Decimal) -> Money:
    """Give an amount in kopecks; it has at most two digits after the point."""
    return Money(int(roubles * 100), CURRENCY)


def uuid_in(text: str) -> UUID | None:
    """Read an id as we write them; None if it is none."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
