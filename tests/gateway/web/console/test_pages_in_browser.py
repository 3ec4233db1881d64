"""Every page of the console, as a telephone, a browser's own rules and axe see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, ViewportSize

from gateway.web.console.routes import ROUTES
from rules.mail import Delivery, Envelope
from rules.service.console_roles import ConsoleRole
from tests.chromium import IN_CHROMIUM, chromium_beside
from tests.gateway.web.console.desk import Desk, a_desk
from tests.gateway.web.link_pages import ANN, SUPPORT
from tests.in_process import a_mail
from tests.screens.pictures import open_details
from tests.stores import SqliteStores

NARROW: ViewportSize = {"width": 390, "height": 800}
PAGES = [
    route.path
    for route in ROUTES
    if route.method == "GET" and "{" not in route.path and not route.path.endswith("/events")
]
"""Those that need no id."""
PAGES_OF_ONE = [
    route.path
    for route in ROUTES
    if route.method == "GET" and re.search(r"\{\w+\}$", route.path) and "part" not in route.path
]
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
SERIOUS = frozenset({"serious", "critical"})


async def enter(desk: Desk, page: Page) -> str:
    """Logs in; returns the address of the console."""
    begin = str(desk.site.client.make_url("")).rstrip("/")
    await page.goto(begin + await desk.link(ConsoleRole.ADMIN))
    await page.click("main button")
    await page.wait_for_url("**/console/")
    return f"{begin}/console"


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
        console = await enter(desk, page)

        wide = {}
        for path in PAGES:
            await page.goto(f"{console}{path}")
            wide[path] = await page.evaluate("document.documentElement.scrollWidth")

        await page.goto(f"{console}/try")
        await page.fill("#from", ANN)
        await page.check("[name=proven]")
        await page.click("main button")

        assert "Neues Ticket" in await page.inner_text(".outcome")
        assert {path: width for path, width in wide.items() if width > NARROW["width"]} == {}
        assert faults == []


@IN_CHROMIUM
async def test_axe_finds_nothing_serious_on_any_page_in_either_theme(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    async with a_desk(sqlite_stores.new(), tmp_path) as desk, chromium_beside() as browser:
        await desk.hold()
        await desk.site.set_ticket(status="open")  # a person waits on it
        await desk.site.services.ingest.take(Delivery(envelope_of(ANN), a_mail(ANN, "Once more")))
        page = await browser.new_page()
        console = await enter(desk, page)
        links: set[str] = set()
        found: list[str] = []

        for path in [*PAGES, "/outbox?view=waiting"]:
            await page.goto(f"{console}{path}")
            links.update(await page.eval_on_selector_all("a", "all => all.map(a => a.pathname)"))
            found += [f"{path}: {each}" for each in await findings(page)]
        of_one = {path: a_link(path, links) for path in PAGES_OF_ONE}
        way = of_one["/held/{id}"].replace("/held/", "/mails/") + "?view=way"
        for path, link in [*of_one.items(), ("the way of a held mail", way)]:
            await page.goto(console.removesuffix("/console") + link)
            found += [f"{path}: {each}" for each in await findings(page)]

        assert found == []


def envelope_of(author: str) -> Envelope:
    return Envelope("127.0.0.1", "", False, author, (SUPPORT,))


def a_link(path: str, links: set[str]) -> str:
    """A link to a page of this path."""
    pattern = re.compile("/console" + re.sub(r"\{\w+\}", "[^/]+", path))
    found = [link for link in sorted(links) if pattern.fullmatch(link)]
    assert found, f"no page links to one of {path}"
    return found[0]


async def findings(page: Page) -> list[str]:
    """What axe finds in light and in dark, where colours are all that differs. What is folded is
    opened: forms, quoted text, tables of charts."""
    await open_details(page)
    await page.evaluate(AXE)
    await page.emulate_media(color_scheme="light")
    found = [*serious(await page.evaluate("axe.run({iframes: false})"))]
    await page.emulate_media(color_scheme="dark")
    return [*found, *serious(await page.evaluate("axe.run({runOnly: ['color-contrast']})"))]


def serious(results: dict[str, Any]) -> Iterator[str]:
    assert results["passes"]
    for violation in results["violations"]:
        if violation["impact"] in SERIOUS:
            yield f"{violation['id']} {[node['html'] for node in violation['nodes']]}"
