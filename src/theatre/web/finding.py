"""Finding what a word of staff's means: one payment, the payments of one customer, an account, or nothing."""

from fastapi import Response

from theatre.web import people
from theatre.web.admin_lists import PAYMENTS
from theatre.web.desk import Desk, go_to
from theatre.web.errors import Declined

FOUND_ROWS = "20"


async def find(desk: Desk, word: str) -> Response:
    """Go to the page that shows what a word means; what is not found is said on the list of payments.

    Raises:
        Forbidden
    """
    try:
        found = (await desk.read(PAYMENTS.door, PAYMENTS.page, {"q": word, "limit": FOUND_ROWS})).items
    except Declined as declined:
        return go_to(PAYMENTS.path, fault=declined.word)
    users = {payment.user_id for payment in found}
    if not found:
        user_id = await people.find_one(desk, word)  # somebody who has bought nothing yet
        if user_id is not None:
            return go_to(f"/admin/users/{user_id}")
        return go_to(PAYMENTS.path, fault="admin.nothing_found")
    if len(found) == 1:
        return go_to(f"{PAYMENTS.path}/{found[0].id}")
    if len(users) == 1:
        return go_to(f"/admin/users/{users.pop()}")
    # several customers share it: it is nobody's name, and may stand in an address
    return go_to(PAYMENTS.path + PAYMENTS.ask({"q": word}).query())
