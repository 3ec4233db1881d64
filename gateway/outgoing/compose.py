"""Writes outgoing mails: a notice becomes the bytes that one recipient gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import quote

from gateway.authentication.signing import Signer
from gateway.outgoing import mime
from gateway.outgoing.context import TemplateContext, template_context
from gateway.outgoing.delivery import Outgoing
from gateway.outgoing.mime import Field
from gateway.outgoing.quoted_comment import Redactor
from gateway.outgoing.recipient_links import RecipientLinks
from gateway.outgoing.templates import Templates
from rules.mail.addresses import domain_of
from rules.policy import Policy
from rules.sender.tokens import Keys, loop_mark, message_id, return_path, thread_root
from rules.ticket.notices import NoticeKind
from storage.notices.outbox import Notice

_ID = re.compile(r"<[!-;=?-~]{1,300}>")
"""A Message-ID that can be put into a header as it is."""
LONGEST_LOCAL_PART = 64
"""In octets (RFC 5321 §4.5.3.1.1)."""
_LEAVABLE = (
    NoticeKind.COMMENT,
    NoticeKind.STATUS,
    NoticeKind.APPROVAL,
    NoticeKind.FOLLOW_UP,
    NoticeKind.FEEDBACK,
)
"""What a customer may ask to get no more of."""


@dataclass(frozen=True, slots=True)
class Composer:
    """What all outgoing mails of one moment have in common."""

    keys: Keys
    links_begin: str
    """What stands before the path of a link, such as `https://postern.help.example`."""
    templates: Templates = field(default_factory=Templates)
    signer: Signer = field(default_factory=Signer)
    own_addresses: frozenset[str] = frozenset()
    """Of all our mailboxes."""

    def write(self, notice: Notice, policy: Policy) -> Outgoing:
        """The mail for one recipient; nobody else's token is ever in it.

        ValueError for an address that cannot stand in a header.
        """
        mask = Redactor(self.own_addresses, self.links_begin)
        shown = template_context(notice, policy, self.keys, mask)
        folders = (notice.mailbox.address, notice.mailbox.policy)
        words = self.templates.rendered(notice.kind, shown, folders)
        parts = [("text/plain", mime.plain(words.text))]
        if words.html is not None:
            parts.append(("text/html", mime.plain(words.html)))
        content, body = mime.alternative(f"=_{notice.id.hex}", parts)
        fields = [
            ("From", mime.mailbox(_from_name(shown), notice.mailbox.address)),
            ("To", mime.mailbox(notice.name, notice.address)),
            ("Subject", mime.unstructured("Subject", words.subject)),
            ("Date", format_datetime(notice.created_at)),
            *self._threading(notice),
            *self._answering(notice, shown),
            *content,
        ]
        raw = self.signer.signed(mime.written(fields, body), domain_of(notice.mailbox.address))
        return Outgoing(str(notice.id), self._mail_from(notice), notice.address, raw)

    def _threading(self, notice: Notice) -> Iterator[Field]:
        """Every client finds the mail's place by these (RFC 5322 §3.6.4)."""
        mailbox, about = notice.mailbox, notice.about
        domain = domain_of(mailbox.address)
        ticket = about.ticket if about else 0
        yield "Message-ID", message_id(self.keys, mailbox.id, ticket, notice.id, domain)
        root = thread_root(self.keys, mailbox.id, ticket, domain) if about else ""
        known = (about.opened_by if about else "", root, notice.answers)
        references = [each for each in dict.fromkeys(known) if _ID.fullmatch(each)]
        if references:
            answered = notice.answers if notice.answers in references else root
            if answered:
                yield "In-Reply-To", answered
            yield "References", "\r\n ".join(references)

    def _answering(self, notice: Notice, shown: TemplateContext) -> Iterator[Field]:
        """Where a person's reply goes, and what keeps machines from giving one (RFC 3834 §5)."""
        if shown.reply_address:
            yield "Reply-To", shown.reply_address
        if not (notice.kind is NoticeKind.COMMENT and shown.words and shown.words.by_staff):
            answers = notice.kind.answers_a_mail
            yield "Auto-Submitted", "auto-replied" if answers else "auto-generated"
        yield "X-Auto-Response-Suppress", "All"
        yield "X-Postern-Loop", loop_mark(self.keys)
        if notice.kind in _LEAVABLE and shown.reply_address:
            yield from self._leaving(notice, shown)

    def _leaving(self, notice: Notice, shown: TemplateContext) -> Iterator[Field]:
        """One click in the client's own button (RFC 8058 §3.1: over https), or one word."""
        mail = f"<mailto:{quote(shown.reply_address, safe='@+')}?subject=%23unsubscribe>"
        link = RecipientLinks(notice, self.keys, self.links_begin).unsubscribe()
        if link.startswith("https://"):
            yield "List-Unsubscribe", f"<{link}>,\r\n {mail}"
            yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
        else:
            yield "List-Unsubscribe", mail

    def _mail_from(self, notice: Notice) -> str:
        """Null where the mail answers one; else what tells the notice that came back."""
        if notice.kind.answers_a_mail:
            return ""
        mailbox = notice.mailbox
        path = return_path(self.keys, mailbox.id, mailbox.address, notice.id)
        return path if len(path.rpartition("@")[0]) <= LONGEST_LOCAL_PART else ""


def _from_name(shown: TemplateContext) -> str:
    """`Sam via Support` over a person's words. No name with an @: it would look like an address."""
    words = shown.words
    if shown.kind != NoticeKind.COMMENT or words is None or "@" in words.name:
        return shown.sender
    return shown.sender if words.name == shown.sender else f"{words.name} via {shown.sender}"
