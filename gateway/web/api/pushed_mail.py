"""Raw mails pushed over HTTP: their parameters and bytes, checked as SMTP checks them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat

from aiohttp import web

from gateway.ingest import Ingest
from gateway.shares import Networks, address_of, is_in
from gateway.smtp.limits import ConnectionPool
from gateway.smtp.paths import forward_path, reverse_path
from gateway.smtp.rates import Act
from gateway.web.api.access import Caller
from gateway.web.api.answers import PushedMailAnswer, RefusedMailAnswer
from gateway.web.api.auth import ApiError, Scope, check_again
from gateway.web.api.operations import JsonAnswer, Operation, RawBody
from gateway.web.api.queries import EnvelopeQuery
from gateway.web.line_ends import LineEnds, TooLong
from gateway.web.pages.forms import client_of_request
from gateway.web.problems import problem
from rules import replies
from rules.mail import Delivery, Envelope

LONGEST_HELO = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedMails:
    """Takes mails, within the budgets that the same client has by SMTP."""

    ingest: Ingest
    connections: ConnectionPool
    listed: Networks = ()
    """Clients that bring the mail of many: they have the reserve, and no rates."""
    line_ends: LineEnds = field(default_factory=LineEnds)

    async def take(self, request: web.Request, query: EnvelopeQuery) -> web.Response:
        """A mail whose `peer` is not stated is proven by its signatures alone. 200 with a reply for
        each recipient once the mail is on disk; 422 if all recipients were refused permanently;
        429 and 503 if the client must try again.
        """
        most = self.connections.limits.recipients
        envelope = envelope_of(query, most, over_tls=request.secure)
        with self.room(request, len(envelope.rcpt_tos)):
            raw = await self.content(request)
            answered = await self.ingest.take(Delivery(envelope, raw))
        folded = replies.for_all(answered)
        answer: PushedMailAnswer = {
            "reply": str(folded),
            "recipients": [
                {"recipient": recipient, "reply": str(reply)}
                for recipient, reply in zip(envelope.rcpt_tos, answered, strict=True)
            ],
        }
        if folded.accepted:
            return web.json_response(answer)
        return problem(503 if folded.temporary else 422, str(folded), **answer)

    async def content(self, request: web.Request) -> bytes:
        """The mail with the line ends of SMTP. Raises ApiError: 413 where it has become too large,
        400 for what SMTP refuses and no line end is meant by."""
        body, client = await request.read(), client_of_request(request)
        await check_again(request)
        if not body:
            raise ApiError(400, "the body is empty; it must be one raw mail (RFC 5322)")
        try:
            sent = await self.line_ends.sent(body, self.connections.limits.mail_size_bytes, client)
        except TooLong:
            raise ApiError(413, f"{replies.MAIL_TOO_BIG}: each LF becomes CRLF") from None
        if sent.forbidden:
            raise ApiError(
                400,
                f"the body has {sent.forbidden} (RFC 5321 2.3.8); end lines with CRLF or LF, and "
                "omit NUL",
            )
        return sent.raw

    @contextmanager
    def room(self, request: web.Request, recipients: int) -> Iterator[None]:
        """Memory for the mail, of the share of its client, until the end of the context. Raises
        ApiError: 429 where the client has used up what is its own, 503 where nothing is left."""
        pool, client = self.connections, client_of_request(request)
        listed = is_in(client, self.listed)
        limit, announced = pool.limits.mail_size_bytes, request.content_length
        size_bytes = limit if announced is None else min(announced, limit)
        if not pool.has_disk(size_bytes):
            raise ApiError(503, str(replies.TOO_LITTLE_DISK))
        acts = (Act.MAIL, *repeat(Act.RECIPIENT, recipients))
        if not all(pool.rates.allows(client, act, listed=listed) for act in acts):
            raise ApiError(429, str(replies.TOO_FAST))
        if not pool.in_flight.take(client, size_bytes, listed=listed):
            others = pool.in_flight.fits(None, size_bytes, listed=False)
            raise ApiError(429 if others else 503, str(replies.TOO_MUCH_IN_FLIGHT))
        try:
            yield
        finally:
            pool.in_flight.give_back(client, size_bytes)


PUSHED_MAILS = web.AppKey("pushed_mails", PushedMails)


async def _post(request: web.Request, _: Caller, query: EnvelopeQuery) -> web.Response:
    return await request.app[PUSHED_MAILS].take(request, query)


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/mails",
        handler=_post,
        name="push_mail",
        summary="Take one raw mail, as by SMTP",
        scopes=(Scope.MAILS,),
        query=EnvelopeQuery,
        body=RawBody("message/rfc822"),
        answer=JsonAnswer(PushedMailAnswer),
        errors=(429,),
        own_errors={
            422: ("All recipients were refused permanently.", RefusedMailAnswer),
            503: ("Not possible now, or all recipients were deferred.", RefusedMailAnswer),
        },
    ),
)


def envelope_of(query: EnvelopeQuery, most_recipients: int, *, over_tls: bool) -> Envelope:
    """The envelope that the query states. Raises ApiError, 400, with the parameter's name."""
    recipients = query.rcpt
    if not recipients:
        raise ApiError(400, "name the recipients: ?rcpt=support@help.example")
    if len(recipients) > most_recipients:
        raise ApiError(400, f"rcpt: a mail has at most {most_recipients} recipients")
    for each in recipients:
        if (path := forward_path(f"<{each}>", utf8=True)) is None or path[1]:
            raise ApiError(400, f"rcpt={each!a}: must be an email address")
    mail_from = query.mail_from
    if (path := reverse_path(f"<{mail_from}> SMTPUTF8")) is None or path[0] != mail_from:
        raise ApiError(400, f"mail_from={mail_from!a}: must be an email address, or empty")
    peer = query.peer
    if peer and ("%" in peer or address_of(peer) is None):
        raise ApiError(
            400, f"peer={peer!a}: must be the client's IP address, such as 192.0.2.7, without zone"
        )
    helo = query.helo
    if len(helo) > LONGEST_HELO or not (helo.isascii() and (helo.isprintable())):
        raise ApiError(400, f"helo: must be at most {LONGEST_HELO} printable characters of ASCII")
    return Envelope(peer=peer, helo=helo, tls=over_tls, mail_from=mail_from, rcpt_tos=recipients)
