"""What a request to the API says, read into values; whatever cannot be is named."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.ticket_requests import LARGEST_NUMBER
from gateway.web.api.auth import ApiError
from rules.ticket.lifecycle import Status
from rules.validation.messages import explain, suggestion
from storage.ticket.lists import Cursor

BODY_LIMIT_BYTES = 1024 * 1024
MOST_IN_A_PAGE = 200
IN_A_PAGE = 50

_PLACE = re.compile(r"(\d{1,17})-(\d{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

M = TypeVar("M", bound=BaseModel)


def check_query(request: web.Request, known: Collection[str] = ()) -> None:
    """Raises Fault for a key of the query that means nothing: no slip of the pen is ignored."""
    for key in request.query:
        if key not in known:
            listed = f"known here: {', '.join(known)}" if known else "this request takes none"
            raise ApiError(
                400, f"unknown key in the query: {key} ({suggestion(key, known) or listed})"
            )


def journal_id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ApiError(400, f"{text} is no journal id; a comment's `raw` has it") from None


def status_of(wanted: str | None) -> str | None:
    if wanted is not None and wanted not in set(Status):
        raise ApiError(400, f"status={wanted}: there are {', '.join(Status)}")
    return wanted


def limit_of(wanted: str | None) -> int:
    if wanted is None:
        return IN_A_PAGE
    if not re.fullmatch(r"\d{1,4}", wanted) or not 1 <= int(wanted) <= MOST_IN_A_PAGE:
        raise ApiError(400, f"limit={wanted}: write a number from 1 to {MOST_IN_A_PAGE}")
    return int(wanted)


def place_of(wanted: str | None) -> Cursor | None:
    if wanted is None:
        return None
    found = _PLACE.fullmatch(wanted)
    if found is None or int(found[2]) > LARGEST_NUMBER:
        raise ApiError(400, f"before={wanted}: send what the page before gave as `before`")
    try:
        moment = _EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        raise ApiError(
            400, f"before={wanted}: send what the page before gave as `before`"
        ) from None
    return Cursor(moment, int(found[2]))


def as_text(place: Cursor) -> str:
    """A place in a list, as `place_of` reads it."""
    return f"{(place.updated_at - _EPOCH) // timedelta(microseconds=1)}-{place.number}"


async def body_of(request: web.Request, model: type[M]) -> M:
    """The body as a value. Raises Fault with every mistake named."""
    try:
        text = await request.clone(client_max_size=BODY_LIMIT_BYTES).read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, f"the body is at most {BODY_LIMIT_BYTES // 1024} KiB") from None
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        faults = (_fault(each, model) for each in error.errors(include_url=False))
        raise ApiError(400, "; ".join(faults)) from error


def _fault(fault: ErrorDetails, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "json_invalid":
        return "the body is no JSON"
    if fault["type"].startswith("model_"):
        return f"{key or 'the body'} is to be a JSON object"
    if not key:
        return fault["msg"].removeprefix("Value error, ")
    return explain(fault, model).replace("unknown setting", "unknown key", 1)
