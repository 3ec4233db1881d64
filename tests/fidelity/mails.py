"""How faithfully folders of mails are read: a table a folder, and the mails to look at."""

from __future__ import annotations

import email
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import mailparser

from gateway.parsing.reading import read
from rules.mail import Body, Mail, Unreadable
from rules.mail.quoting import is_forward, visible
from tests.part_bytes import part_bytes

SLOW_S = 1.5
"""Of CPU for one mail."""
LARGEST_BYTES = 25 * 1024 * 1024
NAMED = 5
"""Mails of each kind that are named."""
logging.getLogger("mailparser").disabled = True
_LOST = "\N{REPLACEMENT CHARACTER}"


@dataclass(slots=True)
class Fidelity:
    """What came out of the mails of one folder."""

    mails: int = 0
    read_s: float = 0.0
    mailparser_s: float = 0.0
    """CPU of mail-parser's `parse_from_bytes` for the same mails."""
    slowest_s: float = 0.0
    attachments: int = 0
    """That the standard library finds, with a name or as attachments."""
    hidden_lines: int = 0
    found: dict[str, list[str]] = field(default_factory=dict)
    """By what is to be looked at, the mails."""

    def note(self, kind: str, name: str) -> None:
        self.found.setdefault(kind, []).append(name)

    @property
    def ratio(self) -> float:
        return self.read_s / self.mailparser_s if self.mailparser_s else 0.0

    def __str__(self) -> str:
        first = (
            f"  {self.mails} mails; CPU {self.read_s:.2f} s, {self.ratio:.2f} of mail-parser's; "
            f"slowest {self.slowest_s:.2f} s; {self.attachments} attachments; "
            f"{self.hidden_lines} lines hidden"
        )
        lines = [first]
        for kind in sorted(self.found):
            names = self.found[kind]
            more = f", … (+{len(names) - NAMED})" if len(names) > NAMED else ""
            lines.append(f"  {kind}: {len(names)} ({', '.join(names[:NAMED])}{more})")
        return "\n".join(lines)


def mails_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a folder that may be mails, by their path in it, as SMTP carries them."""
    for path in sorted(folder.rglob("*")):
        is_mail = path.is_file() and path.suffix in (".eml", ".msg", ".txt", ".mbox", "")
        if is_mail and path.stat().st_size <= LARGEST_BYTES:
            yield str(path.relative_to(folder)), as_sent(path.read_bytes())


def as_sent(data: bytes) -> bytes:
    """Without an mbox line, and with CRLF throughout."""
    if data.startswith((b"From ", b">From ")):
        data = data.partition(b"\n")[2]
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def measured(mails: Iterable[tuple[str, bytes]]) -> Fidelity:
    result = Fidelity()
    for name, raw in mails:
        result.mails += 1
        began = time.process_time()
        try:
            mail = read(raw)
        except Exception as error:  # noqa: BLE001 -- the tool counts whatever is raised
            result.note("exceptions", f"{name}: {type(error).__name__}")
            continue
        took_s = time.process_time() - began
        _time(result, name, raw, took_s)
        _look_at(result, name, raw, mail)
    return result


def _time(result: Fidelity, name: str, raw: bytes, took_s: float) -> None:
    began = time.process_time()
    try:
        mailparser.parse_from_bytes(raw)
    except Exception as error:  # noqa: BLE001 -- it fails on some mails
        result.note("mail-parser fails", f"{name}: {type(error).__name__}")
        return
    result.mailparser_s += time.process_time() - began
    result.read_s += took_s
    result.slowest_s = max(result.slowest_s, took_s)
    if took_s > SLOW_S:
        result.note(f"over {SLOW_S} s", name)


def _look_at(result: Fidelity, name: str, raw: bytes, mail: Mail) -> None:
    body = mail.body
    if isinstance(body, Unreadable):
        result.note("unreadable", f"{name}: {body.why}")
        return
    if not isinstance(body, Body):
        return
    _look_at_text(result, name, raw, mail, body)
    ours = Counter(_digest(part_bytes(raw, each.part)) for each in body.attachments)
    theirs = Counter(_digest(content) for content in _attached(raw))
    result.attachments += theirs.total()
    if theirs - ours:
        result.note("an attachment of the standard library is missing or differs", name)


def _look_at_text(result: Fidelity, name: str, raw: bytes, mail: Mail, body: Body) -> None:
    if _LOST in mail.subject + body.text and _LOST.encode() not in raw:
        result.note("U+FFFD", name)
    if body.charset_guessed:
        result.note("charset guessed", name)
    if body.damaged:
        result.note("damaged encoding", name)
    if not body.text.strip() and not body.attachments:
        result.note("no text and no file", name)
    shown = visible(body.text, forwarded=is_forward(mail.subject, body.text))
    result.hidden_lines += shown.hidden_lines
    plain = [line for line in shown.hidden.split("\n") if line.strip() and line[:1] != ">"]
    if len(plain) > shown.hidden_lines // 2 and plain:
        result.note("hidden lines without a > to look at", name)


def _attached(raw: bytes) -> Iterator[bytes]:
    """The files that the standard library finds, where it decodes them without a defect; not those
    of an attached mail, which is a file itself, nor a text that has a name."""
    for part in _parts(email.message_from_bytes(raw)):
        attached = part.get_content_disposition() == "attachment"
        if not attached and (part.get_content_maintype() == "text" or not part.get_filename()):
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and not part.defects:
            yield content


def _parts(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if part.get_content_maintype() == "multipart" and isinstance(payload, list):
        for each in payload:
            if isinstance(each, Message):
                yield from _parts(each)
    elif part.get_content_maintype() != "message":
        yield part


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content.rstrip(b"\r\n")).digest()
