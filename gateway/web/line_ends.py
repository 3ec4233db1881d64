"""The line ends of SMTP for a mail that comes over HTTP, without keeping the event loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.loop_turns import LoopTurns
from rules.mail import forbidden_octets, sent_in_blocks


class TooLong(Exception):
    """With the line ends of SMTP the mail would be larger than a mail may be."""


class SentMail(NamedTuple):
    """A mail as SMTP would transfer it."""

    raw: bytes
    forbidden: str
    """What it has that no mail may have; empty if it has nothing of the kind."""


@dataclass(frozen=True, slots=True)
class LineEnds:
    """Converts mails block by block. An iteration of the event loop converts one block, however
    many mails there are: 24 MiB of line ends in one call take half a second."""

    turns: LoopTurns = field(default_factory=LoopTurns)

    async def sent(self, raw: bytes, most_bytes: int, client: object) -> SentMail:
        """The mail with CRLF for each LF. Raises TooLong for more than so many bytes."""
        blocks: list[bytes] = []
        left, forbidden = most_bytes, ""
        for block in sent_in_blocks(raw):
            left -= len(block)
            if left < 0:
                raise TooLong
            forbidden = forbidden or forbidden_octets(block)
            blocks.append(block)
            await self.turns.wait(client)
        return SentMail(b"".join(blocks), forbidden)
