"""Who takes part: the people of three companies, the desk, and those who belong to neither."""

from __future__ import annotations

from collections.abc import Mapping

from rules.facts import Role
from rules.mail import Mailbox
from storage import registry
from storage.database import Connection
from storage.registry import NewPerson
from tests.rules.building import NOON

SUPPORT = "support@help.example"
COMPANIES: Mapping[str, tuple[str, ...]] = {
    "Acme": ("ann@acme.example", "bob@acme.example", "cora@acme.example"),
    "Globex": ("gil@globex.example", "gwen@globex.example"),
    "Initech": ("ida@initech.example",),
}
STAFF = ("sam@help.example", "sue@help.example")
MACHINE = "bot@acme.example"
"""A registered user that is a program: its automatic mail may open tickets."""
UNENROLLED = "new@acme.example"
"""Of a company's domain, but not registered."""
OUTSIDERS = ("tom@out.example", "una@elsewhere.example")
"""Guests once somebody brings them onto a ticket, strangers else."""

USERS = (*(user for people in COMPANIES.values() for user in people), MACHINE)
EVERYBODY = (*USERS, *STAFF, UNENROLLED, *OUTSIDERS)
COMPANY_OF: Mapping[str, str] = {
    **{user: company for company, people in COMPANIES.items() for user in people},
    MACHINE: "Acme",
}
"""Of the registered users."""


def colleagues(address: str, company: str | None) -> bool:
    """Whether an address is of a company, registered or not."""
    domain = address.rpartition("@")[2]
    return company is not None and domain == f"{company.lower()}.example"


def enrol(connection: Connection) -> Mailbox:
    """Register them all in an empty store."""
    registry.add_key(connection, b"k" * 32, NOON)
    registry.add_mailbox(connection, SUPPORT, "default")
    mailbox = registry.the_mailbox(connection, None)
    for company in COMPANIES:
        registry.add_company(connection, mailbox, company, [f"{company.lower()}.example"])
    for user, company in COMPANY_OF.items():
        person = NewPerson(user, "", Role.USER, company, machine=user == MACHINE)
        registry.add_person(connection, mailbox, person)
    for address in STAFF:
        registry.add_person(connection, mailbox, NewPerson(address, "", Role.STAFF, None))
    return mailbox
