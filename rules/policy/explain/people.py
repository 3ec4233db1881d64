"""Who may write, who is on a ticket, and who is notified of what."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Policy
from rules.policy.explain.english import count, listed


def senders(policy: Policy) -> Iterator[str]:
    match policy.registration:
        case "user":
            yield "Only registered people may write."
        case "domain":
            yield (
                "A proven sender at a company's mail domain is registered with their first mail."
            )
    match policy.unauthenticated:
        case "refuse":
            yield "A mail without any proof of its sender is refused, even of a registered sender."
        case "hold":
            yield "A mail without any proof of its sender is held if the sender's domain is known."
    match policy.strangers:
        case "refuse":
            yield "Mail from strangers is refused immediately and not stored."
        case "hold":
            yield "Mail from strangers is held for review by staff."
    yield (
        "While the sender's DNS does not respond, a mail is deferred for up to "
        f"{count(policy.dns_patience_hours, 'hour')}; then it is held."
    )
    if policy.aliases:
        yield f"Mail to {listed(policy.aliases)} is forwarded to this mailbox."
    if policy.lists:
        yield (
            f"Mail through the mailing lists {listed(policy.lists)} comes to this mailbox, and "
            "their marks of a list count for nothing."
        )
    after = {"discard": "discarded", "keep": "kept"}[policy.hold.then]
    days = count(policy.hold.days, "day")
    yield f"A held mail waits {days} for its release; then it is {after}."
    hold, quota = policy.hold, policy.quota
    yield (
        f"Of one proven sender at most {count(hold.per_sender, 'mail')} are held, of one domain "
        f"{hold.per_domain}; of unproven mail {hold.per_network} from one client network, "
        f"{hold.unproven} in all. Further mail is deferred."
    )
    yield (
        f"From one client network, at most {count(quota.network_mails, 'unproven mail')} and "
        f"{quota.network_mib} MiB are stored in a day; further ones are deferred."
    )
    yield (
        f"In a day the journal has rows for {count(quota.network_refused, 'refused mail')} of one "
        "client network, deferred ones included; further ones are counted by the hour."
    )


def people(policy: Policy) -> Iterator[str]:
    match policy.visibility:
        case "private":
            yield "Only the people on a ticket and staff may read it."
        case "company":
            yield (
                "All colleagues of the requester may read a ticket; "
                "to comment on it or close it they must be on it."
            )
    match policy.proof.comment:
        case "token":
            yield (
                "A comment requires a proven sender or the person's own reply address; "
                "what only the address proves is published and marked as unproven."
            )
        case "T1":
            yield (
                "A comment requires a proven sender; "
                "what only the person's own reply address proves waits for staff to publish it."
            )
        case "T2":
            yield "A comment requires a proven sender."
    if policy.proof.dkim_required:
        yield "A sender is proven by DKIM; SPF alone is not sufficient."
    else:
        yield "A sender is proven by DKIM or by SPF."
    for action, proof in (
        ("Adding people to a ticket", policy.proof.add_people),
        ("Closing a ticket by mail", policy.proof.close),
        ("A command in a mail", policy.proof.command),
    ):
        match proof:
            case "T2":
                yield f"{action} requires a proven sender."
            case "T3":
                yield f"{action} is restricted to staff, from their own reply address."
    others = (
        ("Anybody but a colleague whom a customer", policy.cc.guests),
        ("A colleague of the requester whom a guest", policy.cc.by_guests),
    )
    for person, handling in others:
        match handling:
            case "add":
                effect = "joins the ticket immediately"
            case "propose":
                effect = "joins the ticket once staff or the requester approve"
            case "ignore":
                effect = "is ignored"
        yield f"{person} puts in To or Cc {effect}."
    yield (
        f"One mail adds at most {count(policy.cc.per_mail, 'person', 'people')}, and a ticket "
        f"has at most {policy.cc.per_ticket}; further people wait for approval."
    )


def notifications(policy: Policy) -> Iterator[str]:
    match policy.staff.notify:
        case "all":
            yield "All staff are notified by mail of what a customer writes."
        case "followers":
            yield "Only staff who follow a ticket are notified by mail of what a customer writes."
        case "none":
            yield "No staff are notified by mail of what a customer writes."
    status, severity = policy.notices.status, policy.notices.severity
    yield f"The people on a ticket are {_notified(status)} of a new status."
    yield f"The people on a ticket are {_notified(severity)} of a new severity."
    yield (
        f"The company's account team is {_notified(policy.account_team.told_of_new)} "
        "of new tickets on a paid tier."
    )
    yield (
        "The company's success manager is "
        f"{_notified(policy.success_manager.told_of_escalation)} of an escalation."
    )


def _notified(notified: bool) -> str:
    return "notified" if notified else "not notified"
