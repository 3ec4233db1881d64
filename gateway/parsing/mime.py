"""The body of a mail: its text in order, and its attachments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.parsing.apart import NotHereError
from gateway.parsing.attached_mails import attached_mail
from gateway.parsing.body_text import (
    TextSection,
    as_html,
    as_plain,
    in_lines,
    is_body_text,
    one_of,
    read_section,
    readable_rest,
)
from gateway.parsing.contained import (
    MOST_ENVELOPES,
    ContainedFile,
    container,
    entity_tree,
    files_in_tnef,
    is_declared_encrypted,
)
from gateway.parsing.gaps import without_wide_gaps
from gateway.parsing.html_text import HtmlReader
from gateway.parsing.invitations import lines_of
from gateway.parsing.mail_tree import child_number, number_of_parts
from gateway.parsing.opaque_signed import opened
from gateway.parsing.part_names import MAILS, REACTION, clean_name, default_name
from gateway.parsing.tnef import read_tnef
from gateway.parsing.tree import PARTS_LIMIT, MimePart
from rules.mail import AttachedMail, Attachment, Body
from rules.mail.extent import unstretched
from rules.mail.header import Header
from rules.mail.opening import ENCRYPTED, Opening


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
    spare: list[TextSection] = field(default_factory=list)
    """Those in a `winmail.dat`: mostly the same text as next to it."""
    lines: list[str] = field(default_factory=list)
    """What calendar entries say."""
    opened: dict[Opening, None] = field(default_factory=dict)
    envelopes: int = 0
    """Signed ones around what is read."""
    parts_left: int = PARTS_LIMIT
    """Parts that may still be read, of the mail with all of its envelopes."""


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

    Raises NotHereError if trees of more than `most_tags` tags would have to be built, or with any
    `most_tags` if a part is packed.
    """
    parts_left = PARTS_LIMIT - number_of_parts(tree)
    collected = _Collected([], [], most_tags=most_tags, parts_left=parts_left)
    _collect(tree, "", "", collected)
    sections = collected.sections
    if collected.spare and not any(each.plain.strip() or each.html for each in sections):
        sections = collected.spare
    markup = as_html(sections)
    reader = HtmlReader(most_tags, quotes=not forwarded)
    referenced = set(_CID.findall(markup)) if collected.attachments else frozenset()
    text = unstretched("\n".join(as_plain(section, reader) for section in sections))
    lines = "\n".join(dict.fromkeys(collected.lines))
    several = not type_signed and len(collected.forms) > 1
    return Body(
        text=_with_lines(text, lines),
        html=markup,
        charset_guessed=collected.guessed,
        attachments=tuple(
            _as_inline(attachment) if attachment.content_id in referenced else attachment
            for attachment in collected.attachments
        ),
        forms=(*_forms(collected, reader), *filter(None, (lines,))) if several else (),
        one_form=_with_lines(_one_form(collected, text, reader), lines) if several else "",
        damaged=collected.damaged,
        opened=tuple(collected.opened),
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


def _with_lines(text: str, lines: str) -> str:
    """A text with the lines of calendar entries below it."""
    if not lines:
        return text
    return f"{text.rstrip()}\n\n{lines}" if text.strip() else lines


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
    if part.media_type == "multipart/encrypted":
        _add_encrypted(into)
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
        found = read_section(part, kind)
        into.damaged |= part.is_damaged
        into.guessed |= found.is_guessed
        if found.section.plain or found.section.html:
            into.sections.append(found.section)
        _add_files(found.files, number, into)
        return
    decoded = part.decoded()
    content = decoded.content
    into.damaged |= decoded.is_damaged
    if text := readable_rest(decoded):
        into.sections.append(TextSection(plain=text))
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
            mail=_attached_mail(kind, number, parent, content, into),
        )
    )
    _open(part, number, name, content, into)


def _add_files(files: Sequence[ContainedFile], number: str, into: _Collected) -> None:
    into.attachments += (file.attachment(number) for file in files)
    into.damaged |= not all(file.is_whole for file in files)
    if any(file.content_type == "application/pgp-encrypted" for file in files):
        into.opened["encrypted"] = None
    elif files and files[0].number.startswith("uu"):
        into.opened["encoded files"] = None


def _add_encrypted(into: _Collected) -> None:
    into.sections.append(TextSection(plain=str(ENCRYPTED)))
    into.opened["encrypted"] = None


def _open(part: MimePart, number: str, name: str, content: bytes, into: _Collected) -> None:
    """Adds what is packed in a part: text and files of Outlook or of S/MIME, calendar entries."""
    packed = container(part, name)
    if packed == "signed" and is_declared_encrypted(part):
        _add_encrypted(into)
        return
    if into.is_attached or not (packed or part.media_type == "text/calendar"):
        return
    if into.most_tags is not None:
        raise NotHereError
    if packed == "tnef":
        message = read_tnef(content)
        into.opened["winmail.dat" if message.is_whole else "damaged winmail.dat"] = None
        into.spare.append(TextSection(in_lines(message.plain), in_lines(message.html)))
        _add_files(files_in_tnef(message), number, into)
    elif packed == "signed":
        _open_signed(number, content, into)
    else:
        into.lines += lines_of(content)


def _open_signed(number: str, content: bytes, into: _Collected) -> None:
    kind, entity = opened(content)
    if kind == "encrypted":
        _add_encrypted(into)
    if kind != "signed" or into.envelopes == MOST_ENVELOPES:
        return
    tree = entity_tree(entity, into.parts_left)
    if tree is None:
        into.opened["unopened"] = None
    else:
        into.opened["signed"] = None
        into.parts_left -= number_of_parts(tree)
        into.envelopes += 1
        _collect(tree, f"{number}.signed" if tree.children else f"{number}.signed.1", "", into)
        into.envelopes -= 1


def _attached_mail(
    kind: str, number: str, parent: str, content: bytes, into: _Collected
) -> AttachedMail | None:
    """What an attached mail says, if it is one that a person forwards."""
    if kind not in MAILS or parent in _REPORTS or into.is_attached:
        return None

    def read_in(tree: MimePart) -> tuple[str, tuple[Attachment, ...]]:
        inner = _Collected([], [], is_attached=True)
        _collect(tree, "", "", inner)
        reader = HtmlReader(into.most_tags)
        text = unstretched("\n".join(as_plain(section, reader) for section in inner.sections))
        return text, tuple(replace(a, part=f"{number}.mail.{a.part}") for a in inner.attachments)

    is_first = all(each.mail is None for each in into.attachments)
    return attached_mail(content, read_in, is_first=is_first)


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
