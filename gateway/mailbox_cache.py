"""Caches what every mail needs from the registry: the mailboxes and the signing keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.in_time import in_time
from rules.mail import Mailbox
from rules.mail.addresses import normalise, without_detail
from rules.sender.masking import Masker
from rules.sender.tokens import Keys
from storage.db.database import Connection, Database
from storage.registry import signing_keys
from storage.registry.mailboxes import list_mailboxes

POSTMASTER = "postmaster"
FRESH_S = 5.0
"""Mailboxes and keys that another process adds or removes are known here after this time."""
UNKNOWN_FRESH_S = 0.5
"""For an unknown address the cache is read anew after this time: it may just have been added."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    mailboxes: dict[str, Mailbox]
    """By address."""
    keys: Keys
    inactive: tuple[Mailbox, ...] = ()
    """Those that take no mail: what was sealed for them opens again once they do."""

    def mailbox_for(self, recipient: str) -> Mailbox | None:
        """The mailbox of an envelope recipient, with or without `+detail`.

        A postmaster without a domain is the mailbox that was added first (RFC 5321 §4.5.1).
        """
        if recipient.lower() == POSTMASTER:
            return min(self.mailboxes.values(), key=lambda each: each.id, default=None)
        base, _ = without_detail(recipient)
        normal = normalise(base)
        if normal is None:
            return None
        found = self.mailboxes.get(normal)
        if found is None and normal.startswith(f"{POSTMASTER}@"):
            return next((m for m in self.mailboxes.values() if m.postmaster == normal), None)
        return found

    @property
    def own_addresses(self) -> frozenset[str]:
        """Of those as well that take no mail."""
        return frozenset(self.mailboxes) | {mailbox.address for mailbox in self.inactive}

    @property
    def mailbox_ids(self) -> tuple[int, ...]:
        """Of those as well that take no mail."""
        return tuple(mailbox.id for mailbox in (*self.mailboxes.values(), *self.inactive))

    @property
    def masker(self) -> Masker:
        """Masks what was sealed for any of them."""
        return Masker(self.keys, self.mailbox_ids, self.own_addresses)


class MailboxCache:
    """Reads the registry when its snapshot is too old, once at a time."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        """`monotonic` gives seconds from any fixed point."""
        self._database = database
        self._monotonic = monotonic
        self._read_at = float("-inf")
        self._snapshot: Snapshot | None = None
        self._reading: asyncio.Task[None] | None = None

    async def current(self, fresh_s: float = FRESH_S) -> Snapshot:
        """A snapshot that is at most `fresh_s` old."""
        while self._snapshot is None or self._age() > fresh_s:
            # Everybody waits for the same query, and learns at the same time that it failed.
            joined = self._reading is not None
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)
            if not joined:
                break
        assert self._snapshot is not None
        return self._snapshot

    async def _read(self) -> None:
        started = self._monotonic()
        try:
            self._snapshot = await in_time(self._database.submit_read(read_snapshot))
            self._read_at = started
        finally:
            self._reading = None

    async def serves(self, recipient: str) -> bool:
        """Whether an envelope recipient is one of our mailboxes."""
        if (await self.current()).mailbox_for(recipient) is not None:
            return True
        return (await self.current(UNKNOWN_FRESH_S)).mailbox_for(recipient) is not None

    def _age(self) -> float:
        return self._monotonic() - self._read_at


def read_snapshot(connection: Connection) -> Snapshot:
    """The mailboxes and keys as they are now."""
    active = {mailbox.address: mailbox for mailbox in list_mailboxes(connection)}
    every = list_mailboxes(connection, inactive_too=True)
    inactive = tuple(mailbox for mailbox in every if mailbox.address not in active)
    return Snapshot(active, signing_keys.load_keys(connection), inactive)
