"""The networks from which users of the console have logged in."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from storage.db.tables import ConsoleNetworkRow, table

_network = table(ConsoleNetworkRow)

KNOWN_FOR = timedelta(days=90)
"""A network is known for so long after the last login from it."""


def note(connection: Connection, address: str, network: str, now: datetime) -> None:
    """Note a login. The caller has locked the user's row, so that no other login adds the same."""
    here = (_network.c.address == address) & (_network.c.network == network)
    connection.execute(delete(_network).where(_network.c.seen_at < now - KNOWN_FOR))
    if not connection.execute(update(_network).where(here).values(seen_at=now)).rowcount:
        row = {"address": address, "network": network, "seen_at": now}
        connection.execute(insert(_network), row)


def is_known(connection: Connection, address: str, network: str, now: datetime) -> bool:
    """Whether the user of an address has logged in from a network within the last months."""
    query = select(_network.c.address).where(
        _network.c.address == address,
        _network.c.network == network,
        _network.c.seen_at > now - KNOWN_FOR,
    )
    return connection.execute(query).one_or_none() is not None
