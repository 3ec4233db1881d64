"""Whether there is room for a mail that nobody proven and registered had to send.

Decided after all other checks, and only for a mail that they would store: a quota for each client
network and day, and caps on what waits in quarantine, so that no flood fills the disk or hides the
mail of a customer. What anybody can send is counted by network, and proven mail by its sender and
their domain: nobody can use up the room of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from rules.decision.model import (
    AddComment,
    Decision,
    Defer,
    EndSubscription,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
)
from rules.decision.reasons import Reason
from rules.decision.trace import Step
from rules.policy import Policy
from rules.policy.conduct import QuotaSection
from rules.service.limits import MIB
from rules.ticket.visibility import Visibility

_HELD_OF_PROVEN = (
    Reason.NOT_ENROLLED,
    Reason.FOREIGN_COMPANY,
    Reason.TOO_MANY_TICKETS,
    Reason.AUTOMATIC_UNCLEAR,
)
"""Held although their senders are proven. A mail that is `not_addressed` was signed by its author,
but anybody who has it can send it; as with one that is `list_mail`."""
RELAYED = 10
"""An MTA whose listener holds strangers has so many times the quota of a network: it stands for
many clients."""
NETWORK_PART = 5
"""A network may have held one part in this many of what is left to all of them."""
PROVIDER_FACTOR = 4
"""An IPv6 /32, which has 65,536 networks, has so many times what one of them has."""
ALWAYS_HELD = 3
"""So many mails of a network are held however much others have, up to twice `hold.unproven`."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is stored already."""

    network: str
    """The network that the mail counts against; empty if it counts against its sender."""
    provider: str = ""
    """The IPv6 /32 that it counts against as well; empty if there is none."""
    mails_today: int = 0
    """Stored from that network within a day."""
    bytes_today: int = 0
    provider_mails: int = 0
    """The same from that provider."""
    provider_bytes: int = 0
    held_by_anybody: int = 0
    """In the mailbox's quarantine, of mail that counts against networks."""
    held_by_network: int = 0
    held_by_provider: int = 0
    held_by_sender: int = 0
    held_by_domain: int = 0


class MailBudget(StrEnum):
    """What bounds how many mails with an outcome are stored. Each outcome has one."""

    NETWORK = "network"
    """The quota of the client's network: anybody could have sent it."""
    WAITING = "waiting"
    """What waits in quarantine of its sender and their domain."""
    WRITTEN = "written"
    """What its author and their domain write in an hour."""
    RECORDED = "recorded"
    """The same, with what was recorded of theirs."""
    NOTHING_KEPT = "nothing kept"
    """The rows in the journal that the client's network has in a day."""


def budget_of(decision: Decision, *, proven: bool) -> MailBudget:
    """The budget that the mail counts against. What a registered person sends counts against them
    and their domain alone: nothing that their network's other clients send, such as those of a
    large provider, may defer their mail."""
    match decision.action:
        case Refuse() | Defer() | Repeat():
            return MailBudget.NOTHING_KEPT
        case Hold():
            return MailBudget.WAITING if decision.reason in _HELD_OF_PROVEN else MailBudget.NETWORK
        case _ if not proven:
            return MailBudget.NETWORK
        case OpenTicket():
            return MailBudget.WRITTEN
        case AddComment(visibility=Visibility.PRIVATE, by_registered=known):
            # A forwarded reply address, or an id, lets any domain's addresses write, as many as it
            # invents.
            return MailBudget.WRITTEN if known else MailBudget.NETWORK
        case AddComment():
            return MailBudget.WRITTEN
        case EndSubscription(unregistered=unregistered):
            return MailBudget.NETWORK if unregistered else MailBudget.WRITTEN
        case Record(author=author, unregistered=unregistered):
            # What came to a return path is nobody's.
            return MailBudget.NETWORK if unregistered or not author else MailBudget.RECORDED
        case _:
            assert_never(decision.action)


def counts_against_network(decision: Decision, *, proven: bool) -> bool:
    """Whether anybody could make us store this mail."""
    return budget_of(decision, proven=proven) is MailBudget.NETWORK


def within_room(decision: Decision, room: Room, policy: Policy, *, relayed: bool) -> Decision:
    """The decision, or a deferral if there is no room for the mail now."""
    step, reason = _look(decision, room, policy, RELAYED if relayed else 1)
    if reason is None:
        return replace(decision, trace=(*decision.trace, step))
    return Decision(Defer("room"), reason, (*decision.trace, step))


def _look(
    decision: Decision, room: Room, policy: Policy, factor: int
) -> tuple[Step, Reason | None]:
    hold, quota = policy.hold, policy.quota
    if room.network:
        size = f"{room.bytes_today / MIB:.1f} MiB"
        saw = f"{room.mails_today} mails, {size} from {room.network} within a day"
        if room.provider:
            size = f"{room.provider_bytes / MIB:.1f} MiB"
            saw += f", {room.provider_mails} mails, {size} from {room.provider}"
        if used_up := _used_up(room, quota, factor):
            return Step("room", saw, used_up), Reason.QUOTA
        wide = hold.per_network * factor * PROVIDER_FACTOR
        waiting: tuple[tuple[int, int, str], ...] = (
            (room.held_by_network, hold.per_network * factor, f"from {room.network}"),
            (room.held_by_provider, wide, f"from {room.provider}"),
            *_of_all(room, hold.unproven, relayed=factor > 1),
        )
    else:
        saw = f"{room.held_by_sender} held of the sender, {room.held_by_domain} of their domain"
        waiting = (
            (room.held_by_sender, hold.per_sender, "of this sender"),
            (room.held_by_domain, hold.per_domain, "of this domain"),
        )
    for number, limit, of_whom in waiting if isinstance(decision.action, Hold) else ():
        if number >= limit:
            full = f"{number} mails {of_whom} are held already"
            return Step("room", saw, full), Reason.QUARANTINE_FULL
    return Step("room", saw, "enough"), None


def _used_up(room: Room, quota: QuotaSection, factor: int) -> str:
    """What of the day is used up, by the network or by its provider; empty if nothing is."""
    if room.mails_today >= quota.network_mails * factor:
        return "its mails of the day are used up"
    if room.bytes_today >= quota.network_mib * factor * MIB:
        return "its octets of the day are used up"
    wide = factor * PROVIDER_FACTOR
    if room.provider_mails >= quota.network_mails * wide:
        return f"the mails of the day of {room.provider} are used up"
    if room.provider_bytes >= quota.network_mib * wide * MIB:
        return f"the octets of the day of {room.provider} are used up"
    return ""


def _of_all(room: Room, most: int, *, relayed: bool) -> Iterator[tuple[int, int, str]]:
    """What counts of the room that all networks share, its limit, and of whom it is.

    A few networks cannot take it all: each has a fraction of what the others left, so who has
    little finds room longest; and so has a provider, if a larger one. An MTA that stands for many
    clients is all that sends.
    """
    whose = "that anybody can have sent"
    if relayed:
        yield room.held_by_anybody, most, whose
        return
    yield room.held_by_anybody, 2 * most, whose
    left = max(0, most - room.held_by_anybody)
    if room.held_by_network >= ALWAYS_HELD:
        yield room.held_by_network, left // NETWORK_PART, f"from {room.network}, with little left,"
    if room.held_by_provider >= PROVIDER_FACTOR * ALWAYS_HELD:
        share = PROVIDER_FACTOR * left // NETWORK_PART
        yield room.held_by_provider, share, f"from {room.provider}, with little left,"
