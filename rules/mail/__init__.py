"""The model of a mail, and what is read from its header and text."""

from rules.mail.message import (
    NO_FILES,
    AttachedMail,
    Attachment,
    Body,
    BodyNeeded,
    Delivery,
    Envelope,
    Mail,
    Mailbox,
    SentFiles,
    Unread,
    Unreadable,
    as_sent,
    forbidden_octets,
    sent_in_blocks,
    with_postmasters,
)
from rules.strangers import StrangerHandling

__all__ = [
    "NO_FILES",
    "AttachedMail",
    "Attachment",
    "Body",
    "BodyNeeded",
    "Delivery",
    "Envelope",
    "Mail",
    "Mailbox",
    "SentFiles",
    "StrangerHandling",
    "Unread",
    "Unreadable",
    "as_sent",
    "forbidden_octets",
    "sent_in_blocks",
    "with_postmasters",
]
