"""What the pages with a form have in common: reading it, and telling what went wrong as a page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from gateway import log
from gateway.web.pages import Problem
from gateway.web.rate import Rate, client_of

FORM_FIELDS = 8
FORM_S = 10.0
"""A form that is not here by then is not waited for."""

Form = Mapping[str, str]
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Faults:
    """What a visitor is told to do; each page has its own words."""

    no_form: str
    too_much: str
    too_slow: str
    cut_off: str
    too_often: str
    ours: str
    """Something is wrong on our side."""
    again: str = ""
    """Where he may begin anew; empty where that would not help."""


def as_page(name: str, faults: Faults, rate: Rate, handler: Handler) -> Handler:
    """Whatever goes wrong is told as a page; what is our fault is logged under a name, without the
    address of the page: it may hold a secret. Posts are limited by `rate`."""

    async def answer(request: web.Request) -> web.Response:
        try:
            if request.method == "POST":
                _check_rate(request, rate, faults)
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except Exception as error:  # noqa: BLE001 - a store that is down will be up again
            log.page_failed(name, error)
            return Problem(503, "Something is wrong on our side", faults.ours).response()

    return answer


def _check_rate(request: web.Request, rate: Rate, faults: Faults) -> None:
    client = client_of(request.remote, ",".join(request.headers.getall("X-Forwarded-For", [])))
    if not rate.allows(client):
        raise Problem(429, "Too many requests", faults.too_often, again=faults.again)


async def read_form(request: web.Request, limit_bytes: int, faults: Faults) -> Form:
    """The fields of a posted form. Raises Problem for what is none, is too long or too slow."""
    again = faults.again
    if request.content_type != "application/x-www-form-urlencoded":
        raise Problem(415, "That was no form", faults.no_form, again=again)
    try:
        async with asyncio.timeout(FORM_S):
            body = await request.clone(client_max_size=limit_bytes).read()
        text = body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS))
    except web.HTTPRequestEntityTooLarge:
        raise Problem(413, "That was too much", faults.too_much, again=again) from None
    except TimeoutError:
        raise Problem(408, "That took too long", faults.too_slow, again=again) from None
    except (ValueError, web.RequestPayloadError, ConnectionError):  # too many fields, or cut off
        raise Problem(400, "That was no form", faults.cut_off, again=again) from None
