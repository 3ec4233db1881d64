"""Who is notified when a ticket is assigned, by every door."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from rules.people import Role, StaffNotices
from rules.ticket.changes import Assign, Assignee, WriteComment
from rules.ticket.notice_payloads import Payload
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import AssignmentPayload
from rules.ticket.visibility import Visibility
from storage.notices import outbox
from storage.notices.outbox import Notice
from storage.registry.people import NewPerson, add_person, set_notices
from tests.rules.building import SAM, a_mail, policy_with
from tests.storage.shop import Shop, opened

TOM = "tom@help.example"


def with_tom(shop: Shop, notices: StaffNotices = StaffNotices.ALL) -> int:
    """A ticket of a mailbox at which Tom works besides Sam."""

    def job(c: Connection) -> None:
        add_person(c, shop.mailbox, NewPerson(TOM, "Tom", Role.STAFF, company=None))
        set_notices(c, shop.mailbox, TOM, notices)

    shop.write(job)
    return opened(shop.take(a_mail()))


def sent(shop: Shop, kind: NoticeKind) -> list[Notice]:
    claimed = shop.write(lambda c: outbox.claim(c, shop.context().now, 1000))
    return [each for each in claimed if each.kind is kind]


def assigned(shop: Shop) -> list[tuple[str, Payload]]:
    """To whom the mails about assignments go, and what they say."""
    return sorted((n.address, n.payload) for n in sent(shop, NoticeKind.ASSIGNMENT))


@pytest.mark.parametrize("notices", [StaffNotices.ALL, StaffNotices.MINE])
def test_a_colleague_who_is_assigned_by_a_command_is_notified(
    shop: Shop, notices: StaffNotices
) -> None:
    number = with_tom(shop, notices)

    shop.take(a_mail(SAM.address, text="#assign tom"), to=shop.token(number, SAM.address))

    assert assigned(shop) == [(TOM, AssignmentPayload("Tom", "Sam", yours=True))]


def test_the_words_that_come_with_a_command_are_in_the_same_mail(shop: Shop) -> None:
    number = with_tom(shop, StaffNotices.MINE)
    text = "#assign tom\n#note\nPlease look at the log."

    shop.take(a_mail(SAM.address, text=text), to=shop.token(number, SAM.address))

    (notice,) = sent(shop, NoticeKind.ASSIGNMENT)
    assert notice.comment is not None
    assert "Please look at the log." in notice.comment.text


def test_over_the_api_the_mail_about_the_assignment_has_the_comment_too(shop: Shop) -> None:
    number = with_tom(shop)
    by_account = replace(shop.context(), actor="console:root")

    note = WriteComment("Please look at the log.", Visibility.NOTE)
    shop.change(number, Assign(TOM), note, context=by_account)

    to_tom = [n for n in shop.notices(TOM) if n.kind != NoticeKind.NEW_TICKET]
    assert [n.kind for n in to_tom] == [NoticeKind.ASSIGNMENT]
    (notice,) = sent(shop, NoticeKind.ASSIGNMENT)
    assert notice.payload == AssignmentPayload("Tom", yours=True)
    assert notice.comment is not None
    assert notice.comment.text == "Please look at the log."


def test_nobody_is_notified_of_what_they_did_or_of_what_stays_as_it_is(shop: Shop) -> None:
    number = with_tom(shop)
    by_tom = replace(shop.context(), actor=TOM)

    shop.change(number, Assign(Assignee.ME), context=by_tom)
    shop.change(number, Assign(TOM))

    assert assigned(shop) == []


def test_the_one_before_is_notified_of_who_works_on_it_now(shop: Shop) -> None:
    number = with_tom(shop)
    shop.change(number, Assign(SAM.address), context=replace(shop.context(), actor=SAM.address))
    by_tom = replace(shop.context(), actor=TOM)

    shop.change(number, Assign(Assignee.ME), context=by_tom)

    assert assigned(shop) == [(SAM.address, AssignmentPayload("Tom", "Tom"))]


def test_a_reader_of_digests_finds_it_there(shop: Shop) -> None:
    number = with_tom(shop, StaffNotices.DIGEST)

    shop.change(number, Assign(TOM))

    assert assigned(shop) == []


def test_a_budget_that_withholds_it_announces_it(shop: Shop) -> None:
    shop.policy = policy_with("budgets", notices_per_hour=1)
    number = with_tom(shop)
    for _ in range(4):
        shop.change(number, Assign(TOM))
        shop.change(number, Assign(Assignee.NOBODY))

    kinds = [n.kind for n in shop.notices(TOM)]

    assert kinds.count(NoticeKind.ASSIGNMENT) < 8
    assert kinds.count(NoticeKind.STAFF_MORE) == 1
