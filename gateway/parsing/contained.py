"""Files within a part: in a text, in a `winmail.dat`, in an attached mail, or in a signed envelope.

Such a file has the number of its part, how it is packed, and its own number, such as `2.tnef.1`.
Its bytes stay in the raw mail, as those of any attachment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from gateway.parsing.attached_mails import attached_tree
from gateway.parsing.data_images import data_images
from gateway.parsing.mail_tree import numbered_leaves
from gateway.parsing.opaque_signed import opened
from gateway.parsing.part_names import clean_name, type_by_name
from gateway.parsing.tnef import TnefMessage, read_tnef
from gateway.parsing.tree import (
    HEADER_LIMIT_BYTES,
    PARTS_LIMIT,
    LimitError,
    MimePart,
    build_tree,
)
from gateway.parsing.uuencode import split_uuencoded
from rules.mail import Attachment, charsets
from rules.mail.header import part_header
from rules.mail.opening import ENCRYPTED

Container = Literal["tnef", "signed", ""]

_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_ANY_TYPE = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
MOST_ENVELOPES = 3
"""Envelopes in each other that are opened."""
_PGP = re.compile(rb"(?m)^-----(BEGIN|END) PGP MESSAGE-----[ \t]*+\r?$")
_PGP_BEGINS = b"-----BEGIN PGP MESSAGE-----"
_MOST_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class ContainedFile:
    number: str
    """Within the part, such as `tnef.1`."""
    name: str
    content: bytes
    content_type: str = ""
    content_id: str = ""
    is_shown: bool = False
    """As a picture within the text."""
    is_whole: bool = True

    def attachment(self, part: str) -> Attachment:
        """As a file of the mail, of the part with that number."""
        name = clean_name(self.name)
        declared = self.content_type if _TYPE.fullmatch(self.content_type) else ""
        return Attachment(
            part=f"{part}.{self.number}",
            name=name or f"part-{part}.{self.number}.bin",
            content_type=declared or type_by_name(name) or _ANY_TYPE,
            size_bytes=len(self.content),
            content_id=self.content_id,
            inline=self.is_shown,
        )


def container(part: MimePart, name: str) -> Container:
    """How a part is packed that may have text and files in it; empty if it is an ordinary one."""
    kind = part.media_type
    name = name.lower() if kind == _ANY_TYPE else ""
    if kind in _TNEF or name == "winmail.dat":
        return "tnef"
    return "signed" if kind in _PKCS7 or name.endswith(".p7m") else ""


def is_declared_encrypted(part: MimePart) -> bool:
    return part.parameter("smime-type").lower() in ("enveloped-data", "authenveloped-data")


def files_in_text(text: bytes, label: str) -> tuple[bytes, list[ContainedFile]]:
    """A plain text without the files that are written into it, and these; where it was encrypted,
    it says so."""
    files: list[ContainedFile] = []
    if _PGP_BEGINS in text:
        sealed = list(islice(_messages(text), _MOST_MESSAGES))
        files += (
            ContainedFile(f"pgp.{n}", "message.asc", text[at:end], "application/pgp-encrypted")
            for n, (at, end) in enumerate(sealed, 1)
        )
        for at, end in reversed(sealed):
            text = text[:at] + str(ENCRYPTED).encode() + text[end:]
    text, encoded = split_uuencoded(text)
    files += (
        ContainedFile(
            f"uu.{n}",
            charsets.decode(file.name, label)[0],
            file.content,
            is_whole=file.is_whole,
        )
        for n, file in enumerate(encoded, 1)
    )
    return text, files


def _messages(text: bytes) -> Iterator[tuple[int, int]]:
    """Where each encrypted message begins and ends. Line by line: a pattern for a whole one would
    search the rest of the text for its end at each beginning."""
    begins = -1
    for line in _PGP.finditer(text):
        if line[1] == b"BEGIN":
            begins = line.start() if begins < 0 else begins
        elif begins >= 0:
            yield begins, line.end()
            begins = -1


def files_in_html(content: bytes) -> list[ContainedFile]:
    """The images that are written into an HTML."""
    return [
        ContainedFile(f"data.{n}", name, image, kind, is_shown=True)
        for n, (name, kind, image) in enumerate(data_images(content), 1)
    ]


def files_in_tnef(message: TnefMessage) -> list[ContainedFile]:
    return [
        ContainedFile(f"tnef.{n}", file.name, file.content, file.content_type, file.content_id)
        for n, file in enumerate(message.files, 1)
    ]


def entity_tree(entity: bytes, most_parts: int = PARTS_LIMIT) -> MimePart | None:
    """The tree of a MIME entity in an envelope; None if it exceeds our limits."""
    fields, at = part_header(entity, 0, len(entity), HEADER_LIMIT_BYTES)
    try:
        return build_tree(entity, at, fields, most_parts)
    except LimitError:
        return None


def bytes_in_tree(tree: MimePart, parts: Collection[str], nested: int = 0) -> dict[str, bytes]:
    """The decoded bytes of parts, and of files in parts. Each part is opened once, whatever number
    of its files is wanted: one may hold fifty, and take seconds. Raises LookupError."""
    found: dict[str, bytes] = {}
    for number, leaf in numbered_leaves(tree):
        if number in parts:
            found[number] = leaf.content()
        begin = f"{number}."
        if wanted := {part[len(begin) :] for part in parts if part.startswith(begin)}:
            found |= {begin + each: file for each, file in _bytes_within(leaf, wanted, nested)}
    if missing := next((part for part in parts if part not in found), ""):
        raise LookupError(f"no part {missing}")
    return found


def _bytes_within(
    leaf: MimePart, wanted: Collection[str], nested: int
) -> Iterator[tuple[str, bytes]]:
    """The files within a part that have these numbers there."""
    kinds = {number.partition(".")[0] for number in wanted}
    files: list[ContainedFile] = []
    if kinds & {"uu", "pgp"}:
        files += files_in_text(leaf.decoded().content, leaf.parameter("charset"))[1]
    if "data" in kinds:
        files += files_in_html(leaf.content())
    if "tnef" in kinds:
        files += files_in_tnef(read_tnef(leaf.content(), with_text=False))
    yield from ((file.number, file.content) for file in files if file.number in wanted)
    if nested >= MOST_ENVELOPES:
        return
    for kind in kinds & {"signed", "mail"}:
        begin = f"{kind}."
        content = leaf.content()
        tree = entity_tree(opened(content)[1]) if kind == "signed" else attached_tree(content)
        inner = [each.removeprefix(begin) for each in wanted if each.startswith(begin)]
        if tree is not None:
            for number, file in bytes_in_tree(tree, inner, nested + 1).items():
                yield begin + number, file


def contents_within(leaf: MimePart) -> Iterator[bytes]:
    """What is in a packed part. Raises LimitError if that is more than is read."""
    match container(leaf, leaf.parameter("name")):
        case "tnef":
            message = read_tnef(leaf.content())
            if not message.rtf_left:
                raise LimitError("more rich text than is read")
            yield message.plain.encode("utf-8", "replace")
            yield message.html.encode("utf-8", "replace")
            yield from (file.content for file in message.files)
        case "signed":
            entity = opened(leaf.content())[1]
            if entity:
                yield entity
