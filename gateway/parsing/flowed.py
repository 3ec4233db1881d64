"""Text of format=flowed (RFC 3676): lines that were wrapped on the way are paragraphs again."""

from __future__ import annotations

_SIGNATURE = "-- "


def unwrapped(text: str, *, delsp: bool = False) -> str:
    """The text with its flowed lines joined, its stuffed spaces removed and its quotes marked.

    A line that ends with a space goes on in the next one of the same quote depth; with `delsp` that
    space was added. A signature line is none. A line that begins with `#` may be a command, which
    ends with its line: it is never joined, since no signature covers white space at the end of a
    line.
    """
    shown: list[str] = []
    open_depth = -1
    """The quote depth of the line that goes on; none if -1."""
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        is_signature = bare == _SIGNATURE
        if depth == open_depth and not is_signature and not bare.startswith("#"):
            shown[-1] += bare
        else:
            if open_depth >= 0:
                shown[-1] = shown[-1].rstrip(" ")
            shown.append(">" * depth + (" " if depth and bare else "") + bare)
        flows = bare.endswith(" ") and not is_signature and not bare.startswith("#")
        open_depth = depth if flows else -1
        if flows and delsp:
            shown[-1] = shown[-1][:-1]
    if open_depth >= 0 and not delsp:
        shown[-1] = shown[-1].rstrip(" ")
    return "\n".join(shown)
