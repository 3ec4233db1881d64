"""Changes to the people of a ticket and merges lose nobody; notices of changes are limited."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.decision.effects import Effect, Effects, MergedInto, PersonAdded, Rated
from rules.decision.reasons import Verdict
from rules.people import ParticipantKind, Presence
from rules.service.participants import Addition
from rules.ticket.changes import (
    AddPerson,
    Change,
    Merge,
    Rating,
    RemovePerson,
    SetStatus,
    Source,
    Unsubscribe,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.db.ledger import Conflict
from storage.db.tables import AuditRow
from storage.ticket.write import write
from tests.rules.building import ANN, BOB, NOON, SAM, a_mail, preset
from tests.storage.shop import Shop, opened


def make(shop: Shop, number: int, change: Change) -> None:
    assert isinstance(shop.change(number, change), Effects)


def test_a_follow_up_is_not_merged_into_what_it_follows(shop: Shop) -> None:
    """Each would lead to the other, and a reply to either nowhere."""
    first = opened(shop.take(a_mail()))
    make(shop, first, SetStatus(Status.CLOSED))
    reply = a_mail(message_id="<2@client.example>")
    second = opened(shop.take(reply, to=shop.token(first, ANN.address)))

    assert f"merge #{first} into #{second} instead" in shop.refusal(second, Merge(first))
    make(shop, first, Merge(second))

    again = shop.take(a_mail(message_id="<3@client.example>"), to=shop.token(first, ANN.address))
    assert again.ticket == second


def test_a_merge_accepts_a_person_who_was_only_proposed_on_the_other_ticket(shop: Shop) -> None:
    bobs = opened(shop.take(a_mail(BOB.address, message_id="<b@client.example>")))
    anns = opened(shop.take(a_mail(cc=(BOB.address,))))
    shop.set_participant(anns, BOB.address, presence=Presence.PENDING.value)

    make(shop, bobs, Merge(anns))

    assert shop.member(anns, BOB.address).is_notified


@pytest.mark.parametrize("goes_on", ["in its follow-up", "in another ticket"])
def test_who_was_removed_is_brought_back_by_staff_alone_where_the_ticket_goes_on(
    shop: Shop, goes_on: str
) -> None:
    first = opened(shop.take(a_mail(cc=(BOB.address,))))
    token = shop.token(first, ANN.address)
    make(shop, first, RemovePerson(BOB.address))
    if goes_on == "in another ticket":
        last = opened(shop.take(a_mail(message_id="<2@client.example>")))
        make(shop, first, Merge(last))
    else:
        make(shop, first, SetStatus(Status.CLOSED))
        last = opened(shop.take(a_mail(message_id="<2@client.example>"), to=token))

    to_all = a_mail(message_id="<3@client.example>", cc=(BOB.address,))
    assert shop.take(to_all, to=token).ticket == last

    assert shop.member(last, BOB.address).presence is Presence.REMOVED
    make(shop, last, AddPerson(BOB.address))
    assert shop.member(last, BOB.address).is_notified


def test_staff_can_add_back_a_person_who_has_unsubscribed(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    shop.take(a_mail(text="#unsubscribe"), to=shop.token(number, ANN.address))

    make(shop, number, AddPerson(ANN.address))

    assert shop.member(number, ANN.address).is_notified


def test_a_comment_that_no_customer_is_sent_says_so(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    answer = WriteComment("It prints.", Visibility.PUBLIC)
    before = shop.change(number, answer)
    shop.change(number, Unsubscribe(ANN.address))

    after = shop.change(number, answer)

    assert isinstance(before, Effects)
    assert isinstance(after, Effects)
    assert [ANN.address in str(done) for done in (*before.done, *after.done)] == [
        False,
        False,
        True,
    ]


def test_notices_of_flagged_mails_to_staff_are_limited(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    token = shop.token(number, ANN.address)

    for n in range(30):
        mail = a_mail(BOB.address, message_id=f"<{n}@robot.example>")
        receipt = shop.take(mail, to=token, at=NOON + timedelta(seconds=6 * n))
        assert receipt.verdict is Verdict.FLAGGED

    notices = [n for n in shop.notices(SAM.address) if n.kind == NoticeKind.NEW_COMMENT.value]
    assert len(notices) < shop.policy.budgets.notices_per_hour


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (WriteComment("It is on.", Visibility.PUBLIC), NoticeKind.NEW_COMMENT),
        (WriteComment("It is on.", Visibility.NOTE), NoticeKind.NEW_COMMENT),
        (AddPerson("new@globex.example"), NoticeKind.APPROVAL),
    ],
)
def test_notices_of_changes_over_the_api_are_limited(
    shop: Shop, change: Change, kind: NoticeKind
) -> None:
    """A customer's program causes no more notices by repeated changes than by repeated mails."""
    number = opened(shop.take(a_mail()))
    context = replace(shop.context(), actor=BOB.address, source=Source.API)

    for n in range(30):
        if isinstance(change, AddPerson):
            change = AddPerson(f"new{n}@globex.example")
        shop.change(number, change, by_staff=False, context=context)

    sent = Counter(notice.address for notice in shop.notices() if notice.kind == kind.value)
    assert sent
    assert max(sent.values()) <= shop.policy.budgets.notices_per_hour


def test_flagged_mails_count_as_a_storm(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    token = shop.token(number, ANN.address)
    seconds = (0, 10, *range(130, 135), *range(250, 262))

    for n, second in enumerate(seconds):
        mail = a_mail(BOB.address, message_id=f"<{n}@robot.example>")
        shop.take(mail, to=token, at=NOON + timedelta(seconds=second))

    alerts = [n for n in shop.notices(SAM.address) if n.kind == NoticeKind.ALERT.value]
    assert len(alerts) == 1


def test_a_customers_escalation_by_mail_reaches_the_contact_on_duty(shop: Shop) -> None:
    shop.policy = preset("weka")
    number = opened(shop.take(a_mail()))

    shop.take(
        a_mail(text="#escalate Nobody answers.", message_id="<2@client.example>"),
        to=shop.token(number, ANN.address),
    )

    assert shop.ticket(number).escalation_level == 1
    kinds = [notice.kind for notice in shop.notices()]
    assert NoticeKind.ESCALATION.value in kinds
    assert NoticeKind.RECEIPT.value in {notice.kind for notice in shop.notices(ANN.address)}


def test_staff_merge_by_mail_into_a_ticket_that_their_command_names(shop: Shop) -> None:
    first = opened(shop.take(a_mail()))
    second = opened(shop.take(a_mail(message_id="<2@client.example>")))

    shop.take(
        a_mail(SAM.address, text=f"#merge {first}", message_id="<3@help.example>"),
        to=shop.token(second, SAM.address),
    )

    assert shop.ticket(second).merged_into == first


def write_effect(shop: Shop, number: int, effect: Effect) -> None:
    shop.write(lambda c: write(c, shop.context(), number, (effect,), {}))


@pytest.mark.parametrize(("column", "value"), [("merged_into", 1), ("deleted_at", NOON)])
def test_a_merge_into_a_ticket_that_was_merged_or_deleted_meanwhile_is_a_conflict(
    shop: Shop, column: str, value: object
) -> None:
    """Two merges at once would each see the other ticket as it was before, and form a circle."""
    first, second = (opened(shop.take(a_mail())) for _ in range(2))
    shop.set(second, **{column: first if value == 1 else value})

    with pytest.raises(Conflict, match="merged or deleted meanwhile"):
        write_effect(shop, first, MergedInto(second, carried=(), accepted=()))

    assert shop.ticket(first).merged_into is None


def test_adding_a_person_who_was_added_meanwhile_is_a_conflict(shop: Shop) -> None:
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    bob = Addition(BOB.address, person=None, part=ParticipantKind.USER, presence=Presence.ACTIVE)

    with pytest.raises(Conflict, match="added to"):
        write_effect(shop, number, PersonAdded(bob))

    assert shop.count(AuditRow, event="person_added") == 1  # that of the mail


def test_a_rating_decided_on_an_outdated_rating_is_a_conflict(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    write_effect(shop, number, Rated(None, Rating.BAD))

    with pytest.raises(Conflict, match="changed meanwhile"):
        write_effect(shop, number, Rated(None, Rating.GOOD))
