"""The page of one ticket, and what its forms do."""

from __future__ import annotations

import re
import threading
from html import unescape

import pytest
from aiohttp import FormData
from sqlalchemy import update

from gateway import clock
from rules.mail import Delivery, Envelope
from rules.people import Role
from rules.service.console_roles import ConsoleRole
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from storage.db.tables import CommentRow, TicketRow, table
from storage.notices import overview
from storage.notices.overview import NoticeFilter
from storage.registry import mailboxes, people
from storage.ticket import read
from tests.gateway.web.console.desk import NEW, Desk
from tests.gateway.web.console.test_in_browser import ANN, hostile
from tests.gateway.web.link_pages import EVE, SAM, SUPPORT
from tests.gateway.web.threads import threads_of
from tests.in_process import a_mail

ONE, TWO = "/console/tickets/1", "/console/tickets/2"
"""Ann's ticket on which Eve waits; and the one that a mail of hers opens."""


async def open_by_mail(desk: Desk) -> None:
    """A ticket with a hostile subject, a text and a file."""
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    (reply,) = await desk.site.services.ingest.take(Delivery(envelope, hostile()))
    assert reply.accepted


async def test_a_ticket_shows_what_was_written_and_its_files_and_runs_nothing(desk: Desk) -> None:
    await open_by_mail(desk)
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    status, page = await viewer.get(TWO)
    file = await viewer.client.get(f"{TWO}/files/1")

    assert status == 200
    assert "The printer is on fire." in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert '<article class="comment customer"' in page
    assert '/html"></iframe>' in page
    assert "notes.txt" in page
    assert (await file.text()).strip() == "One, two."
    assert file.headers["Content-Disposition"].startswith("attachment")


async def test_a_ticket_leads_to_its_people_and_to_the_html_of_mails_that_have_any(
    desk: Desk,
) -> None:
    await open_by_mail(desk)
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    await desk.site.services.ingest.take(Delivery(envelope, a_mail(ANN, "Only text")))
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    offered = ["As its author" in (await browser.get(f"/console/tickets/{n}"))[1] for n in (2, 3)]
    await desk.site.write(lambda c: c.execute(update(table(CommentRow)).values(has_html=None)))
    _, of_before = await browser.get("/console/tickets/3")
    links = re.findall(r'<a href="(/console/(?:people|companies|policies)/[^"]+)">', of_before)

    assert offered == [True, False]
    assert "As its author" in of_before
    assert {each.split("/")[2] for each in links} == {"people", "companies", "policies"}
    assert [(await browser.get(each))[0] for each in links] == [200] * len(links)
    assert "The request names no severity, and Normal is the default." in of_before


async def test_a_viewer_reads_and_is_offered_nothing_to_change(desk: Desk) -> None:
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    _, page = await viewer.get(ONE)

    assert EVE in page
    assert f'action="{ONE}"' not in page
    assert 'name="do"' not in page
    assert (await viewer.send(ONE, do="approve", address=EVE))[0] == 403
    assert await desk.site.presence() == "pending"


async def test_an_agent_approves_a_person_and_the_history_names_them(desk: Desk) -> None:
    agent = await desk.logged_in()

    status, where = await agent.send(ONE, do="approve", address=EVE)
    _, page = await agent.get(where)

    assert (status, where) == (303, ONE)
    assert f'Done: {EVE} is now on <a href="/console/tickets/1">#1</a>.' in page
    assert await desk.site.presence() == "active"
    (entry,) = (await desk.site.ticket_view()).history
    assert (entry.event, entry.actor) == (AuditEvent.PRESENCE_CHANGED, SAM)
    assert entry.source == Source.CONSOLE
    _, page = await agent.send(ONE, do="approve", address=EVE)
    assert f"{EVE} is not waiting for approval on #1" in page


async def test_a_ticket_of_another_desk_is_not_there(desk: Desk) -> None:
    await open_by_mail(desk)
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    tom = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")

    for path in (TWO, f"{TWO}/files/1"):
        assert (await tom.get(path))[0] == 404
    assert (await tom.send("/console/", ONE, do="approve", address=EVE))[0] == 404
    assert (await tom.get("/console/tickets/999"))[0] == 404
    assert await desk.site.presence() == "pending"


async def test_a_deleted_ticket_and_its_files_are_not_there(desk: Desk) -> None:
    await open_by_mail(desk)
    change = update(table(TicketRow)).values(deleted_at=clock.now())
    await desk.site.write(lambda c: c.execute(change))
    agent = await desk.logged_in()

    assert [(await agent.get(path))[0] for path in (TWO, f"{TWO}/files/1")] == [404, 404]


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the form in which an answer is written."""
    form = page[page.index('id="write"') :]
    return dict(re.findall(r'name="(csrf|once|last|readers|version)" value="([^"]+)"', form))


async def test_a_reply_with_a_file_is_sent_once_and_the_customer_gets_it(desk: Desk) -> None:
    await open_by_mail(desk)
    agent = await desk.logged_in()
    _, page = await agent.get(TWO)
    form = FormData(form_of(page) | {"do": "reply", "text": "Use water.", "then": "resolved"})
    form.add_field("file", b"", filename="", content_type="application/octet-stream")
    form.add_field("file", b"step 1", filename="plan.txt", content_type="text/plain")

    first = await agent.client.post(TWO, data=form, allow_redirects=False)
    _, done = await agent.get(TWO)
    again = FormData(form_of(page) | {"do": "reply", "text": "Use water.", "then": "resolved"})
    again.add_field("file", b"step 1", filename="plan.txt", content_type="text/plain")
    second = await agent.client.post(TWO, data=again, allow_redirects=False)
    _, repeated = await agent.get(TWO)

    assert (first.status, second.status) == (303, 303)
    link = '<a href="/console/tickets/2">#2</a>'
    assert f"Done: comment added to {link} (public); {link} is now resolved." in done
    assert f"This was done already: comment added to {link} (public)" in repeated
    ticket = await desk.site.write(lambda c: read.ticket_view(c, 2))
    assert ticket is not None
    (reply,) = [each for each in ticket.comments if each.author == SAM]
    assert (reply.text, reply.proof) == ("Use water.", Source.CONSOLE)
    assert [each.name for each in reply.attachments] == ["plan.txt"]
    assert ticket.details.first_answered_at == reply.written_at
    sent = await desk.site.write(lambda c: overview.listing(c, NoticeFilter(ticket=2)))
    assert ANN in {notice.address for notice in sent if notice.kind == "comment"}


async def test_a_comment_is_published_and_its_author_added_with_one_form(desk: Desk) -> None:
    await open_by_mail(desk)
    mail = await desk.hold()
    agent = await desk.logged_in()
    await agent.send(f"/console/held/{mail.journal_id}", do="release", ticket="2")

    _, page = await agent.get(TWO)
    form = dict(re.findall(r'name="(comment|seen)" value="(\w+)"', page.split('value="publish')[0]))
    done = await agent.send(TWO, do="publish_and_add", address=NEW, **form)
    _, after = await agent.get(TWO)

    assert "Publish, and add its author to the ticket" in page
    assert done == (303, TWO)
    assert "Publish, and add its author to the ticket" not in after
    view = await desk.site.write(lambda c: read.ticket_view(c, 2))
    assert view is not None
    assert [each.visibility for each in view.comments if each.author == NEW] == ["public"]
    assert {each.presence for each in view.members if each.address == NEW} == {"active"}


async def test_a_ticket_is_handed_to_a_colleague_with_the_note_that_explains_it(
    desk: Desk,
) -> None:
    tom = "tom@help.example"
    new = people.NewPerson(tom, "Tom", Role.STAFF, None)
    await desk.site.write(lambda c: people.add_person(c, desk.site.mailbox, new))
    agent = await desk.logged_in()
    _, page = await agent.get(ONE)
    version = dict(re.findall(r'name="(version)" value="(\d+)"', page))
    form = form_of(page) | version | {"do": "note", "text": "Please call her.", "to": tom}

    done = await agent.post(ONE, **form)
    again = await agent.post(ONE, **form | {"once": "another", "text": "Or write to her."})

    assert done == (303, ONE)
    assert (again[0], "has changed since you opened the page" in again[1]) == (409, True)
    view = await desk.site.ticket_view()
    assert (view.summary.assignee, view.comments[-1].text) == (tom, "Please call her.")
    sent = await desk.site.write(lambda c: overview.listing(c, NoticeFilter(address=tom)))
    assert [each.kind for each in sent] == ["assignment"]


async def test_an_answer_to_what_its_author_has_not_read_is_kept_in_the_form(desk: Desk) -> None:
    await open_by_mail(desk)
    agent = await desk.logged_in()
    _, page = await agent.get(TWO)
    answer = form_of(page) | {"do": "reply", "text": "Use <b>water</b>.", "last": "0"}

    status, refused = await agent.post(TWO, **answer)

    assert status == 409
    assert "Nothing was sent: somebody has written since you opened the page." in refused
    assert "Use &lt;b&gt;water&lt;/b&gt;.</textarea>" in refused
    again = form_of(refused) | {"do": "note", "text": "Nobody was told."}
    assert (await agent.post(TWO, **again))[0] == 303
    ticket = await desk.site.write(lambda c: read.ticket_view(c, 2))
    assert ticket is not None
    assert [c.visibility for c in ticket.comments if c.author == SAM] == ["note"]
    assert (await agent.post(TWO, **answer | {"last": "9" * 5000}))[0] == 409


async def test_a_severity_needs_a_reason_and_is_set_by_the_address_of_the_user(desk: Desk) -> None:
    agent = await desk.logged_in()

    status, page = await agent.send(ONE, do="severity", level="critical", why=" \u200b")
    done = await agent.send(ONE, do="severity", level="critical", why="nobody can work")
    _, shown = await agent.get(ONE)

    assert (status, "Please give the reason for the severity." in page) == (409, True)
    assert done == (303, ONE)
    ticket = await desk.site.ticket_view()
    assert ticket.summary.severity == "Critical"
    (entry,) = [e for e in ticket.history if e.event is AuditEvent.SEVERITY_CHANGED]
    assert (entry.actor, entry.source) == (SAM, Source.CONSOLE)
    assert entry.reason == "nobody can work"
    assert "Set by sam@help.example" in shown


async def test_everything_else_is_done_by_its_form_and_is_in_the_history(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.console.ticket.HISTORY_SHOWN", 1)
    agent = await desk.logged_in()

    for form in (
        {"do": "status", "status": "open", "why": "not over"},
        {"do": "assign", "assignee": SAM},
        {"do": "tag", "tag": "Paper, ink"},
        {"do": "untag", "tag": "ink"},
        {"do": "unfollow"},
    ):
        assert (await agent.send(ONE, **form))[0] == 303, form

    ticket = await desk.site.ticket_view()
    assert (ticket.summary.status, ticket.summary.assignee) == ("open", SAM)
    assert ticket.summary.tags == ("paper",)
    status, page = await agent.send(ONE, do="anything")
    assert (status, "Please choose what is to be done." in page) == (409, True)
    (older,) = re.findall(r'href="([^"]+)#history"', page)
    rendering = threads_of(monkeypatch, "aiohttp_jinja2.render_template")
    status, whole = await agent.get(older)
    assert (status, "older entries" in page, "older entries" in whole) == (200, True, False)
    assert rendering
    assert threading.get_ident() not in rendering  # thousands of entries take long


async def test_whoever_is_not_staff_of_a_mailbox_writes_nothing_on_its_tickets(desk: Desk) -> None:
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    _, page = await operator.get(ONE)
    status, refused = await operator.send(ONE, do="reply", text="I am from the support.")

    assert "<textarea" not in page
    assert status == 409
    assert "can register op@help.example as a staff member" in refused
    (register,) = re.findall(r'href="([^"]+)#staff"', page)
    _, form = await operator.get(unescape(register))
    assert 'value="op@help.example"' in form
    assert "<option selected>support@help.example</option>" in form
    assert (await desk.site.ticket_view()).comments == ()
