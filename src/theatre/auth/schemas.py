"""What auth's doors take and give."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from theatre.auth.models import LoginMethod, LoginResult
from theatre.auth.names import Locale, fold
from theatre.kit.fields import Answer, Body, Storable


def _login(value: str) -> str:
    if not value.isprintable() or any(character.isspace() for character in value):
        raise ValueError("must not contain spaces or invisible characters")
    if "@" in fold(value):
        raise ValueError("must not contain @: that is for e-mail addresses")
    return value


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError("must be an e-mail address") from error


Login = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=64), Storable, AfterValidator(_login)
]
Email = Annotated[
    str, StringConstraints(strict=True, min_length=3, max_length=254), Storable, AfterValidator(_email)
]
Password = Annotated[str, StringConstraints(strict=True, min_length=8, max_length=128), Storable]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=512), Storable]
Token = Annotated[str, StringConstraints(min_length=1, max_length=4096), Storable]
Username = Annotated[str, StringConstraints(min_length=1, max_length=254), Storable]


class Registration(Body):
    """A new account. Without `locale` the Accept-Language header decides."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"login": "anna", "email": "anna@example.com", "password": "correct horse battery"}]
        }
    )

    login: Login
    email: Email
    password: Password = Field(repr=False)
    locale: Locale | None = None


class RegisteredAnswer(Answer):
    """The new account."""

    id: UUID
    login: str
    email: str
    is_superuser: bool


class UserAnswer(RegisteredAnswer):
    """An account as its owner sees it."""

    email_verified: bool
    locale: Locale
    created_at: datetime


class UserChange(Body):
    """What is to change. `login`, `email` and `password` need `current_password`."""

    login: Login | None = None
    email: Email | None = None
    password: Password | None = Field(None, repr=False)
    locale: Locale | None = None
    current_password: Secret | None = Field(None, repr=False)


class EmailRequest(Body):
    """The address that a link is to go to."""

    email: Email


class EmailVerification(Body):
    """Either the address that a link is to go to, or the token of that link."""

    email: Email | None = None
    token: Token | None = Field(None, repr=False)

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.email is None) == (self.token is None):
            raise ValueError("give either `email` or `token`")
        return self


class Nothing(Answer):
    """It is taken; there is nothing to say."""


class PasswordReset(Body):
    """The token of a link, and the password to be."""

    token: Token = Field(repr=False)
    password: Password = Field(repr=False)


class LoginForm(BaseModel):
    """A login or e-mail address with its password, as an OAuth 2 password form."""

    username: Username
    password: Secret = Field(repr=False)
    grant_type: Literal["", "password"] = "password"


class ClientForm(BaseModel):
    """A service that asks for its token."""

    grant_type: Literal["client_credentials"]
    client_id: Secret
    client_secret: Secret = Field(repr=False)


class RefreshRequest(Body):
    """The refresh token that came last."""

    refresh_token: Token = Field(repr=False)


class TokenAnswer(Answer):
    """An access token; `expires_in` in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int


class TokenPairAnswer(TokenAnswer):
    """The tokens of a session. The refresh token holds once."""

    refresh_token: str


class SessionAnswer(Answer):
    """A device on which the user is signed in; `device` is its name for people."""

    id: UUID
    device: str
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime = Field(validation_alias="rotated_at")
    expires_at: datetime
    is_current: bool = False


class LoginAttemptAnswer(Answer):
    """A try to log in; `device` is its name for people."""

    id: UUID
    succeeded: bool
    method: LoginMethod
    result: LoginResult
    device: str
    address: str
    user_agent: str
    occurred_at: datetime


class KeysAnswer(BaseModel):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]
