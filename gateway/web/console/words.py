"""The words of the console: English in the code and the templates, which is also the key of its
translation."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib import resources

from markupsafe import Markup

Say = Callable[..., str]
"""`say(english, **values)`: the text in the reader's language, with its values filled in."""

_SPANS = (
    (timedelta(days=1), "{number} d"),
    (timedelta(hours=1), "{number} h"),
    (timedelta(minutes=1), "{number} min"),
)

_TICKET = re.compile(r"#(\d{1,18})\b")
"""As a sentence names a ticket."""


def in_language(language: str) -> Say:
    """The words in a language; a text without a translation is shown in English."""
    known = translations(language)

    def say(english: str, /, **values: object) -> str:
        template = known.get(english, english)
        return template.format_map(values) if values else template

    return say


def age(since: datetime, now: datetime, say: Say) -> str:
    """How long ago, in its largest unit: `3 h`."""
    passed = now - since
    for unit, form in _SPANS:
        if passed >= unit:
            return say(form, number=passed // unit)
    return say("now")


def divisible(address: str) -> Markup:
    """An address as markup that a narrow column divides after its `@` and before its dots, and not
    in the middle of a name; what is copied from the page is the address itself."""
    names = [Markup("<wbr>.").join(name.split(".")) for name in address.split("@")]
    return Markup("@<wbr>").join(names)


def with_tickets(text: str, tickets: str) -> Markup:
    """A text as markup in which `#42` leads to the ticket; `tickets` begins the paths of them."""
    link = Markup('<a href="{}/{}">#{}</a>')
    pieces = _TICKET.split(text)
    return Markup("").join(
        link.format(tickets, piece, piece) if at % 2 else piece for at, piece in enumerate(pieces)
    )


@cache
def translations(language: str) -> Mapping[str, str]:
    """Translations by their English text, of the pages and of the sentences of policies; empty for
    English."""
    found: dict[str, str] = {}
    for name in (f"{language}.toml", f"policies.{language}.toml"):
        file = resources.files("gateway.web").joinpath("templates", "console", name)
        if file.is_file():
            found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found
