"""Threads as mail clients build them: the REFERENCES algorithm (RFC 5256 §3), small and exact."""

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
class Letter:
    """What the algorithm looks at in one mail."""

    message_id: str
    references: tuple[str, ...]
    """Of In-Reply-To at most the first, where there is no References field."""
    subject: str
    sent_at: datetime


@dataclass(eq=False)
class Thread:
    """A mail with what answers it; without one where only its name is known."""

    letter: Letter | None = None
    parent: Thread | None = None
    children: list[Thread] = field(default_factory=list)

    def letters(self) -> Iterator[Letter]:
        """This one and all below it."""
        if self.letter is not None:
            yield self.letter
        for child in self.children:
            yield from child.letters()

    @property
    def first(self) -> Letter:
        """Whose subject and date stand for the whole: its own, or its first child's."""
        return self.letter or self.children[0].first

    def adopt(self, child: Thread) -> None:
        child.leave()
        child.parent = self
        self.children.append(child)

    def leave(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None

    def holds(self, other: Thread) -> bool:
        return other is self or any(child.holds(other) for child in self.children)


def read(raw: bytes) -> Letter:
    """A mail's part in its thread. RFC 5256 §2.2: a mail without a Date is the oldest."""
    mail: Message = email.message_from_bytes(raw, policy=default)
    references = _ID.findall(str(mail.get("References", "")))
    date = mail.get("Date")
    return Letter(
        next(iter(_ID.findall(str(mail.get("Message-ID", "")))), ""),
        tuple(references or _ID.findall(str(mail.get("In-Reply-To", "")))[:1]),
        str(mail.get("Subject", "")),
        parsedate_to_datetime(str(date)) if date else datetime(1970, 1, 1, tzinfo=UTC),
    )


def base_subject(subject: str) -> tuple[str, bool]:
    """The subject without the marks of answers and forwards, and whether it had any (§2.1)."""
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


def threads(letters: Iterable[Letter], *, by_subject: bool = True) -> list[Thread]:
    """All threads, the oldest first (§3, steps 1 to 6).

    Without `by_subject` step 5 is left out, as most clients do: only references tell.
    """
    table: dict[str, Thread] = {}
    for number, letter in enumerate(letters):
        _place(letter, table, number)
    roots = [each for each in table.values() if each.parent is None]
    roots = [kept for root in roots for kept in _pruned(root, is_root=True)]
    roots.sort(key=lambda root: root.first.sent_at)
    found = _gathered(roots) if by_subject else roots
    for root in found:
        _sort(root)
    return sorted(found, key=lambda root: root.first.sent_at)


def _place(letter: Letter, table: dict[str, Thread], number: int) -> None:
    """Step 1: link the ids of its References with each other, and the mail to the last."""
    key = letter.message_id
    if not key or (key in table and table[key].letter is not None):
        key = f"{number} has no id of its own"
    own = table.setdefault(key, Thread())
    own.letter = letter
    above: Thread | None = None
    for one in letter.references:
        here = table.setdefault(one, Thread())
        if above is not None and here.parent is None and not here.holds(above):
            above.adopt(here)
        above = here
    if above is not None and own.holds(above):
        above = None
    own.leave()
    if above is not None:
        above.adopt(own)


def _pruned(thread: Thread, *, is_root: bool = False) -> Sequence[Thread]:
    """Step 3: names without a mail go; their children take their place, but not several roots."""
    children = [kept for child in list(thread.children) for kept in _pruned(child)]
    for child in list(thread.children):
        child.leave()
    if thread.letter is None and (not is_root or len(children) <= 1):
        for child in children:
            child.leave()
        return children
    for child in children:
        thread.adopt(child)
    return [thread]


def _gathered(roots: Sequence[Thread]) -> list[Thread]:
    """Step 5: roots of the same subject become one."""
    table: dict[str, Thread] = {}
    for root in roots:
        subject, marked = base_subject(root.first.subject)
        there = table.get(subject) if subject else None
        if subject and (
            there is None
            or (there.letter is not None and root.letter is None)
            or (base_subject(there.first.subject)[1] and not marked)
        ):
            table[subject] = root
    left: list[Thread] = []
    for root in roots:
        subject, marked = base_subject(root.first.subject)
        there = table.get(subject, root)
        if there is root:
            left.append(root)
        elif there.letter is None and root.letter is None:
            for child in list(root.children):
                there.adopt(child)
        elif there.letter is None or (marked and not base_subject(there.first.subject)[1]):
            there.adopt(root)
        else:
            both = Thread()
            left[left.index(there) : left.index(there) + 1] = [both] if there in left else []
            both.adopt(there)
            both.adopt(root)
            table[subject] = both
    return [root for root in left if root.parent is None]


def _sort(thread: Thread) -> None:
    """Step 6: the children of each by the date of the first."""
    for child in thread.children:
        _sort(child)
    thread.children.sort(key=lambda child: child.first.sent_at)
