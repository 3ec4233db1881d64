"""Where a mail claims a severity: in its subject, its first lines, or its header."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rules.mail.header import Header
from rules.mail.patterns import compiled
from rules.ticket.severity import Claim, Level

CLAIM_LINES = 5
"""A claim may be in the subject or in this many lines at the start of the text."""
CLAIM_LINE_LENGTH = 400

_LABELLED = re.compile(r"^\s*(?:severity|priority|prio|sev)\s*[:=]\s*(.{1,40}?)\s*$", re.IGNORECASE)
_BRACKETED = re.compile(r"\[([^\[\]]{1,40})\]")


@dataclass(frozen=True, slots=True)
class ClaimPattern:
    """A wording of the policy by which a mail claims a level."""

    pattern: re.Pattern[str]
    level: str


def claim_pattern(pattern: str, level: str) -> ClaimPattern:
    """Raises ValueError for an invalid or slow pattern: see `rules.mail.patterns`."""
    return ClaimPattern(compiled(pattern), level)


def claimed(
    levels: Iterable[Level],
    subject: str,
    text: str,
    header: Header,
    high_importance: str | None,
    patterns: Iterable[ClaimPattern] = (),
) -> Claim | None:
    """The most severe claim in subject, first lines and headers; None where nothing is claimed."""
    by_name = {level.name: level for level in levels}
    lines = list(_lines(subject, text))
    claims = [
        (level, where)
        for where, name in _candidates(lines)
        for level in by_name.values()
        if level.has_name(name)
    ]
    claims += [
        (by_name[each.level], where)
        for each in patterns
        for where, line in lines
        if each.pattern.search(line)
    ]
    if high_importance is not None and _marked_important(header):
        claims.append((by_name[high_importance], "importance header"))
    if not claims:
        return None
    level, where = max(claims, key=lambda claim: claim[0].rank)
    return Claim(level.name, level.critical, where)


def _lines(subject: str, text: str) -> Iterable[tuple[str, str]]:
    """Where a claim may be: the subject and the first lines, each cut to its maximum length."""
    yield "subject", subject[:CLAIM_LINE_LENGTH]
    for line in text.split("\n", CLAIM_LINES)[:CLAIM_LINES]:
        yield "text", line[:CLAIM_LINE_LENGTH]


def _candidates(lines: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Text that may name a level: in brackets in the subject, or after a label."""
    for where, line in lines:
        if where == "subject":
            for name in _BRACKETED.findall(line):
                yield where, name
        if label := _LABELLED.match(line):
            yield where, label[1]


def _marked_important(header: Header) -> bool:
    priority = header.get("x-priority").strip()[:1]
    return priority in ("1", "2") or header.get("importance").strip().lower() == "high"
