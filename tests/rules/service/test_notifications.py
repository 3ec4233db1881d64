"""Who is notified of a mail: everybody on the ticket, nobody twice, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.decide import decide
from rules.decision.effects import Effects
from rules.decision.model import AddComment, Decision
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.mail import Envelope, Mail
from rules.people import Participant, ParticipantKind, Presence, Staff
from rules.policy.escalation import EscalationLevel
from rules.sender.tokens import Purpose, message_id
from rules.sentence import sentence
from rules.service.notifications import alert, for_comment, notified_staff, status_change
from rules.ticket.changes import SetStatus, Source
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import (
    AlertTopic,
    ApprovalPayload,
    NewCommentPayload,
    NewTicketPayload,
    StatusPayload,
)
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ACME,
    ANN,
    ANNS,
    BOB,
    EVERYBODY,
    GIL,
    KEYS,
    NOON,
    NOTHING,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    default_policy,
    member,
    notified,
    orders_of,
    person,
    policy_with,
    preset,
    token_to,
)

PAT = "pat@partner.example"
SUE = person("sue@help.example", None, SAM.role)
DESK = (Staff(SAM.address, ""), Staff(SUE.address, "de"))
RESOLVED = StatusPayload("status", "open", "resolved")
FOLLOWER = member(79, SAM.address, ParticipantKind.FOLLOWER)


def with_bob(**changes: Any) -> Ticket:
    """Ann's ticket, with Bob on it in some way."""
    return a_ticket(7, *ANNS.participants, member(71, BOB.address, **changes))


def reply(world: World, mail: Mail | None = None, participant: int = 70) -> Decision:
    return world.decide(mail or a_mail(), to=token_to(participant))


class TestAPublicComment:
    def test_it_reaches_everybody_else_on_the_ticket(self) -> None:
        guest = member(72, PAT, ParticipantKind.GUEST)
        ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address), guest)

        assert notified(reply(World(tickets=(ticket,))), NoticeKind.COMMENT) == [BOB.address, PAT]

    def test_it_carries_the_words(self) -> None:
        decision = reply(World(tickets=(with_bob(),)))

        assert all(order.quotes for order in orders_of(decision))

    def test_it_does_not_come_back_to_its_author(self) -> None:
        decision = World(tickets=(with_bob(),)).decide(a_mail(BOB.address), to=token_to(71))

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]

    @pytest.mark.parametrize("field", ["to", "cc"])
    def test_whoever_got_it_directly_is_not_sent_it_again(self, field: str) -> None:
        recipients: dict[str, Any] = {"to": (SUPPORT,), "cc": ()}
        recipients[field] += ("Bob@ACME.example",)

        decision = reply(World(tickets=(with_bob(),)), a_mail(**recipients))

        assert notified(decision, NoticeKind.COMMENT) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"presence": Presence.PENDING},
            {"presence": Presence.REMOVED},
            {"muted": True},
            {"reachable": False},
        ],
    )
    def test_some_are_on_the_ticket_and_not_told(self, changes: dict[str, Any]) -> None:
        assert notified(reply(World(tickets=(with_bob(**changes),))), NoticeKind.COMMENT) == []

    def test_each_is_written_to_in_his_own_language(self) -> None:
        decision = reply(World(tickets=(with_bob(language="de"),)))

        assert [o.language for o in orders_of(decision) if o.kind is NoticeKind.COMMENT] == ["de"]

    def test_by_staff_it_reaches_the_customers(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address), FOLLOWER)

        decision = World(tickets=(ticket,)).decide(a_mail(SAM.address), to=token_to(79))

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address, BOB.address]

    def test_whoever_it_adds_has_it_already(self) -> None:
        decision = reply(World(), a_mail(cc=(BOB.address,)))

        assert BOB.address not in [order.address for order in orders_of(decision)]

    @pytest.mark.parametrize(("sent", "expected"), [(19, [BOB.address]), (20, [])])
    def test_after_twenty_in_an_hour_he_is_left_in_peace(
        self, sent: int, expected: list[str]
    ) -> None:
        ticket = replace(with_bob(), sent={BOB.address: sent})

        assert notified(reply(World(tickets=(ticket,))), NoticeKind.COMMENT) == expected

    @pytest.mark.parametrize(
        ("sent", "expected"), [(39, [ANN.address, BOB.address]), (40, [ANN.address])]
    )
    def test_an_answer_of_staff_reaches_him_until_there_are_forty(
        self, sent: int, expected: list[str]
    ) -> None:
        ticket = replace(with_bob(), sent={BOB.address: sent})
        ticket = replace(ticket, participants=(*ticket.participants, FOLLOWER))

        decision = World(tickets=(ticket,)).decide(a_mail(SAM.address), to=token_to(79))

        assert notified(decision, NoticeKind.COMMENT) == expected

    def test_somebodys_budget_is_not_anothers(self) -> None:
        ticket = replace(with_bob(), sent={PAT: 100})

        assert notified(reply(World(tickets=(ticket,))), NoticeKind.COMMENT) == [BOB.address]


class TestWhatOnlyStaffRead:
    def test_a_flagged_comment_tells_staff_alone(self) -> None:
        decision = World(tickets=(ANNS,)).decide(a_mail(BOB.address), to=token_to(70))

        assert decision.verdict is Verdict.FLAGGED
        assert {order.kind for order in orders_of(decision)} == {NoticeKind.NEW_COMMENT}
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]

    @pytest.mark.parametrize(("sent", "expected"), [(9, [SAM.address]), (10, [])])
    def test_what_waits_for_them_leaves_half_of_their_budget(
        self, sent: int, expected: list[str]
    ) -> None:
        ticket = replace(ANNS, sent={SAM.address: sent})

        decision = World(tickets=(ticket,)).decide(a_mail(BOB.address), to=token_to(70))

        assert notified(decision, NoticeKind.NEW_COMMENT) == expected

    def test_a_pending_persons_comment_tells_staff_alone(self) -> None:
        ticket = with_bob(presence=Presence.PENDING)

        decision = World(tickets=(ticket,)).decide(a_mail(BOB.address), to=token_to(71))

        assert {order.kind for order in orders_of(decision)} == {NoticeKind.NEW_COMMENT}

    def test_a_note_tells_the_other_staff_alone(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, FOLLOWER)
        world = World(tickets=(ticket,), staff=DESK)

        decision = world.decide(a_mail(SAM.address), to=token_to(79, purpose=Purpose.NOTE))

        assert {order.kind for order in orders_of(decision)} == {NoticeKind.NEW_COMMENT}
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SUE.address]

    def test_staff_without_their_token_get_a_receipt_and_their_colleagues_a_notice(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, FOLLOWER)

        decision = World(tickets=(ticket,), staff=DESK).decide(
            a_mail(SAM.address, subject="[#7] Printer")
        )

        assert decision.reason is Reason.STAFF_WITHOUT_TOKEN
        assert notified(decision, NoticeKind.RECEIPT) == [SAM.address]
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SUE.address]
        assert notified(decision, NoticeKind.COMMENT) == []

    def test_a_reply_of_staff_without_a_word_tells_its_author_alone(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, FOLLOWER)

        decision = World(tickets=(ticket,), staff=DESK).decide(
            a_mail(SAM.address, text="> It does not print.\n"), to=token_to(79)
        )

        assert decision.reason is Reason.NOTHING_SAID
        assert decision.verdict is Verdict.FLAGGED
        assert [(o.kind, o.address) for o in orders_of(decision)] == [
            (NoticeKind.RECEIPT, SAM.address)
        ]


class TestStaff:
    @pytest.mark.parametrize(
        ("wish", "expected"), [("all", [SAM.address, SUE.address]), ("none", [])]
    )
    def test_of_a_new_ticket_as_the_policy_says(self, wish: str, expected: list[str]) -> None:
        world = World(staff=DESK, policy=policy_with("staff", notify=wish))

        assert notified(world.decide(a_mail()), NoticeKind.NEW_TICKET) == expected

    @pytest.mark.parametrize(
        ("wish", "expected"),
        [("all", [SAM.address, SUE.address]), ("followers", [SUE.address]), ("none", [])],
    )
    def test_of_a_comment_as_the_policy_says(self, wish: str, expected: list[str]) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(79, SUE.address, ParticipantKind.FOLLOWER))
        world = World(tickets=(ticket,), staff=DESK, policy=policy_with("staff", notify=wish))

        assert notified(reply(world), NoticeKind.NEW_COMMENT) == expected

    @pytest.mark.parametrize(
        ("members", "assignee", "expected"),
        [
            ((), "", [SAM.address, SUE.address]),
            ((), SUE.address, [SUE.address]),
            ((FOLLOWER,), SUE.address, [SAM.address, SUE.address]),
            ((replace(FOLLOWER, muted=True),), SUE.address, [SUE.address]),
            ((), "gone@help.example", [SAM.address, SUE.address]),
        ],
    )
    def test_a_ticket_without_followers_is_everybodys(
        self, members: tuple[Participant, ...], assignee: str, expected: list[str]
    ) -> None:
        ticket = a_ticket(7, *ANNS.participants, *members, assignee=assignee)

        found = notified_staff(ticket, DESK, policy_with("staff", notify="followers"))

        assert [staff.address for staff in found] == expected

    @pytest.mark.parametrize(
        ("visibility", "expected"),
        [(Visibility.PRIVATE, [SAM.address]), (Visibility.NOTE, []), (Visibility.PUBLIC, [])],
    )
    def test_what_waits_in_the_name_of_the_only_follower_is_everybody_elses(
        self, visibility: Visibility, expected: list[str]
    ) -> None:
        """Somebody else may have written it, and its author gets no receipt of bulk mail."""
        ticket = a_ticket(7, *ANNS.participants, member(79, SUE.address, ParticipantKind.FOLLOWER))
        orders = for_comment(
            ticket,
            author=SUE.address,
            visibility=visibility,
            staff=DESK,
            policy=policy_with("staff", notify="followers"),
        )

        assert [o.address for o in orders if o.kind is NoticeKind.NEW_COMMENT] == expected

    def test_they_read_whether_it_was_public(self) -> None:
        (order,) = orders_of(reply(World()))

        assert order.payload == NewCommentPayload(Visibility.PUBLIC)

    def test_an_alert_reaches_all_of_them_each_in_his_language(self) -> None:
        orders = alert(AlertTopic.LOOP, (sentence("a storm"),), DESK, default_policy())

        assert [(o.kind, o.address, o.language) for o in orders] == [
            (NoticeKind.ALERT, SAM.address, ""),
            (NoticeKind.ALERT, SUE.address, "de"),
        ]


class TestANewTicket:
    def test_its_author_is_acknowledged_and_staff_are_told(self) -> None:
        kinds = [(o.kind, o.address) for o in orders_of(World().decide(a_mail()))]

        assert kinds == [
            (NoticeKind.ACKNOWLEDGEMENT, ANN.address),
            (NoticeKind.NEW_TICKET, SAM.address),
        ]

    def test_a_staff_person_who_opens_it_is_not_told_of_it(self) -> None:
        decision = World(staff=DESK).decide(a_mail(SAM.address))

        assert notified(decision, NoticeKind.NEW_TICKET) == [SUE.address]

    def test_the_account_team_of_a_paid_tier_is_told_where_the_policy_says_so(self) -> None:
        team = ("kim@vendor.example",)
        paying = person(ANN.address, replace(ACME, tier="enterprise", account_team=team))
        policy = preset("aiven")
        told_of_new = policy.account_team.model_copy(update={"told_of_new": True})

        decision = World(
            (paying,), policy=policy.model_copy(update={"account_team": told_of_new})
        ).decide(a_mail())

        assert notified(decision, NoticeKind.ACCOUNT_TEAM) == list(team)

    def test_the_account_team_is_not_told_by_default(self) -> None:
        paying = person(ANN.address, replace(ACME, account_team=("kim@vendor.example",)))

        assert notified(World((paying,)).decide(a_mail()), NoticeKind.ACCOUNT_TEAM) == []

    def test_a_machines_ticket_tells_staff_alone(self) -> None:
        monitor = person("monitor@acme.example", machine=True)

        decision = World((*EVERYBODY, monitor)).decide(
            a_mail(monitor.address, cc=(PAT,), auto_submitted="auto-generated")
        )

        assert decision.verdict is Verdict.OPENED
        assert {o.kind for o in orders_of(decision)} == {NoticeKind.NEW_TICKET}


class TestWhoWasProposed:
    def test_the_requester_is_asked_in_one_mail(self) -> None:
        decision = World().decide(a_mail(cc=(PAT, GIL.address)))

        (order,) = [o for o in orders_of(decision) if o.kind is NoticeKind.APPROVAL]
        assert order.address == ANN.address
        assert order.payload == ApprovalPayload((PAT, GIL.address))

    def test_by_somebody_elses_comment_the_requester_is_asked_all_the_same(self) -> None:
        decision = World(tickets=(with_bob(),)).decide(
            a_mail(BOB.address, cc=(PAT,)), to=token_to(71)
        )

        assert notified(decision, NoticeKind.APPROVAL) == [ANN.address]

    @pytest.mark.parametrize(
        "changes", [{"muted": True}, {"reachable": False}, {"presence": Presence.REMOVED}]
    )
    def test_a_requester_who_is_not_told_anything_is_not_asked(
        self, changes: dict[str, Any]
    ) -> None:
        requester = member(70, ANN.address, ParticipantKind.REQUESTER, **changes)
        ticket = a_ticket(7, requester, member(71, BOB.address))

        decision = World(tickets=(ticket,)).decide(a_mail(BOB.address, cc=(PAT,)), to=token_to(71))

        assert notified(decision, NoticeKind.APPROVAL) == []

    def test_a_colleague_needs_nobodys_approval(self) -> None:
        assert notified(World().decide(a_mail(cc=(BOB.address,))), NoticeKind.APPROVAL) == []

    def test_below_proof_even_a_colleague_is_only_proposed(self) -> None:
        world = World(proof=NOTHING, policy=policy_with("proof", comment="token"))

        decision = reply(world, a_mail(cc=(BOB.address,)))

        assert notified(decision, NoticeKind.APPROVAL) == [ANN.address]


class TestAutomaticMail:
    def test_kept_on_a_ticket_it_tells_nobody(self) -> None:
        decision = reply(World(tickets=(with_bob(),)), a_mail(auto_submitted="auto-replied"))

        assert decision.verdict is Verdict.RECORDED
        assert orders_of(decision) == ()

    def test_our_own_mail_that_is_sent_back_tells_nobody(self) -> None:
        decision = reply(World(tickets=(with_bob(),), looped=True))

        assert decision.reason is Reason.AUTOMATIC
        assert orders_of(decision) == ()

    def test_a_machine_that_comments_tells_staff_alone_and_moves_nothing(self) -> None:
        monitor = person("monitor@acme.example", machine=True)
        ticket = a_ticket(7, *ANNS.participants, member(71, monitor.address))

        decision = World((*EVERYBODY, monitor), tickets=(ticket,)).decide(
            a_mail(monitor.address, auto_submitted="auto-generated"), to=token_to(71)
        )

        assert decision.verdict is Verdict.COMMENTED
        assert {o.kind for o in orders_of(decision)} == {NoticeKind.NEW_COMMENT}


class TestAChange:
    def test_every_customer_on_the_ticket_is_told_what_became_of_what(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address, muted=True), FOLLOWER)

        (order,) = status_change(ticket, RESOLVED, default_policy())

        assert order == NoticeOrder(NoticeKind.STATUS, ANN.address, "", RESOLVED)

    def test_it_counts_toward_the_budget(self) -> None:
        ticket = replace(ANNS, sent={ANN.address: 20})

        (order,) = status_change(ticket, RESOLVED, default_policy())

        assert order.withheld


class TestTheNoteAddress:
    @pytest.mark.parametrize("first", [Purpose.REPLY, Purpose.NOTE])
    def test_beside_the_reply_address_it_is_a_note(self, first: Purpose) -> None:
        """The more private reading wins."""
        ticket = a_ticket(7, *ANNS.participants, FOLLOWER)
        world, mail = World(tickets=(ticket,), staff=DESK), a_mail(SAM.address)
        both = sorted((Purpose.REPLY, Purpose.NOTE), key=lambda purpose: purpose is not first)
        addresses = tuple(token_to(79, purpose=purpose) for purpose in both)
        envelope = Envelope("127.0.0.1", "", False, SAM.address, addresses)

        decision = decide(mail, world.facts(mail, envelope, SAM.address), world.policy)

        assert notified(decision, NoticeKind.COMMENT) == []

    @pytest.mark.parametrize("merged", [True, False])
    def test_so_it_is_beside_the_reply_address_of_another_ticket(self, merged: bool) -> None:
        """One that was merged into this one, or any other: it was not meant for customers alone."""
        ticket = a_ticket(7, *ANNS.participants, FOLLOWER)
        into = 7 if merged else None
        other = a_ticket(8, *ANNS.participants, FOLLOWER, merged_into=into)
        world, mail = World(tickets=(ticket, other), staff=DESK), a_mail(SAM.address)
        for reply, note in ((7, 8), (8, 7)):
            addresses = (token_to(79, reply), token_to(79, note, Purpose.NOTE))
            envelope = Envelope("127.0.0.1", "", False, SAM.address, addresses)

            decision = decide(mail, world.facts(mail, envelope, SAM.address), world.policy)

            assert notified(decision, NoticeKind.COMMENT) == []
            assert isinstance(decision.action, AddComment)
            kept = Visibility.NOTE if merged else Visibility.PRIVATE
            assert decision.action.visibility is kept


LEVEL = EscalationLevel(title="Duty manager", contact="duty@help.example")


class TestABudget:
    @pytest.mark.parametrize(("sent", "expected"), [(19, [SAM.address]), (20, [])])
    def test_it_is_staffs_as_well(self, sent: int, expected: list[str]) -> None:
        ticket = replace(ANNS, sent={SAM.address: sent})

        assert notified(reply(World(tickets=(ticket,))), NoticeKind.NEW_COMMENT) == expected

    @pytest.mark.parametrize(("sent", "expected"), [(19, [ANN.address]), (20, [])])
    def test_a_guest_cannot_have_the_requester_asked_without_end(
        self, sent: int, expected: list[str]
    ) -> None:
        ticket = replace(
            a_ticket(7, *ANNS.participants, member(72, PAT, ParticipantKind.GUEST)),
            sent={ANN.address: sent},
        )

        decision = reply(World(tickets=(ticket,)), a_mail(PAT, cc=("x@other.example",)), 72)

        assert notified(decision, NoticeKind.APPROVAL) == expected

    @pytest.mark.parametrize("text", ["#escalate Nobody answers.", "#escalate"])
    @pytest.mark.parametrize(("sent", "expected"), [(19, [ANN.address]), (20, [])])
    @pytest.mark.parametrize("levels", [(), (LEVEL,)])
    def test_the_receipts_of_escalations_are_within_it_done_or_refused(
        self, levels: tuple[EscalationLevel, ...], sent: int, expected: list[str], text: str
    ) -> None:
        policy = policy_with("escalation", levels=levels)
        world = World(tickets=(replace(ANNS, sent={ANN.address: sent}),), policy=policy)

        decision = reply(world, a_mail(text=text))

        orders = [o for o in decision.orders if o.kind is NoticeKind.RECEIPT]
        assert [o.address for o in orders] == expected
        withheld = [o for o in decision.withheld if o.kind is NoticeKind.RECEIPT]
        assert len(orders) + len(withheld) == 1

    def test_what_it_withholds_is_in_the_trace(self) -> None:
        ticket = replace(with_bob(), sent={BOB.address: 20, SAM.address: 20})

        decision = reply(World(tickets=(ticket,)))

        assert {o.kind for o in decision.orders} <= {NoticeKind.MORE, NoticeKind.STAFF_MORE}
        assert [o.address for o in decision.withheld] == [BOB.address, SAM.address]
        assert decision.trace[-1].outcome.endswith(
            "withheld, sent enough within the hour, 2: "
            f"comment to {BOB.address}, new comment to {SAM.address}"
        )

    def test_without_one_that_is_used_up_nothing_is_said_of_it(self) -> None:
        decision = reply(World(tickets=(with_bob(),)))

        assert decision.withheld == ()
        assert "withheld" not in decision.trace[-1].outcome

    @pytest.mark.parametrize(("sent", "expected"), [(39, 0), (40, 1)])
    def test_a_change_reports_what_it_withholds(self, sent: int, expected: int) -> None:
        ticket = replace(ANNS, sent={ANN.address: sent})
        facts = ChangeFacts(NOON, SAM.address, Source.API, by_staff=True, mailbox=SUPPORT)

        effects = decide_changes(ticket, [SetStatus(Status.RESOLVED)], facts, default_policy())

        assert isinstance(effects, Effects)
        status = [o for o in effects.notices if o.kind is NoticeKind.STATUS]
        assert [len(effects.withheld), len(status)] == [expected, 1 - expected]
        said = [each for each in map(str, effects.done) if "not sent" in each]
        assert len(said) == expected

    @pytest.mark.parametrize(("sent", "expected"), [(39, [SAM.address]), (40, [])])
    def test_a_staff_persons_auto_responder_gets_no_receipts_without_end(
        self, sent: int, expected: list[str]
    ) -> None:
        ticket = replace(a_ticket(7, *ANNS.participants, FOLLOWER), sent={SAM.address: sent})

        decision = reply(
            World(tickets=(ticket,)), a_mail(SAM.address, text="#away till Monday"), 79
        )

        assert notified(decision, NoticeKind.RECEIPT) == expected


class TestAnAnswerToTheQuestionForFeedback:
    def test_staff_read_it_and_nobody_else(self) -> None:
        decision = World(tickets=(with_bob(),)).decide(
            a_mail(text="It is broken again."), to=token_to(70, purpose=Purpose.FEEDBACK)
        )

        assert {order.kind for order in orders_of(decision)} == {NoticeKind.NEW_COMMENT}

    def test_with_the_one_word_he_leaves(self) -> None:
        decision = World(tickets=(with_bob(),)).decide(
            a_mail(text="", subject="#unsubscribe"), to=token_to(70, purpose=Purpose.FEEDBACK)
        )

        assert decision.reason is Reason.UNSUBSCRIBED


def test_staff_are_told_that_a_new_ticket_mentions_another() -> None:
    decision = World().decide(a_mail(BOB.address, subject="As in [#7]"))

    (order,) = (o for o in orders_of(decision) if o.kind is NoticeKind.NEW_TICKET)
    assert order.payload == NewTicketPayload(7)


def test_who_wants_no_answer_is_not_invited() -> None:
    mail = a_mail("new@acme.example", x_auto_response_suppress="All")

    assert orders_of(World().decide(mail)) == ()


class TestAnsweringLikeAMachine:
    """Within a minute, and less than 15 seconds after the notice that is answered."""

    NOTICE = UUID(int=int((NOON - timedelta(seconds=5)).timestamp() * 1000) << 80)
    """A UUIDv7 of that time."""

    def decided(self, author: str, before: int, token: int) -> Decision:
        """A reply to a notice of five seconds ago, after so many mails of its author."""
        recent = (Recent(NOON, False, 7),) * before
        staff = member(79, SAM.address, ParticipantKind.FOLLOWER)
        ticket = a_ticket(7, *with_bob().participants, staff)
        notice_id = message_id(KEYS, 1, 7, self.NOTICE, "help.example")
        mail = a_mail(author, in_reply_to=(notice_id,))
        return World(tickets=(ticket,), recent=recent).decide(mail, to=token_to(token))

    @pytest.mark.parametrize("before", [0, 1])
    def test_a_staff_persons_correction_reaches_the_customers(self, before: int) -> None:
        decision = self.decided(SAM.address, before, 79)

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address, BOB.address]

    def test_the_third_does_not_and_staff_are_alerted(self) -> None:
        decision = self.decided(SAM.address, 2, 79)

        assert notified(decision, NoticeKind.COMMENT) == []
        assert notified(decision, NoticeKind.ALERT) == [SAM.address]
        assert "answers at once, again" in decision.trace[-1].outcome

    @pytest.mark.parametrize(("before", "alerted"), [(1, [SAM.address]), (2, [])])
    def test_the_only_staff_person_is_alerted_once_of_what_waits_without_a_receipt(
        self, before: int, alerted: list[str]
    ) -> None:
        """Their mail reached the address of the mailbox, so that nothing of it is published."""
        decision = self.decided(SAM.address, before, 70)

        assert decision.reason is Reason.STAFF_WITHOUT_TOKEN
        assert [(o.kind, o.address) for o in orders_of(decision)] == [
            (NoticeKind.ALERT, address) for address in alerted
        ]

    def test_of_what_follows_there_is_no_other_alert(self) -> None:
        decision = self.decided(SAM.address, 3, 79)

        assert orders_of(decision) == ()
        assert f"not sent to {ANN.address}, {BOB.address}" in decision.trace[-1].outcome

    def test_of_a_customers_second_staff_are_told_that_others_did_not_get_it(self) -> None:
        decision = self.decided(BOB.address, 1, 71)

        assert notified(decision, NoticeKind.COMMENT) == []
        (order,) = orders_of(decision)
        assert order.address == SAM.address
        assert order.payload == NewCommentPayload(Visibility.PUBLIC, withheld=1)
        assert f"not sent to {ANN.address}" in decision.trace[-1].outcome

    def test_a_customers_first_is_sent_to_everybody(self) -> None:
        decision = self.decided(BOB.address, 0, 71)

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]
