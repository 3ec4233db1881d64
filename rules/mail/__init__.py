"""The model of a mail, and what is read from its header and text."""

from rules.mail.message import (
    AttachedMail,
    Attachment,
    Body,
    BodyNeeded,
    Delivery,
    Envelope,
    Mail,
    Mailbox,
    Unread,
    Unreadable,
    as_sent,
    forbidden_octets,
    with_postmasters,
)
from rules.strangers import StrangerHandling

__all__ = [
    "AttachedMail",
    "Attachment",
    "Body",
    "BodyNeeded",
    "Delivery",
    "Envelope",
    "Mail",
    "Mailbox",
    "StrangerHandling",
    "Unread",
    "Unreadable",
    "as_sent",
    "forbidden_octets",
    "with_postmasters",
]
