"""The demo's store with a second mailbox, whose policy has tiers and a severity for workarounds."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import clock, policies
from rules.decision.request import Request
from rules.mail import Mailbox
from rules.people import Role
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from storage.ticket.change import open_requested
from storage.ticket.read import ticket_view
from storage.ticket.rows import ChangeContext
from storage.ticket.views import TicketView
from tests.gateway.cli.command_line import CommandLine, Output

ANN, BOB, SAM = "ann@acme.example", "bob@acme.example", "sam@help.example"
PLANNED = "planned@help.example"
"""Its policy has tiers, and lowers the severity for a workaround."""


@dataclass(frozen=True)
class Planned(CommandLine):
    """The command line, and what a test looks up behind it."""

    def set(self, number: int, *arguments: str) -> list[str]:
        """The effects of a change that is made."""
        done = self.run("tickets", "set", str(number), *arguments)
        assert done.code == 0, done.err
        return done.out.splitlines()

    def refused(self, number: int, *arguments: str) -> Output:
        done = self.run("tickets", "set", str(number), *arguments)
        assert done.code != 0
        return done

    def company(self, *arguments: str) -> Output:
        return self.run("company", *arguments, "--mailbox", PLANNED)

    def opened_ticket(self, mailbox: str = PLANNED) -> int:
        """The number of a new ticket of Ann's."""

        def job(connection: Connection) -> int:
            ours = mailboxes.mailbox_named(connection, mailbox)
            context = ChangeContext(ours, ANN, Source.API, clock.now(), clock.new_id)
            policy = policies.load(None)[ours.policy]
            request = Request(ANN, "Lift", "It is stuck.")
            number = open_requested(connection, context, request, policy, by_staff=False)
            assert isinstance(number, int)
            return number

        return self.write(job)

    def ticket(self, number: int) -> TicketView:
        ticket = self.read(lambda c: ticket_view(c, number))
        assert ticket is not None
        return ticket

    def mailbox(self, address: str = PLANNED) -> Mailbox:
        return self.read(lambda c: mailboxes.mailbox_named(c, address))


def enrol(connection: Connection) -> None:
    """Register the second mailbox with Ann and Sam."""
    mailboxes.add_mailbox(connection, PLANNED, "stakater")
    ours = mailboxes.mailbox_named(connection, PLANNED)
    companies.add_company(connection, ours, "Acme", ["acme.example"])
    people.add_person(connection, ours, NewPerson(ANN, "", Role.USER, "Acme"))
    people.add_person(connection, ours, NewPerson(SAM, "", Role.STAFF, None))
