"""What an SMTP client may conclude from what it sent and what it was answered: an own reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.replies import Reply

REFUSED_BY_HOOK = Reply(550, "5.7.1", "refused after it was handed over")
CODES = frozenset(
    (
        *(220, 221, 250, 252, 354, 421, 450, 451, 452, 454),
        *(500, 501, 502, 503, 504, 550, 551, 552, 553, 554, 555),
    )
)
"""RFC 5321 §4.2.3, without those of commands that we do not have; 454 from RFC 3207."""
LONGEST_LINE = 512
"""RFC 5321 §4.5.3.1.5, with CRLF."""
END = b"\r\n.\r\n"

_LINE = re.compile(rb"([2345]\d\d)([ -])([\t -~]*)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ENHANCED = re.compile(rb"([245])\.\d{1,3}\.\d{1,3} ")


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply, whatever its number of lines."""

    code: int
    text: bytes


class Malformed(Exception):
    """A reply outside of the grammar."""


def answers(received: bytes, *, complete: bool) -> list[Answer]:
    """The replies in what was received. Raises Malformed; the end may be cut unless `complete`."""
    *lines, rest = received.split(b"\r\n")
    found: list[Answer] = []
    open_code: int | None = None
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or len(line) > LONGEST_LINE - 2:
            raise Malformed(f"not a reply line: {line[:200]!r}")
        code, text = int(match[1]), match[3]
        if code not in CODES:
            raise Malformed(f"unknown code: {line[:200]!r}")
        if open_code not in (None, code):
            raise Malformed(f"one reply with two codes, {open_code} and {code}")
        enhanced = _ENHANCED.match(text)
        if enhanced and int(enhanced[1]) != code // 100:
            raise Malformed(f"the enhanced status contradicts the code: {line[:200]!r}")
        open_code = code if match[2] == b"-" else None
        if open_code is None:
            found.append(Answer(code, text))
    if complete and (rest or open_code is not None):
        raise Malformed(f"the last reply is cut: {rest[:200]!r}")
    return found


def count_replies(received: bytes) -> int:
    """How many complete replies there are in what was received."""
    return sum(line[3:4] != b"-" for line in received.split(b"\r\n")[:-1])


def expected_mails(sent: bytes, answered: Sequence[Answer], listener: str) -> list[bytes]:
    """The mails that the server must have handed over, as the replies prove it.

    A line gets one reply. After 354 the data begins, and only CRLF.CRLF ends it.
    """
    replies = iter(answered)
    if next(replies, None) is None:  # the greeting
        return []
    mails = _mails(sent, replies, lmtp=listener == "lmtp")
    if listener == "lenient":
        mails = (_LINE_END.sub(b"\r\n", mail) for mail in mails)
    return [mail.replace(b"\r\n.", b"\r\n")[len(b"\r\n") :] for mail in mails]


def _mails(sent: bytes, replies: Iterator[Answer], *, lmtp: bool) -> Iterator[bytes]:
    """Each as it was sent, after the CRLF of the DATA command."""
    at = recipients = 0
    while (line_end := sent.find(b"\n", at)) >= 0:
        line, at = sent[at : line_end + 1], line_end + 1
        reply = next(replies, None)
        if reply is None or reply.code == 421:
            return
        verb = line[:4].upper()
        if reply.code == 354:
            end = sent.find(END, at - 2)
            outcomes = [next(replies, None) for _ in range(recipients if lmtp else 1)]
            if end < 0 or not outcomes or None in outcomes:
                return
            if any(each is not None and _handed_over(each) for each in outcomes):
                yield sent[at - 2 : end + 2]
            at, recipients = end + len(END), 0
        elif verb == b"RCPT" and reply.code == 250:
            recipients += 1
        elif reply.code == 250 and verb in (b"RSET", b"EHLO", b"HELO", b"LHLO", b"MAIL"):
            recipients = 0


def _handed_over(reply: Answer) -> bool:
    return reply.code == 250 or REFUSED_BY_HOOK.text.encode() in reply.text
