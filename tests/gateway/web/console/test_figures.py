"""The dashboard: charts whose numbers are also text, of the user's mailboxes alone."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from sqlalchemy import update

from gateway import clock
from gateway.web.console.charts import bars, stacks
from rules.service.console_roles import ConsoleRole
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.sla import Stage
from storage.db.tables import JournalRow, TicketRow, table
from storage.registry import mailboxes
from storage.ticket.rows import AuditEntry, ChangeContext, audit
from tests.gateway.web.console.desk import Browser, Desk
from tests.gateway.web.console.test_journal import send
from tests.gateway.web.link_pages import SAM

_journal, _ticket = table(JournalRow), table(TicketRow)


async def rows(browser: Browser, query: str = "") -> dict[str, int]:
    """The tables beside the bars: each label with its number."""
    _, page = await browser.get(f"/console/figures{query}")
    found = re.findall(r'<tr><th scope="row">(.+?)</th><td class="bar".*?<td>(\d+)</td>', page)
    return {label: int(number) for label, number in found}


def test_the_bars_of_a_chart_are_as_high_as_their_numbers() -> None:
    chart = stacks(["a", "b"], [{"held": 1, "opened": 3}, {}], ["opened", "held"], every=1)

    opened, held = chart.segments
    assert (opened.height, held.height) == (3 * held.height, chart.height / 4)
    assert (held.y, opened.y + opened.height) == (0, chart.height)
    assert [text for _, text in chart.labels] == ["a", "b"]


def test_a_chart_of_nothing_has_no_bars() -> None:
    assert stacks(["a"], [{}], ["held"], every=1).segments == []
    assert [each.width for each in bars([("a", 0, "held")])] == [0]


async def test_the_dashboard_counts_what_came_and_what_is_due(desk: Desk) -> None:
    await send(desk, "The scanner")
    await desk.hold("One")
    await desk.hold("Two")
    now = clock.now()
    overdue = {"due_at": now - timedelta(hours=1), "status": "open"}
    await desk.site.write(lambda c: c.execute(update(_ticket).values(overdue)))
    await send(desk, "The shredder")
    answered = {"first_answered_at": now, "opened_at": now - timedelta(hours=3)}
    third = update(_ticket).where(_ticket.c.id == 3)
    soon = third.values(answered | {"due_at": now + timedelta(days=3)})
    await desk.site.write(lambda c: c.execute(soon))
    theirs = update(_ticket).where(_ticket.c.id == 2).values(assignee=SAM)
    await desk.site.write(lambda c: c.execute(theirs))
    by = ChangeContext(desk.site.mailbox, "", Source.SYSTEM, clock.now(), clock.new_id)
    breach = AuditEntry(AuditEvent.SLA_BREACHED, subject=Stage.FIRST.value)
    await desk.site.write(lambda c: audit(c, by, 2, breach))
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    _, page = await viewer.get("/console/figures?span=day")
    counted = await rows(viewer, "?span=day")

    chart = re.search(r'<svg viewBox="[^"]+" role="img".*?</svg>', page, re.DOTALL)
    assert chart is not None
    drawn = ElementTree.fromstring(chart[0])
    assert {each.get("class") for each in drawn.iter("rect")} == {"s-opened", "s-held"}
    assert drawn.find("title") is not None
    assert drawn.find("desc") is not None
    assert counted["Held: the author is not registered, their company is"] == 2
    assert counted["less than an hour"] == 2
    assert counted['<a href="/console/tickets?view=overdue">overdue</a>'] == 2
    assert (counted["within an hour"], counted["within four hours"]) == (0, 1)
    assert (counted["within a week"], counted["nothing promised"]) == (1, 0)
    people = re.findall(r'assignee=(\S+)&amp;status=open">.*?<td>(\d)</td><td>(\d)</td>', page)
    assert people == [("nobody", "2", "1"), (quote(SAM), "1", "1")]
    assert "Promises that were broken in this time: 1" in page
    assert '<a href="/console/tickets/2">#2</a> First response' in page


async def test_old_mails_are_left_out_and_more_than_enough_are_cut(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        await send(desk, f"Printer {name}")
    old = update(_journal).where(_journal.c.subject == "Printer one")
    past = clock.now() - timedelta(days=3)
    await desk.site.write(lambda c: c.execute(old.values(received_at=past)))
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    _, day = await viewer.get("/console/figures?span=day")
    _, fortnight = await viewer.get("/console/figures")
    monkeypatch.setattr("storage.desk.figures.EXAMINED", 1)
    _, cut = await viewer.get("/console/figures")

    numbers = [re.findall(r"</th><td>(\d+)</td></tr>", page) for page in (day, fortnight, cut)]
    assert [sum(map(int, each)) for each in numbers] == [2, 3, 1]
    assert "mails are counted: those since" in cut
    assert "mails are counted: those since" not in fortnight


async def test_the_figures_of_another_desk_are_not_counted(desk: Desk) -> None:
    await desk.hold("One")
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    tom = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")

    status, page = await tom.get("/console/figures")

    assert status == 200
    assert "Nothing in this time." in page
    assert await rows(tom) == {}
