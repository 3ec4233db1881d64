"""The style sheets of all pages."""

from __future__ import annotations

from functools import cache
from importlib import resources

COLOURS = "colours.css"


@cache
def style_sheet(name: str) -> str:
    """A style sheet on its own."""
    return (resources.files("gateway.web") / "static" / name).read_text(encoding="utf-8")


def with_colours(name: str) -> str:
    """A style sheet behind the colours that all pages share: one request, and no `@import`, for
    which a browser would wait."""
    return f"{style_sheet(COLOURS)}\n{style_sheet(name)}"
