"""What the footer of a notice states of a reply."""

from __future__ import annotations

from rules.service.replying import Reader, ReplyEffect, reply_effect
from rules.ticket.notices import NoticeKind


def test_to_a_user_of_the_console_who_is_no_staff_nothing_is_promised_of_a_reply() -> None:
    operator, staff = Reader(has_ticket=False), Reader(has_ticket=False, is_registered=True)

    for kind in (NoticeKind.CONSOLE_LOGIN, NoticeKind.EMPTY_DESK):
        assert reply_effect(kind, operator) is ReplyEffect.NOT_STATED
    assert reply_effect(NoticeKind.CONSOLE_LOGIN, staff) is ReplyEffect.NEW_REQUEST
    assert reply_effect(NoticeKind.INVITATION, operator) is ReplyEffect.HELD
