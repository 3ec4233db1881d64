"""Pages for a browser: templates that escape whatever they are given, and strict headers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import jinja2
from aiohttp import web

STYLE_PATH = "/static/postern.css"
STYLE_FRESH_S = 3600
PATIENCE_S = 60

SAFE: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",  # a link's path is its secret
        "Cache-Control": "no-store",
    }
)
"""What every page is sent with: it loads our style sheet, posts to us, and does nothing else."""

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.web", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = (resources.files("gateway.web") / "static" / "postern.css").read_text(encoding="utf-8")


class Problem(Exception):
    """A request that ends in a page which says what is wrong and what to do."""

    def __init__(self, status: int, title: str, text: str, again: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.again = again
        """Where a visitor may begin anew; empty where that would not help."""

    def response(self) -> web.Response:
        """The page; one that asks for patience says for how long (RFC 9110 §10.2.3)."""
        made = page("problem.html", self.status, title=self.title, text=self.text, again=self.again)
        if self.status in (429, 503):
            made.headers["Retry-After"] = str(PATIENCE_S)
        return made


def page(template: str, status: int = 200, **values: object) -> web.Response:
    """A template as a response; every value is escaped."""
    html = _templates.get_template(template).render(style=STYLE_PATH, **values)
    return web.Response(text=html, status=status, content_type="text/html", headers=SAFE)


async def style(_: web.Request) -> web.Response:
    """The one style sheet of all pages; it is no secret and may be kept for an hour."""
    headers = {**SAFE, "Cache-Control": f"public, max-age={STYLE_FRESH_S}"}
    return web.Response(text=_STYLE, content_type="text/css", headers=headers)
