"""Users of the console: their own sessions and passwords, and who they are."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from gateway import clock
from gateway.web.console import sessions
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.db.tables import ConsoleSessionRow, NoticeRow, table
from storage.registry import console_users
from storage.registry.console_users import FRESH
from storage.registry.mailboxes import set_mailbox_active
from tests.gateway.web.console.desk import PASSWORD, Browser, Desk
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT

_session, _notice = table(ConsoleSessionRow), table(NoticeRow)
ROOT = "root@help.example"
NEWER = "a newer password"


async def is_logged_in(browser: Browser) -> bool:
    return (await browser.get("/console/"))[0] == 200


async def with_password(desk: Desk) -> Browser:
    browser = desk.browser()
    link = await desk.link(ConsoleRole.VIEWER, EntryUse.PASSWORD)
    await browser.send(link, password=PASSWORD, again=PASSWORD)
    return browser


async def test_a_user_ends_their_other_sessions_and_nobody_elses(desk: Desk) -> None:
    here, there = await desk.logged_in(), await desk.logged_in()
    other = await desk.logged_in(ConsoleRole.VIEWER, ROOT)

    _, before = await here.get("/console/me")
    await here.send("/console/me", do="sessions")
    _, after = await here.get("/console/me")

    assert before.count("another browser") == 1
    assert "1 other sessions have ended." in after
    assert "another browser" not in after
    assert [await is_logged_in(each) for each in (here, there, other)] == [True, False, True]


async def test_a_user_changes_their_password_if_they_know_it(desk: Desk) -> None:
    here = await with_password(desk)
    there = desk.browser()
    await there.send("/console/login", address=SAM, password=PASSWORD)
    new = {"do": "password", "password": NEWER, "again": NEWER}

    wrong, page = await here.send("/console/me", **new, present="anything else")
    short, _ = await here.send("/console/me", do="password", present=PASSWORD, password="x")
    assert await is_logged_in(there)
    done = await here.send("/console/me", **new, present=PASSWORD)

    assert (wrong, "The present password is wrong." in page, short) == (422, True, 422)
    assert done == (303, "/console/me")
    assert [await is_logged_in(each) for each in (here, there)] == [True, False]
    logins = [
        await desk.browser().send("/console/login", address=SAM, password=each)
        for each in (PASSWORD, NEWER)
    ]
    assert [status for status, _ in logins] == [401, 303]


async def test_a_password_that_is_changed_while_it_is_compared_logs_nobody_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who knows the old one has a session that the change did not end."""
    await with_password(desk)
    was = await desk.site.write(partial(console_users.password_hash, address=SAM))
    compared, changed, compare = threading.Event(), threading.Event(), sessions._verified

    def until_it_is_changed(stored: str, password: str) -> bool:
        right = compare(stored, password)
        compared.set()
        changed.wait(10)
        return right

    monkeypatch.setattr(sessions, "_verified", until_it_is_changed)
    login = asyncio.create_task(
        desk.browser().send("/console/login", address=SAM, password=PASSWORD)
    )
    assert await asyncio.to_thread(compared.wait, 10)
    change = partial(
        console_users.change_password, address=SAM, was=was, password="another", secret=""
    )
    assert await desk.site.write(change)
    changed.set()

    assert (await login)[0] == 401


async def test_a_link_that_was_not_used_ends_when_the_password_is_changed(desk: Desk) -> None:
    browser = await with_password(desk)
    link = await desk.link(ConsoleRole.VIEWER, EntryUse.PASSWORD)
    new = {"do": "password", "password": NEWER, "again": NEWER}

    assert (await browser.send("/console/me", **new, present=PASSWORD))[0] == 303

    assert (await desk.browser().get(link))[0] == 404


async def test_a_first_password_is_chosen_soon_after_a_login(desk: Desk) -> None:
    """Else a browser that somebody else has taken over becomes a password of theirs."""
    browser = await desk.logged_in()
    new = {"do": "password", "password": NEWER, "again": NEWER}
    begun = update(_session).values(begun_at=clock.now() - FRESH - timedelta(seconds=1))
    await desk.site.write(lambda c: c.execute(begun))

    _, page = await browser.get("/console/me")
    stale, _ = await browser.send("/console/me", **new)
    fresh = await desk.logged_in()
    done = await fresh.send("/console/me", **new)

    assert 'name="password"' not in page
    assert (stale, done) == (403, (303, "/console/me"))


async def test_a_user_is_notified_of_a_new_password(desk: Desk) -> None:
    browser = await with_password(desk)
    new = {"do": "password", "password": NEWER, "again": NEWER}
    await browser.send("/console/me", **new, present=PASSWORD)

    query = select(_notice.c.address, _notice.c.detail).where(_notice.c.kind == "console_login")
    mails = await desk.site.write(lambda c: c.execute(query).all())

    assert [(to, json.loads(said)) for to, said in mails] == 2 * [
        (SAM, {"network": "127.0.0.0/24"})
    ]


async def test_where_no_mailbox_can_notify_a_user_of_a_new_password_the_log_says_so(
    desk: Desk,
) -> None:
    browser = await with_password(desk)
    await desk.site.write(lambda c: set_mailbox_active(c, SUPPORT, active=False))
    new = {"do": "password", "password": NEWER, "again": NEWER}

    with capture_logs() as logged:
        await browser.send("/console/me", **new, present=PASSWORD)

    (unseen,) = [each for each in logged if each["event"] == "console_user_not_notified"]
    assert (unseen["address"], unseen["change"]) == (SAM, "password")


async def test_a_user_chooses_the_language_of_the_console(desk: Desk) -> None:
    browser = await desk.logged_in()

    await browser.send("/console/me", do="language", language="de")
    unknown, _ = await browser.send("/console/me", do="language", language="xx")

    assert "Was auf Sie wartet" in (await browser.get("/console/"))[1]
    assert unknown == 422


async def test_an_agent_is_invited_and_registered_as_staff_with_one_form(desk: Desk) -> None:
    admin = await desk.logged_in(ConsoleRole.ADMIN, ROOT)
    form = {"do": "invite", "address": "tom@help.example", "role": "agent"}

    unknown, _ = await admin.send("/console/users", **form, staff="gone@help.example")
    _, without = await admin.send("/console/users", **form)
    with capture_logs() as logs:
        status, page = await admin.send("/console/users", **form, staff=SUPPORT)
    again, _ = await admin.send("/console/users", **form, staff=SUPPORT)
    customer, why = await admin.send(
        "/console/users", do="invite", address=ANN, role="agent", staff=SUPPORT
    )

    assert "Register them as staff" in without
    assert (status, "Register them as staff" in page, again, unknown) == (200, False, 200, 422)
    assert [each["change"] for each in logs if each["event"] == "registry_changed"] == [
        "staff_added"
    ]
    assert (customer, "already" in why, f'value="{ANN}"' in why) == (422, True, True)
    users = await desk.site.write(console_users.list_users)
    assert ANN not in {each.user.address for each in users}
    assert (
        f"{SUPPORT}</h2>"
        in (await (await desk.logged_in(as_="tom@help.example")).get("/console/"))[1]
    )


async def test_an_administrator_invites_and_removes_a_user(desk: Desk) -> None:
    admin = await desk.logged_in(ConsoleRole.ADMIN, ROOT)
    form = {"do": "invite", "address": "tom@help.example", "role": "viewer"}

    status, page = await admin.send("/console/users", **form)
    link = re.search(r"<code>(/console/enter/[\w-]+)</code>", page)
    assert link is not None
    tom = desk.browser()
    entered = await tom.send(link[1], password=PASSWORD, again=PASSWORD)
    _, listed = await admin.get("/console/users")
    removed = await admin.send("/console/users", do="remove", address="t\0om@help.example")

    assert (status, entered) == (200, (303, "/console/"))
    assert link[1] not in listed
    assert removed == (303, "/console/users")
    assert not await is_logged_in(tom)


async def test_an_administrator_does_not_remove_or_demote_themselves(desk: Desk) -> None:
    admin = await desk.logged_in(ConsoleRole.ADMIN, ROOT)

    removed, page = await admin.send("/console/users", do="remove", address=ROOT.upper())
    demoted, _ = await admin.send("/console/users", do="invite", address=ROOT, role="viewer")
    invalid, _ = await admin.send("/console/users", do="invite", address="tom", role="viewer")

    assert removed == demoted == invalid == 422
    assert "Another administrator can change your own role" in page
    assert (await admin.get("/console/users"))[0] == 200


async def test_nobody_changes_their_own_role_in_another_spelling_of_their_address(
    desk: Desk,
) -> None:
    own = "adm@xn--bcher-kva.example"
    admin = await desk.logged_in(ConsoleRole.ADMIN, own)

    status, _ = await admin.send(
        "/console/users", do="invite", address="Adm@b\u00fccher.example", role="viewer"
    )

    user = await desk.site.write(partial(console_users.user_named, address=own))
    assert user is not None
    assert (status, user.role) == (422, ConsoleRole.ADMIN)
