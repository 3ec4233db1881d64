"""Text of format=flowed (RFC 3676): lines that were wrapped on the way are paragraphs again."""

from __future__ import annotations

from rules.commands import MAY_BE_COMMAND

_SIGNATURE = "-- "


def unwrapped(text: str, *, delsp: bool = False) -> str:
    """The text with its flowed lines joined, its stuffed spaces removed and its quotes marked.

    A line that ends with a space goes on in the next one of the same quote depth; with `delsp` that
    space was added. A signature line is none. A line that may be a command is never joined, as a
    command ends with its line, and no signature covers white space at the end of one.
    """
    shown: list[str] = []
    open_depth = -1
    """The quote depth of the line that goes on; none if -1."""
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        is_signature = bare == _SIGNATURE
        may_command = MAY_BE_COMMAND.match(bare) is not None
        if depth == open_depth and not is_signature and not may_command:
            shown[-1] += bare
        else:
            if open_depth >= 0:
                shown[-1] = shown[-1].rstrip(" ")
            shown.append(">" * depth + (" " if depth and bare else "") + bare)
        flows = bare.endswith(" ") and not is_signature and not may_command
        open_depth = depth if flows else -1
        if flows and delsp:
            shown[-1] = shown[-1][:-1]
    if open_depth >= 0 and not delsp:
        shown[-1] = shown[-1].rstrip(" ")
    return "\n".join(shown)
