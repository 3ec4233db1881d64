"""Mails that are folded on a ticket though a person may have written them: they wait for staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway.ticket_requests import TicketPatch
from rules.decision.effects import ChangeRefused, Effects
from rules.decision.reasons import Reason
from rules.mail import Attachment, Body, Mail
from rules.policy import (
    CompletenessSection,
    FactSection,
    FieldSection,
    Policy,
    TierSection,
)
from rules.sender.tokens import HeldLink, Purpose
from rules.service.digests import FOLDED_FOR, LINES, OF_STAFF_MACHINES
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Delete, Merge, PublishComment, SetStatus
from rules.ticket.desk import Queue
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.db.tables import CommentRow, PersonRow, table
from storage.desk import digests
from storage.desk.links import Accepted, accept_folded, folded_view
from storage.ticket import files
from storage.ticket.read import ticket_view
from storage.ticket.views import AuditView
from tests.rules.building import ANN, BOB, GIL, NOON, SAM, a_mail, default_policy
from tests.storage.desk.test_digests import LATER, named, ordered, send_everything, states
from tests.storage.shop import Shop, opened
from tests.storage.ticket.test_races import Race, plain

_comment, _person = table(CommentRow), table(PersonRow)
MARKED = "auto-generated"


def generated(author: str, text: str = "It leaks again.") -> Mail:
    return a_mail(author, text=text, auto_submitted=MARKED)


def folded(shop: Shop, author: str = ANN.address, **token: Purpose) -> tuple[int, int]:
    """Open a ticket and fold a mail of this author's on it; the numbers of ticket and comment."""
    number = opened(shop.take(a_mail(ANN.address)))
    to = shop.token(number, ANN.address if author == BOB.address else author, **token)
    assert shop.take(generated(author), to=to).reason is Reason.AUTOMATIC_FOLDED
    return number, the_folded_one(shop)


def the_folded_one(shop: Shop) -> int:
    """The number of the only folded comment."""
    query = select(_comment.c.id).where(_comment.c.visibility == "folded")
    return int(shop.database.read(lambda c: c.execute(query).scalar_one()))


def visibility(shop: Shop, comment: int) -> str:
    query = select(_comment.c.visibility).where(_comment.c.id == comment)
    return str(shop.database.read(lambda c: c.execute(query)).scalar_one())


def history_of(shop: Shop, number: int) -> Sequence[AuditView]:
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    return view.history


def test_it_is_named_once_and_waits_until_staff_accept_it(shop: Shop) -> None:
    number, comment = folded(shop)

    assert ordered(shop) == 1

    (((queue, _, sender, _, reason, _, _, ticket),),) = named(shop)
    assert (queue, sender, reason) == ("folded", ANN.address, "automatic_folded")
    assert ticket == str(number)
    assert ordered(shop, LATER) == 0
    assert states(shop)[Queue.FOLDED].number == 1

    assert isinstance(shop.change(number, PublishComment(comment)), Effects)
    assert states(shop)[Queue.FOLDED].number == 0
    assert isinstance(shop.change(number, PublishComment(comment)), ChangeRefused)


def test_it_waits_on_a_closed_ticket_too_but_not_for_ever_once_it_was_named(shop: Shop) -> None:
    """While nobody works at the desk, no digest names it."""
    number, _ = folded(shop)
    shop.set(number, status="closed")

    over = NOON + FOLDED_FOR
    assert states(shop, over)[Queue.FOLDED].number == 1
    assert ordered(shop, over) == 1
    assert states(shop, over)[Queue.FOLDED].number == 0


def test_a_flood_of_one_sender_keeps_back_no_mail_of_another(shop: Shop) -> None:
    number, _ = folded(shop)
    gils = opened(shop.take(a_mail(GIL.address)))
    for minute in range(LINES + 2):
        at = NOON + timedelta(minutes=minute)
        shop.take(generated(ANN.address), to=shop.token(number, ANN.address), at=at)
    shop.take(generated(GIL.address), to=shop.token(gils, GIL.address), at=LATER)

    ordered(shop, LATER)

    assert [line[2] for line in named(shop)[0]][:2] == [ANN.address, GIL.address]


def test_what_is_certainly_a_machines_waits_for_nobody(shop: Shop) -> None:
    number = opened(shop.take(a_mail(ANN.address)))
    answer = a_mail(ANN.address, auto_submitted="auto-replied")
    shop.take(answer, to=shop.token(number, ANN.address))

    assert states(shop)[Queue.FOLDED].number == 0
    assert ordered(shop) == 0


def test_a_participants_becomes_public_reopens_and_is_announced(shop: Shop) -> None:
    number, comment = folded(shop)
    shop.change(number, SetStatus(Status.RESOLVED))
    before = {each.id for each in shop.notices()}

    shop.change(number, PublishComment(comment))

    assert visibility(shop, comment) == "public"
    assert shop.ticket(number).status is Status.OPEN
    new = [n for n in shop.notices() if n.id not in before]
    assert [(n.kind, n.address) for n in new] == [(NoticeKind.NEW_COMMENT, SAM.address)]
    history = history_of(shop, number)
    (entry,) = [each for each in history if each.event is AuditEvent.COMMENT_PUBLISHED]
    assert (entry.was, entry.became) == ("folded", "public")


def asking_policy() -> Policy:
    """It asks where, knows orders, and its clock starts once the request is complete."""
    where = FactSection(name="where", ask="Where?", patterns=("production|staging",))
    order = FieldSection(name="order", label="Order", pattern=r"order (\d+)")
    policy = default_policy()
    return policy.model_copy(
        update={
            "completeness": CompletenessSection(facts=(where,)),
            "fields": (order,),
            "tiers": (TierSection(name="gold", title="Gold", first={"Normal": "4 hours"}),),
            "default_tier": "gold",
            "clock": policy.clock.model_copy(update={"starts": "complete"}),
        }
    )


@pytest.mark.parametrize("status", [Status.OPEN, Status.PENDING, Status.RESOLVED])
@pytest.mark.parametrize("text", ["In production, order 77.", "Order 78, I cannot say.", "Thanks!"])
def test_it_has_the_effects_on_its_ticket_that_the_mail_would_have_had(
    shop: Shop, status: Status, text: str
) -> None:
    desk = replace(shop, policy=asking_policy())
    results = []
    for marked in (False, True):
        number = another(desk)
        assert (desk.ticket(number).missing, desk.ticket(number).clock) == (("where",), None)
        if status is not Status.OPEN:
            desk.change(number, SetStatus(status))
        mail = generated(ANN.address, text) if marked else a_mail(ANN.address, text=text)
        to = desk.token(number, ANN.address)
        reason = desk.take(replace(mail, message_id=f"<{desk.new_id()}@c.example>"), to=to).reason
        if marked:
            assert reason is Reason.AUTOMATIC_FOLDED
            accepted = PublishComment(the_folded_one(desk))
            assert isinstance(desk.change(number, accepted), Effects)
        ticket = desk.ticket(number)
        results.append((ticket.status, ticket.missing, ticket.fields, ticket.clock))

    assert results[0] == results[1]


def test_one_with_a_file_is_more_than_thanks(shop: Shop) -> None:
    number = opened(shop.take(a_mail(ANN.address)))
    shop.change(number, SetStatus(Status.RESOLVED))
    thanks = generated(ANN.address, "Thanks!")
    assert isinstance(thanks.body, Body)
    file = Attachment("2", "screenshot.png", "image/png", 3, "", inline=False)
    thanks = replace(thanks, body=replace(thanks.body, attachments=(file,)))
    shop.take(thanks, to=shop.token(number, ANN.address))

    shop.change(number, PublishComment(the_folded_one(shop)))

    assert shop.ticket(number).status is Status.OPEN


def test_a_colleagues_becomes_a_flagged_comment(shop: Shop) -> None:
    number, comment = folded(shop, BOB.address)

    shop.change(number, PublishComment(comment))

    assert visibility(shop, comment) == "private"
    shop.change(number, PublishComment(comment))
    assert visibility(shop, comment) == "public"


def test_of_two_clicks_on_its_link_the_second_publishes_nothing(shop: Shop) -> None:
    """Both have found it folded; on PostgreSQL the first is committed before the second decides."""
    number, comment = folded(shop, BOB.address)
    click = PublishComment(comment, seen=Visibility.FOLDED)

    assert isinstance(shop.change(number, click), Effects)
    assert isinstance(shop.change(number, click), ChangeRefused)

    assert visibility(shop, comment) == "private"


def test_of_two_clicks_at_once_nobody_publishes_what_they_did_not_see(shop: Shop) -> None:
    """The slow one has decided on a folded comment when the quick one makes it a flagged one."""
    number, comment = folded(shop, BOB.address)
    race = Race(shop)
    click = PublishComment(comment, seen=Visibility.FOLDED)

    race.run(race.change(number, click), plain(shop, number, click))

    assert visibility(shop, comment) == "private"


def another(shop: Shop, author: str = ANN.address) -> int:
    """A further ticket of the same company."""
    return opened(shop.take(a_mail(author, message_id=f"<{shop.new_id()}@client.example>")))


def ticket_of(shop: Shop, comment: int) -> int:
    query = select(_comment.c.ticket_id).where(_comment.c.id == comment)
    return int(shop.database.read(lambda c: c.execute(query)).scalar_one())


def test_of_a_ticket_that_was_merged_meanwhile_it_is_accepted_on_the_other(shop: Shop) -> None:
    number, comment = folded(shop)
    goal = another(shop)
    race = Race(shop)

    done = race.run(race.change(number, PublishComment(comment)), plain(shop, number, Merge(goal)))

    assert isinstance(done, Effects)
    assert shop.ticket(number).merged_into == goal
    merged_first = not shop.database.is_sqlite
    assert visibility(shop, comment) == "public"
    assert ticket_of(shop, comment) == (goal if merged_first else number)


def test_on_a_merged_ticket_it_is_accepted_on_the_one_that_this_is_part_of(shop: Shop) -> None:
    """As a late mail goes there: over several merges, with its notices and its effects."""
    number, comment = folded(shop)
    middle, goal = another(shop), another(shop, BOB.address)
    shop.change(number, Merge(middle))
    shop.change(middle, Merge(goal))
    shop.change(goal, SetStatus(Status.RESOLVED))
    before = {each.id for each in shop.notices()}

    done = shop.change(number, PublishComment(comment, seen=Visibility.FOLDED))

    assert isinstance(done, Effects)
    assert str(done.done[-1]) == f"#{number} was merged: its comment {comment} is on #{goal} now"
    assert (visibility(shop, comment), ticket_of(shop, comment)) == ("public", goal)
    assert shop.ticket(goal).status is Status.OPEN
    assert shop.ticket(number).status is Status.CLOSED
    new = {(n.ticket, n.address) for n in shop.notices() if n.id not in before}
    assert new == {(goal, SAM.address), (goal, BOB.address)}
    for ticket, reason in ((number, f"moved to #{goal}"), (goal, f"moved from #{number}")):
        audited = [e for e in history_of(shop, ticket) if e.event is AuditEvent.COMMENT_PUBLISHED]
        assert [(e.subject, e.reason) for e in audited] == [(str(comment), reason)]
    assert states(shop)[Queue.FOLDED].number == 0
    assert "flagged comment" in shop.refusal(number, PublishComment(comment))


def test_a_flagged_comment_of_a_merged_ticket_is_published_on_the_other_with_its_mail(
    shop: Shop,
) -> None:
    number, comment = folded(shop, BOB.address)
    goal = another(shop)
    shop.change(number, PublishComment(comment))
    shop.change(number, Merge(goal))

    assert isinstance(shop.change(number, PublishComment(comment)), Effects)

    assert (visibility(shop, comment), ticket_of(shop, comment)) == ("public", goal)
    query = select(_comment.c.journal_id).where(_comment.c.id == comment)
    mail = shop.database.read(lambda c: c.execute(query)).scalar_one()
    for ticket in (number, goal):
        assert shop.database.read(partial(files.mail_of_ticket, number=ticket, journal_id=mail))


def test_with_another_change_or_into_a_deleted_ticket_it_stays_where_it_is(shop: Shop) -> None:
    number, comment = folded(shop)
    goal = another(shop)
    shop.change(number, Merge(goal))
    accepted = PublishComment(comment)

    refused = f"#{number} was merged into #{goal}; change that one"
    assert shop.refusal(number, accepted, SetStatus(Status.OPEN)) == refused
    shop.change(goal, Delete("a mistake"))
    assert shop.refusal(number, accepted) == f"there is no ticket #{goal}"

    assert (visibility(shop, comment), ticket_of(shop, comment)) == ("folded", number)


def test_a_request_that_is_repeated_does_not_publish_what_it_made_a_flagged_comment(
    shop: Shop,
) -> None:
    """Its response was lost; its sender says what they saw."""
    number, comment = folded(shop, BOB.address)
    patch = TicketPatch.model_validate({"publish": comment, "publish_from": "folded"})

    assert isinstance(shop.change(number, *patch.changes()), Effects)
    assert (
        shop.refusal(number, *patch.changes()) == f"comment {comment} on #{number} is private now"
    )

    assert visibility(shop, comment) == "private"


@pytest.mark.parametrize(
    ("purpose", "expected", "customers"),
    [(Purpose.REPLY, "public", [ANN.address]), (Purpose.NOTE, "note", [])],
)
def test_a_staff_persons_goes_where_they_addressed_it(
    shop: Shop, purpose: Purpose, expected: str, customers: list[str]
) -> None:
    number, comment = folded(shop, SAM.address, purpose=purpose)
    assert [n.address for n in shop.notices() if n.kind == NoticeKind.RECEIPT] == [SAM.address]

    shop.change(number, PublishComment(comment))

    assert visibility(shop, comment) == expected
    sent = [n.address for n in shop.notices() if n.kind == NoticeKind.COMMENT]
    assert sent == customers


def test_a_staff_person_gets_one_receipt_an_hour(shop: Shop) -> None:
    number, _ = folded(shop, SAM.address)
    to = shop.token(number, SAM.address)

    for minutes in (1, 59, 61):
        shop.take(generated(SAM.address), to=to, at=NOON + timedelta(minutes=minutes))

    assert sum(n.kind == NoticeKind.RECEIPT for n in shop.notices()) == 1
    shop.take(generated(SAM.address), to=to, at=NOON + timedelta(minutes=121))
    assert sum(n.kind == NoticeKind.RECEIPT for n in shop.notices()) == 2


def test_the_link_of_a_digest_accepts_it_in_the_name_of_its_owner(shop: Shop) -> None:
    number, comment = folded(shop)
    ordered(shop)
    (((_, item, *_),),) = named(shop)
    query = select(_person.c.id).where(_person.c.address == SAM.address)
    link = HeldLink(shop.database.read(lambda c: c.execute(query)).scalar_one(), UUID(item))

    def accept(shown: str = f"{number} public") -> Accepted | None:
        context = replace(shop.context(), actor="")
        done = shop.write(lambda c: accept_folded(c, context, link, shown, shop.policy))
        return done[1] if done is not None else None

    assert accept(f"{number} private") is Accepted.OUTDATED
    assert accept() is Accepted.NOW
    assert accept() is Accepted.BEFORE
    assert visibility(shop, comment) == "public"
    history = history_of(shop, number)
    assert [e.actor for e in history if e.event is AuditEvent.COMMENT_PUBLISHED] == [SAM.address]
    other = replace(link, person=link.person + 100)
    assert shop.database.read(lambda c: folded_view(c, shop.mailbox, other, NOON)) is None


# ---- a staff person's machine that answers digests ----------------------------------------------


def test_what_may_answer_a_digest_causes_the_next_one_a_day_later(shop: Shop) -> None:
    """Else the digest would name the answer to the one before, every hour, for ever."""
    shop.take(a_mail("new@acme.example"))
    assert ordered(shop) == 1
    send_everything(shop)
    answer = a_mail(SAM.address, "Automatic reply: 1 new for the desk", auto_submitted="x")
    assert shop.take(answer).reason is Reason.AUTOMATIC_UNCLEAR

    assert not shop.database.read(lambda c: digests.has_new_held(c, shop.mailbox))
    assert ordered(shop, LATER) == 0
    assert ordered(shop, NOON + OF_STAFF_MACHINES) == 1
    assert [line[2] for line in named(shop)[0]] == [SAM.address]


def test_the_next_digest_for_another_cause_names_it_at_once(shop: Shop) -> None:
    shop.take(a_mail("new@acme.example"))
    ordered(shop)
    shop.take(a_mail(SAM.address, auto_submitted="x"))
    shop.take(a_mail(ANN.address, "Automatic reply: wrong text"))

    assert shop.database.read(lambda c: digests.has_new_held(c, shop.mailbox))
    assert ordered(shop, LATER) == 1
    assert {line[2] for line in named(shop)[0]} == {SAM.address, ANN.address}
