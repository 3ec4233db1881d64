"""A comment as its recipient may read it: without quotes, signatures and secrets of others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from gateway.outgoing.carried import Carried
from gateway.outgoing.carrier import NOTHING
from gateway.outgoing.dates import date_and_time
from gateway.outgoing.mime import one_line, plain
from gateway.outgoing.recipient_links import RecipientLinks
from gateway.outgoing.sentences import worded
from gateway.outgoing.shown_files import FileView, files_of, html_of
from rules.commands import commands_first, without_commands
from rules.commands.readable import readable
from rules.identity import is_unproven
from rules.mail.extent import is_shown_in_part, shown_once_masked
from rules.mail.internal import leaves_out_words, quotes_internal, without_internal
from rules.mail.invisible import as_seen, without_marks
from rules.mail.language import supported_language
from rules.mail.opening import ENCRYPTED
from rules.mail.quoting import REPLY_MARK, is_forward, published, visible
from rules.policy import Policy
from rules.sender.masking import Masker
from rules.service.calendars import zone_of
from rules.ticket.notices import Audience
from rules.ticket.payloads import REFUSED_WORDS
from rules.ticket.visibility import Visibility
from storage.notices.comments import NoticeComment as Comment
from storage.notices.outbox import Notice

LONGEST_TEXT = 60_000
"""In octets of its HTML: a client that cuts mails does so at 102 KB (Gmail). The whole text is kept
with the ticket."""
LONGEST_BEGINNING = 2_000
"""The same, in a mail that is not about a comment, and shows the last."""
REMEMBERED = 10_000
"""In characters: longer texts are rare, and those of one round might fill the memory."""
_WIDEST = 6
"""Octets of a character in HTML, at most."""


@dataclass(frozen=True, slots=True)
class QuotedComment:
    """A comment as its recipient sees it."""

    name: str
    """Of the author; the desk's where a staff person has none."""
    address: str
    """Empty for staff: customers write to the mailbox."""
    by_staff: bool
    private: bool
    subject: str
    """Of its mail; empty where the ticket's subject says the same."""
    text: str
    hidden: bool
    """A quoted part or a signature is left out."""
    hidden_lines: tuple[tuple[str, int], ...]
    """How many lines are left out of each kind: `quoted text`, `signature`, `client line`."""
    hidden_above: int
    """How many of them a customer wrote their answer below."""
    shortened: bool
    degraded: bool
    attachments: tuple[str, ...]
    unproven: bool
    """Nothing, or nothing but a reply address, proves that its author wrote it."""
    proof: str
    """How its author is proven; empty for customers, and where it was not recorded."""
    number: int = 0
    """Names it in a command."""
    at: str = ""
    """When it was written, in the zone of the ticket's calendar."""
    files: tuple[FileView, ...] = ()
    """Those of `attachments` that reach the recipient, with how they do."""
    html: Markup = field(default_factory=Markup)
    """The author's own formatting; empty where `text` is all there is."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Removes from a text the reply addresses and links that were made for somebody else. What it
    has read is remembered: a comment goes to several people."""

    masker: Masker
    _redacted: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def redact(self, text: str) -> str:
        """The text as anybody may read it."""
        found = self._redacted.get(text)
        if found is None:
            found = self.masker.mask(plain(text))
            if len(text) <= REMEMBERED:
                self._redacted[text] = found
        return found


def quoted_comment(
    notice: Notice,
    policy: Policy,
    redactor: Redactor,
    carried: Carried = NOTHING,
    links: RecipientLinks | None = None,
) -> QuotedComment | None:
    """The comment that a notice carries; None where it carries none. `links` are the recipient's.

    ValueError for a comment that is not public, in a notice that goes neither to staff nor to the
    staff person who wrote it: whatever ordered it, such a mail is not written.
    """
    comment, traits = notice.comment, notice.kind.traits
    if comment is None:
        return None
    own = traits.audience is Audience.AUTHOR and comment.by_staff
    own = own and comment.author == notice.address
    if comment.visibility is not Visibility.PUBLIC and not (traits.for_staff or own):
        raise ValueError(f"only staff may read this comment: it is {comment.visibility}")
    text = shown_once_masked(comment.text, redactor.redact)
    whole = text
    if not (traits.for_staff or own):
        text = (
            _of_staff(text, by_mail=comment.by_mail)
            if comment.by_staff
            else _of_customer(text, comment)
        )
    elif own:
        text = _ready_to_send(text)
    subject = notice.about.subject if notice.about else ""
    forwarded = traits.shows_forwarded and is_forward(subject, text)
    on_ticket = traits.for_staff and is_forward(comment.subject, text)  # for another matter, maybe
    shown = visible(text, forwarded=forwarded or on_ticket)
    language = supported_language(notice.language, policy.language)
    shown_text = _in_language(shown.text, language)
    longest = LONGEST_BEGINNING if comment.is_the_last else LONGEST_TEXT
    fitting = fitting_text(shown_text, longest)
    files = files_of(comment, carried, redactor.redact, links, language)
    cut = text != whole and not comment.by_staff
    return QuotedComment(
        name=_author(comment, policy, redactor),
        address="" if comment.by_staff else comment.author,
        by_staff=comment.by_staff,
        private=comment.visibility is not Visibility.PUBLIC,
        subject=one_line(redactor.redact(comment.subject)),
        text=fitting.strip(),
        hidden=bool((shown.hidden_above + shown.hidden).strip()) or cut,
        hidden_lines=tuple((kind.value, count) for kind, count in shown.lines),
        hidden_above=0 if comment.by_staff else _count(shown.hidden_above),
        shortened=len(fitting) < len(shown_text)
        or is_shown_in_part(comment.text)
        or (cut and leaves_out_words(whole, shown.text)),
        degraded=comment.degraded,
        attachments=tuple(file.name for file in files),
        unproven=is_unproven(comment.proof),
        proof=comment.proof if traits.for_staff else "",
        number=comment.number,
        at=_written_at(notice, comment, policy),
        files=files,
        html=html_of(notice, carried, redactor.redact, LONGEST_TEXT),
    )


def _count(lines: str) -> int:
    """How many lines have words."""
    return sum(1 for line in lines.split("\n") if line.strip())


def _in_language(text: str, language: str) -> str:
    """A text with the sentences that stand for what is not shown in the reader's language."""
    for each in (ENCRYPTED, REFUSED_WORDS):
        text = text.replace(str(each), worded(each, language))
    return text


def fitting_text(text: str, octets: int = LONGEST_TEXT) -> str:
    """The beginning of a text whose HTML has at most so many octets."""
    if len(text) * _WIDEST <= octets:
        return text
    text = text[:octets]
    while (size := len(escape(text).encode(errors="replace"))) > octets:
        text = text[: len(text) * octets // size]
    return text


def _written_at(notice: Notice, comment: Comment, policy: Policy) -> str:
    if comment.at is None:
        return ""
    zone = zone_of(policy, notice.about.calendar if notice.about is not None else "")
    language = supported_language(notice.language, policy.language)
    return date_and_time(comment.at, zone, language)


def _author(comment: Comment, policy: Policy, redactor: Redactor) -> str:
    """A customer's name is what they entered: one that reads as an address, or that contains the
    desk's name, is not shown."""
    nobody = policy.sender_name if comment.by_staff else comment.author
    name = one_line(without_marks(redactor.redact(comment.name)), 60) or nobody
    read = as_seen(name)
    poses = "@" in read or _names(read, as_seen(policy.sender_name))
    return comment.author if poses and not comment.by_staff else name


def _names(read: str, desk: str) -> bool:
    """Whether a name contains the desk's in whole words, however its letters are set apart."""
    letters = [re.escape(each) for each in desk if each.isalnum()]
    if not letters:
        return False
    desk_in_name = r"[\W_]*".join(letters)
    return re.search(rf"(?<!\w){desk_in_name}(?!\w)", read) is not None


def _ready_to_send(text: str) -> str:
    """A staff person's mail in a receipt: with its commands at its head, where they are done."""
    own = published(text, REPLY_MARK)
    ordered = commands_first(own)
    return text if ordered == own else ordered


def _of_staff(text: str, *, by_mail: bool = True) -> str:
    """A staff person's text without their commands, and without what they quote of ours."""
    own = published(text, REPLY_MARK, by_mail=by_mail)
    if not own and not by_mail and not quotes_internal(text):
        own = text  # written in the console, where a quote is meant
    return without_internal(without_commands(own))


def _of_customer(text: str, comment: Comment) -> str:
    return readable(text, mail_of_staff=False, outside=comment.outside)
