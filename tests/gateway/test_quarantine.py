"""Held mails: what is held, how it goes, and that it goes once."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from gateway.clock import new_id, now
from gateway.ingest import Ingest
from gateway.reception import StatedByStaff
from gateway.retention import Retention
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Delivery, Envelope
from rules.mail.header import Author
from rules.people import Role
from rules.sender.authentication import Authentication
from rules.ticket.audit import AuditEvent
from rules.ticket.notices import NoticeKind
from storage.db.ledger import Conflict
from storage.db.tables import RawMailRow, table
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.notices import invitations, overview
from storage.notices.outbox import give_up
from storage.notices.suppression import record_hard_failure, remove
from storage.registry import companies, lookup, mailboxes
from storage.registry.people import NewPerson, add_person, list_people
from storage.ticket.read import ticket_view
from storage.ticket.summaries import newest
from tests.in_process import (
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)

STAFF = Authentication.by_staff("root")
EVERY_TICKET = partial(newest, limit=100)


@pytest.fixture
async def postern(store_url: str, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as opened:
        yield opened


async def read(postern: InProcessPostern, query: Any) -> Any:
    return await postern.services.runtime.read(query)


async def write(postern: InProcessPostern, job: Any) -> Any:
    return await postern.services.runtime.write(job)


async def the_held(postern: InProcessPostern) -> tuple[HeldMail, Delivery]:
    (held,) = await read(postern, quarantine.held_mails)
    return held, await read(postern, partial(quarantine.delivery, mail=held))


async def enrol(postern: InProcessPostern, address: str) -> None:
    person = NewPerson(address, "", Role.USER, "Acme")
    await write(postern, lambda c: add_person(c, mailboxes.mailbox_named(c, SUPPORT), person))


async def test_a_colleague_is_held_and_told_only_that_it_was_accepted(
    postern: InProcessPostern,
) -> None:
    (reply,) = await postern.take(a_mail("new@acme.example"))

    assert reply.accepted
    assert "filed" not in reply.text
    assert (await postern.last()).reason == Reason.NOT_ENROLLED


async def test_a_colleague_is_invited_once_a_day(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example", "one"))
    await postern.take(a_mail("new@acme.example", "two"))
    sent = await postern.services.dispatcher.send_due()

    assert sent == 1
    (invitation,) = (Path(postern.services.config.relay.maildir) / "new").iterdir()
    assert b"/signup/1/" in invitation.read_bytes()


async def test_his_mail_is_filed_by_itself_when_he_is_enrolled(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    assert await postern.services.scheduler.release_enrolled() == 0
    await enrol(postern, "new@acme.example")

    assert await postern.services.scheduler.release_enrolled() == 1

    last = await postern.last()
    assert (last.verdict, last.author) == (Verdict.OPENED, "new@acme.example")
    assert await read(postern, quarantine.held_mails) == []


async def test_a_mail_that_cannot_be_read_delays_no_other(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example", "broken"))
    broken = update(table(RawMailRow)).values(zstd=b"no frame")
    await write(postern, lambda c: c.execute(broken))
    await postern.take(a_mail("new@acme.example", "sound"))
    await enrol(postern, "new@acme.example")

    await postern.services.scheduler.release_enrolled()

    assert [each.subject for each in await read(postern, EVERY_TICKET)] == ["sound"]
    assert [each.subject for each in await read(postern, quarantine.held_mails)] == ["broken"]


async def test_two_schedulers_file_it_once(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    await enrol(postern, "new@acme.example")
    scheduler = postern.services.scheduler

    await asyncio.gather(*(scheduler.release_enrolled() for _ in range(4)))

    assert len(await read(postern, EVERY_TICKET)) == 1


async def test_a_release_happens_once(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)
    await enrol(postern, "new@acme.example")
    first = await postern.services.ingest.release(held, delivery, STAFF)
    second = await postern.services.ingest.release(held, delivery, STAFF)

    assert (second.verdict, second.ticket) == (Verdict.DUPLICATE, first.ticket)
    assert len(await read(postern, EVERY_TICKET)) == 1


async def test_a_ticket_from_quarantine_began_when_its_mail_came(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)
    await enrol(postern, "new@acme.example")
    receipt = await postern.services.ingest.release(held, delivery, STAFF)

    whole = await read(postern, partial(ticket_view, number=receipt.ticket or 0))
    assert whole.summary.opened_at == held.came_at


async def test_a_sender_who_repeats_a_held_mail_is_answered_as_before(
    postern: InProcessPostern,
) -> None:
    first = await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)
    await enrol(postern, "new@acme.example")
    await postern.services.ingest.release(held, delivery, STAFF)

    assert await postern.take(a_mail("new@acme.example")) == first
    assert len(await read(postern, EVERY_TICKET)) == 1


async def test_a_mail_of_two_authors_is_filed_under_the_one_that_staff_names(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail("ann@acme.example, eve@evil.example"))
    held, delivery = await the_held(postern)
    assert held.reason == Reason.FROM_AMBIGUOUS

    ann = StatedByStaff(author=Author("ann@acme.example"))
    receipt = await postern.services.ingest.release(held, delivery, STAFF, ann)

    whole = await read(postern, partial(ticket_view, number=receipt.ticket or 0))
    assert whole.summary.requester == "ann@acme.example"


async def test_a_release_onto_a_ticket_stands_in_its_audit_trail(postern: InProcessPostern) -> None:
    await postern.take(a_mail())
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)

    onto = StatedByStaff(onto=1, why="It is about the same printer.")
    receipt = await postern.services.ingest.release(held, delivery, STAFF, onto)

    whole = await read(postern, partial(ticket_view, number=1))
    assert (receipt.verdict, receipt.ticket) == (Verdict.FLAGGED, 1)
    (entry,) = [each for each in whole.history if each.event is AuditEvent.RELEASED]
    assert (entry.actor, entry.subject, entry.was, entry.reason) == (
        "console:root",
        "new@acme.example",
        Reason.NOT_ENROLLED,
        "It is about the same printer.",
    )


async def test_a_release_onto_no_ticket_leaves_the_mail_held(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)

    receipt = await postern.services.ingest.release(held, delivery, STAFF, StatedByStaff(onto=99))

    assert receipt.reason is Reason.NO_SUCH_TICKET
    assert len(await read(postern, quarantine.held_mails)) == 1


async def test_what_the_rules_hold_again_stays_held(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)

    receipt = await postern.services.ingest.release(held, delivery, STAFF)

    assert receipt.verdict is Verdict.HELD
    assert len(await read(postern, quarantine.held_mails)) == 1


async def test_a_discarded_mail_is_not_released(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)
    assert await write(postern, partial(quarantine.discard, journal_id=held.journal_id))
    await enrol(postern, "new@acme.example")

    assert await postern.services.scheduler.release_enrolled() == 0
    with pytest.raises(Conflict):
        await postern.services.ingest.release(held, delivery, STAFF)
    with pytest.raises(Conflict):
        await read(postern, partial(quarantine.delivery, mail=held))


async def test_expired_rows_are_forgotten_by_the_scheduler(postern: InProcessPostern) -> None:
    await postern.take(a_mail("eve@evil.example"))
    await postern.take(a_mail())
    runtime = postern.services.runtime

    def after(days: int) -> Retention:
        clock = runtime.clock
        later = replace(runtime, clock=lambda: clock() + timedelta(days=days))
        return Retention(later, journal_days=90)

    await after(89).clean()
    assert [e.verdict for e in await postern.journal()] == ["refused", "opened"]
    await after(91).clean()
    assert [e.verdict for e in await postern.journal()] == ["opened"]


async def test_what_waited_too_long_is_discarded_once_a_digest_has_named_it(
    postern: InProcessPostern,
) -> None:
    """While no mail reaches any of the staff, nobody has seen it."""
    runtime = postern.services.runtime
    mailbox = await read(postern, lambda c: mailboxes.mailbox_named(c, SUPPORT))
    in_15_days = replace(runtime, clock=lambda: runtime.clock() + timedelta(days=15))
    staff = [each.address for each in await read(postern, lambda c: lookup.staff(c, mailbox)())]

    def bounce(connection: Any) -> None:
        for address in 2 * staff:
            record_hard_failure(connection, mailbox.id, address, "unknown", runtime.clock())

    await write(postern, bounce)
    await postern.take(a_mail("new@acme.example"))

    assert await postern.services.scheduler.notify_desk() == 0
    await Retention(in_15_days, journal_days=90).clean()
    assert (await read(postern, quarantine.waiting)).number == 1

    await write(postern, lambda c: [remove(c, mailbox.id, each) for each in staff])
    later = replace(postern.services.scheduler, runtime=in_15_days)
    assert await later.notify_desk() == len(staff)
    await Retention(in_15_days, journal_days=90).clean()
    assert (await read(postern, quarantine.waiting)).number == 0


async def test_a_mailbox_that_takes_no_mail_keeps_what_it_holds_and_names_what_did_not_arrive(
    postern: InProcessPostern,
) -> None:
    """The links to what it holds lead nowhere: nobody would see it before it goes. Its tickets are
    worked on as before."""
    await postern.take(a_mail())
    await postern.take(a_mail("new@acme.example"))
    await write(postern, lambda c: mailboxes.set_mailbox_active(c, SUPPORT, False))
    scheduler = postern.services.scheduler
    assert await scheduler.notify_desk() == 0
    runtime = postern.services.runtime
    in_15_days = replace(runtime, clock=lambda: runtime.clock() + timedelta(days=15))

    await Retention(in_15_days, journal_days=90).clean()

    assert (await read(postern, quarantine.waiting)).number == 1
    refused = partial(give_up, error="550 no", hard=False, now=runtime.clock())
    for each in await read(postern, overview.listing):
        await write(postern, partial(refused, notice=each.id))
    assert await scheduler.notify_desk() > 0


async def test_the_same_alarm_an_hour_later_opens_a_ticket_of_its_own(
    postern: InProcessPostern,
) -> None:
    """A script writes neither Date nor Message-ID, so that its mails have the same bytes."""
    services, runtime = postern.services, postern.services.runtime
    later = replace(runtime, clock=lambda: runtime.clock() + timedelta(hours=1), new_id=new_id)
    await postern.take(a_mail(text="The disk is full."))

    in_an_hour = _with_ingest(postern, replace(services.ingest, runtime=later))
    await in_an_hour.take(a_mail(text="The disk is full."))

    assert [each.verdict for each in await postern.journal()] == ["opened", "opened"]


async def test_the_quarantine_is_counted(postern: InProcessPostern) -> None:
    await postern.take(a_mail("new@acme.example"))
    await postern.services.scheduler.run_once(also_old=True)

    metrics = postern.services.runtime.metrics.render()
    assert b"postern_held 1.0" in metrics
    assert re.search(rb"postern_held_oldest_seconds [0-9]", metrics)


async def test_a_running_scheduler_notifies_staff_and_reports_the_queues(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail("new@acme.example"))
    queued = postern.services.dispatcher.notice_queued
    queued.clear()

    running = asyncio.create_task(postern.services.scheduler.run())
    await asyncio.wait_for(queued.wait(), 30)
    running.cancel()

    notices = await read(postern, lambda c: overview.listing(c))
    digests = [n.address for n in notices if n.kind == NoticeKind.DIGEST]
    assert digests == ["sam@help.example"]
    metrics = postern.services.runtime.metrics.render()
    assert b'postern_waiting{queue="held"} 1.0' in metrics
    assert re.search(rb'postern_waiting_oldest_seconds{queue="held"} [0-9]', metrics)
    assert await postern.services.scheduler.notify_desk() == 0


async def test_mails_that_take_long_to_be_filed_delay_no_notice(postern: InProcessPostern) -> None:
    """Fifty of one colleague may each take ten seconds to parse once they have registered."""
    is_read, is_filed = asyncio.Event(), asyncio.Event()

    class SlowIngest(Ingest):
        async def release(self, *args: Any, **given: Any) -> Receipt:
            await is_read.wait()
            receipt = await Ingest.release(self, *args, **given)
            is_filed.set()
            return receipt

    await postern.take(a_mail("new@acme.example"))
    await enrol(postern, "new@acme.example")
    services, queued = postern.services, postern.services.dispatcher.notice_queued
    of_slow = {each.name: getattr(services.ingest, each.name) for each in fields(services.ingest)}
    queued.clear()

    scheduler = replace(services.scheduler, ingest=SlowIngest(**of_slow))
    running = asyncio.create_task(scheduler.run())
    await asyncio.wait_for(queued.wait(), 20)
    assert len(await read(postern, quarantine.held_mails)) == 1
    is_read.set()
    await asyncio.wait_for(is_filed.wait(), 20)
    running.cancel()

    assert await read(postern, quarantine.held_mails) == []


async def test_where_the_policy_says_so_the_first_mail_enrols(postern: InProcessPostern) -> None:
    policy = postern.services.runtime.policies["default"].model_copy(
        update={"registration": "domain"}
    )
    runtime = replace(postern.services.runtime, policies={"default": policy})
    ingest = replace(postern.services.ingest, runtime=runtime)

    await _with_ingest(postern, ingest).take(a_mail("new@acme.example"))

    people = await read(
        postern, lambda c: list_people(c, mailboxes.mailbox_named(c, None), Role.USER)
    )
    assert "new@acme.example" in [person.address for person in people]
    assert (await postern.last()).verdict == Verdict.OPENED


async def test_the_aliases_of_every_mailbox_are_addresses_of_ours(
    postern: InProcessPostern,
) -> None:
    """Else one that a customer names to another mailbox joins there, and gets its mail here."""
    default = postern.services.runtime.policies["default"]
    joins = default.cc.model_copy(update={"guests": "add"})
    policies = {
        "default": default.model_copy(update={"cc": joins}),
        "of another": default.model_copy(update={"aliases": ("sales@public.example",)}),
    }
    runtime = replace(postern.services.runtime, policies=policies)
    ingest = replace(postern.services.ingest, runtime=runtime)

    await _with_ingest(postern, ingest).take(a_mail(Cc="sales@public.example, b@public.example"))

    ticket = (await postern.last()).ticket
    assert ticket is not None
    view = await read(postern, lambda c: ticket_view(c, ticket))
    assert view is not None
    named = [each.address for each in view.members if "public" in each.address]
    assert named == ["b@public.example"]


async def test_of_two_mailboxes_the_one_that_does_not_know_its_author_holds_the_mail(
    postern: InProcessPostern,
) -> None:
    """They get one reply by SMTP: nobody would read the refusal. Each by itself refuses it."""
    billing = "billing@help.example"
    await write(postern, lambda c: mailboxes.add_mailbox(c, billing, "default"))
    loopback, elsewhere = "127.0.0.1", "192.0.2.1"

    async def came(number: int, peer: str, *to: str) -> list[str]:
        await postern.take(a_mail(text=f"It is broken: {number}."), peer, *to)
        return [each.reason for each in (await postern.journal())[-len(to) :]]

    both = await came(1, loopback, SUPPORT, billing)
    assert sorted(both) == [Reason.NEW_REQUEST, Reason.STRANGER_RELAYED]
    assert await came(2, loopback, billing) == [Reason.STRANGER]
    assert await came(3, elsewhere, SUPPORT, billing) == [Reason.UNPROVEN, Reason.STRANGER]
    by_lmtp = Envelope(loopback, "", False, "x@y.example", (SUPPORT, billing), handed_on=True)
    replies = await postern.services.ingest.take(Delivery(by_lmtp, a_mail(text="By LMTP.")))
    assert [each.code for each in replies] == [250, 550]
    (held,) = await read(postern, quarantine.held_mails)
    assert held.mailbox.address == billing


def _with_ingest(postern: InProcessPostern, ingest: Ingest) -> InProcessPostern:
    return replace(postern, services=replace(postern.services, ingest=ingest))


class _SilentDns:
    """At the edge: an authenticator whose DNS never answers."""

    async def authenticate(self, *_: object) -> Authentication:
        return replace(Authentication.unchecked("silent"), temporary=True)


async def test_a_silent_dns_defers_and_after_the_patience_holds(postern: InProcessPostern) -> None:
    services, runtime = postern.services, postern.services.runtime
    silent: Any = _SilentDns()
    ingest = replace(services.ingest, authenticator=silent, refusal_s=0.01)
    first = await _with_ingest(postern, ingest).take(a_mail())
    in_a_day = replace(
        runtime, clock=lambda: runtime.clock() + timedelta(hours=24, seconds=1), new_id=new_id
    )
    tomorrow = replace(ingest, runtime=in_a_day)
    second = await _with_ingest(postern, tomorrow).take(a_mail())

    assert str(first[0]).startswith("451 4.7.0")
    assert second[0].accepted
    assert (await postern.last()).reason == Reason.DNS_FAILURE_HELD


async def test_who_enrols_himself_is_enrolled_once(postern: InProcessPostern) -> None:
    mailbox = await read(postern, lambda c: mailboxes.mailbox_named(c, None))

    def enrol_himself(connection: Any) -> invitations.Enrolled:
        return invitations.accept(connection, mailbox, "new@acme.example", "New")

    assert await write(postern, enrol_himself) is invitations.Enrolled.NOW
    assert await write(postern, enrol_himself) is invitations.Enrolled.BEFORE


async def test_nobody_enrols_at_the_address_of_a_mailbox_of_ours(postern: InProcessPostern) -> None:
    """A company may have the domain of the mailbox: what is sent there would come back."""

    def enrol_ours(connection: Any) -> tuple[invitations.Invited, invitations.Enrolled]:
        mailbox = mailboxes.mailbox_named(connection, None)
        companies.add_company(connection, mailbox, "Help", ["help.example"])
        ours = SUPPORT.replace("@", "+x@")
        asked = invitations.invite(connection, mailbox, ours, new_id(), now())
        return asked, invitations.accept(connection, mailbox, ours, "")

    nobody = (invitations.Invited.NOT_ELIGIBLE, invitations.Enrolled.NOT)
    assert await write(postern, enrol_ours) == nobody


async def test_of_two_sign_up_links_at_once_the_second_finds_the_person_enrolled(
    postern: InProcessPostern,
) -> None:
    """On PostgreSQL the second waits for the row of the first, and is decided again."""
    mailbox = await read(postern, lambda c: mailboxes.mailbox_named(c, None))
    inserted, started, may_commit = threading.Event(), threading.Event(), threading.Event()

    def slow(connection: Any) -> invitations.Enrolled:
        done = invitations.accept(connection, mailbox, "new@acme.example", "New")
        inserted.set()
        assert may_commit.wait(20)
        return done

    def quick(connection: Any) -> invitations.Enrolled:
        started.set()
        return invitations.accept(connection, mailbox, "new@acme.example", "Newer")

    first = asyncio.ensure_future(postern.services.runtime.write(slow, apart=True))
    await asyncio.to_thread(inserted.wait, 20)
    second = asyncio.ensure_future(write(postern, quick))
    if not postern.services.runtime.database.is_sqlite:
        await asyncio.to_thread(started.wait, 20)
    may_commit.set()

    assert await first is invitations.Enrolled.NOW
    assert await second is invitations.Enrolled.BEFORE


@pytest.mark.parametrize("enrols", [(True, True), (True, False), (False, True)])
async def test_of_releases_at_once_one_files_the_mail(
    postern: InProcessPostern, enrols: tuple[bool, bool]
) -> None:
    await postern.take(a_mail("new@acme.example"))
    held, delivery = await the_held(postern)
    ingest, stated = postern.services.ingest, StatedByStaff(as_new=True)

    async def release(enrolling: bool) -> Verdict | None:
        receipt = None
        if enrolling:
            receipt, _ = await ingest.release_enrolled(held, delivery, STAFF, stated)
        else:
            receipt = await ingest.release(held, delivery, STAFF, stated)
        return receipt.verdict if receipt is not None else None

    done = await asyncio.gather(*map(release, enrols), return_exceptions=True)

    assert done.count(Verdict.OPENED) == 1, done
    assert len(await read(postern, EVERY_TICKET)) == 1
    assert await read(postern, quarantine.held_mails) == []


async def test_what_his_suspended_company_keeps_back_is_not_tried_round_after_round(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail("new@acme.example"))
    await enrol(postern, "new@acme.example")
    mailbox = await read(postern, lambda c: mailboxes.mailbox_named(c, SUPPORT))
    await write(postern, lambda c: companies.set_company_active(c, mailbox, "Acme", active=False))
    before = await postern.journal()

    for _ in range(3):
        assert await postern.services.scheduler.release_enrolled() == 0

    assert await postern.journal() == before

    await write(postern, lambda c: companies.set_company_active(c, mailbox, "Acme", active=True))
    assert await postern.services.scheduler.release_enrolled() == 1
