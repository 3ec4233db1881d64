"""DMARC (RFC 9989): the policy of the author's domain, and alignment of domains with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.authentication.dns import (
    Absent,
    Answer,
    Lookups,
    Temporary,
    TextRecords,
    UnusableAnswer,
)
from gateway.authentication.suffixes import may_be_one_organisation
from rules.sender.authentication import DmarcPolicy

MAX_LABELS = 8
"""The tree walk queries at most eight names (RFC 9989 §4.10)."""
MAX_PASSED = 5
"""So many of the domains that passed for a relay or sealer are examined."""

Tags = Mapping[str, str]
Mode = Literal["relaxed", "strict"]

_RECORD = re.compile(rb"[ \t]*v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_WEAKER: Mapping[DmarcPolicy, DmarcPolicy] = {
    "reject": "quarantine",
    "quarantine": "none",
    "none": "none",
}


@dataclass(frozen=True, slots=True)
class Walk:
    """The DMARC records from a domain up to its top-level domain."""

    domain: str
    records: Mapping[str, Tags]
    organisation: str
    """The organisational domain (RFC 9989 §4.10.2); the domain itself if no record was found."""
    suffix: str
    """The public suffix (`psd=y` in its record) that ended the walk; empty if none did."""
    unanswered: Temporary | None
    """A look-up that failed, in which case the organisation is unknown."""
    unread: bool = False
    """A record could not be read, and may have been one with `psd=`: an answer too large, or more
    look-ups than a mail has."""


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """The DMARC policy of the author's domain."""

    walk: Walk
    published: bool = False
    """Whether a record applies to the domain at all."""
    action: DmarcPolicy = "none"
    """For a failing mail: `p`, `sp` or `np`, one step weaker under `t=y`."""
    dkim: Mode = "relaxed"
    spf: Mode = "relaxed"


def could_align(domain: str, author_domain: str) -> bool:
    """Whether any DNS content could make them aligned: see `may_be_one_organisation`."""
    return may_be_one_organisation(domain, author_domain)


def may_be_aligned(domain: str, policy: DmarcRecord, mode: Mode) -> bool | Temporary:
    """Whether the records of the author's domain and of those above it leave it open, or how the
    DNS failed. If not, no name of the other domain is asked: its owner, a neighbour under a shared
    parent, would see that by their own name servers, and learn that the author's domain is
    registered here."""
    author = policy.walk
    if domain == author.domain:
        return True
    if mode == "strict" or not could_align(domain, author.domain):
        return False
    if author.unanswered:
        return author.unanswered
    if author.records.get(author.domain, {}).get("psd") == "y":
        return False  # the names below it belong to others: none of them is of its organisation
    if author.unread:
        return False
    return domain == author.organisation or domain.endswith(f".{author.organisation}")


async def aligned(
    domain: str, policy: DmarcRecord, mode: Mode, lookups: Lookups
) -> bool | Temporary:
    """Identifier alignment (RFC 9989 §4.4), or how the DNS failed.

    Stricter than the RFC in one point: the organisational domain that the tree walk finds counts
    only where the public suffix list agrees. A shared parent domain may have a DMARC record without
    `psd=y`, and all its customers would be one organisation.
    """
    author = policy.walk
    if domain == author.domain:
        return True
    is_open = may_be_aligned(domain, policy, mode)
    if is_open is not True:
        return is_open
    other = await walk(domain, lookups)
    # Who sends chooses how many look-ups their SPF record takes.
    same = other.organisation == author.organisation and not other.unread
    return other.unanswered or same


async def are_apart(
    passed: Collection[str], author_domain: str, lookups: Lookups
) -> bool | Temporary:
    """Whether a record declares (`psd=`) that none of the domains by which somebody else saw DMARC
    pass is of the author's organisation, or how the DNS failed. Where nothing is declared, their
    word stands: verifiers that follow RFC 7489 find the organisation by a list of suffixes, and
    read no `psd=`. A failure defers the mail no matter who chose the name: it is no stranger's, and
    its owner could write as the author already, if they declared nothing."""
    if not passed or author_domain in passed:
        return False
    author = DmarcRecord(await walk(author_domain, lookups))
    unknown: Temporary | None = None
    for domain in sorted(passed)[:MAX_PASSED]:
        is_open = may_be_aligned(domain, author, "relaxed")
        if is_open is True:
            is_open = await aligned(domain, author, "relaxed", lookups)
        elif is_open is False and not declares_suffix(author.walk):
            return False
        if is_open is True:
            lookups.prove(record_names(domain))
            return False
        unknown = is_open or unknown
    return True if unknown is None else unknown.deferring()


def declares_suffix(walk: Walk) -> bool:
    """Whether a record says where an organisation ends."""
    return any(record.get("psd") in ("y", "n") for record in walk.records.values())


async def find_policy(author_domain: str, lookups: Lookups) -> DmarcRecord:
    """The policy that applies (RFC 9989 §4.10.1): the domain's own, else the organisation's, else
    the public suffix's."""
    author_walk = await walk(author_domain, lookups)
    if author_walk.unanswered and author_domain not in author_walk.records:
        # One of a parent in between may not be the one that applies.
        return DmarcRecord(author_walk)
    candidates = (author_walk.domain, author_walk.organisation, author_walk.suffix)
    record_domain = next((each for each in candidates if each in author_walk.records), None)
    if record_domain is None:
        return DmarcRecord(author_walk)
    record = author_walk.records[record_domain]
    action_text = record.get("p", "none")
    if record_domain != author_domain:
        action_text = record.get("sp", action_text)
        if "np" in record and isinstance(await lookups.ask(author_domain, "A"), Absent):
            action_text = record["np"]
    action = _read_action(action_text)
    if record.get("t") == "y":
        action = _WEAKER[action]
    return DmarcRecord(
        author_walk,
        published=True,
        action=action,
        dkim=_read_mode(record.get("adkim")),
        spf=_read_mode(record.get("aspf")),
    )


async def walk(domain: str, lookups: Lookups) -> Walk:
    """The tree walk (RFC 9989 §4.10); all names are queried at once."""
    names = walk_names(domain)
    answers = await asyncio.gather(*(lookups.ask(each, "TXT") for each in record_names(domain)))
    records: dict[str, Tags] = {}
    unanswered: Temporary | None = None
    unread = False
    suffix = ""
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Temporary):
            unanswered = answer
            break
        unread |= isinstance(answer, UnusableAnswer)
        record = read_record(answer)
        if record is None:
            continue
        records[name] = record
        psd = record.get("psd")
        if psd == "n":
            break
        if psd == "y" and name != domain:
            suffix = name
            break
    found = organisation(domain, records, suffix)
    return Walk(domain, records, found, suffix, unanswered, unread)


def walk_names(domain: str) -> list[str]:
    """The domain, then its parents: for a name of more than eight labels, only the last seven
    labels and their parents."""
    labels = domain.split(".")
    rest = labels[1:][-(MAX_LABELS - 1) :]
    return [domain, *(".".join(rest[start:]) for start in range(len(rest)))]


def record_names(domain: str) -> list[str]:
    """The names of the tree walk in the DNS."""
    return [f"_dmarc.{name}" for name in walk_names(domain)]


def organisation(domain: str, records: Mapping[str, Tags], suffix: str) -> str:
    """The organisational domain (RFC 9989 §4.10.2), given the records in the order of the walk.

    Stricter than the RFC in one point: a top-level domain is a public suffix even without `psd=y`;
    otherwise all names below it would be one organisation.
    """
    for name, record in records.items():
        if record.get("psd") == "n":
            return name
    top = suffix or min(records, key=lambda name: name.count("."), default=domain)
    if top != domain and (suffix or "." not in top):
        labels = domain.split(".")
        return ".".join(labels[-(top.count(".") + 2) :])
    return top


def read_record(answer: Answer) -> Tags | None:
    """The only DMARC record of an answer; None for none or several (RFC 9989 §4.10)."""
    if not isinstance(answer, TextRecords):
        return None
    records = [text for text in answer.texts if _RECORD.match(text)]
    if len(records) != 1:
        return None
    tags: dict[str, str] = {}
    for part in records[0].decode("ascii", "replace").split(";"):
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip().lower())
    return tags


def _read_action(text: str) -> DmarcPolicy:
    """The policy; any other value means `none` (RFC 9989 §4.7)."""
    match text:
        case "reject":
            return "reject"
        case "quarantine":
            return "quarantine"
        case _:
            return "none"


def _read_mode(text: str | None) -> Mode:
    return "strict" if text == "s" else "relaxed"
