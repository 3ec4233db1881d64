"""Masked texts that were shown before: to mask one of them takes up to a quarter of a second."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from threading import Lock

from rules.sender.masking import Masker

SHORT = 64
"""Texts up to this many characters are masked each time."""
KEPT = 8 * 1024 * 1024
"""Characters of masked texts that are remembered."""
ENTRY = 256
"""What a text counts at least, also where nothing in it was masked."""


class MaskedTexts:
    """Remembers texts by their digests, for one state of the keys and addresses.

    Longer texts are masked one after the other, whichever thread asks: no matter how many clients
    ask for costly ones, the event loop shares the interpreter with one of them.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = Lock()
        self._masker: Masker | None = None
        self._masked: OrderedDict[bytes, str | None] = OrderedDict()
        """The longest unused first; None where nothing was masked."""
        self.size = 0

    def mask(self, masker: Masker, text: str) -> str:
        """The text as `masker` masks it."""
        if len(text) <= SHORT:
            return masker.mask(text)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        with self._lock:
            if masker != self._masker:
                self._masker, self.size = masker, 0
                self._masked.clear()
            if digest in self._masked:
                self._masked.move_to_end(digest)
                found = self._masked[digest]
                return text if found is None else found
            masked = masker.mask(text)
            self._keep(digest, masked if masked != text else None)
            return masked

    async def in_thread(self, masker: Masker, *texts: str) -> list[str]:
        """The same for each text, while the event loop does other things."""
        return await asyncio.to_thread(lambda: [self.mask(masker, text) for text in texts])

    def _keep(self, digest: bytes, masked: str | None) -> None:
        self._masked[digest] = masked
        self.size += _size_of(masked)
        while self.size > self._most:
            _, dropped = self._masked.popitem(last=False)
            self.size -= _size_of(dropped)


def _size_of(masked: str | None) -> int:
    return max(ENTRY, len(masked or ""))
