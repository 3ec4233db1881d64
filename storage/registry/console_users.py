"""Users of the console: their roles, their passwords, and the browsers that are logged in.

Of passwords, sessions and links only a hash is stored. Functions that write are jobs for the
ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, true, update

from rules.mail import Mailbox
from rules.people import Role
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.db.tables import (
    ConsoleIdentityRow,
    ConsoleLinkRow,
    ConsoleNetworkRow,
    ConsoleSessionRow,
    ConsoleUserRow,
    PersonRow,
    table,
)
from storage.registry import console_networks
from storage.registry.checks import not_found, valid_address
from storage.registry.mailboxes import list_mailboxes

_user, _session, _link = table(ConsoleUserRow), table(ConsoleSessionRow), table(ConsoleLinkRow)
_identity, _network = table(ConsoleIdentityRow), table(ConsoleNetworkRow)
_person = table(PersonRow)

IDLE = timedelta(hours=12)
"""A session without a request by its user for so long ends."""
LONGEST = timedelta(days=7)
"""A session ends after this time in any case."""
NOTED_EVERY = timedelta(minutes=5)
"""How exactly the time of a session's last request is known: a write for each would cost more."""
FRESH = timedelta(minutes=15)
"""So long after a login it proves who its user is: they may choose their first password."""

VALID_FOR = {EntryUse.PASSWORD: timedelta(days=2), EntryUse.ENTER: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class ConsoleUser:
    address: str
    role: ConsoleRole
    language: str = ""
    """Empty for the one that the browser asks for."""


@dataclass(frozen=True, slots=True)
class ListedUser:
    user: ConsoleUser
    has_password: bool
    has_account: bool
    """Of an identity provider, by which they log in."""
    seen_at: datetime | None
    """The last request of a browser that is still logged in."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that works once; `secret` is a part of its path."""

    use: EntryUse
    secret: str


def invite(
    connection: Connection,
    address: str,
    role: ConsoleRole,
    now: datetime,
    link: NewLink | None = None,
) -> ConsoleUser:
    """Give an address a role and, if they need one to log in, a link; the links that it was given
    before end.

    Raises InvalidValue for what is no address.
    """
    user = ConsoleUser(valid_address(address), role)
    known = update(_user).where(_user.c.address == user.address).values(role=role.value)
    if not connection.execute(known).rowcount:
        added = {"address": user.address, "role": role.value, "invited_at": now}
        connection.execute(insert(_user), added)
    connection.execute(delete(_link).where(_link.c.address == user.address))
    if link is None:
        return user
    row = {
        "digest": _digest(link.secret),
        "address": user.address,
        "use": link.use.value,
        "ends_at": now + VALID_FOR[link.use],
    }
    connection.execute(insert(_link), row)
    return user


def remove(connection: Connection, address: str) -> None:
    """Remove a user, with their links and the accounts that they logged in by, and end their
    sessions. Raises NotFound."""
    for of in (_session, _link, _identity, _network):
        connection.execute(delete(of).where(of.c.address == address))
    if not connection.execute(delete(_user).where(_user.c.address == address)).rowcount:
        known = [each.user.address for each in list_users(connection)]
        raise not_found("user of the console {address}", known, address=repr(address))


def list_users(connection: Connection) -> Sequence[ListedUser]:
    """All users, by address."""
    sessions = select(_session.c.address, _session.c.seen_at).order_by(_session.c.seen_at)
    seen = {row.address: row.seen_at for row in connection.execute(sessions)}
    accounts = set(connection.execute(select(_identity.c.address)).scalars())
    rows = connection.execute(select(_user).order_by(_user.c.address))
    return [
        ListedUser(
            _as_user(row), bool(row.password), row.address in accounts, seen.get(row.address)
        )
        for row in rows
    ]


def user_named(connection: Connection, address: str) -> ConsoleUser | None:
    """The user of an address; None for nobody."""
    row = connection.execute(select(_user).where(_user.c.address == address)).one_or_none()
    return _as_user(row) if row is not None else None


def users_with(connection: Connection, role: ConsoleRole) -> Sequence[ConsoleUser]:
    """The users of a role, by address."""
    query = select(_user).where(_user.c.role == role.value).order_by(_user.c.address)
    return [_as_user(row) for row in connection.execute(query)]


def password_hash(connection: Connection, address: str) -> str:
    """The hash of a user's password; empty for who has none."""
    query = select(_user.c.password).where(_user.c.address == address)
    return connection.execute(query).scalar_one_or_none() or ""


def link_of(
    connection: Connection, secret: str, now: datetime
) -> tuple[ConsoleUser, EntryUse] | None:
    """Whose a link is, and its use; None for one that does not work, or no longer."""
    query = (
        select(_user, _link.c.use)
        .join_from(_link, _user, _link.c.address == _user.c.address)
        .where(_link.c.digest == _digest(secret), _link.c.ends_at > now)
    )
    row = connection.execute(query).one_or_none()
    return (_as_user(row), EntryUse(row.use)) if row is not None else None


def use_link(
    connection: Connection, secret: str, use: EntryUse, now: datetime, password: str = ""
) -> ConsoleUser | None:
    """Use a link up, and store the hash of the password that was chosen with it. Every session of
    the user ends then: one may be of somebody who knew the old password.

    None for a link that does not work: another request may have used it.
    """
    found = link_of(connection, secret, now)
    if found is None or found[1] is not use:
        return None
    gone = connection.execute(delete(_link).where(_link.c.digest == _digest(secret)))
    if not gone.rowcount:
        return None
    address = found[0].address
    if password:
        # First the user, whose row a login locks: a session of the old password that begins
        # meanwhile is there to be ended, or is refused.
        of_user = update(_user).where(_user.c.address == address)
        connection.execute(of_user.values(password=password))
        connection.execute(delete(_session).where(_session.c.address == address))
    return found[0]


def begin_session(
    connection: Connection,
    address: str,
    secret: str,
    now: datetime,
    network: str,
    verified: str | None = None,
) -> bool:
    """Log a browser in that asks from a network; sessions that have ended are forgotten. False
    where the user was removed, or the hash of the password that was verified is no longer stored:
    the sessions of who knew it have ended."""
    unchanged = _user.c.password == verified if verified is not None else true()
    known = select(_user.c.address).where(_user.c.address == address, unchanged)
    if connection.execute(known.with_for_update()).one_or_none() is None:
        return False
    ended = (_session.c.seen_at < now - IDLE) | (_session.c.begun_at < now - LONGEST)
    connection.execute(delete(_session).where(ended))
    connection.execute(delete(_link).where(_link.c.ends_at < now))
    row = {"digest": _digest(secret), "address": address, "begun_at": now, "seen_at": now}
    connection.execute(insert(_session), row)
    console_networks.note(connection, address, network, now)
    return True


@dataclass(frozen=True, slots=True)
class LiveSession:
    user: ConsoleUser
    begun_at: datetime
    is_noted: bool
    """Whether the time of its last request is known exactly enough."""


def session_of(connection: Connection, secret: str, now: datetime) -> LiveSession | None:
    """The session of a cookie; None for one that is unknown or has ended."""
    query = (
        select(_user, _session.c.begun_at, _session.c.seen_at)
        .join_from(_session, _user, _session.c.address == _user.c.address)
        .where(
            _session.c.digest == _digest(secret),
            _session.c.seen_at > now - IDLE,
            _session.c.begun_at > now - LONGEST,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return LiveSession(_as_user(row), row.begun_at, row.seen_at > now - NOTED_EVERY)


def note_session(connection: Connection, secret: str, now: datetime) -> None:
    seen = update(_session).where(_session.c.digest == _digest(secret))
    connection.execute(seen.values(seen_at=now))


def end_session(connection: Connection, secret: str) -> None:
    connection.execute(delete(_session).where(_session.c.digest == _digest(secret)))


@dataclass(frozen=True, slots=True)
class UserSession:
    """A browser that is logged in."""

    begun_at: datetime
    seen_at: datetime
    is_own: bool
    """It is the one that asks."""


def sessions_of(
    connection: Connection, address: str, secret: str, now: datetime
) -> Sequence[UserSession]:
    """The sessions of a user that have not ended, the last seen first; `secret` is of the one that
    asks."""
    query = select(_session).where(
        _session.c.address == address,
        _session.c.seen_at > now - IDLE,
        _session.c.begun_at > now - LONGEST,
    )
    own = _digest(secret)
    rows = connection.execute(query.order_by(_session.c.seen_at.desc()))
    return [UserSession(row.begun_at, row.seen_at, row.digest == own) for row in rows]


def end_other_sessions(connection: Connection, address: str, secret: str) -> int:
    """End every session of a user but the one of this secret; returns how many."""
    others = (_session.c.address == address) & (_session.c.digest != _digest(secret))
    return connection.execute(delete(_session).where(others)).rowcount


def change_password(
    connection: Connection, address: str, was: str, password: str, secret: str
) -> bool:
    """Store the hash of a new password, and end the user's other sessions and their link. False if
    the stored one is no longer the one that was verified: somebody has changed it since."""
    unchanged = (_user.c.address == address) & (_user.c.password == was)
    changed = connection.execute(update(_user).where(unchanged).values(password=password))
    if not changed.rowcount:
        return False
    end_other_sessions(connection, address, secret)
    connection.execute(delete(_link).where(_link.c.address == address))
    return True


def set_language(connection: Connection, address: str, language: str) -> None:
    connection.execute(update(_user).where(_user.c.address == address).values(language=language))


def mailboxes_of(connection: Connection, user: ConsoleUser) -> Sequence[Mailbox]:
    """The mailboxes that a user sees: operators all of them, others those whose staff they are."""
    return mailboxes_of_each(connection, [user])[user.address]


def mailboxes_of_each(
    connection: Connection, users: Sequence[ConsoleUser]
) -> Mapping[str, Sequence[Mailbox]]:
    """The same of several users, by their addresses."""
    every = list_mailboxes(connection, inactive_too=True)
    query = select(_person.c.address, _person.c.mailbox_id).where(
        _person.c.address.in_([user.address for user in users]),
        _person.c.role == Role.STAFF.value,
        _person.c.active,
    )
    works_at = {(row.address, row.mailbox_id) for row in connection.execute(query)}
    return {
        user.address: [
            mailbox
            for mailbox in every
            if user.role in (ConsoleRole.OPERATOR, ConsoleRole.ADMIN)
            or (user.address, mailbox.id) in works_at
        ]
        for user in users
    }


def _as_user(row: Row[tuple[object, ...]]) -> ConsoleUser:
    return ConsoleUser(row.address, ConsoleRole(row.role), row.language)


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: nobody guesses them from their digest.
    return hashlib.sha256(secret.encode()).hexdigest()
