"""Notices to one person that are about no ticket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert

from rules.mail import Mailbox
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.tables import NoticeRow, table

_notice = table(NoticeRow)


def order(
    connection: Connection,
    mailbox: Mailbox,
    kind: NoticeKind,
    address: str,
    language: str,
    detail: Mapping[str, str],
    *,
    notice: UUID,
    now: datetime,
) -> None:
    """Queue a notice that no mail caused; an empty language is the policy's. `detail` is its stored
    payload."""
    row = {
        "id": notice,
        "mailbox_id": mailbox.id,
        "kind": kind.value,
        "address": address,
        "language": language,
        "detail": json.dumps(dict(detail)),
        "state": NoticeState.DUE.value,
        "attempts": 0,
        "last_error": "",
        "created_at": now,
        "due_at": now,
    }
    connection.execute(insert(_notice), row)


def order_invitation(
    connection: Connection,
    mailbox: Mailbox,
    address: str,
    language: str = "",
    *,
    notice: UUID,
    now: datetime,
    detail: Mapping[str, str] | None = None,
) -> None:
    """Queue a sign-up link. `detail` is kept with it, and not shown to the recipient."""
    kind = NoticeKind.INVITATION
    order(connection, mailbox, kind, address, language, detail or {}, notice=notice, now=now)
