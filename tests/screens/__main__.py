"""Pictures of every page, to look at: `python -m tests.screens FOLDER [BEGINNING …]`.

They are `page-language-width-theme.png`, of a desk that is filled for it. With beginnings, only
the pages whose names begin with one of them. The mails are in the folder `mails`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, BrowserContext, Error, FloatRect, StorageState

from rules.service.console_roles import ConsoleRole
from tests.chromium import chromium_beside
from tests.gateway.outgoing import gallery
from tests.screens.demo_desk import DemoDesk, a_demo_desk, links_of
from tests.screens.pictures import (
    AFTERWARDS,
    DOORS,
    EMPTY,
    PUBLIC,
    STATES,
    Picture,
    Seen,
    of_routes,
)
from tests.stores import SqliteStores


@dataclass(frozen=True)
class Shape:
    language: str
    width: int
    theme: Literal["light", "dark"]

    @property
    def height(self) -> int:
        return 800 if self.width < 600 else 900


SHAPES = (
    Shape("en", 390, "light"),
    Shape("en", 390, "dark"),
    Shape("en", 1280, "light"),
    Shape("en", 1920, "dark"),
    Shape("de", 390, "light"),
    Shape("de", 1280, "light"),
)
TALLEST = 9_000
"""Pixels of a picture: the reference of the API is ten times as long."""
ROLES = {
    Seen.ADMIN: ConsoleRole.ADMIN,
    Seen.OF_NOTHING: ConsoleRole.AGENT,
    Seen.WITHOUT_MAILBOX: ConsoleRole.VIEWER,
}


@dataclass(frozen=True)
class _Camera:
    demo: DemoDesk
    browser: Browser
    folder: Path
    begin: str
    """Of each address."""
    sessions: dict[Seen, StorageState]

    async def take(
        self, shape: Shape, beginnings: tuple[str, ...], pictures: Sequence[Picture]
    ) -> None:
        """Take those whose names begin so."""
        chosen = [each for each in pictures if each.name.startswith(beginnings)]
        for seen in {each.by for each in chosen}:
            context = await self.browser.new_context(
                viewport={"width": shape.width, "height": shape.height},
                locale=shape.language,
                color_scheme=shape.theme,
                storage_state=self.sessions.get(seen),
                reduced_motion="reduce",
            )
            for picture in (each for each in chosen if each.by is seen):
                await self._take(context, shape, picture)
            await context.close()

    async def _take(self, context: BrowserContext, shape: Shape, picture: Picture) -> None:
        page = await context.new_page()
        name = f"{picture.name}-{shape.language}-{shape.width}-{shape.theme}.png"
        try:
            await page.goto(self.begin + picture.path(self.demo))
            if picture.act is not None:
                await picture.act(page)
            tall = await page.evaluate("document.documentElement.scrollHeight")
            clip: FloatRect = {"x": 0, "y": 0, "width": shape.width, "height": min(tall, TALLEST)}
            await page.screenshot(path=self.folder / name, full_page=True, clip=clip)
        except Error as error:  # the others are worth seeing all the same
            print(f"{name}: {error.message}", file=sys.stderr)
        await page.close()


async def main(folder: Path, beginnings: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as store:
        url, place = SqliteStores(Path(store)).new(), Path(store)
        async with a_demo_desk(url, place, len(SHAPES)) as demo, chromium_beside() as browser:
            begin = str(demo.desk.site.client.make_url("")).rstrip("/")
            sessions = {}
            for seen, role in ROLES.items():
                link = await demo.desk.link(role, to=seen.value)
                sessions[seen] = await _log_in(browser, begin + link)
            camera = _Camera(demo, browser, folder, begin, sessions)
            for shape in SHAPES:
                await camera.take(shape, beginnings, [*of_routes(), *STATES, *EMPTY, *DOORS])
                await camera.take(shape, beginnings, PUBLIC)
            # They use links up, and change what the pages before show.
            for shape, ticket in zip(SHAPES, demo.done, strict=True):
                links = await links_of(demo, ticket)
                after = replace(camera, demo=replace(demo, links=links))
                await after.take(shape, beginnings, AFTERWARDS)


async def _log_in(browser: Browser, link: str) -> StorageState:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(link)
    await page.click("main button")
    await page.wait_for_url("**/console/")
    state = await context.storage_state()
    await context.close()
    return state


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    target, chosen = Path(sys.argv[1]), tuple(sys.argv[2:])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target, chosen or ("",)))
    if not chosen or "mails" in chosen:
        gallery.main(target / "mails")
