"""Finding what a word of staff's means: one payment, the payments of one customer, or nothing."""

from theatre.web.admin_lists import PAYMENTS
from theatre.web.desk import Desk
from theatre.web.errors import Declined

NOTHING = "/admin/payments?fault=admin.nothing_found"
FOUND_ROWS = "20"


async def find(desk: Desk, word: str) -> str:
    """Tell which page of the panel shows what a word means; what is not found is said on the list of payments.

    Raises:
        Forbidden
    """
    if not word:
        return NOTHING
    try:
        found = (await desk.read(PAYMENTS.door, PAYMENTS.page, {"q": word, "limit": FOUND_ROWS})).items
    except Declined as declined:
        return f"/admin/payments?fault={declined.word}"
    users = {payment.user_id for payment in found}
    if len(found) == 1:
        return f"/admin/payments/{found[0].id}"
    if len(users) == 1:
        return f"/admin/payments?user_id={users.pop()}"
    if not found:
        return NOTHING
    # several customers share it: it is no name of a person, and may stand in an address
    return f"/admin/payments{PAYMENTS.ask({'q': word}).query()}"
