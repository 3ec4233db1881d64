"""When a relay that accepts nothing is asked again."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.outgoing.delivery import RelayDown, SenderRefused, Undelivered
from rules.mail.addresses import domain_of
from rules.mail.relay_refusals import DOMAINS

PAUSE_S = 30.0
"""After it a few mails ask the relay again. All others stay due meanwhile, and none is put off:
the first that is accepted ends the pause for all of them."""
SENDERS, MAILS = 2, 5
"""One sender that is refused may be the one that the relay does not want. If it is that of all
mails that are due, as the null reverse-path may be, a few of them are enough."""


@dataclass(slots=True)
class RelayPause:
    """What one process has seen of the relay since it accepted a mail."""

    _until: float = float("-inf")
    _senders: set[str] = field(default_factory=set)
    """The reverse-paths that were refused."""
    _refused: int = 0
    """The mails of these."""

    _domains: set[str] = field(default_factory=set)
    """Those of the recipients that were refused."""

    is_recorded: bool = False
    """The store has something of it, which the next accepted mail ends."""

    def is_on(self, now: float) -> bool:
        """Whether no mail is begun at this time of the monotonic clock."""
        return now < self._until

    def note(self, recipient: str, error: Undelivered, now: float) -> None:
        """A mail was not accepted."""
        match error:
            case RelayDown():
                self._until = now + PAUSE_S
            case SenderRefused(reverse_path=refused):
                self._senders.add(refused)
                self._refused += 1
                if len(self._senders) >= SENDERS or self._refused >= MAILS:
                    self._until = now + PAUSE_S
            case Undelivered(blames_recipient=True):
                self._domains.add(domain_of(recipient))
                if len(self._domains) >= DOMAINS:
                    self._until = now + PAUSE_S
            case _:
                pass

    def end(self) -> None:
        """A mail was accepted."""
        self._until = float("-inf")
        self._senders.clear()
        self._domains.clear()
        self._refused = 0
