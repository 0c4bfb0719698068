"""What the storefront's routes stand on, and how they are handed it."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from theatre.kit.clock import Clock
from theatre.web import sessions
from theatre.web.errors import ForgedForm
from theatre.web.pages import Pages
from theatre.web.settings import WebSettings
from theatre.web.staff_doors import Service
from theatre.web.upstream import Headers, Upstream
from theatre.web.visits import Visit

PAYMENTS = "/account/payments"


@dataclass(frozen=True, slots=True)
class Resources:
    """Opened with the application, closed with it."""

    settings: WebSettings
    auth: Upstream
    billing: Upstream
    movies: Upstream
    notification: Upstream
    pages: Pages
    clock: Clock

    def upstream(self, service: Service) -> Upstream:
        """Give a service by its name."""
        match service:
            case "auth":
                return self.auth
            case "billing":
                return self.billing
            case "movies":
                return self.movies
            case "notification":
                return self.notification


def current_resources(request: Request) -> Resources:
    """Give the resources of this application (a route dependency)."""
    resources: Resources = request.app.state.resources
    return resources


def current_visit(request: Request) -> Visit:
    """Give the visit that this request is (a route dependency)."""
    visit: Visit = request.state.visit
    return visit


House: TypeAlias = Annotated[Resources, Depends(current_resources)]
CurrentVisit: TypeAlias = Annotated[Visit, Depends(current_visit)]


async def current_user(house: House, visit: CurrentVisit) -> Headers:
    """Tell who is signed in, in the headers that other services want (a route dependency).

    Raises:
        Unauthenticated: nobody is.
    """
    return await sessions.identify(visit, house.auth, house.clock)


User: TypeAlias = Annotated[Headers, Depends(current_user)]


async def own_form(request: Request, house: House, visit: CurrentVisit) -> None:
    """Let in only forms that we gave to this visitor, sent from our own pages (a route dependency).

    Raises:
        ForgedForm: it is another's, of another session, or sent from elsewhere.
    """
    origin = request.headers.get("origin")
    own = {urlsplit(house.settings.public_url).netloc, request.headers.get("host", "")}
    if origin is not None and _host_of(origin) not in own:
        raise ForgedForm
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgedForm
    form_token = (await request.form()).get("form_token")
    if not isinstance(form_token, str) or not visit.has_sealed(form_token):
        raise ForgedForm


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # no address at all
        return None


def see_other(path: str, **query: str) -> RedirectResponse:
    """Answer a form: the result is on another page."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)
