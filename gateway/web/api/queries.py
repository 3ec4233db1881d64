"""The query parameters of the API, and how each is read; every mistake is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_origin

from aiohttp import web
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from gateway.web.api.auth import ApiError
from gateway.web.api.cursors import HeldCursor, RowCursor, TicketCursor
from gateway.web.api.request_parsing import check_query
from rules.decision.reasons import Reason, Verdict
from rules.ticket.lifecycle import Status
from rules.validation.messages import LONGEST_VALUE, explain, shown
from storage.db.columns import FIRST, LAST
from storage.notices.outbox_pages import OutboxView
from storage.ticket import search

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50
LONGEST_TEXT = 200
LONGEST_NAME = 254

Q = TypeVar("Q", bound="Query")


class Query(BaseModel):
    """No parameters. A parameter that is a tuple may be there more than once."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def query_of(request: web.Request, model: type[Q]) -> Q:
    """The query as a value. Raises ApiError with every mistake named."""
    repeated = {
        name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple
    }
    check_query(request, tuple(model.model_fields), repeated=repeated)
    query = request.query
    given = {name: query.getall(name) if name in repeated else query[name] for name in query}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise ApiError(400, "; ".join(_explained(error, given, model))) from None


def _explained(error: ValidationError, given: dict[str, Any], model: type[Query]) -> list[str]:
    """As the parameter is written: `status=opne: expected one of: …`."""
    faults = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0])
        written = f"{name}={str(given.get(name, ''))[:LONGEST_VALUE]}: "
        message = explain(fault, model, name)
        for beginning in (f"{name}: {shown(fault)}: ", f"{name}: "):
            if message.startswith(beginning):
                message = written + message.removeprefix(beginning)
                break
        faults.append(message)
    return faults


def _limit(text: Any) -> int:
    if not re.fullmatch("[0-9]{1,4}", str(text)) or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise ValueError(f"must be a number from 1 to {MAX_PAGE_SIZE}")
    return int(text)


def _true(text: Any) -> bool:
    if text != "true":
        raise ValueError("must be true, or omitted")
    return True


def _time(text: Any) -> datetime:
    # A + in a query is a space unless it is encoded.
    written = re.sub(r" (?=[0-9]{2}:?[0-9]{2}$)", "+", str(text))
    try:
        found = datetime.fromisoformat(written)
        if found.tzinfo is not None and FIRST <= found <= LAST:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a time with its zone, such as 2026-11-28T09:14:03Z")


def _id_of(what: str, name: str = "the id") -> Callable[[Any], int]:
    def read(text: Any) -> int:
        if not re.fullmatch("[0-9]{1,18}", str(text)):
            raise ValueError(f"must be {name} of a {what}")
        return int(text)

    return read


def _with_words(text: Any) -> str:
    if not search.words_of(str(text)):
        raise ValueError("must have a word, such as lift or lif*")
    return str(text)


Limit = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE), BeforeValidator(_limit)]
Since = Annotated[
    datetime, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
IsTrue = Annotated[
    bool,
    BeforeValidator(_true),
    WithJsonSchema({"type": "string", "enum": ["true"]}),
]
Words = Annotated[str, Field(max_length=LONGEST_TEXT), BeforeValidator(_with_words)]
CommentId = Annotated[int, Field(ge=0, lt=10**18), BeforeValidator(_id_of("comment"))]
TicketNumber = Annotated[
    int, Field(ge=0, lt=10**18), BeforeValidator(_id_of("ticket", "the number"))
]
CompanyId = Annotated[int, Field(ge=0, lt=10**18), BeforeValidator(_id_of("company"))]


class MailboxQuery(Query):
    mailbox: str = ""
    """Its address; may be omitted where the actor has only one."""


class TicketsQuery(MailboxQuery):
    status: Status | None = None
    """Tickets with this status."""
    list: Literal["mine", "cc", "organisation"] | None = None
    """For customers: which of the tickets that they may read."""
    tag: str | None = None
    """For staff: tickets with this tag."""
    assignee: str | None = None
    """For staff: tickets that this staff person works on; empty for those of nobody."""
    requester: str | None = None
    """For staff: tickets of this requester."""
    company: CompanyId | None = None
    """For staff: tickets of this company, by its id."""
    severity: str | None = None
    """For staff: tickets of this severity, by its name in the policy."""
    overdue: IsTrue = False
    """For staff: tickets whose next answer is overdue, the longest overdue first."""
    claimed: IsTrue = False
    """For staff: tickets that are claimed as critical and were not answered since; open and pending
    ones, unless `status` names others."""
    review: IsTrue = False
    """For staff: tickets with comments that wait to be published."""
    q: Words | None = None
    """For scope `staff`: tickets with all of these words in one comment, or in their subjects; a
    `*` behind three letters or more continues a word."""
    since: Since | None = None
    """Tickets that changed then or later."""
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of tickets on a page."""
    before: TicketCursor | None = None
    """The `before` of the previous page."""


class JournalQuery(MailboxQuery):
    verdict: Verdict | None = None
    """What became of the mail."""
    reason: Reason | None = None
    """Why."""
    text: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    """A part of the subject, or of the address of author or envelope, in any case."""
    since: Since | None = None
    """Mails that came then or later."""
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of mails on a page."""
    before: RowCursor | None = None
    """The `before` of the previous page."""


class HeldQuery(MailboxQuery):
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of mails on a page."""
    after: HeldCursor | None = None
    """The `after` of the previous page."""


class HeldMailQuery(Query):
    author: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    """Of a mail without exactly one author: what a release does if it names this one."""
    onto: TicketNumber | None = None
    """The same onto this ticket."""


class OutboxQuery(MailboxQuery):
    view: OutboxView | None = None
    """Mail that failed, that is late, that waits for its time, or that was withdrawn; by default
    what failed, or with `ticket` or `address` mail of every kind, what was sent as well."""
    ticket: TicketNumber | None = None
    """Mails about this ticket, the newest first."""
    address: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """Mails to this address, the newest first."""
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of mails on a page."""
    after: RowCursor | None = None
    """The `after` of the previous page."""


class ProposedQuery(MailboxQuery):
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of people."""


class SuppressionQuery(MailboxQuery):
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of addresses on a page."""
    after: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    """The `after` of the previous page."""


class RegistryQuery(MailboxQuery):
    text: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    """A part of a name, an address or a domain, in any case."""
    limit: Limit = DEFAULT_PAGE_SIZE
    """The largest number of entries on a page."""
    after: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    """The `after` of the previous page."""


class TicketQuery(Query):
    before: CommentId | None = None
    """The id of a comment: only those before it are shown."""


class CommentHtmlQuery(Query):
    images: Literal["remote"] | None = None
    """`remote` leaves images on other hosts in the HTML."""


class SavedReplyQuery(MailboxQuery):
    language: str | None = None
    """Of the saved reply; without it, of all languages."""


class EnvelopeQuery(Query):
    mail_from: str = ""
    """The envelope sender; empty for a bounce."""
    rcpt: Annotated[tuple[str, ...], Field(json_schema_extra={"minItems": 1})] = ()
    """The envelope recipients."""
    peer: str = ""
    """The IP address of the client that sent the mail; without it, signatures alone prove the
    author."""
    helo: str = ""
    """The name that the client gave."""


class PreviewQuery(EnvelopeQuery):
    mail_from: str = ""
    """The envelope sender; empty for a bounce, and the author where it is omitted."""
    proven: IsTrue = False
    """The mail is decided as if a signature of the author's domain were on it."""
