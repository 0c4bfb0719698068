"""Models and migrations say the same, and an installation grows and shrinks without losing its users."""

import asyncpg
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from tests.databases import fresh_database
from tests.services import Services
from theatre.auth.models import Base
from theatre.kit.migrations import config_for, migrate

USER_ID = "01a21425-6812-75b2-9f71-ce4545c4587f"
BEFORE = f"""
INSERT INTO auth."user" VALUES ('{USER_ID}', 'Anna', 'anna', 'Anna@example.com', 'anna@example.com', true, 'hash', 'ru',
    false, true, now(), now());
INSERT INTO auth.role SELECT gen_random_uuid(), name, now() FROM unnest(ARRAY['support', 'content', 'own']) name;
INSERT INTO auth.role_permission SELECT id, 'billing.read' FROM auth.role;
INSERT INTO auth.user_role SELECT '{USER_ID}', id FROM auth.role;
INSERT INTO auth.login_attempt VALUES
    (gen_random_uuid(), '{USER_ID}', true, '192.0.2.1', 'curl', now()),
    (gen_random_uuid(), '{USER_ID}', false, '192.0.2.1', 'curl', now());
INSERT INTO auth.session
    VALUES (gen_random_uuid(), '{USER_ID}', 1, gen_random_uuid(), '192.0.2.1', 'curl', now(), now(),
    now(), now(), 'logout');
"""
AFTER = f"""
INSERT INTO auth.session
    VALUES (gen_random_uuid(), '{USER_ID}', 1, gen_random_uuid(), '192.0.2.1', 'curl', now(), now(),
    now(), now(), 'blocked');
INSERT INTO auth.notice VALUES (gen_random_uuid(), '{USER_ID}', 'new_device', 'anna@example.com', 'x', 'y', now());
INSERT INTO auth.known_device VALUES ('{USER_ID}', 'digest', now());
"""


async def test_the_models_equal_the_migrations(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.check(config_for(sync, "auth", Base.metadata)))
    await engine.dispose()


async def downgrade(url: str, revision: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(config_for(sync, "auth"), revision))
    await engine.dispose()


async def test_an_older_installation_keeps_its_users_roles_and_history(services: Services) -> None:
    async with fresh_database(services.postgres_url) as url:
        await migrate("auth", url, revision="auth_0002")
        owner = await asyncpg.connect(url)
        await owner.execute(BEFORE)
        await migrate("auth", url)
        roles = await owner.fetch(
            "SELECT name, is_seeded, array_agg(permission ORDER BY permission) AS permissions FROM auth.role"
            " JOIN auth.role_permission ON role_id = id GROUP BY name, is_seeded ORDER BY name"
        )
        assert [tuple(role) for role in roles] == [
            ("content", True, ["billing.read"]),
            ("own", False, ["billing.read"]),
            ("support", True, ["auth.read", "billing.read"]),
        ]
        tries = await owner.fetch("SELECT method, result FROM auth.login_attempt ORDER BY result")
        assert [tuple(row) for row in tries] == [("password", "succeeded"), ("password", "wrong_password")]
        await owner.execute(AFTER)
        await downgrade(url, "auth_0002")
        kept = await owner.fetch(
            "SELECT (SELECT count(*) FROM auth.user_role), (SELECT count(*) FROM auth.login_attempt WHERE succeeded),"
            " (SELECT array_agg(end_reason ORDER BY end_reason) FROM auth.session), (SELECT login_key FROM auth.user)"
        )
        assert tuple(kept[0]) == (3, 1, ["ended", "logout"], "anna")
        await migrate("auth", url)
        await owner.close()
