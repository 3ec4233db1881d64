"""Digests: when staff are notified of what waits, of which of it, and what a digest contains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from rules.mail.addresses import domain_of, without_detail
from rules.people import Staff
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.ticket.desk import DigestLine, DigestTotal, Queue
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import DigestPayload

PAUSE = timedelta(hours=1)
"""Between two digests of a mailbox. The first entry is named at once."""
WITHOUT_STAFF = timedelta(days=1)
"""Between two mails to an administrator about a mailbox of whose staff nobody gets mail."""
LINES = 40
"""In one digest; what anybody can have sent is counted beyond that, and the rest is named by the
next digest."""
WARNED_BEFORE = timedelta(days=2)
"""Staff are warned so long before a held mail is discarded."""
LATE_AFTER = timedelta(hours=1)
"""An outgoing mail that was not accepted within this time is late."""
RECENT = timedelta(days=7)
"""Outgoing mails that were given up longer ago are not named."""
UNSUBMITTED_AFTER = timedelta(days=1)
"""A request by mail that was not submitted in the portal within this time is named."""
IGNORED_AFTER = timedelta(days=2)
"""A sign-up link that was not followed within this time is named."""
INVITATION_NAMED_FOR = timedelta(days=14)
FOLDED_FOR = timedelta(days=14)
"""A folded mail that nobody accepts waits so long, and then is only on its ticket."""
REFUSED_FOR = timedelta(days=14)
"""What was refused in a reply that its sender did not see is listed so long."""
OF_STAFF_MACHINES = timedelta(days=1)
"""Between two digests that only name what staff's own machines may have answered to the first."""
REMEMBERED_FOR = timedelta(days=90)
"""What was named is named again after this time, if it still waits."""
NOT_SHOWN = "…"
"""In the place of a sender."""

TICKETS = 20
"""Of one person in a line of a digest; of more, the number is given."""
LONGEST_LIST = 90
"""Characters of the addresses in a line."""

AUTOMATIC_UNCLEAR = "automatic_unclear"
UNNAMED = (Queue.STRANGERS, Queue.FLAGGED, Queue.PROPOSED)
"""Counted, and not named in a digest: the mail of strangers, comments that are announced when they
are written, and proposed people, on whom their requester is asked to decide."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue of one mailbox, as it is now."""

    queue: Queue
    number: int
    since: datetime | None
    """When its oldest entry came; None if it is empty."""
    new: tuple[DigestLine, ...] = ()
    """The first of those that no digest has named."""
    more: int = 0
    """So many others that no digest has named."""


def leaves_at(policy: Policy, came_at: datetime) -> datetime | None:
    """When a held mail is discarded; None if it is kept."""
    return came_at + timedelta(days=policy.hold.days) if policy.hold.then == "discard" else None


def warned_up_to(policy: Policy, now: datetime) -> datetime | None:
    """Of held mails that came before this time staff are warned; None where no warning is needed,
    since the digest that names a mail gives its end as well."""
    waits = timedelta(days=policy.hold.days) - WARNED_BEFORE
    return now - waits if policy.hold.then == "discard" and waits > timedelta() else None


def is_due(last: datetime | None, now: datetime) -> bool:
    return last is None or now - last >= PAUSE


def is_worth_it(
    states: Iterable[QueueState], staff: Collection[str], last: datetime | None, now: datetime
) -> bool:
    """Whether what is new is worth a digest.

    A machine that answers in a staff person's name answers a digest as well. What may be such an
    answer is named by the next digest, and causes one by itself once a day at most.
    """
    new = [line for state in states for line in state.new]
    rested = last is None or now - last >= OF_STAFF_MACHINES
    return bool(new) and (rested or not all(_may_answer_digest(line, staff) for line in new))


def _may_answer_digest(line: DigestLine, staff: Collection[str]) -> bool:
    marked = line.queue == Queue.HELD.value and line.reason == AUTOMATIC_UNCLEAR
    return marked and line.sender in staff


def shared_out(states: Iterable[QueueState], lines: int = LINES) -> list[QueueState]:
    """The states with so many new entries together: the queues take turns, so that one which
    anybody can fill leaves room to the others; the rest is counted."""
    every = list(states)
    kept = [0] * len(every)
    while lines and (waiting := [i for i, s in enumerate(every) if kept[i] < len(s.new)]):
        for i in waiting[:lines]:
            kept[i] += 1
        lines -= len(waiting[:lines])
    return [
        replace(state, new=state.new[:number], more=state.more + len(state.new) - number)
        for state, number in zip(every, kept, strict=True)
    ]


def listed(addresses: Sequence[str]) -> str:
    """As many of them as a line has room for, at least one, and how many others there are."""
    shown = list(addresses[:1])
    for address in addresses[1:]:
        if len(", ".join((*shown, address))) > LONGEST_LIST:
            return f"{', '.join(shown)} (+{len(addresses) - len(shown)})"
        shown.append(address)
    return ", ".join(shown)


def digest_orders(
    states: Sequence[QueueState],
    staff: Iterable[Staff],
    own_addresses: Collection[str],
    policy: Policy,
    *,
    again: bool = False,
    without_senders: bool = False,
) -> tuple[NoticeOrder, ...]:
    """One digest for each of the staff; none while nothing is new, or where the policy notifies no
    staff. A mailbox of ours is never notified: it would file the digest. With `again`, the one
    before reached nobody: this one has no words of others. If that was without them already, it is
    made `without_senders` too, whose domains a filter may know."""
    lines = tuple(line for state in states for line in state.new)
    if again:
        lines = tuple(replace(line, subject="") for line in lines)
    if without_senders:
        lines = tuple(replace(line, sender=line.sender and NOT_SHOWN) for line in lines)
    if not lines or policy.staff.notify == "none":
        return ()
    totals = tuple(
        DigestTotal(s.queue.value, str(s.number), s.since.isoformat() if s.since else "")
        for s in states
        if s.number
    )
    payload = DigestPayload(lines, sum(s.more for s in states) or None, totals, again)
    return tuple(
        NoticeOrder(NoticeKind.DIGEST, each.address, each.language, payload)
        for each in staff
        if each.address not in own_addresses
    )


def full_rooms(proven: Mapping[str, int], others: int, policy: Policy) -> Mapping[str, int]:
    """Of whom the quarantine takes no more, with the limit that is reached: a sender, a domain as
    `@acme.example`, or everybody whose mail nothing proves, as an empty text.

    `proven` is the number of held mails by proven author, `others` that of all other held mails.
    """
    hold = policy.hold
    by_sender: dict[str, int] = {}
    by_domain: dict[str, int] = {}
    for author, number in proven.items():
        sender, domain = without_detail(author)[0], f"@{domain_of(author)}"
        by_sender[sender] = by_sender.get(sender, 0) + number
        by_domain[domain] = by_domain.get(domain, 0) + number
    full = {sender: hold.per_sender for sender, n in by_sender.items() if n >= hold.per_sender}
    full |= {domain: hold.per_domain for domain, n in by_domain.items() if n >= hold.per_domain}
    return full | ({"": hold.unproven} if others >= hold.unproven else {})


def held_because(reason: str) -> Sentence:
    """Why a mail is held, for staff."""
    return _HELD_BECAUSE.get(reason) or sentence("It is held as {reason}.", reason=reason)


_NOT_REGISTERED = sentence("The sender is not registered.")
_FAILS_DMARC = sentence("It fails the policy of the sender's domain (DMARC).")
_NOT_PROVEN = sentence("Nothing proves who sent it.")
_NO_AUTHOR = sentence("It does not name exactly one author.")
_PERHAPS_A_MACHINES = sentence("It is marked as written by a machine; a person may have.")

_HELD_BECAUSE: Mapping[str, Sentence] = MappingProxyType(
    {
        "not_enrolled": sentence("The sender is not registered; their company is."),
        "foreign_company": sentence("It answers a request of another company."),
        "not_addressed": sentence("It is signed, but not addressed to this mailbox."),
        "not_signed": sentence("Parts of it are not covered by its signature."),
        "dmarc_quarantine": _FAILS_DMARC,
        "dmarc_reject_held": _FAILS_DMARC,
        "unproven_held": _NOT_PROVEN,
        "dns_failure_held": sentence(
            "The sender could not be verified, since the DNS did not respond."
        ),
        "stranger_held": _NOT_REGISTERED,
        "stranger_relayed": _NOT_REGISTERED,
        "from_ambiguous": _NO_AUTHOR,
        "no_such_ticket": sentence("No ticket has the number onto which it was released."),
        "too_many_tickets": sentence("The sender has opened too many requests within an hour."),
        "list_mail": sentence("It came through a mailing list, and is not addressed to us."),
        AUTOMATIC_UNCLEAR: _PERHAPS_A_MACHINES,
        "automatic_folded": _PERHAPS_A_MACHINES,
        # Of one that is held still, since it would be refused.
        "from_ambiguous_refused": _NO_AUTHOR,
        "stranger": _NOT_REGISTERED,
        "unproven": _NOT_PROVEN,
        "dmarc_reject": _FAILS_DMARC,
        "dmarc_quarantine_refused": _FAILS_DMARC,
        "deactivated": sentence("The account of the sender is closed."),
        "suspended": sentence("The company of the sender is suspended."),
        "no_support": sentence("The plan of the sender's company includes no support."),
        "portal_only": sentence("New requests are submitted in the portal, and not by mail."),
    }
)
"""By the reason of the decision: why a mail is held, or would be refused if it were released."""
