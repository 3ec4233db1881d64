"""The digest of one staff person: what waits, and what was not sent to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rules.mail.extent import whole_words
from rules.sentence import Sentence, sentence
from rules.ticket.personal_digest import LISTED, PersonalDigest, WaitingTicket

LONGEST_SUBJECT = 100
PAUSE = timedelta(hours=1)
"""Between two digests to somebody who prefers them."""


def lines(digest: PersonalDigest) -> tuple[Sentence, ...]:
    """One line for each that waits."""
    return tuple(_lines(digest)) or (sentence("Nothing waits for you."),)


def has_news(digest: PersonalDigest) -> bool:
    """Whether it is worth a mail that nobody asked for."""
    return bool(digest.changed or digest.withheld or digest.received or digest.taken)


def _lines(digest: PersonalDigest) -> Iterator[Sentence]:
    for each in digest.received[:LISTED]:
        yield sentence("Assigned to you: #{ticket} {subject}, {status}", **_values(each))
    yield from _more(digest.received)
    for each in digest.taken[:LISTED]:
        yield sentence("No longer assigned to you: #{ticket} {subject}, {status}", **_values(each))
    yield from _more(digest.taken)
    for each in digest.assigned[:LISTED]:
        if each.due_at is None:
            yield sentence("Yours: #{ticket} {subject}, {status}", **_values(each))
        else:
            yield sentence(
                "Yours: #{ticket} {subject}, {status}, answer due {due} UTC",
                **_values(each),
                due=_time(each.due_at),
            )
    yield from _more(digest.assigned)
    for each in digest.unassigned[:LISTED]:
        yield sentence("Nobody's: #{ticket} {subject}, since {since} UTC", **_values(each))
    yield from _more(digest.unassigned)
    for each in digest.changed[:LISTED]:
        yield sentence("Changed: #{ticket} {subject}, {status}", **_values(each))
    yield from _more(digest.changed)
    for ticket, number in digest.withheld[:LISTED]:
        yield sentence(
            "Not sent to you about #{ticket}, since you were sent enough: {number} mails",
            ticket=ticket,
            number=number,
        )
    if digest.flagged:
        yield sentence("Comments and drafts that wait for staff: {number}", number=digest.flagged)


def _values(ticket: WaitingTicket) -> dict[str, object]:
    return {
        "ticket": ticket.number,
        "subject": whole_words(ticket.subject, LONGEST_SUBJECT),
        "status": ticket.status,
        "since": _time(ticket.since),
    }


def _more(tickets: Sequence[WaitingTicket]) -> tuple[Sentence, ...]:
    more = sentence("… and more, which `postern tickets` and the API list")
    return (more,) if len(tickets) > LISTED else ()


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
