"""What the pages with a form have in common: links, reading the form, and error pages."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from gateway import log
from gateway.mailbox_cache import MailboxCache
from gateway.shares import IPAddress, Networks, keys_of
from gateway.web.messages import PageError
from gateway.web.pages.render import Problem, language_for
from gateway.web.rate_limit import RateLimiter, client_of
from rules.mail import Mailbox
from rules.sender.tokens import Keys

FORM_FIELDS = 8
LONGEST_NUMBER = 18
"""Digits of a ticket's number."""
FORM_S = 10.0
"""How long to wait for the body of a form."""
READ_IN_LOOP = 4 * 1024
"""Octets of a form; a longer one is read in a thread: 256 KiB of `%` take a fifth of a second."""
LINK = "{mailbox_id}/{token:.*}"
"""The path of a signed link, after the part that names its use."""

COMPOSED_CHARACTERS = 500
"""At a time."""

PROXIES = web.AppKey("proxies", tuple)
"""The networks of reverse proxies, which name the client in X-Forwarded-For."""

Form = Mapping[str, str]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


def as_page(name: str, rate: RateLimiter, again: str, handler: Handler) -> Handler:
    """A handler that answers every error with a page, in the language that the browser asks for.

    Our own errors are logged under `name`, without the address of the page, which may contain a
    secret. Posts are limited by `rate`. `again` is where a visitor may start again; empty if there
    is no such page.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            if request.method == "POST":
                _check_rate(request, rate)
            return await handler(request)
        except Problem as problem:
            return problem.response(language_for(request), again)
        except Exception as error:  # noqa: BLE001 - a store that is down will be up again
            log.page_failed(name, error)
            return Problem(503, PageError.INTERNAL).response(language_for(request), again="")

    return answer


def client_of_request(request: web.Request) -> IPAddress | None:
    """The client, behind a listed proxy too; None if unknown."""
    proxies: Networks = request.app[PROXIES]
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
    return client_of(request.remote, forwarded, proxies)


def _check_rate(request: web.Request, rate: RateLimiter) -> None:
    client = client_of_request(request)
    if not rate.allows(*(keys_of(client) if client is not None else (b"",))):
        raise Problem(429, PageError.TOO_OFTEN)


async def read_link(
    request: web.Request, mailbox_cache: MailboxCache, read: Callable[[Keys, int, str], T | None]
) -> tuple[Mailbox, T] | None:
    """The mailbox of a signed link, and its token as read by `read`; None for an invalid link."""
    snapshot = await mailbox_cache.current()
    mailbox_id, token = request.match_info["mailbox_id"], request.match_info["token"]
    for mailbox in snapshot.mailboxes.values():
        if str(mailbox.id) == mailbox_id:
            found = read(snapshot.keys, mailbox.id, token)
            return (mailbox, found) if found is not None else None
    return None


async def read_form(request: web.Request, limit_bytes: int, most_fields: int = FORM_FIELDS) -> Form:
    """The fields of a posted form. Raises Problem if it is not a form, too large or too slow."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Problem(415, PageError.NOT_A_FORM)
    try:
        async with asyncio.timeout(FORM_S):
            body = await request.clone(client_max_size=limit_bytes).read()
        if len(body) <= READ_IN_LOOP:
            return _fields(body, most_fields)
        return await asyncio.to_thread(_fields, body, most_fields)
    except web.HTTPRequestEntityTooLarge:
        raise Problem(413, PageError.TOO_LARGE) from None
    except TimeoutError:
        raise Problem(408, PageError.TOO_SLOW) from None
    except (ValueError, web.RequestPayloadError, ConnectionError):  # too many fields, or cut off
        raise Problem(400, PageError.NOT_A_FORM) from None


def _fields(body: bytes, most: int) -> Form:
    """ValueError for more fields."""
    text = body.decode("utf-8", "replace")
    fields = parse_qsl(text, keep_blank_values=True, max_num_fields=most)
    return {name: storable(value) for name, value in fields}


def ticket_shown(form: Form) -> int:
    """The ticket that the page of a form showed; 0, which is none, where it names none."""
    written = form.get("ticket", "")
    is_number = written.isascii() and written.isdecimal() and len(written) <= LONGEST_NUMBER
    return int(written) if is_number else 0


def storable(text: str) -> str:
    """User input without NUL, which nobody types and not every store takes."""
    return text.replace("\0", "")


def composed(text: str) -> str:
    """User input in Unicode's normal form C.

    In pieces, since marks without end on one letter take quadratic time to be ordered, in which the
    event loop answers nobody. What a border divides has the same meaning.
    """
    pieces = range(0, len(text), COMPOSED_CHARACTERS)
    each = (text[begin : begin + COMPOSED_CHARACTERS] for begin in pieces)
    return "".join(unicodedata.normalize("NFC", piece) for piece in each)
