"""Wiring of the storefront."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
from fastapi import FastAPI

from theatre.kit.app import Check, create_service_app
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock, SystemClock
from theatre.web.assets import load_assets
from theatre.web.middleware import Visits
from theatre.web.pages import Pages
from theatre.web.resources import Resources
from theatre.web.routes import (
    account,
    buying,
    films,
    letters,
    links,
    methods,
    security,
    session,
    storefront,
    watching,
)
from theatre.web.routes.admin import (
    books,
    cases,
    catalogue,
    customers,
    deliveries,
    front,
    mailings,
    payments,
    people,
    refunds,
    reports,
    roles,
    templates,
    watch,
)
from theatre.web.settings import WebSettings
from theatre.web.upstream import Upstream


def create_app(
    settings: WebSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the storefront. It has no messages: `broker` is there for all services to be made alike."""
    assets = load_assets()
    pages = Pages(settings, assets)

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        async with AsyncExitStack() as stack:

            def reach(address: str) -> Upstream:
                upstream = Upstream(address, transport)
                stack.push_async_callback(upstream.close)
                return upstream

            yield Resources(
                settings=settings,
                auth=reach(settings.auth_url),
                billing=reach(settings.billing_url),
                movies=reach(settings.movies_url),
                notification=reach(settings.notification_url),
                pages=pages,
                clock=clock or SystemClock(),
            )

    app = create_service_app(
        "web",
        title="Storefront",
        routers=[
            *(storefront.router, films.router, watching.router, session.router, links.router, buying.router),
            *(account.router, methods.router, letters.router, security.router),
            *(front.router, payments.router, refunds.router, cases.router, customers.router),
            *(catalogue.router, books.router, reports.router, watch.router),
            *(people.router, roles.router),
            *(templates.router, mailings.router, deliveries.router),
        ],
        open_resources=open_resources,
        checks=list_checks,
    )
    app.state.assets = {asset.path: asset for asset in assets.values()}
    app.add_middleware(Visits, pages=pages, settings=settings)
    return app


def list_checks(resources: Resources) -> Mapping[str, Check]:
    """Name what pages cannot do without."""
    return {
        "auth": partial(resources.auth.check, "/auth/api/_health"),
        "billing": partial(resources.billing.check, "/billing/api/_health"),
    }
