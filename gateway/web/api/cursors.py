"""Where a page of a list ends, as text: what leads to the next page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema

from gateway.ticket_requests import LARGEST_NUMBER
from storage.mail.quarantine import HeldKey
from storage.ticket.pages import TicketKey

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = timedelta(microseconds=1)
_TIME = "[0-9]{1,17}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TICKET = f"({_TIME})-([0-9]{{1,18}})"
ROW = f"({_TIME})-({_UUID})"
HELD = f"([01])-({_TIME})-({_UUID})"


class RowKey(NamedTuple):
    """A row of the journal or of the outbox in a list."""

    at: datetime
    id: UUID


def ticket_cursor(at: datetime, number: int) -> str:
    return f"{_written(at)}-{number}"


def row_cursor(at: datetime, row: UUID) -> str:
    return f"{_written(at)}-{row}"


def held_cursor(key: HeldKey) -> str:
    return f"{int(key.by_anybody)}-{row_cursor(key.came_at, key.id)}"


def _ticket(found: re.Match[str]) -> TicketKey:
    if int(found[2]) > LARGEST_NUMBER:
        raise ValueError
    return TicketKey(_read(found[1]), int(found[2]))


def _row(found: re.Match[str]) -> RowKey:
    return RowKey(_read(found[1]), UUID(found[2]))


def _held(found: re.Match[str]) -> HeldKey:
    return HeldKey(found[1] == "1", _read(found[2]), UUID(found[3]))


def _reader(pattern: str, read: Callable[[re.Match[str]], T]) -> Callable[[Any], T]:
    """Reads a cursor. ValueError, with what to send, for what is none."""

    def cursor(text: Any) -> T:
        try:
            if (found := re.fullmatch(pattern, str(text))) is not None:
                return read(found)
        except (ValueError, OverflowError):
            pass
        raise ValueError("must be that of the previous page")

    return cursor


def _schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


TicketCursor = Annotated[TicketKey, BeforeValidator(_reader(TICKET, _ticket)), _schema(TICKET)]
RowCursor = Annotated[RowKey, BeforeValidator(_reader(ROW, _row)), _schema(ROW)]
HeldCursor = Annotated[HeldKey, BeforeValidator(_reader(HELD, _held)), _schema(HELD)]


def _written(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECONDS


def _read(written: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(written))
