"""Reads the query and the body of an API request into values; every mistake is named."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.web.api.auth import ApiError, check_again
from rules.validation.messages import explain, suggestion

BODY_LIMIT_BYTES = 1024 * 1024
READ_IN_LOOP = 64 * 1024
"""Octets of a body; a longer one is read in a thread."""

MAX_VALUES = 1_000
MAX_DEPTH = 16
MAX_MARKS = 50 * MAX_VALUES
"""Strings, brackets and commas: more than valid JSON of so many values has, nested so deep."""
FAULTS_SHOWN = 10

_STRUCTURE = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)"?|[\[\]{},]', re.DOTALL)
"""A string, as one match whose content counts for nothing, or a mark outside of strings."""

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


def id_of(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ApiError(400, f"{text} is not the id of {what}") from None


async def body_of(request: web.Request, model: type[M]) -> M:
    """The body as a value. Raises ApiError with every mistake named."""
    try:
        text = await request.clone(client_max_size=BODY_LIMIT_BYTES).read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    await check_again(request)
    return await parsed(text, model)


def too_large() -> ApiError:
    return ApiError(413, f"the body must be at most {BODY_LIMIT_BYTES // 1024} KiB")


async def parsed(text: bytes, model: type[M]) -> M:
    """JSON as a value. Raises ApiError with every mistake named."""
    # A few milliseconds on an idle machine are a tenth of a second on a busy one.
    in_loop = len(text) <= READ_IN_LOOP
    return _parsed(text, model) if in_loop else await asyncio.to_thread(_parsed, text, model)


def _parsed(text: bytes, model: type[M]) -> M:
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
