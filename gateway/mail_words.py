"""What is known of a mail, as sentences: for `postern explain`, and for the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from rules.decision.reasons import Verdict
from rules.sentence import Sentence, sentence
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


def proof(authentication: Mapping[str, Any]) -> str:
    """What proves the author, and what is behind it."""
    vouched_by = authentication.get("vouched_by")
    by: str = authentication.get("by") or "nothing aligned"
    if authentication.get("author"):
        by += "; a list of ours replaced the author in From"
    return f"{by}; behind it: {vouched_by}" if vouched_by else by


def evidence(check: Mapping[str, Any]) -> str:
    """What one mechanism found."""
    aligned = "aligned" if check["aligned"] else "not aligned"
    detail = f", {check['detail']}" if check["detail"] else ""
    return f"{check['result']} {check['domain']} ({aligned}{detail})"
