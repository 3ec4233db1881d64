"""Under whose name staff file a held mail."""

from __future__ import annotations

from enum import StrEnum

from rules.mail.addresses import normalise
from rules.mail.header import Author


class AuthorFault(StrEnum):
    """Why a held mail is not filed under the author that staff state, or do not state."""

    NOT_VALID = "not_valid"
    """It is not a valid email address."""
    MISSING = "missing"
    """The mail does not name exactly one author, and staff state none."""
    NAMED = "named"
    """The mail names its author."""


def stated_author(named: str, stated: str) -> Author | AuthorFault | None:
    """The author that staff state; None for the one that the mail names. Either may be empty.

    Only a mail that does not name exactly one author takes one: else anybody's mail could be filed
    as anybody else's.
    """
    address = normalise(stated) if stated else None
    if stated and address is None:
        return AuthorFault.NOT_VALID
    if named:
        return AuthorFault.NAMED if address is not None else None
    return Author(address) if address is not None else AuthorFault.MISSING
