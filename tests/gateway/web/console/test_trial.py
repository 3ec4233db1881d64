"""Trying a mail: what would become of it, with nothing stored."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest
from aiohttp import FormData
from sqlalchemy import func, select

from rules.service.console_roles import ConsoleRole
from storage.db.tables import JournalRow, NoticeRow, table
from storage.registry import mailboxes
from tests.gateway.web.console.desk import NEW, Browser, Desk
from tests.gateway.web.console.test_in_browser import hostile
from tests.gateway.web.link_pages import ANN
from tests.gateway.web.threads import threads_of


async def rows(desk: Desk) -> list[int]:
    counted = [select(func.count()).select_from(table(row)) for row in (JournalRow, NoticeRow)]
    return await desk.site.write(lambda c: [c.execute(each).scalar_one() for each in counted])


async def test_a_mail_of_fields_goes_its_way_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = threads_of(monkeypatch, "gateway.web.console.trial._raw")
    agent = await desk.logged_in()
    before = await rows(desk)
    form = {"from": ANN, "subject": "<b>Fire</b>", "text": "Help."}

    _, unproven = await agent.send("/console/try", **form)
    _, proven = await agent.send("/console/try", **form, proven="yes")
    _, trusted = await agent.send("/console/try", **form, peer="127.0.0.1")
    _, stranger = await agent.send("/console/try", **{**form, "from": NEW}, proven="yes")

    assert "the author is not proven</li>" in unproven
    assert 'class="verdict opened"' in proven
    assert "by assumption" in proven
    assert "&lt;b&gt;Fire&lt;/b&gt;" in proven
    assert "open a ticket for ann@acme.example" in trusted
    assert "peer:127.0.0.1" in trusted
    assert "the author is not registered, their company is</li>" in stranger
    assert await rows(desk) == before
    assert threads
    assert threading.get_ident() not in threads


async def tried(agent: Browser, mail: bytes) -> str:
    """The page after a file was tried."""
    _, page = await agent.get("/console/try")
    token = re.search(r'name="csrf" value="(\w+)"', page)
    assert token is not None
    form = FormData({"csrf": token[1], "proven": "yes", "source": ""})
    form.add_field("file", mail, filename="mail.eml", content_type="message/rfc822")
    response = await agent.client.post("/console/try", data=form)
    return await response.text()


async def test_a_file_is_tried_and_a_source_too(desk: Desk) -> None:
    agent = await desk.logged_in()
    of_file = await tried(agent, hostile())
    source = hostile().decode().replace("\r\n", "\n")
    _, of_source = await agent.send("/console/try", source=source, proven="yes")

    for each in (of_file, of_source):
        assert "Hello &lt;script&gt;" in each
        assert "<script" not in each
        assert 'class="verdict opened"' in each


async def test_what_cannot_be_tried_is_named(desk: Desk) -> None:
    agent = await desk.logged_in()

    nobody = await agent.send("/console/try", text="Help.")
    nowhere = await agent.send("/console/try", **{"from": ANN}, peer="here")
    nul = await tried(agent, b"From: ann@acme.example\n\nHelp\0")

    assert nobody[0] == nowhere[0] == 422
    assert "Please give the sender" in nobody[1]
    assert "Please give an IP address" in nowhere[1]
    assert "The mail has NUL, so it is refused before any check." in nul


async def test_a_mail_that_its_line_ends_make_too_large_is_not_tried(desk: Desk) -> None:
    connections = desk.site.services.connections
    connections.limits = replace(connections.limits, mail_size_bytes=4096)
    agent = await desk.logged_in()

    status, page = await agent.send("/console/try", source="From: ann@acme.example" + "\n" * 3000)

    assert (status, "This mail is larger than any that is taken." in page) == (422, True)


async def test_a_mailbox_of_another_desk_is_not_tried(desk: Desk) -> None:
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    agent = await desk.logged_in()
    form = {"from": ANN, "mailbox": "sales@help.example"}

    status, page = await agent.send("/console/try", **form)

    assert (status, "Please choose a mailbox." in page) == (422, True)
    viewer = await desk.logged_in(ConsoleRole.VIEWER)
    assert (await viewer.get("/console/try"))[0] == 403
    assert 'href="/console/try"' not in (await viewer.get("/console/"))[1]
