"""What movies refuses."""

from theatre.kit.errors import Conflict, Forbidden, Invalid, NotFound, Problem


class FilmNotFound(NotFound):
    """No such film, or not for the public."""

    code = "movies.film_not_found"
    title = "No such film"


class GenreNotFound(NotFound):
    """No such genre."""

    code = "movies.genre_not_found"
    title = "No such genre"


class PersonNotFound(NotFound):
    """No such person."""

    code = "movies.person_not_found"
    title = "No such person"


class FilmChanged(Conflict):
    """A film is not any more as it was when somebody began to change it."""

    code = "movies.film_changed"
    title = "Somebody has changed this film in the meantime; look at it again"


class GenreTaken(Conflict):
    """Another genre has this word."""

    code = "movies.genre_taken"
    title = "There is a genre with this word already"


class InUse(Conflict):
    """Films name this genre or person."""

    code = "movies.in_use"
    title = "Films still name this; take it out of them first"


class GenreUnknown(Invalid):
    """A film names a genre that there is not."""

    code = "movies.genre_unknown"
    title = "A genre that is named does not exist"


class PersonUnknown(Invalid):
    """A film names a person that there is not."""

    code = "movies.person_unknown"
    title = "A person that is named does not exist"


class SheetUnreadable(Problem):
    """What was sent is no table of films at all."""

    code = "movies.sheet_unreadable"
    title = "This cannot be read as a table of films"


class NotYet(Forbidden):
    """The film's time has not begun."""

    code = "movies.not_yet"
    title = "This film cannot be watched yet"


class PaymentRequired(Problem):
    """Nothing that the viewer has opens this film; `products` are those that would."""

    code = "movies.payment_required"
    status = 402
    title = "This film needs a plan, or to be bought or rented"


class TicketInvalid(NotFound):
    """The address of a stream was not written by us."""

    code = "movies.ticket_invalid"
    title = "No such stream"


class TicketExpired(Forbidden):
    """The address of a stream has had its time; ask for another."""

    code = "movies.ticket_expired"
    title = "The address of this stream has expired; start the film again"
