"""Raw mails that machines wrote, or only seem to have written, with the real parser and store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from rules.people import Role
from rules.ticket.changes import SetStatus, Source
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from storage.db.database import Connection
from storage.notices import overview
from storage.notices.overview import NoticeFilter
from storage.registry import people
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson
from storage.ticket.change import change_ticket
from storage.ticket.read import ticket_view
from storage.ticket.rows import ChangeContext
from tests.in_process import (
    SUPPORT,
    TRUSTS_LOOPBACK,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)
from tests.stores import SqliteStores

ANN, SAM = "ann@acme.example", "sam@help.example"
MACHINES = ("noreply@acme.example", "nagios@acme.example", "root@acme.example")
FIRST = "<first@acme.example>"


def _add_machines(connection: Connection) -> None:
    mailbox = mailbox_named(connection, SUPPORT)
    for address in MACHINES:
        machine = NewPerson(address, "", Role.USER, "Acme", machine=True)
        people.add_person(connection, mailbox, machine)


@pytest_asyncio.fixture
async def postern(sqlite_stores: SqliteStores, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    store = enrolled_store(sqlite_stores.new())
    async with open_postern(store, tmp_path, TRUSTS_LOOPBACK) as running:
        await running.services.runtime.write(_add_machines)
        yield running


async def decided(postern: InProcessPostern, raw: bytes) -> tuple[str, str]:
    """The verdict and the reason of a mail."""
    (reply,) = await postern.take(raw)
    assert reply.accepted, reply
    entry = max(await postern.journal(), key=lambda each: each.received_at)
    return str(entry.verdict), str(entry.reason)


async def resolved_ticket(postern: InProcessPostern) -> None:
    assert await decided(postern, a_mail(ANN, "Door lock", Message_ID=FIRST)) == (
        "opened",
        "new_request",
    )
    runtime = postern.services.runtime

    def resolve(connection: Connection) -> None:
        mailbox = mailbox_named(connection, SUPPORT)
        by = ChangeContext(mailbox, SAM, Source.API, runtime.clock(), runtime.new_id)
        policy = runtime.policy_of(mailbox)
        change_ticket(connection, by, 1, [SetStatus(Status.RESOLVED)], policy, by_staff=True)

    await runtime.write(resolve)


async def status(postern: InProcessPostern) -> Status:
    view = await postern.services.runtime.read(partial(ticket_view, number=1))
    assert view is not None
    return Status(view.summary.status)


async def notified(postern: InProcessPostern, kind: NoticeKind) -> set[str]:
    notices = await postern.services.runtime.read(lambda c: overview.listing(c, NoticeFilter()))
    return {each.address for each in notices if each.kind == kind.value}


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Re: [#1] Door lock",
        "AUTO: Ann is out of the office (returning 07.12.2026)",
        "Abwesend: Re: Door lock",
        "=?utf-8?q?R=C3=A9ponse_automatique_=3A_Door_lock?=",
        "Fuera de la oficina hasta el 7 de diciembre",
    ],
)
async def test_an_absence_without_marks_is_folded_and_reopens_nothing(
    postern: InProcessPostern, subject: str
) -> None:
    await resolved_ticket(postern)

    answer = a_mail(ANN, subject, "I am away.", In_Reply_To=FIRST)

    assert await decided(postern, answer) == ("recorded", "automatic_folded")
    assert await status(postern) is Status.RESOLVED


@pytest.mark.parametrize(
    "subject",
    [
        "Out of office mode of your product is broken",
        "Auto: Motor startet nicht",
        "Abwesend: Status bleibt stehen",
        "Absence : le badge ne marche plus",
        "Ausente: la pantalla no responde",
    ],
)
async def test_a_reply_that_only_seems_automatic_reopens(
    postern: InProcessPostern, subject: str
) -> None:
    await resolved_ticket(postern)

    verdict, _ = await decided(postern, a_mail(ANN, subject, "It fails.", In_Reply_To=FIRST))

    assert verdict == "commented"
    assert await status(postern) is Status.OPEN
    assert SAM in await notified(postern, NoticeKind.NEW_COMMENT)


@pytest.mark.parametrize(
    ("suppressed", "acknowledged"),
    [("DR, RN, NRN, OOF", True), ("OOF", True), ("All", False), ("DR, OOF, AutoReply", False)],
)
async def test_only_what_it_names_is_suppressed(
    postern: InProcessPostern, suppressed: str, acknowledged: bool
) -> None:
    mail = a_mail(ANN, "From Exchange", X_Auto_Response_Suppress=suppressed)

    assert (await decided(postern, mail))[0] == "opened"
    assert (ANN in await notified(postern, NoticeKind.ACKNOWLEDGEMENT)) is acknowledged


@pytest.mark.parametrize(
    "header",
    [
        {"List_Unsubscribe": "<mailto:u@crm.example>", "X_Mailer": "some CRM"},
        {"List_Help": "<https://crm.example/help>"},
        {"Precedence": "bulk"},
    ],
)
async def test_a_persons_mail_through_a_crm_is_filed(
    postern: InProcessPostern, header: dict[str, str]
) -> None:
    await resolved_ticket(postern)

    new = await decided(postern, a_mail(ANN, "Question about the offer", **header))
    reply = await decided(postern, a_mail(ANN, "Re: Door lock", In_Reply_To=FIRST, **header))

    assert (new[0], reply[0]) == ("opened", "commented")
    assert await status(postern) is Status.OPEN


@pytest.mark.parametrize(
    ("author", "header"),
    [
        (MACHINES[0], {"Precedence": "bulk", "Auto_Submitted": "auto-generated"}),
        (f"Nagios <{MACHINES[1]}>", {}),
        (f"{MACHINES[2]} (Cron Daemon)", {"X_Cron_Env": "<SHELL=/bin/sh>"}),
        (f"{MACHINES[1]} (Überwachung)", {"Auto_Submitted": "auto-notified"}),
    ],
)
async def test_of_a_machines_alert_the_desk_is_notified(
    postern: InProcessPostern, author: str, header: dict[str, str]
) -> None:
    assert (await decided(postern, a_mail(author, "PROBLEM: load", **header)))[0] == "opened"
    assert SAM in await notified(postern, NoticeKind.NEW_TICKET)
    assert await notified(postern, NoticeKind.ACKNOWLEDGEMENT) == set()


async def test_a_marked_answer_of_staff_is_told_of_to_its_author(
    postern: InProcessPostern,
) -> None:
    await resolved_ticket(postern)
    marks = {"In_Reply_To": FIRST, "Auto_Submitted": "auto-generated"}

    for text in ("It is repaired.", "Is it well now?"):
        answer = a_mail(SAM, "Re: Door lock", text, **marks)
        assert await decided(postern, answer) == ("recorded", "automatic_folded")

    notices = await postern.services.runtime.read(lambda c: overview.listing(c, NoticeFilter()))
    receipts = [each.address for each in notices if each.kind == NoticeKind.RECEIPT.value]
    assert receipts == [SAM]
