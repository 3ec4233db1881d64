"""Why a mail was decided as it was, and the verdict that follows.

The reason is the same identifier in the log, the journal, the metric, the console and the tests.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    OPENED = "opened"
    COMMENTED = "commented"
    FLAGGED = "flagged"
    RECORDED = "recorded"
    HELD = "held"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    DEFERRED = "deferred"


class Reason(StrEnum):
    """Why a mail was decided as it was. A test proves that each of them can happen."""

    # opened
    NEW_REQUEST = "new_request"
    FOLLOW_UP = "follow_up"
    """It answers a ticket that can no longer be reopened."""
    # commented: the pointer that led to the ticket
    REPLY_TOKEN = "reply_token"
    OUR_MESSAGE_ID = "our_message_id"
    KNOWN_MESSAGE_ID = "known_message_id"
    LATE_PARENT = "late_parent"
    SUBJECT_TAG = "subject_tag"
    STATED = "stated"
    """Staff released it onto this ticket."""
    FEEDBACK = "feedback"
    """Feedback on the help that was given; it never reopens."""
    # flagged
    PENDING_PARTICIPANT = "pending_participant"
    NOT_A_PARTICIPANT = "not_a_participant"
    OUTSIDE_CONTACT = "outside_contact"
    """Of a contact who is not on the ticket, such as the director on duty, and was notified of
    it."""
    STAFF_WITHOUT_TOKEN = "staff_without_token"
    NOTHING_SAID = "nothing_said"
    """A staff person's reply without text for the customer."""
    COMMAND_REFUSED = "command_refused"
    FOREIGN_POINTER = "foreign_pointer"
    """Only an id that another company brought to the ticket led a guest or a colleague there."""
    TOKEN_ONLY = "token_only"
    """Nothing but its author's own reply address proves it."""
    # recorded
    AUTOMATIC = "automatic"
    AUTOMATIC_FOLDED = "automatic_folded"
    """Of a proven author, and perhaps a machine's: a digest names it."""
    BOUNCE = "bounce"
    UNSUBSCRIBED = "unsubscribed"
    DIGEST_ASKED = "digest_asked"
    """A participant asks for what was withheld from them; the mail says nothing else."""
    # held
    FROM_AMBIGUOUS = "from_ambiguous"
    NOT_ENROLLED = "not_enrolled"
    FOREIGN_COMPANY = "foreign_company"
    NOT_ADDRESSED = "not_addressed"
    NOT_SIGNED = "not_signed"
    """Only a signature proves it, and unsigned fields could change how it is read."""
    DMARC_QUARANTINE = "dmarc_quarantine"
    DMARC_REJECT_HELD = "dmarc_reject_held"
    """Held because strangers are: a refusal would show that the domain is a customer's."""
    UNPROVEN_HELD = "unproven_held"
    DNS_FAILURE_HELD = "dns_failure_held"
    STRANGER_HELD = "stranger_held"
    STRANGER_RELAYED = "stranger_relayed"
    """Held as well, but because the listener holds the mail of strangers."""
    TOO_MANY_TICKETS = "too_many_tickets"
    NO_SUCH_TICKET = "no_such_ticket"
    """Still held: no ticket has the number onto which staff released it."""
    LIST_MAIL = "list_mail"
    """Through a mailing list, and addressed to that: who is asked, is not clear."""
    AUTOMATIC_UNCLEAR = "automatic_unclear"
    """Of a registered person, and declared as a machine's."""
    # duplicate
    SEEN_BEFORE = "seen_before"
    # refused
    FROM_AMBIGUOUS_REFUSED = "from_ambiguous_refused"
    STRANGER = "stranger"
    UNPROVEN = "unproven"
    DMARC_REJECT = "dmarc_reject"
    DMARC_QUARANTINE_REFUSED = "dmarc_quarantine_refused"
    """Refused because strangers are."""
    DEACTIVATED = "deactivated"
    SUSPENDED = "suspended"
    NO_SUPPORT = "no_support"
    """The company's plan includes none; its people are referred to the community."""
    PORTAL_ONLY = "portal_only"
    """It would open a ticket, and requests are submitted in the portal."""
    # deferred
    DNS_FAILURE = "dns_failure"
    TOO_MANY_WAITING = "too_many_waiting"
    """Of the client's large mails, so many wait to be read that it must try again later."""
    SENDER_RATE = "sender_rate"
    DOMAIN_RATE = "domain_rate"
    QUOTA = "quota"
    """The client's network has had enough stored today."""
    QUARANTINE_FULL = "quarantine_full"
    INTERNAL_ERROR = "internal_error"
