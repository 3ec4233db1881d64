"""What became of a mail of staff: its author gets its text, colleagues a notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.model import Decision
from rules.decision.reasons import Reason
from rules.facts import Recent
from rules.people import ParticipantKind, Staff
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import NewCommentPayload, ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ANNS,
    EVERYBODY,
    NOON,
    SAM,
    World,
    a_mail,
    member,
    notified,
    orders_of,
    our_id,
    person,
    policy_with,
    token_to,
    unproven,
)

SUE = person("sue@help.example", None, SAM.role)
TICKET = replace(
    ANNS,
    participants=(*ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER)),
)


def world() -> World:
    desk = (Staff(SAM.address, ""), Staff(SUE.address, ""))
    policy = World().policy
    everybody = policy.staff.model_copy(update={"notify": "all"})
    return World(
        people=(*EVERYBODY, SUE),
        tickets=(TICKET,),
        staff=desk,
        policy=policy.model_copy(update={"staff": everybody}),
    )


def told(decision: Decision) -> dict[str, object]:
    return {o.address: o.payload for o in orders_of(decision)}


def test_a_refused_command_quotes_the_draft_and_is_announced_to_colleagues() -> None:
    decision = world().decide(
        a_mail(SAM.address, text="#stauts open\n\nIt works."), to=token_to(79)
    )

    assert decision.reason is Reason.COMMAND_REFUSED
    (receipt,) = [o for o in orders_of(decision) if o.address == SAM.address]
    assert receipt.kind is NoticeKind.RECEIPT
    assert receipt.quotes
    assert told(decision)[SUE.address] == NewCommentPayload(Visibility.PRIVATE)


def test_a_mail_with_nothing_but_a_refused_command_is_of_no_interest_to_colleagues() -> None:
    decision = world().decide(
        a_mail(SAM.address, text="#assign nobody@acme.example\n\nRegards,\nSam"), to=token_to(79)
    )

    assert decision.reason is Reason.COMMAND_REFUSED
    assert set(told(decision)) == {SAM.address}


def test_a_reply_to_the_plain_address_is_flagged_quoted_and_announced() -> None:
    decision = world().decide(a_mail(SAM.address, in_reply_to=(our_id(),)))

    assert decision.reason is Reason.STAFF_WITHOUT_TOKEN
    (receipt,) = [o for o in orders_of(decision) if o.address == SAM.address]
    assert receipt.payload == ReceiptPayload(ReceiptText.NOT_PUBLISHED)
    assert receipt.quotes
    assert told(decision)[SUE.address] == NewCommentPayload(Visibility.PRIVATE)
    assert set(told(decision)) == {SAM.address, SUE.address}


def test_what_somebody_may_have_written_in_a_staff_persons_name_is_not_quoted_to_them() -> None:
    forged = replace(world(), proof=unproven())

    decision = forged.decide(a_mail(SAM.address), to=token_to(79))

    receipts = [o for o in orders_of(decision) if o.address == SAM.address]
    assert [o.quotes for o in receipts] == [False]


@pytest.mark.parametrize("command", ["#stauts open", "#severity high\n#assign nobody@acme.example"])
def test_nothing_of_a_refused_mail_reaches_a_customer(command: str) -> None:
    text = f"{command}\n\nThe tray was replaced."
    decision = world().decide(a_mail(SAM.address, text=text), to=token_to(79))

    assert decision.reason is Reason.COMMAND_REFUSED
    assert set(told(decision)) == {SAM.address, SUE.address}


ABSENT = Staff(SUE.address, "", reachable=False)
STORM = tuple(
    Recent(NOON - timedelta(minutes=minutes), False, 7)
    for minutes, mails in ((5, 2), (3, 4), (1, 8))
    for _ in range(mails)
)
BEGINNING = STORM[:-1]


@pytest.mark.parametrize("mark", [{"precedence": "bulk"}, {"list_id": "<team.help.example>"}])
@pytest.mark.parametrize("others", [(), (ABSENT,)])
def test_the_only_reader_of_the_desk_hears_of_their_mail_through_a_list(
    mark: dict[str, Any], others: tuple[Staff, ...]
) -> None:
    alone = replace(world(), staff=(Staff(SAM.address, ""), *others))

    decision = alone.decide(a_mail(SAM.address, in_reply_to=(our_id(),), **mark))

    assert decision.reason is Reason.STAFF_WITHOUT_TOKEN
    (receipt,) = [o for o in orders_of(decision) if o.address == SAM.address]
    assert receipt.payload == ReceiptPayload(ReceiptText.NOT_PUBLISHED)
    assert receipt.quotes


@pytest.mark.parametrize("mark", [{"precedence": "bulk"}, {"x_auto_response_suppress": "All"}])
def test_nobody_is_answered_where_a_colleague_hears(mark: dict[str, Any]) -> None:
    decision = world().decide(a_mail(SAM.address, in_reply_to=(our_id(),), **mark))

    assert decision.reason is Reason.STAFF_WITHOUT_TOKEN
    assert set(told(decision)) == {SUE.address}


def test_the_only_reader_hears_where_their_client_wants_no_answers() -> None:
    alone = replace(world(), staff=(Staff(SAM.address, ""),))
    mail = a_mail(SAM.address, in_reply_to=(our_id(),), x_auto_response_suppress="All")

    assert notified(alone.decide(mail), NoticeKind.RECEIPT) == [SAM.address]


def test_so_they_do_where_the_policy_notifies_nobody() -> None:
    quiet = replace(world(), policy=policy_with("staff", notify="none"))
    mail = a_mail(SAM.address, in_reply_to=(our_id(),), precedence="bulk")

    assert notified(quiet.decide(mail), NoticeKind.RECEIPT) == [SAM.address]


def test_what_only_their_token_proves_is_not_quoted_to_them() -> None:
    alone = replace(world(), staff=(Staff(SAM.address, ""),), proof=unproven())

    decision = alone.decide(a_mail(SAM.address, precedence="bulk"), to=token_to(79))

    assert decision.reason is Reason.TOKEN_ONLY
    assert [(o.address, o.quotes) for o in orders_of(decision)] == [(SAM.address, False)]


def test_in_a_storm_the_only_reader_is_alerted_once() -> None:
    alone = replace(world(), staff=(Staff(SAM.address, ""),), recent=BEGINNING)
    mail = a_mail(SAM.address, in_reply_to=(our_id(),), precedence="bulk")

    begins, goes_on = alone.decide(mail), replace(alone, recent=STORM).decide(mail)

    assert [(o.kind, o.address) for o in orders_of(begins)] == [(NoticeKind.ALERT, SAM.address)]
    assert orders_of(goes_on) == ()
