"""Counts mails of which nothing is kept by client network and hour.

Each network has a number of journal rows for them in a day, and an IPv6 /32 a larger one. Beyond
it they are only counted: a refused mail costs its sender nothing, and the disk must not pay for
each. What is beyond the number of a /32 is counted in one row of its own, whatever its networks.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.sql.expression import ClauseElement

from rules.decision.room import PROVIDER_FACTOR, RELAYED
from rules.mail import Envelope
from rules.networks import LOCAL, network_of, provider_of
from rules.policy import Policy
from storage.db.statements import Statement, compiled, insert_into
from storage.db.tables import RefusalsRow, table
from storage.mail.refusals import DAY

_refusals = table(RefusalsRow)

_TODAY = compiled(
    select(_refusals.c.network, func.sum(_refusals.c.journaled).label("journaled"))
    .where(
        _refusals.c.network.in_((bindparam("network"), bindparam("provider"))),
        _refusals.c.hour > bindparam("since"),
    )
    .group_by(_refusals.c.network)
)


def _adding(dialect: str) -> ClauseElement:
    insert = insert_into(_refusals, dialect)
    added = {name: _refusals.c[name] + insert.excluded[name] for name in ("journaled", "counted")}
    upsert = insert.on_conflict_do_update(index_elements=["network", "hour"], set_=added)
    statement: ClauseElement = upsert.returning(_refusals.c.counted)
    return statement


_ADD = Statement(_adding, [column.name for column in _refusals.columns])


def count(connection: Connection, envelope: Envelope, policy: Policy, now: datetime) -> int:
    """Count a mail of which nothing is kept.

    Returns 0 if it gets a row in the journal; else how many of its network got none this hour.
    """
    network, provider = network_of(envelope.peer), provider_of(envelope.peer)
    stands_for_many = envelope.listed or envelope.strangers == "hold" or network == LOCAL
    most = policy.quota.network_refused * (RELAYED if stands_for_many else 1)
    rows = _TODAY.rows(connection, network=network, provider=provider, since=now - DAY)
    today = {row.network: int(row.journaled) for row in rows}
    hour = _hour_of(now)
    for name, limit in ((provider, most * PROVIDER_FACTOR), (network, most)):
        if name and today.get(name, 0) >= limit:
            (added,) = _ADD.rows(connection, network=name, hour=hour, journaled=0, counted=1)
            return int(added.counted)
    for name in filter(None, (network, provider)):
        _ADD.rows(connection, network=name, hour=hour, journaled=1, counted=0)
    return 0


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
