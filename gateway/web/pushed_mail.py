"""A raw mail pushed over HTTP: its parameters and bytes, checked as SMTP checks them."""

from __future__ import annotations

from aiohttp import web

from gateway.shares import address_of
from gateway.smtp.paths import forward_path, reverse_path
from gateway.web.api.auth import ApiError
from rules.mail import Envelope, as_sent, forbidden_octets

LONGEST_HELO = 255


def envelope_of(request: web.Request, most_recipients: int) -> Envelope:
    """The envelope that the query states. Raises ApiError, 400, with the parameter's name."""
    query = request.query
    recipients = tuple(query.getall("rcpt", []))
    if not recipients:
        raise ApiError(400, "name the recipients: ?rcpt=support@help.example")
    if len(recipients) > most_recipients:
        raise ApiError(400, f"rcpt: a mail has at most {most_recipients} recipients")
    for each in recipients:
        if (path := forward_path(f"<{each}>", utf8=True)) is None or path[1]:
            raise ApiError(400, f"rcpt={each!a}: must be an email address")
    mail_from = query.get("mail_from", "")
    if (path := reverse_path(f"<{mail_from}> SMTPUTF8")) is None or path[0] != mail_from:
        raise ApiError(400, f"mail_from={mail_from!a}: must be an email address, or empty")
    peer = query.get("peer", "")
    if peer and ("%" in peer or address_of(peer) is None):
        raise ApiError(
            400, f"peer={peer!a}: must be the client's IP address, such as 192.0.2.7, without zone"
        )
    helo = query.get("helo", "")
    if len(helo) > LONGEST_HELO or not (helo.isascii() and (helo.isprintable())):
        raise ApiError(400, f"helo: must be at most {LONGEST_HELO} printable characters of ASCII")
    return Envelope(
        peer=peer, helo=helo, tls=request.secure, mail_from=mail_from, rcpt_tos=recipients
    )


def content_of(body: bytes) -> bytes:
    """The mail with the line ends of SMTP: each LF becomes CRLF. Raises ApiError, 400, for what
    SMTP refuses and no line end is meant by."""
    if not body:
        raise ApiError(400, "the body is empty; it must be one raw mail (RFC 5322)")
    raw = as_sent(body)
    if found := forbidden_octets(raw):
        raise ApiError(
            400, f"the body has {found} (RFC 5321 2.3.8); end lines with CRLF or LF, and omit NUL"
        )
    return raw
