"""Debian's Chromium for tests of what people see. Playwright drives it and downloads none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from playwright import async_api
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
IN_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no Chromium on this machine: apt-get install chromium"
)


OPTIONS = ("--no-sandbox", "--disable-gpu")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, until the end of the context."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield browser
        browser.close()


@asynccontextmanager
async def chromium_beside() -> AsyncIterator[async_api.Browser]:
    """The same for a server in the test's own event loop."""
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield browser
        await browser.close()
