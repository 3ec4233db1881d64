"""What may be saved as a reply: all of it must reach its readers."""

from __future__ import annotations

from rules.commands import command_lines
from rules.mail.quoting import REPLY_MARK, published
from rules.sentence import Sentence, sentence
from rules.ticket.saved_replies import LONGEST_TEXT, unfilled, unknown_placeholder


def cannot_be_saved(name: str, text: str) -> Sentence | None:
    """Why a text cannot be a saved reply; None if it can."""
    if not text.strip():
        return sentence("the text is empty")
    if len(text) > LONGEST_TEXT:
        return sentence("the text has more than {most} characters", most=LONGEST_TEXT)
    if (unknown := unknown_placeholder(text)) != "":
        return unfilled(name, unknown)
    if lines := command_lines(text):
        return sentence("the text has a line that is a command: {line}", line=lines[0][:60])
    if published(text, REPLY_MARK) != text.strip():
        return sentence("a part of the text looks like a quotation or a signature, and is not sent")
    return None
