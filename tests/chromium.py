"""Debian's Chromium for tests of what people see. Playwright drives it and downloads none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
IN_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no Chromium on this machine: apt-get install chromium"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, until the end of the context."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()
