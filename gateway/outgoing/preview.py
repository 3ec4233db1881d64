"""An outgoing mail as it would be written now, for people who are not its recipient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.outgoing.compose import Composer
from gateway.outgoing.templates import Rendered, Templates
from rules.mail import Mailbox
from rules.policy import Policy
from storage.db.database import Connection
from storage.notices import by_hand
from storage.registry import mailboxes, signing_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """Writes outgoing mails without sending them."""

    clock: Callable[[], datetime]
    templates: Templates = field(default_factory=Templates)
    links_begin: str = ""

    def of(
        self, connection: Connection, notice: UUID, policy_of: Callable[[Mailbox], Policy]
    ) -> Rendered | None:
        """Subject and text without the reply address and the links of the recipient; None where
        there is no such mail. Raises ValueError for one that cannot be written."""
        loaded = by_hand.load_notice(connection, notice)
        if loaded is None:
            return None
        known = mailboxes.list_mailboxes(connection, inactive_too=True)
        composer = Composer(
            signing_keys.load_keys(connection),
            self.links_begin,
            templates=self.templates,
            own_addresses=frozenset(each.address for each in known),
            mailboxes=tuple(each.id for each in known),
            clock=self.clock,
        )
        return composer.preview(loaded, policy_of(loaded.mailbox))
