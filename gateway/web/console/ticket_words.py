"""What a ticket is and what happened to it, in words: English, which is the key of the
translation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from gateway.outgoing.sentences import word
from gateway.web.console.verdicts import OF_REASON
from gateway.web.console.words import Say
from rules.people import ParticipantKind, Presence
from rules.ticket import audit
from rules.ticket.audit import AuditEvent
from rules.ticket.business_time import Span, Unit, parse_span
from rules.ticket.changes import Source
from storage.ticket.views import AuditView

PARTS: Mapping[ParticipantKind, str] = MappingProxyType(
    {
        ParticipantKind.REQUESTER: "Requester",
        ParticipantKind.USER: "Participant",
        ParticipantKind.GUEST: "Guest",
        ParticipantKind.FOLLOWER: "Staff, follows",
    }
)

PRESENCES: Mapping[Presence, str] = MappingProxyType(
    {
        Presence.ACTIVE: "on the ticket",
        Presence.PENDING: "waits for approval",
        Presence.REMOVED: "removed or declined",
    }
)

SOURCES: Mapping[Source, str] = MappingProxyType(
    {
        Source.MAIL: "by mail",
        Source.STAFF_MAIL: "by mail",
        Source.CONSOLE: "on the console",
        Source.API: "over the API",
        Source.WEB: "by a link",
        Source.SYSTEM: "by the clock",
    }
)

SPANS: Mapping[Unit, tuple[str, str]] = MappingProxyType(
    {
        Unit.MINUTE: ("{number} minute", "{number} minutes"),
        Unit.HOUR: ("{number} hour", "{number} hours"),
        Unit.DAY: ("{number} day", "{number} days"),
        Unit.WEEK: ("{number} week", "{number} weeks"),
        Unit.BUSINESS_MINUTE: ("{number} business minute", "{number} business minutes"),
        Unit.BUSINESS_HOUR: ("{number} business hour", "{number} business hours"),
        Unit.BUSINESS_DAY: ("{number} business day", "{number} business days"),
    }
)
"""For one, and for several."""

KEYS = frozenset(
    (
        *PARTS.values(),
        *PRESENCES.values(),
        *SOURCES.values(),
        *(form for forms in SPANS.values() for form in forms),
        *audit.TEXTS.values(),
        audit.TEXTS[AuditEvent.ESCALATED] + audit.NOTIFIED,
        audit.NOBODY,
        audit.NOTHING,
    )
)


def span_words(span: Span, say: Say) -> str:
    one, several = SPANS[span.unit]
    return say(one if span.value == 1 else several, number=span.value)


def written_span_words(written: str, say: Say) -> str:
    """A span as a policy or a contract has it."""
    return span_words(parse_span(written), say)


def status_words(status: str, language: str) -> str:
    return word(status, "status", language)


def presence_words(presence: str, say: Say) -> str:
    found = next((text for each, text in PRESENCES.items() if each == presence), presence)
    return say(found)


def event_words(entry: AuditView, language: str, say: Say) -> str:
    """What happened, as a sentence in the reader's language."""

    def value(name: str, stored: str) -> str:
        if stored in (audit.NOBODY, audit.NOTHING):
            return say(stored)
        match entry.event:
            case _ if name == "subject":
                return stored
            case AuditEvent.STATUS_CHANGED:
                return status_words(stored, language)
            case AuditEvent.PERSON_ADDED | AuditEvent.PRESENCE_CHANGED:
                return presence_words(stored, say)
            case AuditEvent.RELEASED:
                return say(OF_REASON.get(stored, stored))
            case _:
                return stored

    text = entry.text
    return say(text.english, **{name: value(name, stored) for name, stored in text.values})


def source_words(source: str, say: Say) -> str:
    found = next((text for each, text in SOURCES.items() if each == source), source)
    return say(found)


def day_and_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
