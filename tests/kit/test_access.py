"""Access tokens when auth does not answer as it should."""

import asyncio
import base64
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.factories.auth_door import ISSUER, AuthDoor
from theatre.contracts.auth import PUBLIC
from theatre.kit import access
from theatre.kit.access import ALGORITHM, Access, Keys, Revocations
from theatre.kit.clock import SystemClock
from theatre.kit.errors import Transient, Unauthenticated
from theatre.kit.http import Refused, Unknown


@pytest.mark.parametrize("fault", [Unknown(), Refused(401, "auth.bad_client", "no"), Refused(404, "x", "no")])
async def test_the_list_of_ended_sessions_is_followed_after_any_answer(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-A8: an auth that refuses once must not leave ended sessions alive until we restart."""
    monkeypatch.setattr(access, "REVOCATION_POLL_SECONDS", 0)
    faults = [fault]
    asked_again = asyncio.Event()

    async def fetch_revocations(_: datetime | None) -> Revocations:
        if faults:
            raise faults.pop()
        asked_again.set()
        return Revocations(frozenset({uuid4()}), datetime.now(UTC))

    async def fetch_keys() -> Keys:
        return []

    follower = Access(
        issuer="x", clock=SystemClock(), fetch_keys=fetch_keys, fetch_revocations=fetch_revocations
    )
    async with follower.following(), asyncio.timeout(5):
        await asked_again.wait()


async def test_keys_that_auth_refuses_to_show_are_no_fault_of_who_asks() -> None:
    """A 503 for the user, not auth's own words to us."""

    async def fetch_keys() -> Keys:
        raise Refused(404, "kit.not_found", "no")

    async def fetch_revocations(_: datetime | None) -> Revocations:
        return Revocations(frozenset(), datetime.now(UTC))

    verifier = Access(
        issuer="x", clock=SystemClock(), fetch_keys=fetch_keys, fetch_revocations=fetch_revocations
    )
    token = jwt.encode({"sub": "x"}, Ed25519PrivateKey.generate(), algorithm=ALGORITHM, headers={"kid": "k"})
    with pytest.raises(Transient):
        await verifier.verify(token)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is asked for again at once."""
    for pause in ("REVOCATION_POLL_SECONDS", "KEYS_MIN_REFETCH_SECONDS", "KEYS_REFETCH_SECONDS"):
        monkeypatch.setattr(access, pause, 0)


@pytest.mark.usefixtures("hurried")
async def test_a_withdrawn_key_is_forgotten_with_what_it_signed() -> None:
    """A stolen key that auth takes out of its set must not be trusted until we restart."""
    door = AuthDoor()
    async with httpx.AsyncClient(transport=door.transport, base_url="http://auth") as http:
        published: Keys = (await http.get(f"{PUBLIC}/.well-known/jwks.json")).json()["keys"]
    faults: list[Exception] = [Unknown(), Refused(404, "x", "no")]
    withdrawn = asyncio.Event()

    async def fetch_keys() -> Keys:
        if withdrawn.is_set() and faults:
            raise faults.pop()
        return [] if withdrawn.is_set() else published

    async def fetch_revocations(_: datetime | None) -> Revocations:
        return Revocations(frozenset(), datetime.now(UTC))

    verifier = Access(
        issuer=ISSUER, clock=SystemClock(), fetch_keys=fetch_keys, fetch_revocations=fetch_revocations
    )
    token = door.service("billing")["Authorization"].removeprefix("Bearer ")
    assert (await verifier.verify(token)).service == "billing"
    withdrawn.set()
    async with verifier.following(), asyncio.timeout(5):
        while True:
            try:
                await verifier.verify(token)
            except Unauthenticated:
                break
            await asyncio.sleep(0)
    assert not faults


@pytest.mark.parametrize(
    "header", [b"[" * 2_900, b'{"a":' * 600, b"null", b"[]", b'"x"', b'{"alg": []}', b"\xff", b"1" * 3_000]
)
async def test_a_token_with_a_hostile_header_does_not_hold(header: bytes) -> None:
    """S-A5: nobody's word, but no reason to break either."""

    async def fetch_keys() -> Keys:
        return []

    async def fetch_revocations(_: datetime | None) -> Revocations:
        return Revocations(frozenset(), datetime.now(UTC))

    verifier = Access(
        issuer="x", clock=SystemClock(), fetch_keys=fetch_keys, fetch_revocations=fetch_revocations
    )
    token = base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.AAAA"
    assert len(token) <= access.MAX_TOKEN_CHARACTERS
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)
