"""What is known of a mail, as sentences: for `postern explain`, and for the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from rules.decision.reasons import Verdict
from rules.sender.authentication import ASSUMED
from rules.sentence import Phrase, Sentence, literal, phrase, sentence
from rules.ticket.notice_states import NoticeState
from storage.mail.journal import JournalEntry
from storage.notices.overview import NoticeSummary


def became(mail: NoticeSummary) -> Sentence:
    """What became of a mail that went out because of another."""
    match mail.state:
        case NoticeState.SENT if mail.sent_at:
            return sentence("sent {at}", at=f"{mail.sent_at:%Y-%m-%d %H:%M:%S}")
        case NoticeState.SENT:
            return sentence("sent")
        case NoticeState.DUE if mail.last_error:
            due = f"{mail.due_at:%Y-%m-%d %H:%M:%S}"
            return sentence("due {at}, last error: {error}", at=due, error=mail.last_error)
        case NoticeState.DUE:
            return sentence("due {at}", at=f"{mail.due_at:%Y-%m-%d %H:%M:%S}")
        case NoticeState.DEAD:
            return sentence("not sent: {error}", error=mail.last_error)
        case _:
            assert_never(mail.state)


def not_to(entry: JournalEntry) -> Sentence | None:
    """Who has a comment already, since they wrote it. Who else was left out is in the trace."""
    if entry.verdict in (Verdict.COMMENTED, Verdict.FLAGGED) and entry.author:
        return sentence("of it to {author}: their own words", author=entry.author)
    return None


def proof(authentication: Mapping[str, Any]) -> Phrase:
    """What proves the author, and what is behind it."""
    vouched_by = authentication.get("vouched_by")
    by: str = authentication.get("by") or "nothing aligned"
    # Anything else is a name, in which a brace is a brace.
    proven = phrase(by) if by in ("nothing aligned", ASSUMED.by) else literal(by)
    if authentication.get("author"):
        proven = phrase("{by}; a list of ours replaced the author in From", by=proven)
    if vouched_by:
        proven = phrase("{by}; behind it: {vouched_by}", by=proven, vouched_by=vouched_by)
    return proven


def evidence(check: Mapping[str, Any]) -> Phrase:
    """What one mechanism found."""
    aligned = phrase("aligned") if check["aligned"] else phrase("not aligned")
    if check["detail"]:
        aligned = phrase("{aligned}, {detail}", aligned=aligned, detail=check["detail"])
    text = "{result} {domain} ({aligned})"
    return phrase(text, result=check["result"], domain=check["domain"], aligned=aligned)
