"""The weight of pages and the time until something is seen, in Chromium, in front of the embedded house with its demo.

Each page is opened with an empty cache, several times, as a visitor, a viewer and a member of staff: bytes as they
travel (files come packed), first byte, first paint, and the page whole. The browser shares the machine's cores.
"""

import asyncio
import os
import shutil
import socket
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.async_api import Browser, async_playwright
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.stage import THEATRE, wait_ready

TIMES = 5
VISITOR_PAGES = ("/", "/films", "/films?query=stalker", "{film}", "/plans", "/signin")
VIEWER_PAGES = (
    "/account",
    "/account/payments",
    "/account/methods",
    "/account/notifications",
    "/account/security",
)
STAFF_PAGES = ("/admin", "/admin/payments", "/admin/reports/revenue", "/admin/ledger", "/admin/films")
SEEN = """async () => {
  const paint = await new Promise((seen) => {
    new PerformanceObserver((list) => list.getEntriesByName('first-contentful-paint').forEach(seen))
      .observe({ type: 'paint', buffered: true });
  });
  const [page] = performance.getEntriesByType('navigation');
  const all = [page, ...performance.getEntriesByType('resource')];
  return {
    bytes: all.reduce((sum, it) => sum + it.encodedBodySize, 0),
    files: all.length,
    first_byte: page.responseStart,
    paint: paint.startTime,
    whole: page.loadEventEnd,
  };
}"""


@dataclass(frozen=True)
class Seen:
    """A page as it was seen; milliseconds since it was asked for, medians of all times."""

    bytes: float
    files: float
    first_byte: float
    paint: float
    whole: float

    @classmethod
    def of(cls, times: list[dict[str, float]]) -> "Seen":
        return cls(**{name: statistics.median(seen[name] for seen in times) for name in times[0]})


async def main() -> None:
    """Measure and print the table."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("There is no Chromium among this machine's programs.")
    async with open_house() as url, async_playwright() as playwright:
        async with httpx.AsyncClient(base_url=url) as http:
            film = (await http.get("/movies/api/v1/films?limit=1")).json()["items"][0]["id"]
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--headless", "--no-sandbox"]
        )
        table = Table("page", "KB", "files", "first byte, ms", "first paint, ms", "whole, ms", title="pages")
        for login, paths in (("", VISITOR_PAGES), ("viewer", VIEWER_PAGES), ("admin", STAFF_PAGES)):
            cookies = await sign_in(browser, url, login) if login else []
            for path in track(paths, login or "visitor"):
                seen = await look(browser, url + path.format(film=f"/films/{film}"), cookies)
                numbers = (seen.files, seen.first_byte, seen.paint, seen.whole)
                table.add_row(path, f"{seen.bytes / 1000:.1f}", *(f"{number:.0f}" for number in numbers))
        Console().print(table)
        await browser.close()


async def sign_in(browser: Browser, url: str, login: str) -> list[Mapping[str, object]]:
    """Sign in as one of the demo's users; gives the cookies of the session."""
    context = await browser.new_context(base_url=url)
    page = await context.new_page()
    await page.goto("/signin")
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", login)
    await page.click("main form button")
    await page.wait_for_url("**/account")
    cookies = await context.cookies()
    await context.close()
    return [dict(cookie) for cookie in cookies]


async def look(browser: Browser, address: str, cookies: list[Mapping[str, object]]) -> Seen:
    """Open a page several times, each in a browser that has kept nothing but the session."""
    times = []
    for _ in range(TIMES):
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        await context.add_cookies(cookies)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(address, wait_until="load")
        times.append(await page.evaluate(SEEN))
        await context.close()
    return Seen.of(times)


@asynccontextmanager
async def open_house() -> AsyncIterator[str]:
    """Open a house of its own as `theatre up` does; gives its address."""
    with socket.socket() as free, tempfile.TemporaryDirectory(prefix="theatre-bench-") as home:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environ = {
            **os.environ,
            "THEATRE_HOME": home,
            "THEATRE_PORT": str(port),
            "THEATRE_LOG_LEVEL": "warning",
        }
        log = (Path(home) / "house.log").open("wb")
        house = await asyncio.create_subprocess_exec(*THEATRE, "up", env=environ, stdout=log, stderr=log)
        try:
            await wait_ready(f"http://127.0.0.1:{port}/web/api/_ready")
            yield f"http://127.0.0.1:{port}"
        finally:
            house.terminate()
            await house.wait()


if __name__ == "__main__":
    asyncio.run(main())
