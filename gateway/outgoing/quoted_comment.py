"""Somebody's words as another may read them: without quotes, signatures and secrets of others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.outgoing.mime import one_line, plain
from rules.commands import without_commands
from rules.mail.quoting import REPLY_MARK, is_forward, masked, published, visible
from rules.policy import Policy
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.notices.outbox import Notice
from storage.notices.outbox import NoticeComment as Comment

LONGEST_TEXT = 60_000
"""In characters; the whole is with the ticket."""
_PUBLIC_ONLY = (
    NoticeKind.ACKNOWLEDGEMENT,
    NoticeKind.COMMENT,
    NoticeKind.STATUS,
    NoticeKind.APPROVAL,
    NoticeKind.FOLLOW_UP,
    NoticeKind.FEEDBACK,
)
_FIRST_OF_A_TICKET = (NoticeKind.NEW_TICKET, NoticeKind.ACCOUNT_TEAM, NoticeKind.ESCALATION)


@dataclass(frozen=True, slots=True)
class QuotedComment:
    """A comment as its recipient sees it."""

    name: str
    """Of the author; the desk's where a staff person has none."""
    address: str
    """Empty for staff: customers write to the mailbox."""
    by_staff: bool
    private: bool
    text: str
    hidden: bool
    """A quoted part or a signature is left out."""
    shortened: bool
    degraded: bool
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes out of a text the reply addresses and links that were made for somebody else."""

    own_addresses: frozenset[str]
    """Of all our mailboxes: a token of one may be quoted in a mail to another."""
    links_begin: str

    def redact(self, text: str, mailbox: str) -> str:
        """The text as anybody may read it, in a mail from a mailbox."""
        without = masked(plain(text), self.own_addresses | {mailbox})
        begin = re.escape(self.links_begin)
        links = rf"{begin}/(signup|people|feedback|unsubscribe)/\d+/[A-Za-z2-7]+"
        return re.sub(links, rf"{self.links_begin}/\1", without)


def quoted_comment(notice: Notice, policy: Policy, mask: Redactor) -> QuotedComment | None:
    """The words of a notice, if it carries any.

    ValueError for words that are not public in a mail to a customer: whatever ordered it, such a
    mail is not written.
    """
    comment = notice.words
    if comment is None:
        return None
    if comment.visibility is not Visibility.PUBLIC and notice.kind in _PUBLIC_ONLY:
        raise ValueError(f"these words are no customer's to read: {comment.visibility}")
    text = mask.redact(comment.text, notice.mailbox.address)
    if comment.by_staff and not notice.kind.is_for_staff:
        text = _for_customers(text)
    subject = notice.about.subject if notice.about else ""
    forwarded = notice.kind in _FIRST_OF_A_TICKET and is_forward(subject)
    shown = visible(text, forwarded=forwarded)
    return QuotedComment(
        name=_author(comment, policy),
        address="" if comment.by_staff else comment.author,
        by_staff=comment.by_staff,
        private=comment.visibility is not Visibility.PUBLIC,
        text=shown.text[:LONGEST_TEXT].strip(),
        hidden=bool(shown.hidden.strip()),
        shortened=len(shown.text) > LONGEST_TEXT,
        degraded=comment.degraded,
        attachments=tuple(one_line(name) for name in comment.attachments),
    )


def _author(comment: Comment, policy: Policy) -> str:
    nobody = policy.sender_name if comment.by_staff else comment.author
    return one_line(comment.name or nobody, 60)


def _for_customers(text: str) -> str:
    """A staff person's words without his commands, and without what he quotes of ours."""
    said = published(text, REPLY_MARK)
    if not said and not _quotes_us(text):
        said = text  # written in the console, where a quote is meant
    return without_commands(said)


def _quotes_us(text: str) -> bool:
    """Whether a notice to staff is quoted in it, however it was wrapped."""
    return "".join(REPLY_MARK.strip("#-").split()) in re.sub(r"[>|\s]+", "", text)
