"""What is left of a mail if a filter refuses what is in it: its reader is notified anyway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.outgoing.carried import Carried
from gateway.outgoing.carrier import NOTHING
from gateway.outgoing.delivery import Undelivered
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import REFUSED_WORDS, AlertPayload, EscalationPayload, SlaPayload
from storage.notices import more
from storage.notices.outbox import Notice

_WITHOUT_WORDS = frozenset(kind for kind in NoticeKind if kind.traits.calls_somebody) - {
    NoticeKind.DIGEST,
    NoticeKind.MY_DIGEST,
}
"""A digest that is refused is made again without words; what a customer is not sent, a digest
names."""


def versions(notice: Notice, carried: Carried) -> Iterator[tuple[Notice, Carried]]:
    """A notice with what goes with it; then with links to its files, and without words that it
    only quotes; then without the words of anybody."""
    yield notice, carried
    bare, links = more.without_the_last(notice), carried.as_links()
    if carried.contents or bare is not notice:
        yield bare, links
    if notice.kind in _WITHOUT_WORDS and notice.about is not None:
        yield _without_words(bare), NOTHING


def helps(notice: Notice, error: Undelivered) -> bool:
    """Whether a mail with less in it may be accepted where one was not: it was too large, or what
    is in it was refused. An urgent one is put off for it once at most."""
    permanent = error.permanent or (notice.kind.traits.urgent and notice.attempts > 1)
    return error.is_too_big or (error.of_content and permanent)


def _without_words(notice: Notice) -> Notice:
    """Without subject, texts, names of files, fields, and ids that somebody else has chosen."""
    about, comment, payload = notice.about, notice.comment, notice.payload
    if about is not None:
        about = replace(about, subject="", fields={}, opened_by="")
    if comment is not None:
        comment = replace(
            comment,
            name="",
            text=str(REFUSED_WORDS),
            subject="",
            degraded=False,
            attachments=(),
            files_left_out=0,
            files=(),
        )
    match payload:
        case EscalationPayload():
            notes = (*payload.notes, REFUSED_WORDS)
            payload = replace(payload, why="", history="", notes=notes)
        case SlaPayload():
            payload = replace(payload, notes=(*payload.notes, REFUSED_WORDS))
        case AlertPayload() if payload.sentences:
            payload = replace(payload, sentences=(*payload.sentences, REFUSED_WORDS))
        case _:
            pass
    return replace(notice, about=about, comment=comment, payload=payload, answers="")
