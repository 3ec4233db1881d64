"""A mail that calls somebody can be written without the words of anybody, whatever its kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.outgoing import with_less
from gateway.outgoing.carrier import NOTHING
from gateway.outgoing.delivery import Undelivered
from rules.ticket.notices import Audience, NoticeKind
from rules.ticket.payloads import EscalationPayload
from tests.gateway.outgoing.notices import COMPOSER, a_comment, a_notice, about
from tests.rules.building import default_policy

KNOWN = "every-filter-knows-this"
TO_CUSTOMERS = {kind for kind in NoticeKind if kind.traits.audience is Audience.CUSTOMER} | {
    NoticeKind.RECEIPT,
    NoticeKind.KEPT,
}
"""What they are not sent, a digest names to staff."""
MADE_AGAIN = {NoticeKind.DIGEST, NoticeKind.MY_DIGEST}
"""Ordered again without words, once they are refused."""
OF_NO_TICKET = {NoticeKind.CONSOLE_LOGIN, NoticeKind.EMPTY_DESK}
CALLS_SOMEBODY = (set(NoticeKind) - TO_CUSTOMERS - MADE_AGAIN - OF_NO_TICKET) | {
    NoticeKind.CRITICAL_CHANNEL
}


@pytest.mark.parametrize("kind", sorted(CALLS_SOMEBODY))
def test_every_mail_that_calls_somebody_can_be_written_without_anybodys_words(
    kind: NoticeKind,
) -> None:
    notice = a_notice(
        kind, about=about(subject=KNOWN, fields={"asset": KNOWN}, opened_by=f"<{KNOWN}@x.example>")
    )
    notice = replace(notice, answers=f"<{KNOWN}@x.example>", comment=a_comment(KNOWN, name=KNOWN))
    if isinstance(notice.payload, EscalationPayload):
        notice = replace(notice, payload=replace(notice.payload, why=KNOWN, history=KNOWN))

    *_, (least, carried) = with_less.versions(notice, NOTHING)

    policy = default_policy()
    assert KNOWN not in COMPOSER.preview(least, policy).text
    assert KNOWN.encode() not in COMPOSER.write(least, policy, carried).raw


def test_an_urgent_mail_is_put_off_once_for_what_is_in_it() -> None:
    later = Undelivered("451 4.7.1 scanner", permanent=False, code=451, of_content=True)

    def helps(kind: NoticeKind, attempts: int) -> bool:
        return with_less.helps(replace(a_notice(kind), attempts=attempts), later)

    assert [helps(NoticeKind.ALERT, n) for n in (1, 2)] == [False, True]
    assert not helps(NoticeKind.NEW_COMMENT, 9)
