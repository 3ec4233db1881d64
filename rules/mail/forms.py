"""The forms of a text whose type was not signed: parts that may be meant one after the other.

Of the forms of a multipart/alternative one is shown. If that type is not signed, anybody who sends
the mail again can choose it for parts that are all meant to be read, or another one for forms of
one text. So whatever the type is, all are shown, except those that say nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rules.mail.message import Attachment, Body

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)+|[^\W_]+|[$%&+=@]|[^\x00-\x7f\w\s]")


MOST_FORMS = 8
MOST_CHARACTERS = 128 * 1024
"""Of all forms, without white space: each is compared with the shown one. Of more all are shown."""


def with_every_form(body: Body) -> Body:
    """The body as its parts imply, whatever the unsigned type of them all is: with the text of one,
    if that has the words of each other in their order; else with all, one after the other."""
    body = replace(body, attachments=tuple(map(_unclicked, body.attachments)))
    if not body.forms:
        return body
    if _are_few(body.forms) and _repeat(body.forms, body.one_form):
        return replace(body, text=body.one_form, forms=(), one_form="")
    text = "\n".join(form for form in body.forms if form.strip())
    return replace(body, text=text, forms=(), one_form="", every_form=True)


def _unclicked(part: Attachment) -> Attachment:
    """The answer to an invitation is shown as a file, except within a multipart/alternative."""
    by_type = part.is_click and part.content_type == "text/calendar" and "." not in part.part
    return replace(part, is_click=False) if by_type else part


def _are_few(forms: Sequence[str]) -> bool:
    written = sum(len(form) - form.count(" ") - form.count("\t") for form in forms)
    return len(forms) <= MOST_FORMS and written <= MOST_CHARACTERS


def _repeat(forms: Sequence[str], shown: str) -> bool:
    words = tuple(_tokens(shown))
    for form in forms:
        if form != shown:
            left = iter(words)
            if not all(token in left for token in _tokens(form)):
                return False
    return True


def _tokens(text: str) -> Iterator[str]:
    """Words, numbers and signs that mean something, such as a currency or an emoji: neither
    punctuation nor layout."""
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token.isascii() or token.isalnum() or unicodedata.category(token[0])[0] == "S":
            yield token.casefold()
