"""The tickets that a mail points to, and how strongly: tokens, Message-IDs, subject tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rules.mail import Envelope, Mail, Mailbox
from rules.mail.addresses import normalise, without_detail
from rules.mail.automatic import LOOP_FIELD
from rules.mail.subjects import is_reply, unmarked_subject
from rules.sender.tokens import (
    Keys,
    ReplyToken,
    is_loop_mark,
    looks_like_reply_token,
    read_message_id,
    read_reply_token,
    read_return_path,
)

EXAMINED_IDS = 50
"""The number of ids of a References header that are examined, the nearest first."""
EXAMINED_TAGS = 10
"""The number of subject tags that are looked up, from the beginning."""


class PointerKind(StrEnum):
    """The kinds of pointers, strongest first."""

    STATED = "stated"
    """Staff release the mail onto this ticket, whatever it points to itself."""
    REPLY_TOKEN = "reply_token"
    OUR_MESSAGE_ID = "our_message_id"
    KNOWN_MESSAGE_ID = "known_message_id"
    LATE_PARENT = "late_parent"
    """A mail of a ticket referred to this one, or its ancestor, before this one arrived."""
    SUBJECT_TAG = "subject_tag"


@dataclass(frozen=True, slots=True)
class Pointer:
    kind: PointerKind
    ticket: int | None = None
    """None for a Message-ID that is not ours: the facts show whether we received that mail."""
    token: ReplyToken | None = None
    message_id: str = ""
    made_at: datetime | None = None
    """For a Message-ID of ours: when its notice was created."""
    beside: str | None = None
    """For a subject tag: what the subject says besides, without marks of replies and forwards; None
    if the mail is written as a reply and names no other mail, so that nothing but the tag shows
    what it replies to."""


def find_pointers(
    mail: Mail, envelope: Envelope, mailbox: Mailbox, keys: Keys, tag_format: str
) -> tuple[Pointer, ...]:
    """Every pointer in the mail, strongest first. A token with an invalid MAC is not a pointer."""
    return (
        *_reply_tokens(envelope, mailbox, keys),
        *_message_ids(mail, mailbox, keys),
        *_late_parents(mail),
        *_tags_of(mail, tag_format),
    )


def answers_something(mail: Mail, envelope: Envelope, tag_formats: Iterable[str]) -> bool:
    """Whether it has the form of an answer to some ticket; the ticket is not looked up."""
    return (
        bool(thread_ids(mail))
        or any(
            looks_like_reply_token(without_detail(r)[1])
            for r in (*envelope.rcpt_tos, *mail.to, *mail.cc)
        )
        or any(True for written in tag_formats for _ in _subject_tags(mail.subject, written))
    )


def returned_notice(envelope: Envelope, mailbox: Mailbox, keys: Keys) -> UUID | None:
    """The notice whose return path is a recipient of the mail; None for any other mail."""
    for recipient in envelope.rcpt_tos:
        _, detail = without_detail(recipient)
        notice = read_return_path(keys, mailbox.id, detail.lower()) if detail else None
        if notice is not None:
            return notice
    return None


def is_looped(mail: Mail, keys: Keys) -> bool:
    """Whether it has our loop mark: a mail of ours was sent back to us."""
    return is_loop_mark(keys, mail.header.get(LOOP_FIELD)[:200])


def thread_ids(mail: Mail) -> tuple[str, ...]:
    """In-Reply-To, then References from last to first, so that the nearest ancestor is first."""
    return tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))[:EXAMINED_IDS]


def _reply_tokens(envelope: Envelope, mailbox: Mailbox, keys: Keys) -> Iterator[Pointer]:
    for recipient in envelope.rcpt_tos:
        base, detail = without_detail(recipient)
        if detail and normalise(base) == mailbox.address:
            token = read_reply_token(keys, mailbox.id, detail.lower())
            if token is not None:
                yield Pointer(PointerKind.REPLY_TOKEN, token.ticket, token)


def _message_ids(mail: Mail, mailbox: Mailbox, keys: Keys) -> Iterator[Pointer]:
    ids = thread_ids(mail)
    ours = {i: read_message_id(keys, mailbox.id, i) for i in ids}
    for message_id, our in ours.items():
        if our is not None:
            yield Pointer(
                PointerKind.OUR_MESSAGE_ID, our.ticket, message_id=message_id, made_at=our.made_at
            )
    for message_id, our in ours.items():
        if our is None:
            yield Pointer(PointerKind.KNOWN_MESSAGE_ID, message_id=message_id)


def _late_parents(mail: Mail) -> Iterator[Pointer]:
    """Ids by which an earlier mail may have referred to this one or its ancestors."""
    for message_id in dict.fromkeys((mail.message_id, *thread_ids(mail))):
        if message_id:
            yield Pointer(PointerKind.LATE_PARENT, message_id=message_id)


def _tags_of(mail: Mail, tag_format: str) -> Iterator[Pointer]:
    """The tags of a mail with what its subject says besides: other desks have tags like ours."""
    replies = is_reply(mail.subject, tag_format) and not thread_ids(mail)
    beside = None if replies else unmarked_subject(mail.subject, tag_format)
    return (replace(tag, beside=beside) for tag in _subject_tags(mail.subject, tag_format))


def _subject_tags(subject: str, tag_format: str) -> Iterator[Pointer]:
    before, _, after = tag_format.partition("{n}")
    pattern = re.escape(before) + r"(\d{1,12})" + re.escape(after)
    for number in list(dict.fromkeys(re.findall(pattern, subject)))[:EXAMINED_TAGS]:
        yield Pointer(PointerKind.SUBJECT_TAG, int(number))
