"""What our mails look like in a browser, in each theme, on a telephone and on a desk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from rules.ticket.notices import NoticeKind
from tests.chromium import IN_CHROMIUM, chromium
from tests.gateway.outgoing.gallery import SHAPES, Theme, filled

LEAST_CONTRAST = 4.5
"""Of text and its ground (WCAG 2.2, 1.4.3)."""
FAINT = """least => {
    const rgb = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(c => {
            c /= 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const color = rgb(getComputedStyle(at).backgroundColor);
            if (color.length < 4 || color[3] > 0) return color;
        }
        return [255, 255, 255];
    };
    const faint = [];
    for (const element of document.body.querySelectorAll('*')) {
        const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!own) continue;
        const one = light(rgb(getComputedStyle(element).color)), other = light(ground(element));
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < least) faint.push([element.textContent.trim().slice(0, 40), contrast]);
    }
    return faint;
}"""
"""The texts whose contrast is too low, with their contrast."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@IN_CHROMIUM
@pytest.mark.parametrize(("theme", "width", "language"), SHAPES)
def test_each_mail_fits_and_can_be_read(
    browser: Browser, theme: Theme, width: int, language: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=theme)
    wrong: dict[str, object] = {}
    for kind in NoticeKind:
        page.set_content(filled(kind, language))
        if faint := page.evaluate(FAINT, LEAST_CONTRAST):
            wrong[kind] = faint
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong[f"{kind}, width"] = wide
    page.close()

    assert wrong == {}
