"""A plain form that is only the beginning of what the HTML form says: the program that wrote it has
cut it off.

A plain form may lack what belongs to the HTML alone, such as a signature with a logo. So it counts
as cut off only where the HTML goes on in the line, or in the word, at which the plain form ends; or
where it ends in the dots of an omission that the HTML has not.
"""

from __future__ import annotations

import re

from gateway.parsing.html_alignment import words_of
from gateway.parsing.html_lines import HtmlLines
from gateway.parsing.html_tokens import unescaped

_BETWEEN_TAGS = re.compile(r">([^<]+)")
_LINK = re.compile(r"<?https?://[^\s>]{1,4000}>?")
_NO_LETTERS = re.compile(r"[\W_]+")
_BRACKETED = re.compile(r"\[[^\[\]\n]{0,300}\]")
"""How the text of HTML shows images."""
_OMISSION = re.compile(r"(?:\.{3}|…)[\])]?\Z")
_ENDS = frozenset(".!?:;。！？：；।؟»”\"'")
"""After these a text is whole, for all that can be known."""


def may_be_cut_off(plain: str, markup: str) -> bool:
    """Whether the letters of the HTML begin with those of the plain form, which may be cut off:
    only then is the HTML read."""
    text = plain.rstrip()
    last = text[text.rfind("\n") + 1 :].lstrip()
    if not last or last.startswith(">") or len(markup) <= len(text):
        return False
    if last[-1] in _ENDS and _OMISSION.search(last) is None:
        return False
    begins = max(markup.find("<body"), markup.find("</head"), 0)
    parts = _BETWEEN_TAGS.findall(markup[begins:] if begins else f">{markup}")
    own, others = _letters(text), _letters(unescaped(" ".join(parts)))
    return bool(own) and len(others) > len(own) and others.startswith(own)


def _letters(text: str) -> str:
    if "://" in text:
        text = _LINK.sub("", text)
    return _NO_LETTERS.sub("", text).casefold()


def is_cut_off(plain: str, found: HtmlLines) -> bool:
    """Whether the plain form is cut off where the HTML goes on with the author's own words."""
    words = words_of(plain)
    others = [(word, line) for line, text in enumerate(found.texts) for word in words_of(text)]
    end = len(words)
    if not words or len(others) < end:
        return False
    if any(word != other for word, (other, _) in zip(words[:-1], others, strict=False)):
        return False
    last, line = others[end - 1]
    if found.quoted[line] or not last.startswith(words[-1]):
        return False
    if last != words[-1]:
        return True
    written = found.texts[line].rstrip()
    if _OMISSION.search(plain.rstrip()) and _OMISSION.search(written) is None:
        return any(not found.quoted[further] for _, further in others[end:])
    on_line = sum(1 for _, its_line in others[:end] if its_line == line)
    return len(words_of(_BRACKETED.sub(" ", written))) > on_line
