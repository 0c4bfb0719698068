"""Access tokens: what they say, and that no other is believed."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.auth.conftest import SERVICE_SECRET, OpenHouse
from tests.auth.people import API, House, bearer, code_of, service_headers, signed_in
from theatre.auth.keys import BadKey, read_keyring
from theatre.auth.roles import grant
from theatre.auth.settings import AuthSettings


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def test_an_access_token_says_who_and_what(seeded: House) -> None:
    person = await signed_in(seeded)
    async with seeded.resources.sessions.begin() as session:
        await grant(session, user_id=person.id, role="finance")
        await grant(session, user_id=person.id, role="support")
        await grant(session, user_id=person.id, role="support")
    person.keep(await person.refresh())
    header, claims = parts_of(person.access_token)
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": seeded.resources.keyring.public[0]["kid"]}
    assert claims.keys() == {
        "sub",
        "sid",
        "jti",
        "iat",
        "exp",
        "iss",
        "aud",
        "roles",
        "permissions",
        "is_superuser",
    }
    assert claims["sub"] == str(person.id)
    assert claims["aud"] == "theatre"
    assert claims["roles"] == ["finance", "support"]
    assert claims["permissions"] == ["auth.read", "billing.manage", "billing.read", "billing.refund"]
    assert claims["is_superuser"] is False
    assert claims["exp"] - claims["iat"] == 900


async def test_anybody_may_verify_with_the_published_keys(house: House) -> None:
    person = await signed_in(house)
    answer = await house.client.get(f"{API}/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=60"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "use", "alg", "kid"}
    assert "d" not in key
    claims = jwt.decode(person.access_token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="theatre")
    assert claims["sub"] == str(person.id)


async def test_a_token_ends_after_its_time(open_house: OpenHouse) -> None:
    async with open_house(access_ttl_seconds=60) as house:
        person = await signed_in(house)
        house.clock.advance(timedelta(seconds=40))
        assert (await person.me()).status_code == 200
        house.clock.advance(timedelta(seconds=20))
        assert (await person.me()).status_code == 401


FORGED_CLAIMS: list[dict[str, Any]] = [
    {"aud": "other"},
    {"aud": None},
    {"aud": ["theatre", {}]},
    {"iss": "somebody"},
    {"exp": None},
    {"exp": 0},
    {"exp": "tomorrow"},
    {"nbf": 2**40},
    {"iat": 2**40},
    {"sub": None},
    {"sub": "not-an-id"},
    {"sub": 7},
    {"sid": None},
    {"sid": "01900000-0000-7000-8000-000000000000"},
    {"jti": None},
    {"permissions": None},
    {"permissions": 5},
]


@pytest.mark.parametrize("change", FORGED_CLAIMS, ids=str)
async def test_a_token_with_a_wrong_claim_does_not_hold(house: House, change: dict[str, Any]) -> None:
    """Even our own signature does not help a claim that is missing or makes no sense."""
    person = await signed_in(house)
    _, claims = parts_of(person.access_token)
    forged = {name: value for name, value in (claims | change).items() if value is not None}
    token = house.resources.keyring.sign(forged)
    await refused(house, token)


async def refused(house: House, token: str) -> None:
    answer = await house.client.get(f"{API}/users/me", headers=bearer(token))
    assert (answer.status_code, code_of(answer)) == (401, "kit.unauthenticated")


async def test_no_other_signature_holds(house: House) -> None:
    person = await signed_in(house)
    header, claims = parts_of(person.access_token)
    kid = {"kid": header["kid"]}
    public = house.resources.keyring.signing_key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed, payload, signature = person.access_token.split(".")
    edited = b64(json.dumps(claims | {"is_superuser": True}).encode())
    forgeries = [
        jwt.encode(claims, "", algorithm="none", headers=kid),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=kid),
        jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256", headers=kid),
        *(
            hmac_token(claims, header | {"alg": "HS256"}, key)
            for key in (pem, public.public_bytes_raw(), b"")
        ),
        f"{b64(json.dumps(header | {'alg': 'None'}).encode())}.{payload}.",
        f"{b64(json.dumps(header | {'alg': 'nOnE'}).encode())}.{payload}.{signature}",
        f"{signed}.{edited}.{signature}",
        f"{signed}.{payload}.",
        f"{signed}.{payload}",
        f"{signed}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{signed}.{payload}.{signature}.x",
        "..",
        "x",
        "%00",
        person.refresh_token,
        person.access_token + "A" * 16_000,
    ]
    for token in forgeries:
        await refused(house, token)


def hmac_token(claims: dict[str, Any], header: dict[str, Any], key: bytes) -> str:

    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{body}.{b64(hmac.digest(key, body.encode(), hashlib.sha256))}"


@pytest.mark.parametrize(
    "change",
    [
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": "http://evil.example/keys"},
        {"kid": ""},
        {"typ": "at+jwt"},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
    ],
    ids=str,
)
async def test_a_header_that_asks_for_something_else_is_refused(house: House, change: dict[str, Any]) -> None:
    person = await signed_in(house)
    header, claims = parts_of(person.access_token)
    key = house.resources.keyring.signing_key
    body = f"{b64(json.dumps(header | change).encode())}.{b64(json.dumps(claims).encode())}"
    await refused(house, f"{body}.{b64(key.sign(body.encode()))}")


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk"])
async def test_keys_named_in_a_header_are_not_used(house: House, name: str) -> None:
    person = await signed_in(house)
    _, claims = parts_of(person.access_token)
    thief = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(thief.public_key().public_bytes_raw()), "kid": "thief"}
    value = jwk if name == "jwk" else "http://127.0.0.1:9/keys"
    await refused(house, jwt.encode(claims, thief, algorithm="EdDSA", headers={"kid": "thief", name: value}))


async def test_a_token_counts_only_once_and_in_its_place(house: House) -> None:
    person = await signed_in(house)
    token = person.access_token
    for headers in (
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
        [("Authorization", token)],
        [("Authorization", f"Basic {token}")],
        [("Authorization", "Bearer ")],
        [("Authorization", f"Bearer {token} {token}")],
        [("Cookie", f"access_token={token}")],
    ):
        assert (await house.client.get(f"{API}/users/me", headers=headers)).status_code == 401
    assert (await house.client.get(f"{API}/users/me?access_token={token}")).status_code == 401
    assert (
        await house.client.get(f"{API}/users/me", headers={"Authorization": f"bearer {token}"})
    ).is_success


async def test_a_superusers_token_says_so(house: House) -> None:
    person = await signed_in(house)
    await house.sql('UPDATE auth."user" SET is_superuser = true WHERE id = :id', id=person.id)
    person.keep(await person.refresh())
    assert parts_of(person.access_token)[1]["is_superuser"] is True
    assert (await person.me()).json()["is_superuser"] is True


async def test_a_service_gets_a_token_of_its_own_audience(house: House) -> None:
    headers = await service_headers(house, SERVICE_SECRET)
    _, claims = parts_of(headers["Authorization"].removeprefix("Bearer "))
    assert claims.keys() == {"sub", "jti", "iat", "exp", "iss", "aud"}
    assert (claims["sub"], claims["aud"]) == ("billing", "theatre-internal")
    assert claims["exp"] - claims["iat"] <= 900
    answer = await house.client.get(f"{API}/users/me", headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "kit.forbidden")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_secret": SERVICE_SECRET + "x"}, 401),
        ({"client_secret": "пароль"}, 401),
        ({"client_id": "payment"}, 401),
        ({"client_id": "empty"}, 401),
        ({"client_id": "empty", "client_secret": ""}, 422),
        ({"client_id": "nul\x00"}, 422),
        ({"client_secret": "x" * 10_000}, 422),
        ({"grant_type": "password"}, 422),
        ({"grant_type": ""}, 422),
    ],
    ids=str,
)
async def test_who_is_no_service_gets_no_token(house: House, change: dict[str, str], status: int) -> None:
    form = {"grant_type": "client_credentials", "client_id": "billing", "client_secret": SERVICE_SECRET}
    answer = await house.client.post(f"{API}/token", data=form | change)
    assert answer.status_code == status
    if status == 401:
        assert code_of(answer) == "auth.bad_client"


async def test_a_user_does_not_become_a_service_by_password(house: House) -> None:
    """S-A13: there is no password grant for services."""
    person = await signed_in(house)
    form = {"grant_type": "password", "username": person.login, "password": person.password}
    assert (await house.client.post(f"{API}/token", data=form)).status_code == 422


async def test_sessions_outlive_a_restart_and_a_change_of_the_signing_key(open_house: OpenHouse) -> None:
    old, refresh_secret = Ed25519PrivateKey.generate(), secrets.token_hex(32)
    seed = base64.b64encode(old.private_bytes_raw()).decode()
    async with open_house(signing_key=seed, refresh_secret=refresh_secret) as house:
        person = await signed_in(house)
    public = base64.b64encode(old.public_key().public_bytes_raw()).decode()
    new = (
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )
    async with open_house(
        signing_key=new, further_public_keys=[public], refresh_secret=refresh_secret
    ) as house:
        person.house = house
        assert (await person.me()).status_code == 200
        before = parts_of(person.access_token)[0]["kid"]
        person.keep(await person.refresh())
        assert parts_of(person.access_token)[0]["kid"] != before
        assert (await person.me()).status_code == 200
    async with open_house(signing_key=seed, refresh_secret=secrets.token_hex(32)) as house:
        person.house = house
        assert (await person.me()).status_code == 401
        assert (await person.refresh()).status_code == 401


def rsa_pem() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def test_what_is_no_key_is_named_and_not_shown() -> None:
    private, public = rsa_pem()
    for wrong in ("not base64!", "c2hvcnQ=", private, "-----BEGIN nonsense"):
        with pytest.raises(BadKey, match="SIGNING_KEY") as refusal:
            read_keyring(AuthSettings.model_validate({"signing_key": wrong}))
        assert wrong not in str(refusal.value)
    for wrong in ("not base64!", "c2hvcnQ=", public, "-----BEGIN nonsense"):
        with pytest.raises(BadKey, match="FURTHER_PUBLIC_KEYS"):
            read_keyring(AuthSettings.model_validate({"further_public_keys": [wrong]}))


def test_a_public_key_may_be_given_as_pem() -> None:
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keyring = read_keyring(AuthSettings.model_validate({"further_public_keys": [pem]}))
    assert keyring.public[1]["x"] == b64(key.public_bytes_raw())
