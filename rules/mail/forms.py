"""The forms of a text whose type was not signed: parts that may be meant one after the other.

Of the forms of a multipart/alternative one is shown. If that type is not signed, anybody who sends
the mail again can choose it for parts that are all meant to be read. So the others are hidden only
if they say nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from rules.mail.message import Body

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)+|[^\W_]+|[$%&+=@]|[^\x00-\x7f\w\s]")


def with_every_form(body: Body) -> Body:
    """The body with the text of all its forms, one after the other; unchanged if the shown form
    has the words of each other in their order."""
    if all(form == body.text or _repeats(form, body.text) for form in body.forms):
        return body
    text = "\n".join(form for form in body.forms if form.strip())
    return replace(body, text=text, forms=(), every_form=True)


def _repeats(form: str, shown: str) -> bool:
    tokens = _tokens(shown)
    return all(token in tokens for token in _tokens(form))


def _tokens(text: str) -> Iterator[str]:
    """Words, numbers and signs that mean something, such as a currency or an emoji: neither
    punctuation nor layout."""
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token.isascii() or token.isalnum() or unicodedata.category(token[0])[0] == "S":
            yield token.casefold()
