"""People on tickets: taken in, left out, unsubscribed."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, update

from rules.people import Presence
from storage.db.statements import compiled
from storage.db.tables import ParticipantRow, table
from storage.ticket import write
from storage.ticket.write import ChangeContext

_participant = table(ParticipantRow)
_MUTE = compiled(
    update(_participant)
    .where(
        _participant.c.id == bindparam("participant"),
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.presence == Presence.ACTIVE.value,
        ~_participant.c.muted,
    )
    .values(muted=True)
    .returning(_participant.c.address)
)
_FOLLOW = compiled(
    update(_participant)
    .where(
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.address == bindparam("address"),
        _participant.c.muted,
    )
    .values(muted=False)
)
_SETTLE = compiled(
    update(_participant)
    .where(
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.address == bindparam("address"),
        _participant.c.presence == bindparam("was"),
    )
    # Whoever is taken in sees the ticket from now on.
    .values(presence=bindparam("became"), joined_at=bindparam("now"), muted=False)
    .returning(_participant.c.id)
)


def unsubscribe(connection: Connection, hand: ChangeContext, ticket: int, participant: int) -> bool:
    """Unsubscribe an active participant: he stays, but is written to no more. False: he was."""
    muted = _MUTE.rows(connection, participant=participant, ticket=ticket)
    for row in muted:
        write.audit(connection, hand, ticket, "participant", row.address, "unsubscribed", "")
    return bool(muted)


def resubscribe(connection: Connection, ticket: int, address: str) -> None:
    """Write to somebody again who is on a ticket: staff who write on it, or whom staff add."""
    _FOLLOW.run(connection, {"ticket": ticket, "address": address})


def set_presence(
    connection: Connection,
    hand: ChangeContext,
    ticket: int,
    address: str,
    was: Presence,
    became: Presence,
) -> bool:
    """Change somebody's presence on a ticket, once; False where it was not `was` any more."""
    changed = _SETTLE.rows(
        connection,
        ticket=ticket,
        address=address,
        was=was.value,
        became=became.value,
        now=hand.now,
    )
    if changed:
        became_what = f"{address} {became.value}"
        write.audit(connection, hand, ticket, "participant", was.value, became_what, "")
    return bool(changed)
