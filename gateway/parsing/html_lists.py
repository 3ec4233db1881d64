"""The bullets and numbers of lists."""

from __future__ import annotations

from collections.abc import Mapping

BULLET = "• "
_DEEPEST = 12
_LETTERS = 26


class ListNumbers:
    """The open lists, and what their next items begin with."""

    def __init__(self) -> None:
        self._next: list[int | None] = []
        self._kinds: list[str] = []

    @property
    def depth(self) -> int:
        return len(self._next)

    def open(self, found: Mapping[str, str], *, ordered: bool, unlisted: bool) -> None:
        self._next.append(_number(found.get("start", ""), 1) if ordered else None)
        self._kinds.append("none" if unlisted else found.get("type", "1"))

    def close(self) -> None:
        if self._next:
            self._next.pop()
            self._kinds.pop()

    def item(self, found: Mapping[str, str], *, unlisted: bool) -> tuple[str, str]:
        """The bullet or number of an item, and how far the item is indented."""
        indent = "  " * (min(self.depth, _DEEPEST) - 1)
        if not self._next:
            return BULLET, ""
        number, kind = self._next[-1], self._kinds[-1]
        if unlisted or kind == "none":
            return "", indent
        if number is None:
            return BULLET, indent
        number = _number(found.get("value", ""), number)
        self._next[-1] = number + 1
        letter = chr(ord("a") + number - 1) if 0 < number <= _LETTERS else ""
        if kind in ("a", "A") and letter:
            return f"{letter if kind == 'a' else letter.upper()}. ", indent
        return f"{number}. ", indent


def _number(text: str, default: int) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else default
