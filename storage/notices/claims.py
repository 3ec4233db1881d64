"""Which node sends which notices: claims, and the signs of life of the nodes that hold them.

A claim names its node and does not expire. A node that holds claims raises its row's `beats` every
few seconds; another node that sees the same value for long enough, while its own writes succeed,
takes the claims over. No two clocks are compared: neither a clock that is wrong nor a store that
did not respond for a while makes a living node look dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, delete, exists, func, select, update
from sqlalchemy.sql.expression import ClauseElement

from rules.ticket.notices import NoticeState
from storage.db.statements import Statement, compiled, insert_into
from storage.db.tables import NodeRow, NoticeRow, RelayRefusalRow, table

_notice, _node, _refusal = table(NoticeRow), table(NodeRow), table(RelayRefusalRow)
_IS_DUE = _notice.c.state == NoticeState.DUE.value
NO_NODE = UUID(int=0)
"""For claims on behalf of nobody, which nobody takes over."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What an idle node must know."""

    due_at: datetime | None
    """When the next notice is due that nobody has claimed."""
    left_over: bool
    """This node holds claims that it does not send: their job was committed too late for it."""
    elsewhere: bool
    """Other nodes hold claims."""
    relay_refuses: bool = False
    """It is recorded that the relay has refused something since it last accepted a mail."""


_HOLDERS = compiled(
    select(_notice.c.claimed_by, func.count().label("number"))
    .where(_notice.c.claimed_by.is_not(None))
    .group_by(_notice.c.claimed_by)
)
_FREE = compiled(
    select(
        func.min(_notice.c.due_at).label("due_at"),
        select(exists().where(~_refusal.c.accepted_since)).scalar_subquery().label("relay_refuses"),
    ).where(_IS_DUE, _notice.c.claimed_by.is_(None))
)


def waiting(connection: Connection, node: UUID, in_hand: int = 0) -> Outstanding:
    """`in_hand` is how many mails this node is still sending."""
    found = {row.claimed_by: row.number for row in _HOLDERS.rows(connection)}
    (free,) = _FREE.rows(connection)
    return Outstanding(
        free.due_at,
        left_over=found.get(node, 0) > in_hand,
        elsewhere=bool(found.keys() - {node, NO_NODE}),
        relay_refuses=bool(free.relay_refuses),
    )


def _arrival(dialect: str) -> ClauseElement:
    statement: ClauseElement = (
        insert_into(_node, dialect)
        .values(id=bindparam("node"), beats=1)
        .on_conflict_do_update(index_elements=["id"], set_={"beats": _node.c.beats + 1})
    )
    return statement


_ARRIVE = Statement(_arrival)


def arrive(connection: Connection, node: UUID) -> None:
    """A sign of life of a node that is about to claim; it is known to the others from now on."""
    _ARRIVE.run(connection, {"node": node})


def probe(connection: Connection) -> None:
    """A small write that shows whether the store accepts any."""
    arrive(connection, NO_NODE)


def beat(connection: Connection, node: UUID) -> bool:
    """A sign of life; False if others have taken this node for dead and its claims over."""
    alive = update(_node).where(_node.c.id == node).values(beats=_node.c.beats + 1)
    return connection.execute(alive).rowcount == 1


def observe(connection: Connection, node: UUID) -> Mapping[UUID, int]:
    """The other nodes that hold claims, with their beats.

    It writes too: while this node cannot write, the others may be in the same position.
    """
    arrive(connection, node)
    query = (
        select(_notice.c.claimed_by, func.coalesce(_node.c.beats, 0).label("beats"))
        .join_from(_notice, _node, _node.c.id == _notice.c.claimed_by, isouter=True)
        .where(_notice.c.claimed_by.is_not(None), _notice.c.claimed_by.not_in((node, NO_NODE)))
        .distinct()
    )
    return {row.claimed_by: row.beats for row in connection.execute(query)}


def take_over(connection: Connection, dead: UUID, beats: int) -> int:
    """Free what a dead node held; returns how many notices. None if it has shown life since."""
    found = connection.execute(select(_node.c.beats).where(_node.c.id == dead)).scalar()
    if found is not None:
        gone = delete(_node).where(_node.c.id == dead, _node.c.beats == beats)
        if connection.execute(gone).rowcount == 0:
            return 0
    held = update(_notice).where(_IS_DUE, _notice.c.claimed_by == dead)
    return connection.execute(held.values(claimed_by=None)).rowcount


def put_back(connection: Connection, node: UUID, notices: Sequence[UUID]) -> int:
    """Free notices that this node has claimed but not tried to send."""
    return _free_untried(connection, node, _notice.c.id.in_(notices))


def put_back_all(connection: Connection, node: UUID, but: Sequence[UUID] = ()) -> int:
    """Free all that this node has claimed, except what it is sending."""
    return _free_untried(connection, node, _notice.c.id.not_in(but))


def _free_untried(connection: Connection, node: UUID, which: ColumnElement[bool]) -> int:
    held = update(_notice).where(_IS_DUE, _notice.c.claimed_by == node, which)
    untried = {"claimed_by": None, "attempts": _notice.c.attempts - 1}
    return connection.execute(held.values(**untried)).rowcount


def leave(connection: Connection, node: UUID) -> None:
    """The orderly end of a node: what it still holds is free at once."""
    held = update(_notice).where(_IS_DUE, _notice.c.claimed_by == node)
    connection.execute(held.values(claimed_by=None))
    connection.execute(delete(_node).where(_node.c.id == node))
