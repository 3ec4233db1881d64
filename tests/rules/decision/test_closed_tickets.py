"""Replies to a ticket that is over: they reopen it, or open a follow-up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.model import AddComment, Decision, Moved, OpenTicket
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.mail import Attachment, Body, Mail
from rules.people import Participant, ParticipantKind, Presence
from rules.sender.authentication import Authentication
from rules.sender.tokens import Purpose
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertPayload, NewCommentPayload
from rules.ticket.severity import MailSeverity
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    GIL,
    GLOBEX,
    NOON,
    NOTHING,
    SAM,
    World,
    a_mail,
    a_ticket,
    alerted_of,
    default_policy,
    member,
    notified,
    orders_of,
    policy_with,
    preset,
    token_to,
)

EIGHT = a_ticket(8, member(80, ANN.address, ParticipantKind.REQUESTER))
FOLLOWER = member(79, SAM.address, ParticipantKind.FOLLOWER)
THANKS = a_mail(text="Thanks, it works!")


def number(decision: Decision) -> int | None:
    """The ticket that the comment is on; None for a new ticket."""
    assert isinstance(decision.action, AddComment | OpenTicket)
    return decision.action.ticket if isinstance(decision.action, AddComment) else None


def reply(*tickets: Ticket, mail: Mail | None = None, participant: int = 70) -> Decision:
    """The decision on a reply to Ann's token of #7."""
    return World(tickets=tickets).decide(mail or a_mail(), to=token_to(participant))


def opened(decision: Decision) -> OpenTicket[MailSeverity]:
    assert isinstance(decision.action, OpenTicket)
    return decision.action


def moved(decision: Decision) -> Moved | None:
    assert isinstance(decision.action, AddComment)
    return decision.action.moved


def resolved(days: float, *members: Participant) -> Ticket:
    """Ann's ticket, resolved so many days ago."""
    since = NOON - timedelta(days=days)
    return a_ticket(7, *ANNS.participants, *members, status=Status.RESOLVED, status_at=since)


def clicked(text: str, kinds: tuple[str, ...]) -> Mail:
    """A mail with parts of these types, of which the first was made by a click."""
    files = tuple(
        Attachment(str(n), "x", kind, 9, "", inline=False, is_click=n == 1)
        for n, kind in enumerate(kinds, 1)
    )
    return replace(a_mail(), body=Body(text, "", False, files))


class TestAReplyToAResolvedTicket:
    def test_within_the_reopening_period_a_reply_reopens_the_ticket(self) -> None:
        decision = reply(resolved(13))

        assert decision.verdict is Verdict.COMMENTED
        assert moved(decision) == Moved(Status.RESOLVED, Status.OPEN)

    def test_after_fourteen_days_a_reply_opens_a_follow_up(self) -> None:
        decision = reply(resolved(14))

        assert (decision.verdict, decision.reason) == (Verdict.OPENED, Reason.FOLLOW_UP)
        assert opened(decision).follows == 7

    def test_follow_ups_are_new_tickets_and_count_as_such(self) -> None:
        nine, ten = ((Recent(NOON, True, n) for n in range(20, 20 + most)) for most in (9, 10))
        again = a_mail(text="It is broken again.")

        for recent, verdict in ((nine, Verdict.OPENED), (ten, Verdict.HELD)):
            world = World(tickets=(resolved(14),), recent=tuple(recent))
            assert world.decide(again, to=token_to(70)).verdict is verdict

    def test_many_follow_ups_do_not_stop_a_comment_and_staff_release_what_is_held(self) -> None:
        many = tuple(Recent(NOON, True, n) for n in range(20, 30))
        by_staff = Authentication.by_staff("sam")

        thanked = World(tickets=(resolved(14),), recent=many).decide(THANKS, to=token_to(70))
        released = World(tickets=(resolved(14),), recent=many, proof=by_staff)

        assert thanked.verdict is Verdict.COMMENTED
        assert released.decide(a_mail(), to=token_to(70)).reason is Reason.FOLLOW_UP

    def test_the_policy_sets_the_reopening_period(self) -> None:
        world = World(tickets=(resolved(2),), policy=policy_with("lifecycle", reopen_days=1))

        assert world.decide(a_mail(), to=token_to(70)).reason is Reason.FOLLOW_UP

    @pytest.mark.parametrize("days", [1, 20])
    def test_thanks_alone_are_stored_and_do_not_reopen(self, days: int) -> None:
        decision = reply(resolved(days), mail=THANKS)

        assert isinstance(decision.action, AddComment)
        assert decision.action.visibility is Visibility.PUBLIC
        assert moved(decision) is None

    @pytest.mark.parametrize("days", [1, 20])
    @pytest.mark.parametrize(
        ("text", "kinds"),
        [
            ("👍", ()),
            ("👎\n\nAnn reacted via Gmail <https://www.google.com/gmail/about/>", ()),
            ("👍\n\nAnn reacted via Gmail", ("text/vnd.google.email-reaction+json",)),
            ("Ann Abel has accepted this invitation.", ("text/calendar", "application/ics")),
            ("", ("text/calendar",)),
        ],
    )
    def test_so_are_reactions_and_answers_to_invitations(
        self, text: str, kinds: tuple[str, ...], days: int
    ) -> None:
        decision = reply(resolved(days), mail=clicked(text, kinds))

        assert isinstance(decision.action, AddComment)
        assert decision.action.visibility is Visibility.PUBLIC
        assert moved(decision) is None

    def test_a_click_with_another_file_is_more(self) -> None:
        mail = clicked("Ann has accepted.", ("text/calendar", "image/png"))

        assert moved(reply(resolved(1), mail=mail)) is not None

    def test_thanks_with_a_question_reopen_the_ticket(self) -> None:
        mail = a_mail(text="Thanks! Does it work for Bob?")

        assert moved(reply(resolved(1), mail=mail)) is not None

    def test_a_mail_without_a_readable_body_is_more_than_the_thanks_in_its_subject(self) -> None:
        mail = a_mail(subject="Thanks", unreadable="too deep")

        assert moved(reply(resolved(1), mail=mail)) is not None
        assert reply(resolved(20), mail=mail).reason is Reason.FOLLOW_UP

    @pytest.mark.parametrize("days", [1, 20])
    def test_a_flagged_mail_neither_reopens_nor_opens_a_follow_up(self, days: int) -> None:
        decision = reply(resolved(days), mail=a_mail(BOB.address))

        assert decision.verdict is Verdict.FLAGGED
        assert moved(decision) is None

    @pytest.mark.parametrize("days", [1, 20])
    def test_an_automatic_mail_neither_reopens_nor_opens_a_follow_up(self, days: int) -> None:
        mail = a_mail(auto_submitted="auto-replied")

        assert reply(resolved(days), mail=mail).verdict is Verdict.RECORDED

    @pytest.mark.parametrize("days", [1, 20])
    def test_a_reply_by_staff_leaves_the_status_as_it_is(self, days: int) -> None:
        decision = reply(resolved(days, FOLLOWER), mail=a_mail(SAM.address), participant=79)

        assert decision.verdict is Verdict.COMMENTED
        assert moved(decision) is None

    def test_a_reply_opens_a_pending_ticket(self) -> None:
        assert moved(reply(replace(ANNS, status=Status.PENDING))) == Moved(
            Status.PENDING, Status.OPEN
        )

    def test_the_notice_to_staff_names_the_change_of_status(self) -> None:
        (order,) = [o for o in orders_of(reply(resolved(1))) if o.kind is NoticeKind.NEW_COMMENT]

        assert isinstance(order.payload, NewCommentPayload)
        assert order.payload.status == "resolved → open"


def closed(*members: Participant, **changes: Any) -> Ticket:
    return a_ticket(7, *ANNS.participants, *members, status=Status.CLOSED, **changes)


class TestAReplyToAClosedTicket:
    def test_a_reply_opens_a_follow_up_that_names_the_closed_ticket(self) -> None:
        action = opened(reply(closed(subject="Printer")))

        assert (action.follows, action.subject, action.mentions) == (7, "Printer", None)

    def test_the_requester_stays_the_same_whoever_writes(self) -> None:
        bob = member(71, BOB.address)

        action = opened(reply(closed(bob), mail=a_mail(BOB.address), participant=71))

        assert (action.requester, action.author) == (ANN.address, BOB.address)
        assert action.company == ANNS.company

    def test_the_active_people_are_on_the_follow_up_and_who_was_removed_stays_removed(self) -> None:
        members = (
            member(71, BOB.address),
            member(72, "pat@partner.example", ParticipantKind.GUEST),
            member(73, "pending@acme.example", presence=Presence.PENDING),
            member(74, "removed@acme.example", presence=Presence.REMOVED),
            FOLLOWER,
            replace(FOLLOWER, address="sue@help.example", presence=Presence.REMOVED),
        )

        added = opened(reply(closed(*members))).additions

        assert [(a.address, a.part, a.presence) for a in added] == [
            (BOB.address, ParticipantKind.USER, Presence.ACTIVE),
            ("pat@partner.example", ParticipantKind.GUEST, Presence.ACTIVE),
            ("removed@acme.example", ParticipantKind.USER, Presence.REMOVED),
            (SAM.address, ParticipantKind.FOLLOWER, Presence.ACTIVE),
        ]

    def test_a_reply_to_all_brings_nobody_back_who_was_removed(self) -> None:
        mail = a_mail(cc=(BOB.address,))
        removed = closed(member(71, BOB.address, presence=Presence.REMOVED))

        added = opened(reply(removed, mail=mail)).additions

        assert [(a.address, a.presence) for a in added] == [(BOB.address, Presence.REMOVED)]

    def test_who_is_proposed_while_the_requester_gets_no_mail_is_named_to_staff(self) -> None:
        pat, bob = "pat@partner.example", member(71, BOB.address)
        left = replace(ANNS.participants[0], reachable=False)
        ticket = replace(closed(), participants=(left, bob))

        decision = reply(ticket, mail=a_mail(BOB.address, cc=(pat,)), participant=71)

        assert notified(decision, NoticeKind.APPROVAL) == []
        (alert,) = (o for o in orders_of(decision) if o.kind is NoticeKind.ALERT)
        assert alert.address == SAM.address
        assert f"{BOB.address} asks to add {pat}, and the requester" in alerted_of(alert)

    def test_who_was_only_proposed_is_proposed_again_if_a_mail_names_them(self) -> None:
        pat = "pat@partner.example"
        proposed = closed(member(71, pat, ParticipantKind.GUEST, Presence.PENDING))

        decision = reply(proposed, mail=a_mail(cc=(pat,)))

        assert [(a.address, a.presence) for a in opened(decision).additions] == [
            (pat, Presence.PENDING)
        ]
        assert notified(decision, NoticeKind.APPROVAL) == [ANN.address]

    def test_a_person_who_is_copied_in_joins_the_follow_up(self) -> None:
        added = opened(reply(closed(), mail=a_mail(cc=(BOB.address,)))).additions

        assert [(a.address, a.presence) for a in added] == [(BOB.address, Presence.ACTIVE)]

    def test_the_others_are_sent_the_comment_as_usual(self) -> None:
        decision = reply(closed(member(71, BOB.address)))

        assert notified(decision, NoticeKind.COMMENT) == [BOB.address]
        assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [ANN.address]
        assert notified(decision, NoticeKind.NEW_TICKET) == [SAM.address]

    @pytest.mark.parametrize("comment", ["T1", "token"])
    def test_the_senders_own_token_alone_is_not_enough_for_a_follow_up(self, comment: str) -> None:
        policy = policy_with("proof", comment=comment)
        world = World(tickets=(closed(),), proof=NOTHING, policy=policy)

        decision = world.decide(a_mail(), to=token_to(70))

        assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.TOKEN_ONLY)

    def test_a_guest_of_the_ticket_may_open_its_follow_up(self) -> None:
        guest = member(72, "pat@partner.example", ParticipantKind.GUEST)

        decision = reply(closed(guest), mail=a_mail(guest.address), participant=72)

        assert decision.reason is Reason.FOLLOW_UP
        assert opened(decision).requester == ANN.address

    def test_the_requester_keeps_their_language_whoever_writes(self) -> None:
        mail = a_mail(BOB.address, content_language="de")

        action = opened(reply(closed(member(71, BOB.address)), mail=mail, participant=71))

        assert action.language == ""

    def test_the_requester_is_asked_about_the_people_proposed_with_the_follow_up(self) -> None:
        decision = reply(closed(), mail=a_mail(cc=("pat@partner.example",)))

        assert notified(decision, NoticeKind.APPROVAL) == [ANN.address]

    def test_a_guest_does_not_change_the_tier(self) -> None:
        guest = member(72, "pat@partner.example", ParticipantKind.GUEST)
        world = World(tickets=(closed(guest, tier="enterprise"),), policy=preset("aiven"))

        decision = world.decide(a_mail(guest.address), to=token_to(72))

        assert opened(decision).tier == "enterprise"

    def test_a_guest_of_another_company_brings_neither_its_plan_nor_its_account_team(self) -> None:
        globex = replace(
            GLOBEX, tier="premium", account_team=("team@help.example",), success_manager=BOB.address
        )
        guest = replace(GIL, company=globex)
        ticket = closed(member(72, guest.address, ParticipantKind.GUEST), tier="standard")
        people = (ANN, BOB, guest, SAM)
        mail = a_mail(guest.address, text="#escalate\nIt is down again.")

        decision = World(people=people, tickets=(ticket,), policy=preset("stakater")).decide(
            mail, to=token_to(72)
        )

        action = opened(decision)
        assert (action.company, action.tier) == (ticket.company, "standard")
        assert notified(decision, NoticeKind.ACCOUNT_TEAM) == []
        assert BOB.address not in notified(decision, NoticeKind.ESCALATION)

    def test_thanks_alone_are_stored_on_the_closed_ticket(self) -> None:
        decision = reply(closed(), mail=THANKS)

        assert (decision.verdict, number(decision)) == (Verdict.COMMENTED, 7)
        assert moved(decision) is None

    def test_later_replies_go_to_the_follow_up(self) -> None:
        decision = reply(closed(follow_up=8), EIGHT)

        assert (decision.verdict, number(decision)) == (Verdict.COMMENTED, 8)

    def test_a_closed_follow_up_gets_a_follow_up_of_its_own(self) -> None:
        eight = replace(EIGHT, status=Status.CLOSED)

        assert opened(reply(closed(follow_up=8), eight)).follows == 8

    def test_a_follow_up_that_was_deleted_is_not_followed(self) -> None:
        decision = reply(closed(follow_up=8), replace(EIGHT, deleted=True))

        assert decision.reason is Reason.NEW_REQUEST

    def test_replies_to_a_reopened_ticket_stay_on_it(self) -> None:
        assert number(reply(replace(ANNS, follow_up=8), EIGHT)) == 7


@pytest.mark.parametrize("leads_on", ["merged_into", "follow_up"])
def test_a_token_is_dead_once_its_holder_was_removed_where_it_leads(leads_on: str) -> None:
    leads: dict[str, Any] = {leads_on: 8}
    people = (*ANNS.participants, member(71, BOB.address))
    before = replace(ANNS, participants=people, status=Status.CLOSED, **leads)
    on_it = a_ticket(8, *EIGHT.participants, member(81, BOB.address))
    off_it = a_ticket(8, *EIGHT.participants, member(81, BOB.address, presence=Presence.REMOVED))
    stranger = a_mail("eve@evil.example")

    flagged = World(tickets=(before, on_it)).decide(stranger, to=token_to(71))
    refused = World(tickets=(before, off_it)).decide(stranger, to=token_to(71))

    assert (flagged.verdict, number(flagged)) == (Verdict.FLAGGED, 8)
    assert (refused.verdict, refused.reason) == (Verdict.REFUSED, Reason.STRANGER)


class TestATokenWhoseHolderWasRemovedFromWhereItLed:
    """Bob had the token on #7, which leads on to #8; he was removed from that one."""

    @pytest.fixture(params=["merged_into", "follow_up"])
    def tickets(self, request: pytest.FixtureRequest) -> tuple[Ticket, Ticket]:
        leads: dict[str, Any] = {request.param: 8}
        people = (*ANNS.participants, member(71, BOB.address))
        off_it = member(81, BOB.address, presence=Presence.REMOVED)
        return (
            replace(ANNS, participants=people, status=Status.CLOSED, **leads),
            a_ticket(8, *EIGHT.participants, off_it),
        )

    @pytest.mark.parametrize("leads_on", ["merged_into", "follow_up"])
    def test_it_stays_dead_on_a_ticket_that_comes_after_that_one(
        self, tickets: tuple[Ticket, Ticket], leads_on: str
    ) -> None:
        seven, eight = tickets
        leads: dict[str, Any] = {leads_on: 9}
        passed = replace(eight, status=Status.CLOSED, **leads)
        nine = a_ticket(9, member(90, ANN.address, ParticipantKind.REQUESTER))
        stranger = a_mail("eve@evil.example")

        decision = World(tickets=(seven, passed, nine)).decide(stranger, to=token_to(71))

        assert (decision.verdict, decision.reason) == (Verdict.REFUSED, Reason.STRANGER)

    def test_a_user_of_another_company_opens_a_ticket_with_it(
        self, tickets: tuple[Ticket, Ticket]
    ) -> None:
        decision = World(tickets=tickets).decide(a_mail(GIL.address), to=token_to(71))

        assert (decision.verdict, decision.reason) == (Verdict.OPENED, Reason.NEW_REQUEST)

    @pytest.mark.parametrize("unauthenticated", ["refuse", "hold"])
    def test_it_vouches_for_nobody(
        self, tickets: tuple[Ticket, Ticket], unauthenticated: str
    ) -> None:
        policy = default_policy(unauthenticated=unauthenticated)
        world = World(tickets=tickets, proof=NOTHING, policy=policy)

        with_it = world.decide(a_mail(BOB.address), to=token_to(71))
        without = world.decide(a_mail(BOB.address))

        assert (with_it.action, with_it.reason) == (without.action, without.reason)


class TestFeedbackThatItIsBrokenAgain:
    def answered(self, text: str, ticket: Ticket) -> Decision:
        world = World(tickets=(ticket,))
        return world.decide(a_mail(text=text), to=token_to(70, purpose=Purpose.FEEDBACK))

    def alerts(self, decision: Decision) -> list[NoticeOrder]:
        return [order for order in decision.orders if order.kind is NoticeKind.ALERT]

    def test_it_stays_feedback_and_staff_are_alerted_with_a_link_that_reopens(self) -> None:
        decision = self.answered("It is broken again.", resolved(1))

        (alert,) = self.alerts(decision)
        assert decision.reason is Reason.FEEDBACK
        assert moved(decision) is None
        assert alert.address == SAM.address
        assert isinstance(alert.payload, AlertPayload)
        assert alert.payload.reopens

    def test_staff_see_in_its_notice_that_it_is_feedback(self) -> None:
        decision = self.answered("Well done.", resolved(1))

        payloads = [o.payload for o in decision.orders if o.kind is NoticeKind.NEW_COMMENT]
        assert payloads == [NewCommentPayload(Visibility.NOTE, feedback=True)]

    def test_so_is_that_of_somebody_else_on_the_ticket_at_the_same_address(self) -> None:
        """Ann's answer has the address in To, and Bob, in Cc, replies to all."""
        ticket = resolved(1)
        bob = member(71, BOB.address)
        world = World(tickets=(replace(ticket, participants=(*ticket.participants, bob)),))
        feedback = token_to(70, purpose=Purpose.FEEDBACK)
        mail = a_mail(BOB.address, text="Between us, Ann wants to cancel.")

        decision = world.decide(mail, to=feedback)

        assert decision.reason is Reason.FEEDBACK
        assert moved(decision) is None
        assert isinstance(decision.action, AddComment)
        assert decision.action.visibility is Visibility.NOTE

    @pytest.mark.parametrize("text", ["Great help, thanks a lot!", "It works again."])
    def test_praise_alerts_nobody(self, text: str) -> None:
        assert self.alerts(self.answered(text, resolved(1))) == []

    def test_nobody_is_alerted_while_the_ticket_is_open(self) -> None:
        assert self.alerts(self.answered("Still broken.", ANNS)) == []
