"""What an escalation reads of a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.decision.considered import Attempt
from rules.decision.effects import ChangeRefused
from rules.facts import EarlierRequest, EscalationFacts
from rules.people import Role
from rules.service.limits import ESCALATIONS_PER_HOUR
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Escalate, Source, WriteComment
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.db.tables import AuditRow, table
from storage.mail.filing import file
from storage.notices import suppression
from storage.registry import lookup
from storage.registry.companies import set_company_active
from storage.registry.people import set_person_active
from storage.ticket import load
from storage.ticket.change import BEGINNING, REQUESTS, escalation_facts
from tests.rules.building import ANN, BOB, NOON, SAM, a_mail, preset
from tests.storage.shop import Shop, opened


def facts_of(shop: Shop, number: int) -> EscalationFacts:
    def read(connection: Connection) -> EscalationFacts:
        since = NOON - timedelta(hours=1)
        ticket = load.load(connection, shop.mailbox, [number], since)[number]
        return escalation_facts(connection, ticket)

    return shop.database.read(read)


def test_an_escalation_reads_the_beginnings_of_long_comments(shop: Shop) -> None:
    number = opened(shop.take(a_mail(text="It burns. " * 10_000)))

    (said,) = facts_of(shop, number).history

    assert len(said.text) == BEGINNING


def test_requests_without_end_do_not_hide_since_when_a_level_has_to_answer(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    mailbox, count = shop.mailbox.id, REQUESTS + 20

    def ask(connection: Connection) -> None:
        for index in range(count):
            row = {
                "mailbox_id": mailbox,
                "ticket_id": number,
                "at": NOON + timedelta(minutes=15 * index),
                "actor": ANN.address,
                "source": "mail",
                "event": AuditEvent.ESCALATED.value,
                "was": "1" if index else "0",
                "became": "1",
                "reason": "",
            }
            connection.execute(table(AuditRow).insert().values(**row))

    shop.write(ask)
    earlier = facts_of(shop, number).earlier

    assert len(earlier) == REQUESTS
    assert earlier[0].at == NOON + timedelta(minutes=15 * (count - 1))
    assert (earlier[-1].was, earlier[-1].at) == (0, NOON)


def test_only_the_mails_of_staff_may_begin_with_commands(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    answer = a_mail(SAM.address, message_id="<2@help.example>", text="We look into it.")
    shop.take(answer, to=shop.token(number, SAM.address))
    shop.change(number, WriteComment("#1 of our list", Visibility.PUBLIC))

    history = facts_of(shop, number).history

    assert [(each.author == SAM.address, each.has_commands) for each in history] == [
        (False, False),
        (True, True),
        (True, False),
    ]


def test_the_history_has_no_words_that_a_notice_to_staff_puts_before_the_subject(
    shop: Shop,
) -> None:
    number = opened(shop.take(a_mail(subject="Printer")))
    for subject in (f"Re: Response overdue: [#{number}] Printer", "Re: Another matter"):
        answer = a_mail(SAM.address, subject=subject, message_id=f"<{len(subject)}@help.example>")
        shop.take(answer, to=shop.token(number, SAM.address))

    history = facts_of(shop, number).history

    assert [each.subject for each in history] == ["", "", "Another matter"]


def test_an_escalation_reads_who_was_notified_of_the_earlier_ones(shop: Shop) -> None:
    shop.policy = preset("weka")
    number = opened(shop.take(a_mail()))
    for hours in (0, 8):
        shop.change(number, Escalate("Down"), context=shop.context(NOON + timedelta(hours=hours)))

    assert facts_of(shop, number).earlier == (
        EarlierRequest(NOON + timedelta(hours=8), 1, 1, "executive-americas@example.com"),
        EarlierRequest(NOON, 0, 1, "executive-emea@example.com"),
    )


def suspend(shop: Shop, address: str) -> None:
    for _ in range(2):
        shop.write(
            lambda c: suppression.record_hard_failure(c, shop.mailbox.id, address, "no", NOON)
        )


GIL = "gil@globex.example"


@pytest.mark.parametrize("address", [ANN.address, BOB.address, GIL, "duty@example.com"])
def test_no_mail_reaches_who_is_suspended_or_closed(shop: Shop, address: str) -> None:
    everybody = {ANN.address, BOB.address, GIL, SAM.address, "duty@example.com", ""}

    def unreachable() -> frozenset[str]:
        return shop.database.read(lambda c: lookup.unreachable_among(c, shop.mailbox, everybody))

    before = unreachable()
    match address:
        case ANN.address:
            shop.write(lambda c: set_person_active(c, shop.mailbox, Role.USER, address, False))
        case "gil@globex.example":
            shop.write(lambda c: set_company_active(c, shop.mailbox, "Globex", False))
        case _:
            suspend(shop, address)

    assert before == frozenset()
    assert unreachable() == {address}


def test_a_mailed_request_passes_over_a_suspended_contact(shop: Shop) -> None:
    shop.policy = preset("weka")
    suspend(shop, "executive-emea@example.com")

    number = opened(shop.take(a_mail(text="#escalate Nobody answers.")))

    (earlier,) = facts_of(shop, number).earlier
    assert earlier == EarlierRequest(NOON, 0, 1, "executives@example.com")
    assert shop.ticket(number).escalation_level == 1
    assert [n.kind for n in shop.notices("executives@example.com")] == ["escalation"]
    assert shop.notices("executive-emea@example.com") == []


def test_a_critical_claim_passes_over_a_suspended_person_on_call(shop: Shop) -> None:
    shop.policy = preset("weka")
    suspend(shop, "on-call-emea@example.com")

    shop.take(a_mail(subject="[Critical] Down"))

    assert [n.kind for n in shop.notices("on-call@example.com")] == ["alert"]


def busy(shop: Shop, actor: str, at: datetime) -> None:
    """Two tickets that somebody has escalated as often as an hour allows."""
    shop.policy = preset("weka")
    numbers = [opened(shop.take(a_mail(message_id=f"<{n}@acme.example>"))) for n in range(2)]

    def ask(connection: Connection) -> None:
        for index in range(ESCALATIONS_PER_HOUR):
            row = {
                "mailbox_id": shop.mailbox.id,
                "ticket_id": numbers[index % 2],
                "at": at,
                "actor": actor,
                "source": "mail",
                "event": AuditEvent.ESCALATED.value,
                "was": "1",
                "became": "1",
                "reason": "",
            }
            connection.execute(table(AuditRow).insert().values(**row))

    shop.write(ask)
    for number in numbers:
        shop.set(number, escalated_at=at)


ASKING = "#escalate Nobody answers."
TOO_MANY = f"{ANN.address} has escalated requests 20 times within the hour"


def test_requests_on_many_tickets_have_one_budget_by_mail_and_over_the_api(shop: Shop) -> None:
    third = opened(shop.take(a_mail(message_id="<third@acme.example>")))
    busy(shop, ANN.address, NOON)

    new = opened(shop.take(a_mail(text=ASKING, message_id="<new@acme.example>")))
    shop.take(
        a_mail(text=ASKING, message_id="<reply@acme.example>"), to=shop.token(third, ANN.address)
    )
    by_ann = replace(shop.context(), actor=ANN.address, source=Source.API)
    refused = shop.change(third, Escalate("Down"), by_staff=False, context=by_ann)

    assert isinstance(refused, ChangeRefused)
    assert str(refused.why).startswith(TOO_MANY)
    assert [shop.ticket(number).escalation_level for number in (new, third)] == [0, 0]
    assert [each.kind for each in shop.notices() if each.kind == "escalation"] == []
    assert [each.kind for each in shop.notices(ANN.address)].count("receipt") == 2


@pytest.mark.parametrize(
    ("actor", "ago"), [(BOB.address, timedelta()), (ANN.address, timedelta(hours=1))]
)
def test_those_of_others_and_those_of_an_hour_ago_do_not_count(
    shop: Shop, actor: str, ago: timedelta
) -> None:
    busy(shop, actor, NOON - ago)

    new = opened(shop.take(a_mail(text=ASKING, message_id="<new@acme.example>")))

    assert shop.ticket(new).escalation_level == 1


def test_the_escalation_that_opens_a_request_counts(shop: Shop) -> None:
    shop.policy = preset("weka")
    opened(shop.take(a_mail(text=ASKING)))

    again = a_mail(text=ASKING, message_id="<2@acme.example>")

    assert shop.known_of(again).escalated_lately == (NOON,)
    assert shop.known_of(a_mail(text="Hello", message_id="<3@a.example>")).escalated_lately == ()


def test_it_counts_too_where_the_mail_was_held_before(shop: Shop) -> None:
    shop.policy = preset("weka")
    entry = shop.entry(a_mail(text=ASKING))
    released = replace(entry, attempt=Attempt(NOON, NOON - timedelta(hours=2)))
    shop.write(lambda c: file(c, [released]))

    again = a_mail(text=ASKING, message_id="<2@acme.example>")

    assert shop.known_of(again).escalated_lately == (NOON,)
