"""The error messages of the pages, from the folder of each language.

A name in braces is replaced by a value. All other text is in the templates.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

from rules.mail.language import KNOWN

FILE = "messages.toml"


class PageError(StrEnum):
    """An error that ends a request; it has a page of its own."""

    NOT_A_FORM = "not_a_form"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_OFTEN = "too_often"
    INTERNAL = "internal"
    """An error on our side."""
    NO_LINK = "no_link"
    NO_INVITATION = "no_invitation"


class FormError(StrEnum):
    """An error in a form; it is shown above the form, which can be sent again."""

    NO_CHOICE = "no_choice"
    FULL = "full"
    MOVED = "moved"
    FOLDED_OUTDATED = "folded_outdated"
    LONG_TEXT = "long_text"
    NO_ADDRESS = "no_address"
    NOT_AN_ADDRESS = "not_an_address"
    NOT_SERVED = "not_served"
    NO_NAME = "no_name"
    LONG_NAME = "long_name"


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The error messages in one language."""

    page_errors: Mapping[PageError, Message]
    form_errors: Mapping[FormError, str]


def form_error(language: str, error: FormError, **values: object) -> str:
    """The message for a form, with the values filled in."""
    return CATALOGUES[language].form_errors[error].format_map(values)


def _catalogue(language: str) -> Catalogue:
    """The messages of a language's folder. Raises ValueError for one that nothing uses."""
    file = resources.files("gateway.web").joinpath("templates", language, FILE)
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    return Catalogue(
        {PageError(key): Message(**message) for key, message in values["page_errors"].items()},
        {FormError(key): text for key, text in values["form_errors"].items()},
    )


CATALOGUES: Mapping[str, Catalogue] = MappingProxyType({each: _catalogue(each) for each in KNOWN})
