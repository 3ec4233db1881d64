"""What a mail is and says."""

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
