"""The rights of a signed link are looked up at each use, and what it does is done once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import Row, insert, select, update

from rules.decision.change.comments import MOST_RATINGS
from rules.decision.effects import PresenceChanged
from rules.mail import Mailbox
from rules.people import ParticipantKind, Presence, Role
from rules.sender.tokens import Link
from rules.service.participants import Addition
from rules.ticket.changes import Rate, Rating, Source
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.db.tables import AuditRow, CommentRow, NoticeRow, ParticipantRow, TicketRow, table
from storage.notices import links
from storage.notices.links import Decided, Proposal
from storage.registry.people import set_person_active
from storage.ticket import read
from storage.ticket.rows import ChangeContext, add_participants
from storage.ticket.write import write
from tests.rules.building import NOON, default_policy, policy_with

_ticket, _participant = table(TicketRow), table(ParticipantRow)
_notice = table(NoticeRow)
_audit, _comment = table(AuditRow), table(CommentRow)

Answer = tuple[Proposal, Decided] | None
Decision = Callable[[Connection], Answer]

ANN, BOB, SAM = "ann@acme.example", "bob@acme.example", "sam@help.example"
EVE, FAY = "eve@elsewhere.example", "fay@elsewhere.example"
ON_IT = (
    Addition(ANN, None, ParticipantKind.REQUESTER, Presence.ACTIVE),
    Addition(BOB, None, ParticipantKind.USER, Presence.ACTIVE),
    Addition(SAM, None, ParticipantKind.FOLLOWER, Presence.ACTIVE),
    Addition(EVE, None, ParticipantKind.GUEST, Presence.PENDING),
    Addition(FAY, None, ParticipantKind.GUEST, Presence.PENDING),
)
LATER = NOON + timedelta(hours=1)


@dataclass(frozen=True)
class Case:
    """A ticket of Ann's, with Bob and Sam on it, and Eve and Fay proposed."""

    database: Database
    ledger: Ledger
    context: ChangeContext
    ticket: int

    def link(self, owner: str, text: str = "") -> Link:
        query = select(_participant.c.id).where(
            _participant.c.ticket_id == self.ticket, _participant.c.address == owner
        )
        return Link(self.ticket, self.database.read(lambda c: c.execute(query).scalar_one()), text)

    def shown(self, owner: str, text: str = "") -> int:
        """The ticket that the page of a link shows now."""
        mailbox, link = self.context.mailbox, self.link(owner, text)
        place = partial(links.place, mailbox=mailbox, link=link, now=LATER)
        found = self.database.read(place)
        return found[0].id if found is not None else 0

    def decide(
        self, owner: str, proposed: str, *, accept: bool = True, per_ticket: int = 25
    ) -> Decided | None:
        done = self.ledger.submit(self.decision(owner, proposed, accept, per_ticket)).result()
        return done[1] if done is not None else None

    def decision(
        self, owner: str, proposed: str, accept: bool = True, per_ticket: int = 25
    ) -> Decision:
        return partial(
            links.decide,
            context=self.context,
            link=self.link(owner, proposed),
            accept=accept,
            shown=self.shown(owner, proposed),
            policy=policy_with("cc", per_ticket=per_ticket),
        )

    def rate(self, owner: str, rating: Rating, text: str = "") -> Rating | None:
        job = partial(
            links.rate,
            context=self.context,
            link=self.link(owner),
            given=Rate(rating, text),
            shown=self.shown(owner),
            policy=default_policy(),
        )
        opinion = self.ledger.submit(job).result()
        return opinion.rating if opinion is not None else None

    def unsubscribe(self, owner: str) -> bool:
        job = partial(
            links.unsubscribe, context=self.context, link=self.link(owner), policy=default_policy()
        )
        done = self.ledger.submit(job).result()
        assert done is not None
        assert not done[0].notified
        return done[1]

    def merged(self, requester: str = ANN, without: str = "") -> Case:
        """Another ticket with the same people, which this one is part of from now on."""
        kept = [addition for addition in ON_IT if addition.address != without]
        job = partial(open_ticket, context=self.context, requester=requester, people=kept)
        goal = replace(self, ticket=self.ledger.submit(job).result())
        self.change(merged_into=goal.ticket)
        return goal

    def decided_during(self, first: Callable[[Connection], object], second: Decision) -> Answer:
        """The result of a decision that starts while another change is made but not committed."""
        done, gate = threading.Event(), threading.Event()

        def held_open(connection: Connection) -> None:
            first(connection)
            done.set()
            gate.wait(10)

        acting = self.ledger.submit(held_open, apart=True)
        assert done.wait(10)
        deciding = self.ledger.submit(second)
        wait([deciding], timeout=0.3)  # let it get as far as it can
        gate.set()
        acting.result()
        return deciding.result()

    def change(self, **values: object) -> None:
        self.run(update(_ticket).where(_ticket.c.id == self.ticket).values(values))

    def change_person(self, address: str, **values: object) -> None:
        self.run(update(_participant).where(_participant.c.address == address).values(values))

    def run(self, statement: object) -> None:
        self.ledger.submit(lambda c: c.execute(statement)).result()  # type: ignore[call-overload]

    def person(self, address: str) -> Row[tuple[object, ...]]:
        query = select(_participant).where(
            _participant.c.ticket_id == self.ticket, _participant.c.address == address
        )
        return self.database.read(lambda c: c.execute(query).one())

    def presence(self, address: str) -> str:
        return str(self.person(address).presence)

    def rating(self) -> tuple[str, str]:
        query = select(_ticket.c.rating, _ticket.c.status).where(_ticket.c.id == self.ticket)
        rating, status = self.database.read(lambda c: c.execute(query).one())
        return rating, status

    def audits(self) -> list[tuple[str, ...]]:
        """Of what came by no mail."""
        query = select(
            _audit.c.actor,
            _audit.c.source,
            _audit.c.event,
            _audit.c.subject,
            _audit.c.was,
            _audit.c.became,
        )
        query = query.where(_audit.c.journal_id.is_(None)).order_by(_audit.c.id)
        return [tuple(row) for row in self.database.read(lambda c: c.execute(query).all())]

    def notes(self) -> list[tuple[str, ...]]:
        query = select(_comment.c.author, _comment.c.visibility, _comment.c.text)
        rows = self.database.read(lambda c: c.execute(query.order_by(_comment.c.id)).all())
        return [tuple(row) for row in rows]


@pytest.fixture
def case(database: Database, ledger: Ledger, mailbox: Mailbox) -> Case:
    context = ChangeContext(mailbox, "", Source.WEB, LATER, uuid4)
    ticket = ledger.submit(partial(open_ticket, context=context)).result()
    return Case(database, ledger, context, ticket)


def open_ticket(
    connection: Connection,
    context: ChangeContext,
    requester: str = ANN,
    people: Sequence[Addition] = ON_IT,
) -> int:
    row = {
        "mailbox_id": context.mailbox.id,
        "subject": "Printer",
        "status": "resolved",
        "severity": "normal",
        "severity_source": "mail",
        "requester": requester,
        "opened_at": NOON,
        "updated_at": NOON,
    }
    number = connection.execute(insert(_ticket).returning(_ticket.c.id), row).scalar_one()
    add_participants(connection, replace(context, now=NOON), number, people)
    return int(number)


@pytest.mark.parametrize("owner", [ANN, SAM])
def test_a_person_whom_the_requester_or_staff_accept_sees_the_ticket_from_then_on(
    case: Case, owner: str
) -> None:
    assert case.decide(owner, EVE) is Decided.NOW
    eve = case.person(EVE)
    assert (eve.presence, eve.joined_at, eve.muted) == ("active", LATER, False)
    assert case.presence(FAY) == "pending"
    assert case.audits() == [(owner, "web", "presence_changed", EVE, "pending", "active")]


def test_a_declined_person_is_off_the_ticket(case: Case) -> None:
    assert case.decide(ANN, EVE, accept=False) is Decided.NOW
    assert case.presence(EVE) == "removed"
    assert case.audits() == [(ANN, "web", "presence_changed", EVE, "pending", "removed")]


@pytest.mark.parametrize("first", [True, False])
def test_a_decision_on_a_person_is_final(case: Case, first: bool) -> None:
    case.decide(ANN, EVE, accept=first)
    for accept in (True, False):
        assert case.decide(ANN, EVE, accept=accept) is Decided.BEFORE
    assert case.presence(EVE) == ("active" if first else "removed")
    assert len(case.audits()) == 1


def test_another_participant_cannot_decide(case: Case) -> None:
    assert case.decide(BOB, EVE) is None
    assert case.decide(EVE, EVE) is None
    assert case.presence(EVE) == "pending"


def test_a_former_requester_can_no_longer_decide(case: Case) -> None:
    case.change(requester=BOB)
    assert case.decide(ANN, EVE) is None
    assert case.decide(BOB, EVE) is Decided.NOW


@pytest.mark.parametrize("presence", [Presence.PENDING, Presence.REMOVED])
def test_a_requester_who_is_not_on_the_ticket_can_do_nothing(
    case: Case, presence: Presence
) -> None:
    case.change_person(ANN, presence=presence.value)
    assert case.decide(ANN, EVE) is None
    assert case.rate(ANN, Rating.GOOD) is None
    assert (case.presence(EVE), case.rating()[0]) == ("pending", "")


@pytest.mark.parametrize("role", [Role.USER, Role.STAFF])
def test_a_person_with_a_closed_account_can_do_nothing(case: Case, role: Role) -> None:
    address = ANN if role is Role.USER else SAM
    close = partial(
        set_person_active,
        mailbox=case.context.mailbox,
        role=role,
        address=address,
        active=False,
    )
    case.ledger.submit(close).result()
    assert case.decide(address, EVE) is None
    assert case.rate(address, Rating.GOOD) is None


def test_nothing_can_be_done_on_a_deleted_ticket(case: Case) -> None:
    link = case.link(ANN, EVE)
    case.change(deleted_at=NOON)
    assert case.decide(ANN, EVE) is None
    assert case.rate(ANN, Rating.GOOD) is None
    assert not case.unsubscribe(ANN)
    for query in (links.proposal, links.opinion):
        read = partial(query, mailbox=case.context.mailbox, link=link, now=LATER)
        assert case.database.read(read) is None
    assert not case.audits()


def test_only_proposed_people_can_be_accepted(case: Case) -> None:
    assert case.decide(ANN, "mallory@elsewhere.example") is None
    assert case.decide(ANN, BOB) is Decided.BEFORE


def test_a_ticket_of_another_mailbox_is_not_found(case: Case) -> None:
    other = replace(case.context.mailbox, id=case.context.mailbox.id + 1)
    elsewhere = replace(case, context=replace(case.context, mailbox=other))
    assert elsewhere.decide(ANN, EVE) is None
    assert elsewhere.rate(ANN, Rating.GOOD) is None


def test_a_participant_of_another_ticket_is_not_found(case: Case) -> None:
    link = replace(case.link(ANN), ticket=case.ticket + 1)
    read = partial(links.subscription, mailbox=case.context.mailbox, link=link, now=LATER)
    assert case.database.read(read) is None


def test_on_a_full_ticket_people_can_be_declined_but_not_accepted(case: Case) -> None:
    assert case.decide(ANN, EVE, per_ticket=3) is Decided.FULL
    assert case.presence(EVE) == "pending"
    assert case.decide(ANN, EVE, per_ticket=3, accept=False) is Decided.NOW
    assert case.decide(ANN, FAY, per_ticket=4) is Decided.NOW


def test_two_decisions_at_once_keep_to_the_cap(case: Case) -> None:
    second = case.decided_during(
        case.decision(ANN, EVE, per_ticket=4), case.decision(ANN, FAY, per_ticket=4)
    )
    assert second == (Proposal(case.ticket, "Printer", FAY, Presence.PENDING, ANN), Decided.FULL)
    assert case.presence(EVE) == "active"


def test_an_approval_link_names_the_ticket_and_the_person(case: Case) -> None:
    link = case.link(ANN, EVE)
    read = partial(links.proposal, mailbox=case.context.mailbox, link=link, now=LATER)
    expected = Proposal(case.ticket, "Printer", EVE, Presence.PENDING, ANN)
    assert case.database.read(read) == expected


def test_an_unsubscribed_person_stays_on_the_ticket_and_gets_no_mail(case: Case) -> None:
    assert case.unsubscribe(BOB)
    bob = case.person(BOB)
    assert (bob.presence, bob.muted) == ("active", True)
    assert not case.unsubscribe(BOB)
    assert case.audits() == [(BOB, "web", "unsubscribed", BOB, "", "")]


def test_a_person_who_is_off_the_ticket_does_not_see_its_subject(case: Case) -> None:
    link = case.link(BOB)
    read = partial(links.subscription, mailbox=case.context.mailbox, link=link, now=LATER)
    before = case.database.read(read)
    case.change_person(BOB, presence="removed")
    after = case.database.read(read)
    assert before is not None
    assert after is not None
    assert (before.subject, before.notified) == ("Printer", True)
    assert (after.subject, after.notified) == ("", False)
    assert not case.unsubscribe(BOB)


def test_a_rating_with_a_text_is_kept_and_does_not_reopen_the_ticket(case: Case) -> None:
    assert case.rate(ANN, Rating.BAD, "Too slow.") is Rating.BAD
    assert case.rating() == ("bad", "resolved")
    assert case.notes() == [(ANN, "note", "Too slow.")]
    assert case.audits() == [(ANN, "web", "feedback_given", "", "", "bad")]


def test_the_text_of_a_rating_is_shown_to_staff_as_feedback(case: Case) -> None:
    case.rate(ANN, Rating.BAD, "Too slow.")
    case.rate(ANN, Rating.BAD, "Too slow.")

    mails = case.database.read(lambda c: c.execute(select(_notice)).all())
    assert [(each.address, each.ticket_id) for each in mails] == [(SAM, case.ticket)]
    assert '"rating": "bad"' in mails[0].detail
    view = case.database.read(lambda c: read.ticket_view(c, case.ticket))
    assert view is not None
    feedback = [each for each in view.comments if each.is_feedback]
    assert [(each.id, each.text) for each in feedback] == [(mails[0].comment_id, "Too slow.")]


def test_a_later_rating_replaces_the_earlier_one(case: Case) -> None:
    case.rate(ANN, Rating.BAD, "Too slow.")
    case.rate(ANN, Rating.GOOD, "It works after all.")
    assert case.rating() == ("good", "resolved")
    assert [text for _, _, text in case.notes()] == ["Too slow.", "It works after all."]
    assert case.audits()[1] == (ANN, "web", "feedback_given", "", "bad", "good")


def test_the_same_rating_twice_counts_once(case: Case) -> None:
    for _ in range(2):
        case.rate(ANN, Rating.BAD, "Too\0 slow.")
    assert len(case.notes()) == len(case.audits()) == 1


def test_of_many_ratings_a_day_the_last_is_kept_and_only_the_first_are_recorded(
    case: Case,
) -> None:
    flips = [Rating.BAD, Rating.GOOD] * (MOST_RATINGS // 2)
    for rating in (*flips, Rating.BAD):
        case.rate(ANN, rating)
    assert case.rating()[0] == "bad"
    assert len(case.audits()) == MOST_RATINGS


def test_the_link_of_a_merged_ticket_works_on_the_ticket_it_was_merged_into(case: Case) -> None:
    goal = case.merged()
    assert case.unsubscribe(ANN)
    assert (case.person(ANN).muted, goal.person(ANN).muted) == (False, True)
    assert case.rate(ANN, Rating.GOOD) is Rating.GOOD
    assert (case.rating()[0], goal.rating()[0]) == ("", "good")
    assert case.decide(ANN, EVE) is Decided.NOW
    assert (case.presence(EVE), goal.presence(EVE)) == ("pending", "active")


def test_a_link_that_was_used_before_the_merge_decides_nothing_after_it(case: Case) -> None:
    assert case.decide(ANN, EVE, accept=False) is Decided.NOW
    goal = case.merged()
    assert case.decide(ANN, EVE) is None
    assert goal.presence(EVE) == "pending"


def test_a_link_that_was_used_between_two_merges_decides_nothing_after_them(case: Case) -> None:
    between = case.merged()
    assert case.decide(ANN, EVE, accept=False) is Decided.NOW
    assert between.presence(EVE) == "removed"
    goal = between.merged().merged()
    assert (case.decide(ANN, EVE), between.decide(ANN, EVE)) == (None, None)
    assert goal.presence(EVE) == "pending"
    assert goal.decide(ANN, EVE) is Decided.NOW


def test_a_person_removed_from_the_merged_ticket_sees_nothing_of_the_other(case: Case) -> None:
    case.change_person(BOB, presence="removed")
    case.merged(without=BOB)
    assert case.rate(BOB, Rating.GOOD) is None
    assert not case.unsubscribe(BOB)


def test_the_requester_of_the_merged_ticket_alone_cannot_decide(case: Case) -> None:
    case.merged(requester=BOB)
    assert case.decide(ANN, EVE) is None
    assert case.decide(BOB, EVE) is Decided.NOW


def test_only_the_requester_of_the_other_ticket_rates_it_after_a_merge(case: Case) -> None:
    goal = case.merged(requester=BOB)
    assert case.rate(BOB, Rating.GOOD) is Rating.GOOD
    assert case.rate(ANN, Rating.BAD, "Too slow.") is None
    assert (goal.rating()[0], goal.notes()) == ("good", [])


def test_a_decision_by_staff_at_the_same_time_is_not_undone(case: Case) -> None:
    leaving_out = partial(
        write,
        context=replace(case.context, actor=SAM, source=Source.STAFF_MAIL),
        ticket=case.ticket,
        effects=(PresenceChanged(EVE, Presence.PENDING, Presence.REMOVED),),
        versions={},
    )
    second = case.decided_during(leaving_out, case.decision(ANN, EVE))
    assert second == (Proposal(case.ticket, "Printer", EVE, Presence.REMOVED, ANN), Decided.BEFORE)
    assert [actor for actor, *_ in case.audits()] == [SAM]
