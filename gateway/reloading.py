"""Policies that are read again while the server runs: all of them are put in force, or none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway import log, policies
from gateway.policies import Policies, PolicyBook, SharedAddress
from gateway.runtime import Runtime
from rules.mail import Mailbox
from rules.policy.switching import Orphan
from rules.validation.messages import InvalidFile
from storage.db.database import Connection
from storage.registry import mailboxes


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReload:
    """Reads the policy files again on request. Mail is taken meanwhile under the old ones."""

    runtime: Runtime
    book: PolicyBook
    folder: Path | None

    async def reload(self) -> bool:
        """Put the policy files in force as they are now; False if they were refused.

        Then the old policies stay in force, all of them.
        """
        before = dict(self.book)
        try:
            new = _kept(before, await asyncio.to_thread(policies.load, self.folder))
            check = partial(policies.check_all, new)
            await self.runtime.read(check)
            await self.runtime.read(partial(policies.check_all_contracts, new))
            self.book.replace(new)
            # Mail that was filed since the check was decided by the old policies. In the ledger's
            # turn, so that what is being written is counted.
            await self.runtime.write(check, apart=True)
        except InvalidFile as error:
            self.book.replace(before)
            self.runtime.metrics.policies_reloaded("refused")
            log.policies_refused([f"{error.source}: {fault}" for fault in error.faults])
            return False
        except Exception as error:  # noqa: BLE001 - the server goes on with the old policies
            self.book.replace(before)
            self.runtime.metrics.policies_reloaded("failed")
            log.policies_not_reloaded(error)
            return False
        self.runtime.metrics.policies_reloaded("loaded")
        self.runtime.metrics.policies_loaded(self.runtime.clock())
        changed = _differing(before, new)
        log.policies_reloaded(sorted(changed))
        await self._log_doubts(before, {name: new[name] for name in changed & new.keys()})
        return True

    async def _log_doubts(self, before: Policies, changed: Policies) -> None:
        """Addresses that several mailboxes have by the changed policies, and what open tickets have
        that these do not; a matter of the log alone."""
        try:
            shared = await self.runtime.read(partial(_newly_shared, before, dict(self.book)))
            found = await self.runtime.read(partial(_orphans, changed))
        except Exception as error:  # noqa: BLE001 - the policies are in force already
            log.policies_not_compared(error)
            return
        for each in shared:
            log.address_shared(each.address, each.mailboxes)
        for mailbox, orphan in found:
            log.tickets_left(mailbox.address, mailbox.policy, str(orphan))


def _newly_shared(before: Policies, after: Policies, connection: Connection) -> list[SharedAddress]:
    """Without those that the same mailboxes had before: of these the start has warned."""
    known = {
        (each.address, each.mailboxes) for each in policies.shared_addresses(before, connection)
    }
    now = policies.shared_addresses(after, connection)
    return [each for each in now if (each.address, each.mailboxes) not in known]


def _orphans(changed: Policies, connection: Connection) -> list[tuple[Mailbox, Orphan]]:
    return [
        (mailbox, orphan)
        for mailbox in mailboxes.list_mailboxes(connection, inactive_too=True)
        if mailbox.policy in changed
        for orphan in policies.left_by(connection, mailbox, changed[mailbox.policy])
    ]


def _kept(before: Policies, after: Policies) -> Policies:
    """The same policies; those that are as before are the same objects, so that mail in flight
    that was considered under them is not considered again."""
    return {name: before[name] if before.get(name) == new else new for name, new in after.items()}


def _differing(before: Policies, after: Policies) -> set[str]:
    """The names of policies that are new, changed or gone."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}
