"""Which pictures are taken: one of each page of the console, more of its states, the pages before
the login, and those that customers and staff reach by a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from playwright.async_api import Page

from gateway.web.console.context import PREFIX
from gateway.web.console.routes import ROUTES
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT
from tests.screens.demo_desk import TOM, DemoDesk

Act = Callable[[Page], Awaitable[Any]]


class Seen(Enum):
    """By whom a page is seen."""

    ADMIN = SAM
    OF_NOTHING = TOM
    """An agent whose mailbox has had no mail yet."""
    WITHOUT_MAILBOX = "audit@help.example"
    NOBODY = ""
    """Nobody is logged in."""


@dataclass(frozen=True)
class Picture:
    name: str
    path: Callable[[DemoDesk], str]
    act: Act | None = None
    """What is done on the page before the picture."""
    by: Seen = Seen.ADMIN


NOT_A_PAGE = {
    "/journal/events": "a stream",
    "/mails/{id}/html": "a mail's own HTML, in a frame of other pages",
    "/mails/{id}/files/{part}": "a download",
    "/mails/{id}/raw": "a download",
    "/tickets/{number}/files/{part}": "a download",
    "/policies/{name}/file": "a download",
}
"""The routes without a picture, and what they answer with."""

OF_ONE: Mapping[str, Callable[[DemoDesk], str]] = {
    "/held/{id}": lambda demo: f"/held/{demo.held}",
    "/mails/{id}": lambda demo: f"/mails/{demo.taken}",
    "/outbox/{id}": lambda demo: f"/outbox/{demo.failed}",
    "/tickets/{number}": lambda demo: f"/tickets/{demo.printers}",
    "/policies/{name}": lambda _: "/policies/aiven",
    "/people/{number}": lambda demo: f"/people/{demo.person}",
    "/companies/{number}": lambda demo: f"/companies/{demo.company}",
}
"""Of each route with a part that varies, the page that is shown."""


def _at(path: str) -> Callable[[DemoDesk], str]:
    return lambda _: PREFIX + path


def _of_one(path: str) -> Callable[[DemoDesk], str]:
    shown = OF_ONE[path]
    return lambda demo: PREFIX + shown(demo)


def of_routes() -> list[Picture]:
    """One picture of each page of the console. Raises KeyError for a new route with a part that
    varies, of which neither `OF_ONE` nor `NOT_A_PAGE` knows what to show."""
    paths = [r.path for r in ROUTES if r.method == "GET" and r.path not in NOT_A_PAGE]
    return [
        Picture(path.split("/")[1] + "-one", _of_one(path))
        if "{" in path
        else Picture(path.strip("/") or "home", _at(path))
        for path in paths
    ]


async def open_details(page: Page) -> None:
    """Everything that is folded is shown, forms among it."""
    await page.eval_on_selector_all("main details", "all => all.forEach(each => each.open = true)")


def _fill(values: Mapping[str, str], button: str, mailbox: str = "") -> Act:
    """Fills a form and sends it; `mailbox` is the list from which the filled one is chosen."""

    async def act(page: Page) -> None:
        if mailbox:
            await page.select_option(mailbox, SUPPORT)
        for selector, value in values.items():
            await page.fill(selector, value)
        await page.click(button)
        await page.wait_for_load_state()

    return act


def _choose(selector: str, value: str, button: str) -> Act:
    async def act(page: Page) -> None:
        await page.select_option(selector, value)
        await page.click(button)
        await page.wait_for_load_state()

    return act


def _press(selector: str) -> Act:
    async def act(page: Page) -> None:
        await page.click(selector)
        await page.wait_for_load_state()

    return act


async def _tab_to_reply(page: Page) -> None:
    """By the keyboard alone: only then is the focus shown."""
    await page.focus("#text")
    for _ in range(3):
        await page.keyboard.press("Tab")


async def _try_a_policy(page: Page) -> None:
    await page.select_option("#mailbox", SUPPORT)
    await page.select_option("#policy", "weka")
    await page.click("main form button")
    await page.wait_for_load_state()


async def _open_menu(page: Page) -> None:
    """On a telephone, where it is behind a button."""
    if await page.is_visible(".more"):
        await page.click(".more")


def _ticket(demo: DemoDesk) -> str:
    return f"{PREFIX}/tickets/{demo.printers}"


_TRIED = {"#from": ANN, "#subject": "[P1] The scanner is down", "#text": "Nothing is scanned."}
_NEW_COMPANY = {"#cname": "Acme", "#domains": "acme.example"}
_UNEQUAL = {"#password": "correct horse battery", "#again": "staple"}

STATES = (
    Picture("home-menu", _at("/"), _open_menu),
    Picture("home-opened", _at("/"), open_details),
    Picture("held-of-a-list", lambda demo: f"{PREFIX}/held/{demo.of_list}"),
    Picture("mails-way-of-held", lambda demo: f"{PREFIX}/mails/{demo.held}?view=way"),
    Picture("mails-refused", lambda demo: f"{PREFIX}/mails/{demo.refused}"),
    Picture("mails-opened", lambda demo: f"{PREFIX}/mails/{demo.taken}", open_details),
    Picture("journal-of-a-verdict", _at("/journal?verdict=held&text=acme")),
    Picture("journal-none", _at("/journal?text=nothing-has-this")),
    Picture("outbox-late", _at("/outbox?view=late")),
    Picture("outbox-waiting", _at("/outbox?view=waiting")),
    Picture("outbox-withdrawn", _at("/outbox?view=withdrawn")),
    Picture("tickets-found", _at("/tickets?q=print*&status=all")),
    Picture("tickets-all", _at("/tickets?status=all")),
    Picture("tickets-none", _at("/tickets?q=nothing-has-this")),
    Picture("tickets-one-opened", _ticket, open_details),
    Picture("tickets-one-focus", _ticket, _tab_to_reply),
    Picture(
        "tickets-one-refused",
        _ticket,
        _press("button[value=reply]"),
    ),
    Picture(
        "tickets-one-saved-reply",
        _ticket,
        _choose("#macro", "need-logs", "button[value=insert]"),
    ),
    Picture("tickets-one-fresh", lambda demo: f"{PREFIX}/tickets/{demo.fresh}"),
    Picture("tickets-not-there", _at("/tickets/999")),
    Picture("people-found", _at("/people?text=acme")),
    Picture("people-none", _at("/people?text=nothing-has-this")),
    Picture(
        "people-refused", _at("/people"), _fill(_NEW_COMPANY, "button[value=company]", "#cmailbox")
    ),
    Picture("people-staff", lambda demo: f"{PREFIX}/people/{demo.staff}"),
    Picture("policies-default", _at("/policies/default")),
    Picture("mailboxes-added", _at(f"/mailboxes?added={SUPPORT}")),
    Picture("figures-day", _at("/figures?span=day"), open_details),
    Picture("figures-quarter", _at("/figures?span=quarter")),
    Picture("try-opened", _at("/try"), open_details),
    Picture("try-outcome", _at("/try"), _fill(_TRIED, "main form button:not(.second)", "#mailbox")),
    Picture("backtest-outcome", _at("/backtest"), _try_a_policy),
    Picture("me-refused", _at("/me"), _fill(_UNEQUAL, "button[value=password]")),
    Picture(
        "users-invited", _at("/users"), _fill({"#address": "nora@help.example"}, "[value=invite]")
    ),
)
"""Of the console, for somebody who sees everything."""

_LISTS = (
    *("/", "/tickets", "/held", "/proposed", "/journal", "/people", "/outbox"),
    *("/policies", "/figures"),
)
EMPTY = (
    *(
        Picture(f"{path.strip('/') or 'home'}-empty", _at(path), by=Seen.OF_NOTHING)
        for path in _LISTS
    ),
    Picture("home-without-mailbox", _at("/"), by=Seen.WITHOUT_MAILBOX),
    Picture("tickets-without-mailbox", _at("/tickets"), by=Seen.WITHOUT_MAILBOX),
)
"""Where nothing is to be seen."""

_WRONG = {"#address": SAM, "#password": "a wrong password"}

DOORS = (
    Picture("door-login", _at("/login"), by=Seen.NOBODY),
    Picture("door-login-refused", _at("/login"), _fill(_WRONG, "main button"), Seen.NOBODY),
    Picture("door-enter", lambda demo: demo.links["enter"], by=Seen.NOBODY),
    Picture(
        "door-enter-refused",
        lambda demo: demo.links["enter"],
        _fill(_UNEQUAL, "main button"),
        Seen.NOBODY,
    ),
    Picture("door-ended-link", _at("/enter/none"), by=Seen.NOBODY),
)


def _link(name: str) -> Callable[[DemoDesk], str]:
    return lambda demo: demo.links[name]


def _public(name: str, act: Act | None = None, link: str = "") -> Picture:
    return Picture(f"public-{name}", _link(link or name), act, Seen.NOBODY)


PUBLIC = (
    _public("sign-up"),
    _public("sign-up-refused", _fill({"#address": "ann@nowhere"}, "main button"), "sign-up"),
    _public("sign-up-which"),
    _public("sign-up-sent", _fill({"#address": "nina@acme.example"}, "main button"), "sign-up"),
    _public("sign-up-name"),
    *(_public(name) for name in ("approve", "unsubscribe", "feedback", "reopen")),
    *(_public(name) for name in ("held", "folded", "file", "ended-link", "reference")),
)
"""The pages that need no login, as they are first seen."""

AFTERWARDS = (
    _public("sign-up-done", _fill({"#name": "Nina Newman"}, "main button"), "sign-up-name"),
    _public("approve-done", _press("button[value=in]"), "approve"),
    _public("approve-again", link="approve"),
    _public("feedback-done", _press("button[value=good]"), "feedback"),
    _public("feedback-again", link="feedback"),
    _public("reopen-done", _press("main button"), "reopen"),
    _public("unsubscribe-done", _press("main button"), "unsubscribe"),
    _public("unsubscribe-again", link="unsubscribe"),
    _public("held-done", _press("button[value=discard]"), "held"),
    _public("folded-done", _press("main button"), "folded"),
)
"""What follows, each of them once for a link."""
