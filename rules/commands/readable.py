"""The text of a comment as people who are not staff may read it."""

from __future__ import annotations

from rules.commands import asks_for_note, without_commands
from rules.mail.extent import shown_part
from rules.mail.internal import without_internal
from rules.mail.introductions import without_introduction
from rules.mail.quote_starts import quoted_lines
from rules.mail.quoting import REPLY_MARK, published


def readable(text: str, *, mail_of_staff: bool, outside: bool = False) -> str:
    """Without internal text. The mail of a staff person may begin with commands, which give their
    reasons, and quote our notice to them in a form without its mark; that of somebody `outside`,
    who is not on the ticket, may quote one to a contact so."""
    if mail_of_staff:
        text = without_commands(published(text, REPLY_MARK))
    elif outside:
        above = _without_quotes(published(text, REPLY_MARK))
        text = above or published(_without_quotes(text), REPLY_MARK)
    return without_internal(text)


def _without_quotes(text: str) -> str:
    """What is written above, between and below quoted lines, without their introductions."""
    lines = shown_part(text).split("\n")
    kept: list[str] = []
    for line, is_quoted in zip(lines, quoted_lines(lines), strict=True):
        if not is_quoted:
            kept.append(line)
        elif kept:
            end = without_introduction([*kept, line], len(kept))
            del kept[end:]
            kept.append("")
    return "\n".join(kept).strip()


def is_meant_as_note(text: str) -> bool:
    """Whether a staff person's mail asks for a note, even beside a fault."""
    return asks_for_note(published(text, REPLY_MARK))
