"""Writes outgoing mails: a notice becomes the bytes that one recipient gets."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import jinja2

from gateway.sending.relay import Outgoing
from rules.addresses import domain_of
from rules.notices import Kind
from rules.policy import Policy
from rules.tokens import Keys, Purpose, ReplyToken, message_id, reply_address
from storage.outbox import Notice

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.sending", "templates"),
    autoescape=False,  # noqa: S701 - plain text; an HTML part would have its own environment
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)


def compose(notice: Notice, policy: Policy, keys: Keys) -> Outgoing:
    """The mail for one recipient; nobody else's token is ever in it.

    Marked as automatic (RFC 3834 §5), sent with the null reverse-path, so that no answer of a
    machine comes back.
    """
    mailbox = notice.mailbox
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=one_line(policy.title), addr_spec=mailbox.address)
    mail["To"] = Address(display_name=one_line(notice.name), addr_spec=notice.address)
    mail["Subject"] = one_line(f"Re: {_tag(notice, policy)} {_bare_subject(notice.subject)}")
    mail["Date"] = format_datetime(notice.created_at)
    mail["Message-ID"] = message_id(
        keys, mailbox.id, notice.ticket, notice.id, domain_of(mailbox.address)
    )
    if _threads(notice.answers):
        mail["In-Reply-To"] = notice.answers
        mail["References"] = notice.answers
    token = ReplyToken(notice.ticket, notice.participant, Purpose.REPLY)
    mail["Reply-To"] = reply_address(keys, mailbox.id, mailbox.address, token)
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_text(notice, policy))
    return Outgoing(str(notice.id), "", notice.address, mail.as_bytes())


def one_line(text: str) -> str:
    """Text that can stand in a header: Python before 3.13 lets a line end in an encoded-word out
    as a new header line, so `=?` goes as well."""
    return _CONTROLS.sub(" ", text).replace("=?", "= ?").strip()


def _text(notice: Notice, policy: Policy) -> str:
    match notice.kind:
        case Kind.ACKNOWLEDGEMENT:
            template = _templates.get_template("acknowledgement.txt")
    return template.render(
        name=one_line(notice.name) or notice.address,
        critical_channel=policy.severity.critical_channel if notice.critical_claimed else None,
        text=policy.acknowledgement.text,
        ticket=notice.ticket,
        subject=one_line(notice.subject),
        severity=notice.severity,
        mailbox=notice.mailbox.address,
    )


def _tag(notice: Notice, policy: Policy) -> str:
    return policy.subject_tag.format.replace("{n}", str(notice.ticket))


def _bare_subject(subject: str) -> str:
    return re.sub(r"(?i)^(?:(?:re|aw|sv|antw)\s*:\s*)+", "", subject)


def _threads(message_id_: str) -> bool:
    return bool(message_id_) and len(message_id_) <= 250
