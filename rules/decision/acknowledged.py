"""The severity that a request by mail gets, and how it is acknowledged."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from rules.decision.case import Case
from rules.mail.automatic import wants_no_answer
from rules.mail.subjects import bare_subject, subject_besides, unmarked_subject
from rules.policy import Policy
from rules.service.acknowledging import (
    Acknowledging,
    AtOnce,
    Later,
    NamedWith,
    Unacknowledged,
    acknowledging,
)
from rules.ticket.claims import claim_in_opening, claim_in_reply
from rules.ticket.severity import MailSeverity, capped


def mail_severity(case: Case, subject: str, text: str, answers: str | None = None) -> MailSeverity:
    """The severity that a request by mail claims, within the policy's ceiling. Of a mail that
    answers a ticket with the subject `answers`, only what it says anew counts."""
    policy = case.policy
    words, tag = policy.claim_vocabulary, policy.subject_tag.format
    if answers is None:
        claim = claim_in_opening(words, unmarked_subject(subject, tag), text, case.mail.header)
    else:
        claim = claim_in_reply(words, subject_besides(bare_subject(subject, tag), answers), text)
    return capped(
        policy.levels,
        policy.severity.default,
        policy.severity.ceiling,
        claim,
        policy.severity.may_set(by_portal=False),
    )


def acknowledged(case: Case, severity: MailSeverity) -> Acknowledging:
    """How the sender's new ticket is acknowledged."""
    policy, facts = case.policy.acknowledgement, case.facts
    if severity.critical_claimed and case.is_of_a_person:
        return AtOnce()  # it names the way to be heard
    if not policy.send:
        return Unacknowledged("the policy sends none")
    if wants_no_answer(case.mail):
        return Unacknowledged("X-Auto-Response-Suppress asks for none")
    if not case.takes_answers:
        machine = case.automatic or "the sender is registered as one"
        return Unacknowledged(f"a machine may answer it ({machine})")
    return acknowledging(
        facts.acknowledged_at,
        facts.acknowledged_later,
        facts.decided_at,
        timedelta(minutes=policy.pause_minutes),
        facts.recent,
    )


def acknowledgement_note(timing: Acknowledging, policy: Policy) -> tuple[str, ...]:
    """For the trace: why the sender gets no acknowledgement at once, and when they do."""
    pause = f"one was sent less than {policy.acknowledgement.pause_minutes} minutes ago"
    match timing:
        case AtOnce():
            return ()
        case Later(at=at):
            return (f"acknowledged at {at:%H:%M} UTC, since {pause}",)
        case NamedWith(at=at):
            return (f"named in the acknowledgement of {at:%H:%M} UTC, since {pause}",)
        case Unacknowledged(why=why):
            return (f"no acknowledgement: {why}",)
        case _:
            assert_never(timing)
