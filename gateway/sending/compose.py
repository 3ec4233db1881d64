"""Writes outgoing mails: a notice becomes the bytes that one recipient gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import assert_never

import jinja2

from gateway.sending.relay import Outgoing
from rules.addresses import domain_of
from rules.notices import INVITATION_LASTS, Kind
from rules.policy import Policy
from rules.tokens import Keys, Purpose, ReplyToken, message_id, reply_address, sign_up_token
from storage.outbox import About, Notice

# The modern policy parses what it is given before it writes it: four milliseconds a mail, and on
# Python before 3.13 a way in for a header line that stands in an encoded-word.
_WIRE = compat32.clone(linesep="\r\n", max_line_length=200)  # ids are not folded
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ANSWERED = re.compile(r"(?i)^(?:(?:re|aw|sv|antw)\s*:\s*)+")
_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.sending", "templates"),
    autoescape=False,  # noqa: S701 - plain text; an HTML part would have its own environment
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Writer:
    """What all outgoing mails of one moment have in common."""

    keys: Keys
    links_begin: str
    """What stands before the path of a link, such as `https://postern.help.example`."""

    def write(self, notice: Notice, policy: Policy) -> Outgoing:
        """The mail for one recipient; nobody else's token is ever in it.

        Marked as automatic (RFC 3834 §5), sent with the null reverse-path, so that no machine's
        answer comes back.
        """
        mailbox = notice.mailbox
        text = self._text(notice, policy)
        mail = MIMEText(text, "plain", "us-ascii" if text.isascii() else "utf-8")
        mail["From"] = formataddr((one_line(policy.sender_name), mailbox.address))
        mail["To"] = formataddr((one_line(notice.name), notice.address))
        mail["Subject"] = one_line(_subject(notice, policy))
        mail["Date"] = format_datetime(notice.created_at)
        mail["Message-ID"] = message_id(
            self.keys,
            mailbox.id,
            notice.about.ticket if notice.about else 0,
            notice.id,
            domain_of(mailbox.address),
        )
        if notice.answers:
            mail["In-Reply-To"] = notice.answers
            mail["References"] = notice.answers
        if notice.about is not None:
            mail["Reply-To"] = self._reply_to(notice, notice.about)
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
        return Outgoing(str(notice.id), "", notice.address, mail.as_bytes(policy=_WIRE))

    def _reply_to(self, notice: Notice, about: About) -> str:
        token = ReplyToken(about.ticket, about.participant, Purpose.REPLY)
        return reply_address(self.keys, notice.mailbox.id, notice.mailbox.address, token)

    def _text(self, notice: Notice, policy: Policy) -> str:
        mailbox = notice.mailbox.address
        match notice.kind:
            case Kind.ACKNOWLEDGEMENT:
                about = notice.about
                assert about is not None, "an acknowledgement is about its ticket"
                channel = policy.severity.critical_channel if about.critical_claimed else None
                return _templates.get_template("acknowledgement.txt").render(
                    name=one_line(notice.name) or notice.address,
                    critical_channel=channel,
                    text=policy.acknowledgement.text,
                    ticket=about.ticket,
                    subject=one_line(about.subject),
                    severity=about.severity,
                    mailbox=mailbox,
                )
            case Kind.INVITATION:
                until = notice.created_at + INVITATION_LASTS
                token = sign_up_token(self.keys, notice.mailbox.id, notice.address, until)
                return _templates.get_template("invitation.txt").render(
                    text=policy.texts.invitation,
                    link=f"{self.links_begin}/signup/{notice.mailbox.id}/{token}",
                    until=f"{until:%Y-%m-%d}",
                    mailbox=mailbox,
                )
            case _:
                assert_never(notice.kind)


def one_line(text: str) -> str:
    """Text that can stand in a header: Python before 3.13 lets a line end in an encoded-word out
    as a new header line, so `=?` goes as well."""
    return _CONTROLS.sub(" ", text).replace("=?", "= ?").strip()


def _subject(notice: Notice, policy: Policy) -> str:
    if notice.about is None:
        return f"Enrol to write to {notice.mailbox.address}"
    tag = policy.subject_tag.format.replace("{n}", str(notice.about.ticket))
    subject = _ANSWERED.sub("", notice.about.subject).replace(tag, "").strip()
    return f"Re: {tag} {subject}"
