"""Composes outgoing mails: a notice becomes the bytes that one recipient gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from gateway.authentication.signing import Signer
from gateway.outgoing import mime
from gateway.outgoing.carried import Carried
from gateway.outgoing.carrier import NOTHING
from gateway.outgoing.context import TemplateContext, template_context
from gateway.outgoing.delivery import Outgoing
from gateway.outgoing.mime import Field
from gateway.outgoing.quoted_comment import Redactor
from gateway.outgoing.recipient_links import RecipientLinks
from gateway.outgoing.shown_files import content_id
from gateway.outgoing.templates import Rendered, Templates
from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.mail.images import image_type
from rules.policy import Policy
from rules.sender.masking import Masker
from rules.sender.tokens import Keys, loop_mark, message_id, return_path, thread_root
from storage.notices.outbox import Notice

_ID = re.compile(r"<[!-;=?-~]{1,300}>")
"""A Message-ID that can be put into a header unchanged."""
LONGEST_LOCAL_PART = 64
"""In octets (RFC 5321 §4.5.3.1.1)."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes mails with what all mails sent at one time have in common."""

    keys: Keys
    links_begin: str
    """The part of a link before its path, such as `https://postern.help.example`."""
    templates: Templates = field(default_factory=Templates)
    signer: Signer = field(default_factory=Signer)
    own_addresses: frozenset[str] = frozenset()
    """Of all our mailboxes."""
    mailboxes: tuple[int, ...] = ()
    """Their ids: a comment may quote what was sealed for any of them."""
    clock: Callable[[], datetime] | None = None
    """Without one, a mail is composed as if it were sent when it was ordered."""
    _redactors: dict[int, Redactor] = field(default_factory=dict, compare=False, repr=False)
    """By mailbox."""

    def write(self, notice: Notice, policy: Policy, carried: Carried = NOTHING) -> Outgoing:
        """The mail for one recipient; nobody else's token is ever in it. `carried` is what goes
        with the comment.

        ValueError for an address that is not valid in a header, and for a comment that the
        recipient may not read.
        """
        context, rendered = self._rendered(notice, policy, carried)
        content = _content(notice, rendered, carried, context)
        fields = [
            ("From", mime.mailbox(_from_name(notice, context), notice.mailbox.address)),
            ("To", mime.mailbox(notice.name, notice.address)),
            ("Subject", mime.unstructured("Subject", rendered.subject)),
            ("Date", format_datetime(notice.created_at)),
            *self._threading(notice),
            *self._answering(notice, context),
            ("MIME-Version", "1.0"),
            *content.fields,
        ]
        raw = mime.written(fields, content.body)
        raw = self.signer.signed(raw, domain_of(notice.mailbox.address))
        return Outgoing(str(notice.id), self._mail_from(notice), notice.address, raw)

    def preview(self, notice: Notice, policy: Policy) -> Rendered:
        """Subject and text of the mail as an operator may read them: without the recipient's own
        reply address and links. ValueError as for `write`."""
        _, rendered = self._rendered(notice, policy)
        mask = self._masker(notice.mailbox).mask
        return Rendered(mask(rendered.subject), mask(rendered.text), None)

    def _rendered(
        self, notice: Notice, policy: Policy, carried: Carried = NOTHING
    ) -> tuple[TemplateContext, Rendered]:
        now = self.clock() if self.clock is not None else None
        redactor = self._redactor(notice.mailbox)
        context = template_context(
            notice, policy, self.keys, self.links_begin, redactor, now, carried
        )
        folders = (notice.mailbox.address, notice.mailbox.policy)
        return context, self.templates.rendered(notice.kind, context, folders)

    def _redactor(self, mailbox: Mailbox) -> Redactor:
        if mailbox.id not in self._redactors:
            self._redactors[mailbox.id] = Redactor(self._masker(mailbox))
        return self._redactors[mailbox.id]

    def _masker(self, mailbox: Mailbox) -> Masker:
        """For the mails of a mailbox, whose own tokens are the likeliest in them."""
        others = tuple(each for each in self.mailboxes if each != mailbox.id)
        addresses = self.own_addresses | {mailbox.address}
        return Masker(self.keys, (mailbox.id, *others), addresses, self.links_begin)

    def _threading(self, notice: Notice) -> Iterator[Field]:
        """The fields by which clients find the mail's thread (RFC 5322 §3.6.4)."""
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

    def _answering(self, notice: Notice, context: TemplateContext) -> Iterator[Field]:
        """Where a person's reply goes, and what keeps machines from replying (RFC 3834 §5)."""
        traits, comment = notice.kind.traits, context.comment
        if context.reply_address:
            yield "Reply-To", context.reply_address
        if not (traits.in_authors_name and comment is not None and comment.by_staff):
            yield "Auto-Submitted", "auto-replied" if traits.answers_mail else "auto-generated"
        yield "X-Auto-Response-Suppress", "All"
        yield "X-Postern-Loop", loop_mark(self.keys)
        if traits.unsubscribable and context.reply_address:
            yield from self._unsubscribing(notice, context)

    def _unsubscribing(self, notice: Notice, context: TemplateContext) -> Iterator[Field]:
        """One click on the client's own button (RFC 8058 §3.1: over https), or one mail."""
        mail = f"<mailto:{quote(context.reply_address, safe='@+')}?subject=%23unsubscribe>"
        link = RecipientLinks(notice, self.keys, self.links_begin).unsubscribe()
        if link.startswith("https://"):
            yield "List-Unsubscribe", f"<{link}>,\r\n {mail}"
            yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
        else:
            yield "List-Unsubscribe", mail

    def _mail_from(self, notice: Notice) -> str:
        """The reverse-path: null where the mail answers one, else one that names the notice."""
        if notice.kind.traits.answers_mail:
            return ""
        mailbox = notice.mailbox
        path = return_path(self.keys, mailbox.id, mailbox.address, notice.id)
        return path if len(path.rpartition("@")[0]) <= LONGEST_LOCAL_PART else ""


def _content(
    notice: Notice, rendered: Rendered, carried: Carried, context: TemplateContext
) -> mime.Encoded:
    """The texts of a mail, with the images that its HTML shows, and with its files."""
    # None begins with another: a reader need not compare more of a line (RFC 2046 §5.1.1).
    boundaries = {kind: f"=_{kind}{notice.id.hex}" for kind in ("a", "m", "r")}
    forms = [mime.of_text("text/plain", mime.plain(rendered.text))]
    shown: set[str] = set()
    if rendered.html is not None:
        parts = [mime.of_text("text/html", mime.plain(rendered.html))]
        for name, content in carried.images.items():
            cid = content_id(notice, name)
            if f"cid:{cid}" in rendered.html:
                parts.append(mime.of_image(cid, image_type(content), content))
                shown.add(name)
        forms.append(mime.multipart("related", boundaries["r"], parts))
    texts = mime.multipart("alternative", boundaries["a"], forms)
    sources = {file.id: file for file in notice.comment.files} if notice.comment else {}
    named = context.comment.files if context.comment else ()
    files = [
        mime.of_file(file.name, sources[file.number].content_type, carried.contents[file.number])
        for file in named
        if file.number in carried.contents and sources[file.number].part not in shown
    ]
    return mime.multipart("mixed", boundaries["m"], [texts, *files])


def _from_name(notice: Notice, context: TemplateContext) -> str:
    """`Sam via Support` for a person's comment; not a name that would look like an address."""
    comment, desk = context.comment, context.sender
    if not notice.kind.traits.in_authors_name or comment is None or "@" in comment.name:
        return desk
    return desk if comment.name == desk else f"{comment.name} via {desk}"
