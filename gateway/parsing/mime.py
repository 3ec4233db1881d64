"""The body of a mail: its text in order, and its attachments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from gateway.parsing.attached_mails import attached_mail
from gateway.parsing.body_text import (
    TextSection,
    as_html,
    as_plain,
    is_body_text,
    one_of,
    read_section,
)
from gateway.parsing.gaps import without_wide_gaps
from gateway.parsing.html_text import HtmlReader
from gateway.parsing.mail_tree import child_number
from gateway.parsing.part_names import MAILS, REACTION, clean_name, default_name
from gateway.parsing.tree import MimePart
from rules.mail import AttachedMail, Attachment, Body
from rules.mail.extent import unstretched
from rules.mail.header import Header


@dataclass(slots=True)
class _Collected:
    sections: list[TextSection]
    attachments: list[Attachment]
    guessed: bool = False
    damaged: bool = False
    is_attached: bool = False
    """Within an attached mail: those attached to it in turn are files."""
    most_tags: int | None = None
    forms: list[list[TextSection]] = field(default_factory=list)
    """The sections of each part, if the whole body is a multipart."""


def read_body(
    tree: MimePart,
    *,
    type_signed: bool = True,
    forwarded: bool = False,
    most_tags: int | None = None,
) -> Body:
    """The text of the mail in order, from plain text where it says what the HTML does, and the
    attachments; where the type of the body may be unsigned, also the forms of its text. Of a mail
    that forwards another nothing is marked as quoted.

    Raises TooManyTagsError if trees of more than `most_tags` tags would have to be built.
    """
    collected = _Collected([], [], most_tags=most_tags)
    _collect(tree, "", "", collected)
    sections = collected.sections
    markup = as_html(sections)
    reader = HtmlReader(most_tags, quotes=not forwarded)
    referenced = set(_CID.findall(markup)) if collected.attachments else frozenset()
    text = unstretched("\n".join(as_plain(section, reader) for section in sections))
    several = not type_signed and len(collected.forms) > 1
    return Body(
        text=text,
        html=markup,
        charset_guessed=collected.guessed,
        attachments=tuple(
            _as_inline(attachment) if attachment.content_id in referenced else attachment
            for attachment in collected.attachments
        ),
        forms=_forms(collected, reader) if several else (),
        one_form=_one_form(collected, text, reader) if several else "",
        damaged=collected.damaged,
    )


def _forms(collected: _Collected, reader: HtmlReader) -> tuple[str, ...]:
    """The words of each part: what a form only decorates does not make it another text."""
    sections = [section for form in collected.forms for section in form]
    return tuple(unstretched(as_plain(each, reader, words_only=True)) for each in sections)


def _one_form(collected: _Collected, text: str, reader: HtmlReader) -> str:
    whole = one_of(collected.forms)
    if collected.sections == [whole]:
        return text
    return unstretched(as_plain(whole, reader))


def is_type_signed(header: Header) -> bool:
    """Whether each signature that a mail carries, valid or not, covers its Content-Type: those of
    forwarders prove an author, too (ARC)."""
    sealed = header.raw_values("arc-message-signature")
    for value in (*header.raw_values("dkim-signature"), *sealed):
        for tag in b"".join(value.split()).lower().split(b";"):
            name, _, names = tag.partition(b"=")
            if name == b"h" and b"content-type" not in names.split(b":"):
                return False
    return True


_CID = re.compile(r"(?i:cid:)([^\s\"'<>)]{1,250}+)")


def _as_inline(found: Attachment) -> Attachment:
    return replace(found, inline=True)


def _collect(part: MimePart, number: str, parent: str, into: _Collected) -> None:
    """Adds the content of a part; recursion is bounded by `tree.DEPTH_LIMIT`."""
    if not part.children:
        _collect_leaf(part, number or "1", parent, into)
        return
    before = len(into.sections)
    forms: list[list[TextSection]] = []
    for n, child in enumerate(part.children, 1):
        begins = len(into.sections)
        _collect(child, child_number(number, n), part.media_type, into)
        if len(into.sections) > begins:
            forms.append(into.sections[begins:])
    if not number:
        into.forms = forms
    if part.media_type == "multipart/alternative" and len(forms) > 1:
        into.sections[before:] = [one_of(forms)]


def _collect_leaf(part: MimePart, number: str, parent: str, into: _Collected) -> None:
    kind = part.media_type
    disposition = part.disposition()
    name = part.parameter("filename", "content-disposition") or part.parameter("name")
    if is_body_text(kind, disposition, name, parent):
        section, guessed = read_section(part, kind)
        into.damaged |= part.is_damaged
        into.guessed |= guessed
        if section.plain or section.html:
            into.sections.append(section)
        return
    content = part.content()
    into.damaged |= part.is_damaged
    content_id = part.text("content-id").strip().strip("<>")
    inline = bool(content_id) and disposition != "attachment" and kind.startswith("image/")
    into.attachments.append(
        Attachment(
            part=number,
            name=clean_name(name) or default_name(part, kind, parent, number),
            content_type=kind,
            size_bytes=len(content),
            content_id=content_id,
            inline=inline,
            is_click=disposition != "attachment" and _is_click(part, kind, parent, content),
            mail=_attached_mail(kind, parent, content, into),
        )
    )


def _attached_mail(kind: str, parent: str, content: bytes, into: _Collected) -> AttachedMail | None:
    """What an attached mail says, if it is one that a person forwards."""
    if kind not in MAILS or parent in _REPORTS or into.is_attached:
        return None

    def text_of(tree: MimePart) -> str:
        inner = _Collected([], [], is_attached=True)
        _collect(tree, "", "", inner)
        reader = HtmlReader(into.most_tags)
        return unstretched("\n".join(as_plain(section, reader) for section in inner.sections))

    is_first = all(each.mail is None for each in into.attachments)
    return attached_mail(content, text_of, is_first=is_first)


_REPORTS = ("multipart/report", "multipart/digest")


def _is_click(part: MimePart, kind: str, parent: str, content: bytes) -> bool:
    """Whether it is an emoji reaction of Gmail, or the answer to an invitation (RFC 5546 §3.2.3),
    whose part need not name the method. Next to a text, in a multipart/mixed, it is a file."""
    if kind == REACTION:
        return True
    if kind != "text/calendar" or parent not in ("", "multipart/alternative"):
        return False
    method = part.parameter("method").encode() or b"".join(
        _METHOD.findall(without_wide_gaps(content, 4_096))[:1]
    )
    return method.strip().lower() == b"reply"


_METHOD = re.compile(rb"(?im:^METHOD:([A-Z]{1,20})\s*$)")
