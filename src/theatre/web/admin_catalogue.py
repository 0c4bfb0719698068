"""What staff write into the catalogue: products, prices, promo codes; read from forms, sent as the doors want them.

What no form can be sure of (numbers, amounts) goes on as it was typed: the doors say what is wrong with it.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

LANGUAGES = ("ru", "en")


def product_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Read a new product."""
    return {
        "code": form["code"],
        "kind": form["kind"],
        "names": {locale: form[f"name_{locale}"] for locale in LANGUAGES},
        "descriptions": {locale: form[f"description_{locale}"] for locale in LANGUAGES},
        "film_id": form["film_id"] or None,
    }


def price_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Read a new price; only a plan's has an interval."""
    interval = {"unit": form["unit"], "count": number_of(form["count"])} if form["unit"] else None
    return {
        "product_id": form["product_id"],
        "amount": {"amount": form["amount"], "currency": form["currency"]},
        "interval": interval,
        "trial_days": number_of(form["trial_days"]) or 0,
    }


def promo_code_of(form: Mapping[str, str], zone: tzinfo) -> dict[str, Any]:
    """Read a new promo code: a share or an amount off."""
    amount = {"amount": form["amount"], "currency": form["currency"]} if form["amount"] else None
    return {
        "code": form["code"],
        "percent": number_of(form["percent"]),
        "amount": amount,
        "product_ids": form["product_ids"].split(),
        "starts_at": moment_of(form["starts_at"], zone),
        "ends_at": moment_of(form["ends_at"], zone),
        **_caps(form),
    }


def change_of(form: Mapping[str, str], zone: tzinfo) -> dict[str, Any]:
    """Read what is to change of a promo code; an empty field lifts an end or a cap."""
    is_active = form["is_active"] == "true"
    return {"is_active": is_active, "ends_at": moment_of(form["ends_at"], zone), **_caps(form)}


def _caps(form: Mapping[str, str]) -> dict[str, Any]:
    return {name: number_of(form[name]) for name in ("total_cap", "per_user_cap")}


def number_of(text: str) -> int | str | None:
    """Read a whole number; None if nothing was typed."""
    return int(text) if text.isascii() and text.isdecimal() else text or None


def moment_of(text: str, zone: tzinfo) -> str | None:
    """Read a moment of the reader's zone; None if nothing was typed."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).isoformat() if text else None
    except ValueError:
        return text
