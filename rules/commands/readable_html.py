"""The HTML of a comment as people who are not staff may read it: never more than its text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.commands import without_commands
from rules.commands.readable import readable
from rules.mail.internal import quotes_internal
from rules.mail.markup import Piece, text_of
from rules.mail.quoting import REPLY_MARK, published
from rules.mail.shown_html import cut_to

_WORD = re.compile(r"\w+")


def readable_html(
    own: Sequence[Piece],
    quoted: Sequence[Piece],
    text: str,
    of_mail: str,
    *,
    mail_of_staff: bool,
    outside: bool,
) -> tuple[list[Piece], list[Piece]] | None:
    """What may be shown of the author's own part and of the quoted one; None if only the text may.

    `text` is that of the comment and `of_mail` that of the mail. Where the rules cut or changed the
    text, the HTML is cut where it says the same, else none of it is shown.
    """
    shown = readable(text, mail_of_staff=mail_of_staff, outside=outside)
    whole = shown.strip() == text.strip() and _words(text) == _words(of_mail[: len(text)])
    everything = f"{text_of(own)}\n{text_of(quoted)}"
    if whole and not (mail_of_staff or outside or quotes_internal(everything)):
        return list(own), list(quoted)
    above = commands_above(text) if mail_of_staff else ""
    cut = cut_to(own, shown, above)
    return (cut, []) if cut is not None and not quotes_internal(text_of(cut)) else None


def commands_above(text: str) -> str:
    """The command lines of a staff person's mail, with which its text begins."""
    whole = published(text, REPLY_MARK)
    words, rest = _words(whole), _words(without_commands(whole))
    if words == rest or words[len(words) - len(rest) :] != rest:
        return ""
    return " ".join(words[: len(words) - len(rest)])


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
