"""Policies in words, and a back-test as a page."""

from __future__ import annotations

import re

import pytest
from aiohttp import FormData

from gateway import backtest, clock, policies
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Report
from gateway.policies import Policies
from rules.policy import Policy
from rules.policy.explain import chapters_of
from rules.service.console_roles import ConsoleRole
from storage.db.database import Connection, Database
from storage.registry import console_users, mailboxes
from tests.gateway.web.console.desk import Browser, Desk
from tests.gateway.web.link_pages import SUPPORT

STRICTER = policies.find(None)["default"].text.replace(
    'registration = "user"', 'registration = "domain"'
)


async def tried(browser: Browser, file: bytes) -> tuple[int, str]:
    """A back-test of a policy file."""
    _, page = await browser.get("/console/backtest")
    token = re.search(r'name="csrf" value="(\w+)"', page)
    assert token is not None
    form = FormData({"csrf": token[1], "mailbox": SUPPORT, "mails": "100"})
    form.add_field("file", file, filename="new.toml")
    response = await browser.client.post("/console/backtest", data=form)
    return response.status, await response.text()


async def test_a_policy_is_explained_as_on_the_command_line(desk: Desk) -> None:
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    _, listed = await browser.get("/console/policies")
    status, page = await browser.get("/console/policies/default")

    assert '<a href="/console/policies/default">' in listed
    assert SUPPORT in listed
    assert status == 200
    for chapter in chapters_of(policies.find(None)["default"].policy):
        assert f"<h2>{chapter.title}</h2>" in page
    assert "Only registered people open requests." in page


async def test_only_operators_see_the_policies_of_others_and_try_one(desk: Desk) -> None:
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "weka"))
    agent = await desk.logged_in()
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    assert (await agent.get("/console/policies/weka"))[0] == 404
    assert "/console/backtest" not in (await agent.get("/console/policies"))[1]
    assert (await agent.get("/console/backtest"))[0] == 403
    assert "sales@help.example" in (await operator.get("/console/policies/weka"))[1]
    assert (await agent.get("/console/policies/default/file"))[0] == 403
    file = await operator.client.get("/console/policies/weka/file")
    assert await file.text() == policies.find(None)["weka"].text
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert (await operator.get("/console/policies/none/file"))[0] == 404
    _, form = await operator.get("/console/backtest?policy=weka")
    assert '<option value="sales@help.example" selected>' in form


async def test_a_backtest_shows_which_mails_would_have_gone_another_way(desk: Desk) -> None:
    held = await desk.hold("I am <b>new</b> here")
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    status, page = await tried(operator, STRICTER.encode())
    _, same = await operator.send("/console/backtest", policy="default")

    assert status == 200
    assert f'href="/console/mails/{held.journal_id}"' in page
    assert "I am &lt;b&gt;new&lt;/b&gt; here" in page
    assert re.search(r"Held, the author is not registered[^→]+→ <b>New ticket, a new request", page)
    assert "No mail would have gone another way." in same


async def test_who_loses_the_right_while_a_backtest_runs_is_not_shown_what_it_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may run for three quarters of a minute."""
    await desk.hold("Of all mailboxes")
    address, run = "op@help.example", backtest.run_backtest

    def demote(connection: Connection) -> None:
        console_users.invite(connection, address, ConsoleRole.AGENT, clock.now())

    def remove(connection: Connection) -> None:
        console_users.remove(connection, address)

    losses = [remove, demote]

    async def run_and_lose_it(
        database: Database, known: Policies, new: Policy, wanted: BacktestQuery
    ) -> Report:
        report = await run(database, known, new, wanted)
        await desk.site.write(losses.pop())
        return report

    monkeypatch.setattr(backtest, "run_backtest", run_and_lose_it)
    answers = [
        await tried(await desk.logged_in(ConsoleRole.OPERATOR, address), STRICTER.encode())
        for _ in tuple(losses)
    ]

    (demoted, refusal), (removed, login) = answers
    assert (demoted, removed) == (403, 200)
    assert "Your role, agent, does not permit this." in refusal
    assert 'action="/console/login"' in login
    assert not any("Of all mailboxes" in page for page in (refusal, login))


async def test_a_file_that_is_no_policy_is_refused_with_its_faults(desk: Desk) -> None:
    operator = await desk.logged_in(ConsoleRole.OPERATOR, "op@help.example")

    status, page = await tried(operator, b'name = "mine"\nregistraton = "user"\n')
    nothing = await operator.send("/console/backtest", policy="unknown")

    assert status == 422
    assert "registraton" in page
    assert nothing[0] == 422
