"""The controls of a form in a mail, as far as they show text: what was entered and chosen."""

from __future__ import annotations

from collections.abc import Mapping

_BUTTONS = ("submit", "button", "reset")
_WITHOUT_TEXT = ("hidden", "password", "file", "image", "color", "range")


def control_text(found: Mapping[str, str]) -> str:
    """What an `input` shows."""
    kind = found.get("type", "").lower()
    if kind in ("checkbox", "radio"):
        return "[x] " if "checked" in found else "[ ] "
    if kind in _WITHOUT_TEXT:
        return ""
    shown = found.get("value", "") or ("" if kind in _BUTTONS else found.get("placeholder", ""))
    return f" {shown} " if shown else ""


class Selection:
    """A list of options, of which the chosen ones are seen; without a choice, the first."""

    def __init__(self, *, several: bool) -> None:
        self._several = several
        self._options: list[str] = []
        self._chosen: list[int] = []

    def option(self, *, chosen: bool) -> None:
        if chosen:
            self._chosen.append(len(self._options))
        self._options.append("")

    def text(self, text: str) -> None:
        if self._options and len(self._options[-1]) < 1_000:
            self._options[-1] += text

    def shown(self) -> str:
        if not self._chosen:
            return "" if self._several else (self._options or [""])[0]
        chosen = self._chosen if self._several else self._chosen[-1:]
        return ", ".join(" ".join(self._options[index].split()) for index in chosen)
