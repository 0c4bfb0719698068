"""What may be permitted: every word that a door of some service asks for, and what it opens."""

from collections.abc import Collection

from theatre.auth.errors import UnknownPermission

READ = "auth.read"
MANAGE = "auth.manage"

PERMISSIONS = {
    READ: {"ru": "искать пользователей и видеть их данные", "en": "find users and see their data"},
    MANAGE: {
        "ru": "блокировать пользователей, вести роли и читать журнал",
        "en": "block users, keep roles, read the audit",
    },
    "billing.read": {
        "ru": "видеть платежи, подписки и отчёты",
        "en": "see payments, subscriptions and reports",
    },
    "billing.refund": {"ru": "возвращать деньги до предела", "en": "give money back up to the limit"},
    "billing.manage": {
        "ru": "вести цены, подтверждать возвраты, закрывать дела",
        "en": "keep prices, approve refunds, close cases",
    },
    "movies.manage": {"ru": "вести каталог фильмов", "en": "keep the catalogue of films"},
    "ugc.moderate": {"ru": "модерировать отзывы", "en": "moderate reviews"},
    "notification.manage": {"ru": "вести шаблоны и рассылки", "en": "keep templates and mailings"},
}


def refuse_unknown(words: Collection[str]) -> None:
    """Refuse words that no door asks for.

    Raises:
        UnknownPermission
    """
    if unknown := sorted(set(words) - PERMISSIONS.keys()):
        raise UnknownPermission(unknown)
