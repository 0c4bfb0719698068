"""What movies refuses."""

from theatre.kit.errors import Conflict, Invalid, NotFound, Problem


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
