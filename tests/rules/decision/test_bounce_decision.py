"""Bounces: trusted at the return path of their notice, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from rules.decision.automation import UNPROVEN_BODY
from rules.decision.model import Bounced, Decision, Record
from rules.decision.reasons import Reason, Verdict
from rules.decision.screening import INVITATION_BOUNCED
from rules.facts import Returned
from rules.mail.bounces import Bounce, Failure
from rules.people import Staff
from rules.sender.authentication import Result
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ANNS,
    BOB,
    NOTHING,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    alerted_of,
    member,
    notified,
    orders_of,
    our_id,
    person,
    token_to,
    unproven,
)

NOTICE = UUID(int=5)
RETURNED = Returned(NOTICE, BOB.address, 7, 0, False)
HARD = Bounce(BOB.address, Failure.HARD, "5.1.1", "550 no such user", our_id())
DAEMON = "mailer-daemon@mx.elsewhere.example"
REPORT = a_mail(DAEMON, bounces=(HARD,), content_type="multipart/report")
WITH_BOB = a_ticket(7, *ANNS.participants, member(71, BOB.address))
SUE = person("sue@help.example", None, SAM.role)


def report(
    returned: Returned | None = RETURNED, mail: object = REPORT, **world: object
) -> Decision:
    """The decision on an unproven report with the null reverse-path."""
    changes = {"tickets": (WITH_BOB,), "proof": NOTHING, "returned": returned} | world
    return World(**changes).decide(mail, mail_from="")  # type: ignore[arg-type]


def bounced(decision: Decision) -> Bounced | None:
    assert isinstance(decision.action, Record)
    return decision.action.bounced


class TestAtItsOwnReturnPath:
    def test_a_bounce_names_its_notice_its_address_and_the_reason(self) -> None:
        decision = report()

        assert (decision.verdict, decision.reason) == (Verdict.RECORDED, Reason.BOUNCE)
        assert bounced(decision) == Bounced(
            NOTICE, BOB.address, Failure.HARD, "550 no such user", suspends=False
        )

    def test_a_bounce_is_kept_on_the_ticket_without_an_author(self) -> None:
        action = report().action

        assert isinstance(action, Record)
        assert (action.ticket, action.author) == (7, "")

    def test_the_first_hard_bounce_alerts_nobody(self) -> None:
        assert orders_of(report()) == ()

    def test_the_second_hard_bounce_suspends_the_address_and_alerts_all_staff(self) -> None:
        decision = report(
            replace(RETURNED, hard_before=1),
            staff=(Staff(SAM.address, ""), Staff(SUE.address, "de")),
        )

        found = bounced(decision)
        assert found is not None
        assert found.suspends
        assert [(o.kind, o.address) for o in orders_of(decision)] == [
            (NoticeKind.ALERT, SAM.address),
            (NoticeKind.ALERT, SUE.address),
        ]

    def test_the_alert_names_the_address_and_the_reply_of_the_other_server(self) -> None:
        (alert,) = orders_of(report(replace(RETURNED, hard_before=1)))

        assert BOB.address in alerted_of(alert)
        assert "550 no such user" in alerted_of(alert)

    def test_the_bounced_address_is_not_notified(self) -> None:
        decision = report(replace(RETURNED, hard_before=1))

        assert BOB.address not in [order.address for order in orders_of(decision)]

    def test_a_staff_person_whose_own_address_bounced_is_not_notified(self) -> None:
        decision = report(
            Returned(NOTICE, SAM.address, 7, 1, False),
            replace(REPORT, bounces=(replace(HARD, recipient=SAM.address),)),
            staff=(Staff(SAM.address, ""), Staff(SUE.address, "de")),
        )

        assert notified(decision, NoticeKind.ALERT) == [SUE.address]

    def test_a_further_bounce_of_a_suspended_address_alerts_nobody(self) -> None:
        assert orders_of(report(replace(RETURNED, hard_before=2))) == ()

    def test_a_bounced_invitation_counts_against_no_address(self) -> None:
        decision = report(replace(RETURNED, ticket=None, hard_before=1, is_invitation=True))

        assert bounced(decision) == Bounced(
            NOTICE, BOB.address, Failure.SOFT, "550 no such user", suspends=False
        )
        assert orders_of(decision) == ()
        assert INVITATION_BOUNCED in str(decision.trace)

    @pytest.mark.parametrize("failure", [Failure.SOFT, Failure.DELAYED])
    def test_a_temporary_failure_never_suspends(self, failure: Failure) -> None:
        mail = replace(REPORT, bounces=(replace(HARD, failure=failure),))

        decision = report(replace(RETURNED, hard_before=9), mail)

        found = bounced(decision)
        assert found is not None
        assert not found.suspends
        assert orders_of(decision) == ()

    def test_in_a_report_on_several_recipients_that_of_the_notice_counts(self) -> None:
        other = replace(HARD, recipient="other@acme.example", failure=Failure.SOFT)

        found = bounced(report(mail=replace(REPORT, bounces=(other, HARD))))

        assert found is not None
        assert found.failure is Failure.HARD

    def test_a_report_never_counts_against_another_address_than_the_notices(self) -> None:
        other = replace(HARD, recipient="ann@acme.example")

        found = bounced(report(mail=replace(REPORT, bounces=(other,))))

        assert found is not None
        assert found.address == BOB.address

    def test_the_first_report_is_kept_whole_and_of_any_other_the_header(self) -> None:
        first, further = report().action, report(replace(RETURNED, counted=True)).action

        assert isinstance(first, Record)
        assert isinstance(further, Record)
        assert not first.body_dropped
        assert further.body_dropped

    def test_a_dmarc_policy_does_not_reject_a_bounce(self) -> None:
        """Mail systems report with the null reverse-path, and few of them sign."""
        decision = report(proof=unproven(Result.FAIL, "reject"))

        assert decision.reason is Reason.BOUNCE

    def test_a_notice_without_a_ticket_can_bounce_as_well(self) -> None:
        decision = report(replace(RETURNED, ticket=None))

        assert isinstance(decision.action, Record)
        assert decision.action.ticket is None
        assert decision.reason is Reason.BOUNCE


class TestElsewhere:
    @pytest.mark.parametrize("to", [SUPPORT, token_to(70), token_to(71)])
    def test_a_forged_report_does_nothing(self, to: str) -> None:
        world = World(tickets=(WITH_BOB,), proof=NOTHING)

        decision = world.decide(REPORT, to=to, mail_from="")

        assert decision.reason is Reason.AUTOMATIC
        assert bounced(decision) is None
        assert orders_of(decision) == ()

    def test_a_users_report_about_another_does_nothing(self) -> None:
        """Ann forwards a bounce: an ordinary mail, whatever is attached to it."""
        decision = World(tickets=(WITH_BOB,)).decide(a_mail(bounces=(HARD,)), to=token_to(70))

        assert decision.verdict is Verdict.COMMENTED


class TestOtherMailToAReturnPath:
    def test_the_body_of_an_automatic_mail_by_another_than_the_recipient_is_not_kept(self) -> None:
        action = report(mail=a_mail("eve@evil.example", auto_submitted="auto-replied")).action

        assert action == Record(7, "", body_dropped=UNPROVEN_BODY)

    @pytest.mark.parametrize("submitted", ["auto-replied", "auto-generated"])
    def test_an_automatic_answer_is_folded_on_the_ticket(self, submitted: str) -> None:
        mail = a_mail(BOB.address, auto_submitted=submitted)

        decision = report(mail=mail)

        assert decision.action == Record(7, "")
        assert decision.reason is Reason.AUTOMATIC

    def test_a_persons_answer_is_treated_as_any_other_mail(self) -> None:
        """Some people answer to the reverse-path; the ids of the mail decide where it goes."""
        world = World(tickets=(WITH_BOB,), returned=RETURNED)

        decision = world.decide(a_mail(BOB.address, references=(our_id(),)))

        assert (decision.verdict, decision.reason) == (Verdict.COMMENTED, Reason.OUR_MESSAGE_ID)

    def test_so_is_one_that_came_through_a_list(self) -> None:
        world = World(tickets=(WITH_BOB,), returned=RETURNED)
        mail = a_mail(BOB.address, references=(our_id(),), list_unsubscribe="<mailto:u@x.example>")

        assert world.decide(mail).reason is Reason.OUR_MESSAGE_ID

    def test_a_return_path_proves_nobody(self) -> None:
        world = World(tickets=(WITH_BOB,), returned=RETURNED, proof=NOTHING)

        assert world.decide(a_mail(BOB.address)).reason is Reason.UNPROVEN

    def test_staff_are_not_notified_of_an_automatic_answer(self) -> None:
        decision = report(mail=a_mail(BOB.address, auto_submitted="auto-replied"))

        assert notified(decision, NoticeKind.ALERT) == []
