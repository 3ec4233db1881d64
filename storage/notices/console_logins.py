"""New ways to log in to the console, each with the mail that notifies its user of it.

The functions that write are jobs for the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from rules.mail import Mailbox
from rules.service.console_identities import Account, LoginRefusal
from rules.service.console_roles import EntryUse
from rules.ticket.notice_payloads import as_stored
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import ConsoleLoginPayload, NewLogin
from storage.notices import direct
from storage.registry import console_identities, console_users
from storage.registry.console_users import ConsoleUser
from storage.registry.mailboxes import list_mailboxes


@dataclass(frozen=True, slots=True)
class Change:
    """What a new way to log in is written with."""

    notice: UUID
    """The id of the mail."""
    now: datetime
    network: str
    """Of the browser that asks."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who logged in by an account of the identity provider."""

    address: str
    is_new: bool
    """The account was linked to its user just now."""
    is_notified: bool
    """Of that; False where no mailbox could send the mail."""


def use_link(
    connection: Connection, secret: str, use: EntryUse, change: Change, password: str = ""
) -> tuple[ConsoleUser, bool] | None:
    """Use a link up, as `console_users.use_link` does. Returns whether its user is notified of the
    new password as well."""
    user = console_users.use_link(connection, secret, use, change.now, password)
    if user is None:
        return None
    return user, bool(password) and _notify(connection, user, ConsoleLoginPayload(), change)


def change_password(
    connection: Connection, user: ConsoleUser, was: str, password: str, secret: str, change: Change
) -> bool | None:
    """Store a new password, as `console_users.change_password` does, and return whether its user is
    notified; None if the stored one is no longer the one that was verified."""
    done = console_users.change_password(connection, user.address, was, password, secret)
    return _notify(connection, user, ConsoleLoginPayload(), change) if done else None


def log_in(
    connection: Connection, account: Account, secret: str, change: Change
) -> LoggedIn | LoginRefusal:
    """Begin a session for the user who logs in by an account of the identity provider. An account
    that nobody logs in by is linked to the user of its address, once."""
    known = console_identities.user_of(connection, account)
    if known is None:
        refused = console_identities.link(connection, account, change.now)
        if refused is not None:
            return refused
    address = known or account.address
    begun = console_users.begin_session(connection, address, secret, change.now, change.network)
    user = console_users.user_named(connection, address)
    if not begun or user is None:
        return LoginRefusal.UNKNOWN
    if known is not None:
        return LoggedIn(address, is_new=False, is_notified=False)
    linked = ConsoleLoginPayload(NewLogin.ACCOUNT, account.issuer)
    return LoggedIn(address, is_new=True, is_notified=_notify(connection, user, linked, change))


def _notify(
    connection: Connection, user: ConsoleUser, payload: ConsoleLoginPayload, change: Change
) -> bool:
    """Queue the mail; False where there is no mailbox that could send it."""
    mailbox = _mailbox_for(connection, user)
    if mailbox is None:
        return False
    payload = ConsoleLoginPayload(payload.login, payload.issuer, change.network)
    direct.order(
        connection,
        mailbox,
        NoticeKind.CONSOLE_LOGIN,
        user.address,
        user.language,
        as_stored(payload),
        notice=change.notice,
        now=change.now,
    )
    return True


def _mailbox_for(connection: Connection, user: ConsoleUser) -> Mailbox | None:
    """The first mailbox that the user works with, else the first of all."""
    active = list_mailboxes(connection)
    theirs = {each.id for each in console_users.mailboxes_of(connection, user)}
    return next((each for each in active if each.id in theirs), next(iter(active), None))
