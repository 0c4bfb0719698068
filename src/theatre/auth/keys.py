"""The keys of our tokens: the one that signs, those that are public, and the secret behind refresh tokens."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import OKPAlgorithm

from theatre.auth.settings import AuthSettings
from theatre.kit.access import ALGORITHM, Keys

PEM = "-----BEGIN"


class BadKey(Exception):
    """A key in the settings cannot be read; the message names the setting, not its value."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"AUTH_{setting} is not an Ed25519 key: give PEM, or its 32 bytes in base64")


@dataclass(frozen=True)
class Keyring:
    """Signs tokens and knows all public keys whose tokens hold."""

    signing_key: Ed25519PrivateKey
    public: Keys
    refresh_secret: bytes

    def sign(self, claims: dict[str, Any]) -> str:
        """Make a token of claims. The same claims make the same token."""
        headers = {"kid": self.public[0]["kid"]}
        return jwt.encode(claims, self.signing_key, algorithm=ALGORITHM, headers=headers)


def read_keyring(settings: AuthSettings) -> Keyring:
    """Read the keys from the settings; those that are missing are made, for this process only.

    Raises:
        BadKey: a setting holds something else.
    """
    given = settings.signing_key.get_secret_value()
    signing_key = _private_key(given) if given else Ed25519PrivateKey.generate()
    further = [_public_key(key) for key in settings.further_public_keys]
    secret = settings.refresh_secret.get_secret_value().encode() or secrets.token_bytes(32)
    return Keyring(signing_key, [_jwk(key) for key in (signing_key.public_key(), *further)], secret)


def _private_key(given: str) -> Ed25519PrivateKey:
    try:
        if not given.startswith(PEM):
            return Ed25519PrivateKey.from_private_bytes(base64.b64decode(given, validate=True))
        key = load_pem_private_key(given.encode(), password=None)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm) as error:
        raise BadKey("SIGNING_KEY") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey("SIGNING_KEY")
    return key


def _public_key(given: str) -> Ed25519PublicKey:
    try:
        if not given.startswith(PEM):
            return Ed25519PublicKey.from_public_bytes(base64.b64decode(given, validate=True))
        key = load_pem_public_key(given.encode())
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm) as error:
        raise BadKey("FURTHER_PUBLIC_KEYS") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey("FURTHER_PUBLIC_KEYS")
    return key


def _jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    """Describe a public key; its `kid` is the thumbprint of RFC 7638."""
    described = OKPAlgorithm.to_jwk(key, as_dict=True)
    members = orjson.dumps({name: described[name] for name in ("crv", "kty", "x")})
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(members).digest()).decode().rstrip("=")
    return {**described, "use": "sig", "alg": ALGORITHM, "kid": thumbprint}
