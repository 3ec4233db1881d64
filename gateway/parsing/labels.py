"""The charsets that a mail declares: for its text, and thus for what is written without a label."""

from __future__ import annotations

import re

_SEARCHED_BYTES = 32 * 1024
_MOST = 4
_MOST_MENTIONED = 50
_NAME = b"charset"
_LABEL = re.compile(rb"charset\*?\s*+=\s*+(?:[\w-]{0,40}'[\w-]{0,20}')?[\"']?([\w.:+-]{1,40})")


class Labels:
    """The labels in the parts of a body, each once. They are looked for when one is needed, since
    most mails declare what each part is in."""

    __slots__ = ("_at", "_found", "_raw")

    def __init__(self, raw: bytes, at: int) -> None:
        """Of a body that begins at `at`."""
        self._raw, self._at = raw, at
        self._found: tuple[str, ...] | None = None

    def found(self) -> tuple[str, ...]:
        if self._found is None:
            self._found = labels_in(self._raw[self._at : self._at + _SEARCHED_BYTES])
        return self._found


def labels_in(text: bytes) -> tuple[str, ...]:
    """The first charsets that a text names in the way of MIME and of HTML."""
    text = text.lower()
    found: dict[str, None] = {}
    at = text.find(_NAME)
    for _ in range(_MOST_MENTIONED):
        if at < 0 or len(found) == _MOST:
            break
        label = _LABEL.match(text, at)
        if label is not None:
            found[label[1].decode("ascii", "replace")] = None
        at = text.find(_NAME, at + len(_NAME))
    return tuple(found)
