"""Lists of tickets: what a filter selects, in which order, and of which desk."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

from gateway import clock
from rules.mail import Delivery, Envelope
from rules.service.console_roles import ConsoleRole
from rules.ticket.changes import Source, WriteComment
from rules.ticket.visibility import Visibility
from storage.registry import mailboxes
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext
from tests.gateway.web.console.desk import Browser, Desk
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT
from tests.in_process import a_mail


async def open_by_mail(desk: Desk, subject: str) -> None:
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    (reply,) = await desk.site.services.ingest.take(Delivery(envelope, a_mail(ANN, subject)))
    assert reply.accepted


async def listed(browser: Browser, query: str = "") -> list[int]:
    """The numbers of the tickets in a list."""
    status, page = await browser.get(f"/console/tickets{query}")
    assert status == 200
    return [int(number) for number in re.findall(r'<span class="id">#(\d+)</span>', page)]


def counted(first_page: tuple[int, str]) -> dict[str, tuple[int, str]]:
    """The lists that the first page counts, each with the age of its oldest ticket."""
    cards = re.findall(
        r'"number">(\d+)</p>.*?view=(\w+).*?<time[^>]*>([^<]+)</time>', first_page[1], re.DOTALL
    )
    return {name: (int(number), since) for number, name, since in cards}


async def test_a_filter_selects_tickets_of_the_desk(desk: Desk) -> None:
    for subject in ("Paper", "<i>Ink</i>", "[P1] Everything is down"):
        await open_by_mail(desk, subject)
    agent = await desk.logged_in()
    await agent.send("/console/tickets/2", do="assign", assignee=SAM)
    await agent.send("/console/tickets/2", do="tag", tag="printing")

    # The first one is resolved, and the second changed last.
    assert await listed(agent) == [2, 4, 3]
    assert await listed(agent, "?status=all") == [2, 4, 3, 1]
    assert await listed(agent, "?status=resolved") == [1]
    assert await listed(agent, f"?assignee={SAM}") == [2]
    assert await listed(agent, "?assignee=nobody") == [4, 3]
    assert await listed(agent, "?tag=printing") == [2]
    assert await listed(agent, "?tag=scanning") == []
    assert await listed(agent, f"?customer={ANN}") == [2, 4, 3]
    assert await listed(agent, "?customer=acm&severity=Low") == []
    assert await listed(agent, "?customer=acm&status=open") == [2, 4, 3]
    assert await listed(agent, "?q=ink") == [3]
    assert await listed(agent, "?q=print&status=all") == [2, 4, 3]
    assert await listed(agent, f"?q=print&assignee={SAM}") == [2]
    assert await listed(agent, "?q=--&status=all") == []
    assert await listed(agent, "?mailbox=other@help.example") == []
    assert await listed(agent, "?view=claimed") == [4]
    assert await listed(agent, "?after=0001-01-01T00:00:00%2B23:59_1") == [2, 4, 3]  # no such key
    assert "&lt;i&gt;Ink&lt;/i&gt;" in (await agent.get("/console/tickets"))[1]


async def test_an_answer_of_staff_takes_a_claim_from_the_list(desk: Desk) -> None:
    await open_by_mail(desk, "[P1] Everything is down")
    agent = await desk.logged_in()
    assert await listed(agent, "?view=claimed") == [2]
    assert counted(await agent.get("/console/"))["claimed"] == (1, "now")

    by = ChangeContext(desk.site.mailbox, SAM, Source.CONSOLE, clock.now(), clock.new_id)
    policy = desk.site.services.runtime.policy_of(desk.site.mailbox)
    answer = WriteComment("We look into it.", Visibility.PUBLIC)
    await desk.site.write(
        partial(change_ticket, context=by, number=2, changes=[answer], policy=policy, by_staff=True)
    )

    assert await listed(agent, "?view=claimed") == []
    assert "claimed" not in counted(await agent.get("/console/"))


async def test_the_longest_overdue_comes_first(desk: Desk) -> None:
    agent = await desk.logged_in()
    now = clock.now()
    for hours, subject in ((1, "One"), (3, "Two"), (-1, "Three")):
        await open_by_mail(desk, subject)
        await desk.site.set_last(due_at=now - timedelta(hours=hours))

    assert await listed(agent, "?view=overdue") == [3, 2]
    assert "3 h late" in (await agent.get("/console/tickets?view=overdue"))[1]
    assert counted(await agent.get("/console/"))["overdue"] == (2, "3 h")


async def test_a_list_has_nothing_of_another_desk(desk: Desk) -> None:
    await open_by_mail(desk, "Paper")
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    tom = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    for query in (
        "",
        "?status=all",
        "?q=paper",
        f"?customer={ANN}",
        f"?mailbox={SUPPORT}",
        "?view=claimed",
    ):
        assert await listed(tom, query) == []
    assert await listed(operator, f"?mailbox={SUPPORT}&q=paper") == [2]
