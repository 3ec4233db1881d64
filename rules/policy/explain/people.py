"""Who may write, who is on a ticket, and who is told of what."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Policy
from rules.policy.explain.english import count, listed


def senders(policy: Policy) -> Iterator[str]:
    match policy.registration:
        case "user":
            yield "Only people who are enrolled may write."
        case "domain":
            yield "A proven sender at a company's mail domain is enrolled by the first mail."
    match policy.unauthenticated:
        case "refuse":
            yield "A mail that proves nothing about its sender is refused, enrolled or not."
        case "hold":
            yield "A mail that proves nothing about its sender is held if its domain is known."
    match policy.strangers:
        case "refuse":
            yield "Mail of strangers is refused at once; nothing of it is stored."
        case "hold":
            yield "Mail of strangers is held for staff to look at."
    yield (
        "A sender whose DNS does not answer is told to try again for "
        f"{count(policy.dns_patience_hours, 'hour')}; then the mail is held."
    )
    if policy.aliases:
        yield f"Mail to {listed(policy.aliases)} is passed on to this mailbox."
    after = {"discard": "discarded", "keep": "kept"}[policy.hold.then]
    days = count(policy.hold.days, "day")
    yield f"A held mail waits {days} for its release; then it is {after}."


def people(policy: Policy) -> Iterator[str]:
    match policy.visibility:
        case "private":
            yield "A ticket is read only by the people on it, and by staff."
        case "company":
            yield (
                "A ticket is read by all colleagues of its requester; "
                "to write on it or close it they must be on it."
            )
    match policy.proof.comment:
        case "T1":
            yield "A comment must come by the person's own reply address, or from a proven sender."
        case "T2":
            yield "A comment must come from a proven sender."
    if policy.proof.dkim_required:
        yield "A sender is proven by DKIM; SPF alone proves nobody."
    else:
        yield "A sender is proven by DKIM or by SPF."
    for act, proof in (
        ("Adding people to a ticket", policy.proof.add_people),
        ("Closing a ticket by mail", policy.proof.close),
        ("A command in a mail", policy.proof.command),
    ):
        match proof:
            case "T2":
                yield f"{act} takes a proven sender."
            case "T3":
                yield f"{act} is for staff alone, from their own reply address."
    for who, wish in (("a customer", policy.cc.guests), ("a guest", policy.cc.by_guests)):
        match wish:
            case "add":
                what = "joins the ticket at once"
            case "propose":
                what = "joins the ticket once staff or the requester agree"
            case "ignore":
                what = "is left out"
        yield f"An address of no user that {who} puts in To or Cc {what}."
    yield (
        f"One mail adds {count(policy.cc.per_mail, 'person', 'people')} at most, and a ticket "
        f"has {policy.cc.per_ticket} at most; further ones wait for approval."
    )


def told(policy: Policy) -> Iterator[str]:
    match policy.staff.notify:
        case "all":
            yield "All staff are mailed what a customer writes."
        case "followers":
            yield "Staff who follow a ticket are mailed what a customer writes."
        case "none":
            yield "No staff are mailed what a customer writes."
    yield f"The people on a ticket are {_told_or_not(policy.notices.status)} of a new status."
    yield f"The people on a ticket are {_told_or_not(policy.notices.severity)} of a new severity."
    yield (
        f"The company's account team is {_told_or_not(policy.account_team.told_of_new)} "
        "of new tickets on a paid tier."
    )
    yield (
        "The company's success manager is "
        f"{_told_or_not(policy.success_manager.told_of_escalation)} of an escalation."
    )


def _told_or_not(told: bool) -> str:
    return "told" if told else "not told"
