"""What auth refuses, in the words of CONTRACT 4."""

from collections.abc import Collection

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


class RoleNotFound(NotFound):
    """No such role."""

    code = "auth.role_not_found"
    title = "No such role"


class RoleAlreadyExists(Conflict):
    """The name of a role is taken."""

    code = "ROLE_ALREADY_EXISTS"
    title = "A role of this name already exists"


class RoleSeeded(Conflict):
    """A role that every installation has keeps its name and cannot be deleted."""

    code = "auth.role_seeded"
    title = "This role belongs to every installation: it keeps its name and stays"


class UnknownPermission(Invalid):
    """A word that no service asks for. `errors` names it."""

    code = "auth.unknown_permission"
    title = "There is no such permission"

    def __init__(self, words: Collection[str]) -> None:
        message = f"There is no permission {', '.join(words)}."
        super().__init__(
            message, errors=[{"field": "permissions", "code": "unknown_permission", "message": message}]
        )


class BeyondYourRights(Forbidden):
    """Nobody gives or takes what they do not hold, nor acts on an account that may do more than theirs."""

    code = "auth.beyond_your_rights"
    title = "This is more than you may do yourself"


class OwnAccount(Conflict):
    """Nobody blocks themselves."""

    code = "auth.own_account"
    title = "Nobody can block their own account"


class LastSuperuser(Conflict):
    """Without this superuser there would be none who is not blocked."""

    code = "auth.last_superuser"
    title = "The last superuser cannot be blocked"
