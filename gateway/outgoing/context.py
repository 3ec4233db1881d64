"""What a template may say: the values of one notice, each ready to be shown to its recipient."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.outgoing.dates import date, date_and_time
from gateway.outgoing.mime import one_line
from gateway.outgoing.quoted_comment import QuotedComment, Redactor, quoted_comment
from gateway.outgoing.recipient_links import RecipientLinks, own_address
from rules.mail.language import supported_language
from rules.mail.quoting import REPLY_MARK
from rules.policy import Policy
from rules.sender.tokens import Keys, Purpose
from rules.ticket.notices import INVITATION_LASTS, NoticeKind
from storage.notices.outbox import Notice, NoticeTicket

_DETAILS = (
    "addresses",
    "became",
    "by",
    "history",
    "level",
    "mentions",
    "phone",
    "saying",
    "stage",
    "text",
    "title",
    "visibility",
    "was",
    "what",
    "why",
)


@dataclass(frozen=True, slots=True)
class TemplateContext:
    """The names that templates know. Those that do not apply are empty, or None."""

    kind: str
    language: str
    mailbox: str
    sender: str
    """The name of the desk."""
    name: str
    """Of the recipient; his address where he has none."""
    ticket: int
    """0 where the notice is about none."""
    tag: str
    subject: str
    status: str
    severity: str
    claimed: str
    """The severity that the customer asked for, where he got another."""
    critical_claimed: bool
    critical_channel: str
    """Where a claim is to be made good; empty where none was made."""
    portal_first: bool
    """Critical problems of this plan are logged through the portal."""
    requester: str
    company: str
    channel: str
    """The way of contact that the company prefers; for staff."""
    tier: str
    fields: tuple[tuple[str, str], ...]
    """Label and value."""
    missing: tuple[str, ...]
    asks: tuple[str, ...]
    """The questions for what is missing."""
    due: str
    """When the next answer is due."""
    words: QuotedComment | None
    detail: Mapping[str, str]
    greeting: str
    """The policy's own text for a notice of this kind."""
    approvals: tuple[tuple[str, str], ...]
    """Proposed addresses, each with the link that decides on it."""
    feedback_link: str
    sign_up_link: str
    sign_up_until: str
    reply_address: str
    """The recipient's own; empty for somebody who is not on the ticket."""
    note_address: str
    """Where staff write a note; empty for others."""
    for_staff: bool
    reply_mark: str


def template_context(notice: Notice, policy: Policy, keys: Keys, mask: Redactor) -> TemplateContext:
    """All that the templates of a notice may use."""
    language = language_of(notice, policy)
    about, links = notice.about, RecipientLinks(notice, keys, mask.links_begin)
    for_staff = notice.kind.is_for_staff
    return TemplateContext(
        kind=notice.kind.value,
        language=language,
        mailbox=notice.mailbox.address,
        sender=one_line(policy.sender_name),
        name=one_line(notice.name, 60) or notice.address,
        ticket=about.ticket if about else 0,
        tag=policy.subject_tag.format.replace("{n}", str(about.ticket)) if about else "",
        subject=_subject(notice, policy, mask),
        status=about.status if about else "",
        severity=about.severity if about else "",
        claimed=_claimed(about),
        critical_claimed=about is not None and about.critical_claimed,
        critical_channel=_critical_channel(about, policy),
        portal_first=_portal_first(about, policy),
        requester=about.requester if about else "",
        company=one_line(about.company) if about else "",
        channel=one_line(about.channel) if about and for_staff else "",
        tier=_tier_title(about, policy),
        fields=_fields(about, policy),
        missing=about.missing if about else (),
        asks=_asks(notice, policy),
        due=date_and_time(about.due_at, policy.clock.calendar.zone, language)
        if about and about.due_at
        else "",
        words=quoted_comment(notice, policy, mask),
        detail=_detail(notice, mask),
        greeting=_greeting(notice.kind, policy),
        approvals=links.approvals(),
        feedback_link=links.feedback(),
        sign_up_link=links.sign_up(),
        sign_up_until=date(notice.created_at + INVITATION_LASTS, language),
        reply_address=own_address(notice, keys, _reply_to(notice.kind)),
        note_address=own_address(notice, keys, Purpose.NOTE) if for_staff else "",
        for_staff=for_staff,
        reply_mark=REPLY_MARK,
    )


def _reply_to(kind: NoticeKind) -> Purpose:
    """What an answer to a notice is meant to become."""
    return Purpose.FEEDBACK if kind is NoticeKind.FEEDBACK else Purpose.REPLY


def language_of(notice: Notice, policy: Policy) -> str:
    """The recipient's language, else the policy's; English for one that we have no words in."""
    return supported_language(notice.language, policy.language)


def _subject(notice: Notice, policy: Policy, mask: Redactor) -> str:
    """The ticket's subject without our tag and without marks of a reply."""
    if notice.about is None:
        return ""
    tag = policy.subject_tag.format.replace("{n}", str(notice.about.ticket))
    bare = mask.redact(notice.about.subject, notice.mailbox.address).replace(tag, "")
    return one_line(_ANSWERED.sub("", bare.strip()), 200)


_ANSWERED = re.compile(r"(?i)^(?:(?:re|aw|sv|antw)\s*:\s*)+")


def _claimed(about: NoticeTicket | None) -> str:
    if about is None or about.severity_claimed in (None, about.severity):
        return ""
    return about.severity_claimed or ""


def _critical_channel(about: NoticeTicket | None, policy: Policy) -> str:
    if about is None or not about.critical_claimed:
        return ""
    tier = policy.tier(about.tier)
    return (tier and tier.critical_channel) or policy.severity.critical_channel or ""


def _portal_first(about: NoticeTicket | None, policy: Policy) -> bool:
    tier = policy.tier(about.tier) if about and about.critical_claimed else None
    return tier is not None and tier.critical_first_in_portal


def _tier_title(about: NoticeTicket | None, policy: Policy) -> str:
    tier = policy.tier(about.tier) if about else None
    return tier.title if tier else about.tier if about else ""


def _fields(about: NoticeTicket | None, policy: Policy) -> tuple[tuple[str, str], ...]:
    labels = {field.name: field.label for field in policy.fields}
    found = about.fields if about else {}
    return tuple((labels.get(name, name), one_line(value)) for name, value in found.items())


def _asks(notice: Notice, policy: Policy) -> tuple[str, ...]:
    """The questions that the mail left open, those too that may not apply to it."""
    if asked := notice.detail.get("asks"):
        return tuple(asked.split("\n"))
    about = notice.about
    asks = {fact.name: fact.ask for fact in policy.completeness.facts}
    return tuple(asks.get(name, name) for name in about.missing) if about else ()


def _greeting(kind: NoticeKind, policy: Policy) -> str:
    texts = {
        NoticeKind.ACKNOWLEDGEMENT: policy.acknowledgement.text,
        NoticeKind.INVITATION: policy.texts.invitation,
        NoticeKind.FEEDBACK: policy.feedback.text,
    }
    return texts.get(kind, "")


def _detail(notice: Notice, mask: Redactor) -> Mapping[str, str]:
    """Every detail that there is; what was left out is empty."""
    safe = {k: mask.redact(value, notice.mailbox.address) for k, value in notice.detail.items()}
    return {**dict.fromkeys(_DETAILS, ""), **safe}
