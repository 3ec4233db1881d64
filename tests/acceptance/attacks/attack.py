"""An attack, and the answers that attacks receive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.acceptance.internet import (
    EVE,
)

UNKNOWN = "550 5.7.1 This address takes mail from registered users only"


HELD = "250 2.0.0 "


@dataclass(frozen=True)
class Attack:
    """A mail, and the result that it must have."""

    name: str
    raw: Callable[[], bytes]
    reply: str
    """The beginning of the reply."""
    reason: str
    """The reason in the journal; empty if the mail is refused before it is journalled."""
    mail_from: str = EVE
    helo: str = "mail.evil.example"
    evidence: tuple[str, ...] = ()
    """Results that the journal must contain, such as `spf=permerror`."""

    def __str__(self) -> str:
        return self.name


def rejected(
    name: str,
    raw: Callable[[], bytes],
    *evidence: str,
    mail_from: str = EVE,
    helo: str = "mail.evil.example",
) -> Attack:
    """An unproven mail in the name of a customer whose domain publishes p=reject."""
    return Attack(name, raw, UNKNOWN, "dmarc_reject", mail_from, helo, evidence)
