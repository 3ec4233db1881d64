"""The header of a mail, read once from the raw bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Author:
    """The one mailbox in the one From header."""

    address: str
    """Lower-case, domain as A-labels."""
    display_name: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """From does not name exactly one plain mailbox: no identity may be taken from it."""

    why: str


@dataclass(frozen=True, slots=True)
class Header:
    fields: tuple[tuple[str, bytes], ...]
