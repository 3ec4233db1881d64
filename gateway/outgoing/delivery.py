"""A finished mail, and the relay that delivers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished mail with its envelope."""

    id: str
    """The notice's id: a second copy of it overwrites the first in a Maildir."""
    mail_from: str
    """Empty for the null reverse-path."""
    rcpt_to: str
    raw: bytes


class Undelivered(Exception):
    """The relay did not accept the mail; `permanent` if it never will."""

    def __init__(
        self,
        why: str,
        permanent: bool,
        *,
        ours: bool = False,
        code: int = 0,
        status: str = "",
        of_content: bool = False,
    ) -> None:
        super().__init__(why)
        self.permanent = permanent
        self.ours = ours
        """The failure concerns us and our configuration, not this mail."""
        self.code = code
        """The reply code of the refusal; 0 where there was none."""
        self.status = status
        """Its enhanced status code (RFC 3463); empty where there was none."""
        self.of_content = of_content
        """The relay had accepted the recipient, and refused what was to be sent to them."""

    @property
    def blames_recipient(self) -> bool:
        """Whether the relay refuses this recipient for good, whatever is sent to them."""
        return self.permanent and bool(self.code) and not self.of_content

    @property
    def is_too_big(self) -> bool:
        """Whether the mail is larger than the relay takes (RFC 1870 §6.1, RFC 3463 §3.3, §3.4)."""
        return self.permanent and (self.code == 552 or self.status.endswith((".2.3", ".3.4")))


class RelayDown(Undelivered):
    """The relay accepts nothing from us now, from any sender to any recipient: the next mail need
    not be tried. What it refuses once it knows the sender or the recipient is no such failure."""

    def __init__(self, why: str) -> None:
        super().__init__(why, permanent=False, ours=True)


class SenderRefused(Undelivered):
    """The relay takes nothing from this sender now, with a reply that it gives to all of ours as
    well when it is closing or requires a login."""

    def __init__(self, why: str, reverse_path: str) -> None:
        super().__init__(why, permanent=False, ours=True)
        self.reverse_path = reverse_path


class Relay(Protocol):
    """Sends mails, several at once; keeps its connections in between."""

    async def send(self, outgoing: Outgoing) -> None:
        """Returns once the mail is the relay's to deliver. Raises Undelivered."""

    async def tidy(self) -> None:
        """Close connections that have not been used for a while. Called periodically."""

    async def close(self) -> None:
        """Close everything; a later `send` opens it again."""
