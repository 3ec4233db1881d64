"""The table of what the API does: each operation with its path, scopes, parameters and answers.

Requests are checked by it, and the OpenAPI document is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway import log
from gateway.web.api.access import Caller, caller_of
from gateway.web.api.auth import ApiError
from gateway.web.api.queries import Query
from gateway.web.api.scopes import Scope

Q = TypeVar("Q", bound=Query)
Handler = Callable[[web.Request, Caller, Q], Awaitable[web.StreamResponse]]

BAD_REQUEST = 400
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
ALL = (Scope.STAFF, Scope.PORTAL, Scope.READ)


@dataclass(frozen=True, slots=True)
class PathParameter:
    pattern: str
    """A path with another value leads to nothing."""
    schema: Mapping[str, object]
    description: str


_ID = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
PATH_PARAMETERS: Mapping[str, PathParameter] = MappingProxyType(
    {
        "number": PathParameter("[0-9]{1,18}", _ID, "The number of a ticket."),
        "attachment": PathParameter("[0-9]{1,18}", _ID, "The `id` of an attachment."),
        "comment": PathParameter("[0-9]{1,18}", _ID, "The `id` of a comment."),
        "journal_id": PathParameter(
            "[^/]+", {"type": "string", "format": "uuid"}, "The id of a mail in the journal."
        ),
        "notice": PathParameter(
            "[^/]+", {"type": "string", "format": "uuid"}, "The `id` of an outgoing mail."
        ),
        "address": PathParameter(
            "[^/]{1,254}",
            {"type": "string", "minLength": 1, "maxLength": 254},
            "An email address.",
        ),
        "company": PathParameter("[0-9]{1,18}", _ID, "The `id` of a company."),
        "image": PathParameter(
            "[^/]+", {"type": "string"}, "The name of an image in the HTML of a comment."
        ),
        "name": PathParameter(
            "[^/]{1,100}",
            {"type": "string", "minLength": 1, "maxLength": 100},
            "The name of a saved reply.",
        ),
    }
)

ERRORS: Mapping[int, str] = MappingProxyType(
    {
        400: "An unknown key or an invalid value in the query or the body, or a key twice.",
        401: "No valid token.",
        403: "A token or a person without the necessary permission.",
        404: "There is no such thing, or the actor may not read it.",
        409: "One part of the change is not possible; nothing was changed.",
        413: "The body is too large, or its files are too many or too large.",
        415: "The body is compressed.",
        422: "The `Idempotency-Key` was used for another request.",
        429: "Too much from this client; try again after `Retry-After` seconds.",
        500: "An error of ours; the log of the server says more.",
        503: "Not possible now. Nothing was changed, unless `detail` says that it is not known. "
        "Try again after `Retry-After` seconds.",
    }
)
ALWAYS = (400, 415, 500, 503)
"""What any request may be answered with."""


@dataclass(frozen=True, slots=True)
class JsonBody:
    model: type[BaseModel]
    with_files: bool = False
    """It may be sent as the part `request` of a form, with files besides."""


@dataclass(frozen=True, slots=True)
class RawBody:
    content_type: str


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    model: Any
    """A type of `answers`."""
    has_location: bool = False
    or_null: bool = False
    """Null where it was made and cannot be read."""


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    content_types: tuple[str, ...]
    """Ranges of media types, such as `image/*`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation(Generic[Q]):
    """What a method of a path does."""

    method: str
    path: str
    """Each name in braces is one of `PATH_PARAMETERS`."""
    handler: Handler[Q]
    name: str
    summary: str
    scopes: tuple[Scope, ...]
    """Of the tokens that may be used; for everybody without any."""
    query: type[Q]
    answer: JsonAnswer | OtherAnswer
    status: int = 200
    body: JsonBody | RawBody | None = None
    errors: tuple[int, ...] = ()
    """Besides those that every operation may have."""
    own_errors: Mapping[int, tuple[str, Any]] = field(default_factory=dict)
    """Errors of these statuses mean something else, and are of these types."""
    is_repeatable: bool = False
    """It may be sent again with an `Idempotency-Key`."""
    changes_nothing: bool = False
    """As every GET, though it is none."""

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def route(self) -> str:
        """The path as the router takes it."""
        return re.sub(
            r"\{(\w+)\}",
            lambda found: f"{{{found[1]}:{PATH_PARAMETERS[found[1]].pattern}}}",
            self.path,
        )

    @property
    def statuses(self) -> tuple[int, ...]:
        """All that a request may be answered with."""
        of_a_token = (401, 403) if self.scopes else ()
        of_a_body = (413,) if self.body is not None else ()
        return tuple(
            sorted(
                {
                    self.status,
                    *ALWAYS,
                    *of_a_token,
                    *of_a_body,
                    *self.errors,
                    *self.own_errors,
                }
            )
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The answer. Raises ApiError."""
        for text in (*request.match_info.values(), *request.query.values()):
            if _NOT_TEXT.search(text):  # no store would take it
                raise ApiError(400, "path and query must be text in UTF-8, without NUL")
        caller, query = await caller_of(request, self.scopes, self.query)
        answer = await self.handler(request, caller, query)
        changes = self.method != "GET" and not self.changes_nothing
        if changes and caller.scope is not Scope.MAILS and answer.status < BAD_REQUEST:
            log.changed_over_api(self.name, request.path, caller.token, caller.address)
        return answer


def add_operations(app: web.Application, operations: Iterable[Operation[Any]]) -> None:
    """Serve the operations; a GET answers HEAD as well."""
    for each in operations:
        if each.method == "GET":
            app.router.add_get(each.route, each.handle)
        else:
            app.router.add_route(each.method, each.route, each.handle)
