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
_DECLARATIONS_LIMIT = 100
_DISPLAYS: dict[str, Display] = {
    **dict.fromkeys(("block", "flex", "grid", "table", "table-row", "list-item"), "block"),
    **dict.fromkeys(("inline-block", "inline-flex", "inline-table", "table-cell"), "apart"),
}
_LENGTH = re.compile(
    r"([+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))\s*(px|pt|em|rem|ex|ch|in|cm|mm|%|)"
)
_FAR_AWAY = -500
_SMALLEST_PX = 2
_PREFORMATTED = ("pre", "pre-wrap", "pre-line", "break-spaces")


def style_of(name: str, source: str, hides: Callable[[str, Mapping[str, str]], bool]) -> Style:
    """The style of an element by its attributes; `hides` is what the style sheet says, unless the
    element itself has another display."""
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
        hidden="hidden" in found
        or is_hidden(declared, name)
        or ("display" not in declared and hides(name, found)),
        invisible=None if not visibility else visibility in ("hidden", "collapse"),
        tiny=_is_tiny(declared),
        preformatted=white_space in _PREFORMATTED if white_space else None,
        struck="line-through" in decoration,
        flat=flat,
        unlisted="none" in listed,
        display=_DISPLAYS.get(declared.get("display", ""), ""),
    )


def declarations(style: str) -> dict[str, str]:
    """The declarations of a style in lower case; of two for one property the last counts."""
    found: dict[str, str] = {}
    for each in style.lower().split(";", _DECLARATIONS_LIMIT)[:_DECLARATIONS_LIMIT]:
        name, _, value = each.partition(":")
        found[name.strip()] = value.replace("!important", "").strip()
    return found


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
    found = _LENGTH.match(value) if value else None
    return float(found[1]) if found else None


def _is_flat(margin: str, declared: dict[str, str]) -> bool:
    if margin:
        sides = margin.split()
        return all(_number(each) == 0 for each in (sides[0], sides[2] if sides[2:] else sides[0]))
    sides = [declared.get(each, "") for each in ("margin-top", "margin-bottom")]
    return all(_number(each) == 0 for each in sides)
