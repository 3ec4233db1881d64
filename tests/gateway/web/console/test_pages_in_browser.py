"""Every page of the console that needs no id, as a telephone and a browser's own rules see it."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import ConsoleMessage, ViewportSize

from gateway.web.console.routes import ROUTES
from rules.service.console_roles import ConsoleRole
from tests.chromium import IN_CHROMIUM, chromium_beside
from tests.gateway.web.console.desk import a_desk
from tests.gateway.web.link_pages import ANN
from tests.stores import SqliteStores

NARROW: ViewportSize = {"width": 390, "height": 800}
PAGES = [
    route.path
    for route in ROUTES
    if route.method == "GET" and "{" not in route.path and not route.path.endswith("/events")
]


@IN_CHROMIUM
async def test_no_page_is_wider_than_a_telephone_or_breaks_its_policy(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    async with a_desk(sqlite_stores.new(), tmp_path) as desk, chromium_beside() as browser:
        await desk.hold("A subject without any space in it: " + "x" * 80)
        page = await browser.new_page(viewport=NARROW, locale="de")
        faults: list[str] = []

        def note(said: ConsoleMessage) -> None:
            if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):
                faults.append(said.text)

        page.on("console", note)
        begin = str(desk.site.client.make_url("")).rstrip("/")
        await page.goto(begin + await desk.link(ConsoleRole.ADMIN))
        await page.click("main button")
        await page.wait_for_url("**/console/")

        wide = {}
        for path in PAGES:
            await page.goto(f"{begin}/console{path}")
            wide[path] = await page.evaluate("document.documentElement.scrollWidth")

        await page.goto(f"{begin}/console/try")
        await page.fill("#from", ANN)
        await page.check("[name=proven]")
        await page.click("main button")

        assert "Neues Ticket" in await page.inner_text(".outcome")
        assert {path: width for path, width in wide.items() if width > NARROW["width"]} == {}
        assert faults == []
