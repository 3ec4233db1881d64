"""The reference of the API: the OpenAPI document, and a page that shows it to people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from markupsafe import Markup

from gateway.web.api.access import Caller
from gateway.web.api.openapi import Schema, document
from gateway.web.api.operations import JsonAnswer, Operation, OtherAnswer
from gateway.web.api.queries import Query
from gateway.web.page_templates import page_templates
from gateway.web.pages.render import SAFE
from gateway.web.style_sheets import with_colours

DOCUMENT_PATH = "/api/v1/openapi.json"
STYLE_PATH = "/api/v1/reference.css"

TEMPLATES = page_templates("api")


def _with_code(text: str) -> Markup:
    """What is between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(parts)
    )


TEMPLATES.filters["code"] = _with_code


class Reference:
    """The document and its page, made when one of them is first asked for: that takes a second on
    a slow machine, so it is done once and in a thread."""

    def __init__(self, operations: Sequence[Operation[Any]]) -> None:
        self._operations = operations
        self._made: Made | None = None
        self._making = asyncio.Lock()

    async def made(self) -> Made:
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(_make, self._operations)
        return self._made


@dataclass(frozen=True, slots=True)
class Made:
    document: str
    """JSON."""
    page: str
    """HTML."""


REFERENCE = web.AppKey("reference", Reference)


async def _document(request: web.Request, _: Caller, __: Query) -> web.Response:
    made = await request.app[REFERENCE].made()
    return web.json_response(text=made.document)


async def _page(request: web.Request, _: Caller, __: Query) -> web.Response:
    made = await request.app[REFERENCE].made()
    return web.Response(text=made.page, content_type="text/html", headers=SAFE)


def _make(operations: Sequence[Operation[Any]]) -> Made:
    made = document(operations)
    page = TEMPLATES.get_template("reference.html").render(
        about=made["info"]["description"],
        operations=list(_operations(made)),
        schemas=made["components"]["schemas"],
        type_of=type_of,
        document=DOCUMENT_PATH,
        style=STYLE_PATH,
    )
    return Made(json.dumps(made), page)


async def _style(_: web.Request, __: Caller, ___: Query) -> web.Response:
    return web.Response(text=with_colours("reference.css"), content_type="text/css")


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it."""

    method: str
    path: str
    described: Schema
    scopes: tuple[str, ...]
    bodies: Mapping[str, Schema]
    """By their media types."""
    answers: Mapping[str, Schema]
    """By their statuses."""


def _operations(made: Schema) -> Iterator[Shown]:
    errors = made["components"]["responses"]
    for path, methods in made["paths"].items():
        for method, described in methods.items():
            answers = {
                status: errors[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
                for status, answer in described["responses"].items()
            }
            yield Shown(
                method.upper(),
                path,
                described,
                tuple(each["token"][0] for each in described["security"]),
                described.get("requestBody", {}).get("content", {}),
                answers,
            )


def type_of(schema: Schema) -> str:
    """The type of a value in a few words; a named one by its name."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(type_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"“{each}”" for each in schema["enum"])
    if "const" in schema:
        return f"“{schema['const']}”"
    match schema.get("type"):
        case "array":
            return f"list of {type_of(schema['items'])}"
        case "object" if isinstance(values := schema.get("additionalProperties"), dict):
            return f"object of {type_of(values)}"
        case "string" if "format" in schema:
            return f"string ({schema['format']})"
        case None:
            return "anything"
        case kind:
            return ", ".join((str(kind), *_bounds(schema)))


def _bounds(schema: Schema) -> Iterable[str]:
    for key, words in (
        ("minimum", "from"),
        ("maximum", "up to"),
        ("exclusiveMaximum", "below"),
        ("maxLength", "characters up to"),
    ):
        if key in schema:
            yield f"{words} {schema[key]:,}"


OPERATIONS = (
    Operation(
        method="GET",
        path=DOCUMENT_PATH,
        handler=_document,
        name="get_document",
        summary="This document, in OpenAPI 3.1",
        scopes=(),
        query=Query,
        answer=JsonAnswer(dict[str, Any]),
    ),
    Operation(
        method="GET",
        path="/api/v1/reference",
        handler=_page,
        name="get_reference",
        summary="This document as a page",
        scopes=(),
        query=Query,
        answer=OtherAnswer(("text/html",)),
    ),
    Operation(
        method="GET",
        path=STYLE_PATH,
        handler=_style,
        name="get_reference_style",
        summary="The style of the page",
        scopes=(),
        query=Query,
        answer=OtherAnswer(("text/css",)),
    ),
)
