"""The content of a mail: its text, its files, the command in it."""

from __future__ import annotations

from rules.commands import participant_command
from rules.mail import Body, Mail, Unreadable
from rules.mail.quoting import is_forward, visible
from rules.ticket.changes import Escalate, Unsubscribe

UNSUBSCRIBE = "#unsubscribe"


def body_text(mail: Mail) -> str:
    """The text of a mail; empty if it could not be read."""
    return mail.body.text if isinstance(mail.body, Body) else ""


def is_unreadable(mail: Mail) -> bool:
    return isinstance(mail.body, Unreadable)


def has_files(mail: Mail) -> bool:
    """Whether it has an attachment, pictures within its text aside (a logo in a signature)."""
    body = mail.body
    return isinstance(body, Body) and any(not a.inline for a in body.attachments)


def requested_command(mail: Mail) -> Unsubscribe | Escalate | None:
    """The command in the first line, or in the subject of a mail sent by a click."""
    if mail.subject.strip().casefold() == UNSUBSCRIBE:
        return Unsubscribe()
    return participant_command(visible(body_text(mail), forwarded=is_forward(mail.subject)).text)
