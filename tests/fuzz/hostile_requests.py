"""Requests that are as large as they may be, and costly for a parser that is not linear.

Everything that the HTTP library or our code reads of a request is filled with one hostile piece,
again and again: each header, the path, the query, a form, JSON, the parts of a form and chunks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from urllib.parse import quote

from tests.fuzz.http_grammar import HttpRequest, Kind

HEADERS = (
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Content-Disposition",
    "Content-Language",
    "Content-Type",
    "Cookie",
    "Date",
    "Forwarded",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Last-Event-ID",
    "Origin",
    "Range",
    "Referer",
    "Sec-Fetch-Site",
    "Sec-WebSocket-Protocol",
    "TE",
    "Traceparent",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Whatever",
)
"""What somebody reads, and one that nobody does: three at a time."""
ALONE = (
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Expect",
    "Host",
    "Transfer-Encoding",
    "Upgrade",
    "X-Postern-Actor",
)
"""Headers for which a request may be refused before another one is read."""
SEPARATORS = (";", "a=b;", ",", "%", "\u0301")
"""Pieces that most parsers do something with."""
PIECES = (
    *(
        ";",
        "=",
        "%",
        ",",
        '"',
        "\\",
        "9",
        " ",
        "/",
        "&",
        "+",
        ".",
        "@",
        ":",
        "-",
        "*",
        "'",
        "{",
        "[",
    ),
    *("a=b;", "a=b,", '"a",', '\\"', "%ff", "%25%", "%E2%82", "a;q=0.1,", "a=b&", "a=%41&", "a-"),
    *("bytes=0-1,", "for=1.1.1.1;", "1.1.1.1,", "a*0=b;", "=?utf-8?q?=41?= ", "\t;", 'W/"a",'),
    *(
        "\u0301",
        "e\u0301",
        "\u1100\u1161",
        "\uff41",
        "\U0001d400",
        "\u200d",
        "ß",
        "İ",
        "xn--a.",
        "A",
    ),
    *("../", "a\t", "#", "<", "&amp;", "(", "((a*)*", "$", "[1]", "{}", '"a":1,', "1e9,", "null,"),
)
LINE_BYTES = 8_100
"""The library refuses longer ones."""
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Target:
    """A route, and what its requests need to be more than refused."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    csrf: str = ""
    again: int = 0
    """So often it was asked before: caches know nothing of a request that is a little shorter."""

    def filled(self, piece: str, size: int) -> str:
        """The piece again and again, up to so many octets."""
        return piece * max(1, size // len(piece.encode()) - self.again)

    def request(
        self,
        more: Mapping[str, str] = MappingProxyType({}),
        *,
        path: str = "",
        body: bytes = b"",
        chunks: bytes = b"",
    ) -> HttpRequest:
        named = {"Host": "help.example", "Connection": "close", **self.headers}
        if chunks:
            named["Transfer-Encoding"] = "chunked"
        elif body or self.method != "GET":
            named["Content-Length"] = str(len(body))
        named |= more
        lines = [f"{name}: {value}" for name, value in named.items()]
        head = "\r\n".join([f"{self.method} {path or self.path} HTTP/1.1", *lines, "", ""])
        return HttpRequest(Kind.MALFORMED, head.encode("utf-8", "replace") + (chunks or body))


def in_headers(names: Sequence[str], target: Target, piece: str) -> HttpRequest:
    value = target.filled(piece, LINE_BYTES - 100)
    headers = {name: BEGINNINGS.get(name, "") + value for name in names}
    return target.request(headers, body=b"a=b" if target.method != "GET" else b"")


def in_many_lines(name: str, target: Target, piece: str) -> HttpRequest:
    lines = f"\r\n{name}: ".join([target.filled(piece, 80)] * 90)
    return target.request({name: lines})


def in_path(target: Target, piece: str) -> HttpRequest:
    clean = piece.replace(" ", "%20").replace("\t", "%09").replace("#", "%23")
    return target.request(
        path=f"{target.path.rstrip('/')}/{target.filled(clean, LINE_BYTES - 300)}"
    )


def in_query(name: str, target: Target, piece: str) -> HttpRequest:
    clean = piece.replace(" ", "%20").replace("\t", "%09").replace("#", "%23")
    return target.request(path=f"{target.path}?{name}{target.filled(clean, LINE_BYTES - 300)}")


def as_form(size: int, target: Target, piece: str) -> HttpRequest:
    body = f"csrf={target.csrf}&address=".encode() + target.filled(piece, size).encode()
    return target.request({"Content-Type": FORM_TYPE}, body=body)


def as_json(before: str, after: str, size: int, target: Target, piece: str) -> HttpRequest:
    body = (before + target.filled(piece, size) + after).encode()
    return target.request({"Content-Type": "application/json"}, body=body)


def as_json_text(body: str, size: int, target: Target, piece: str) -> HttpRequest:
    before, _, after = body.partition("…")
    quoted = json.dumps(piece, ensure_ascii=False)[1:-1]
    return as_json(before, after, size, target, quoted)


def in_fields(do: str, size: int, target: Target, piece: str) -> HttpRequest:
    """Everything that a form of ours may have, filled."""
    value = quote(target.filled(piece, size // len(FIELDS)))[: size // len(FIELDS)]
    names = {"csrf": target.csrf, "do": do}
    fields = [f"{name}={text}" for name, text in names.items()]
    fields += [f"{name}={value}" for name in FIELDS]
    return target.request({"Content-Type": FORM_TYPE}, body="&".join(fields).encode())


def as_parts(beginning: str, size: int, target: Target, piece: str) -> HttpRequest:
    line = beginning + target.filled(piece, LINE_BYTES - 200)
    named = "" if line.startswith("Content-D") else 'Content-Disposition: form-data; name="a"\r\n'
    part = f"--b\r\n{named}{line}\r\n\r\nx\r\n"
    return _in_parts(target, part * max(1, size // len(part.encode())))


def with_text(target: Target, piece: str) -> HttpRequest:
    part = '--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
    return _in_parts(target, f"{part}{target.filled(piece, 250_000)}\r\n")


def within_parts(target: Target, _: str) -> HttpRequest:
    part = "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return _in_parts(target, target.filled(part, 250_000))


def _in_parts(target: Target, parts: str) -> HttpRequest:
    csrf = f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{target.csrf}\r\n'
    body = f"{csrf if target.csrf else ''}{parts}--b--\r\n".encode()
    return target.request({"Content-Type": "multipart/form-data; boundary=b"}, body=body)


def in_chunks(octets: int, target: Target, piece: str) -> HttpRequest:
    chunk = (
        f"{octets:x}\r\n".encode() + target.filled(piece, octets + 9).encode()[:octets] + b"\r\n"
    )
    chunks = chunk * (250_000 // len(chunk)) + b"0\r\n\r\n"
    return target.request({"Content-Type": FORM_TYPE}, chunks=chunks)


BEGINNINGS = {
    "Authorization": "Bearer ",
    "Connection": "close, ",
    "Content-Type": f"{FORM_TYPE}; ",
    "Cookie": "postern_session=",
    "Host": "help.example",
}
"""Without which the rest of the header would not be read."""
QUERY = ("", "a=", "q=", "text=", "mailbox=", "before=", "after=", "to=", "since=", "code=")
BODIES = (
    '{"x":"…"}',
    '{"…":"x"}',
    '{"text":"…"}',
    '{"status":"…"}',
    '{"severity":"…"}',
    '{"assignee":"…"}',
    '{"escalate":"…"}',
    '{"snooze":"…"}',
    '{"why":"…","status":"open"}',
    '{"tag":["…"]}',
    '{"fields":{"…":"x"}}',
    '{"fields":{"x":"…"}}',
    '{"comment":{"text":"…"}}',
    '{"comment":{"text":"x","visibility":"…"}}',
    '{"add":["a@…"]}',
    '{"add":["…@acme.example"]}',
    '{"mailbox":"support@help.example","subject":"…","text":"x"}',
    '{"mailbox":"support@help.example","subject":"x","text":"…"}',
    '{"mailbox":"support@help.example","subject":"x","text":"x","requester":"…"}',
    '{"name":"…","domains":["acme.example"]}',
    '{"name":"New","domains":["….example"]}',
    '{"add_domains":["….example"]}',
    '{"account_team":["…@help.example"],"channel":"…"}',
    '{"address":"a@….example","role":"staff"}',
    '{"address":"…@acme.example","company":"Acme"}',
    '{"tier":"…","starts_at":"…"}',
    '{"texts":{"en":"…"}}',
    '{"do":"…","author":"…"}',
)
"""What is asked of the API, with a value that is filled."""
DOS = (
    *("reply", "note", "status", "severity", "field", "assign", "tag", "add", "remove", "merge"),
    *("split", "escalate", "snooze", "requester", "delete", "publish", "insert", "complete"),
    *("release", "discard", "new", "enrol", "language", "password", "invite", "role", "staff"),
    *(
        "name",
        "domain",
        "contract",
        "contacts",
        "activate",
        "retry",
        "register",
        "approve",
        "lists",
    ),
)
"""What a form of ours may do."""
FIELDS = (
    *("address", "answer", "why", "mailbox", "text", "rating", "tag", "password", "assignee"),
    *(
        "version",
        "to",
        "ticket",
        "status",
        "policy",
        "person",
        "language",
        "ids",
        "comment",
        "again",
    ),
    *(
        "why_public",
        "view",
        "verdict",
        "until",
        "tier",
        "then",
        "team",
        "subject",
        "starts",
        "staff",
    ),
    *("source", "severity", "seen", "role", "reason", "q", "proven", "present", "peer", "once"),
    *("number", "name", "manager", "mails", "macro", "machine", "level", "last", "from", "domains"),
    *(
        "domain",
        "day",
        "customer",
        "channel",
        "calendar",
        "back",
        "author",
        "anywhere",
        "mail_from",
    ),
    *("rcpt", "company", "raw", "field.x", "was.x", "first.High", "ongoing.High", "helo"),
)
PART_LINES = (
    "Content-Disposition: ",
    "Content-Disposition: form-data; ",
    'Content-Disposition: form-data; name="',
    "Content-Disposition: form-data; name*=utf-8''",
    'Content-Disposition: form-data; name="file"; filename="a"; a="',
    "Content-Type: text/plain; ",
    "Content-Type: multipart/mixed; boundary=c; ",
    "Content-Length: ",
    "Content-Transfer-Encoding: ",
    "X-Whatever: ",
)

Shape = Callable[[Target, str], HttpRequest]


def _shapes() -> Iterator[tuple[str, Shape]]:
    for names in zip(HEADERS, HEADERS[1:] + HEADERS[:1], HEADERS[2:] + HEADERS[:2], strict=True):
        yield f"header {', '.join(names)}", partial(in_headers, names)
    for name in ALONE:
        yield f"header {name}", partial(in_headers, (name,))
    for name in ("Cookie", "X-Forwarded-For", "Accept-Language", "Content-Type", "X-Whatever"):
        yield f"lines of {name}", partial(in_many_lines, name)
    yield "path", in_path
    for name in QUERY:
        yield f"query {name}", partial(in_query, name)
    for size in (4_000, 16_000, 60_000, 255_000):
        yield f"form of {size}", partial(as_form, size)
    for size in (60_000, 1_000_000):
        yield f"JSON of {size}", partial(as_json, "", "", size)
    for body in BODIES:
        for size in (190, 9_000, 64_000, 1_000_000):
            yield f"JSON {body} of {size}", partial(as_json_text, body, size)
    for do in DOS:
        for size in (16_000, 250_000):
            yield f"fields to {do} of {size}", partial(in_fields, do, size)
    yield "JSON list", partial(as_json, '{"add":[', "1]}", 9_000)
    for beginning in PART_LINES:
        for size in (9_000, 400_000):
            yield f"parts with {beginning} of {size}", partial(as_parts, beginning, size)
    yield "parts with text", with_text
    yield "parts within parts", within_parts
    for octets in (1, 15, 17, 64):
        yield f"chunks of {octets}", partial(in_chunks, octets)


SHAPES: Mapping[str, Shape] = MappingProxyType(dict(_shapes()))
