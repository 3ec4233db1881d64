"""Who may write, who is on a ticket, and who is notified of what."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Policy
from rules.policy.explain.english import Explained, count, listed
from rules.sentence import Phrase, phrase


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
    yield from _unproven(policy)


def _unproven(policy: Policy) -> Iterator[Explained]:
    """What becomes of mail that proves nobody, or somebody who is not known."""
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
                "strangers.refuse",
                "Mail from strangers is refused immediately and not stored.",
            )
        case "hold":
            yield Explained("strangers.hold", "Mail from strangers is held for review by staff.")
    yield Explained(
        "dns_patience_hours",
        "While the sender's DNS does not respond, a mail is deferred for up to "
        "{hours}; then it is held.",
        hours=count(policy.dns_patience_hours, "hour"),
    )
    if policy.aliases:
        yield Explained(
            "aliases",
            "Mail to {aliases} is forwarded to this mailbox.",
            aliases=listed(policy.aliases),
        )
    if policy.lists:
        yield Explained(
            "lists",
            "Mail through the mailing lists {lists} comes to this mailbox, and their marks "
            "of a list count for nothing.",
            lists=listed(policy.lists),
        )
    yield Explained(
        "hold.days",
        "A held mail waits {days} for its release; then it is discarded."
        if policy.hold.then == "discard"
        else "A held mail waits {days} for its release; then it is kept.",
        days=count(policy.hold.days, "day"),
    )


def what_strangers_store(policy: Policy) -> Iterator[Explained]:
    hold, quota = policy.hold, policy.quota
    yield Explained(
        "hold.caps",
        "Of one proven sender at most {mails} are held, of one domain {per_domain}; of "
        "unproven mail {per_network} from one client network, {unproven} in all. "
        "Further mail is deferred.",
        mails=count(hold.per_sender, "mail"),
        per_domain=hold.per_domain,
        per_network=hold.per_network,
        unproven=hold.unproven,
    )
    yield Explained(
        "quota.network",
        "From one client network, at most {unproven_mails} and {network_mib} MiB are "
        "stored in a day; further ones are deferred.",
        unproven_mails=count(quota.network_mails, "unproven mail"),
        network_mib=quota.network_mib,
    )
    yield Explained(
        "quota.network_refused",
        "In a day the journal has rows for {refused_mails} of one client network, "
        "deferred ones included; further ones are counted by the hour.",
        refused_mails=count(quota.network_refused, "refused mail"),
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
        (phrase("Anybody else whom a customer puts there"), guests),
        (phrase("A colleague of the requester whom a guest puts there"), by_guests),
        (
            phrase("Anybody else whom a guest puts there"),
            "ignore" if by_guests == "ignore" else "propose",
        ),
    ):
        match handling:
            case "add":
                yield Explained("cc.add", "{person} joins the ticket at once.", person=person)
            case "propose":
                yield Explained(
                    "cc.propose",
                    "{person} joins the ticket once staff or the requester approve.",
                    person=person,
                )
            case "ignore":
                yield Explained("cc.ignore", "{person} is ignored.", person=person)
    yield Explained(
        "cc.added",
        "A customer who is added in the portal or by staff is notified of it.",
    )
    yield Explained(
        "cc.caps",
        "One mail adds at most {people}, and a ticket has at most {per_ticket}; "
        "further people wait for approval.",
        people=count(policy.cc.per_mail, "person", "people"),
        per_ticket=policy.cc.per_ticket,
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
        "notices.comments",
        "The people on a ticket are notified of each public comment on it.",
    )
    status, severity = policy.notices.status, policy.notices.severity
    yield Explained(
        "notices.status",
        "The people on a ticket are {notified} of a new status.",
        notified=_notified(status),
    )
    yield Explained(
        "notices.severity",
        "The people on a ticket are {notified} of a new severity.",
        notified=_notified(severity),
    )
    yield Explained(
        "notices.reasons",
        'Of the reason of a change by staff, customers read only what follows "public:".',
    )
    match policy.staff.notify:
        case "all":
            yield Explained(
                "staff.notify.all",
                "All staff are notified by mail of what a customer writes.",
            )
        case "followers":
            yield Explained(
                "staff.notify.followers",
                "Only staff who follow a ticket are notified by mail of what a customer writes.",
            )
        case "none":
            yield Explained(
                "staff.notify.none",
                "No staff are notified by mail of what a customer writes.",
            )
    yield Explained(
        "account_team.told_of_new",
        "The company's account team is {notified} of new tickets on a paid tier.",
        notified=_notified(policy.account_team.told_of_new),
    )
    yield Explained(
        "success_manager.told_of_escalation",
        "The company's success manager is {notified} of an escalation.",
        notified=_notified(policy.success_manager.told_of_escalation),
    )


def _notified(notified: bool) -> Phrase:
    return phrase("notified") if notified else phrase("not notified")
