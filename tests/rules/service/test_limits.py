"""Rate limits: new tickets, notices, reopenings, and storms between machines."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.model import AddComment
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.service.limits import (
    SIGN_UPS,
    SignUpsSent,
    Storm,
    has_sign_up_share,
    may_notify,
    may_open,
    may_reopen,
    storm,
)
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


NO_SIGN_UPS = SignUpsSent(0, 0, 0, 0)


class TestSignUps:
    @pytest.mark.parametrize(
        "what", ["network_hour", "network_day", "provider_hour", "provider_day"]
    )
    def test_each_share_ends_the_links_of_a_network(self, what: str) -> None:
        most = getattr(SIGN_UPS, what)

        assert has_sign_up_share(replace(NO_SIGN_UPS, **{what: most - 1}))
        assert not has_sign_up_share(replace(NO_SIGN_UPS, **{what: most}))

    def test_a_network_has_a_third_of_the_hour_and_a_quarter_of_the_day(self) -> None:
        assert 3 * SIGN_UPS.network_hour <= SIGN_UPS.domain_hour
        assert 4 * SIGN_UPS.network_day <= SIGN_UPS.domain_day
        assert SIGN_UPS.network_hour < SIGN_UPS.provider_hour < SIGN_UPS.domain_hour
        assert SIGN_UPS.network_day < SIGN_UPS.provider_day < SIGN_UPS.domain_day


class TestNewTickets:
    @pytest.mark.parametrize(("opened", "expected"), [(9, True), (10, False)])
    def test_ten_in_an_hour_are_enough(self, opened: int, expected: bool) -> None:
        recent = [ago(n, opened=True) for n in range(opened)]

        assert may_open(recent, NOON, 10) is expected

    def test_tickets_opened_an_hour_ago_no_longer_count(self) -> None:
        assert may_open([ago(60, opened=True)] * 10, NOON, 10)

    def test_comments_do_not_count_as_tickets(self) -> None:
        assert may_open([ago(1)] * 100, NOON, 10)

    def test_one_more_is_held_and_notifies_its_author_alone(self) -> None:
        decision = World(recent=(ago(1, opened=True),) * 10).decide(a_mail())

        assert (decision.verdict, decision.reason) == (Verdict.HELD, Reason.TOO_MANY_TICKETS)
        assert [order.kind for order in decision.orders] == [NoticeKind.KEPT]

    def test_the_author_may_still_comment_on_a_known_ticket(self) -> None:
        world = World(recent=(ago(30, opened=True),) * 10)

        assert world.decide(a_mail(), to=token_to(70)).verdict is Verdict.COMMENTED

    def test_the_policy_sets_the_limit(self) -> None:
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
    def test_mails_that_double_three_times_are_a_storm(self) -> None:
        assert storm(DOUBLING, 7, NOON) == Storm(begins_now=True)

    def test_one_mail_less_is_no_storm(self) -> None:
        assert storm(DOUBLING[1:], 7, NOON) is None

    def test_a_storm_mutes_only_its_own_pair_of_author_and_ticket(self) -> None:
        assert storm(DOUBLING, 8, NOON) is None

    def test_after_the_storm_began_the_pair_is_muted_without_another_alert(self) -> None:
        during = (*DOUBLING, Recent(NOON, False, 7))

        assert storm(during, 7, NOON + MINUTE) == Storm(begins_now=False)

    def test_a_storm_that_keeps_doubling_raises_one_alert(self) -> None:
        start = NOON - timedelta(minutes=30)
        times = [start + second * timedelta(seconds=1) for second in range(0, 1800, 2)]
        arrivals = [t for n, t in enumerate(times) if n % max(1, 60 - n // 10) == 0]

        assert alerts_raised(arrivals) == 1

    def test_an_hour_later_the_pair_is_no_longer_muted(self) -> None:
        during = (*DOUBLING, Recent(NOON, False, 7))

        assert storm(during, 7, NOON + timedelta(minutes=61)) is None

    @pytest.mark.parametrize(
        "gaps_s",
        [
            [120] * 15,  # all along half an hour
            [10] * 5,  # five in one minute
            [300, 300, 10, 10, 10, 10, 10],  # a slow start, then a burst of corrections
            [20] * 30,  # a long chat
        ],
    )
    def test_a_busy_person_is_no_storm(self, gaps_s: list[int]) -> None:
        arrivals = [NOON + timedelta(seconds=sum(gaps_s[:n])) for n in range(len(gaps_s))]

        assert alerts_raised(arrivals) == 0

    @given(st.lists(st.integers(0, 3000), max_size=13))
    def test_thirteen_mails_are_no_storm_at_any_pace(self, seconds: list[int]) -> None:
        arrivals = sorted(NOON + timedelta(seconds=second) for second in seconds)

        assert alerts_raised(arrivals) == 0

    @given(st.lists(st.integers(0, 3500), max_size=60))
    def test_within_an_hour_there_is_at_most_one_alert(self, seconds: list[int]) -> None:
        arrivals = sorted(NOON + timedelta(seconds=second) for second in seconds)

        assert alerts_raised(arrivals) <= 1

    def test_when_a_storm_begins_staff_get_one_alert_and_the_others_nothing(self) -> None:
        decision = World(tickets=(TWO,), recent=DOUBLING).decide(a_mail(), to=token_to(70))

        assert [o.kind for o in orders_of(decision)] == [NoticeKind.ALERT]
        assert notified(decision, NoticeKind.ALERT) == [SAM.address]

    def test_the_mails_of_a_storm_are_kept_but_notify_nobody(self) -> None:
        during = (*DOUBLING, Recent(NOON, False, 7))

        decision = World(tickets=(TWO,), recent=during).decide(a_mail(), to=token_to(70))

        assert decision.verdict is Verdict.COMMENTED
        assert orders_of(decision) == ()
        assert "storm" in decision.trace[-1].outcome

    def test_another_author_on_the_ticket_is_not_muted(self) -> None:
        """The facts contain only the author's own mails, and this author has written none."""
        decision = World(tickets=(TWO,)).decide(a_mail(BOB.address), to=token_to(71))

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]


def alerts_raised(arrivals: list[datetime]) -> int:
    """How many alerts these mails of one author on one ticket raise, one by one."""
    seen: list[Recent] = []
    alerts = 0
    for arrival in arrivals:
        found = storm(seen, 7, arrival)
        alerts += found is not None and found.begins_now
        seen.append(Recent(arrival, False, 7))
    return alerts
