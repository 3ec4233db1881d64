"""Which notices a staff person wants, and which tickets they follow."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from rules.decision.effects import ChangeRefused
from rules.mail.bounces import HARD_BOUNCES
from rules.people import Participant, Role, StaffNotices
from rules.ticket.changes import (
    Assign,
    Assignee,
    Escalate,
    Follow,
    PreferNotices,
    Source,
    Unfollow,
    WriteComment,
)
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.notices.suppression import record_hard_failure
from storage.registry.people import NewPerson, add_person, set_notices
from tests.rules.building import ANN, NOON, SAM, a_mail, our_id, policy_with
from tests.storage.shop import Shop, opened

TOM = "tom@help.example"


def with_tom(shop: Shop, notices: StaffNotices) -> None:
    def job(c: Connection) -> None:
        add_person(c, shop.mailbox, NewPerson(TOM, "Tom", Role.STAFF, company=None))
        set_notices(c, shop.mailbox, TOM, notices)

    shop.write(job)


def told(shop: Shop, kind: NoticeKind, number: int) -> list[str]:
    return sorted(n.address for n in shop.notices() if n.kind == kind and n.ticket == number)


def tom_on(shop: Shop, number: int) -> Participant | None:
    return shop.ticket(number).participant(TOM)


def test_mine_brings_notices_of_own_tickets_alone(shop: Shop) -> None:
    with_tom(shop, StaffNotices.MINE)
    others, own = opened(shop.take(a_mail())), opened(shop.take(a_mail()))
    shop.change(own, Assign(TOM))

    for number in (others, own):
        shop.take(a_mail(text="More.", in_reply_to=(our_id(number),)))

    assert told(shop, NoticeKind.NEW_TICKET, others) == [SAM.address]
    assert told(shop, NoticeKind.NEW_COMMENT, others) == [SAM.address]
    assert told(shop, NoticeKind.NEW_COMMENT, own) == [SAM.address, TOM]


def test_a_new_ticket_has_a_reader_though_nobody_wants_all(shop: Shop) -> None:
    with_tom(shop, StaffNotices.MINE)
    shop.write(lambda c: set_notices(c, shop.mailbox, SAM.address, StaffNotices.MINE))

    number = opened(shop.take(a_mail()))

    assert told(shop, NoticeKind.NEW_TICKET, number) == [SAM.address, TOM]


def test_a_ticket_has_a_reader_whose_mail_does_not_bounce(shop: Shop) -> None:
    with_tom(shop, StaffNotices.MINE)
    number = opened(shop.take(a_mail()))
    shop.change(number, Assign(SAM.address))
    for _ in range(HARD_BOUNCES):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, SAM.address, "unknown", NOON))

    shop.take(a_mail(text="More.", in_reply_to=(our_id(number),)))
    another = opened(shop.take(a_mail()))

    assert told(shop, NoticeKind.NEW_COMMENT, number) == [TOM]
    assert told(shop, NoticeKind.NEW_TICKET, another) == [TOM]


def test_alerts_of_critical_claims_and_escalations_reach_them_anyway(shop: Shop) -> None:
    shop.policy = policy_with("severity", high_importance=None)
    with_tom(shop, StaffNotices.MINE)

    number = opened(shop.take(a_mail(subject="[P1] Production is down")))
    by_ann = replace(shop.context(), actor=ANN.address, source=Source.API)
    shop.change(number, Escalate("now"), by_staff=False, context=by_ann)

    assert TOM in told(shop, NoticeKind.ALERT, number)


def test_who_is_assigned_or_comments_follows_and_may_end_it(shop: Shop) -> None:
    with_tom(shop, StaffNotices.MINE)
    number = opened(shop.take(a_mail()))
    by_tom = replace(shop.context(), actor=TOM)
    assert tom_on(shop, number) is None

    shop.change(number, WriteComment("Mine.", Visibility.NOTE), context=by_tom)
    member = tom_on(shop, number)
    assert member is not None
    assert member.is_notified
    shop.change(number, Unfollow(), context=by_tom)
    assert not shop.member(number, TOM).is_notified
    shop.change(number, Assign(Assignee.ME), context=by_tom)
    assert shop.member(number, TOM).is_notified
    shop.change(number, Unfollow(), Follow(), context=by_tom)
    assert shop.member(number, TOM).is_notified


def test_only_staff_have_preferences(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    by_account = replace(shop.context(), actor="console:root")

    for change in (Follow(), Unfollow(), PreferNotices(StaffNotices.MINE)):
        assert isinstance(shop.change(number, change, context=by_account), ChangeRefused)


def test_a_command_changes_the_preference(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))

    shop.take(a_mail(SAM.address, text="#notices mine"), to=shop.token(number, SAM.address))

    facts = shop.known_of(a_mail())
    assert [each.notices for each in facts.staff] == [StaffNotices.MINE]
