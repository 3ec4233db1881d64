"""What an escalation reads of a ticket."""

from __future__ import annotations

from datetime import timedelta

from rules.facts import EscalationFacts
from rules.ticket.changes import WriteComment
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.ticket import load
from storage.ticket.change import BEGINNING, escalation_facts
from tests.rules.building import NOON, SAM, a_mail
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
