"""The digest of one staff person: what waits, and what was not sent to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rules.mail.extent import whole_words
from rules.sentence import Sentence, sentence
from rules.ticket.personal_digest import COUNTED, LISTED, PersonalDigest, WaitingTicket

LONGEST_SUBJECT = 100
PAUSE = timedelta(hours=1)
"""Between two digests to somebody who prefers them."""


def lines(digest: PersonalDigest, *, again: bool = False) -> tuple[Sentence, ...]:
    """One line for each that waits. With `again`, the digest before could not be delivered: this
    one has no words of others."""
    listed = tuple(_lines(_without_subjects(digest) if again else digest))
    return ((_AGAIN,) if again else ()) + (listed or (sentence("Nothing waits for you."),))


_AGAIN = sentence(
    "The digest before could not be delivered. What has changed since the one before that is "
    "listed without subjects, since a filter may have refused them."
)


def _without_subjects(digest: PersonalDigest) -> PersonalDigest:
    def unnamed(tickets: Sequence[WaitingTicket]) -> tuple[WaitingTicket, ...]:
        return tuple(replace(each, subject="…") for each in tickets)

    return replace(
        digest,
        assigned=unnamed(digest.assigned),
        unassigned=unnamed(digest.unassigned),
        changed=unnamed(digest.changed),
        received=unnamed(digest.received),
        taken=unnamed(digest.taken),
    )


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
    yield from _more(digest.withheld)
    if digest.flagged:
        yield sentence("Comments and drafts that wait for staff: {number}", number=digest.flagged)


def _values(ticket: WaitingTicket) -> dict[str, object]:
    return {
        "ticket": ticket.number,
        "subject": whole_words(ticket.subject, LONGEST_SUBJECT),
        "status": ticket.status,
        "since": _time(ticket.since),
    }


def _more(tickets: Sequence[object]) -> tuple[Sentence, ...]:
    """How many tickets of a list are not shown."""
    if len(tickets) <= LISTED:
        return ()
    if len(tickets) > COUNTED:
        several = sentence(
            "… and more than {number} others, which `postern tickets` and the API list",
            number=COUNTED - LISTED,
        )
        return (several,)
    more = sentence(
        "… and {number} more, which `postern tickets` and the API list",
        number=len(tickets) - LISTED,
    )
    return (more,)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
