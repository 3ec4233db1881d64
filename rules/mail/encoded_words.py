"""A header value as text: folds removed (RFC 5322 §2.2.3), encoded-words decoded (RFC 2047)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rules.mail import charsets

_FOLD = re.compile(rb"(?:\r\n|\r|\n)(?=[ \t])")


def unfold(value: bytes) -> bytes:
    """A field's value on one line (RFC 5322 §2.2.3), without white space around it."""
    if b"\n" in value or b"\r" in value:
        value = _FOLD.sub(b"", value)
    return value.strip(b" \t\r\n")


# RFC 2047 §2, with the language of RFC 2231 §5. Not in the grammar, but common: spaces inside an
# encoded-word, and up to eight question marks inside a Q word (a bounded group that may backtrack).
_WORD = re.compile(
    rb"=\?([^?*\s]{1,64}+)(?:\*[^?\s]{0,64}+)?\?"
    rb"(?:([Bb])\?([^?]*+)|([Qq])\?([^?]*+(?:(?<!=)\?(?!=)[^?]*+){0,8}))\?="
)
_WORDS_LIMIT = 1_000
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*+")
_SPACES = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class _EncodedWord:
    raw: bytes
    charset: str
    base64: bool
    text: bytes


def decode_words(value: bytes, others: Sequence[str] = ()) -> str:
    """A header value as text on one line, with its encoded-words (RFC 2047) decoded leniently.

    Nothing is lost. Adjacent encoded-words of one charset are joined as bytes before they are
    decoded (a character may be split between them); raw 8-bit text is UTF-8, else in one of
    `others`, which the same mail declares elsewhere, else Windows-1252; an encoded-word that cannot
    be decoded is shown as sent; runs of control, line-end and bidi-override characters become one
    space. After 1,000 encoded-words the rest is kept as is.
    """
    text = decoded(value, others)
    return text if text.isascii() and text.isprintable() else _CONTROLS.sub(" ", text)


def decoded(value: bytes, others: Sequence[str] = ()) -> str:
    """The same with its control characters."""
    out: list[str] = []
    run: list[_EncodedWord] = []
    at = 0
    value = unfold(value)
    if b"=?" not in value:
        return charsets.decode(value, others=others)[0]
    for count, found in enumerate(_WORD.finditer(value)):
        if count == _WORDS_LIMIT:
            break
        between = value[at : found.start()]
        charset, _, plain, q, quoted = found.groups()
        word = _EncodedWord(
            found[0], charset.decode("latin-1").lower(), not q, quoted if q else plain
        )
        joined = bool(run) and not between.strip(_SPACES)
        if not joined or run[-1].charset != word.charset:
            out.append(_decode_run(run))
            run = []
        if not joined:
            out.append(charsets.decode(between, others=others)[0])
        run.append(word)
        at = found.end()
    out += [_decode_run(run), charsets.decode(value[at:], others=others)[0]]
    return "".join(out)


def _decode_run(run: list[_EncodedWord]) -> str:
    """The text of adjacent encoded-words of one charset."""
    if not run:
        return ""
    pieces: list[bytes] | None = None
    if len(run) > 1 and all(word.base64 for word in run):
        pieces = _base64_cut_anywhere([word.text for word in run])
    if pieces is None:
        decoded = [_unbase64(word.text) if word.base64 else _unquote(word.text) for word in run]
        if None in decoded:
            shown = (
                word.raw.decode("latin-1")
                if data is None
                else charsets.decode(data, word.charset)[0]
                for word, data in zip(run, decoded, strict=True)
            )
            return "".join(shown)
        pieces = [data for data in decoded if data is not None]
    return charsets.decode(b"".join(pieces), run[0].charset)[0]


def _base64_cut_anywhere(texts: list[bytes]) -> list[bytes] | None:
    """Decodes pieces of one base64 text that a sender encoded first and then split into words."""
    if all(len(text) % 4 == 0 for text in texts[:-1]) or any(b"=" in text for text in texts[:-1]):
        return None
    whole = _unbase64(b"".join(texts))
    return None if whole is None else [whole]


def _unbase64(text: bytes) -> bytes | None:
    """The bytes of a B word, with padding corrected. None if a character is missing or invalid."""
    text = b"".join(text.split()).rstrip(b"=")
    if len(text) % 4 == 1 or not _BASE64.fullmatch(text):
        return None
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def _unquote(text: bytes) -> bytes:
    """The bytes of a Q word; `=` without two hex digits is taken literally (RFC 2047 §4.2)."""
    return binascii.a2b_qp(text, header=True)
