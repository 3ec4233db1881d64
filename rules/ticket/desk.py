"""What waits for the staff of a mailbox: the queues, and the lines that name what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Queue(StrEnum):
    HELD = "held"
    """Mails in quarantine, except those of strangers."""
    STRANGERS = "strangers"
    """Mails of strangers in quarantine: counted, and named to nobody."""
    LEAVING = "leaving"
    """Held mails that are about to be discarded."""
    FULL = "full"
    """Senders and domains of which the quarantine takes no more: their mail is deferred."""
    FLAGGED = "flagged"
    """Comments that only staff can read until they publish them."""
    PROPOSED = "proposed"
    """People whom somebody asked to add to a ticket, and on whom nobody has decided yet."""
    FOLDED = "folded"
    """Mails of proven authors that are folded on a ticket, and that a person may have written."""
    WITHHELD = "withheld"
    """Tickets about which a budget withheld notices."""
    LATE = "late"
    """Outgoing mails that the relay has not accepted yet."""
    DEAD = "dead"
    """Outgoing mails that were given up, or that bounced."""
    SUSPENDED = "suspended"
    """Addresses on open tickets that receive no more mail, because it bounces."""
    UNSUBMITTED = "for_portal"
    """Requests by mail that nobody has submitted in the portal, or accepted."""
    REFUSED = "refused"
    """Mails of people who are known here, refused in a reply that their senders did not see."""
    INVITED = "invited"
    """Colleagues of customers who did not follow the sign-up link that their mail was answered
    with."""


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One thing that waits. All values are text, as they are stored with the digest."""

    queue: str
    item: str = ""
    """The id of the held or folded mail, or of the notice."""
    sender: str = ""
    """The address that the line is about: the author of a held or folded mail, else a recipient of
    ours; of withheld notices, their recipients; the requester of a request."""
    subject: str = ""
    """Of a held or folded mail, or a request; for an outgoing mail, why it was not delivered."""
    reason: str = ""
    """Why a mail is held; the kind of an outgoing one; which limit of the quarantine is reached;
    the number of withheld notices; on how many more tickets a suspended address is."""
    since: str = ""
    """ISO 8601."""
    until: str = ""
    """When a held mail is discarded, in ISO 8601; empty if it is kept."""
    ticket: str = ""
    """A number, or several with commas."""


@dataclass(frozen=True, slots=True)
class DigestTotal:
    """The length of a queue."""

    queue: str
    number: str = ""
    since: str = ""
    """When the oldest entry came, in ISO 8601."""
