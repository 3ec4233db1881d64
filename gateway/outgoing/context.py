"""The names that templates may use: the values of one notice, each ready for its recipient."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from gateway.outgoing import channels
from gateway.outgoing.carried import Carried
from gateway.outgoing.carrier import NOTHING
from gateway.outgoing.dates import date, date_and_time
from gateway.outgoing.digest_entries import DigestView, digest_view
from gateway.outgoing.mime import one_line
from gateway.outgoing.missed_comments import MoreView, more_view
from gateway.outgoing.quoted_comment import QuotedComment, Redactor, quoted_comment
from gateway.outgoing.recipient_links import RecipientLinks, own_address
from gateway.outgoing.sentences import worded
from rules.mail.language import supported_language
from rules.mail.quoting import REPLY_MARK
from rules.policy import Policy
from rules.sender.tokens import Keys, Purpose
from rules.service.calendars import zone_of
from rules.service.follow_up import needs_next_steps
from rules.service.permissions import shows_tickets
from rules.service.replying import Reader, ReplyEffect, reply_effect
from rules.ticket.changes import CRITICAL_SOURCES
from rules.ticket.lifecycle import Status
from rules.ticket.notice_payloads import Payload, map_text
from rules.ticket.notice_timing import INVITATION_LASTS
from rules.ticket.notices import Audience, NoticeKind, PolicyText, Traits
from rules.ticket.payloads import (
    AcknowledgementPayload,
    AlertPayload,
    QuestionsPayload,
    ReceiptPayload,
    StatusPayload,
)
from rules.ticket.visibility import Visibility
from storage.notices.outbox import Notice, NoticeTicket


@dataclass(frozen=True, slots=True)
class TemplateContext:
    """The names that templates know. Those that do not apply are empty, or None."""

    kind: str
    language: str
    mailbox: str
    sender: str
    """The name of the desk."""
    name: str
    """Of the recipient; their address where they have none."""
    ticket: int
    """0 where the notice is about none."""
    tag: str
    subject: str
    status: str
    severity: str
    claimed: str
    """The severity that the customer requested, where the ticket has another."""
    critical_claimed: bool
    critical_channel: str
    """The channel for critical problems; empty where none was claimed."""
    portal_first: bool
    """Critical problems on this plan are logged through the portal."""
    requester: str
    follows: int
    """The closed ticket that this one follows; 0 for none. For staff."""
    company: str
    channel: str
    """The way of contact that the company prefers; for staff."""
    tier: str
    fields: tuple[tuple[str, str], ...]
    """Label and value."""
    missing: tuple[str, ...]
    questions: tuple[str, ...]
    """The questions for what is missing."""
    due: str
    """When the next answer is due. Customers are shown no time that is over."""
    next_by: str
    """The same; empty for everybody once it is over."""
    overdue: bool
    """The time by which the next answer was due is over."""
    follow_up_by: str
    """When the next answer is due, below an answer by staff at a level where the policy has it."""
    starts_by: str
    """When work begins without the missing answers; empty where it is not known, or over."""
    waits_for: str
    """What the promise waits for: `facts`, `portal`, or empty."""
    submit_at: str
    """Where requests are submitted instead; empty unless the request waits for the portal."""
    by_portal: bool
    """The request was opened in the portal, not by mail."""
    phone: str
    """The phone support of the plan."""
    how_to_escalate: str
    """The policy's own text on it."""
    may_escalate: bool
    """#escalate has an effect."""
    people: tuple[str, ...]
    """Who was added to the request, for an acknowledgement."""
    waiting_people: tuple[str, ...]
    """Who joins it once somebody agrees."""
    company_reads: bool
    """The requester's colleagues may read the ticket."""
    is_guest: bool
    """The recipient is on the ticket as a guest."""
    reply_effect: str
    """What a reply of the recipient becomes: a value of `ReplyEffect`."""
    comment: QuotedComment | None
    payload: Payload
    """What else notices of this kind carry: the class that `rules.ticket.notices` names for it."""
    outcome: str
    """Of what a receipt answers: `done`, `not_done`; empty for any other notice."""
    greeting: str
    """The policy's own text for a notice of this kind."""
    approvals: tuple[tuple[str, str], ...]
    """Proposed addresses, each with the link that decides on it."""
    feedback_link: str
    reopen_link: str
    """For staff; empty unless the notice asks them to reopen the ticket."""
    sign_up_link: str
    sign_up_until: str
    reply_address: str
    """The recipient's own; empty for somebody who is not on the ticket."""
    note_address: str
    """Where staff write a note; empty for others."""
    for_staff: bool
    may_unsubscribe: bool
    """A reply with #unsubscribe stops mail of this kind."""
    reply_mark: str
    """The line above which a reply is written; empty in mails to customers."""
    digest: DigestView
    more: MoreView
    """What a budget withheld from the recipient; for a summary."""


def template_context(
    notice: Notice,
    policy: Policy,
    keys: Keys,
    links_begin: str,
    redactor: Redactor,
    now: datetime | None = None,
    carried: Carried = NOTHING,
) -> TemplateContext:
    """The values of a notice for its templates; `now` is when it is sent, else when it was ordered;
    `carried` is what goes with its comment.

    ValueError for a comment that the recipient may not read.
    """
    now = now or notice.created_at
    language = language_of(notice, policy)
    policy = policy.in_language(language)
    about, links = notice.about, RecipientLinks(notice, keys, links_begin)
    traits = notice.kind.traits
    due_at = about.due_at if about and _is_promised_to(notice) else None
    waits_for = _waits_for(about)
    own = own_address(notice, keys, _reply_purpose(traits))
    next_by = _time(due_at if due_at and due_at > now else None, notice, policy, language)
    payload = notice.payload if isinstance(notice.payload, AcknowledgementPayload) else None
    return TemplateContext(
        kind=notice.kind.value,
        language=language,
        mailbox=notice.mailbox.address,
        sender=one_line(policy.sender_name),
        name=one_line(notice.name, 60) or notice.address,
        ticket=about.ticket if about else 0,
        tag=policy.subject_tag.format.replace("{n}", str(about.ticket)) if about else "",
        subject=_subject(notice, policy, redactor),
        status=about.status if about else "",
        severity=about.severity if about else "",
        claimed=_claimed(about),
        critical_claimed=about is not None and about.critical_claimed,
        critical_channel=channels.critical_channel(notice, policy),
        portal_first=channels.portal_first(notice, policy),
        requester=about.requester if about else "",
        follows=(about.follows or 0) if about and traits.for_staff else 0,
        company=one_line(redactor.redact(about.company)) if about else "",
        channel=one_line(about.channel) if about and traits.for_staff else "",
        tier=channels.tier_title(about, policy),
        fields=_fields(about, policy, redactor),
        missing=about.missing if about else (),
        questions=_questions(notice, policy),
        due=next_by
        if traits.audience in _SHOWN_NO_PAST
        else _time(due_at, notice, policy, language),
        next_by=next_by,
        overdue=due_at is not None and due_at <= now,
        follow_up_by=next_by if _follows_up(notice, policy) else "",
        starts_by=_starts_by(notice, policy, language, now),
        waits_for=waits_for,
        submit_at=policy.acknowledgement.without_promise if waits_for == "portal" else "",
        by_portal=about is not None and about.door in CRITICAL_SOURCES,
        phone=channels.phone(notice, policy),
        how_to_escalate=policy.escalation.how or "",
        may_escalate=channels.may_escalate(about, policy),
        people=payload.joined if payload else (),
        waiting_people=payload.waiting if payload else (),
        company_reads=_company_reads(about, policy),
        is_guest=about is not None and about.is_guest,
        reply_effect=_reply_effect(notice, policy).value,
        comment=quoted_comment(notice, policy, redactor, carried, links),
        payload=_payload(notice.payload, redactor, language),
        outcome=notice.payload.said.value if isinstance(notice.payload, ReceiptPayload) else "",
        greeting=_greeting(traits.opens_with, policy),
        approvals=links.approvals(),
        feedback_link=links.feedback(in_answer=_rates_answers(notice, policy)),
        reopen_link=links.reopen(),
        sign_up_link=links.sign_up(),
        sign_up_until=date(notice.created_at + INVITATION_LASTS, language),
        reply_address=own,
        note_address=own_address(notice, keys, Purpose.NOTE) if traits.for_staff else "",
        for_staff=traits.for_staff,
        may_unsubscribe=traits.unsubscribable and bool(own),
        reply_mark=REPLY_MARK if _shows_internal(notice) else "",
        more=more_view(notice, policy, redactor, links, language),
        digest=digest_view(notice, links, redactor, policy.clock.calendar.zone, language),
    )


def _payload(payload: Payload, redactor: Redactor, language: str) -> Payload:
    """As its reader may read it."""
    masked = map_text(payload, redactor.redact)
    if isinstance(masked, AlertPayload) and masked.sentences:
        what = "\n\n".join(worded(each, language) for each in masked.sentences)
        return replace(masked, what=what)
    return masked


_PASSED_ON = (NoticeKind.NEXT_STEPS, NoticeKind.MANAGER_MORE)
"""A success manager passes them on to the customer."""
_SHOWN_NO_PAST = (Audience.CUSTOMER, Audience.AUTHOR)


def _is_promised_to(notice: Notice) -> bool:
    """Whether the recipient may read when the next answer is due: what is promised to the company
    of a ticket is not for guests of others, besides the follow-up that an answer names."""
    about, is_for_customers = notice.about, notice.kind.traits.audience in _SHOWN_NO_PAST
    is_told = not is_for_customers or (about is not None and about.is_for_its_company)
    return is_told or _is_answer(notice)


def _time(at: datetime | None, notice: Notice, policy: Policy, language: str) -> str:
    """In the zone of the ticket's calendar."""
    zone = zone_of(policy, notice.about.calendar if notice.about is not None else "")
    return date_and_time(at, zone, language) if at is not None else ""


def _starts_by(notice: Notice, policy: Policy, language: str, now: datetime) -> str:
    at = _begins_at(notice)
    return _time(at, notice, policy, language) if at is not None and at > now else ""


def _begins_at(notice: Notice) -> datetime | None:
    """When the promise begins without the missing facts."""
    if isinstance(notice.payload, QuestionsPayload):
        try:
            return datetime.fromisoformat(notice.payload.by)
        except ValueError:
            return None
    waiting = notice.about.waiting if notice.about is not None else None
    return waiting.until if waiting is not None else None


def _is_answer(notice: Notice) -> bool:
    """Whether it carries an answer by staff to customers."""
    return notice.kind is NoticeKind.COMMENT and bool(notice.comment and notice.comment.by_staff)


def _rates_answers(notice: Notice, policy: Policy) -> bool:
    """Whether an answer asks for feedback too: of the requester alone, as at the end."""
    about = notice.about
    is_theirs = about is not None and about.requester == notice.address
    return policy.feedback.in_answers and is_theirs and _is_answer(notice)


def _follows_up(notice: Notice, policy: Policy) -> bool:
    about = notice.about
    return about is not None and _is_answer(notice) and needs_next_steps(about.severity, policy)


def _waits_for(about: NoticeTicket | None) -> str:
    if about is None or about.waiting is None:
        return ""
    return about.waiting.waits_for


def _shows_internal(notice: Notice) -> bool:
    """Whether it has what customers must not read, in an answer or a forward either. What a
    success manager passes on to them has nothing of the kind."""
    if notice.kind.traits.audience in (Audience.STAFF, Audience.OUTSIDE):
        return notice.kind not in _PASSED_ON
    return notice.comment is not None and notice.comment.visibility is not Visibility.PUBLIC


def _company_reads(about: NoticeTicket | None, policy: Policy) -> bool:
    if about is None or not about.company:
        return False
    return shows_tickets(about.company_visibility, policy)


def _reply_effect(notice: Notice, policy: Policy) -> ReplyEffect:
    about = notice.about
    reader = Reader(
        has_ticket=about is not None,
        on_ticket=about is not None and about.participant is not None,
        is_staff=notice.is_staff,
        is_registered=notice.person is not None,
        ticket_is_closed=about is not None and about.status == Status.CLOSED,
        is_merged=isinstance(notice.payload, StatusPayload) and notice.payload.what == "merged",
        opens_by_mail=policy.requests_by_mail != "refuse",
        company_reads=_company_reads(about, policy),
    )
    return reply_effect(notice.kind, reader)


def _reply_purpose(traits: Traits) -> Purpose:
    """What a reply to a notice is meant to become."""
    return Purpose.FEEDBACK if traits.asks_for_feedback else Purpose.REPLY


def language_of(notice: Notice, policy: Policy) -> str:
    """The recipient's language, else the policy's; English where there are no templates for it."""
    return supported_language(notice.language, policy.language)


def _subject(notice: Notice, policy: Policy, redactor: Redactor) -> str:
    """Without our tag and marks of a reply; none for a claim by somebody who may not read it."""
    about = notice.about
    if about is None:
        return ""
    reads = about.participant is not None or (about.is_colleague and _company_reads(about, policy))
    if notice.kind is NoticeKind.CRITICAL_CHANNEL and not reads:
        return ""
    tag = policy.subject_tag.format.replace("{n}", str(about.ticket))
    bare = redactor.redact(about.subject).replace(tag, "")
    return one_line(_REPLY_MARKS.sub("", bare.strip()), 200)


_REPLY_MARKS = re.compile(r"(?i)^(?:(?:re|aw|sv|antw)\s*:\s*)+")


def _claimed(about: NoticeTicket | None) -> str:
    if about is None or about.severity_claimed in (None, about.severity):
        return ""
    return about.severity_claimed or ""


def _fields(
    about: NoticeTicket | None, policy: Policy, redactor: Redactor
) -> tuple[tuple[str, str], ...]:
    labels = {field.name: field.label for field in policy.fields}
    found = about.fields if about else {}
    return tuple(
        (labels.get(name, name), one_line(redactor.redact(value))) for name, value in found.items()
    )


def _questions(notice: Notice, policy: Policy) -> tuple[str, ...]:
    """The questions that the mail left open, including those that may not apply to it."""
    payload = notice.payload
    if isinstance(payload, AcknowledgementPayload | QuestionsPayload) and payload.questions:
        return payload.questions
    about = notice.about
    questions = {fact.name: fact.ask for fact in policy.completeness.facts}
    return tuple(questions.get(name, name) for name in about.missing) if about else ()


def _greeting(text: PolicyText | None, policy: Policy) -> str:
    match text:
        case None:
            return ""
        case PolicyText.ACKNOWLEDGEMENT:
            return policy.acknowledgement.text
        case PolicyText.INVITATION:
            return policy.texts.invitation
        case PolicyText.FEEDBACK:
            return policy.feedback.text or ""
        case PolicyText.REVIEW:
            return policy.review.text or ""
        case _:
            assert_never(text)
