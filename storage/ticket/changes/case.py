"""One act of changing a ticket: what every change needs, and how one is refused."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from rules.policy import Policy
from rules.service.limits import HOUR
from rules.ticket.model import Ticket
from storage.ticket.load import load as load_tickets
from storage.ticket.write import ChangeContext


class ChangeRefused(Exception):
    """A change that cannot be made; nothing was done. Its text says why, for whoever asked."""


@dataclass(frozen=True, slots=True)
class Case:
    connection: Connection
    hand: ChangeContext
    policy: Policy
    by_staff: bool
    said: bool
    """Public words go out with it, and their notice says how the ticket stands now."""


def load(case: Case, number: int) -> Ticket:
    since = case.hand.now - HOUR
    found = load_tickets(case.connection, case.hand.mailbox, [number], since)
    ticket = found.get(number)
    if ticket is None or ticket.deleted:
        raise ChangeRefused(f"there is no ticket #{number}")
    return ticket
