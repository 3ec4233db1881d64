"""What the style of an element means for its text: hidden, preformatted, struck through."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from gateway.parsing.html_tokens import attributes

Display = Literal["block", "apart", ""]


class Style(NamedTuple):
    """What an element changes for the text within it; None if it inherits."""

    hidden: bool = False
    """Neither it nor what is within it is seen."""
    invisible: bool | None = None
    """`visibility`, which an element within it can revert."""
    tiny: bool | None = None
    """Its letters have no size; newsletters set one again for the columns within."""
    preformatted: bool | None = None
    struck: bool = False
    flat: bool = False
    """Without a margin above and below, as each line of Outlook is."""
    unlisted: bool = False
    """Items of a list without bullets."""
    display: Display = ""
    """How it stands in its line: by itself, apart from what is next to it, or as it is."""


ORDINARY = Style()
_MAY_NEST = re.compile(r"[\"'(]|/\*")
_NESTED = re.compile(
    r"""/\*(?>(?:[^*]++|\*(?!/))*)(?:\*/|\Z)|"[^"\\\n{}]*+"|'[^'\\\n{}]*+'|\([^()"'{}*]*+\)"""
)
_UNCLEAR = re.compile(r"[\\\"'({\[]|[^\S \t\r\n\f]")
"""What leaves it open where a declaration ends or what its name is, once nothing is nested; white
space that CSS does not know is a letter to a browser."""
_BAD_URL = re.compile(
    r"""url\((?![ \t\r\n\f]*+(?>"[^"\\\n]*+"|'[^'\\\n]*+'|[^"'()\\*\s]*+)[ \t\r\n\f]*+\))""",
    re.ASCII | re.IGNORECASE,
)
"""In a bare address a browser reads neither quotation marks nor comments."""
_CAN_HIDE = frozenset({"opacity", "mso-hide", "overflow", "overflow-y", "text-indent", "position"})
_SHOWN = {"display": "", "visibility": "visible", "font-size": "medium"}
_DISPLAYS: dict[str, Display] = {
    **dict.fromkeys(("block", "flex", "grid", "table", "table-row", "list-item"), "block"),
    **dict.fromkeys(("inline-block", "inline-flex", "inline-table", "table-cell"), "apart"),
}
_LENGTH = re.compile(
    r"([+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))\s*(px|pt|em|rem|ex|ch|in|cm|mm|%|)", re.ASCII
)
_FAR_AWAY = -500
_SMALLEST_PX = 2
_PREFORMATTED = ("pre", "pre-wrap", "pre-line", "break-spaces")


class Said(NamedTuple):
    """What a style sheet says of an element."""

    hides: bool
    shows: bool
    insists: bool
    """It shows what is hidden by the element's own style."""


def style_of(name: str, source: str, sheet: Callable[[str, Mapping[str, str]], Said]) -> Style:
    """The style of an element by its attributes; `sheet` is what the style sheet says, which hides
    nothing that has a display of its own."""
    found = attributes(source)
    declared = declarations(found.get("style", ""))
    flat = name == "p" and (
        "mso" in found.get("class", "").lower() or _is_flat(declared.get("margin", ""), declared)
    )
    white_space = declared.get("white-space", "")
    decoration = declared.get("text-decoration", "") + declared.get("text-decoration-line", "")
    listed = declared.get("list-style", "") + declared.get("list-style-type", "")
    visibility = declared.get("visibility", "")
    return Style(
        hidden=_is_hidden(declared, name, found, sheet(name, found)),
        invisible=None if not visibility else visibility in ("hidden", "collapse"),
        tiny=_is_tiny(declared),
        preformatted=white_space in _PREFORMATTED if white_space else None,
        struck="line-through" in decoration,
        flat=flat,
        unlisted="none" in listed,
        display=_DISPLAYS.get(declared.get("display", ""), ""),
    )


def _is_hidden(declared: dict[str, str], name: str, found: Mapping[str, str], said: Said) -> bool:
    if is_hidden(declared, name):
        return not said.insists
    return "display" not in declared and (said.hides or ("hidden" in found and not said.shows))


def declarations(style: str) -> dict[str, str]:
    """The declarations of a style in lower case; of two for one property the last counts, unless
    only the first is important. One that a browser may divide otherwise hides nothing."""
    found = {name: value for name, (value, _) in weighed(style).items()}
    if not is_unclear(style):
        return found
    return {name: value for name, value in found.items() if name not in _CAN_HIDE} | _SHOWN


def is_unclear(style: str) -> bool:
    """Whether a browser may read other declarations in a style than are read here."""
    return _UNCLEAR.search(without_nested(style)) is not None or has_bad_url(style)


def has_bad_url(style: str) -> bool:
    """Whether it has a bare address with characters that would begin or end something elsewhere."""
    return _BAD_URL.search(style) is not None


def weighed(style: str) -> dict[str, tuple[str, bool]]:
    """The same, each with whether it is important."""
    found: dict[str, tuple[str, bool]] = {}
    for each in without_nested(style.lower()).split(";"):
        name, _, value = each.partition(":")
        name, value = name.strip(), value.strip()
        bare = value.removesuffix("important").rstrip()
        is_important = bare != value and bare.endswith("!")
        if is_important or name not in found or not found[name][1]:
            found[name] = (bare[:-1].rstrip() if is_important else value, is_important)
    return found


def without_nested(style: str) -> str:
    """A style without its comments, and without what stands in quotation marks and parentheses."""
    if not _MAY_NEST.search(style):
        return style
    return _NESTED.sub(" ", _NESTED.sub(" ", style))


def is_hidden(declared: dict[str, str], name: str = "") -> bool:
    """Whether nothing within an element with this style is seen."""
    if declared.get("display") == "none" or _number(declared.get("opacity", "")) == 0:
        return True
    # Buttons are links that Outlook draws from a comment, in the place of the one that others see.
    if declared.get("mso-hide") == "all" and name != "a":
        return True
    if "hidden" in (declared.get("overflow", ""), declared.get("overflow-y", "")):
        boxes = ("max-height", "height", "max-width", "width")
        if any(_number(declared.get(each, "")) == 0 for each in boxes):
            return True
    if (_number(declared.get("text-indent", "")) or 0) < _FAR_AWAY:
        return True
    return declared.get("position") in ("absolute", "fixed") and any(
        (_number(declared.get(each, "")) or 0) < _FAR_AWAY for each in ("left", "top")
    )


def _is_tiny(declared: dict[str, str]) -> bool | None:
    size = declared.get("font-size", "") or declared.get("font", "")
    if not size:
        return None
    found = _LENGTH.search(size) if "font-size" not in declared else _LENGTH.match(size)
    if found is None:
        return None if size in ("inherit", "smaller", "larger") else False
    number, unit = float(found[1]), found[2]
    if number == 0:
        return True
    if unit in ("px", "pt"):
        return number < _SMALLEST_PX
    return None if unit in ("em", "%", "ex", "ch") else False


def _number(value: str) -> float | None:
    found = _LENGTH.fullmatch(value) if value else None
    return float(found[1]) if found else None


def _is_flat(margin: str, declared: dict[str, str]) -> bool:
    if margin:
        sides = margin.split()
        return all(_number(each) == 0 for each in (sides[0], sides[2] if sides[2:] else sides[0]))
    sides = [declared.get(each, "") for each in ("margin-top", "margin-bottom")]
    return all(_number(each) == 0 for each in sides)
