"""Who may write, who is on a ticket, and who is notified of what."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Policy
from rules.policy.explain.english import Explained, count, listed


def senders(policy: Policy) -> Iterator[Explained]:
    if policy.proof.dkim_required:
        yield Explained(
            "proof.dkim_required",
            "A sender is proven if the domain of their address confirms the mail by DKIM; SPF "
            "alone is not sufficient.",
        )
    else:
        yield Explained(
            "proof.spf",
            "A sender is proven if the domain of their address confirms the mail, by DKIM or SPF.",
        )
    match policy.registration:
        case "user":
            yield Explained("registration.user", "Only registered people open requests.")
            yield Explained(
                "registration.invited",
                "A proven colleague at a company's mail domain who is not registered is sent a "
                "link to sign up; their mail is held, and filed once they have signed up.",
            )
        case "domain":
            yield Explained(
                "registration.domain",
                "A proven sender at a company's mail domain is registered with their first mail.",
            )
    yield Explained(
        "registration.company_address",
        "A user's address is at a mail domain of their company; a free mail provider is none.",
    )
    yield Explained(
        "registration.guests",
        "Somebody else who is on a ticket may comment on it by replying to its mails.",
    )
    match policy.unauthenticated:
        case "refuse":
            yield Explained(
                "unauthenticated.refuse",
                "A mail whose sender is not proven is refused, even if it bears the address of a "
                "registered one.",
            )
        case "hold":
            yield Explained(
                "unauthenticated.hold",
                "A mail whose sender is not proven is held if the sender's domain is known.",
            )
    match policy.strangers:
        case "refuse":
            yield Explained(
                "strangers.refuse", "Mail from strangers is refused immediately and not stored."
            )
        case "hold":
            yield Explained("strangers.hold", "Mail from strangers is held for review by staff.")
    yield Explained(
        "dns_patience_hours",
        "While the sender's DNS does not respond, a mail is deferred for up to "
        f"{count(policy.dns_patience_hours, 'hour')}; then it is held.",
    )
    if policy.aliases:
        yield Explained(
            "aliases", f"Mail to {listed(policy.aliases)} is forwarded to this mailbox."
        )
    if policy.lists:
        yield Explained(
            "lists",
            f"Mail through the mailing lists {listed(policy.lists)} comes to this mailbox, and "
            "their marks of a list count for nothing.",
        )
    after = {"discard": "discarded", "keep": "kept"}[policy.hold.then]
    yield Explained(
        "hold.days",
        f"A held mail waits {count(policy.hold.days, 'day')} for its release; then it is {after}.",
    )


def what_strangers_store(policy: Policy) -> Iterator[Explained]:
    hold, quota = policy.hold, policy.quota
    yield Explained(
        "hold.caps",
        f"Of one proven sender at most {count(hold.per_sender, 'mail')} are held, of one domain "
        f"{hold.per_domain}; of unproven mail {hold.per_network} from one client network, "
        f"{hold.unproven} in all. Further mail is deferred.",
    )
    yield Explained(
        "quota.network",
        f"From one client network, at most {count(quota.network_mails, 'unproven mail')} and "
        f"{quota.network_mib} MiB are stored in a day; further ones are deferred.",
    )
    yield Explained(
        "quota.network_refused",
        f"In a day the journal has rows for {count(quota.network_refused, 'refused mail')} of one "
        "client network, deferred ones included; further ones are counted by the hour.",
    )


def people(policy: Policy) -> Iterator[Explained]:
    match policy.visibility:
        case "private":
            yield Explained(
                "visibility.private", "Only the people on a ticket and staff may read it."
            )
        case "company":
            yield Explained(
                "visibility.company",
                "All colleagues of the requester may read a ticket; "
                "to comment on it or close it they must be on it.",
            )
    yield Explained(
        "visibility.of_a_company",
        "Staff may let the people of one company read each other's tickets, or not, whatever this "
        "policy says.",
    )
    yield from _proof(policy)
    yield Explained(
        "cc.colleagues",
        "A colleague or a staff person whom a customer puts in To or Cc joins the ticket at once.",
    )
    guests, by_guests = policy.cc.guests, policy.cc.by_guests
    for person, handling in (
        ("Anybody else whom a customer puts there", guests),
        ("A colleague of the requester whom a guest puts there", by_guests),
        ("Anybody else whom a guest puts there", "ignore" if by_guests == "ignore" else "propose"),
    ):
        match handling:
            case "add":
                yield Explained("cc.add", f"{person} joins the ticket at once.")
            case "propose":
                yield Explained(
                    "cc.propose",
                    f"{person} joins the ticket once staff or the requester approve.",
                )
            case "ignore":
                yield Explained("cc.ignore", f"{person} is ignored.")
    yield Explained(
        "cc.added",
        "A customer who is added in the portal or by staff is notified of it.",
    )
    yield Explained(
        "cc.caps",
        f"One mail adds at most {count(policy.cc.per_mail, 'person', 'people')}, and a ticket "
        f"has at most {policy.cc.per_ticket}; further people wait for approval.",
    )


def _proof(policy: Policy) -> Iterator[Explained]:
    match policy.proof.comment:
        case "token":
            yield Explained(
                "proof.comment.token",
                "A comment requires a proven sender or the person's own reply address; "
                "what only the address proves is published and marked as unproven.",
            )
        case "T1":
            yield Explained(
                "proof.comment.T1",
                "A comment requires a proven sender; "
                "what only the person's own reply address proves waits for staff to publish it.",
            )
        case "T2":
            yield Explained("proof.comment.T2", "A comment requires a proven sender.")
    match policy.proof.add_people:
        case "T2":
            yield Explained(
                "proof.add_people.T2", "Adding people to a ticket requires a proven sender."
            )
        case "T3":
            yield Explained(
                "proof.add_people.T3",
                "Only staff add people to a ticket by mail, from their own reply address; people "
                "whom others name wait for approval.",
            )
    match policy.proof.command:
        case "T2":
            yield Explained("proof.command.T2", "A command in a mail requires a proven sender.")
        case "T3":
            yield Explained(
                "proof.command.T3",
                "A command in a mail is restricted to staff, from their own reply address.",
            )
    yield Explained(
        "proof.staff",
        "Staff answer, change and close tickets by mail through their own reply address only.",
    )


def notifications(policy: Policy) -> Iterator[Explained]:
    yield Explained(
        "notices.comments", "The people on a ticket are notified of each public comment on it."
    )
    status, severity = policy.notices.status, policy.notices.severity
    yield Explained(
        "notices.status", f"The people on a ticket are {_notified(status)} of a new status."
    )
    yield Explained(
        "notices.severity", f"The people on a ticket are {_notified(severity)} of a new severity."
    )
    yield Explained(
        "notices.reasons",
        'Of the reason of a change by staff, customers read only what follows "public:".',
    )
    match policy.staff.notify:
        case "all":
            yield Explained(
                "staff.notify.all", "All staff are notified by mail of what a customer writes."
            )
        case "followers":
            yield Explained(
                "staff.notify.followers",
                "Only staff who follow a ticket are notified by mail of what a customer writes.",
            )
        case "none":
            yield Explained(
                "staff.notify.none", "No staff are notified by mail of what a customer writes."
            )
    yield Explained(
        "account_team.told_of_new",
        f"The company's account team is {_notified(policy.account_team.told_of_new)} "
        "of new tickets on a paid tier.",
    )
    yield Explained(
        "success_manager.told_of_escalation",
        "The company's success manager is "
        f"{_notified(policy.success_manager.told_of_escalation)} of an escalation.",
    )


def _notified(notified: bool) -> str:
    return "notified" if notified else "not notified"
