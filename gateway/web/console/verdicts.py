"""What became of a mail, and why, in words: English, which is the key of the translation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rules.decision.reasons import Reason, Verdict

VERDICTS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.OPENED: "New ticket",
        Verdict.COMMENTED: "Comment",
        Verdict.FLAGGED: "To review",
        Verdict.RECORDED: "Recorded",
        Verdict.HELD: "Held",
        Verdict.DUPLICATE: "Repeat",
        Verdict.REFUSED: "Refused",
        Verdict.DEFERRED: "Try again later",
    }
)

REASONS: Mapping[Verdict, Mapping[Reason, str]] = MappingProxyType(
    {
        Verdict.OPENED: {
            Reason.NEW_REQUEST: "a new request",
            Reason.FOLLOW_UP: "answers a closed ticket",
        },
        Verdict.COMMENTED: {
            Reason.REPLY_TOKEN: "sent to a reply address",
            Reason.OUR_MESSAGE_ID: "answers a mail of ours",
            Reason.KNOWN_MESSAGE_ID: "answers a mail on the ticket",
            Reason.LATE_PARENT: "mails on the ticket answer it",
            Reason.SUBJECT_TAG: "the subject names the ticket",
            Reason.STATED: "staff chose the ticket",
            Reason.FEEDBACK: "feedback on the help",
        },
        Verdict.FLAGGED: {
            Reason.PENDING_PARTICIPANT: "the author is not approved yet",
            Reason.NOT_A_PARTICIPANT: "the author is not on the ticket",
            Reason.OUTSIDE_CONTACT: "a contact who is not on the ticket",
            Reason.STAFF_WITHOUT_TOKEN: "staff, without their reply address",
            Reason.NOTHING_SAID: "no text for the customer",
            Reason.COMMAND_REFUSED: "a command was refused",
            Reason.FOREIGN_POINTER: "another company led it here",
            Reason.TOKEN_ONLY: "only the reply address proves it",
        },
        Verdict.RECORDED: {
            Reason.AUTOMATIC: "written by a machine",
            Reason.AUTOMATIC_FOLDED: "perhaps written by a machine",
            Reason.BOUNCE: "a mail of ours came back",
            Reason.UNSUBSCRIBED: "wants no more mail",
            Reason.DIGEST_ASKED: "asks for what was withheld",
        },
        Verdict.HELD: {
            Reason.FROM_AMBIGUOUS: "not exactly one author",
            Reason.NOT_ENROLLED: "the author is not registered, their company is",
            Reason.FOREIGN_COMPANY: "answers a request of another company",
            Reason.NOT_ADDRESSED: "signed, but not addressed to us",
            Reason.NOT_SIGNED: "parts are not signed",
            Reason.DMARC_QUARANTINE: "fails the policy of its domain",
            Reason.DMARC_REJECT_HELD: "fails the policy of its domain, which is to refuse",
            Reason.UNPROVEN_HELD: "nothing proves the author",
            Reason.DNS_FAILURE_HELD: "the DNS did not respond",
            Reason.STRANGER_HELD: "the author is not registered",
            Reason.STRANGER_RELAYED: "the author is not registered, and a relay brought it",
            Reason.TOO_MANY_TICKETS: "too many requests within an hour",
            Reason.NO_SUCH_TICKET: "the ticket does not exist",
            Reason.LIST_MAIL: "through a mailing list",
            Reason.AUTOMATIC_UNCLEAR: "marked as written by a machine",
        },
        Verdict.DUPLICATE: {
            Reason.SEEN_BEFORE: "received before",
        },
        Verdict.REFUSED: {
            Reason.FROM_AMBIGUOUS_REFUSED: "not exactly one author, and unproven",
            Reason.STRANGER: "not a registered author",
            Reason.UNPROVEN: "the author is not proven",
            Reason.DMARC_REJECT: "its domain wants it refused",
            Reason.DMARC_QUARANTINE_REFUSED: "fails the policy of its domain, and strangers are "
            "refused",
            Reason.DEACTIVATED: "the author is deactivated",
            Reason.SUSPENDED: "the company is suspended",
            Reason.NO_SUPPORT: "the plan includes no support",
            Reason.PORTAL_ONLY: "requests are submitted in the portal",
        },
        Verdict.DEFERRED: {
            Reason.DNS_FAILURE: "the DNS does not respond",
            Reason.TOO_MANY_WAITING: "too many large mails at once",
            Reason.SENDER_RATE: "too many mails of the sender",
            Reason.DOMAIN_RATE: "too many mails of the domain",
            Reason.QUOTA: "enough was stored for this network today",
            Reason.QUARANTINE_FULL: "the quarantine is full",
            Reason.INTERNAL_ERROR: "an error of ours",
        },
    }
)
"""Reasons by the verdict that they belong to. A mail that staff release can keep the reason of
another verdict."""

OF_REASON: Mapping[str, str] = MappingProxyType(
    {reason.value: text for reasons in REASONS.values() for reason, text in reasons.items()}
)

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "text": "Text",
        "duplicate": "Received before?",
        "bounce": "A bounce?",
        "automatic": "Written by a machine?",
        "author": "Author",
        "proof": "Proof of the author",
        "sender": "Registered?",
        "rate": "How many mails",
        "known_ticket": "Known ticket",
        "new_ticket": "New request",
        "room": "Room",
        "reply": "Reply",
    }
)
"""The checks of a trace."""

KEYS = frozenset((*VERDICTS.values(), *OF_REASON.values(), *CHECKS.values()))
