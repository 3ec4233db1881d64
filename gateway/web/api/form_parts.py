"""A form with files, part by part (RFC 7578), as far as one goes that a program makes for us.

aiohttp reads lines before the first boundary without end, and copies for each part what it has
received of those that follow: a megabyte of empty lines, or of parts without content, would hold
the event loop for seconds.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator

from aiohttp import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    BodyPartReader,
    MultipartReader,
    web,
)
from aiohttp.streams import StreamReader

MOST_PARTS = 150
MOST_LINES = 2_000
"""Of boundaries and headers, and before the first boundary."""
LONGEST_HEADER = 4096
"""Characters of a header of a part, which the library reads in quadratic time: 8 KiB of `;` in a
Content-Disposition took a tenth of a second. Fits any file name, each octet written as %XX."""


class _FewLines:
    """The body of a request, as far as `MultipartReader` uses it. Its parts' contents are read in
    blocks."""

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self._left = MOST_LINES
        self.read = content.read
        self.at_eof = content.at_eof
        self.unread_data = content.unread_data

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Raises ValueError for more lines than a form has."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("the form has too many lines")
        return await self._content.readline(max_line_length=max_line_length)


async def parts_of(request: web.Request) -> AsyncIterator[BodyPartReader | MultipartReader]:
    """The parts; whatever is not read of one is skipped. Raises ValueError for a form that has more
    than `MOST_PARTS` or a longer header, and what aiohttp raises for a malformed one."""
    content = _FewLines(request.content)
    reader = MultipartReader(request.headers, content)  # type: ignore[arg-type]  # all that it uses
    left = MOST_PARTS
    while (part := await reader.next()) is not None:
        left -= 1
        if left < 0:
            raise ValueError("the form has too many parts")
        if any(len(each) > LONGEST_HEADER for each in part.headers.values()):
            raise ValueError("a header of a part is too long")
        yield part
        await asyncio.sleep(0)  # all of them may be here already


def ignore_warnings() -> None:
    """Have the library not warn of malformed headers. Its warnings have the words of who sends them
    as they are, and Python keeps each that is new, for good."""
    for category in (BadContentDispositionHeader, BadContentDispositionParam):
        warnings.filterwarnings("ignore", category=category)
