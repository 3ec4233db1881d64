"""What waits in a mailbox, over the API: as many as the console's first page says, and the people
who wait to be added to tickets."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller, mask_for
from gateway.web.api.answers import ProposedPeopleAnswer, QueueAnswer, QueuesAnswer
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.operations import JsonAnswer, Operation
from gateway.web.api.queries import MailboxQuery, ProposedQuery
from rules.mail import Mailbox
from storage.db.database import Connection
from storage.desk import proposed, queues
from storage.ticket import waiting_tickets
from storage.ticket.waiting_tickets import NONE


async def _queues(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]

    def look(connection: Connection, mailbox: Mailbox) -> QueuesAnswer:
        now = context.runtime.clock()
        policy = context.runtime.policies.get(mailbox.policy)
        if policy is None:
            raise ApiError(409, f"the policy {mailbox.policy} of {mailbox.address} is missing")
        overdue = waiting_tickets.overdue(connection, [mailbox.id], now).get(mailbox.id, NONE)
        claimed = waiting_tickets.unanswered_claims(connection, [mailbox.id]).get(mailbox.id, NONE)
        return {
            "queues": [
                _as_json("claimed", claimed.number, claimed.since),
                _as_json("overdue", overdue.number, overdue.since),
                *(
                    _as_json(each.queue.value, each.number, each.since)
                    for each in queues.states(connection, mailbox, policy, now, named=0)
                ),
            ]
        }

    return await access.of_mailbox(request, caller, query.mailbox, look)


async def _proposed(request: web.Request, caller: Caller, query: ProposedQuery) -> web.Response:
    context = request.app[CONTEXT]

    def look(connection: Connection, mailbox: Mailbox) -> ProposedPeopleAnswer:
        found = proposed.proposed_people(connection, [mailbox.id], query.limit + 1)
        mask = mask_for(connection, context, caller)
        return {
            "people": [
                {
                    "ticket": each.ticket,
                    "subject": mask(each.subject),
                    "address": each.address,
                    "asked_by": each.asked_by,
                    "since": each.since.isoformat(),
                }
                for each in found[: query.limit]
            ],
            "more": len(found) > query.limit,
        }

    return await access.of_mailbox(request, caller, query.mailbox, look)


def _as_json(queue: str, waiting: int, since: datetime | None) -> QueueAnswer:
    return {
        "queue": queue,
        "waiting": waiting,
        "since": since.isoformat() if since is not None else None,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/queues",
        handler=_queues,
        name="list_queues",
        summary="How much waits in a mailbox, for each reason, and since when",
        scopes=(Scope.STAFF, Scope.READ),
        query=MailboxQuery,
        answer=JsonAnswer(QueuesAnswer),
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path="/api/v1/proposed",
        handler=_proposed,
        name="list_proposed_people",
        summary="The people who wait to be added to tickets, the longest first",
        scopes=(Scope.STAFF, Scope.READ),
        query=ProposedQuery,
        answer=JsonAnswer(ProposedPeopleAnswer),
        errors=(404,),
    ),
)
