"""The page behind the links of a digest: what a staff person does there with a held mail."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import update

from gateway import clock
from gateway.outgoing.compose import Composer
from gateway.parsing.parser import Parser
from gateway.parsing.turns import Overloaded
from gateway.web import readers
from gateway.web.held_mail import SHOWN_TEXT
from gateway.web.pages import held
from gateway.web.pages.forms import Form, read_form
from gateway.web.pages.held import HELD
from rules.decision.reasons import Reason
from rules.mail import Delivery, Envelope
from rules.people import Role
from rules.sender.tokens import Link, LinkUse, link_token, message_id
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.db.tables import JournalRow, table
from storage.mail import quarantine
from storage.notices import outbox
from storage.registry import people
from storage.ticket.read import ticket_view
from tests.gateway.web.link_pages import (
    ANN,
    SAM,
    SUPPORT,
    Site,
    open_ticket,
    site_with_a_ticket,
)
from tests.gateway.web.shown_forms import filled_in
from tests.in_process import a_mail

NEW = "new@acme.example"
_journal = table(JournalRow)


@pytest_asyncio.fixture
async def site(store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site_with_a_ticket(store_url, tmp_path) as site:
        yield site


async def hold(
    site: Site,
    subject: str = "The printer is on fire",
    *,
    text: str = "Burn <b>me</b> down.",
    **header: str,
) -> str:
    """A colleague's mail is held, and a digest goes to Sam; returns the path of its link."""
    digest = await digest_of(site, subject, text=text, **header)
    found = re.findall(r"https://postern\.example(/held/\S+)\?do=(\w+)", digest)
    assert [choice for _, choice in found] == ["release", "new", "enrol", "discard"]
    return str(found[0][0])


async def digest_of(
    site: Site,
    subject: str,
    *,
    author: str = NEW,
    to: str = SUPPORT,
    text: str = "Burn <b>me</b> down.",
    **header: str,
) -> str:
    """A mail is held, by default a colleague's, and a digest goes to Sam; returns its text."""
    envelope = Envelope("127.0.0.1", "", False, author, (SUPPORT,))
    raw = a_mail(author, subject, text, **header).replace(SUPPORT.encode(), to.encode(), 1)
    (reply,) = await site.services.ingest.take(Delivery(envelope, raw))
    assert reply.accepted
    assert await site.services.scheduler.notify_desk(every_queue=False) == 1
    notices = await site.write(partial(outbox.claim, now=clock.now(), limit=50))
    (digest,) = [notice for notice in notices if notice.kind is NoticeKind.DIGEST]
    assert digest.address == SAM
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    policy = site.services.runtime.policies[site.mailbox.policy]
    written = Composer(keys, "https://postern.example").write(digest, policy)
    mail = email.message_from_bytes(written.raw, policy=email.policy.default)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert written.mail_from.startswith("support+")  # a bounce of it is counted, and is no mail
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def number_held(site: Site) -> int:
    return len(await site.write(quarantine.held_mails))


async def test_the_page_shows_the_mail_and_changes_nothing(site: Site) -> None:
    path = await hold(site)

    for choice in ("?do=release", "?do=discard", ""):
        status, page = await site.get(path + choice)
        assert status == 200

    assert "The printer is on fire" in page
    assert "Burn &lt;b&gt;me&lt;/b&gt; down." in page
    assert SAM in page
    assert await number_held(site) == 1


async def test_a_held_mail_is_read_for_one_holder_of_a_link_at_a_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the holder of one could have all processes read a costly mail."""
    monkeypatch.setattr(readers, "STORE_S", 0.05)
    path = await hold(site)
    app = site.client.app
    assert app is not None

    async with app[HELD].readers.turn("tom@help.example"):
        busy, _ = await site.get(path)
    free, _ = await site.get(path)

    assert (busy, free) == (429, 200)


async def test_who_decides_while_too_many_mails_are_read_is_asked_to_try_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also who deletes one: what becomes of it is compared with what the page showed."""

    async def busy(*_: object) -> None:
        raise Overloaded

    path = await hold(site)
    _, page = await site.get(path)
    monkeypatch.setattr(Parser, "begin", busy)

    decided, _ = await site.post(path, **filled_in(page, {"do": "discard"}))
    shown, _ = await site.get(path)

    assert (decided, shown, await number_held(site)) == (429, 429, 1)


async def test_of_a_mail_without_one_author_only_what_works_is_offered(site: Site) -> None:
    text = await digest_of(site, "Two of us", Sender="a@acme.example\r\nSender: b@acme.example")

    links = re.findall(r"https://postern\.example(/held/\S+)\?do=(\w+)", text)
    assert [choice for _, choice in links] == ["discard"]
    (held,) = await site.write(quarantine.held_mails)
    assert held.author == ""
    assert f"postern held release {held.journal_id} --author ADDRESS" in text
    _, page = await site.get(links[0][0])
    assert f"postern held release {held.journal_id} --onto NUMBER" in page


async def test_the_page_names_whom_a_release_may_add_to_the_request_and_the_files(
    site: Site,
) -> None:
    """Else one click would send the answers to whomever a forged mail names in Cc."""
    path = await hold(
        site,
        Cc=f"Eve <eve@evil.example>, {SUPPORT}",
        Content_Type="application/pdf; name=plan.pdf",
    )

    _, page = await site.get(path)

    assert "Others in To and Cc, who may join the request: <bdi>eve@evil.example</bdi></p>" in page
    assert "Files: <bdi>plan.pdf</bdi></p>" in page


async def answer_to_a_list(site: Site) -> str:
    """Ann's answer on her ticket is held, since she wrote it to a list; returns the path of its
    page, as a digest links to it."""
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    notice = clock.new_id()
    answered = message_id(keys, site.mailbox.id, site.ticket, notice, "help.example")
    marks = {"In_Reply_To": answered, "List_Id": "<team.lists.example>"}
    digest = await digest_of(site, "Re: It", author=ANN, to="team@lists.example", **marks)
    (path, *_) = re.findall(r"https://postern\.example(/held/\S+)\?do=release", digest)
    return str(path)


async def test_the_page_names_the_ticket_on_which_a_release_publishes_the_mail(site: Site) -> None:
    """Ann wrote it to a list, and no other line of the page shows which ticket it answers."""
    path = await answer_to_a_list(site)

    _, page = await site.get(path)
    await site.send(path, do="release")

    assert f"If you release it, everybody on #{site.ticket} reads it." in page
    (comment,) = (await site.ticket_view()).comments
    assert (comment.author, comment.visibility) == (ANN, Visibility.PUBLIC)


async def test_a_release_goes_to_the_ticket_that_its_page_showed_or_nowhere(site: Site) -> None:
    """The ticket is merged into one with other people while the page is open."""
    path = await answer_to_a_list(site)
    _, page = await site.get(path)
    goal = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Leaks"))
    await site.set_ticket(merged_into=goal, status="closed")

    outdated = [
        await site.post(path, **filled_in(page, {"do": choice, "why": "Ann called"}))
        for choice in ("release", "new", "discard")
    ]
    without, _ = await site.post(path, do="release")
    held_still = await number_held(site)
    done, _ = await site.post(path, **filled_in(outdated[0][1], {"do": "release"}))

    for status, shown in outdated:
        assert status == 409
        assert f"Then everybody on #{site.ticket} would have read it. If you release it, " in shown
        assert f"everybody on #{goal} reads it." in shown
        assert 'value="Ann called"' in shown
    assert (without, held_still, done) == (409, 1, 200)
    view = await site.write(partial(ticket_view, number=goal))
    assert view is not None
    assert [each.author for each in view.comments] == [ANN]


async def test_nothing_of_a_link_is_shown_where_the_end_of_the_page_divides_it(site: Site) -> None:
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    token = link_token(keys, site.mailbox.id, LinkUse.APPROVE, Link(1, 1, "eve@evil.example"))
    lines = "x" * 70 + "\r\n"
    before = lines * 41
    before += "y" * (SHOWN_TEXT - len(before.replace("\r", "")) - 21) + " "

    _, page = await site.get(await hold(site, text=f"{before}{token} and more"))

    assert "yyyy" in page
    assert token[:12] not in page


async def test_a_mail_is_released_once_and_the_ticket_names_the_person(site: Site) -> None:
    path = await hold(site)

    status, page = await site.send(path, do="enrol", why="A new colleague")
    assert (status, "Email released" in page) == (200, True)
    for status, page in (await site.send(path, do="discard"), await site.get(path)):
        assert (status, "held no longer" in page) == (200, True)

    whole = await Site(site.client, site.services, site.mailbox, site.ticket + 1).ticket_view()
    (entry,) = [each for each in whole.history if each.event is AuditEvent.RELEASED]
    assert (entry.actor, entry.source, entry.reason) == (SAM, Source.WEB, "A new colleague")
    assert whole.summary.requester == NEW


async def test_what_cannot_be_filed_stays_held(site: Site) -> None:
    path = await hold(site)

    status, page = await site.send(path, do="release")

    assert (status, "The sender is not registered" in page) == (409, True)
    assert await number_held(site) == 1


async def test_nobody_is_registered_for_a_mail_that_stays_held(site: Site) -> None:
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    others = message_id(keys, site.mailbox.id, site.ticket, clock.new_id(), "help.example")
    path = await hold(site, References=others)

    status, page = await site.send(path, do="enrol")

    assert (status, "It answers a request of another company" in page) == (409, True)
    assert "is registered now" not in page
    users = await site.write(lambda c: people.list_people(c, site.mailbox, Role.USER))
    assert NEW not in {each.address for each in users}
    assert await number_held(site) == 1


async def test_what_the_page_does_not_offer_is_not_done(site: Site) -> None:
    """Nobody is registered because a mail names them that is held for another reason."""
    path = await hold(site)
    unproven = update(_journal).values(reason=Reason.DMARC_QUARANTINE.value)
    await site.write(lambda c: c.execute(unproven.where(_journal.c.author == NEW)))
    _, page = await site.get(path)
    assert ('value="release"' in page, 'value="enrol"' in page) == (True, False)

    status, page = await site.send(path, do="enrol")

    assert (status, "choose one of the options" in page) == (422, True)
    users = await site.write(partial(people.list_people, mailbox=site.mailbox, role=Role.USER))
    assert [each.address for each in users] == [ANN]
    assert await number_held(site) == 1


async def test_a_mail_is_deleted(site: Site) -> None:
    path = await hold(site)

    status, page = await site.send(path, do="discard")

    assert (status, "Email deleted" in page) == (200, True)
    assert await number_held(site) == 0


async def test_no_choice_is_an_error_in_the_form(site: Site) -> None:
    status, page = await site.send(await hold(site), do="burn")

    assert (status, "choose one of the options" in page) == (422, True)


async def test_a_link_dies_with_its_owners_place_on_the_staff(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a form that was on its way then."""
    path = await hold(site)

    def leave(connection: Connection) -> None:
        people.set_person_active(connection, site.mailbox, Role.STAFF, SAM, active=False)

    async def read_meanwhile(request: web.Request, limit_bytes: int) -> Form:
        await site.write(leave)
        return await read_form(request, limit_bytes)

    monkeypatch.setattr(held, "read_form", read_meanwhile)

    for status, page in (await site.send(path, do="discard"), await site.get(path)):
        assert (status, "This link does not work" in page) == (404, True)
    assert await number_held(site) == 1


async def test_nor_does_it_do_anything_once_its_owner_has_left_while_the_mail_is_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, visit_of = await hold(site), held._visit

    def leave(connection: Connection) -> None:
        people.set_person_active(connection, site.mailbox, Role.STAFF, SAM, active=False)

    async def left_afterwards(request: web.Request) -> object:
        visit = await visit_of(request)
        await site.write(leave)
        return visit

    _, page = await site.get(path)
    monkeypatch.setattr(held, "_visit", left_afterwards)

    status, _ = await site.post(path, **filled_in(page, {"do": "discard"}))

    assert (status, await number_held(site)) == (404, 1)


async def test_a_link_that_was_changed_does_not_work(site: Site) -> None:
    path = await hold(site)

    status, _ = await site.get(path[:-4] + "aaaa")

    assert status == 404
