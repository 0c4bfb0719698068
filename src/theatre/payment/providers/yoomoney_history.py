"""Our own wallet's history: the truth about what came and went."""

from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers.yoomoney_objects import History, Operation, OperationAnswer
from theatre.payment.providers.yoomoney_wire import Wire
from theatre.payment.wallet_port import TokenRefused

PAGE_RECORDS = "100"
MAX_PAGES = 100
TYPES = {"in": "deposition", "out": "payment"}
DONE, UNDER_WAY = "success", "in_progress"
UNKNOWN_OPERATION = "illegal_param_operation_id"

M = TypeVar("M", bound=BaseModel)


class Books:
    """Reads the history with the wallet's own token.

    Raises, in every method:
        OutcomeUnknown: also where the token is refused, which is ours to mend and says nothing of any payment.
    """

    def __init__(self, wire: Wire, token: SecretStr) -> None:
        self._wire = wire
        self._token = token

    async def find_operation(self, operation_id: str) -> Operation | None:
        """Give an operation by its id; None if the wallet knows none."""
        answer = await self._call("operation-details", {"operation_id": operation_id}, OperationAnswer)
        if answer.error == UNKNOWN_OPERATION:
            return None
        if answer.error is not None:
            raise OutcomeUnknown(f"YooMoney answered {answer.error[:60]!r} to a question")
        try:
            return Operation.model_validate(answer.model_extra)
        except ValidationError as error:
            raise OutcomeUnknown("YooMoney's operation makes no sense") from error

    async def find_by_label(self, label: str, *, direction: str) -> Operation | None:
        """Give the operation with a label: the first that was done, else one that is under way."""
        found = await self._list(label, direction)
        done = [operation for operation in found if operation.status == DONE]
        if done:
            # lists tell neither who paid nor what the other side got
            return await self.find_operation(done[-1].operation_id)
        return next((operation for operation in found if operation.status == UNDER_WAY), None)

    async def read_page(self, since: datetime, until: datetime, *, start: str | None) -> History:
        """Give a page of the operations from `since` until before `until` with their details, the newest first."""
        asked = {
            "from": since.isoformat(timespec="milliseconds"),
            "till": until.isoformat(timespec="milliseconds"),
            "details": "true",
            "records": PAGE_RECORDS,
            **({"start_record": start} if start else {}),
        }
        return await self._page(asked)

    async def _list(self, label: str, direction: str) -> list[Operation]:
        asked = {"label": label, "type": TYPES[direction], "records": PAGE_RECORDS}
        found: list[Operation] = []
        for _ in range(MAX_PAGES):
            page = await self._page(asked)
            # their own filter is a help, not a proof
            found += [one for one in page.operations if (one.label, one.direction) == (label, direction)]
            if page.next_record is None:
                return found
            asked["start_record"] = page.next_record
        raise OutcomeUnknown("YooMoney's history has no end")

    async def _page(self, asked: dict[str, str]) -> History:
        page = await self._call("operation-history", asked, History)
        if page.error is not None:
            raise OutcomeUnknown(f"YooMoney shows no history: {page.error[:60]!r}")
        return page

    async def _call(self, method: str, form: dict[str, str], shape: type[M]) -> M:
        try:
            return await self._wire.call(method, form, shape, token=self._token)
        except TokenRefused as error:
            raise OutcomeUnknown("YooMoney does not take our own token") from error
