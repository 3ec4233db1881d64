"""Where templates are found: an operator's own folders first, then the shipped ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.outgoing.linked import linked
from gateway.outgoing.sentences import word, worded
from rules.mail.set_off import set_off
from rules.ticket.notices import NoticeKind

SUBJECT = "subject.txt.j2"
_SHIPPED = "templates"
_SHARED = "shared"


def text_name(kind: NoticeKind) -> str:
    return f"{kind.value}.txt.j2"


def html_name(kind: NoticeKind) -> str:
    return f"{kind.value}.html.j2"


@cache
def shipped(language: str) -> jinja2.Environment:
    """The shipped templates of a language."""
    return overlaid((), language)


def overlaid(folders: Sequence[Path], language: str) -> jinja2.Environment:
    """The templates in `folders`, the first taking precedence, over the shipped ones."""
    root = str(resources.files("gateway.outgoing").joinpath(_SHIPPED))
    paths = [*map(str, folders), f"{root}/{language}", f"{root}/{_SHARED}"]
    # What only our own templates do needs no sandbox, which takes more than a third of the calls of
    # a mail; and their files do not change while the server runs, as an operator's may.
    kind = ImmutableSandboxedEnvironment if folders else jinja2.Environment
    environment = kind(
        loader=jinja2.FileSystemLoader(paths),
        auto_reload=bool(folders),
        autoescape=lambda name: name is not None and ".html." in name,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["worded"] = worded
    environment.filters["word"] = word
    environment.filters["set_off"] = set_off
    environment.filters["linked"] = linked
    return environment
