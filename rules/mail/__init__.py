"""The model of a mail, and what is read from its header and text."""

from rules.mail.message import (
    Attachment,
    Body,
    Delivery,
    Envelope,
    Mail,
    Mailbox,
    StrangerHandling,
    Unreadable,
    as_sent,
)

__all__ = [
    "Attachment",
    "Body",
    "Delivery",
    "Envelope",
    "Mail",
    "Mailbox",
    "StrangerHandling",
    "Unreadable",
    "as_sent",
]
