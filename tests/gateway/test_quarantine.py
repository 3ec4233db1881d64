"""Held mails: what is held, how it goes, and that it goes once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import new_id
from gateway.config.model import TrustSection
from gateway.ingest import Ingest
from gateway.scheduler import Scheduler
from rules.decision.model import Reason, Verdict
from rules.mail import Delivery
from rules.mail.header import Author
from rules.people import Role
from rules.sender.authentication import Authentication
from storage.db.ledger import Conflict
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.notices import invitations
from storage.registry import companies, mailboxes
from storage.registry.people import NewPerson, add_person, list_people
from storage.ticket.read import newest, ticket_view
from tests.in_process import SUPPORT, InProcessPostern, a_mail, enrolled_store, open_postern

STAFF = Authentication.by_staff("root")
EVERY_TICKET = partial(newest, limit=100)


@pytest.fixture
async def desk(store_url: str, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_postern(url, tmp_path, TrustSection()) as opened:
        yield opened


async def read(desk: InProcessPostern, query: Any) -> Any:
    return await asyncio.to_thread(desk.parts.database.read, query)


async def write(desk: InProcessPostern, job: Any) -> Any:
    return await asyncio.wrap_future(desk.parts.ledger.submit(job))


async def the_held(desk: InProcessPostern) -> tuple[HeldMail, Delivery]:
    (held,) = await read(desk, quarantine.held_mails)
    return held, await read(desk, partial(quarantine.delivery, mail=held))


async def enrol(desk: InProcessPostern, address: str) -> None:
    person = NewPerson(address, "", Role.USER, "Acme")
    await write(desk, lambda c: add_person(c, mailboxes.mailbox_named(c, SUPPORT), person))


async def test_a_colleague_is_held_and_told_only_that_it_was_accepted(
    desk: InProcessPostern,
) -> None:
    (reply,) = await desk.take(a_mail("new@acme.example"))

    assert reply.accepted
    assert "filed" not in reply.text
    assert (await desk.last()).reason == Reason.NOT_ENROLLED


async def test_a_colleague_is_invited_once_a_day(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example", "one"))
    await desk.take(a_mail("new@acme.example", "two"))
    sent = await desk.parts.dispatcher.send_due()

    assert sent == 1
    (invitation,) = (Path(desk.parts.config.relay.maildir) / "new").iterdir()
    assert b"/signup/1/" in invitation.read_bytes()


async def test_his_mail_is_filed_by_itself_when_he_is_enrolled(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    assert await desk.parts.scheduler.release_enrolled() == 0
    await enrol(desk, "new@acme.example")

    assert await desk.parts.scheduler.release_enrolled() == 1

    last = await desk.last()
    assert (last.verdict, last.author) == (Verdict.OPENED, "new@acme.example")
    assert await read(desk, quarantine.held_mails) == []


async def test_two_keepers_file_it_once(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    await enrol(desk, "new@acme.example")
    keeper = desk.parts.scheduler

    await asyncio.gather(*(keeper.release_enrolled() for _ in range(4)))

    assert len(await read(desk, EVERY_TICKET)) == 1


async def test_a_release_happens_once(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    held, delivery = await the_held(desk)
    await enrol(desk, "new@acme.example")
    first = await desk.parts.ingest.release(held, delivery, STAFF)
    second = await desk.parts.ingest.release(held, delivery, STAFF)

    assert (second.verdict, second.ticket) == (Verdict.DUPLICATE, first.ticket)
    assert len(await read(desk, EVERY_TICKET)) == 1


async def test_a_ticket_from_quarantine_began_when_its_mail_came(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    held, delivery = await the_held(desk)
    await enrol(desk, "new@acme.example")
    receipt = await desk.parts.ingest.release(held, delivery, STAFF)

    whole = await read(desk, partial(ticket_view, number=receipt.ticket or 0))
    assert whole.summary.opened_at == held.came_at


async def test_a_sender_who_repeats_a_held_mail_is_answered_as_before(
    desk: InProcessPostern,
) -> None:
    first = await desk.take(a_mail("new@acme.example"))
    held, delivery = await the_held(desk)
    await enrol(desk, "new@acme.example")
    await desk.parts.ingest.release(held, delivery, STAFF)

    assert await desk.take(a_mail("new@acme.example")) == first
    assert len(await read(desk, EVERY_TICKET)) == 1


async def test_a_mail_of_two_authors_is_filed_under_the_one_that_staff_names(
    desk: InProcessPostern,
) -> None:
    await desk.take(a_mail("ann@acme.example, eve@evil.example"))
    held, delivery = await the_held(desk)
    assert held.reason == Reason.FROM_AMBIGUOUS

    ann = Author("ann@acme.example")
    receipt = await desk.parts.ingest.release(held, delivery, STAFF, author=ann)

    whole = await read(desk, partial(ticket_view, number=receipt.ticket or 0))
    assert whole.summary.requester == "ann@acme.example"


async def test_what_the_rules_hold_again_stays_held(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    held, delivery = await the_held(desk)

    receipt = await desk.parts.ingest.release(held, delivery, STAFF)

    assert receipt.verdict is Verdict.HELD
    assert len(await read(desk, quarantine.held_mails)) == 1


async def test_a_discarded_mail_is_not_released(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    held, delivery = await the_held(desk)
    assert await write(desk, partial(quarantine.discard, journal_id=held.journal_id))
    await enrol(desk, "new@acme.example")

    assert await desk.parts.scheduler.release_enrolled() == 0
    with pytest.raises(Conflict):
        await desk.parts.ingest.release(held, delivery, STAFF)


async def test_what_waited_too_long_is_discarded(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    parts = desk.parts
    later = Scheduler(
        parts.database,
        parts.ledger,
        parts.ingest,
        parts.metrics,
        lambda: parts.ingest.clock() + timedelta(days=15),
    )
    await later.discard_old()

    assert await read(desk, quarantine.count) == 0


async def test_the_quarantine_is_counted(desk: InProcessPostern) -> None:
    await desk.take(a_mail("new@acme.example"))
    await desk.parts.scheduler.run_once(also_old=True)

    assert b"postern_held 1.0" in desk.parts.metrics.render()


async def test_where_the_policy_says_so_the_first_mail_enrols(desk: InProcessPostern) -> None:
    policy = desk.parts.policies["default"].model_copy(update={"registration": "domain"})
    ingest = replace(desk.parts.ingest, policies={"default": policy})

    await replace(desk, parts=replace(desk.parts, ingest=ingest)).take(a_mail("new@acme.example"))

    people = await read(desk, lambda c: list_people(c, mailboxes.mailbox_named(c, None), Role.USER))
    assert "new@acme.example" in [person.address for person in people]
    assert (await desk.last()).verdict == Verdict.OPENED


class _SilentDns:
    """At the edge: an authenticator whose DNS never answers."""

    async def authenticate(self, *_: object) -> Authentication:
        return replace(Authentication.unchecked("silent"), temporary=True)


async def test_a_silent_dns_defers_and_after_the_patience_holds(desk: InProcessPostern) -> None:
    parts = desk.parts
    silent: Any = _SilentDns()
    ingest = replace(parts.ingest, authenticator=silent, refusal_s=0.01)
    first = await replace(desk, parts=replace(parts, ingest=ingest)).take(a_mail())
    tomorrow: Ingest = replace(
        ingest, clock=lambda: parts.ingest.clock() + timedelta(hours=24, seconds=1), new_id=new_id
    )
    second = await replace(desk, parts=replace(parts, ingest=tomorrow)).take(a_mail())

    assert str(first[0]).startswith("451 4.7.0")
    assert second[0].accepted
    assert (await desk.last()).reason == Reason.DNS_FAILURE_HELD


async def test_who_enrols_himself_is_enrolled_once(desk: InProcessPostern) -> None:
    mailbox = await read(desk, lambda c: mailboxes.mailbox_named(c, None))

    def enrol_himself(connection: Any) -> invitations.Enrolled:
        return invitations.accept(connection, mailbox, "new@acme.example", "New")

    assert await write(desk, enrol_himself) is invitations.Enrolled.NOW
    assert await write(desk, enrol_himself) is invitations.Enrolled.BEFORE


async def test_what_his_suspended_company_keeps_back_is_not_tried_round_after_round(
    desk: InProcessPostern,
) -> None:
    await desk.take(a_mail("new@acme.example"))
    await enrol(desk, "new@acme.example")
    mailbox = await read(desk, lambda c: mailboxes.mailbox_named(c, SUPPORT))
    await write(desk, lambda c: companies.set_company_active(c, mailbox, "Acme", active=False))
    before = await desk.journal()

    for _ in range(3):
        assert await desk.parts.scheduler.release_enrolled() == 0

    assert await desk.journal() == before

    await write(desk, lambda c: companies.set_company_active(c, mailbox, "Acme", active=True))
    assert await desk.parts.scheduler.release_enrolled() == 1
