"""The sections of the text of a mail, as plain text or HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.parsing.alternatives import richer_form
from gateway.parsing.contained import ContainedFile, files_in_html, files_in_text
from gateway.parsing.flowed import unwrapped
from gateway.parsing.html_text import HtmlReader
from gateway.parsing.part_names import NAMES
from gateway.parsing.transfer import Decoded
from gateway.parsing.tree import MimePart
from rules.mail import charsets

_MOST_OF_REST = 4_096


@dataclass(slots=True)
class TextSection:
    """One section of the text: as plain text, as HTML, or both."""

    plain: str = ""
    html: str = ""


def as_plain(section: TextSection, reader: HtmlReader, *, words_only: bool = False) -> str:
    """The text of a section. Raises TooManyTagsError."""
    if not section.html:
        return section.plain
    if not section.plain.strip():
        return reader.text(section.html, words_only=words_only)
    return richer_form(section.plain, section.html, reader)


def as_html(sections: Sequence[TextSection]) -> str:
    """The HTML of all sections, if any has some."""
    if not any(section.html for section in sections):
        return ""
    return "\n".join(
        section.html or f"<pre>{html.escape(section.plain)}</pre>" for section in sections
    )


def one_of(forms: Sequence[Sequence[TextSection]]) -> TextSection:
    """The forms of one multipart/alternative (RFC 2046 §5.1.4) as one section. Apple writes one of
    them as several parts, with pictures and files between them."""
    wholes = [_whole(form) for form in forms]
    plain = next((whole.plain for whole in wholes if whole.plain.strip()), "")
    markup = next((whole.html for whole in reversed(wholes) if whole.html), "")
    return TextSection(plain, markup)


def _whole(form: Sequence[TextSection]) -> TextSection:
    if len(form) == 1:
        return form[0]
    is_plain = all(section.plain.strip() or not section.html for section in form)
    plain = "\n".join(section.plain for section in form) if is_plain else ""
    return TextSection(plain, as_html(form))


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


@dataclass(frozen=True, slots=True)
class SectionRead:
    section: TextSection
    is_guessed: bool
    """Its charset is."""
    files: tuple[ContainedFile, ...]
    """Those that are written into it."""


def in_lines(text: str) -> str:
    """A text with the line ends of ours, and without NUL, which is no text: PostgreSQL cannot store
    it, and browsers may stop there."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")


def read_section(part: MimePart, kind: str) -> SectionRead:
    pieces = part.decoded().pieces
    label = part.parameter("charset")
    files: list[ContainedFile] = []
    if kind == "text/plain" and len(pieces) == 1:
        text, files = files_in_text(pieces[0], label)
        pieces = (text,)
    elif kind == "text/html" and any(b";base64," in each for each in pieces):
        files = files_in_html(b"".join(pieces))
    decoded = [_decoded(piece, label, part) for piece in pieces]
    shown = in_lines("".join(each for each, _ in decoded))
    if kind == "text/html":
        section = TextSection(html=shown)
    elif part.parameter("format").lower() == "flowed":
        section = TextSection(unwrapped(shown, delsp=part.parameter("delsp").lower() == "yes"))
    else:
        section = TextSection(shown)
    return SectionRead(section, any(guessed for _, guessed in decoded), tuple(files))


def readable_rest(decoded: Decoded) -> str:
    """The text next to what was encoded of a file, such as the footer of a gateway."""
    if not decoded.rest or len(decoded.rest) > _MOST_OF_REST:
        return ""
    text = in_lines(charsets.decode_text(decoded.rest)[0]).strip()
    return (
        text if " " in text and all(each.isprintable() or each in "\n\t" for each in text) else ""
    )


def _decoded(content: bytes, label: str, part: MimePart) -> tuple[str, bool]:
    if content.isascii():
        return charsets.decode_text(content, label)
    if part.media_type == "text/html" and charsets.codec_for(label) in ("", "ascii"):
        label = charsets.declared_in_html(content) or label
    text, guessed = charsets.decode_text(content, label)
    if guessed and (others := part.other_labels()):
        return charsets.decode_text(content, label, others)
    return text, guessed
