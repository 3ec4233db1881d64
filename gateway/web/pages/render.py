"""Pages for a browser: templates that escape whatever they are given, and strict headers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import jinja2
from aiohttp import web

from gateway.web.messages import CATALOGUES, PageError
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
"""What every page is sent with: it loads our style sheet, posts to us, and does nothing else."""


def _environment(language: str) -> jinja2.Environment:
    """The pages of a language, over what they have in common."""
    folders = (f"templates/{language}", "templates/shared")
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader("gateway.web", f) for f in folders]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"language": language, "style": STYLE_PATH}
    return made


_templates = MappingProxyType({language: _environment(language) for language in CATALOGUES})
_STYLE = (resources.files("gateway.web") / "static" / "postern.css").read_text(encoding="utf-8")


class Problem(Exception):
    """A request that ends in a page which says what is wrong and what to do."""

    def __init__(self, status: int, fault: PageError) -> None:
        super().__init__(fault.value)
        self.status = status
        self.fault = fault

    def response(self, language: str, again: str) -> web.Response:
        """The page; one that asks for patience says for how long (RFC 9110 §10.2.3). `again` is
        where a visitor may begin anew; empty where that would not help."""
        said = CATALOGUES[language].faults[self.fault]
        made = page(
            language, "problem.html", self.status, title=said.title, text=said.text, again=again
        )
        if self.status in (429, 503):
            made.headers["Retry-After"] = str(PATIENCE_S)
        return made


def language_for(request: web.Request, policy: Policy | None = None, own: str = "") -> str:
    """The language of a page: the visitor's `own` where it is known, else what his browser asks
    for, else the policy's."""
    asked = ",".join(request.headers.getall("Accept-Language", []))
    return supported_language(
        own, preferred_language(asked), policy.language if policy is not None else ""
    )


def page(language: str, template: str, status: int = 200, **values: object) -> web.Response:
    """A template as a response; every value is escaped."""
    html = _templates[language].get_template(template).render(values)
    # Vary even where the browser was not asked: another time it may be (RFC 9110 §12.5.5).
    headers = {**SAFE, "Content-Language": language, "Vary": "Accept-Language"}
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)


async def style(_: web.Request) -> web.Response:
    """The one style sheet of all pages; it is no secret and may be kept for an hour."""
    headers = {**SAFE, "Cache-Control": f"public, max-age={STYLE_FRESH_S}"}
    return web.Response(text=_STYLE, content_type="text/css", headers=headers)
