"""The support addresses that take mail, each with its policy.

Functions that write are jobs for the ledger; they raise the errors of `storage.registry.errors`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from rules.mail import Mailbox, with_postmasters
from rules.mail.addresses import normalise
from rules.policy.switching import TicketTerms
from rules.sender.tokens import REPLY_TOKEN_LENGTH
from rules.ticket.lifecycle import Status
from storage.db.tables import MailboxRow, PersonRow, TicketRow, table
from storage.registry.checks import insert_new, not_found, valid_address
from storage.registry.errors import InvalidValue, NotFound

_mailbox = table(MailboxRow)
_person = table(PersonRow)
_ticket = table(TicketRow)

_IS_OPEN = (
    _ticket.c.status.in_([status.value for status in Status if not status.is_over]),
    _ticket.c.merged_into.is_(None),
    _ticket.c.deleted_at.is_(None),
)
NUMBERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OrdinaryTickets:
    """Tickets of one level that are not closed and not critical."""

    level: str
    count: int
    first: tuple[int, ...]
    """The lowest numbers, `NUMBERS_SHOWN` at most."""


LONGEST_LOCAL_PART = 64 - 1 - REPLY_TOKEN_LENGTH
"""A mailbox's local part leaves room for `+token` in 64 octets (RFC 5321 §4.5.3.1.1)."""


def list_mailboxes(connection: Connection, *, inactive_too: bool = False) -> tuple[Mailbox, ...]:
    """The mailboxes that take mail, by address; with `inactive_too` also those that do not, and
    without `postmaster`."""
    query = select(_mailbox.c.id, _mailbox.c.address, _mailbox.c.policy).order_by(
        _mailbox.c.address
    )
    if inactive_too:
        return tuple(Mailbox(*row) for row in connection.execute(query))
    active = connection.execute(query.where(_mailbox.c.active))
    return with_postmasters([Mailbox(*row) for row in active])


def takes_mail(connection: Connection, mailbox: Mailbox) -> bool:
    query = select(_mailbox.c.active).where(_mailbox.c.id == mailbox.id)
    return bool(connection.execute(query).scalar())


def own_addresses(connection: Connection) -> frozenset[str]:
    """Of the mailboxes that take no mail as well: they may take it again."""
    return frozenset(each.address for each in list_mailboxes(connection, inactive_too=True))


def names_taken(connection: Connection) -> frozenset[str]:
    """The addresses of all mailboxes, and each `postmaster` that one of them takes."""
    names = (each.names for each in list_mailboxes(connection))
    return own_addresses(connection).union(*names)


def mailbox_named(connection: Connection, address: str | None) -> Mailbox:
    """The active mailbox of an address; for None the only one that exists. Raises NotFound."""
    active = list_mailboxes(connection)
    if address is None:
        if len(active) == 1:
            return active[0]
        if not active:
            raise NotFound("there is no mailbox: run `postern init` or `postern mailbox add`")
        addresses = ", ".join(mailbox.address for mailbox in active)
        text = "there are several mailboxes, choose one with --mailbox: {addresses}"
        raise NotFound(text, addresses=addresses)
    wanted = normalise(address)
    for mailbox in active:
        if mailbox.address == wanted:
            return mailbox
    raise not_found("mailbox {address}", (each.address for each in active), address=address)


def add_mailbox(connection: Connection, address: str, policy: str) -> int:
    """Register a mailbox and return its id. Raises InvalidValue or AlreadyExists."""
    normal = valid_address(address)
    local = normal.rpartition("@")[0]
    if len(local) > LONGEST_LOCAL_PART or "+" in local:
        raise InvalidValue(
            "{address}: the part before @ must have at most {most} characters and no +, so that a "
            "reply token fits after it",
            address=address,
            most=LONGEST_LOCAL_PART,
        )
    if connection.execute(select(_person.c.id).where(_person.c.address == normal).limit(1)).first():
        text = "{address} is registered as a person; mail from it would loop"
        raise InvalidValue(text, address=normal)
    row: dict[str, object] = {"address": normal, "policy": policy, "active": True}
    return insert_new(connection, _mailbox, row, normal)


def set_mailbox_active(connection: Connection, address: str, active: bool) -> None:
    """Take mail at an address, or take it no more. Raises NotFound."""
    changed = connection.execute(
        update(_mailbox).where(_mailbox.c.address == normalise(address)).values(active=active)
    )
    if not changed.rowcount:
        raise NotFound("no mailbox {address}", address=address)


def set_mailbox_policy(connection: Connection, address: str, policy: str) -> None:
    """Apply another policy to a mailbox from the next mail on. Raises NotFound."""
    mailbox = mailbox_named(connection, address)
    connection.execute(update(_mailbox).where(_mailbox.c.id == mailbox.id).values(policy=policy))


def open_tickets(connection: Connection, mailbox: int) -> tuple[TicketTerms, ...]:
    """What the open tickets of a mailbox have of the policy that they were opened under."""
    rows = connection.execute(
        select(
            _ticket.c.id,
            _ticket.c.severity,
            _ticket.c.tier,
            _ticket.c.calendar,
            _ticket.c.escalation_level,
            _ticket.c.fields,
            _ticket.c.missing,
        )
        .where(_ticket.c.mailbox_id == mailbox, *_IS_OPEN)
        .order_by(_ticket.c.id)
    )
    return tuple(
        TicketTerms(
            number=row.id,
            severity=row.severity,
            tier=row.tier,
            calendar=row.calendar,
            escalation_level=row.escalation_level,
            fields=tuple(json.loads(row.fields)),
            missing=tuple(json.loads(row.missing)),
        )
        for row in rows
    )


def has_open_tickets(connection: Connection, mailbox: Mailbox) -> bool:
    query = select(_ticket.c.id).where(_ticket.c.mailbox_id == mailbox.id, *_IS_OPEN).limit(1)
    return connection.execute(query).first() is not None


def ordinary_tickets(
    connection: Connection, mailbox: int, levels: Collection[str]
) -> tuple[OrdinaryTickets, ...]:
    """Tickets of a mailbox at these levels that are not critical, by level; closed ones aside."""
    if not levels:  # else every ticket would be read for nothing
        return ()
    is_ordinary = (
        (_ticket.c.mailbox_id == mailbox)
        & ~_ticket.c.critical
        & (_ticket.c.status != Status.CLOSED.value)
        & _ticket.c.merged_into.is_(None)
        & _ticket.c.deleted_at.is_(None)
    )
    counts = connection.execute(
        select(_ticket.c.severity, func.count())
        .where(is_ordinary)
        .group_by(_ticket.c.severity)
        .order_by(_ticket.c.severity)
    ).all()
    wanted = {level.casefold() for level in levels}
    found = []
    for level, count in counts:
        if level.casefold() not in wanted:  # in Python: SQLite folds the case of ASCII only
            continue
        numbers = connection.scalars(
            select(_ticket.c.id)
            .where(is_ordinary, _ticket.c.severity == level)
            .order_by(_ticket.c.id)
            .limit(NUMBERS_SHOWN)
        )
        found.append(OrdinaryTickets(level, count, tuple(numbers)))
    return tuple(found)
