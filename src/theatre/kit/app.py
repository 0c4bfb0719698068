"""The application factory: health, problem answers and the middleware that every service shares."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from theatre import __version__
from theatre.kit.db import is_transient, sqlstate
from theatre.kit.errors import Problem, Transient
from theatre.kit.logging import get_logger
from theatre.kit.middleware import BodyLimit, RequestContext, route_of
from theatre.kit.problems import problem_answer, validation_answer
from theatre.kit.reports import report
from theatre.kit.routing import StrictRoute

log = get_logger(__name__)

Check = Callable[[], Awaitable[None]]
READY_TIMEOUT_SECONDS = 3
HTTP_CODES = {
    404: "kit.not_found",
    405: "kit.method_not_allowed",
    400: "kit.bad_request",
    413: "kit.body_too_large",
}


def create_service_app(
    service: str,
    *,
    title: str,
    routers: Sequence[APIRouter],
    open_resources: Callable[[], AbstractAsyncContextManager[Any]],
    checks: Callable[[Any], Mapping[str, Check]],
) -> FastAPI:
    """Make one service's application.

    `open_resources` is entered by the lifespan and its value kept on `app.state.resources`; `checks` names what must
    answer before the service is ready. Routers carry their full prefix.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources() as resources:
            app.state.resources = resources
            app.state.checks = dict(checks(resources))
            yield

    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=lifespan,
        docs_url=f"/{service}/api/openapi",
        openapi_url=f"/{service}/api/openapi.json",
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (_health(service), *routers):
        # they are whole as they are: including them would make each of them anew, with the first request
        app.router.routes.extend(router.routes)
    answer_problems(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(DefectAnswer)
    app.add_middleware(RequestContext, service=service)
    return app


def _health(service: str) -> APIRouter:
    router = APIRouter(prefix=f"/{service}/api", tags=["health"], route_class=StrictRoute)

    @router.get("/_health", summary="Alive")
    async def alive() -> dict[str, str]:
        return {}

    @router.get("/_ready", summary="Ready to serve, or what is missing")
    async def ready(request: Request) -> Response:
        missing = await failing(getattr(request.app.state, "checks", {}))
        if not missing:
            return Response(b"{}", media_type="application/json")
        return problem_answer(
            Transient(f"Not ready: {', '.join(missing)}."), request=request, extra={"missing": missing}
        )

    return router


async def failing(checks: Mapping[str, Check]) -> list[str]:
    """Run every check at once and name those that fail or do not answer in time."""

    async def passes(name: str, check: Check) -> bool:
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                await check()
        except Exception as error:
            log.warning("not ready", check=name, error=repr(error))
            return False
        return True

    results = await asyncio.gather(*(passes(name, check) for name, check in checks.items()))
    return [name for name, good in zip(checks, results, strict=True) if not good]


def answer_problems(app: FastAPI) -> None:
    """Turn every exception that reaches the application into problem+json."""

    @app.exception_handler(Problem)
    async def from_problem(request: Request, error: Problem) -> Response:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("unavailable", code=error.code, detail=error.detail, cause=repr(error.__cause__))
        return problem_answer(error, request=request)

    @app.exception_handler(RequestValidationError)
    async def from_validation(request: Request, error: RequestValidationError) -> Response:
        return validation_answer(error.errors(), request=request)

    @app.exception_handler(HTTPException)
    async def from_http(request: Request, error: HTTPException) -> Response:
        return problem_answer(
            Problem(str(error.detail)),
            request=request,
            status=error.status_code,
            code=HTTP_CODES.get(error.status_code, "kit.http_error"),
            headers=error.headers,
        )

    @app.exception_handler(DBAPIError)
    async def from_database(request: Request, error: DBAPIError) -> Response:
        state = sqlstate(error)
        if error.connection_invalidated or is_transient(state):
            log.warning("database unavailable", sqlstate=state, error=repr(error.orig))
            return problem_answer(Transient(), request=request)
        raise error

    @app.exception_handler(PoolTimeout)
    async def from_pool(request: Request, _: PoolTimeout) -> Response:
        log.warning("database pool exhausted")
        return problem_answer(Transient(), request=request)

    @app.exception_handler(OSError)
    async def from_system(request: Request, error: OSError) -> Response:
        log.warning("dependency unavailable", error=repr(error))
        return problem_answer(Transient(), request=request)


class InternalError(Problem):
    """A defect of ours; the log has it under the request id."""

    code = "kit.internal_error"
    status = 500
    title = "Something broke on our side; quote the request id to support"


class DefectAnswer:
    """Answers what nobody foresaw with a problem of ours, and writes it to the log under the request id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            log.exception("defect", path=scope["path"], error=repr(error))
            report(error, route=f"{scope['method']} {route_of(scope)}")
            await problem_answer(InternalError(), request=Request(scope))(scope, receive, send)
