"""Reads the query and the body of an API request into values; every mistake is named."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
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
MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50

MAX_VALUES = 1_000
MAX_DEPTH = 16
MAX_MARKS = 50 * MAX_VALUES
"""Strings, brackets and commas: more than valid JSON of so many values has, nested so deep."""
FAULTS_SHOWN = 10

_STRUCTURE = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)"?|[\[\]{},]', re.DOTALL)
"""A string, as one match whose content counts for nothing, or a mark outside of strings."""
_CURSOR = re.compile(r"(\d{1,17})-(\d{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

M = TypeVar("M", bound=BaseModel)


def check_query(
    request: web.Request, known: Collection[str] = (), *, repeated: Collection[str] = ()
) -> None:
    """Raises ApiError for an unknown query parameter, since no typing mistake is ignored, and for
    one that is there twice and is not in `repeated`: nothing shows which of them a program meant.
    """
    for key in request.query:
        if key not in known:
            expected = f"expected one of: {', '.join(known)}" if known else "none is expected"
            raise ApiError(
                400, f"unknown query parameter: {key} ({suggestion(key, known) or expected})"
            )
        if key not in repeated and len(request.query.getall(key)) > 1:
            raise ApiError(400, f"send {key}= once; encode an & in a value as %26")


def journal_id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ApiError(
            400, f"{text} is not a valid journal id; take it from a comment's `raw`"
        ) from None


def status_of(text: str | None) -> str | None:
    if text is not None and text not in set(Status):
        raise ApiError(400, f"status={text}: expected one of: {', '.join(Status)}")
    return text


def limit_of(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not re.fullmatch(r"\d{1,4}", text) or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise ApiError(400, f"limit={text}: must be a number from 1 to {MAX_PAGE_SIZE}")
    return int(text)


def cursor_of(text: str | None) -> Cursor | None:
    if text is None:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[2]) > LARGEST_NUMBER:
        raise ApiError(400, f"before={text}: must be the `before` of the previous page")
    try:
        updated_at = _EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        raise ApiError(400, f"before={text}: must be the `before` of the previous page") from None
    return Cursor(updated_at, int(found[2]))


def comment_of(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ApiError(400, f"before={text}: must be the id of a comment")
    return int(text)


def cursor_text(cursor: Cursor) -> str:
    """The end of a page as text, as `cursor_of` reads it."""
    return f"{(cursor.updated_at - _EPOCH) // timedelta(microseconds=1)}-{cursor.number}"


async def body_of(request: web.Request, model: type[M]) -> M:
    """The body as a value. Raises ApiError with every mistake named."""
    try:
        text = await request.clone(client_max_size=BODY_LIMIT_BYTES).read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    return parsed(text, model)


def too_large() -> ApiError:
    return ApiError(413, f"the body must be at most {BODY_LIMIT_BYTES // 1024} KiB")


def parsed(text: bytes, model: type[M]) -> M:
    """JSON as a value. Raises ApiError with every mistake named."""
    _check_size(text)
    try:
        read = model.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        shown = [_explained(each, model) for each in faults[:FAULTS_SHOWN]]
        if len(faults) > FAULTS_SHOWN:
            shown.append(f"and {len(faults) - FAULTS_SHOWN} more")
        raise ApiError(400, "; ".join(shown)) from error
    json.loads(text, object_pairs_hook=_check_keys, parse_int=str)
    return read


def _check_keys(pairs: Sequence[tuple[str, Any]]) -> None:
    """Raises ApiError for a key that is in an object twice: what checks the body on its way may
    have read the other one."""
    seen = set[str]()
    for key, _ in pairs:
        if key in seen:
            raise ApiError(400, f"send {key} once; it is in the body twice")
        seen.add(key)


def _check_size(text: bytes) -> None:
    """Raises ApiError for JSON that takes long to read: a text may be long, a structure may not."""
    values = depth = deepest = 0
    for marks, mark in enumerate(_STRUCTURE.finditer(text), 1):
        match mark[0]:
            case b"[" | b"{":
                depth += 1
                deepest = max(deepest, depth)
            case b"]" | b"}":
                depth -= 1
            case b",":
                values += 1
        if values > MAX_VALUES or deepest > MAX_DEPTH or marks > MAX_MARKS:
            what = f"{MAX_VALUES:,} values, nested {MAX_DEPTH} deep"
            raise ApiError(413, f"the body must have at most {what}")


def _explained(fault: ErrorDetails, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "json_invalid":
        return "the body is not valid JSON"
    if fault["type"].startswith("model_"):
        return f"{key or 'the body'} must be a JSON object"
    if not key:
        return fault["msg"].removeprefix("Value error, ")
    return explain(fault, model).replace("unknown setting", "unknown key", 1)
