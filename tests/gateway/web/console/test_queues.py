"""The first page of the console, and what is done with held mail."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import pytest
from sqlalchemy import event, insert, select

from gateway import clock
from gateway.ingest import Ingest
from gateway.parsing.turns import Overloaded
from gateway.web.console import waiting
from rules.mail import Delivery, Envelope
from rules.mail.bounces import HARD_BOUNCES
from rules.people import Role
from rules.service.console_roles import ConsoleRole
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertPayload
from storage.db.database import Connection
from storage.db.tables import TicketRow, table
from storage.mail import quarantine
from storage.notices import outbox, relay_refusals
from storage.notices.suppression import record_hard_failure
from storage.registry import lookup, mailboxes, people
from storage.ticket import read, waiting_tickets
from storage.ticket.rows import ChangeContext, queue_notices
from tests.gateway.web.console.desk import NEW, Desk
from tests.gateway.web.link_pages import ANN, EVE, SAM, SUBJECT, SUPPORT
from tests.gateway.web.shown_forms import filled_in
from tests.in_process import a_mail

_ticket = table(TicketRow)


async def number_held(desk: Desk) -> int:
    return len(await desk.site.write(quarantine.held_mails))


async def test_the_first_page_counts_what_waits(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.VIEWER)
    _, before = await browser.get("/console/")
    await desk.hold("One")
    await desk.hold("Two")

    _, page = await browser.get("/console/")

    assert "Nothing waits here." in before
    assert '<p class="number">2</p>' in page
    assert '<a href="/console/held">Held mail</a>' in page


async def test_the_first_page_counts_a_thousand_tickets_and_says_that_there_are_more(
    desk: Desk,
) -> None:
    def add(connection: Connection) -> None:
        first = connection.execute(select(_ticket)).mappings().first()
        assert first is not None
        row = {name: value for name, value in first.items() if name != "id"}
        row |= {"status": "open", "assignee": ""}
        connection.execute(insert(_ticket), [row] * (waiting_tickets.COUNTED + 1))

    await desk.site.write(add)
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    _, page = await browser.get("/console/")

    assert '<p class="number">1,000+</p>' in page


async def test_the_first_page_says_that_the_relay_accepts_nothing_until_it_does(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.VIEWER)
    down = partial(relay_refusals.down, why="smtp.example: refused", now=clock.now())
    await desk.site.write(down)
    _, page = await browser.get("/console/")
    await desk.site.write(relay_refusals.accepted)

    _, after = await browser.get("/console/")

    assert "The relay accepts no mail" in page
    assert "smtp.example: refused" in page
    assert "The relay accepts no mail" not in after


async def test_the_first_page_says_how_many_recipients_the_relay_has_refused(desk: Desk) -> None:
    """Two addresses that are wrong do not mean that it accepts nothing."""
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    def refuse(connection: Connection) -> None:
        now, mailbox = clock.now(), mailboxes.mailbox_named(connection, SUPPORT)
        for address in (ANN, EVE):
            context = ChangeContext(mailbox, "", Source.SYSTEM, now, clock.new_id)
            order = NoticeOrder(NoticeKind.ALERT, address, "", AlertPayload("the disk is full"))
            queue_notices(connection, context, [order], None)
        for each in outbox.claim(connection, now, limit=2):
            relay_refusals.recipient_refused(
                connection, each, "550 5.1.1", hard=True, now=now, again=now
            )

    await desk.site.write(refuse)
    _, page = await browser.get("/console/")

    assert "The relay has refused 2 recipients and accepted no mail since" in page
    assert "The relay accepts no mail" not in page


async def test_the_first_page_says_that_mail_reaches_nobody_of_the_staff(desk: Desk) -> None:
    def suspend_all(connection: Connection) -> None:
        mailbox = mailboxes.mailbox_named(connection, SUPPORT)
        for each in lookup.staff(connection, mailbox)():
            for _ in range(HARD_BOUNCES):
                record_hard_failure(connection, mailbox.id, each.address, "gone", clock.now())

    browser = await desk.logged_in(ConsoleRole.VIEWER)
    _, before = await browser.get("/console/")
    await desk.site.write(suspend_all)

    _, page = await browser.get("/console/")

    assert "Mail reaches nobody of the staff" not in before
    assert "Mail reaches nobody of the staff" in page


async def test_the_first_page_asks_once_whether_mail_reaches_the_staff_of_its_mailboxes(
    desk: Desk,
) -> None:
    for address in ("sales@help.example", "parts@help.example"):
        await desk.site.write(partial(mailboxes.add_mailbox, address=address, policy="default"))
    browser = await desk.logged_in(ConsoleRole.ADMIN)
    asked: list[str] = []

    def note(_: Connection, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    engine = desk.site.services.runtime.database.engine
    event.listen(engine, "before_cursor_execute", note)
    _, page = await browser.get("/console/")
    event.remove(engine, "before_cursor_execute", note)

    of_staff = [each for each in asked if "person.role" in each and "bounced" in each]
    assert len(of_staff) == 1
    assert page.count("Mail reaches nobody of the staff") == 2


async def test_a_queue_says_that_only_its_first_entries_are_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    automatic = {"Auto-Submitted": "auto-generated"}
    for text in ("I am away.", "I am back."):
        raw = a_mail(ANN, f"Re: [#{desk.site.ticket}] {SUBJECT}", text, **automatic)
        await desk.site.services.ingest.take(Delivery(envelope, raw))
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    _, whole = await browser.get("/console/waiting")
    monkeypatch.setattr(waiting, "LISTED", 1)
    _, cut = await browser.get("/console/waiting")

    said = "There are 2; the first 1 are shown."
    assert (said in whole, said in cut) == (False, True)


async def test_a_person_who_waits_is_approved_on_the_first_page(desk: Desk) -> None:
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    raw = a_mail(ANN, "Paper", "Please add my supplier.", Cc=EVE)
    await desk.site.services.ingest.take(Delivery(envelope, raw))
    choice = {"ticket": "2", "address": EVE, "back": "home"}

    _, read_only = await (await desk.logged_in(ConsoleRole.VIEWER)).get("/console/proposed")
    agent = await desk.logged_in()
    _, first = await agent.get("/console/")
    _, listed = await agent.get("/console/proposed")
    done = await agent.send("/console/", "/console/proposed", do="approve", **choice)
    _, after = await agent.get("/console/")
    late, why = await agent.send("/console/", "/console/proposed", do="decline", **choice)

    for page in (first, listed, read_only):
        assert EVE in page
        assert f"<bdi>{ANN}</bdi>" in page
        assert 'href="/console/tickets/2"' in page
        assert ('value="approve"' in page) == (page is not read_only)
    assert '<p class="number">1</p>' in first
    assert done == (303, "/console/")
    assert f'Done: {EVE} is now on <a href="/console/tickets/2">#2</a>.' in after
    assert "People to approve" not in after
    assert (late, f"{EVE} is not waiting for approval on #2" in why) == (409, True)
    ticket = await desk.site.write(lambda c: read.ticket_view(c, 2))
    assert ticket is not None
    decided = [e for e in ticket.history if e.event is AuditEvent.PRESENCE_CHANGED]
    assert [(e.subject, e.actor, e.source) for e in decided] == [(EVE, SAM, Source.CONSOLE)]


async def test_what_no_other_page_lists_is_reached_from_the_first_page(desk: Desk) -> None:
    def bounces(connection: Connection) -> None:
        for _ in range(HARD_BOUNCES):
            record_hard_failure(connection, desk.site.mailbox.id, ANN, "550 <gone>", clock.now())

    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    marks = {"Auto-Submitted": "auto-generated"}
    automatic = a_mail(ANN, f"Re: [#{desk.site.ticket}] {SUBJECT}", "I am away.", **marks)
    for raw in (automatic, a_mail(ANN, "Paper", "It jams.")):
        await desk.site.services.ingest.take(Delivery(envelope, raw))
    await desk.site.write(bounces)
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    _, first = await viewer.get("/console/")
    _, folded = await viewer.get("/console/waiting?queue=folded")
    _, every = await viewer.get("/console/waiting")

    for queue in ("folded", "suspended"):
        assert f'<a href="/console/waiting?queue={queue}">' in first
    for page in (folded, every):
        assert re.search(r'<a href="/console/mails/[-0-9a-f]{36}"><bdi>\w', page)
        assert 'href="/console/tickets/1"' in page
        assert '<a href="/console/" aria-current="true">' in page
    assert "550 &lt;gone&gt;" in every
    assert 'href="/console/tickets/2"' in every
    assert "550 &lt;gone&gt;" not in folded


async def test_who_releases_a_mail_while_too_many_are_read_is_asked_to_try_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise Overloaded

    mail = await desk.hold()
    agent = await desk.logged_in()
    monkeypatch.setattr(Ingest, "release", busy)

    status, page = await agent.send(f"/console/held/{mail.journal_id}", do="release")

    assert (status, "Too many mails are being read." in page) == (503, True)
    assert await number_held(desk) == 1


async def test_a_held_mail_is_shown_as_text(desk: Desk) -> None:
    mail = await desk.hold("<script>alert(1)</script>")
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    _, listed = await browser.get("/console/held")
    status, page = await browser.get(f"/console/held/{mail.journal_id}")

    assert status == 200
    for each in (listed, page):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in each
        assert "<script" not in each
    assert "Help &lt;b&gt;me&lt;/b&gt;." in page
    assert "decides on none" in page


async def test_a_released_mail_becomes_a_ticket_and_its_history_names_the_user(desk: Desk) -> None:
    mail = await desk.hold()
    browser = await desk.logged_in()
    path = f"/console/held/{mail.journal_id}"

    status, where = await browser.send(path, do="enrol", why="a new colleague")
    _, page = await browser.get(where)
    _, later = await browser.get(where)

    assert (status, where) == (303, "/console/held")
    assert f'{NEW} was registered, and the mail was filed on <a href="/console/tickets/2">' in page
    assert "was registered" not in later
    assert await number_held(desk) == 0
    users = await desk.site.write(lambda c: people.list_people(c, desk.site.mailbox, Role.USER))
    assert NEW in {person.address for person in users}
    ticket = await desk.site.write(lambda c: read.ticket_view(c, 2))
    assert ticket is not None
    (released,) = [each for each in ticket.history if each.event is AuditEvent.RELEASED]
    assert (released.actor, released.source) == (SAM, Source.CONSOLE)


async def test_the_first_button_does_what_the_page_says_of_a_release(desk: Desk) -> None:
    unknown = await desk.hold()
    browser = await desk.logged_in()
    path = f"/console/held/{unknown.journal_id}"

    _, before = await browser.get(path)
    user = people.NewPerson(NEW, "", Role.USER, "Acme")
    await desk.site.write(lambda c: people.add_person(c, desk.site.mailbox, user))
    _, page = await browser.get(path)

    assert "it opens a request. A release that does not register the sender" in before
    assert re.findall(r'name="do" value="(\w+)"', before)[:2] == ["enrol", "release"]
    assert "A release that does not register the sender" not in page
    assert re.findall(r'name="do" value="(\w+)"', page)[:1] == ["release"]


async def test_a_mail_is_decided_on_once(desk: Desk) -> None:
    mail = await desk.hold()
    one, two = await desk.logged_in(), await desk.logged_in(ConsoleRole.ADMIN, "op@help.example")
    path = f"/console/held/{mail.journal_id}"

    pages = [(await each.get(path))[1] for each in (one, two)]

    outcomes = await asyncio.gather(
        *(
            each.post(path, **filled_in(page, {"do": "discard"}))
            for each, page in zip((one, two), pages, strict=True)
        )
    )

    # Whoever comes after the first has ended finds no mail.
    assert min(status for status, _ in outcomes) == 303
    assert {status for status, _ in outcomes} <= {303, 404}
    assert await number_held(desk) == 0
    assert (await one.get(path))[0] == 404


async def test_what_the_page_does_not_offer_is_not_done(desk: Desk) -> None:
    mail = await desk.hold()
    browser = await desk.logged_in()

    status, page = await browser.send(f"/console/held/{mail.journal_id}", do="anything")

    assert status == 422
    assert "Please choose what becomes of the mail." in page
    assert await number_held(desk) == 1


async def test_a_held_mail_is_filed_on_the_ticket_that_the_form_names(desk: Desk) -> None:
    mail = await desk.hold()
    browser = await desk.logged_in()
    path = f"/console/held/{mail.journal_id}"

    choices = [{"ticket": "99"}, {"ticket": "one"}, {"ticket": "1", "do": "new"}, {"author": ANN}]
    refused = [
        await browser.send(path, **{"do": "release", "why": "About <that>", **each})
        for each in choices
    ]
    done = await browser.send(path, do="release", why="It is about that.", ticket="#1")
    _, page = await browser.get("/console/held")

    assert [status for status, _ in refused] == [409, 422, 422, 409]
    assert 'value="99"' in refused[0][1]
    assert all('value="About &lt;that&gt;"' in each for _, each in refused)
    assert done == (303, "/console/held")
    assert 'The mail was filed on <a href="/console/tickets/1">#1</a>.' in page
    history = (await desk.site.ticket_view()).history
    assert [e.reason for e in history if e.event is AuditEvent.RELEASED] == ["It is about that."]


async def test_a_held_mail_without_one_author_is_filed_under_the_one_that_staff_name(
    desk: Desk,
) -> None:
    mail = await desk.hold("Two of us", f"{ANN}, eve@evil.example")
    browser = await desk.logged_in()
    path = f"/console/held/{mail.journal_id}"

    _, page = await browser.get(path)
    refused = [await browser.send(path, do="release", author=each) for each in ("", "ann")]
    named, foreseen = await browser.send(path, do="release", author=ANN)
    form = filled_in(foreseen, {"do": "release", "author": ANN})
    done = await browser.post(path, **form)

    assert 'name="author"' in page
    assert [status for status, _ in refused] == [409, 422]
    assert (named, "that depended on the author, who was not named yet" in foreseen) == (409, True)
    assert done == (303, "/console/held")
    ticket = await desk.site.write(lambda c: read.ticket_view(c, 2))
    assert ticket is not None
    assert ticket.summary.requester == ANN


async def test_a_list_of_held_mail_is_filled_by_its_mailboxes_alone(desk: Desk) -> None:
    mail = await desk.hold()
    add = partial(mailboxes.add_mailbox, address="sales@help.example", policy="default")
    await desk.site.write(add)
    sales = await desk.site.write(partial(mailboxes.mailbox_named, address="sales@help.example"))

    for mailbox, expected in ((mail.mailbox, [mail]), (sales, [])):
        listed = partial(quarantine.held_mails, limit=1, mailboxes=[mailbox.id])
        assert await desk.site.write(listed) == expected


async def test_a_method_that_no_page_has_is_no_error_of_ours(desk: Desk) -> None:
    answer = await desk.browser().client.put("/console/held")

    assert (answer.status, "There is no such page." in await answer.text()) == (405, True)


async def test_staff_of_another_mailbox_see_none_of_this_one(desk: Desk) -> None:
    mail = await desk.hold()
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    agent = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")
    path = f"/console/held/{mail.journal_id}"

    assert "not on the staff of any mailbox" in (await agent.get("/console/"))[1]
    assert (await agent.get(path))[0] == 404
    assert (await agent.send("/console/", path, do="discard"))[0] == 404
    assert (await operator.get(path))[0] == 200
    assert await number_held(desk) == 1
