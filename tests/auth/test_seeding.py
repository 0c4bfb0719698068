"""What `init` and the command line make, and what production refuses."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pydantic
import pytest

from tests.auth.people import House, Person, code_of, signed_in
from tests.factories.production import secret, sound
from theatre.auth.app import create_app, create_superuser, init
from theatre.auth.errors import UserAlreadyExists, WeakPassword
from theatre.auth.jobs import tidy
from theatre.auth.settings import AuthSettings
from theatre.kit.settings import InsecureSettings

MakeSettings = Callable[..., AuthSettings]

ROLES = {
    "content": ["movies.manage", "ugc.moderate"],
    "finance": ["auth.read", "billing.manage", "billing.read", "billing.refund"],
    "marketing": ["notification.manage"],
    "support": ["auth.read", "billing.read", "billing.refund"],
}


async def roles_of(house: House) -> dict[str, list[str]]:
    rows = await house.sql(
        "SELECT name, array_agg(permission ORDER BY permission) AS permissions FROM auth.role"
        " JOIN auth.role_permission ON role_id = role.id WHERE is_seeded GROUP BY name"
    )
    return {row.name: row.permissions for row in rows}


async def test_staff_roles_are_seeded_once_even_in_a_race(house: House) -> None:
    await asyncio.gather(*(init(house.settings) for _ in range(4)))
    assert await roles_of(house) == ROLES
    await init(house.settings)
    assert await roles_of(house) == ROLES


async def test_a_role_that_staff_changed_stays_changed(seeded: House) -> None:
    await seeded.sql("DELETE FROM auth.role_permission WHERE permission = 'ugc.moderate'")
    await init(seeded.settings)
    assert (await roles_of(seeded))["content"] == ["movies.manage"]
    await seeded.sql("DELETE FROM auth.role")
    await init(seeded.settings)
    assert await roles_of(seeded) == ROLES


async def test_the_first_superuser_is_made_once_and_keeps_a_changed_password(
    house: House, make_settings: MakeSettings
) -> None:
    login = f"root{uuid4().hex[:8]}"
    superuser = {
        "superuser_login": login,
        "superuser_email": f"{login}@example.com",
        "superuser_password": "a long first password",
    }
    await init(make_settings(**superuser))
    person = Person(house, login=login, password="a long first password")
    person.keep(await person.log_in())
    assert (await person.me()).json()["is_superuser"] is True
    await person.change(password="a changed password", current_password=person.password)
    await init(make_settings(**superuser))
    assert (await person.log_in()).status_code == 400
    assert (await person.log_in(password="a changed password")).status_code == 200


async def test_a_superuser_must_be_whole_and_not_weak(make_settings: MakeSettings) -> None:
    with pytest.raises(pydantic.ValidationError, match="come together"):
        make_settings(superuser_login="root")
    named = {"superuser_login": "root", "superuser_email": "root@example.com"}
    with pytest.raises(WeakPassword):
        await init(make_settings(**named, superuser_password="password123"))
    with pytest.raises(pydantic.ValidationError):
        await init(make_settings(**named, superuser_password="short"))


async def test_demo_logins_exist_where_asked_for(house: House, make_settings: MakeSettings) -> None:
    admin, viewer = (
        Person(house, login="admin", password="admin"),
        Person(house, login="viewer", password="viewer"),
    )
    assert (await admin.log_in()).status_code == 400
    for _ in range(2):
        await init(make_settings(demo_users=True))
    admin.keep(await admin.log_in())
    viewer.keep(await viewer.log_in())
    assert (await admin.me()).json()["is_superuser"] is True
    assert (await viewer.me()).json()["is_superuser"] is False
    await house.sql("DELETE FROM auth.\"user\" WHERE login IN ('admin', 'viewer')")


async def test_the_command_line_makes_a_superuser(house: House) -> None:
    person = Person(house)
    given = {"login": person.login, "email": person.email, "password": person.password}
    person.id = await create_superuser(house.settings, **given)
    person.keep(await person.log_in())
    assert (await person.me()).json() == (await person.me()).json() | {
        "id": str(person.id),
        "is_superuser": True,
        "email_verified": True,
    }
    with pytest.raises(UserAlreadyExists):
        await create_superuser(house.settings, **given)
    with pytest.raises(WeakPassword):
        await create_superuser(house.settings, **(given | {"password": person.login}))
    with pytest.raises(pydantic.ValidationError):
        await create_superuser(house.settings, **(given | {"email": "nobody"}))


PRODUCTION = sound("auth")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signing_key", ""),
        ("refresh_secret", ""),
        ("refresh_secret", "short"),
        ("service_clients", {}),
        ("service_clients", {"billing": secret("billing"), "payment": "short"}),
        ("demo_users", True),
    ],
)
async def test_production_refuses_defaults_by_name_alone(name: str, value: object) -> None:
    create_app(AuthSettings.model_validate(PRODUCTION))
    settings = AuthSettings.model_validate(PRODUCTION | {name: value})
    with pytest.raises(InsecureSettings, match=f"AUTH_{name.upper()}") as refusal:
        create_app(settings)
    assert "short" not in str(refusal.value)
    with pytest.raises(InsecureSettings):
        await init(settings)


async def test_secrets_are_not_shown(make_settings: MakeSettings) -> None:
    shown = repr(make_settings(superuser_login="a", superuser_email="b", superuser_password="c" * 20))
    assert "c" * 20 not in shown
    assert "s" * 40 not in shown


async def test_old_rows_are_deleted_and_young_ones_stay(house: House) -> None:
    person = await signed_in(house)
    await person.log_in(password="wrong")
    await tidy(house.resources)
    assert await counts(person) == (1, 2)
    house.clock.advance(timedelta(days=31 + 91))
    await tidy(house.resources)
    assert await counts(person) == (0, 2)
    house.clock.advance(timedelta(days=60))
    await tidy(house.resources)
    assert await counts(person) == (0, 0)
    assert (await house.sql("SELECT count(*) AS number FROM auth.guesses"))[0].number == 0


async def counts(person: Person) -> tuple[int, int]:
    (row,) = await person.house.sql(
        "SELECT (SELECT count(*) FROM auth.session WHERE user_id = :id) AS sessions,"
        " (SELECT count(*) FROM auth.login_attempt WHERE user_id = :id) AS attempts",
        id=person.id,
    )
    return row.sessions, row.attempts


async def test_a_refusal_shows_nothing_of_what_was_sent(house: House) -> None:
    answer = await Person(house).register(surprise="a secret word")
    assert code_of(answer) == "kit.validation_failed"
    assert "a secret word" not in answer.text
