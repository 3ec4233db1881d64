"""Lines of a text as the rules compare them: short, and without what clients add to letters."""

from __future__ import annotations

EXAMINED_CHARACTERS = 400
"""Characters of a line that are examined to classify it."""
_DIRECTIONS = (0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
"""Marks of direction, which clients put around names, and letters without width."""
_SPACES = "\u00a0\u2007\u2009\u202f\u3000\t"
_WIDE = {
    "：": ":",
    "៖": ":",
    "։": ":",
    "︰": ":",
    "，": ",",
    "、": ",",
    "،": ",",
    "（": "(",
    "）": ")",
    "＜": "<",
    "＞": ">",
}
_PLAIN = {
    **dict.fromkeys(_DIRECTIONS),
    **dict.fromkeys(map(ord, _SPACES), " "),
    **{ord(wide): narrow for wide, narrow in _WIDE.items()},
    ord("’"): "'",
}


def plain(line: str) -> str:
    """The beginning of a line with ASCII colons, commas and spaces, without marks of direction."""
    line = line[:EXAMINED_CHARACTERS]
    return (line if line.isascii() else line.translate(_PLAIN)).strip()


def is_quoted(line: str) -> bool:
    return line.lstrip(" \t").startswith(">")


def unquoted(line: str) -> str:
    return line.lstrip("> \t") if is_quoted(line) else line


def is_rule(line: str) -> bool:
    """Whether a line begins like a rule of dashes."""
    return line.startswith(("--", "==", "__", "**", "––", "——"))


def without_rule(line: str) -> str:
    """The words between the dashes of a line."""
    return folded(plain(line).strip("-=_*:–— "))


def folded(words: str) -> str:
    """Words in small letters, the Turkish `İ` with one dot."""
    return words.casefold().replace("i\u0307", "i")
