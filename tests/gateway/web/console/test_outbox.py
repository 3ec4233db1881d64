"""Outgoing mail that was not sent: seen by its desk, and tried again by operators."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from structlog.testing import capture_logs

from gateway import clock
from gateway.clock import new_id
from rules.service.console_roles import ConsoleRole
from rules.ticket.audit import AuditEvent
from storage.db.tables import NoticeRow, table
from storage.notices import overview
from storage.notices.outbox import LEFT
from storage.registry import mailboxes
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.link_pages import ANN, SUBJECT

_notice = table(NoticeRow)
REPLY_TO = f"support+{'ae' * 18}@help.example"
WORDS = f"550 5.1.1 <b>no such user</b>, from {REPLY_TO}"


async def set_notice(desk: Desk, **values: object) -> str:
    """Gives the first outgoing mail to Ann another state; returns its id."""
    ours = select(_notice.c.id).where(_notice.c.address == ANN).limit(1)
    notice = await desk.site.write(lambda c: c.execute(ours).scalar_one())
    change = update(_notice).where(_notice.c.id == notice).values(**values)
    await desk.site.write(lambda c: c.execute(change))
    return str(notice)


async def state_of(desk: Desk, notice: str) -> str:
    query = select(_notice.c.id, _notice.c.state)
    states = await desk.site.write(lambda c: {str(r.id): r.state for r in c.execute(query)})
    return str(states[notice])


async def test_a_mail_that_failed_is_shown_with_the_words_of_the_relay(desk: Desk) -> None:
    now = clock.now()
    notice = await set_notice(desk, state="dead", last_error=WORDS, due_at=now, attempts=9)
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    _, home = await viewer.get("/console/")
    _, listed = await viewer.get("/console/outbox")
    _, page = await viewer.get(f"/console/outbox/{notice}")

    assert '<a href="/console/outbox">Not delivered</a>' in home
    for each in (listed, page):
        assert "550 5.1.1 &lt;b&gt;no such user&lt;/b&gt;" in each
        assert "An operator can try" in each
        assert REPLY_TO not in each
    assert f'href="/console/outbox/{notice}"' in listed


async def test_an_outgoing_mail_is_shown_without_links_and_not_at_all_once_its_ticket_is_deleted(
    desk: Desk,
) -> None:
    notice = await set_notice(desk, state="sent")
    operator = await desk.logged_in(ConsoleRole.OPERATOR)

    _, page = await operator.get(f"/console/outbox/{notice}")
    await operator.send("/console/tickets/1", "/console/tickets/1/deletion", why="A mistake.")
    status, deleted = await operator.get(f"/console/outbox/{notice}")

    text = page[page.index('<blockquote class="mail">') :]
    assert SUBJECT in text
    assert re.search(r"support\+[a-z2-7]{20}", text) is None
    assert (status, SUBJECT in deleted) == (200, False)
    assert "#1 was deleted" in deleted


async def test_late_and_withdrawn_mail_have_views_of_their_own(desk: Desk) -> None:
    viewer = await desk.logged_in(ConsoleRole.VIEWER)
    long_ago = clock.now() - timedelta(hours=3)
    notice = await set_notice(desk, state="due", created_at=long_ago, due_at=long_ago)
    _, late = await viewer.get("/console/outbox?view=late")
    _, home = await viewer.get("/console/")
    await set_notice(desk, state="dead", last_error=LEFT, due_at=clock.now())
    _, failed = await viewer.get("/console/outbox")
    _, withdrawn = await viewer.get("/console/outbox?view=withdrawn")

    assert f"/outbox/{notice}" in late
    assert '<a href="/console/outbox?view=late">Not delivered yet</a>' in home
    assert f"/outbox/{notice}" not in failed
    assert f"/outbox/{notice}" in withdrawn
    assert LEFT in withdrawn


async def test_an_operator_tries_a_mail_again_and_its_ticket_names_them(desk: Desk) -> None:
    notice = await set_notice(desk, state="dead", last_error=WORDS)
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    status, where = await operator.send("/console/outbox", ids=notice)
    _, page = await operator.get(where)
    _, again = await operator.get((await operator.send("/console/outbox", ids=notice))[1])
    none = await operator.send("/console/outbox", ids="all")

    assert (status, where) == (303, "/console/outbox")
    assert "Tried again now: 1." in page
    assert "1 are not" in again
    assert none[0] == 422
    assert await state_of(desk, notice) != "dead"
    history = (await desk.site.ticket_view()).history
    assert [e.actor for e in history if e.event is AuditEvent.MAIL_RETRIED] == ["op@help.example"]


async def test_a_mail_that_waits_for_another_attempt_is_sent_at_once_and_an_untried_one_is_not(
    desk: Desk,
) -> None:
    """A budget may have set the time of the latter."""
    later, long_ago = clock.now() + timedelta(hours=1), clock.now() - timedelta(hours=2)
    notice = await set_notice(
        desk, state="due", due_at=later, created_at=long_ago, attempts=4, last_error="451 later"
    )
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    await set_notice(desk, claimed_by=new_id())
    _, being_sent = await operator.get(f"/console/outbox/{notice}")
    await set_notice(desk, claimed_by=None)
    _, one = await operator.get(f"/console/outbox/{notice}")
    _, late = await operator.get("/console/outbox?view=late")
    await operator.send("/console/outbox?view=late", "/console/outbox", ids=notice)
    _, done = await operator.get("/console/outbox")

    for page in (one, late):
        assert f'name="ids" value="{notice}' in page
    assert 'name="ids"' not in being_sent
    assert "Tried again now: 1." in done
    found = await desk.site.write(lambda c: overview.find(c, UUID(notice)))
    assert found is not None
    assert (found.due_at < later, found.created_at, found.attempts) == (True, long_ago, 4)
    history = (await desk.site.ticket_view()).history
    assert [e.actor for e in history if e.event is AuditEvent.MAIL_RETRIED] == ["op@help.example"]

    await set_notice(desk, due_at=later, created_at=later, attempts=0)
    await operator.send("/console/outbox?view=late", "/console/outbox", ids=notice)
    _, untried = await operator.get(f"/console/outbox/{notice}")

    assert 'name="ids"' not in untried
    found = await desk.site.write(lambda c: overview.find(c, UUID(notice)))
    assert found is not None
    assert found.due_at == later


async def test_an_agent_sees_what_failed_and_does_not_send_it(desk: Desk) -> None:
    notice = await set_notice(desk, state="dead", last_error=WORDS)
    agent = await desk.logged_in()

    assert (await agent.send("/console/outbox", ids=notice))[0] == 403
    assert await state_of(desk, notice) == "dead"


async def test_outgoing_mail_of_another_desk_is_not_there(desk: Desk) -> None:
    notice = await set_notice(desk, state="dead", last_error=WORDS)
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    tom = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")

    assert (await tom.get(f"/console/outbox/{notice}"))[0] == 404
    assert notice not in (await tom.get("/console/outbox"))[1]


async def test_who_has_a_mail_about_no_ticket_tried_again_is_in_the_log(desk: Desk) -> None:
    """It has no history."""
    notice = await set_notice(desk, state="dead", ticket_id=None, comment_id=None)
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    with capture_logs() as lines:
        await operator.send("/console/outbox", ids=notice)

    (line,) = [each for each in lines if each["event"] == "mails_retried"]
    assert (line["number"], line["by"]) == (1, "op@help.example")
