"""The accounts of identity providers by which users of the console log in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, literal, select
from sqlalchemy.exc import IntegrityError

from rules.service.console_identities import Account, LoginRefusal
from storage.db.columns import UtcTimestamp
from storage.db.tables import ConsoleIdentityRow, ConsoleUserRow, table

_user, _identity = table(ConsoleUserRow), table(ConsoleIdentityRow)


def user_of(connection: Connection, account: Account) -> str | None:
    """The address of the user who logs in with an account; None for one that is linked to none."""
    query = select(_identity.c.address).where(
        _identity.c.issuer == account.issuer, _identity.c.subject == account.subject
    )
    address: str | None = connection.execute(query).scalar_one_or_none()
    return address


def link(connection: Connection, account: Account, now: datetime) -> LoginRefusal | None:
    """Link an account to the user of its address, who has none of this issuer yet; the refusal if
    there is no such user, or they have."""
    if not account.address:
        return LoginRefusal.NOT_VERIFIED
    row = select(
        literal(account.issuer),
        literal(account.subject),
        _user.c.address,
        literal(now, UtcTimestamp()),
    ).where(_user.c.address == account.address)
    into = insert(_identity).from_select(("issuer", "subject", "address", "linked_at"), row)
    try:
        with connection.begin_nested():
            linked = connection.execute(into).rowcount
    except IntegrityError:
        return LoginRefusal.ANOTHER_ACCOUNT
    return None if linked else LoginRefusal.UNKNOWN


def linked_at(connection: Connection, address: str, issuer: str) -> datetime | None:
    """Since when a user can log in with an account of an issuer; None if they cannot."""
    query = select(_identity.c.linked_at).where(
        _identity.c.address == address, _identity.c.issuer == issuer
    )
    found: datetime | None = connection.execute(query).scalar_one_or_none()
    return found
