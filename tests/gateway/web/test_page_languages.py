"""The language of a page: the link owner's, else the browser's, else the policy's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from gateway import clock
from gateway.web.pages.links import PATHS
from gateway.web.pages.render import STYLE_PATH
from gateway.web.pages.signup import SIGN_UP
from rules.people import Role
from rules.sender.tokens import LinkUse, sign_up_token
from rules.ticket.notice_timing import INVITATION_LASTS
from rules.ticket.notices import NoticeKind
from storage.db.database import Connection
from storage.notices import outbox
from storage.registry import companies, mailboxes, people
from tests.gateway.web.link_pages import (
    ANN,
    SAM,
    SUPPORT,
    Site,
    serving,
    site_with_a_ticket,
)

NEW = "new@acme.example"
"""Of a registered company, but not registered."""
TITLES = {
    LinkUse.APPROVE: "Diese Person hinzufügen?",
    LinkUse.UNSUBSCRIBE: "E-Mails zu dieser Anfrage abbestellen?",
    LinkUse.FEEDBACK: "Wie war unsere Hilfe?",
    LinkUse.REOPEN: "Diese Anfrage wieder öffnen?",
}


@pytest_asyncio.fixture
async def site(store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site_with_a_ticket(store_url, tmp_path) as site:
        yield site


@pytest_asyncio.fixture
async def german_desk(site: Site) -> AsyncIterator[Site]:
    """The same site with a policy in German."""
    policies = {
        n: p.model_copy(update={"language": "de"})
        for n, p in site.services.runtime.policies.items()
    }
    async with serving(site.services, policies) as client:
        yield Site(client, site.services, site.mailbox, site.ticket)


async def set_language(site: Site, language: str) -> None:
    """Set the language of Ann's profile, and of Sam's."""
    for address, role in ((ANN, Role.USER), (SAM, Role.STAFF)):
        job = partial(
            people.set_language,
            mailbox=site.mailbox,
            role=role,
            address=address,
            language=language,
        )
        await site.write(job)


async def invitation(site: Site, address: str = NEW) -> str:
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    token = sign_up_token(keys, site.mailbox.id, address, clock.now() + INVITATION_LASTS)
    return f"/signup/{site.mailbox.id}/{token}"


async def get(site: Site, path: str, accepted: str = "") -> ClientResponse:
    return await site.client.get(path, headers={"Accept-Language": accepted} if accepted else {})


async def post(site: Site, path: str, accepted: str = "", **form: str) -> ClientResponse:
    headers = {"Accept-Language": accepted} if accepted else {}
    return await site.client.post(path, data=form, headers=headers)


async def language_of(answer: ClientResponse) -> str:
    """What the page itself and its header say, which is the same."""
    language = answer.headers["Content-Language"]
    assert f'<html lang="{language}">' in await answer.text()
    assert answer.headers["Vary"] == "Accept-Language"
    return language


# what the browser asks for


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.8, de-CH", "de"),
        ("de;q=0.3, en;q=0.7", "en"),
        ("de;q=0", "en"),
        ("fr, it;q=0.5", "en"),
        ("\u00ff;q=;;,de;q=2", "en"),
    ],
)
async def test_the_sign_up_is_in_the_browsers_language(
    site: Site, accepted: str, language: str
) -> None:
    assert await language_of(await get(site, "/signup", accepted)) == language


async def test_a_header_in_two_lines_is_one_list(site: Site) -> None:
    headers = [("Accept-Language", "en;q=0.4"), ("Accept-Language", "de;q=0.6")]

    assert await language_of(await site.client.get("/signup", headers=headers)) == "de"


async def test_a_browser_without_a_known_language_gets_the_policys_language(
    german_desk: Site,
) -> None:
    paths = ["/signup", await invitation(german_desk)]
    paths += [await german_desk.path(use) for use in LinkUse]
    for path in paths:
        assert await language_of(await get(german_desk, path)) == "de"
        assert await language_of(await get(german_desk, path, "fr")) == "de"
        assert await language_of(await get(german_desk, path, "en")) == "en"


async def test_the_whole_sign_up_is_german(site: Site) -> None:
    link = await invitation(site)
    steps = [
        (await get(site, "/signup", "de"), "Link senden"),
        (
            await get(site, "/signup?mailbox=x@foreign.example", "de"),
            "An welche Adresse schreiben Sie?",
        ),
        (
            await post(site, "/signup", "de", address="ann"),
            "„ann“ ist keine gültige E-Mail-Adresse.",
        ),
        (await post(site, "/signup", "de", address=NEW), "Prüfen Sie Ihr Postfach"),
        (await get(site, link, "de"), "Wie heißen Sie?"),
        (await post(site, link, "de", name=""), "Bitte geben Sie Ihren Namen ein."),
        (
            await post(site, link, "de", name="n" * 201),
            "höchstens 200 Zeichen haben; Ihrer hat 201",
        ),
        (await post(site, link, "de", name="Nora"), "Willkommen, Nora"),
        (await post(site, link, "de", name="Nora"), "Sie sind bereits registriert"),
        (await get(site, "/signup/1/aaaa", "de"), "Dieser Link funktioniert nicht"),
        (await post(site, "/signup", "de", address="a" * 9000), "Das Formular ist zu groß"),
    ]
    for answer, text in steps:
        assert await language_of(answer) == "de"
        assert text in await answer.text()


async def test_the_link_is_mailed_in_the_language_of_the_page_that_promised_it(site: Site) -> None:
    await post(site, "/signup", "de", address=NEW)
    await site.client.app[SIGN_UP].settle()
    ordered = await site.write(partial(outbox.claim, now=clock.now(), limit=50))
    (invited,) = [notice for notice in ordered if notice.kind is NoticeKind.INVITATION]
    assert (invited.address, invited.language) == (NEW, "de")


# the owner of the link


@pytest.mark.parametrize("use", LinkUse)
async def test_the_page_of_a_link_is_in_its_owners_language_whatever_the_browser_asks_for(
    site: Site, use: LinkUse
) -> None:
    await set_language(site, "de")
    for accepted in ("en", "fr", ""):
        answer = await get(site, await site.path(use), accepted)
        assert await language_of(answer) == "de"
        assert TITLES[use] in await answer.text()


async def test_the_language_of_the_owners_mail_applies_as_in_the_notice_with_the_link(
    site: Site,
) -> None:
    await site.ann_wrote_in("de")
    path = await site.approval()
    assert await language_of(await get(site, path, "en")) == "de"
    await set_language(site, "en")
    assert await language_of(await get(site, path, "de")) == "en"


@pytest.mark.parametrize("use", LinkUse)
async def test_the_page_of_a_link_is_in_the_browsers_language_if_the_owners_is_not_known(
    site: Site, use: LinkUse
) -> None:
    assert await language_of(await get(site, await site.path(use), "de")) == "de"


async def test_the_result_of_a_link_is_in_its_owners_language(site: Site) -> None:
    await set_language(site, "de")
    approval, feedback = await site.approval(), await site.path(LinkUse.FEEDBACK)
    unsubscribe = await site.path(LinkUse.UNSUBSCRIBE)
    steps = [
        (await post(site, approval, "en"), "Bitte wählen Sie eine der Möglichkeiten."),
        (await post(site, approval, "en", answer="in", ticket="1"), "Person hinzugefügt"),
        (await post(site, approval, "en", answer="in"), "Das wurde bereits entschieden"),
        (await post(site, unsubscribe, "en"), "Diese E-Mails sind abbestellt"),
        (await post(site, feedback, "en", text="x" * 2001), "höchstens 2000 Zeichen"),
        (await post(site, feedback, "en", rating="good", ticket="1"), "Vielen Dank"),
    ]
    for answer, text in steps:
        assert await language_of(answer) == "de"
        assert text in await answer.text()


# what the language must not reveal


async def test_the_sign_up_does_not_reveal_which_language_an_address_has(site: Site) -> None:
    await set_language(site, "de")
    addresses = (ANN, NEW, "someone@foreign.example", SUPPORT)
    for accepted, language in (("en", "en"), ("de", "de"), ("fr", "en")):
        answers = [await post(site, "/signup", accepted, address=address) for address in addresses]
        assert {await language_of(answer) for answer in answers} == {language}
        pages = [await answer.text() for answer in answers]
        alike = zip(addresses, pages, strict=True)
        assert len({page.replace(address, "…", 1) for address, page in list(alike)[:-1]}) == 1


async def test_a_sign_up_link_does_not_reveal_which_language_an_address_has(site: Site) -> None:
    await set_language(site, "de")

    assert await language_of(await get(site, await invitation(site, ANN), "en")) == "en"


@pytest.mark.parametrize("use", [LinkUse.APPROVE, LinkUse.FEEDBACK])
async def test_the_page_of_an_invalid_link_is_in_the_browsers_language(
    german_desk: Site, use: LinkUse
) -> None:
    site = german_desk
    await set_language(site, "de")
    path = await site.path(use)
    await site.write(suspend)
    for accepted, language in (("en", "en"), ("de", "de"), ("", "en")):
        dead = await get(site, path, accepted)
        forged = await get(site, f"{PATHS[use]}/{site.mailbox.id}/aaaa", accepted)
        assert (dead.status, await language_of(dead)) == (404, language)
        assert await dead.text() == await forged.text()


def suspend(connection: Connection) -> None:
    mailbox = mailboxes.mailbox_named(connection, None)
    companies.set_company_active(connection, mailbox, "Acme", active=False)


async def test_the_style_sheet_has_no_language(site: Site) -> None:
    answer = await get(site, STYLE_PATH, "de")

    assert not answer.headers.keys() & {"Content-Language", "Vary"}
