"""Held mail over the API: read, filed and discarded, for staff who vouch for it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rules.ticket.audit import AuditEvent
from storage.registry import directory
from tests.gateway.web.api.site import ALICE, ANN, BOB, SAM, Site, serving
from tests.in_process import ANYWHERE, SUPPORT, a_mail

NEW = "new@acme.example"
NUMBERS = count()
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One for all tests here, each with a mail of its own."""
    folder = tmp_path_factory.mktemp("held")
    store = shutil.copy(template, folder / "store.db")
    async with serving(f"sqlite:///{store}", folder) as site:
        yield site


async def ask(
    site: Site, method: str, path: str, actor: str = SAM, json: Any = None
) -> tuple[int, Any]:
    headers = {"Authorization": "Bearer held-token", "X-Postern-Actor": actor}
    answer = await site.client.request(method, f"/api/v1/{path}", headers=headers, json=json)
    return answer.status, await answer.json()


async def release(site: Site, mail: str, actor: str = SAM, **stated: Any) -> tuple[int, Any]:
    return await ask(site, "POST", f"held/{mail}/release", actor, stated)


async def held(site: Site) -> str:
    """The id of a mail that is held, since nothing proves who sent it."""
    mail = a_mail(ANN, subject=f"Printer {next(NUMBERS)}")
    await site.postern.take(mail, ANYWHERE, strangers="hold")
    _, found = await ask(site, "GET", f"held?mailbox={SUPPORT}")
    return str(found["held"][-1]["id"])


async def test_a_released_mail_is_on_a_ticket_whose_history_names_the_person(site: Site) -> None:
    mail = await held(site)

    status, done = await release(site, mail, why="Ann called.")

    assert (status, done["enrolled"], done["repeated"]) == (200, False, False)
    view = await site.ticket_view(done["ticket"])
    (entry,) = [each for each in view.history if each.event == AuditEvent.RELEASED]
    assert (entry.actor, entry.source, entry.reason) == (SAM, "api", "Ann called.")


async def test_a_release_that_is_sent_again_gets_the_ticket(site: Site) -> None:
    mail = await held(site)
    _, first = await release(site, mail)

    again = await release(site, mail, as_new=True)
    discarded, _ = await ask(site, "DELETE", f"held/{mail}")

    assert again == (200, {"ticket": first["ticket"], "enrolled": False, "repeated": True})
    assert discarded == 409


async def test_a_mail_is_released_onto_the_ticket_that_staff_name(site: Site) -> None:
    number = await site.open(ANN)
    mail = await held(site)

    assert (await release(site, mail, onto=number))[1]["ticket"] == number


async def test_a_release_that_names_what_was_shown_is_refused_once_that_has_changed(
    site: Site,
) -> None:
    mail = await held(site)
    _, read = await ask(site, "GET", f"held/{mail}")

    status, refused = await release(site, mail, shown=read["shown"].replace("opens 0", "public 1"))
    done, _ = await release(site, mail, shown=read["shown"])

    assert read["effect"] == "If you release it, it opens a request."
    assert (status, done) == (409, 200)
    assert "Then everybody on #1 would have read it." in refused["detail"]


async def test_a_discarded_mail_is_gone_and_discarding_it_again_does_nothing(site: Site) -> None:
    mail = await held(site)

    assert await ask(site, "DELETE", f"held/{mail}") == (200, {"removed": 1})
    assert await ask(site, "DELETE", f"held/{mail}") == (200, {"removed": 0})
    assert (await release(site, mail))[0] == 409
    assert (await ask(site, "GET", f"held/{mail}"))[0] == 409


async def test_the_author_of_a_mail_is_registered_with_it(site: Site) -> None:
    await site.postern.take(a_mail(NEW))
    _, found = await ask(site, "GET", f"held?mailbox={SUPPORT}")
    mail = found["held"][0]["id"]
    _, shown = await ask(site, "GET", f"held/{mail}")

    _, done = await release(site, mail, enrol=True)

    assert (shown["can_enrol"], shown["text"]) == (True, "It does not print.\n")
    assert (done["enrolled"], done["ticket"] > 0) == (True, True)
    people = await site.read(partial(directory.find_people, mailboxes=[1], text=NEW, limit=1))
    assert [each.company for each in people] == ["Acme"]


async def test_nobody_is_registered_whom_a_forged_mail_names(site: Site) -> None:
    status, body = await release(site, await held(site), enrol=True)

    assert (status, "cannot be registered" in body["detail"]) == (409, True)


async def test_only_a_mail_without_one_author_is_filed_as_staff_state(site: Site) -> None:
    two = a_mail(f"{ANN}, {BOB}\r\nSender: {ANN}", subject=f"Printer {next(NUMBERS)}")
    await site.postern.take(two, ANYWHERE, strangers="hold")
    _, found = await ask(site, "GET", f"held?mailbox={SUPPORT}")
    (mail,) = [each["id"] for each in found["held"] if not each["author"]]

    assert (await release(site, mail))[0] == 409
    _, unnamed = await ask(site, "GET", f"held/{mail}")
    _, named_one = await ask(site, "GET", f"held/{mail}?author={BOB}")
    assert (await release(site, mail, author=BOB, shown=unnamed["shown"]))[0] == 409
    status, done = await release(site, mail, author=BOB, shown=named_one["shown"])

    assert unnamed["effect"] == "What a release does depends on the author that you name."
    assert named_one["effect"] == "If you release it, it opens a request."
    assert (status, (await site.ticket_view(done["ticket"])).summary.requester) == (200, BOB)
    named, body = await release(site, await held(site), author=BOB)
    assert (named, body["detail"]) == (409, "the mail names its author; omit author")


@pytest.mark.parametrize(
    "stated", [{"as_new": True, "onto": 1}, {"author": "ann"}, {"enrol": True, "author": ANN}]
)
async def test_what_contradicts_itself_is_refused(site: Site, stated: Any) -> None:
    assert (await release(site, await held(site), **stated))[0] == 400


async def test_staff_of_another_desk_find_no_such_mail(site: Site) -> None:
    mail = await held(site)

    found = [
        await ask(site, "GET", f"held/{mail}", ALICE),
        await release(site, mail, ALICE),
        await ask(site, "DELETE", f"held/{mail}", ALICE),
    ]

    assert [status for status, _ in found] == [404] * 3
    assert (await ask(site, "GET", f"held/{mail}"))[0] == 200
