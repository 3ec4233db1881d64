"""What a customer may cause by changing a ticket over the API, again and again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import policies
from rules.decision.after import after
from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, CommentWritten, Effects, StatusChanged
from rules.people import Participant, ParticipantKind, Presence
from rules.service.limits import ESCALATIONS_PER_HOUR, SEVERITY_CHANGES, NoticeBudget
from rules.ticket.changes import Change, Escalate, SetAnySeverity, SetStatus, Source, WriteComment
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from tests.rules.building import ANN, BOB, NOON

POLICY = policies.load(None)["stakater"]
REOPENS = POLICY.budgets.reopens_per_hour
TICKET = Ticket(
    7,
    1,
    (
        Participant(1, ANN.address, ParticipantKind.REQUESTER, Presence.ACTIVE),
        Participant(2, BOB.address, ParticipantKind.USER, Presence.ACTIVE),
    ),
    requester=ANN.address,
    severity="Low",
)
BY_BOB = ChangeFacts(NOON, BOB.address, Source.API, by_staff=False, mailbox="support@help.example")
RESOLVED = replace(TICKET, status=Status.RESOLVED, reopened=REOPENS)


def notices_of(*cycle: Change, times: int) -> Counter[tuple[NoticeKind, str]]:
    """The notices of changes that are made over and over, by kind and address."""
    ticket, sent = TICKET, Counter[tuple[NoticeKind, str]]()
    for _ in range(times):
        for change in cycle:
            made = decide_changes(ticket, [change], BY_BOB, POLICY)
            assert not isinstance(made, ChangeRefused)
            sent.update((order.kind, order.address) for order in made.notices)
            ticket = after(ticket, made.rows, NOON)
    return sent


def test_a_severity_that_is_changed_without_end_does_not_page_without_end() -> None:
    high, critical = SetAnySeverity("High", ""), SetAnySeverity("Critical", "")

    sent = notices_of(high, critical, times=60)

    most = POLICY.budgets.notices_per_hour * NoticeBudget.CRITICAL // 4
    assert {n for (kind, _), n in sent.items() if kind is NoticeKind.ALERT} == {most}


def test_no_number_of_comments_withholds_the_alert_of_a_ticket_that_becomes_critical() -> None:
    """Customers write often when their systems are down, and then raise the severity."""
    critical = SetAnySeverity("Critical", "")
    alerts = [a for kind, a in notices_of(critical, times=1) if kind is NoticeKind.ALERT]
    filled = POLICY.budgets.notices_per_hour * NoticeBudget.STAFF // 4

    busy = replace(TICKET, sent=dict.fromkeys(alerts, filled))
    made = decide_changes(busy, [critical], BY_BOB, POLICY)

    assert isinstance(made, Effects)
    assert [o.address for o in made.notices if o.kind is NoticeKind.ALERT] == alerts != []
    assert not made.withheld


def test_a_customer_changes_the_severity_of_a_ticket_six_times_an_hour_and_is_told_when_again() -> (
    None
):
    high = SetAnySeverity("High", "")
    times = tuple(NOON - timedelta(minutes=10 * n) for n in range(SEVERITY_CHANGES))
    facts = replace(BY_BOB, severity_changes=times)

    refused = decide_changes(TICKET, [high], facts, POLICY)
    assert isinstance(refused, ChangeRefused)
    assert str(refused.why) == (
        f"{BOB.address} has changed the severity of #7 6 times within the hour; try again after "
        f"{NOON + timedelta(minutes=10):%Y-%m-%d %H:%M:%S} UTC"
    )
    for allowed in (
        replace(facts, at=NOON + timedelta(minutes=10)),
        replace(facts, severity_changes=times[1:]),
        replace(facts, by_staff=True),
    ):
        assert not isinstance(decide_changes(TICKET, [high], allowed, POLICY), ChangeRefused)
    same = decide_changes(TICKET, [SetAnySeverity("Low", "")], facts, POLICY)
    assert not isinstance(same, ChangeRefused)  # it changes nothing


LATELY = tuple(NOON - timedelta(minutes=2 * n) for n in range(ESCALATIONS_PER_HOUR))
AGAIN = NOON + timedelta(minutes=60 - 2 * (ESCALATIONS_PER_HOUR - 1))


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("weka", "UTC, or call Executive on duty (Executive for Europe): +1 555 0102."),
        ("atlan", "UTC."),
    ],
)
def test_a_customer_escalates_twenty_times_an_hour_whatever_the_number_of_tickets(
    name: str, way: str
) -> None:
    policy, facts = policies.load(None)[name], replace(BY_BOB, escalated_lately=LATELY)

    refused = decide_changes(TICKET, [Escalate("Down")], facts, policy)

    assert isinstance(refused, ChangeRefused)
    assert str(refused.why) == (
        f"{BOB.address} has escalated requests 20 times within the hour; try again after "
        f"{AGAIN:%Y-%m-%d %H:%M:%S} {way}"
    )


@pytest.mark.parametrize(
    "allowed",
    [
        replace(BY_BOB, escalated_lately=LATELY, at=AGAIN),
        replace(BY_BOB, escalated_lately=LATELY[1:]),
        replace(BY_BOB, escalated_lately=LATELY, by_staff=True),
    ],
    ids=["when said", "one less", "staff"],
)
def test_who_is_below_the_number_and_staff_escalate(allowed: ChangeFacts) -> None:
    made = decide_changes(TICKET, [Escalate("Down")], allowed, policies.load(None)["weka"])

    assert not isinstance(made, ChangeRefused)


def test_a_status_that_is_changed_without_end_does_not_ask_for_feedback_without_end() -> None:
    sent = notices_of(SetStatus(Status.RESOLVED), SetStatus(Status.OPEN), times=60)

    to_ann = sum(n for (_, address), n in sent.items() if address == ANN.address)
    assert (NoticeKind.FEEDBACK, ANN.address) in sent
    assert sent[NoticeKind.MORE, ANN.address] == 1, "what is withheld is summarised once"
    assert to_ann - 1 == POLICY.budgets.notices_per_hour


@pytest.mark.parametrize("was", [Status.RESOLVED, Status.CLOSED])
def test_a_customer_reopens_a_ticket_as_often_as_by_mail(was: Status) -> None:
    over = replace(RESOLVED, status=was)

    refused = decide_changes(over, [SetStatus(Status.OPEN)], BY_BOB, POLICY)

    assert isinstance(refused, ChangeRefused)
    assert str(refused.why) == "#7 was reopened 3 times within the hour; its status stays"
    before = replace(over, reopened=REOPENS - 1)
    assert not isinstance(
        decide_changes(before, [SetStatus(Status.OPEN)], BY_BOB, POLICY), ChangeRefused
    )
    by_staff = replace(BY_BOB, by_staff=True)
    assert not isinstance(
        decide_changes(over, [SetStatus(Status.OPEN)], by_staff, POLICY), ChangeRefused
    )


def test_a_comment_is_kept_though_its_ticket_is_not_reopened() -> None:
    comment = WriteComment("It is back.", Visibility.PUBLIC)

    made = decide_changes(RESOLVED, [comment, SetStatus(Status.OPEN)], BY_BOB, POLICY)

    assert not isinstance(made, ChangeRefused)
    assert any(isinstance(row, CommentWritten) for row in made.rows)
    assert not any(isinstance(row, StatusChanged) for row in made.rows)
    assert "its status stays" in str(made.done[-1])
