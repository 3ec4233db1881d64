"""All operations of the API. A new one is described in the table of its module, or has no route."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.web.api import (
    comment_html,
    companies,
    files,
    held,
    journal,
    macros,
    mail_preview,
    mailboxes,
    outbox,
    people,
    pushed_mail,
    queues,
    reference,
    staff_notices,
    suppression,
    tickets,
)
from gateway.web.api.operations import Operation, add_operations

OPERATIONS: tuple[Operation[Any], ...] = (
    *tickets.OPERATIONS,
    *files.OPERATIONS,
    *comment_html.OPERATIONS,
    *journal.OPERATIONS,
    *held.OPERATIONS,
    *outbox.OPERATIONS,
    *suppression.OPERATIONS,
    *queues.OPERATIONS,
    *people.OPERATIONS,
    *companies.OPERATIONS,
    *mailboxes.OPERATIONS,
    *macros.OPERATIONS,
    *staff_notices.OPERATIONS,
    *pushed_mail.OPERATIONS,
    *mail_preview.OPERATIONS,
    *reference.OPERATIONS,
)


def add_routes(app: web.Application) -> None:
    app[reference.REFERENCE] = reference.Reference(OPERATIONS)
    add_operations(app, OPERATIONS)
