"""The `theatre` command. The environment is read here and nowhere below."""

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from theatre import registry
from theatre.kit.errors import Problem
from theatre.kit.garbage import spare_loaded
from theatre.kit.logging import configure_logging
from theatre.kit.metrics import serve_metrics, shared_metrics
from theatre.kit.reports import start_reports
from theatre.kit.servers import ServersError
from theatre.kit.settings import InsecureSettings, ServiceSettings
from theatre.kit.telemetry import start_export
from theatre.registry import BY_NAME, SERVICES, Service

if TYPE_CHECKING:
    from fastapi import FastAPI

    from theatre.billing.verification import Finding

# how `serve` tells the processes of granian whom they serve
SERVED = "THEATRE_SERVED"
BACKPRESSURE = 1024
STOP_SECONDS = 8
REFUSED = 2
T = TypeVar("T")

WELCOME = """
Online Theatre is ready: {url}

  mailbox     {url}/mail
  interfaces  {url}/billing/api/openapi (and so for every service)
  sign in as  viewer / viewer, or admin / admin who may do everything
  pay with    card 5555 5555 5555 4477, any date to come, any CVC, any code
  stop with   Ctrl-C; the data stays in {home}
"""

console = Console(stderr=True, highlight=False)
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Online Theatre: an online cinema.",
)
user = typer.Typer(no_args_is_help=True, help="Accounts.")
app.add_typer(user, name="user")
ledger = typer.Typer(no_args_is_help=True, help="The books.")
app.add_typer(ledger, name="ledger")
outbox = typer.Typer(no_args_is_help=True, help="What services have told each other.")
app.add_typer(outbox, name="outbox")


def known(name: str) -> Service:
    """Find a service by its name.

    Raises:
        typer.BadParameter: there is none.
    """
    if name not in BY_NAME:
        raise typer.BadParameter(f"there is no {name!r}, but {', '.join(BY_NAME)}")
    return BY_NAME[name]


def moment(text: str) -> datetime:
    """Read a moment.

    Raises:
        typer.BadParameter: it is none, or says no zone.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no moment") from error
    if read.tzinfo is None:
        raise typer.BadParameter(f"{text!r} names no zone: say Z, or an offset as +03:00")
    return read


ServiceArgument = Annotated[Service, typer.Argument(parser=known, metavar="SERVICE", help=", ".join(BY_NAME))]


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port to serve on.", envvar="THEATRE_PORT")] = 8000,
    reload: Annotated[bool, typer.Option(help="Restart the services when code changes.")] = False,
    reset: Annotated[bool, typer.Option(help="Delete all data first.")] = False,
) -> None:
    """Run the whole house in this process, with databases of its own, until Ctrl-C."""
    from theatre import embedded

    house = embedded.HouseSettings(port=port)
    house.check_production()
    if reset:
        run(embedded.reset(house))
    observe(house, house.service)
    if reload:
        run(embedded.live_reloading(house, os.environ))
        return
    serve_metrics(house)
    named = {service.name: service.read_settings() for service in SERVICES}
    with progress() as bar:
        task = bar.add_task("starting", total=None)

        def welcome(notes: Sequence[str]) -> None:
            bar.stop()
            lines = "".join(f"  note        {note}\n" for note in notes)
            print(WELCOME.format(url=house.site, home=house.home) + lines, flush=True)

        run(embedded.live(house, named, say=lambda step: bar.update(task, description=step), welcome=welcome))


@app.command()
def serve(
    service: ServiceArgument,
    host: Annotated[str, typer.Option(help="Address to listen on.", envvar="THEATRE_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", envvar="THEATRE_PORT")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
) -> None:
    """Serve one service over HTTP."""
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels
    from granian.server import Server

    settings = read(service)
    os.environ[SERVED] = service.name
    with shared_metrics(settings) as told:
        os.environ.update(told)
        Server(
            "theatre.cli:application",
            factory=True,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            address=host,
            port=port,
            workers=workers,
            workers_kill_timeout=STOP_SECONDS,
            backpressure=BACKPRESSURE,
            log_level=LogLevels.warning,
            process_name=f"theatre-{settings.service}",
        ).serve()


def application() -> "FastAPI":
    """Make the application that this process serves; called by granian in each of its processes."""
    service = BY_NAME[os.environ[SERVED]]
    settings = read(service)
    observe(settings, service.name)
    made = service.create_app(settings)
    spare_loaded()
    return made


@app.command()
def work(service: ServiceArgument) -> None:
    """Run the worker of one service: consumers, relays and due jobs."""
    if not service.has_worker:
        raise typer.BadParameter(f"{service.name} has no worker of its own")
    settings = read(service)
    observe(settings, f"{service.name}-worker")
    serve_metrics(settings)

    async def working() -> None:
        async with service.open_worker(settings) as worker:
            spare_loaded()
            await worker.run()

    run(until_signal(working()))


@app.command()
def init(service: ServiceArgument) -> None:
    """Make one service ready to serve: tables, queues, reference data. Safe to repeat."""
    settings = read(service)
    steps = {"tables": service.migrate, "queues": service.declare, "reference data": service.seed}
    with progress() as bar:
        for title, step in bar.track(steps.items(), description=f"init {service.name}"):
            bar.console.print(f"{service.name}: {title}")
            run(step(settings))


@app.command()
def migrate(
    service: Annotated[Service | None, typer.Argument(parser=known, metavar="[SERVICE]")] = None,
    all_services: Annotated[bool, typer.Option("--all", help="All services.")] = False,
) -> None:
    """Bring the tables of one service, or of all, up to date."""
    if (service is None) != all_services:
        raise typer.BadParameter("name one service, or say --all")
    chosen = [service] if service else list_deployed()
    with progress() as bar:
        for one in bar.track(chosen, description="migrating"):
            bar.console.print(one.name)
            run(one.migrate(read(one)))


@user.command("create-superuser")
def create_superuser(
    login: Annotated[str, typer.Option(prompt=True)],
    email: Annotated[str, typer.Option(prompt=True)],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Make an account that may do everything; at best let it ask for the password."""
    made = run(registry.create_superuser(read(BY_NAME["auth"]), login=login, email=email, password=password))
    print(f"superuser {login} has the id {made}")


@ledger.command("verify")
def verify_ledger(
    rebuild: Annotated[bool, typer.Option(help="Build the stored balances anew first.")] = False,
) -> None:
    """Check that the books are sound: every entry, balance, refund, schedule and the audit's chain."""
    from theatre.embedded import HouseSettings, reached

    async def verify() -> bool:
        async with reached(HouseSettings(), read(BY_NAME["billing"])) as settings:
            findings = registry.verify_ledger(settings, is_rebuilt=rebuild)
            return all([show(finding) async for finding in findings])

    def show(finding: "Finding") -> bool:
        is_good = finding.number == 0
        broken = f": {finding.number} broken, as {', '.join(finding.examples)}"
        print(f"{'OK ' if is_good else 'NO '} {finding.statement}{'' if is_good else broken}", flush=True)
        return is_good

    raise typer.Exit(0 if run(verify()) else 1)


@outbox.command("replay")
def replay_outbox(
    service: ServiceArgument,
    since: Annotated[
        datetime,
        typer.Option(
            parser=moment, metavar="MOMENT", help="From when on, as 2026-11-24T09:30:00Z; a day at most."
        ),
    ],
) -> None:
    """Send again what a service has sent since a moment, after a broker lost its data; whoever heard it drops it."""
    from theatre.embedded import HouseSettings, reached

    if not service.has_outbox:
        raise typer.BadParameter(f"{service.name} tells nobody anything")

    async def replayed() -> int:
        async with reached(HouseSettings(), read(service)) as settings:
            return await service.replay(settings, since=since)

    print(f"{run(replayed())} messages of {service.name} are sent again")


@app.command()
def reconcile(
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day, as providers reckon it.")],
    provider: Annotated[str, typer.Option(help="One payment system instead of all.")] = "",
    register: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its register of the day, to be imported."),
    ] = None,
) -> None:
    """Compare the ledger of a day with what payment systems list and with their registers; 0 if all is explained."""
    from theatre.bookkeeper import Wanted, perform
    from theatre.embedded import HouseSettings, reached

    async def reconciled() -> bool:
        async with reached(HouseSettings(), read(BY_NAME["billing"])) as settings:
            wanted = Wanted(day.date(), provider or None, register)
            with progress() as bar:
                return await perform(settings, wanted, bar=bar, console=Console(highlight=False))

    raise typer.Exit(0 if run(reconciled()) else 1)


@app.command()
def index(
    check: Annotated[bool, typer.Option(help="Compare it with the tables instead; 0 if both agree.")] = False,
) -> None:
    """Build the search index of films and people anew, beside the one in use."""
    from theatre.librarian import index as build

    with progress() as bar:
        settings, console = read(BY_NAME["movies"]), Console(highlight=False)
        is_sound = run(build(settings, is_checked=check, bar=bar, console=console))
    raise typer.Exit(0 if is_sound else 1)


@app.command()
def faker(
    films: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many films to make up.")],
    seed: Annotated[int, typer.Option(min=0, max=65_535, help="The same seed makes the same films.")] = 1,
) -> None:
    """Fill the catalogue with made-up films, for load and for show, and index them."""
    from theatre.librarian import fill

    with progress() as bar:
        run(fill(read(BY_NAME["movies"]), films, seed, bar=bar, console=Console(highlight=False)))


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="Address of a running server.", envvar="THEATRE_PUBLIC_URL")] = "",
) -> None:
    """Buy a plan and take the money back, over HTTP, as a user's browser would."""
    from theatre.demo import perform

    address = url or f"http://127.0.0.1:{os.environ.get('THEATRE_PORT', '8000')}"
    raise typer.Exit(0 if perform(address, Console(highlight=False)) else 1)


@app.command()
def doctor() -> None:
    """Say what is configured, what of it answers, and at which version."""
    from theatre.doctor import examine
    from theatre.embedded import HouseSettings

    settings = {service.name: service.read_settings() for service in SERVICES}
    raise typer.Exit(0 if run(examine(settings, HouseSettings().site, Console(highlight=False))) else 1)


def list_deployed() -> list[Service]:
    """List the services that belong to this environment."""
    return [one for one in SERVICES if one.in_production or one.read_settings().env != "production"]


def read(service: Service) -> ServiceSettings:
    """Read a service's settings and refuse those that must not be used in production.

    Raises:
        InsecureSettings
    """
    settings = service.read_settings()
    settings.check_production()
    return settings


def observe(settings: ServiceSettings, name: str) -> None:
    """Set up logs of this process, and the export of traces and errors where the settings name a receiver."""
    configure_logging(form=settings.log_format, level=settings.log_level)
    atexit.register(start_export(name, settings.otlp_endpoint, environment=settings.env))
    atexit.register(start_reports(settings.sentry_dsn, environment=settings.env))


async def until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or SIGINT or SIGTERM comes, which cancels it."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own."""
    return uvloop.run(work)


def progress() -> Progress:
    """Make the bar of long work."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def describe(error: ValidationError) -> str:
    """Name the settings that cannot be read, without their values."""
    faults = [f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
    return f"settings of {error.title} cannot be read: {'; '.join(faults)}"


def main() -> None:
    """Run the command; what cannot be done is said in one line."""
    try:
        app()
    except (InsecureSettings, ServersError, Problem) as error:
        refuse(str(error))
    except ValidationError as error:
        refuse(describe(error))


def refuse(reason: str) -> NoReturn:
    """Say why the command cannot be carried out, and end."""
    console.print(reason, style="red", markup=False)
    sys.exit(REFUSED)
