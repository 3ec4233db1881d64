"""DNS look-ups under way, divided among the clients whose mails need them.

A look-up of a silent zone lasts for seconds, and anybody can own such a zone. So a client that has
its share asks nothing more, except about a registered company: its names are answered from places
that nobody else's zones can hold. Else a mail in a company's name would be deferred, as no other
mail is, whenever its sender had used up their share, and would show whose customer it is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.shares import Caps, IPAddress, Shares

CAPS = Caps(total=512, per_peer=48, per_network=96, per_listed=256, floor=8)
"""Each look-up uses a socket. The questions of one mail are asked a few at a time."""
RESERVED, PER_COMPANY = 64, 16
"""Further places for the names of registered companies; so many of them for one company. There are
as many again for names that a sender chose: those may be silent, and must not hold up the others.
"""


async def _of_nobody(_: str) -> str:
    return ""


def _none_chosen(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom the DNS is asked."""

    client: IPAddress | None = None
    listed: bool = False
    company: Callable[[str], Awaitable[str]] = _of_nobody
    """The registered company that a name belongs to, as a domain; empty if there is none. Asked
    only when the client has no more of its share."""
    chosen: Callable[[str], bool] = _none_chosen
    """Whether the sender chose a name."""


NOBODY = Asker()


class LookupShares:
    """Counts the look-ups under way; belongs to one event loop."""

    def __init__(self, caps: Caps = CAPS) -> None:
        self.clients = Shares(caps)
        self.reserved = Shares(Caps(RESERVED, RESERVED, RESERVED, RESERVED))
        self.chosen = Shares(Caps(RESERVED, RESERVED, RESERVED, RESERVED))
        self._of_companies: Counter[tuple[str, bool]] = Counter()
        self._freed = asyncio.Event()

    async def place(self, asker: Asker, name: str) -> Callable[[], None] | None:
        """A place for one look-up, as the call that gives it back; None if there is none.

        Waits while the places of a company are in use: its names are answered soon.
        """
        if self.clients.take(asker.client, listed=asker.listed):
            return lambda: self.clients.give_back(asker.client)
        company = await asker.company(name)
        if not company:
            return None
        holder = (company, asker.chosen(name))
        while not self._is_free(holder):
            self._freed.clear()
            await self._freed.wait()
        self._pool(holder).add(None, 1)
        self._of_companies[holder] += 1
        return lambda: self._give_back(holder)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is counted for anybody."""
        used = self.clients.used + self.clients.holders + self.reserved.used + self.chosen.used
        return not used and not self._of_companies

    def _pool(self, holder: tuple[str, bool]) -> Shares:
        return self.chosen if holder[1] else self.reserved

    def _is_free(self, holder: tuple[str, bool]) -> bool:
        has_room = self._pool(holder).fits(None, listed=False)
        return has_room and self._of_companies[holder] < PER_COMPANY

    def _give_back(self, holder: tuple[str, bool]) -> None:
        self._pool(holder).give_back(None)
        self._of_companies[holder] -= 1
        if not self._of_companies[holder]:
            del self._of_companies[holder]
        self._freed.set()
