"""Every outcome of a mail has a budget, and the journal counts it where that budget looks."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import pytest

from rules.decision.model import Decision
from rules.decision.reasons import Reason, Verdict
from rules.decision.room import MailBudget, budget_of
from rules.people import ParticipantKind, Presence
from rules.ticket.model import Ticket
from storage.db.tables import COUNTED_BY_NETWORK, RECORDED, TAKEN
from storage.mail.journal_row import KEEPS_NOTHING
from tests.rules.building import ANN, ANNS, BOB, World, a_mail, a_ticket, brought, member, token_to
from tests.rules.decision.test_reasons import scenes

SCENES = scenes()
KNOWN = "<old@client.example>"
EVE, NEW = "eve@evil.example", "new@acme.example"
COUNTED: Mapping[MailBudget, str] = {
    MailBudget.NETWORK: COUNTED_BY_NETWORK,
    MailBudget.WAITING: "verdict = 'held' AND network = ''",
    MailBudget.WRITTEN: f"{TAKEN} AND network = ''",
    MailBudget.RECORDED: RECORDED,
    MailBudget.NOTHING_KEPT: f"verdict IN {tuple(each.value for each in KEEPS_NOTHING)}",
}


def rows_like(decision: Decision, budget: MailBudget, condition: str) -> int:
    """How many of one journal row of this decision meet a condition."""
    network = "192.0.2.0/24" if budget is MailBudget.NETWORK else ""
    row = (decision.verdict.value, decision.reason.value, network)
    with sqlite3.connect(":memory:") as journal:
        journal.execute("CREATE TABLE journal (verdict, reason, network)")
        journal.execute("INSERT INTO journal VALUES (?, ?, ?)", row)
        (number,) = journal.execute(f"SELECT count(*) FROM journal WHERE {condition}").fetchone()
    return int(number)


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("reason", sorted(SCENES))
def test_the_journal_counts_a_mail_for_its_own_budget_and_for_no_other(
    reason: Reason, proven: bool
) -> None:
    decision = SCENES[reason]
    budget = budget_of(decision, proven=proven)

    assert rows_like(decision, budget, COUNTED[budget]) == 1
    others = set(COUNTED) - {budget}
    if reason is Reason.AUTOMATIC_FOLDED:  # a digest names it, so its domain counts it as well
        others -= {MailBudget.RECORDED}
    assert [each for each in others if rows_like(decision, budget, COUNTED[each])] == []


def test_what_is_kept_has_a_budget_of_what_is_kept() -> None:
    for decision in SCENES.values():
        kept = decision.verdict not in KEEPS_NOTHING
        assert (budget_of(decision, proven=True) is not MailBudget.NOTHING_KEPT) is kept


def on_ticket(address: str, presence: Presence) -> Ticket:
    guest = member(72, address, ParticipantKind.GUEST, presence=presence)
    return a_ticket(7, *ANNS.participants, guest)


@pytest.mark.parametrize(
    ("reason", "decision"),
    [
        (Reason.NOT_A_PARTICIPANT, World().decide(a_mail(EVE), to=token_to(70))),
        (
            Reason.PENDING_PARTICIPANT,
            World(tickets=(on_ticket(EVE, Presence.PENDING),)).decide(a_mail(EVE), to=token_to(70)),
        ),
        (
            Reason.FOREIGN_POINTER,
            World(known_ids={KNOWN: brought(7, EVE)}).decide(a_mail(NEW, in_reply_to=(KNOWN,))),
        ),
    ],
)
def test_what_waits_of_who_is_not_registered_counts_against_the_network(
    reason: Reason, decision: Decision
) -> None:
    assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, reason)
    assert budget_of(decision, proven=True) is MailBudget.NETWORK


@pytest.mark.parametrize(
    "reason",
    [
        Reason.PENDING_PARTICIPANT,
        Reason.NOT_A_PARTICIPANT,
        Reason.STAFF_WITHOUT_TOKEN,
        Reason.NOTHING_SAID,
        Reason.COMMAND_REFUSED,
        Reason.UNSUBSCRIBED,
    ],
)
def test_a_registered_person_has_the_budget_of_what_they_write(reason: Reason) -> None:
    assert budget_of(SCENES[reason], proven=True) is MailBudget.WRITTEN


@pytest.mark.parametrize("address", [ANN.address, BOB.address])
def test_a_registered_person_who_opens_a_ticket_has_it_too(address: str) -> None:
    assert budget_of(World().decide(a_mail(address)), proven=True) is MailBudget.WRITTEN
