"""What the subject of a comment says besides the subject of its ticket.

People change the subject of a reply to begin another matter, or write all that they have to say
into it. Nobody would see that on the ticket, where only the text of a reply is shown.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rules.mail.wordings.separators import FORWARD_PREFIXES

STORED_CHARACTERS = 998
EXAMINED_CHARACTERS = 4_000
SHOWN_CHARACTERS = 300
"""A ticket has many comments."""
_REPLY = (
    r"(?:re|aw|sv|antw|antwort|svar|vs|vá|odp|odg|ynt|res|rif|réf|ref|rép|atb|bls|răs|отв|відп"
    r"|απ|σχετ|השב|رد|trả lời|回复|答复|回覆|返信|답장|회신)"
    r"\s*(?:[\[(]\d{1,3}[\])])?\s*[:：]\s*"
)
_FORWARD = rf"(?:{'|'.join(map(re.escape, sorted(FORWARD_PREFIXES)))})\s*[:：]\s*"
_OUTCOME = (
    r"(?:(?<!\w)(?:(?:not )?done|(?:nicht )?ausgeführt"
    r"|received by staff|beim team eingegangen|waits for staff|wartet auf das team"
    r"|please use the channel for critical problems"
    r"|bitte den weg für kritische störungen nutzen): )?"
)
"""What our mails to customers write before the tag, and an answer to them repeats."""
_REPLY_MARKS = re.compile(f"(?:{_REPLY})+", re.IGNORECASE)
_MARKS = re.compile(rf"(?:\[?\s*(?:{_REPLY}|{_FORWARD}))+", re.IGNORECASE)
_COMPARED_CHARACTERS = 100
"""Of the ticket's subject: notices carry it shortened, and a reply repeats what they carry."""


def bare_subject(subject: str, tag_format: str) -> str:
    """The subject of a mail without tags in this format and without marks of a reply. A mark of a
    forward stays: it shows that the text is somebody else's."""
    return _without_marks(_untagged(subject, tag_format))[:STORED_CHARACTERS].strip()


def unmarked_subject(subject: str, tag_format: str) -> str:
    """The subject of a mail without tags in this format and without marks of replies or forwards,
    `[Fwd: …]` and `… (fwd)` among them."""
    untagged = _untagged(subject, tag_format)
    marks = _MARKS.match(untagged)
    said = untagged[marks.end() :] if marks else untagged
    if marks and "[" in marks[0]:
        said = said.removesuffix("]")
    return said.removesuffix("(fwd)")[:STORED_CHARACTERS].strip()


def is_reply(subject: str, tag_format: str) -> bool:
    """Whether a subject begins with a mark of a reply, tags in this format aside."""
    return _REPLY_MARKS.match(_untagged(subject, tag_format)) is not None


def _untagged(subject: str, tag_format: str) -> str:
    return " ".join(_tags(tag_format).sub(" ", subject[:EXAMINED_CHARACTERS]).split())


@lru_cache(maxsize=64)
def _tags(tag_format: str) -> re.Pattern[str]:
    before, _, after = tag_format.partition("{n}")
    tag = re.escape(before) + r"\d{1,12}" + re.escape(after)
    return re.compile(f"(?i:{_OUTCOME}){tag}")


def subject_besides(comment: str, ticket: str, *, by_staff: bool = False) -> str:
    """What to show of a comment's bare subject; empty where the ticket's subject says it already.

    Notices to staff put words of their own before the ticket's subject, and an answer repeats them:
    a staff person's subject that contains the ticket's says nothing of their own.
    """
    said, known = _plain(comment).rstrip("…"), _plain(_without_marks(ticket))
    if not said or said in known:
        return ""
    if by_staff and known and known[:_COMPARED_CHARACTERS] in said:
        return ""
    return comment if len(comment) <= SHOWN_CHARACTERS else f"{comment[: SHOWN_CHARACTERS - 1]}…"


def _without_marks(subject: str) -> str:
    on_one_line = " ".join(subject.split())  # long gaps would take quadratic time
    found = _REPLY_MARKS.match(on_one_line)
    return on_one_line[found.end() :] if found else on_one_line


def _plain(subject: str) -> str:
    return " ".join(subject.split()).casefold()
