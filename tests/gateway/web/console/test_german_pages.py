"""A page in German has no words of ours in English: it is compared with the same page in English,
word by word."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest_asyncio

from gateway.web.console import words
from gateway.web.console.routes import ROUTES
from rules.mail import Delivery, Envelope
from rules.mail.language import KNOWN
from rules.service.console_roles import ConsoleRole
from storage.mail import journal
from storage.mail.journal import JournalFilter
from storage.notices import overview
from storage.notices.overview import NoticeFilter
from storage.registry import console_users
from tests.gateway.web.console.desk import Browser, Desk, a_desk
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT
from tests.in_process import a_mail
from tests.stores import SqliteStores

NO_PAGES = {
    "/journal/events",
    "/mails/{id}/html",
    "/mails/{id}/files/{part}",
    "/mails/{id}/raw",
    "/tickets/{number}/files/{part}",
    "/policies/{name}/file",
}
"""A stream, a document of a mail, and downloads."""
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
OF_OTHERS = {"bdi", "code", "time", "blockquote", "script", "style"}
"""Elements whose content is stored; what stays English, such as the error of a relay, has
`lang="en"`."""
_QUOTED = re.compile(r'["„][^"“]*["“]')
_NO_WORDS = re.compile(r"\S*[@/_\d]\S*|\b(?:Postern|UTC|HELO|Message-ID|K?i?B)\b|\W+")
"""Addresses, paths, numbers, signs, and names that every language has."""


def only_words(text: str) -> str:
    return " ".join(_NO_WORDS.sub(" ", _QUOTED.sub(" ", text)).split())


class PageWords(HTMLParser):
    """The words of a page that the console itself writes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if not self._is_of_others:
            for name in ("aria-label", "placeholder", "title"):
                self.found.add(only_words(given.get(name) or ""))
        if tag not in VOID:
            is_english = tag != "html" and given.get("lang") == "en"
            self._open.append((tag, tag in OF_OTHERS or is_english))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._is_of_others:
            self.found.add(only_words(data))

    @property
    def _is_of_others(self) -> bool:
        return any(of_others for _, of_others in self._open)


def words_of(page: str) -> set[str]:
    reader = PageWords()
    reader.feed(page)
    return reader.found - {""}


FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/people", {"do": "company", "name": "Gmail", "domains": "gmail.com"}),
    ("/people", {"do": "company", "name": "Acme", "domains": "acme.example"}),
    ("/people", {"do": "company", "name": "Beta", "domains": "beta example"}),
    ("/people", {"do": "staff", "address": "sam"}),
    ("/people", {"do": "staff", "address": SUPPORT}),
    ("/companies/1", {"do": "add_person", "address": "ann@beta.example"}),
    ("/companies/1", {"do": "remove_domain", "domain": "beta.example"}),
    ("/companies/1", {"do": "contacts", "channel": "x" * 201}),
    ("/companies/1", {"do": "tier", "tier": "gold"}),
    ("/people/1", {"do": "language", "language": "fr"}),
    ("/users", {"do": "invite", "address": "tom", "role": "viewer"}),
    ("/try", {"from": ANN, "subject": "[P1] The scanner", "text": "It is down.", "proven": "1"}),
    ("/try", {"from": "eve@evil.example", "text": "It is down."}),
    ("/backtest", {"mailbox": SUPPORT, "policy": "weka"}),
)
"""Forms that are refused, or that show something and change nothing."""


@pytest_asyncio.fixture
async def desk(sqlite_stores: SqliteStores, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(sqlite_stores.new(), tmp_path) as desk:
        yield desk


async def paths_of(desk: Desk) -> list[str]:
    """Each page of the console, with something on it, and more of its states."""
    held = await desk.hold()
    for author in (ANN, "eve@evil.example"):
        delivery = Delivery(Envelope("127.0.0.1", "", False, author, (SUPPORT,)), a_mail(author))
        await desk.site.services.ingest.take(delivery)
    lines = await desk.site.write(lambda c: journal.newest(c, JournalFilter(), 9))
    notices = await desk.site.write(lambda c: overview.listing(c, NoticeFilter(), 9))
    known = desk.site.services.runtime.policies
    of_one = {
        "/held/{id}": [f"/held/{held.journal_id}"],
        "/mails/{id}": [f"/mails/{line.id}?view=way" for line in lines],
        "/outbox/{id}": [f"/outbox/{notice.id}" for notice in notices],
        "/tickets/{number}": ["/tickets/1", "/tickets/2"],
        "/policies/{name}": [f"/policies/{name}" for name in known],
        "/people/{number}": ["/people/1", "/people/2"],
        "/companies/{number}": ["/companies/1"],
    }
    routes = [r.path for r in ROUTES if r.method == "GET" and r.path not in NO_PAGES]
    states = ["/outbox?view=waiting", "/tickets?status=all", "/journal?verdict=held", "/mails/0"]
    return [*(path for route in routes for path in of_one.get(route, [route])), *states]


async def words_of_pages(browser: Browser, paths: list[str]) -> list[tuple[str, set[str]]]:
    found = [(path, words_of((await browser.get(f"/console{path}"))[1])) for path in paths]
    for path, form in FORMS:
        status, page = await browser.send(f"/console{path}", **form)
        assert status in (200, 422), (path, form, status)
        found.append((f"{path} {form}", words_of(page)))
    return found


async def test_a_german_page_has_no_words_of_the_english_one(desk: Desk) -> None:
    paths, admin = await paths_of(desk), await desk.logged_in(ConsoleRole.ADMIN)
    policies = desk.site.services.runtime.policies.values()
    stored = {"I am new here", "Printer", "It is down", "Acme", "acme example", "normal", *KNOWN}
    stored |= {
        only_words(text) for p in policies for text in (p.name, p.title, f"{p.name}: {p.title}")
    }
    for policy in policies:
        stored |= {fact.name for fact in policy.completeness.facts}
        stored |= {
            only_words(each) for level in policy.levels for each in (level.name, level.meaning)
        }
    same_in_german = {only_words(text) for text in words.translations("de").values()}

    found = {}
    for language in ("en", "de"):
        choose = partial(console_users.set_language, address=SAM, language=language)
        await desk.site.write(choose)
        found[language] = await words_of_pages(admin, paths)

    left = [
        (path, sorted(alike))
        for (path, english), (_, german) in zip(found["en"], found["de"], strict=True)
        if (alike := (english & german) - stored - same_in_german)
    ]
    assert left == []
