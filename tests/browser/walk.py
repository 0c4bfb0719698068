"""Walking through the house with a browser: each page is looked at, photographed, and checked to fit."""

from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Dialog, Page, expect

PATIENCE_MS = 20_000
GRAVE = {"serious", "critical"}
OVERFLOWS = "document.documentElement.scrollWidth > window.innerWidth"
SMALL_BUTTONS = """[...document.querySelectorAll('main button, main a.button')]
    .filter(it => it.offsetParent && it.getBoundingClientRect().height < 44).map(it => it.textContent)"""

MOST_BYTES = 150_000
BYTES = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter(it => !['video', 'fetch', 'xmlhttprequest'].includes(it.initiatorType))
    .reduce((sum, it) => sum + it.encodedBodySize, 0)"""


class Walk:
    """One visitor's way; `faults` collects whatever a page complained of. Without scripts axe cannot work either."""

    def __init__(self, page: Page, folder: Path, *, has_scripts: bool = True) -> None:
        self.page = page
        self.has_scripts = has_scripts
        self.folder = folder
        self.faults: list[str] = []
        self._pictures = 0
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("dialog", self._refuse)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    async def _refuse(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    async def look(self, name: str, *, is_dense: bool = False) -> None:
        """Photograph the page; see that it fits the screen, that its buttons can be hit, that it keeps nobody out.

        Pages of staff are dense: at a desk their buttons may be small.
        """
        self._pictures += 1
        await self.page.screenshot(path=self.folder / f"{self._pictures:02}-{name}.png", full_page=True)
        assert not await self.page.evaluate(OVERFLOWS), f"{name} is wider than the screen"
        if not is_dense:
            assert await self.page.evaluate(SMALL_BUTTONS) == [], f"{name} has buttons too small to hit"
        weight = await self.page.evaluate(BYTES)
        assert 0 < weight <= MOST_BYTES, f"{name} weighs {weight} bytes"
        if self.has_scripts:
            found = await Axe().run(self.page)
            barriers = [it for it in found.response["violations"] if it["impact"] in GRAVE]
            assert barriers == [], f"{name}: {found.generate_report()}"

    async def fill(self, **fields: str) -> None:
        """Fill in fields by their names."""
        for name, value in fields.items():
            await self.page.locator(f"input[name={name}]:visible").fill(value)

    async def press(self, selector: str) -> None:
        """Press the first button that is found so."""
        await self.page.locator(selector).first.click()

    async def arrive(self, path: str) -> None:
        """Wait until the browser is at an address that has this in it."""
        await self.page.wait_for_url(f"**{path}**")

    async def wait_for(self, selector: str, **text: Any) -> None:
        """Wait until something shows, with a text if one is given."""
        place = self.page.locator(selector).first
        await expect(place).to_be_visible(timeout=PATIENCE_MS)
        if text:
            await expect(place).to_contain_text(text["text"], timeout=PATIENCE_MS)
