"""What is stored already of mail that nobody proven and registered had to send."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select, text

from rules.decision.model import Decision, Hold
from rules.decision.room import Room, counts_against_network
from rules.mail.addresses import domain_of, without_detail
from rules.mail.header import Author
from rules.networks import network_of, provider_of
from storage.db.statements import compiled
from storage.db.tables import COUNTED_BY_NETWORK, COUNTED_BY_PROVIDER, JournalRow, MailRow, table
from storage.mail.apply import Entry

DAY = timedelta(days=1)

_journal, _mail = table(JournalRow), table(MailRow)

_HERE = _journal.c.network == bindparam("network")
_TODAY = compiled(
    select(
        func.count().label("mails"),
        func.coalesce(func.sum(_journal.c.kept_bytes), 0).label("size"),
    ).where(
        text(COUNTED_BY_NETWORK),  # exactly the condition of the index
        _HERE,
        _journal.c.received_at > bindparam("since"),
    )
)


_OF_PROVIDER = compiled(
    select(
        func.coalesce(func.sum(case((_HERE, 1), else_=0)), 0).label("mails"),
        func.coalesce(func.sum(case((_HERE, _journal.c.kept_bytes), else_=0)), 0).label("size"),
        func.count().label("provider_mails"),
        func.coalesce(func.sum(_journal.c.kept_bytes), 0).label("provider_size"),
    ).where(
        text(COUNTED_BY_PROVIDER),  # exactly the condition of the index
        _journal.c.provider == bindparam("provider"),
        _journal.c.received_at > bindparam("since"),
    )
)
"""The same of an IPv6 client, with its provider's."""


def room_for(connection: Connection, entry: Entry, decision: Decision) -> Room | None:
    """The room that a decision must be measured by; None, without a query, for most mail."""
    proven = entry.considered.authentication.aligned
    by_network = counts_against_network(decision, proven=proven)
    holds = isinstance(decision.action, Hold)
    if entry.attempt.held is not None or not (by_network or holds):
        return None
    room = _of_today(connection, entry) if by_network else Room("")
    return _with_held(connection, entry, room) if holds else room


def _of_today(connection: Connection, entry: Entry) -> Room:
    """With what the client's network has sent, and its provider if it has one."""
    peer, since = entry.considered.envelope.peer, entry.attempt.decided_at - DAY
    network, provider = network_of(peer), provider_of(peer)
    if not provider:
        (today,) = _TODAY.rows(connection, network=network, since=since)
        return Room(network, mails_today=today.mails, bytes_today=today.size)
    (today,) = _OF_PROVIDER.rows(connection, network=network, provider=provider, since=since)
    return Room(
        network,
        provider,
        mails_today=today.mails,
        bytes_today=today.size,
        provider_mails=today.provider_mails,
        provider_bytes=today.provider_size,
    )


def _with_held(connection: Connection, entry: Entry, room: Room) -> Room:
    """With the numbers of what waits in the quarantine of the mailbox."""
    author = entry.mail.author
    address = author.address if isinstance(author, Author) else ""
    by_network = _journal.c.network != ""
    base, domain = without_detail(address)[0], "@" + domain_of(address)
    detailed = base.removesuffix(domain) + "+"
    in_domain = _journal.c.author.endswith(domain, autoescape=True)
    # The owner of an address has all of its `+details`, and not all the room of the domain.
    of_sender = (_journal.c.author == base) | (
        _journal.c.author.startswith(detailed, autoescape=True) & in_domain
    )
    found = connection.execute(
        select(
            _number(by_network).label("by_anybody"),
            _number(_journal.c.network == (room.network or "none")).label("by_network"),
            _number(_journal.c.provider == (room.provider or "none")).label("by_provider"),
            _number(~by_network & of_sender).label("by_sender"),
            _number(~by_network & in_domain).label("by_domain"),
        )
        .join_from(_mail, _journal, _mail.c.journal_id == _journal.c.id)
        .where(_mail.c.mailbox_id == entry.mailbox.id, _mail.c.state == "held")
    ).one()
    return replace(
        room,
        held_by_anybody=found.by_anybody,
        held_by_network=found.by_network,
        held_by_provider=found.by_provider,
        held_by_sender=found.by_sender,
        held_by_domain=found.by_domain,
    )


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
