"""What a command line can request: a change to the ticket, or a directive.

Changes are those of `rules.ticket.changes`, the one vocabulary. A directive is about the mail
itself: who reads its text, or that its author wants the list of commands.
"""

from __future__ import annotations

from dataclasses import dataclass

from rules.ticket.changes import MailChange


@dataclass(frozen=True, slots=True)
class Note:
    """The text is for staff alone."""


@dataclass(frozen=True, slots=True)
class Public:
    """The text is for everybody on the ticket."""


@dataclass(frozen=True, slots=True)
class Help:
    """The author wants the list of commands."""


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """The mail opens a ticket for this customer, and not for the staff person who sends it."""

    address: str
    """Normalised."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A saved reply goes before the text of the mail."""

    name: str
    """Empty for the list of them."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The author wants to know what waits for them, and what was not sent to them."""


Directive = Digest | Note | Public | Help | OnBehalf | Macro
Command = MailChange | Directive
