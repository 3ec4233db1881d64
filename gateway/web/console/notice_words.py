"""The kinds of outgoing mail, and of which tickets staff are notified, in words: English, which is
the key of the translation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.web.console.words import Say
from rules.people import StaffNotices
from rules.ticket.notices import NoticeKind

KINDS = frozenset(each.replace("_", " ") for each in NoticeKind)

PREFERENCES: Mapping[StaffNotices, str] = MappingProxyType(
    {
        StaffNotices.ALL: "all tickets",
        StaffNotices.MINE: "tickets that are assigned to them or that they follow",
        StaffNotices.DIGEST: "what waits and what changed, in one mail an hour",
    }
)

KEYS = KINDS.union(PREFERENCES.values())


def kind_words(kind: str, say: Say) -> str:
    return say(kind.replace("_", " "))


def preference_words(notices: str, say: Say) -> str:
    return say(next((text for each, text in PREFERENCES.items() if each == notices), notices))
