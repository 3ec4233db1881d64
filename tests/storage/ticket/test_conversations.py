"""Mails on tickets in the store: follow-ups, reopening, unsubscribing, late parents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.decision.effects import PresenceChanged, StatusChanged, Unsubscribed
from rules.decision.model import AddComment, OpenTicket
from rules.decision.reasons import Reason, Verdict
from rules.mail import Mail, Mailbox
from rules.people import ParticipantKind, Presence, Role
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from storage.db.ledger import Conflict
from storage.db.tables import AuditRow, CommentRow, NoticeRow, ThreadReferenceRow, TicketRow
from storage.mail.apply import apply
from storage.notices import suppression
from storage.registry import companies, people
from storage.ticket import load
from storage.ticket.write import write
from tests.rules.building import ANN, BOB, GIL, NOON, NOTHING, SAM, a_mail, our_id
from tests.storage.shop import Shop, opened

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COPIED = a_mail(cc=(BOB.address,))
PARENT, CHILD = "<parent@client.example>", "<child@client.example>"


class TestLoading:
    def test_a_ticket_is_loaded_with_its_people_in_order(self, shop: Shop) -> None:
        number = opened(shop.take(COPIED))

        ticket = shop.ticket(number)

        assert (ticket.requester, ticket.subject, ticket.status) == (
            ANN.address,
            "Printer",
            Status.OPEN,
        )
        customers = [(p.address, p.part) for p in ticket.participants if not p.is_staff]
        assert customers == [
            (ANN.address, ParticipantKind.REQUESTER),
            (BOB.address, ParticipantKind.USER),
        ]

    def test_no_ticket_of_another_mailbox_is_found(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail()))
        other = Mailbox(shop.mailbox.id + 1, "other@help.example", "default")

        found = shop.database.read(lambda c: load.load(c, other, [number], NOON))

        assert found == {}

    def test_the_merge_target_and_the_follow_up_are_loaded_as_well(self, shop: Shop) -> None:
        first, second, third = (opened(shop.take(a_mail())) for _ in range(3))
        shop.set(first, merged_into=second)
        shop.set(third, follows=second)

        facts = shop.known_of(a_mail(references=(our_id(first),)))

        assert set(facts.tickets) == {first, second, third}
        assert facts.tickets[second].follow_up == third

    def test_a_circle_ends(self, shop: Shop) -> None:
        first, second = (opened(shop.take(a_mail())) for _ in range(2))
        shop.set(first, merged_into=second)
        shop.set(second, merged_into=first)

        receipt = shop.take(a_mail(references=(our_id(first),)))

        assert receipt.reason is Reason.NEW_REQUEST

    def test_a_number_that_does_not_exist_leads_nowhere(self, shop: Shop) -> None:
        assert shop.known_of(a_mail(references=(our_id(99),))).tickets == {}

    def test_notices_of_the_last_hour_are_counted_by_address(self, shop: Shop) -> None:
        number = opened(shop.take(COPIED))
        for _ in range(3):
            shop.take(a_mail(), to=shop.token(number, ANN.address))

        assert shop.ticket(number).sent[BOB.address] == 3
        assert shop.ticket(number, NOON + HOUR).sent == {}

    def test_a_deactivated_person_is_not_reachable(self, shop: Shop) -> None:
        number = opened(shop.take(COPIED))
        shop.write(
            lambda c: people.set_person_active(c, shop.mailbox, Role.USER, BOB.address, False)
        )

        assert not shop.member(number, BOB.address).reachable
        assert shop.member(number, ANN.address).reachable

    def test_nobody_of_a_suspended_company_is_reachable(self, shop: Shop) -> None:
        number = opened(shop.take(COPIED))
        shop.write(lambda c: companies.set_company_active(c, shop.mailbox, "Acme", False))

        assert not shop.member(number, BOB.address).reachable

    def test_an_address_is_unreachable_from_its_second_hard_bounce_on(self, shop: Shop) -> None:
        number = opened(shop.take(COPIED))
        reachable = []
        for _ in range(2):
            shop.write(
                lambda c: suppression.record_hard_failure(
                    c, shop.mailbox.id, BOB.address, "gone", NOON
                )
            )
            reachable.append(shop.member(number, BOB.address).reachable)

        assert reachable == [True, False]


def move(shop: Shop, number: int, was: str, became: str) -> None:
    effects = (StatusChanged(Status(was), Status(became), ""),)
    shop.write(lambda c: write(c, shop.context(), number, effects, {}))


class TestReopening:
    @pytest.fixture
    def resolved(self, shop: Shop) -> int:
        number = opened(shop.take(a_mail()))
        move(shop, number, "open", "resolved")
        return number

    def test_a_reply_opens_a_resolved_ticket_and_leaves_a_trail(
        self, shop: Shop, resolved: int
    ) -> None:
        shop.take(a_mail(), to=shop.token(resolved, ANN.address), at=NOON + DAY)

        ticket = shop.ticket(resolved, NOON + DAY)
        assert (ticket.status, ticket.status_at) == (Status.OPEN, NOON + DAY)
        assert shop.count(AuditRow, event="status_changed", was="resolved", became="open") == 1

    def test_a_reply_decided_on_an_outdated_status_is_a_conflict(
        self, shop: Shop, resolved: int
    ) -> None:
        entry = shop.entry(a_mail(), to=shop.token(resolved, ANN.address))
        decision = shop.database.read(lambda c: shop.decide(c, entry))
        assert isinstance(decision.action, AddComment)
        shop.set(resolved, status="closed")

        with pytest.raises(Conflict):
            shop.write(lambda c: apply(c, entry, decision, shop.policy))
        assert shop.count(CommentRow, ticket_id=resolved) == 1

    def test_how_often_it_was_reopened_within_the_hour_is_counted(
        self, shop: Shop, resolved: int
    ) -> None:
        for was, became in (("resolved", "open"), ("open", "resolved")) * 2:
            move(shop, resolved, was, became)

        assert shop.ticket(resolved).reopened == 2
        assert shop.ticket(resolved, NOON + HOUR).reopened == 0

    def test_closing_a_resolved_ticket_is_not_counted_as_reopening(
        self, shop: Shop, resolved: int
    ) -> None:
        move(shop, resolved, "resolved", "closed")

        assert shop.ticket(resolved).reopened == 0

    def test_a_status_changes_once(self, shop: Shop, resolved: int) -> None:
        move(shop, resolved, "resolved", "closed")

        with pytest.raises(Conflict):
            move(shop, resolved, "resolved", "closed")
        assert shop.count(AuditRow, became="closed") == 1


class TestFollowUps:
    @pytest.fixture
    def closed(self, shop: Shop) -> int:
        number = opened(shop.take(COPIED))
        shop.set(number, status="closed", status_at=NOON)
        return number

    def test_a_follow_up_is_one_new_ticket_with_the_same_people(
        self, shop: Shop, closed: int
    ) -> None:
        receipt = shop.take(a_mail(BOB.address), to=shop.token(closed, BOB.address))

        following = shop.ticket(opened(receipt))
        assert receipt.reason is Reason.FOLLOW_UP
        assert following.requester == ANN.address
        customers = [p.address for p in following.participants if not p.is_staff]
        assert sorted(customers) == [ANN.address, BOB.address]
        assert shop.ticket(closed).follow_up == following.id

    def test_later_replies_to_the_old_tokens_go_to_the_follow_up(
        self, shop: Shop, closed: int
    ) -> None:
        first = shop.take(a_mail(), to=shop.token(closed, ANN.address))
        second = shop.take(a_mail(BOB.address), to=shop.token(closed, BOB.address))

        assert (second.verdict, second.ticket) == (Verdict.COMMENTED, first.ticket)

    def test_of_two_follow_ups_at_the_same_time_the_second_is_a_conflict(
        self, shop: Shop, closed: int
    ) -> None:
        entry = shop.entry(a_mail(BOB.address), to=shop.token(closed, BOB.address))
        decision = shop.database.read(lambda c: shop.decide(c, entry))
        assert isinstance(decision.action, OpenTicket)
        shop.take(a_mail(), to=shop.token(closed, ANN.address))

        with pytest.raises(Conflict, match="follow-up"):
            shop.write(lambda c: apply(c, entry, decision, shop.policy))
        assert shop.count(TicketRow, follows=closed) == 1


class TestUnsubscribing:
    @pytest.fixture
    def number(self, shop: Shop) -> int:
        number = opened(shop.take(COPIED))
        leaving = a_mail(BOB.address, text="#unsubscribe")
        shop.take(leaving, to=shop.token(number, BOB.address))
        return number

    def test_they_stay_on_the_ticket_and_get_no_more_mail(self, shop: Shop, number: int) -> None:
        shop.take(a_mail(), to=shop.token(number, ANN.address))

        bob = shop.member(number, BOB.address)
        assert (bob.presence, bob.muted) == (Presence.ACTIVE, True)
        assert [notice.kind for notice in shop.notices(BOB.address)] == [NoticeKind.RECEIPT]

    def test_they_may_still_write(self, shop: Shop, number: int) -> None:
        receipt = shop.take(a_mail(BOB.address), to=shop.token(number, BOB.address))

        assert receipt.verdict is Verdict.COMMENTED

    def test_their_mail_is_folded_on_the_ticket(self, shop: Shop, number: int) -> None:
        assert shop.count(CommentRow, author=BOB.address, visibility="folded") == 1

    def test_a_second_time_changes_nothing(self, shop: Shop, number: int) -> None:
        bob = shop.member(number, BOB.address)

        effects = (Unsubscribed(bob.id, bob.address),)
        shop.write(lambda c: write(c, shop.context(), number, effects, {}))
        assert shop.count(AuditRow, event="unsubscribed") == 1

    def test_a_person_who_is_added_again_gets_mail_again(self, shop: Shop, number: int) -> None:
        steps = ((Presence.ACTIVE, Presence.REMOVED), (Presence.REMOVED, Presence.ACTIVE))
        for was, became in steps:
            effects = (PresenceChanged(BOB.address, was, became),)
            shop.write(lambda c: write(c, shop.context(), number, effects, {}))  # noqa: B023

        assert shop.member(number, BOB.address).is_notified


class TestLateParents:
    def test_a_reply_that_comes_before_its_parent_records_the_parents_id(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail(message_id=CHILD, references=(PARENT,))))

        assert shop.count(ThreadReferenceRow, message_id=PARENT, ticket_id=number) == 1

    def test_its_late_parent_joins_the_ticket(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail(message_id=CHILD, in_reply_to=(PARENT,))))

        receipt = shop.take(a_mail(message_id=PARENT))

        assert (receipt.reason, receipt.ticket) == (Reason.LATE_PARENT, number)

    def test_another_reply_to_the_same_parent_joins_the_ticket(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail(message_id=CHILD, references=(PARENT,))))

        receipt = shop.take(a_mail(message_id="<2@client.example>", references=(PARENT,)))

        assert (receipt.reason, receipt.ticket) == (Reason.LATE_PARENT, number)

    def test_once_the_parent_is_there_its_id_is_known(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail(message_id=CHILD, references=(PARENT,))))
        shop.take(a_mail(message_id=PARENT))

        receipt = shop.take(a_mail(message_id="<3@client.example>", references=(PARENT,)))

        assert (receipt.reason, receipt.ticket) == (Reason.KNOWN_MESSAGE_ID, number)

    def test_a_parent_of_another_company_joins_nothing(self, shop: Shop) -> None:
        first = opened(shop.take(a_mail(message_id=CHILD, references=(PARENT,))))

        receipt = shop.take(a_mail("gil@globex.example", message_id=PARENT))

        assert receipt.verdict is Verdict.OPENED
        assert receipt.ticket != first


class TestAnIdThatOthersBrought:
    """Gil of another company is on Ann's ticket, and names there the id of a mail that she has."""

    LETTER = "<newsletter@elsewhere.example>"

    def shared(self, shop: Shop, gils: Mail) -> int:
        number = opened(shop.take(a_mail(cc=(GIL.address,), message_id="<1@acme.example>")))
        became = (PresenceChanged(GIL.address, Presence.PENDING, Presence.ACTIVE),)
        shop.write(lambda c: write(c, shop.context(), number, became, {}))
        receipt = shop.take(gils, to=shop.token(number, GIL.address))
        assert (receipt.verdict, receipt.ticket) == (Verdict.COMMENTED, number)
        return number

    def test_her_forward_of_that_mail_is_not_published_there(self, shop: Shop) -> None:
        number = self.shared(shop, a_mail(GIL.address, message_id=self.LETTER))
        comments = shop.count(CommentRow, ticket_id=number)

        first = opened(shop.take(a_mail(message_id="<2@acme.example>", references=(self.LETTER,))))
        again = shop.take(a_mail(message_id="<3@acme.example>", references=(self.LETTER,)))

        assert shop.count(TicketRow, id=first, mentions=number) == 1
        assert shop.count(CommentRow, ticket_id=number) == comments
        assert again.ticket == first  # where she herself named the id

    def test_an_answer_that_goes_to_him_as_well_is(self, shop: Shop) -> None:
        number = self.shared(shop, a_mail(GIL.address, message_id=self.LETTER))

        receipt = shop.take(
            a_mail(message_id="<2@acme.example>", references=(self.LETTER,), cc=(GIL.address,))
        )

        assert (receipt.verdict, receipt.ticket) == (Verdict.COMMENTED, number)

    def test_an_answer_to_his_answer_names_her_own_mail_too(self, shop: Shop) -> None:
        number = self.shared(shop, a_mail(GIL.address, message_id=self.LETTER))

        receipt = shop.take(
            a_mail(message_id="<2@acme.example>", references=("<1@acme.example>", self.LETTER))
        )

        assert (receipt.verdict, receipt.ticket) == (Verdict.COMMENTED, number)

    def test_a_mail_of_a_registered_colleague_leads_her_there(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail(BOB.address, cc=(ANN.address,), message_id=self.LETTER)))

        receipt = shop.take(a_mail(message_id="<2@acme.example>", references=(self.LETTER,)))

        assert (receipt.verdict, receipt.ticket) == (Verdict.COMMENTED, number)


class TestWhatIsKnownOfTheAuthor:
    def test_their_mails_of_the_last_hour_are_known(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail(), at=NOON - HOUR))
        shop.take(a_mail(), to=shop.token(number, ANN.address), at=NOON - HOUR / 2)

        recent = shop.known_of(a_mail()).recent

        assert [(r.decided_at, r.opened, r.ticket) for r in recent] == [
            (NOON - HOUR / 2, False, number)
        ]

    def test_the_mails_of_others_are_not_counted(self, shop: Shop) -> None:
        shop.take(a_mail(BOB.address))

        assert shop.known_of(a_mail()).recent == ()

    def test_an_eleventh_ticket_within_the_hour_is_held(self, shop: Shop) -> None:
        for _ in range(10):
            shop.take(a_mail())

        receipts = [shop.take(a_mail(), at=NOON + delay) for delay in (HOUR / 2, HOUR)]

        assert [r.reason for r in receipts] == [Reason.TOO_MANY_TICKETS, Reason.NEW_REQUEST]

    def test_the_staff_of_the_mailbox_are_known_as_long_as_they_are_active(
        self, shop: Shop
    ) -> None:
        before = shop.known_of(a_mail()).staff
        shop.write(
            lambda c: people.set_person_active(c, shop.mailbox, Role.STAFF, SAM.address, False)
        )

        assert [person.address for person in before] == [SAM.address]
        assert shop.known_of(a_mail()).staff == ()

    def test_the_staff_are_not_looked_up_for_a_stranger(self, shop: Shop) -> None:
        assert shop.known_of(a_mail("eve@evil.example")).staff == ()

    def test_an_address_that_bounces_is_not_added(self, shop: Shop) -> None:
        for _ in range(2):
            shop.write(
                lambda c: suppression.record_hard_failure(
                    c, shop.mailbox.id, BOB.address, "gone", NOON
                )
            )

        number = opened(shop.take(COPIED))

        assert shop.ticket(number).participant(BOB.address) is None

    def test_a_token_alone_only_flags_in_the_store_as_well(self, shop: Shop) -> None:
        number = opened(shop.take(a_mail()))

        receipt = shop.take(a_mail(), to=shop.token(number, ANN.address), proof=NOTHING)

        assert (receipt.verdict, receipt.ticket) == (Verdict.FLAGGED, number)


def test_a_notice_that_quotes_carries_the_comment_that_caused_it(shop: Shop) -> None:
    number = opened(shop.take(COPIED))
    shop.take(a_mail(text="Second."), to=shop.token(number, ANN.address))

    assert shop.count(NoticeRow, address=BOB.address, comment_id=None) == 0
    assert [notice.kind for notice in shop.notices(BOB.address)] == [NoticeKind.COMMENT]
