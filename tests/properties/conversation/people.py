"""The people of the conversation: two mailboxes, each with companies and staff, and outsiders.

The registry of one mailbox is independent of the other's. Bob belongs to the same company in both,
Gwen to a different one in each, Sue is staff of both, and Ann is a user of one and unknown to the
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from storage.registry.signing_keys import add_key
from tests.rules.building import NOON

SUPPORT = "support@help.example"
SALES = "sales@help.example"
MACHINE = "bot@acme.example"
"""A registered user that is a program: its automatic mail may open tickets."""
UNENROLLED = "new@acme.example"
"""In a company's domain, but registered in neither mailbox."""
CONTACTS = ("duty@vendor.example", "oncall@vendor.example")
"""People whom the policy notifies: of an escalation, and of what is urgent. They are registered
nowhere, and on no ticket."""
OUTSIDERS = ("tom@out.example", "una@elsewhere.example")
"""Strangers, and guests once somebody adds them to a ticket."""


@dataclass(frozen=True)
class MailboxPeople:
    """The people of one mailbox at the start."""

    mailbox: str
    users: Mapping[str, str]
    """The company of each user."""
    staff: tuple[str, ...]
    unenrolled: tuple[str, ...]
    """Addresses in a company's domain that are not registered."""
    domains: Mapping[str, str]
    """The company of each domain."""

    @property
    def everybody(self) -> tuple[str, ...]:
        return (*self.users, *self.staff, *self.unenrolled, *OUTSIDERS)


AT_SUPPORT = MailboxPeople(
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
AT_SALES = MailboxPeople(
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
BOTH_MAILBOXES = (AT_SUPPORT, AT_SALES)
EVERYBODY = tuple(dict.fromkeys((*AT_SUPPORT.everybody, *AT_SALES.everybody)))
STAFF = AT_SUPPORT.staff


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def enrol(connection: Connection) -> None:
    """Register everybody in an empty store."""
    add_key(connection, b"k" * 32, NOON)
    for people in BOTH_MAILBOXES:
        add_mailbox(connection, people.mailbox, "default")
        _enrol(connection, mailbox_named(connection, people.mailbox), people)


def _enrol(connection: Connection, mailbox: Mailbox, people: MailboxPeople) -> None:
    for company in dict.fromkeys(people.domains.values()):
        domains = [domain for domain, owner in people.domains.items() if owner == company]
        add_company(connection, mailbox, company, domains)
    for user, company in people.users.items():
        person = NewPerson(user, "", Role.USER, company, user == MACHINE, anywhere=True)
        add_person(connection, mailbox, person)
    for address in people.staff:
        add_person(connection, mailbox, NewPerson(address, "", Role.STAFF, None))
