"""What the commands of a mail need to have looked up before the mail is decided."""

from __future__ import annotations

import re

from rules.commands import Help, Note, Public, parse_commands
from rules.decision.change.facts import Needs, needs_of
from rules.decision.content import body_text, requested_command
from rules.mail import Mail
from rules.mail.quoting import REPLY_MARK, published
from rules.policy import Policy
from rules.ticket.changes import Change

_MAY_COMMAND = re.compile(r"^[^\w\n#]{0,64}+[#\uff03\ufe5f]", re.MULTILINE)
"""A line that may be meant as a command; nearly no mail has one, and needs no closer look."""


def needs_of_commands(mail: Mail, policy: Policy) -> Needs:
    """Whoever wrote the mail: it is not known yet whether they may give commands."""
    text = body_text(mail)
    if not _MAY_COMMAND.search(text):
        return Needs()
    given = parse_commands(published(text, REPLY_MARK), policy.levels, policy.severity.ceiling)
    changes: list[Change] = [
        each for each in given.given if not isinstance(each, Note | Public | Help)
    ]
    asked = requested_command(mail)
    return needs_of([*changes, asked] if asked is not None else changes)
