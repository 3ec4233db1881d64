"""Text of format=flowed (RFC 3676): lines that were wrapped on the way are paragraphs again."""

from __future__ import annotations

from rules.mail.number_signs import MAY_BE_COMMAND

_SIGNATURE = "-- "


def unwrapped(text: str, *, delsp: bool = False) -> str:
    """The text with its flowed lines joined, its stuffed spaces removed and its quotes marked.

    A line that ends with a space goes on in the next one of the same quote depth; with `delsp` that
    space was added. A signature line is none. A line that may be a command is never joined, as a
    command ends with its line, and no signature covers white space at the end of one.
    """
    shown: list[str] = []
    paragraph: list[str] = []  # its pieces: to add to a text takes time for all of it
    open_depth = -1
    """The quote depth of the line that goes on; none if -1."""
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        is_own_line = bare == _SIGNATURE or MAY_BE_COMMAND.match(bare) is not None
        if depth != open_depth or is_own_line:
            if paragraph:
                shown.append(_joined(paragraph, ends_open=open_depth >= 0))
            paragraph = [">" * depth + (" " if depth and bare else "")]
        flows = bare.endswith(" ") and not is_own_line
        open_depth = depth if flows else -1
        paragraph.append(bare[:-1] if flows and delsp else bare)
    shown.append(_joined(paragraph, ends_open=open_depth >= 0 and not delsp))
    return "\n".join(shown)


def _joined(paragraph: list[str], *, ends_open: bool) -> str:
    joined = "".join(paragraph)
    return joined.rstrip(" ") if ends_open else joined
