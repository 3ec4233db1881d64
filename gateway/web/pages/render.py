"""Pages for a browser: templates that escape every value, and strict headers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import jinja2
from aiohttp import web

from gateway.web.messages import CATALOGUES, PageError
from gateway.web.page_templates import page_templates
from gateway.web.style_sheets import with_colours
from rules.mail.language import preferred_language, supported_language
from rules.policy import Policy

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
"""The headers of every page: it may load our style sheet and post to us, and nothing else."""


def _environment(language: str) -> jinja2.Environment:
    """The templates of a language, together with the shared ones."""
    made = page_templates(language, "shared")
    made.globals |= {"language": language, "style": STYLE_PATH}
    return made


TEMPLATES = MappingProxyType({language: _environment(language) for language in CATALOGUES})
_STYLE = with_colours("postern.css")


class Problem(Exception):
    """A request that ends with a page that says what is wrong and what to do."""

    def __init__(self, status: int, error: PageError) -> None:
        super().__init__(error.value)
        self.status = status
        self.error = error

    def response(self, language: str, again: str) -> web.Response:
        """The page; a temporary error says when to try again (RFC 9110 §10.2.3). `again` is where a
        visitor may start again; empty if that would not help."""
        message = CATALOGUES[language].page_errors[self.error]
        made = page(
            language,
            "problem.html",
            self.status,
            title=message.title,
            text=message.text,
            again=again,
        )
        if self.status in (429, 503):
            made.headers["Retry-After"] = str(PATIENCE_S)
        return made


def language_for(request: web.Request, policy: Policy | None = None, own: str = "") -> str:
    """The language of a page: the visitor's `own` where it is known, else the one that their
    browser asks for, else the policy's."""
    accepted = ",".join(request.headers.getall("Accept-Language", []))
    return supported_language(
        own, preferred_language(accepted), policy.language if policy is not None else ""
    )


def page(language: str, template: str, status: int = 200, **values: object) -> web.Response:
    """A template as a response; every value is escaped."""
    html = TEMPLATES[language].get_template(template).render(values)
    # Vary even if the header was not used for this page: another time it may be (RFC 9110 §12.5.5).
    headers = {**SAFE, "Content-Language": language, "Vary": "Accept-Language"}
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)


async def style(_: web.Request) -> web.Response:
    """The style sheet of all pages; it is not secret and may be cached for an hour."""
    headers = {**SAFE, "Cache-Control": f"public, max-age={STYLE_FRESH_S}"}
    return web.Response(text=_STYLE, content_type="text/css", headers=headers)
