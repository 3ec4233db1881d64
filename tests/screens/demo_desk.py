"""A support desk in the middle of a working day, with something in each of its lists."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert, select, update

from gateway import clock
from rules.mail import Delivery, Envelope, Mailbox
from rules.people import Role
from rules.sender.tokens import (
    FileLink,
    FileUse,
    HeldLink,
    Link,
    LinkUse,
    MailUse,
    held_token,
    link_token,
    sign_up_token,
)
from rules.service.console_roles import ConsoleRole, EntryUse
from rules.ticket.changes import (
    AddTag,
    Assign,
    Change,
    SetAnySeverity,
    SetStatus,
    Source,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.db.tables import (
    AttachmentRow,
    BouncedRow,
    JournalRow,
    MailboxRow,
    NoticeRow,
    PersonRow,
    TicketRow,
    table,
)
from storage.notices.outbox import LEFT
from storage.registry import companies, console_users, mailboxes, people, saved_replies
from storage.registry.companies import Contract
from storage.registry.people import NewPerson
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext
from tests.gateway.web.console.desk import Desk, a_desk
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT, open_ticket
from tests.screens.demo_mails import (
    BOB,
    CLARA,
    DAY,
    FIRST_OF_PRINTERS,
    GIL,
    HELD,
    HOUR,
    LONG,
    ORDINARY,
    TINA,
    DemoMail,
    on_printers,
)

EMPTY = "sales@help.example"
"""A mailbox to which nobody has written yet, and whose staff is Tom alone."""
TOM = "tom@help.example"
_notice, _ticket, _journal = table(NoticeRow), table(TicketRow), table(JournalRow)
_attachment, _person = table(AttachmentRow), table(PersonRow)


@dataclass(frozen=True)
class DemoDesk:
    """The desk, and what its pages are about."""

    desk: Desk
    printers: int
    """A ticket with a long thread."""
    fresh: int
    """A ticket with one comment."""
    done: Sequence[int]
    """Tickets that are resolved, on which Eve waits: whose links may be used."""
    held: UUID
    of_list: UUID
    """A held mail that came through a list."""
    refused: UUID
    taken: UUID
    """The mail that opened the ticket of the printers."""
    folded: UUID
    failed: UUID
    """An outgoing mail that was given up."""
    attachment: int
    staff: int
    """The row of Sam."""
    person: int
    company: int
    links: Mapping[str, str] = field(default_factory=dict)
    """Paths of pages that need no login, by their names."""


@dataclass(frozen=True)
class _Filling:
    """The desk while it is filled, at times of the past."""

    desk: Desk
    mailbox: Mailbox
    now: datetime

    async def take(self, mails: Sequence[DemoMail]) -> None:
        for mail in mails:
            await self._take(mail)

    async def _take(self, mail: DemoMail) -> None:
        services, at = self.desk.site.services, self.now - mail.ago
        runtime = replace(
            services.runtime, clock=lambda: at, new_id=lambda: clock.uuid7(at, os.urandom(10))
        )
        envelope = Envelope(
            mail.peer, "client.example", True, mail.author, (SUPPORT,), mail.strangers
        )
        ingest = replace(services.ingest, runtime=runtime, refusal_s=0.01)
        await ingest.take(Delivery(envelope, mail.raw))

    async def change(self, ago: timedelta, number: int, *changes: Change, by: str = SAM) -> None:
        context = ChangeContext(self.mailbox, by, Source.CONSOLE, self.now - ago, clock.new_id)
        policy = self.desk.site.services.runtime.policy_of(self.mailbox)

        def job(connection: Connection) -> object:
            return change_ticket(connection, context, number, changes, policy, by_staff=True)

        await self.desk.site.write(job)

    async def tickets(self) -> Sequence[int]:
        """All of them, the first one first."""
        query = select(_ticket.c.id).order_by(_ticket.c.id)
        return await self.desk.site.write(lambda c: c.execute(query).scalars().all())

    async def mail_of(self, verdict: str, subject: str = "%") -> UUID:
        query = (
            select(_journal.c.id)
            .where(_journal.c.verdict == verdict, _journal.c.subject.like(subject))
            .order_by(_journal.c.received_at)
            .limit(1)
        )
        found = await self.desk.site.write(lambda c: c.execute(query).scalar_one())
        assert isinstance(found, UUID)
        return found


@asynccontextmanager
async def a_demo_desk(store_url: str, folder: Path, used: int) -> AsyncIterator[DemoDesk]:
    """Filled; with so many tickets whose links may be used."""
    async with a_desk(store_url, folder) as desk:
        await desk.site.write(_enrol)
        mailbox = await desk.site.write(partial(mailboxes.mailbox_named, address=SUPPORT))
        filling = _Filling(desk, mailbox, clock.now())
        yield await _fill(filling, used)


async def _fill(filling: _Filling, used: int) -> DemoDesk:
    desk = filling.desk
    await filling.take(ORDINARY)
    _, *ordinary = await filling.tickets()
    await _work_on_ordinary(filling, ordinary)
    await filling.take([FIRST_OF_PRINTERS])
    printers = (await filling.tickets())[-1]
    await _work_on_printers(filling, printers)
    await filling.take(HELD)
    await desk.site.write(partial(_send, now=filling.now))
    opening = partial(open_ticket, mailbox=filling.mailbox)
    done = [
        await desk.site.write(partial(opening, subject="The scanner in the archive is blurred"))
        for _ in range(used)
    ]
    old = {"opened_at": filling.now - 20 * DAY, "updated_at": filling.now - 15 * DAY}
    of_others = update(_ticket).where(_ticket.c.id.in_([desk.site.ticket, *done]))
    await desk.site.write(lambda c: c.execute(of_others.values(severity="Low", **old)))
    for user, role in ((TINA, ConsoleRole.AGENT), ("audit@help.example", ConsoleRole.VIEWER)):
        await desk.link(role, to=user)
    await desk.logged_in(ConsoleRole.OPERATOR, "olivia.operator@help.example")
    first = {
        "failed": select(_notice.c.id).where(_notice.c.state == "dead", _notice.c.attempts > 8),
        "attachment": select(_attachment.c.id),
        "staff": select(_person.c.id).where(_person.c.address == SAM),
        "person": select(_person.c.id).where(_person.c.address == ANN),
        "company": select(_person.c.company_id).where(_person.c.address == GIL),
    }
    rows = await desk.site.write(
        lambda c: {name: c.execute(query.limit(1)).scalar_one() for name, query in first.items()}
    )
    demo = DemoDesk(
        desk=desk,
        printers=printers,
        fresh=ordinary[-1],
        done=done,
        held=await filling.mail_of("held", "I am new%"),
        of_list=await filling.mail_of("held", "[printing%"),
        refused=await filling.mail_of("refused"),
        taken=await filling.mail_of("opened", "[P1] Label%"),
        folded=await filling.mail_of("recorded"),
        **rows,
    )
    return replace(demo, links=await links_of(demo, done[0]))


async def links_of(demo: DemoDesk, ticket: int) -> Mapping[str, str]:
    """The paths of the pages behind our links, those of a resolved ticket among them."""
    site = replace(demo.desk.site, ticket=ticket)
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    mailbox, later = site.mailbox.id, clock.now() + DAY
    of_file = Link(demo.printers, demo.staff, FileLink(demo.attachment, later).text)
    held = held_token(keys, mailbox, HeldLink(demo.staff, demo.held))
    folded = held_token(keys, mailbox, HeldLink(demo.staff, demo.folded), MailUse.FOLDED)
    named = sign_up_token(keys, mailbox, f"nina.newman{ticket}@acme.example", later)
    return {
        "sign-up": f"/signup?mailbox={SUPPORT}",
        "sign-up-which": "/signup",
        "sign-up-name": f"/signup/{mailbox}/{named}",
        **{use.value: await site.path(use) for use in LinkUse},
        "held": f"/held/{mailbox}/{held}",
        "folded": f"/folded/{mailbox}/{folded}",
        "file": f"/files/{mailbox}/{link_token(keys, mailbox, FileUse.STAFF_FILE, of_file)}",
        "ended-link": f"/people/{mailbox}/none",
        "reference": "/api/v1/reference",
        "enter": await demo.desk.link(ConsoleRole.AGENT, EntryUse.PASSWORD, TINA),
    }


def _enrol(connection: Connection) -> None:
    """A second company with a contract, colleagues, staff, a saved reply, and an empty mailbox."""
    now = clock.now()
    connection.execute(update(table(MailboxRow)).values(policy="aiven"))
    mailbox = mailboxes.mailbox_named(connection, SUPPORT)
    companies.add_company(
        connection, mailbox, "Globex International Research and Logistics", ["globex.example"]
    )
    globex = "Globex International Research and Logistics"
    companies.add_domains(connection, mailbox, globex, ["research.globex.example"])
    companies.add_company(connection, mailbox, "Initech", ["initech.example"])
    companies.set_company_active(connection, mailbox, "Initech", active=False)
    for person in (
        NewPerson(BOB, "Bob Builder", Role.USER, "Acme"),
        NewPerson(CLARA, "Clara Oberhuber", Role.USER, "Acme"),
        NewPerson("director@acme.example", "Dr. Dora Director", Role.USER, "Acme"),
        NewPerson("monitoring@acme.example", "", Role.USER, "Acme", machine=True),
        NewPerson(GIL, "Gil", Role.USER, globex),
        NewPerson(LONG, "Maximiliane von der Hohenstein", Role.USER, globex),
        NewPerson(TINA, "Tina Team", Role.STAFF, None),
    ):
        people.add_person(connection, mailbox, person)
    for name, tier, days in (("Acme", "business", 200), (globex, "basic", 400)):
        contract = Contract(tier, now - days * DAY, {})
        companies.add_contract(connection, mailbox, name, contract)
    better = Contract("enterprise", now - 30 * DAY, {"first": {"High": "1 hour"}})
    companies.add_contract(connection, mailbox, globex, better)
    companies.set_account_team(connection, mailbox, globex, [TINA, "account@help.example"])
    companies.set_success_manager(connection, mailbox, globex, "success@help.example")
    companies.set_channel(connection, mailbox, globex, "+1 555 0100, at any time")
    for name, text in (
        ("need-logs", "Hello {name},\n\nplease send us the log of the last hour."),
        ("welcome", "Hello {name},\n\nwe have {ticket} and look into it."),
    ):
        saved_replies.set_reply(connection, mailbox, name, "", text, by=SAM, now=now)
    mailboxes.add_mailbox(connection, EMPTY, "default")
    sales = mailboxes.mailbox_named(connection, EMPTY)
    people.add_person(connection, sales, NewPerson(TOM, "Tom", Role.STAFF, None))
    console_users.invite(connection, TOM, ConsoleRole.AGENT, now)


async def _work_on_ordinary(filling: _Filling, tickets: Sequence[int]) -> None:
    answer = WriteComment("Thank you, we look into it.", Visibility.PUBLIC)
    for at, number in enumerate(tickets[:8]):
        waited = (0.5, 3, 9, 30, 80)[at % 5] * HOUR
        await filling.change(13 * DAY - at * 31 * HOUR - waited, number, answer)
    await filling.change(5 * DAY, tickets[1], Assign(SAM), AddTag("database"))
    await filling.change(4 * DAY, tickets[3], AddTag("research"), AddTag("waits-for-provider"))
    await filling.change(3 * DAY, tickets[5], Assign(TINA), SetStatus(Status.PENDING))
    for number in (tickets[0], tickets[4]):
        await filling.change(2 * DAY, number, SetStatus(Status.RESOLVED))


async def _work_on_printers(filling: _Filling, number: int) -> None:
    mails = on_printers(number)
    please = "Hello Ann,\n\nplease send us the output of `spoolctl status --all`.\n\nSam"
    await filling.change(47 * HOUR, number, Assign(SAM), AddTag("printing"), AddTag("hall-3"))
    await filling.change(46 * HOUR, number, WriteComment(please, Visibility.PUBLIC))
    await filling.take(mails[:2])
    note = "Acme has a new firewall since Friday: ask their network team before the next try."
    await filling.change(42 * HOUR, number, WriteComment(note, Visibility.NOTE), by=TINA)
    why = "forty people wait, and there is no other printer"
    await filling.change(41 * HOUR, number, SetAnySeverity("High", why))
    await filling.take(mails[2:5])
    fixed = "Please clean the sensor of the roll: then it sees every label. Does that help?"
    await filling.change(20 * HOUR, number, WriteComment(fixed, Visibility.PUBLIC), by=TINA)
    await filling.take(mails[5:])


def _send(connection: Connection, now: datetime) -> None:
    """Most mail went out; some failed, some is late, some is withdrawn, and some waits."""
    mails = connection.execute(
        select(_notice.c.id, _notice.c.created_at).order_by(_notice.c.created_at)
    ).all()
    failed = {
        "state": "dead",
        "attempts": 9,
        "due_at": now - 2 * HOUR,
        "last_error": "550 5.1.1 Recipient address rejected: User unknown in virtual mailbox table "
        "(in reply to RCPT TO command)",
    }
    long_ago = now - 3 * HOUR
    slow = "451 4.7.1 Greylisting in action, please come back later"
    late = {"created_at": long_ago, "due_at": now, "attempts": 3, "last_error": slow}
    left = {"state": "dead", "last_error": LEFT, "due_at": now - DAY}
    for at, row in enumerate(mails):
        sent_at = row.created_at + timedelta(seconds=1 + at % 7)
        values: dict[str, object] = {"state": "sent", "sent_at": sent_at, "attempts": 1}
        if at in (4, 9):
            values = failed
        elif at == 6:
            values = left
        elif at in (len(mails) - 1, len(mails) - 2):
            values = late
        elif at == len(mails) - 3:
            values = {"due_at": now + 2 * HOUR}
        connection.execute(update(_notice).where(_notice.c.id == row.id).values(values))
    bounced = {
        "mailbox_id": mailboxes.mailbox_named(connection, SUPPORT).id,
        "address": BOB,
        "hard": 3,
        "last_at": now - DAY,
        "why": "550 5.1.1 no such user",
        "suspended_at": now - DAY,
    }
    connection.execute(insert(table(BouncedRow)).values(bounced))
