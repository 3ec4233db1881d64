"""Outgoing mail over the API: tried again, by a token or by a staff person."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from gateway import clock
from rules.ticket.audit import AuditEvent
from storage.db.tables import NoticeRow, table
from storage.notices import suppression
from storage.registry import mailboxes
from tests.gateway.web.api.site import ALICE, ANN, CAT, SAM, SHARED, Site, serving
from tests.in_process import SUPPORT

_notice = table(NoticeRow)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One for all tests here, each with a ticket of its own."""
    folder = tmp_path_factory.mktemp("outbox")
    store = shutil.copy(template, folder / "store.db")
    async with serving(f"sqlite:///{store}", folder) as site:
        yield site


async def ask(
    site: Site, method: str, path: str, actor: str = "", json: Any = None
) -> tuple[int, Any]:
    headers = {"Authorization": "Bearer outbox-token"}
    headers |= {"X-Postern-Actor": actor} if actor else {}
    answer = await site.client.request(method, f"/api/v1/{path}", headers=headers, json=json)
    return answer.status, await answer.json()


async def retry(site: Site, actor: str = "", **asked: Any) -> tuple[int, Any]:
    return await ask(site, "POST", f"outbox/retry?mailbox={SUPPORT}", actor, asked)


async def dead(site: Site) -> tuple[int, str]:
    """A ticket, and the id of a mail about it that is dead."""
    ticket = await site.open(ANN)
    of_ticket = _notice.c.ticket_id == ticket
    first = select(_notice.c.id).where(of_ticket).limit(1)
    notice = await site.write(lambda c: c.execute(first).scalar_one())
    change = update(_notice).values(state="dead", last_error="550 no", attempts=9)
    await site.write(lambda c: c.execute(change.where(_notice.c.id == notice)))
    return ticket, str(notice)


@pytest.mark.parametrize(("actor", "by"), [("", "token:outbox"), (SAM, SAM)])
async def test_the_history_names_who_has_a_mail_tried_again(
    site: Site, actor: str, by: str
) -> None:
    ticket, notice = await dead(site)

    assert await retry(site, actor, ids=[notice]) == (200, {"retried": 1})
    assert await retry(site, actor, ids=[notice]) == (200, {"retried": 0})

    history = (await site.ticket_view(ticket)).history
    entries = [each for each in history if each.event is AuditEvent.MAIL_RETRIED]
    assert [(each.actor, each.source) for each in entries] == [(by, "api")]
    _, mail = await ask(site, "GET", f"outbox/{notice}")
    assert (mail["state"], mail["attempts"], mail["ticket"]) == ("due", 0, ticket)


async def test_every_dead_mail_of_a_mailbox_is_tried_again(site: Site) -> None:
    await dead(site)

    assert (await retry(site, every=True))[1]["retried"] >= 1
    assert (await retry(site, every=True))[1] == {"retried": 0}


async def test_mail_of_another_desk_is_not_there(site: Site) -> None:
    _, notice = await dead(site)
    path = f"outbox/retry?mailbox={SHARED}"

    assert (await ask(site, "GET", f"outbox/{notice}", ALICE))[0] == 404
    assert (await retry(site, ALICE, ids=[notice]))[0] == 404
    assert await ask(site, "POST", path, ALICE, {"ids": [notice]}) == (200, {"retried": 0})


@pytest.mark.parametrize("asked", [{}, {"ids": ["7"]}, {"ids": [], "every": False}])
async def test_a_request_that_names_no_mail_is_refused(site: Site, asked: Any) -> None:
    assert (await retry(site, **asked))[0] == 400


async def test_the_mails_about_a_ticket_and_to_an_address_are_listed_whatever_became_of_them(
    site: Site,
) -> None:
    ticket, notice = await dead(site)
    path = f"outbox?mailbox={SUPPORT}"

    _, about = await ask(site, "GET", f"{path}&ticket={ticket}")
    _, first = await ask(site, "GET", f"{path}&address={ANN}&limit=1")
    _, second = await ask(site, "GET", f"{path}&address={ANN}&limit=1&after={first['after']}")

    assert {"dead", "due"} >= {each["state"] for each in about["mails"]}
    assert notice in {each["id"] for each in about["mails"]}
    assert {each["ticket"] for each in about["mails"]} == {ticket}
    (new,), (old,) = first["mails"], second["mails"]
    assert (new["address"], new["created_at"] > old["created_at"]) == (ANN, True)
    assert (await ask(site, "GET", f"{path}&ticket={ticket}&view=late"))[0] == 400


async def test_addresses_that_bounced_are_listed_and_sent_to_again(site: Site) -> None:
    support = await site.read(partial(mailboxes.mailbox_named, address=SUPPORT))
    for address in (ANN, CAT):
        job = partial(
            suppression.record_hard_failure,
            mailbox=support.id,
            address=address,
            why="550 no such user",
            now=clock.now(),
        )
        await site.write(job)
    path = f"suppression?mailbox={SUPPORT}&limit=1"

    _, first = await ask(site, "GET", path)
    _, second = await ask(site, "GET", f"{path}&after={first['after']}")

    assert [each["addresses"][0]["address"] for each in (first, second)] == [ANN, CAT]
    assert (first["addresses"][0]["suspended_at"], second["after"]) == (None, None)
    one = f"suppression/{ANN}?mailbox={SUPPORT}"
    assert await ask(site, "DELETE", one) == (200, {"removed": 1})
    assert (await ask(site, "DELETE", one))[0] == 404
