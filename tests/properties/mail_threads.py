"""Threads as mail clients build them: the REFERENCES algorithm of RFC 5256 §3."""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.policy import default
from email.utils import parsedate_to_datetime

_ID = re.compile(r"<[^<>\s]+>")
_BLOB = r"\[[^\[\]]*\]\s*"
_LEADER = re.compile(rf"(?:(?:{_BLOB})*(?:re|fwd?)\s*(?:{_BLOB})?:|\s)", re.IGNORECASE)
_FORWARDED = re.compile(r"\[fwd:(.*)\]", re.IGNORECASE | re.DOTALL)
_TRAILER = re.compile(r"(?:\(fwd\)|\s)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class ThreadedMail:
    """The parts of a mail that the algorithm reads."""

    message_id: str
    references: tuple[str, ...]
    """The ids in References; without that field, the first id in In-Reply-To."""
    subject: str
    sent_at: datetime


@dataclass(eq=False)
class Thread:
    """A mail and its answers. `mail` is None where only its Message-ID is known."""

    mail: ThreadedMail | None = None
    parent: Thread | None = None
    children: list[Thread] = field(default_factory=list)

    def mails(self) -> Iterator[ThreadedMail]:
        """The mails of the thread, the root first."""
        if self.mail is not None:
            yield self.mail
        for child in self.children:
            yield from child.mails()

    @property
    def first_mail(self) -> ThreadedMail:
        """The mail whose subject and date represent the thread: its own or its first child's."""
        return self.mail or self.children[0].first_mail

    def adopt(self, child: Thread) -> None:
        child.detach()
        child.parent = self
        self.children.append(child)

    def detach(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None

    def contains(self, other: Thread) -> bool:
        return other is self or any(child.contains(other) for child in self.children)


def read(raw: bytes) -> ThreadedMail:
    """The threading data of a mail. RFC 5256 §2.2: a mail without a Date sorts first."""
    mail: Message = email.message_from_bytes(raw, policy=default)
    references = _ID.findall(str(mail.get("References", "")))
    date = mail.get("Date")
    return ThreadedMail(
        next(iter(_ID.findall(str(mail.get("Message-ID", "")))), ""),
        tuple(references or _ID.findall(str(mail.get("In-Reply-To", "")))[:1]),
        str(mail.get("Subject", "")),
        parsedate_to_datetime(str(date)) if date else datetime(1970, 1, 1, tzinfo=UTC),
    )


def base_subject(subject: str) -> tuple[str, bool]:
    """The subject without reply and forward prefixes, and whether it had any (§2.1)."""
    bare, marked = " ".join(subject.split()), False
    while True:
        before = bare
        while found := _TRAILER.search(bare):
            marked = marked or bool(found[0].strip())
            bare = bare[: found.start()]
        while True:
            if found := _LEADER.match(bare):
                marked = marked or bool(found[0].strip())
                bare = bare[found.end() :]
            elif (blob := re.match(_BLOB, bare)) and bare[blob.end() :]:
                bare = bare[blob.end() :]
            else:
                break
        if found := _FORWARDED.fullmatch(bare):
            bare, marked = found[1], True
        if bare == before:
            return bare, marked


def threads(mails: Iterable[ThreadedMail], *, by_subject: bool = True) -> list[Thread]:
    """All threads, the oldest first (§3, steps 1 to 6).

    Without `by_subject` step 5 is skipped, as most clients do, and only references count.
    """
    table: dict[str, Thread] = {}
    for number, mail in enumerate(mails):
        _link(mail, table, number)
    roots = [each for each in table.values() if each.parent is None]
    roots = [kept for root in roots for kept in _pruned(root, is_root=True)]
    roots.sort(key=lambda root: root.first_mail.sent_at)
    found = _merged_by_subject(roots) if by_subject else roots
    for root in found:
        _sort(root)
    return sorted(found, key=lambda root: root.first_mail.sent_at)


def _link(mail: ThreadedMail, table: dict[str, Thread], number: int) -> None:
    """Step 1: link the ids of its References with each other, and the mail to the last."""
    key = mail.message_id
    if not key or (key in table and table[key].mail is not None):
        key = f"mail {number} without a unique id"
    own = table.setdefault(key, Thread())
    own.mail = mail
    parent: Thread | None = None
    for one in mail.references:
        here = table.setdefault(one, Thread())
        if parent is not None and here.parent is None and not here.contains(parent):
            parent.adopt(here)
        parent = here
    if parent is not None and own.contains(parent):
        parent = None
    own.detach()
    if parent is not None:
        parent.adopt(own)


def _pruned(thread: Thread, *, is_root: bool = False) -> Sequence[Thread]:
    """Step 3: remove empty nodes; their children move up, unless that made several roots."""
    children = [kept for child in list(thread.children) for kept in _pruned(child)]
    for child in list(thread.children):
        child.detach()
    if thread.mail is None and (not is_root or len(children) <= 1):
        for child in children:
            child.detach()
        return children
    for child in children:
        thread.adopt(child)
    return [thread]


def _merged_by_subject(roots: Sequence[Thread]) -> list[Thread]:
    """Step 5: merge roots with the same subject."""
    table: dict[str, Thread] = {}
    for root in roots:
        subject, marked = base_subject(root.first_mail.subject)
        existing = table.get(subject) if subject else None
        if subject and (
            existing is None
            or (existing.mail is not None and root.mail is None)
            or (base_subject(existing.first_mail.subject)[1] and not marked)
        ):
            table[subject] = root
    kept: list[Thread] = []
    for root in roots:
        subject, marked = base_subject(root.first_mail.subject)
        existing = table.get(subject, root)
        if existing is root:
            kept.append(root)
        elif existing.mail is None and root.mail is None:
            for child in list(root.children):
                existing.adopt(child)
        elif existing.mail is None or (marked and not base_subject(existing.first_mail.subject)[1]):
            existing.adopt(root)
        else:
            both = Thread()
            kept[kept.index(existing) : kept.index(existing) + 1] = (
                [both] if existing in kept else []
            )
            both.adopt(existing)
            both.adopt(root)
            table[subject] = both
    return [root for root in kept if root.parent is None]


def _sort(thread: Thread) -> None:
    """Step 6: sort the children of each node by date."""
    for child in thread.children:
        _sort(child)
    thread.children.sort(key=lambda child: child.first_mail.sent_at)
