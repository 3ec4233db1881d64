"""The templates of all pages, compiled before anybody opens one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic

import jinja2

from gateway.web.api import reference
from gateway.web.console import routes
from gateway.web.pages import render


def every_template() -> Iterator[tuple[jinja2.Environment, str]]:
    """Each template of a page, with the environment that keeps it once it is compiled."""
    for templates in (routes.TEMPLATES, *render.TEMPLATES.values(), reference.TEMPLATES):
        for name in templates.list_templates(["html"]):
            yield templates, name


async def compile_pages() -> None:
    """Compile every template in a thread, one after another.

    Else the first view of a page does so in the event loop, and mail waits for it. All of them take
    more than a second, and a server that has just started has mail to take: so it rests after each
    for as long as that took.
    """
    for templates, name in every_template():
        began = monotonic()
        await asyncio.to_thread(templates.get_template, name)
        await asyncio.sleep(monotonic() - began)
