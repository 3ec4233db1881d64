"""The rules of a mail's own style sheets that hide elements, by class or id alone.

Rules for certain screens (`@media`) do not count, and no selectors that depend on other elements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.parsing.html_style import declarations, is_hidden

_READ_CHARACTERS = 64 * 1024
_MOST_RULES = 1_000
_COMMENT = re.compile(r"/\*(?>(?:[^*]++|\*(?!/))*)(?:\*/)?|<!--|-->")
_PIECE = re.compile(r"([^{}]*+)([{}]|\Z)")
_SELECTOR = re.compile(r"([a-z][a-z0-9]{0,15})?([.#][\w-]{1,100})", re.IGNORECASE)


class StyleSheet:
    """Which elements are hidden; of two rules for the same ones the last counts."""

    def __init__(self) -> None:
        self._hiding: set[str] = set()
        self._left = _READ_CHARACTERS

    def __bool__(self) -> bool:
        return bool(self._hiding)

    def read(self, source: str) -> bool:
        """Adds the rules of a style sheet; whether there may be any that hide."""
        source = source[: self._left]
        self._left -= len(source)
        if not self._hiding and "none" not in source.lower() and "hidden" not in source.lower():
            return False
        depth, selector = 0, ""
        for found in _PIECE.finditer(_COMMENT.sub(" ", source)):
            text, brace = found.groups()
            if brace == "{":
                depth += 1
                selector = text.strip() if depth == 1 else ""
            else:
                if depth == 1 and selector and not selector.startswith("@"):
                    self._add(selector, text)
                depth, selector = max(0, depth - 1), ""
        return True

    def _add(self, selectors: str, body: str) -> None:
        declared = declarations(body)
        hides, shows = is_hidden(declared), "display" in declared
        for each in selectors.split(","):
            found = _SELECTOR.fullmatch(each.strip())
            if found is None:
                continue
            key = f"{(found[1] or '').lower()}{found[2]}"
            if hides and len(self._hiding) < _MOST_RULES:
                self._hiding.add(key)
            elif shows and not hides:
                self._hiding.discard(key)

    def hides(self, name: str, found: Mapping[str, str]) -> bool:
        """Whether a rule hides an element with these attributes."""
        keys = [f".{each}" for each in found.get("class", "").split()[:50]]
        if "id" in found:
            keys.append(f"#{found['id'].strip()}")
        return any(key in self._hiding or f"{name}{key}" in self._hiding for key in keys)
