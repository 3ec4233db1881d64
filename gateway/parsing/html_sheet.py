"""The rules of a mail's own style sheets that hide elements, by class or id alone.

A rule for certain screens (`@media`, `<style media=print>`) hides nothing here: some reader sees
what it hides. Nor does one whose selector depends on other elements. But what such rules show on a
wide screen is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gateway.parsing.html_style import declarations, is_hidden

_READ_CHARACTERS = 64 * 1024
_MOST_RULES = 1_000
_WIDE_PX = 1_024
_COMMENT = re.compile(r"/\*(?>(?:[^*]++|\*(?!/))*)(?:\*/)?|<!--|-->")
_PIECE = re.compile(r"([^{}]*+)([{}]|\Z)")
_SELECTOR = re.compile(r"([a-z][a-z0-9]{0,15})?([.#][\w-]{1,100})", re.IGNORECASE)
_IMPORTANT_DISPLAY = re.compile(r"(?<![\w-])display\s*+:[^;]{0,100}!\s*+important", re.IGNORECASE)
_FEATURE = re.compile(r"\(([^()]{0,100})\)")
_WIDTH = re.compile(r"(min|max)-(?:device-)?width\s*+:\s*+(\d{1,5})(?:\.\d{1,3})?px")


class _Rank(NamedTuple):
    """Of two rules for one element, the one with the higher rank counts."""

    is_important: bool
    is_by_others: bool
    """Its selector names other elements besides."""
    is_by_id: bool
    names_tag: bool
    order: int


class _Display(NamedTuple):
    rank: _Rank
    hides: bool


class _Screens(NamedTuple):
    """On which a rule is seen."""

    all: bool
    wide: bool


_EVERY_SCREEN = _Screens(all=True, wide=True)


class StyleSheet:
    """Which elements are hidden."""

    def __init__(self) -> None:
        self._displays: dict[str, _Display] = {}
        self._boxes: set[str] = set()
        """What is hidden by something else than its display."""
        self._hides = False
        self._left = _READ_CHARACTERS
        self._rules = 0

    def __bool__(self) -> bool:
        return self._hides

    def read(self, source: str, media: str = "") -> bool:
        """Adds the rules of a style sheet, which may be for certain `media` alone; whether there
        may be any that hide."""
        source = source[: self._left]
        self._left -= len(source)
        if not self._hides and "none" not in source.lower() and "hidden" not in source.lower():
            return False
        open_rules: list[str] = []
        seen_on = [_seen_on(media)]
        """On which screens a rule is seen that stands within each of the open ones, and within
        none: found once for each brace, because there may be thousands, in each other."""
        for found in _PIECE.finditer(_COMMENT.sub(" ", source)):
            text, brace = found.groups()
            if brace == "{":
                open_rules.append(text.strip())
                seen_on.append(_seen_on(open_rules[-1], seen_on[-1]))
            elif open_rules:
                selector = open_rules.pop()
                seen_on.pop()
                if selector and not selector.startswith("@"):
                    self._add(selector, text, seen_on[-1])
        return True

    def _add(self, selectors: str, body: str, seen_on: _Screens) -> None:
        """Adds a rule that is seen on these screens."""
        if not seen_on.wide:
            return
        declared = declarations(body)
        hides, shows = is_hidden(declared), "display" in declared
        if not (shows or hides) or (hides and not seen_on.all):
            return
        important = _IMPORTANT_DISPLAY.search(body) is not None
        for each in selectors.split(","):
            *others, last = each.split() or [""]
            found = _SELECTOR.fullmatch(last)
            if found is None or (others and hides) or self._rules >= _MOST_RULES:
                continue
            self._rules += 1
            self._hides |= hides
            key = f"{(found[1] or '').lower()}{found[2]}"
            if hides and declared.get("display") != "none":
                self._boxes.add(key)
                continue
            self._boxes.discard(key)
            rank = _Rank(important, bool(others), "#" in key, bool(found[1]), self._rules)
            before = self._displays.get(key)
            if before is None or before.rank < rank:
                self._displays[key] = _Display(rank, hides)

    def hides(self, name: str, found: Mapping[str, str]) -> bool:
        """Whether a rule hides an element with these attributes."""
        keys = [f".{each}" for each in found.get("class", "").split()[:50]]
        if "id" in found:
            keys.append(f"#{found['id'].strip()}")
        keys += [f"{name}{key}" for key in keys]
        if any(key in self._boxes for key in keys):
            return True
        displays = [self._displays[key] for key in keys if key in self._displays]
        return bool(displays) and max(displays).hides


def _seen_on(media: str, around: _Screens = _EVERY_SCREEN) -> _Screens:
    """On which screens a rule is seen that stands within these media, and the others around."""
    if not around.wide:
        return around
    query = media.lower().removeprefix("@media").strip()
    return _Screens(
        all=around.all and query in ("", "all", "screen"),
        wide=any(map(_is_met, query.split(","))),
    )


def _is_met(query: str) -> bool:
    """Whether a media query is met by the screen of a desktop, as far as that can be told."""
    kind = _FEATURE.sub(" ", query).split()
    if any(word not in ("only", "screen", "all", "and") for word in kind):
        return False
    for feature in _FEATURE.findall(query):
        found = _WIDTH.fullmatch(feature.strip())
        if found is None:
            return False
        if (int(found[2]) <= _WIDE_PX) != (found[1] == "min"):
            return False
    return True
