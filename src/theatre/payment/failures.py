"""Why nothing was taken or given back: our own stable words, and what to tell people in their language."""

from collections.abc import Mapping

from theatre.contracts.payment import Failure

REFUSED = "provider_refused"
DECLINED = "declined"
EXPIRED = "expired"
CANCELED = "canceled"
BY_HAND = "refund_by_hand"

MESSAGES: Mapping[str, Mapping[str, str]] = {
    REFUSED: {
        "en": "The payment system refused.",
        "ru": "Платёжная система отказала.",
    },
    DECLINED: {
        "en": "The payment was declined. Try another card or ask your bank.",
        "ru": "Платёж отклонён. Попробуйте другую карту или обратитесь в банк.",
    },
    EXPIRED: {
        "en": "The time for paying ran out. Nothing was taken.",
        "ru": "Время на оплату истекло. Деньги не списаны.",
    },
    CANCELED: {
        "en": "The payment was canceled. Nothing was taken.",
        "ru": "Платёж отменён. Деньги не списаны.",
    },
    "insufficient_funds": {
        "en": "There is not enough money on the card.",
        "ru": "На карте недостаточно средств.",
    },
    "card_expired": {
        "en": "The card has expired.",
        "ru": "Срок действия карты истёк.",
    },
    "card_data_wrong": {
        "en": "The number or the code of the card is wrong.",
        "ru": "Неверный номер или код карты.",
    },
    "authentication_failed": {
        "en": "The bank could not make sure that it was you (3-D Secure).",
        "ru": "Банк не смог подтвердить, что платите вы (3-D Secure).",
    },
    "limit_exceeded": {
        "en": "The card's limit is exceeded.",
        "ru": "Превышен лимит по карте.",
    },
    "card_restricted": {
        "en": "This card cannot be used here. Try another one.",
        "ru": "Этой картой оплатить нельзя. Попробуйте другую.",
    },
    "issuer_unavailable": {
        "en": "The bank does not answer. Try again later.",
        "ru": "Банк не отвечает. Попробуйте позже.",
    },
    "permission_revoked": {
        "en": "The permission to charge this card was taken back.",
        "ru": "Разрешение на списание с этой карты отозвано.",
    },
    BY_HAND: {
        "en": "A payment by card through this system cannot be returned automatically. We will return it by hand.",
        "ru": "Оплату картой через эту систему нельзя вернуть автоматически. Мы вернём деньги вручную.",
    },
    "payee_refused": {
        "en": "The bank of the card did not take the money back.",
        "ru": "Банк карты не принял возврат.",
    },
}


def failure_of(code: str | None, message: str | None) -> Failure | None:
    """Give the failure that a row tells of, if it does."""
    return Failure(code=code, message=message or message_of(code)) if code else None


def refused() -> Failure:
    """Give the failure of what the provider would not even begin."""
    return Failure(code=REFUSED, message=message_of(REFUSED))


def withdrawn() -> Failure:
    """Give the failure of what we took back before it was begun."""
    return Failure(code=CANCELED, message=message_of(CANCELED))


def message_of(code: str, locale: str = "en") -> str:
    """Give the text for people; an unknown word is told as a plain decline."""
    return MESSAGES.get(code, MESSAGES[DECLINED])[locale]
