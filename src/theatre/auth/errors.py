"""What auth refuses, in the words of CONTRACT 4."""

from theatre.kit.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Transient, Unauthenticated


class UserAlreadyExists(Problem):
    """The login or the e-mail address is taken, in any letter case."""

    code = "REGISTER_USER_ALREADY_EXISTS"
    status = 400
    title = "A user with this login or e-mail already exists"


class BadCredentials(Problem):
    """Unknown user, wrong password or disabled account: the three must not be told apart."""

    code = "LOGIN_BAD_CREDENTIALS"
    status = 400
    title = "Wrong login or password"


class NameTaken(Conflict):
    """The login or e-mail address that a user wants instead of the present one is taken."""

    code = "auth.name_taken"
    title = "This login or e-mail is taken"


class WeakPassword(Invalid):
    """A password that a guesser would try first. `errors` names the field."""

    code = "auth.weak_password"
    title = "This password is too easy to guess"

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message, errors=[{"field": "password", "code": word, "message": message}])


class WrongPassword(Forbidden):
    """The current password is needed for this change, and was absent or wrong."""

    code = "auth.wrong_password"
    title = "This change needs the current password"


class BadRefreshToken(Unauthenticated):
    """The refresh token does not hold: not ours, ended, or used before."""

    code = "auth.bad_refresh_token"
    title = "Sign in again"


class BadLink(Problem):
    """The token of a link does not hold: not ours, for something else, too old, used, or overtaken by a change."""

    code = "auth.bad_link"
    status = 400
    title = "This link does not hold any more; ask for a new one"


class BadClient(Unauthenticated):
    """Not one of our services, or a wrong secret."""

    code = "auth.bad_client"
    title = "Unknown client or wrong secret"


class UserNotFound(NotFound):
    """No such user."""

    code = "auth.user_not_found"
    title = "No such user"


class SessionNotFound(NotFound):
    """No such session, ended already, or somebody else's."""

    code = "auth.session_not_found"
    title = "No such session"


class NoticeNotFound(NotFound):
    """No such notice, or nothing to write any more: its link does not hold or the account is disabled."""

    code = "auth.notice_not_found"
    title = "There is nothing to write"


class HashingBusy(Transient):
    """More passwords wait to be checked than we let wait."""

    code = "auth.busy"
    title = "Too many sign-ins at this moment"
