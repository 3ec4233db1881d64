"""The page of one ticket, and what its forms do."""

from __future__ import annotations

from rules.mail import Delivery, Envelope
from rules.service.console_roles import ConsoleRole
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from storage.registry import mailboxes
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.console.test_in_browser import ANN, hostile
from tests.gateway.web.link_pages import EVE, SAM, SUPPORT

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
    assert f"Done: {EVE} is now on #1." in page
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
