"""Who takes part: two desks, each with its companies and staff, and those who belong to neither.

What is true at one desk says nothing at the other. Bob is of the same company at both, Gwen of
another one at each, Sue is staff of both; Ann is a user of the one, and at the other nobody yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection
from storage.registry import companies, mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from tests.rules.building import NOON

SUPPORT = "support@help.example"
SALES = "sales@help.example"
MACHINE = "bot@acme.example"
"""A registered user that is a program: its automatic mail may open tickets."""
UNENROLLED = "new@acme.example"
"""Of a company's domain, but registered at neither desk."""
OUTSIDERS = ("tom@out.example", "una@elsewhere.example")
"""Guests once somebody brings them onto a ticket, strangers else."""


@dataclass(frozen=True)
class Cast:
    """The people of one desk before anything happens."""

    mailbox: str
    users: Mapping[str, str]
    """Each with his company."""
    staff: tuple[str, ...]
    unenrolled: tuple[str, ...]
    """Of a company's domain."""
    domains: Mapping[str, str]
    """Each with its company."""

    @property
    def everybody(self) -> tuple[str, ...]:
        return (*self.users, *self.staff, *self.unenrolled, *OUTSIDERS)


AT_SUPPORT = Cast(
    SUPPORT,
    {
        "ann@acme.example": "Acme",
        "bob@acme.example": "Acme",
        "cora@acme.example": "Acme",
        "gil@globex.example": "Globex",
        "gwen@globex.example": "Globex",
        "ida@initech.example": "Initech",
        MACHINE: "Acme",
    },
    ("sam@help.example", "sue@help.example"),
    (UNENROLLED, "gus@globex.example"),
    {"acme.example": "Acme", "globex.example": "Globex", "initech.example": "Initech"},
)
AT_SALES = Cast(
    SALES,
    {
        "bob@acme.example": "Acme",
        "gwen@globex.example": "Umbra",
        "uma@umbra.example": "Umbra",
    },
    ("sue@help.example", "stan@help.example"),
    (UNENROLLED, "ann@acme.example"),
    {"acme.example": "Acme", "umbra.example": "Umbra"},
)
CASTS = (AT_SUPPORT, AT_SALES)
EVERYBODY = tuple(dict.fromkeys((*AT_SUPPORT.everybody, *AT_SALES.everybody)))
STAFF = AT_SUPPORT.staff


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def enrol(connection: Connection) -> None:
    """Register them all in an empty store."""
    signing_keys.add_key(connection, b"k" * 32, NOON)
    for cast in CASTS:
        mailboxes.add_mailbox(connection, cast.mailbox, "default")
        _enrol(connection, mailboxes.mailbox_named(connection, cast.mailbox), cast)


def _enrol(connection: Connection, mailbox: Mailbox, cast: Cast) -> None:
    for company in dict.fromkeys(cast.domains.values()):
        domains = [domain for domain, its in cast.domains.items() if its == company]
        companies.add_company(connection, mailbox, company, domains)
    for user, company in cast.users.items():
        person = NewPerson(user, "", Role.USER, company, user == MACHINE, anywhere=True)
        people.add_person(connection, mailbox, person)
    for address in cast.staff:
        people.add_person(connection, mailbox, NewPerson(address, "", Role.STAFF, None))
