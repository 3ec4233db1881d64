"""What one mailbox refuses while another one takes the mail: the one reply is 250, so that nobody
reads the refusal. The staff of the mailbox that refuses hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import new_id, now
from rules.decision.reasons import Reason, Verdict
from rules.mail import Delivery, Envelope
from rules.people import Role
from rules.service.digests import PAUSE, REFUSED_FOR, REMEMBERED_FOR, QueueState
from rules.ticket.desk import Queue
from storage.db.database import Connection
from storage.desk import digests, queues
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from tests.in_process import (
    ANYWHERE,
    SUPPORT,
    TRUSTED,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)

ANN, BILLING = "ann@acme.example", "billing@help.example"
BOTH = (SUPPORT, BILLING)


@pytest.fixture
async def postern(store_url: str, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    """With a second mailbox, where Ann is registered and deactivated."""
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as opened:
        await opened.services.runtime.write(with_billing)
        yield opened


def with_billing(connection: Connection) -> None:
    mailboxes.add_mailbox(connection, BILLING, "default")
    billing = mailboxes.mailbox_named(connection, BILLING)
    companies.add_company(connection, billing, "Acme", ["acme.example"])
    people.add_person(connection, billing, NewPerson(ANN, "Ann", Role.USER, "Acme"))
    people.add_person(connection, billing, NewPerson("sam@help.example", "", Role.STAFF, None))
    people.set_person_active(connection, billing, Role.USER, ANN, active=False)


async def refused(postern: InProcessPostern, mailbox: str = BILLING, **at: object) -> QueueState:
    """What the queue has, with what no digest has named."""
    runtime = postern.services.runtime

    def look(connection: Connection) -> QueueState:
        found = mailboxes.mailbox_named(connection, mailbox)
        policy = runtime.policies[found.policy]
        time = now() if "at" not in at else at["at"]
        states = queues.states(connection, found, policy, time)  # type: ignore[arg-type]
        return next(each for each in states if each.queue is Queue.REFUSED)

    return await runtime.read(look)


async def reasons(postern: InProcessPostern, to: Sequence[str]) -> list[str]:
    """Of the last mail, in each mailbox."""
    return sorted(each.reason for each in (await postern.journal())[-len(to) :])


async def test_the_staff_of_the_mailbox_that_refuses_are_named_the_mail(
    postern: InProcessPostern,
) -> None:
    (first, second) = await postern.take(a_mail(), TRUSTED, *BOTH)

    assert (first.code, second.code) == (250, 550)  # of which SMTP gives the first
    assert await reasons(postern, BOTH) == [Reason.DEACTIVATED, Reason.NEW_REQUEST]
    found = await refused(postern)
    (line,) = found.new
    assert (found.number, line.sender, line.subject, line.reason) == (
        1,
        ANN,
        "Printer",
        "deactivated",
    )
    entry = next(each for each in await postern.journal() if each.reason == Reason.DEACTIVATED)
    assert line.item == str(entry.id)
    assert "staff" in entry.trace[-1].outcome
    assert (await refused(postern, SUPPORT)).number == 0


async def test_nobody_but_its_author_can_fill_the_queue(postern: InProcessPostern) -> None:
    await postern.take(a_mail(), TRUSTED, *BOTH)

    await postern.take(a_mail(), TRUSTED, *BOTH)  # somebody sends the mail again
    await postern.take(a_mail(text="Forged."), ANYWHERE, *BOTH)
    await postern.take(a_mail("eve@evil.example"), TRUSTED, *BOTH)

    assert (await refused(postern)).number == 1


async def test_a_mail_that_comes_again_since_a_third_mailbox_deferred_it_is_named_once(
    postern: InProcessPostern,
) -> None:
    sales, default = "sales@help.example", postern.services.runtime.policies["default"]

    def with_sales(connection: Connection) -> None:
        mailboxes.add_mailbox(connection, sales, "of sales")
        mailbox = mailboxes.mailbox_named(connection, sales)
        companies.add_company(connection, mailbox, "Acme", ["acme.example"])
        people.add_person(connection, mailbox, NewPerson(ANN, "Ann", Role.USER, "Acme"))

    await postern.services.runtime.write(with_sales)
    none = default.budgets.model_copy(update={"sender_mails_per_hour": 0})
    verdicts = []
    for of_sales in (default.model_copy(update={"budgets": none}), default):
        policies = {"default": default, "of sales": of_sales}
        runtime = replace(postern.services.runtime, policies=policies)
        ingest = replace(postern.services.ingest, runtime=runtime)
        envelope = Envelope(TRUSTED, "", False, ANN, (*BOTH, sales))
        await ingest.take(Delivery(envelope, a_mail()))
        verdicts.append({each.mailbox: each.verdict for each in (await postern.journal())[-3:]})

    assert verdicts == [
        {SUPPORT: Verdict.OPENED, BILLING: Verdict.REFUSED, sales: Verdict.DEFERRED},
        {SUPPORT: Verdict.DUPLICATE, BILLING: Verdict.REFUSED, sales: Verdict.OPENED},
    ]
    assert (await refused(postern)).number == 1


async def test_what_another_mailbox_had_taken_before_is_named_as_well(
    postern: InProcessPostern,
) -> None:
    """Its author had the 250 of a repeat, and had seen no refusal before."""
    await postern.take(a_mail(), TRUSTED, SUPPORT)

    replies = await postern.take(a_mail(), TRUSTED, *BOTH)

    assert [each.code for each in replies] == [250, 550]
    assert (await refused(postern)).number == 1


async def test_who_gets_the_refusal_is_answered(postern: InProcessPostern) -> None:
    """By SMTP of a mailbox alone, and by LMTP of each."""
    (reply,) = await postern.take(a_mail(), TRUSTED, BILLING)
    by_lmtp = Envelope(TRUSTED, "", False, ANN, BOTH, handed_on=True)
    replies = await postern.services.ingest.take(Delivery(by_lmtp, a_mail(text="By LMTP.")))

    assert [each.code for each in (reply, *replies)] == [550, 250, 550]
    assert (await refused(postern)).number == 0


async def test_a_digest_names_it_once_and_it_ends_by_itself(postern: InProcessPostern) -> None:
    await postern.take(a_mail(), TRUSTED, *BOTH)
    runtime, came = postern.services.runtime, now()

    def order(connection: Connection) -> list[int | None]:
        billing = mailboxes.mailbox_named(connection, BILLING)
        policy = runtime.policies[billing.policy]
        return [
            digests.order_digest(connection, billing, policy, at, new_id)
            for at in (came, came + PAUSE)
        ]

    assert (await refused(postern, at=came + REFUSED_FOR * 2)).number == 1
    assert await runtime.write(order) == [1, 0]
    assert (await refused(postern)).new == ()
    assert (await refused(postern, at=came + REFUSED_FOR * 2)).number == 0
    assert (await refused(postern, at=came + REMEMBERED_FOR * 2)).number == 0
