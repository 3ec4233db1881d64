"""The rules of a mail's own style sheets that hide elements, by class or id alone.

Where it is not clear what a browser does, it shows: what a rule or a notice does not read must be
what no reader sees. A rule for certain screens (`@media`, `<style media=print>`) hides nothing
here, nor does one whose selector depends on other elements, or is not understood. But what such
rules show on a wide screen is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateway.parsing.html_style import (
    Said,
    has_bad_url,
    is_hidden,
    is_unclear,
    weighed,
    without_nested,
)
from gateway.parsing.html_tokens import RAW, attributes, tokens

_READ_CHARACTERS = 64 * 1024
_MOST_RULES = 3_000
_WIDE_PX = 1_024
_COMMENT_OR_STRING = re.compile(
    r"""/\*(?>(?:[^*]++|\*(?!/))*)(?:\*/)?|(")[^"\\\n]*+"|(')[^'\\\n]*+'"""
)
_BETWEEN_RULES = re.compile(r"\A(?>(?:\s++|<!--|-->)*)")
_PIECE = re.compile(r"([^{}]*+)([{}]|\Z)")
_UNCLEAR = re.compile(r"[\"'(]|[^\S \t\r\n\f]")
_WHITE_SPACE = " \t\r\n\f"
_CLASS = re.compile(rf"[^{_WHITE_SPACE}]++")
_MOST_CLASSES = 50
_COMPOUND = re.compile(r"([a-z][a-z0-9]{0,15}|\*)?([.#]-?[^\W\d][\w-]{0,99})?", re.IGNORECASE)
_NOW_AND_THEN = re.compile(r"::?(?:hover|active|focus|before|after|first-letter)")
"""What a selector adds for an element under the pointer, or for a part of it."""
_STYLE = re.compile("<style", re.IGNORECASE)
_FEATURE = re.compile(r"\(([^()]{0,100})\)")
_WIDTH = re.compile(
    r"(min|max)-(?:device-)?width\s*+:\s*+(\d{1,5})(?:\.\d{0,3})?\s*+(px|em|rem|)\s*+",
    re.ASCII,
)
_PIXELS = {"em": 16, "rem": 16}
_OTHER_MEDIA = frozenset({"print", "speech", "handheld", "aural", "braille", "embossed", "tty"})
_NO_RULES_WITHIN = ("@keyframes", "@-webkit-keyframes", "@-moz-keyframes", "@font-face", "@page")
_DISPLAYS = frozenset({"display", "all"})
_BOXES = frozenset(
    {
        *("opacity", "overflow", "overflow-y", "max-height", "height", "max-width", "width"),
        *("text-indent", "position", "left", "top", "mso-hide", "all"),
    }
)


class _Rank(NamedTuple):
    """Of two rules for one element, the one with the higher rank counts."""

    is_important: bool
    is_by_others: bool
    """Its selector names other elements or attributes besides."""
    is_by_id: bool
    is_by_class: bool
    names_tag: bool
    order: int


class _Rule(NamedTuple):
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
        self._displays: dict[str, _Rule] = {}
        self._boxes: dict[str, _Rule] = {}
        """What hides otherwise than by its display, or sets what does."""
        self._is_read = self._is_unclear = self._insists = False
        self._left = _READ_CHARACTERS
        self._rules = self._added = 0

    def __bool__(self) -> bool:
        return self._is_read

    def read(self, source: str, media: str = "") -> None:
        """Adds the rules of a style sheet, which may be for certain `media` alone."""
        self._is_read = True
        self._insists |= "important" in source.lower()
        self._left -= len(source)
        self._rules += source.count("{")
        if (
            self._left < 0
            or self._rules > _MOST_RULES
            or _UNCLEAR.search(without_nested(source)) is not None
            or has_bad_url(source)
        ):
            self._is_unclear = True
        if self._is_unclear:
            return
        open_rules: list[tuple[str, list[str]]] = []
        """The selector of each, and its declarations so far."""
        seen_on = [_seen_on(media)]
        """On which screens a rule is seen that stands within each of the open ones, and within
        none: found once for each brace, because there may be thousands, in each other."""
        stray = ""
        for found in _PIECE.finditer(_COMMENT_OR_STRING.sub(r" \1\1\2\2", source)):
            text, brace = found.groups()
            if brace == "{":
                body, _, selector = text.rpartition(";")
                if not open_rules or open_rules[-1][0].startswith("@"):
                    stray = stray or _stray_in(text)
                if open_rules:
                    open_rules[-1][1].append(body)
                open_rules.append((stray + _BETWEEN_RULES.sub("", selector, 1).strip(), []))
                seen_on.append(_within(open_rules[-1][0], seen_on[-1]))
                stray = ""
            elif open_rules:
                selector, bodies = open_rules.pop()
                seen_on.pop()
                if not selector.startswith("@") and seen_on[-1].wide:
                    self._add(selector, ";".join((*bodies, text)), seen_on[-1])
            else:
                stray = brace  # it makes the next rule an invalid one

    def _add(self, selectors: str, body: str, seen_on: _Screens) -> None:
        """Adds a rule that is seen on these screens."""
        declared = weighed(body)
        if is_unclear(body):
            declared = {"all": ("", True)}
        display = _effect(declared, _DISPLAYS)
        box = _effect(declared, _BOXES)
        if display is None and box is None:
            return
        self._rules += selectors.count(",")
        if self._rules > _MOST_RULES:
            self._is_unclear = True
            return
        keys = list(_keys(selectors))
        may_hide = seen_on.all and all(key for key, _, _ in keys)
        for group, effect in ((self._displays, display), (self._boxes, box)):
            if effect is None or (effect.hides and not may_hide):
                continue
            for key, others, exact in keys:
                if effect.hides and (others or not exact):
                    continue
                self._added += 1
                name = key or "*"
                rank = _Rank(
                    effect.is_important,
                    others or not key,
                    "#" in name,
                    "." in name,
                    name[0] not in ".#*",
                    self._added,
                )
                before = group.get(name)
                if before is None or before.rank < rank:
                    group[name] = _Rule(rank, effect.hides)

    def says(self, name: str, found: Mapping[str, str]) -> Said:
        """What the rules say of an element with these attributes."""
        classes = _CLASS.findall(found.get("class", ""))
        if self._is_unclear or len(classes) > _MOST_CLASSES:
            return Said(hides=False, shows=True, insists=self._insists)
        keys = [f".{each}" for each in classes]
        if "id" in found:
            keys.append(f"#{found['id']}")
        keys += [f"{name}{key}" for key in keys]
        keys += [name, "*"]
        groups = ([group[key] for key in keys if key in group] for group in self._groups())
        first = [max(rules) for rules in groups if rules]
        hides = any(rule.hides for rule in first)
        return Said(
            hides=hides,
            shows=bool(first) and not hides,
            insists=any(rule.rank.is_important and not rule.hides for rule in first),
        )

    def _groups(self) -> tuple[dict[str, _Rule], dict[str, _Rule]]:
        return self._displays, self._boxes


class _Effect(NamedTuple):
    hides: bool
    is_important: bool


def _effect(declared: Mapping[str, tuple[str, bool]], names: frozenset[str]) -> _Effect | None:
    """What the declarations with these names do; None if there are none."""
    ours = {name: each for name, each in declared.items() if name in names}
    if not ours:
        return None
    hides = is_hidden({name: value for name, (value, _) in ours.items()})
    weights = [is_important for _, is_important in ours.values()]
    return _Effect(hides, all(weights) if hides else any(weights))


def _keys(selectors: str) -> Iterator[tuple[str, bool, bool]]:
    """Of each selector in a list the tag, class or id that an element has which it selects, whether
    it depends on anything else, and whether it is for certain tags, classes or ids alone. The first
    is empty if the selector is not understood."""
    if any(each in selectors for each in "\\([\"'&}|@"):
        yield "", True, False
        return
    for each in re.sub("[>+~]", " ", selectors).split(","):
        *others, last = each.split() or [""]
        found = _COMPOUND.match(last)
        rest = last[found.end() :] if found else last
        if found is None or not found[0] or (rest and rest[0] not in ".#:"):
            yield "", True, False
        elif not _NOW_AND_THEN.fullmatch(rest):
            tag = "" if found[1] == "*" and found[2] else (found[1] or "").lower()
            depends = bool(rest) or (bool(others) if found[2] else any(map(_names, others)))
            yield f"{tag}{found[2] or ''}", depends, bool(found[2])


def _stray_in(text: str) -> str:
    """The first of what makes the next rule an invalid one: a semicolon that ends no at-rule."""
    *ended, _ = text.split(";")
    return "" if all(_BETWEEN_RULES.sub("", each, 1).startswith("@") for each in ended) else "}"


def _names(selector: str) -> bool:
    return not selector.isalnum() and selector != "*"


def _seen_on(media: str, around: _Screens = _EVERY_SCREEN) -> _Screens:
    """On which screens a rule is seen that stands within these media, and the others around."""
    if not around.wide:
        return around
    query = media.lower().strip(_WHITE_SPACE)
    return _Screens(
        all=around.all and query in ("", "all", "screen"),
        wide=any(map(_is_met, query.split(","))),
    )


def _within(rule: str, around: _Screens) -> _Screens:
    """The same of a rule within another one, which is in doubt seen."""
    name = rule[:20].lower()
    if name.startswith("@media"):
        return _seen_on(rule[len("@media") :], around)
    return _Screens(all=False, wide=around.wide and not name.startswith(_NO_RULES_WITHIN))


def _is_met(query: str) -> bool:
    """Whether a media query may be met by the screen of a desktop."""
    kind = _FEATURE.sub(" ", query).split()
    if "not" in kind:
        return True
    widths = (_WIDTH.fullmatch(each.strip()) for each in _FEATURE.findall(query))
    return _OTHER_MEDIA.isdisjoint(kind) and all(
        (int(found[2]) * _PIXELS.get(found[3], 1) <= _WIDE_PX) == (found[1] == "min")
        for found in widths
        if found is not None
    )


def sheet_of(markup: str) -> StyleSheet:
    """The rules of all style sheets of some HTML, which count for what stands above them too."""
    sheet = StyleSheet()
    if _STYLE.search(markup):
        before = "", ""
        for token in tokens(markup):
            if token[0] == RAW and before[0] == "style":
                found = attributes(before[1])
                if found.get("type", "").lower() in ("", "text/css"):
                    sheet.read(token[1], found.get("media", ""))
            before = token
    return sheet
