"""How much is enough: new tickets, notices, reopenings, and storms between machines."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.model import AddComment, Hold, Reason, Verdict
from rules.facts import Recent
from rules.service.limits import Storm, may_notify, may_open, may_reopen, storm
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    NOON,
    SAM,
    World,
    a_mail,
    a_ticket,
    member,
    notified,
    orders_of,
    policy_with,
    token_to,
)

TWO = a_ticket(7, *ANNS.participants, member(71, BOB.address))
MINUTE = timedelta(minutes=1)


def ago(minutes: float, ticket: int = 7, opened: bool = False) -> Recent:
    return Recent(NOON - minutes * MINUTE, opened, ticket)


DOUBLING = (*(ago(5),) * 2, *(ago(3),) * 4, *(ago(1),) * 7)
"""Two, four and seven mails in three windows of two minutes: one more makes a storm."""


class TestNewTickets:
    @pytest.mark.parametrize(("opened", "expected"), [(9, True), (10, False)])
    def test_ten_in_an_hour_are_enough(self, opened: int, expected: bool) -> None:
        recent = [ago(n, opened=True) for n in range(opened)]

        assert may_open(recent, NOON, 10) is expected

    def test_those_of_an_hour_ago_are_forgotten(self) -> None:
        assert may_open([ago(60, opened=True)] * 10, NOON, 10)

    def test_comments_are_no_tickets(self) -> None:
        assert may_open([ago(1)] * 100, NOON, 10)

    def test_one_more_is_held_and_tells_nobody(self) -> None:
        decision = World(recent=(ago(1, opened=True),) * 10).decide(a_mail())

        assert (decision.action, decision.reason) == (Hold(), Reason.TOO_MANY_TICKETS)

    def test_on_a_known_ticket_he_goes_on(self) -> None:
        world = World(recent=(ago(30, opened=True),) * 10)

        assert world.decide(a_mail(), to=token_to(70)).verdict is Verdict.COMMENTED

    def test_the_policy_says_how_many(self) -> None:
        world = World(
            recent=(ago(1, opened=True),), policy=policy_with("budgets", tickets_per_hour=1)
        )

        assert world.decide(a_mail()).reason is Reason.TOO_MANY_TICKETS


class TestNotices:
    @pytest.mark.parametrize(("sent", "expected"), [(19, True), (20, False), (21, False)])
    def test_twenty_in_an_hour_are_enough(self, sent: int, expected: bool) -> None:
        assert may_notify(sent, 20) is expected


class TestReopening:
    @pytest.mark.parametrize(("reopened", "expected"), [(0, True), (2, True), (3, False)])
    def test_three_in_an_hour_are_enough(self, reopened: int, expected: bool) -> None:
        assert may_reopen(reopened, 3) is expected

    def test_a_fourth_reply_is_kept_in_public_and_reopens_nothing(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, status=Status.RESOLVED, status_at=NOON, reopened=3)

        decision = World(tickets=(ticket,)).decide(a_mail(), to=token_to(70))

        assert isinstance(decision.action, AddComment)
        assert decision.action.moved is None
        assert "reopened too often" in decision.trace[-1].outcome


class TestStorm:
    def test_mails_that_double_three_times_are_one(self) -> None:
        assert storm(DOUBLING, 7, NOON) == Storm(breaks_now=True)

    def test_one_mail_less_is_none(self) -> None:
        assert storm(DOUBLING[1:], 7, NOON) is None

    def test_it_is_one_of_a_pair_and_no_other_ticket_is_muted(self) -> None:
        assert storm(DOUBLING, 8, NOON) is None

    def test_after_it_broke_the_pair_is_muted_without_another_alert(self) -> None:
        during = (*DOUBLING, Recent(NOON, False, 7))

        assert storm(during, 7, NOON + MINUTE) == Storm(breaks_now=False)

    def test_a_storm_that_goes_on_doubling_breaks_once(self) -> None:
        start = NOON - timedelta(minutes=30)
        times = [start + second * timedelta(seconds=1) for second in range(0, 1800, 2)]
        arrivals = [t for n, t in enumerate(times) if n % max(1, 60 - n // 10) == 0]

        assert breaks(arrivals) == 1

    def test_an_hour_later_the_pair_is_heard_again(self) -> None:
        during = (*DOUBLING, Recent(NOON, False, 7))

        assert storm(during, 7, NOON + timedelta(minutes=61)) is None

    @pytest.mark.parametrize(
        "gaps_s",
        [
            [120] * 15,  # all along half an hour
            [10] * 5,  # five in one minute
            [300, 300, 10, 10, 10, 10, 10],  # a start, then second thoughts
            [20] * 30,  # a long chat
        ],
    )
    def test_a_busy_person_is_none(self, gaps_s: list[int]) -> None:
        arrivals = [NOON + timedelta(seconds=sum(gaps_s[:n])) for n in range(len(gaps_s))]

        assert breaks(arrivals) == 0

    @given(st.lists(st.integers(0, 3000), max_size=13))
    def test_thirteen_mails_are_none_however_they_come(self, seconds: list[int]) -> None:
        arrivals = sorted(NOON + timedelta(seconds=second) for second in seconds)

        assert breaks(arrivals) == 0

    @given(st.lists(st.integers(0, 3500), max_size=60))
    def test_within_an_hour_it_breaks_once_at_most(self, seconds: list[int]) -> None:
        arrivals = sorted(NOON + timedelta(seconds=second) for second in seconds)

        assert breaks(arrivals) <= 1

    def test_when_it_breaks_staff_get_one_alert_and_the_others_nothing(self) -> None:
        decision = World(tickets=(TWO,), recent=DOUBLING).decide(a_mail(), to=token_to(70))

        assert [o.kind for o in orders_of(decision)] == [NoticeKind.ALERT]
        assert notified(decision, NoticeKind.ALERT) == [SAM.address]

    def test_its_mails_are_kept_but_tell_nobody(self) -> None:
        during = (*DOUBLING, Recent(NOON, False, 7))

        decision = World(tickets=(TWO,), recent=during).decide(a_mail(), to=token_to(70))

        assert decision.verdict is Verdict.COMMENTED
        assert orders_of(decision) == ()
        assert "storm" in decision.trace[-1].outcome

    def test_somebody_else_on_the_ticket_is_still_heard(self) -> None:
        """The facts hold the author's own mails alone, and he wrote none."""
        decision = World(tickets=(TWO,)).decide(a_mail(BOB.address), to=token_to(71))

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]


def breaks(arrivals: list[datetime]) -> int:
    """How many alerts these mails of one author on one ticket raise, taken one by one."""
    seen: list[Recent] = []
    alerts = 0
    for moment in arrivals:
        found = storm(seen, 7, moment)
        alerts += found is not None and found.breaks_now
        seen.append(Recent(moment, False, 7))
    return alerts
