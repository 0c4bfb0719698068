"""Payment with Redis away: slower to show, as sure to settle."""

from collections.abc import AsyncIterator

import pytest

from tests.payment.stage import Stage
from theatre.payment.app import create_app


@pytest.fixture
async def poor_stage(stage: Stage) -> AsyncIterator[Stage]:
    settings = stage.settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    app = create_app(settings, transport=stage.network, clock=stage.clock)
    async with app.router.lifespan_context(app):
        yield Stage(app, stage.network, stage.from_sandbox, stage.clock, stage.auth, settings)


async def test_a_purchase_goes_on_and_its_state_is_shown(poor_stage: Stage) -> None:
    """F-R3: no money state in Redis."""
    attempt = await poor_stage.begin_paid()
    response = await poor_stage.caller().get(f"/payment/api/v1/attempts/{attempt['id']}/state")
    assert (response.status_code, response.json()) == (200, {"status": "succeeded"})
    assert await poor_stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    assert (await poor_stage.caller().get("/payment/api/_ready")).status_code == 200


async def test_forgers_are_still_counted(poor_stage: Stage) -> None:
    sender = "198.51.100.9"
    answers = [await poor_stage.call_back("payment.succeeded", "x", sender=sender) for _ in range(61)]
    assert [response.status_code for response in answers] == [403] * 60 + [429]
