"""The sections of the text of a mail, as plain text or HTML."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.parsing.flowed import unwrapped
from gateway.parsing.html_text import HtmlReader
from gateway.parsing.part_names import NAMES
from gateway.parsing.tree import MimePart
from rules.mail import charsets


@dataclass(slots=True)
class TextSection:
    """One section of the text: as plain text, as HTML, or both."""

    plain: str = ""
    html: str = ""


def as_plain(section: TextSection, reader: HtmlReader) -> str:
    if section.plain.strip() or not section.html:
        return section.plain
    return reader.text(section.html)


def one_of(forms: list[TextSection]) -> TextSection:
    """The forms of one multipart/alternative (RFC 2046 §5.1.4) as one section."""
    plain = next((section.plain for section in forms if section.plain.strip()), "")
    markup = next((section.html for section in reversed(forms) if section.html), "")
    return TextSection(plain, markup)


def is_body_text(kind: str, disposition: str, name: str, parent: str) -> bool:
    """Whether this leaf is part of the mail's text. A text with a file name is a file."""
    if disposition == "attachment":
        return False
    if kind in ("text/plain", "text/html"):
        # The only part, or a form of the text, is the text even if it has a name.
        return not name or parent in ("", "multipart/alternative")
    # A multipart without parts is shown as text; other text types only if they are the only part.
    return kind.startswith("multipart/") or (
        kind.startswith("text/") and parent == "" and kind not in NAMES and not name
    )


def read_section(part: MimePart, kind: str) -> tuple[TextSection, bool]:
    found = part.decoded()
    label = part.parameter("charset")
    texts, guessed = [], False
    for piece in found.pieces:
        text, is_guess = _decoded(piece, label, part)
        texts.append(text)
        guessed |= is_guess
    text = "".join(texts)
    # NUL is not text: PostgreSQL cannot store it, and browsers may stop there.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    if kind == "text/html":
        return TextSection(html=text), guessed
    if part.parameter("format").lower() == "flowed":
        text = unwrapped(text, delsp=part.parameter("delsp").lower() == "yes")
    return TextSection(plain=text), guessed


def _decoded(content: bytes, label: str, part: MimePart) -> tuple[str, bool]:
    if content.isascii():
        return charsets.decode_text(content, label)
    if part.media_type == "text/html" and charsets.codec_for(label) in ("", "ascii"):
        label = charsets.declared_in_html(content) or label
    text, guessed = charsets.decode_text(content, label)
    if guessed and (others := part.other_labels()):
        return charsets.decode_text(content, label, others)
    return text, guessed
