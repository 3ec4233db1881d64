"""Generated HTTP requests: API calls by the schema and beside it, links, forms, malformed bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from gateway.web.pages.links import PATHS
from rules.sender.tokens import Keys, Link, LinkUse, link_token
from tests.fuzz.findings import Case, to_bytes, to_text

KEYS = Keys(current=1, secrets={1: b"k" * 32})
"""The keys of the store under test, so that a link is the same in each run."""
CANARY = 1
"""The number of the ticket that no request may change: it is named by links only."""
ACTORS = ("ann@acme.example", "bob@acme.example", "sam@help.example", "gil@globex.example")
HOST = b"Host: help.example\r\n"


class Kind(StrEnum):
    API = "api"
    LINK = "link"
    """With a token that we did not make."""
    PAGE = "page"
    MALFORMED = "malformed"
    """Not HTTP, or cut: an answer is not required."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    kind: Kind
    raw: bytes

    def to_case(self) -> Case:
        return {"kind": str(self.kind), "raw": to_text(self.raw)}

    @classmethod
    def of_case(cls, case: Case) -> HttpRequest:
        return cls(Kind(case["kind"]), to_bytes(case["raw"]))


TEXTS = (
    *(
        "",
        " ",
        "x",
        "Printer",
        "open",
        "closed",
        "resolved",
        "pending",
        "new",
        "Critical",
        "High",
        "Low",
    ),
    *(
        "note",
        "public",
        "support@help.example",
        "shared@help.example",
        "nobody@help.example",
        *ACTORS,
    ),
    *(
        "eve@evil.example",
        "a" * 300,
        "ä€😀",
        "\0",
        "\x1b[2J",
        "\u202e",
        "\u2028",
        "a\r\nBcc: x@y.z",
        "%s%n",
    ),
    *(
        "<script>",
        "'; DROP TABLE ticket; --",
        "../../etc/passwd",
        "=1+1",
        "#status closed",
        "[#1]",
        "{{7*7}}",
    ),
    *(
        "a@b",
        '"a b"@acme.example',
        "ann@аcme.example",
        "a,b@c.example",
        "1",
        "0",
        "-1",
        "true",
        "null",
    ),
    "x" * 70_000,
)
NUMBERS = (0, 1, 2, 3, 5, 8, 40, -1, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, 1.5, 1e308, True)
PATCH_KEYS = {
    **dict.fromkeys(("add", "remove", "approve", "decline"), "addresses"),
    **dict.fromkeys(("assignee", "severity", "escalate", "status", "why"), "text"),
    **dict.fromkeys(("publish", "merge_into"), "number"),
    **dict.fromkeys(("workaround", "complete", "delete", "why_public"), "flag"),
    "comment": "comment",
}
GOOD_VALUES: dict[str, tuple[Any, ...]] = {
    "add": (["eve@evil.example"], ["bob@acme.example"]),
    "remove": (["eve@evil.example"], ["ann@acme.example"]),
    "approve": (["eve@evil.example"],),
    "decline": (["eve@evil.example"],),
    "assignee": ("sam@help.example", ""),
    "severity": ("high", "normal", "critical", "High", "low"),
    "escalate": ("It is urgent.",),
    "status": ("open", "pending", "resolved", "closed"),
    "comment": ({"text": "Hello"}, {"text": "A note", "visibility": "note"}),
    "publish": (1, 2),
    "merge_into": (2, 3, 4),
    "workaround": (True,),
    "complete": (True,),
    "delete": (True, False, False),
    "why": ("because",),
    "why_public": (True, False),
    "mailbox": ("support@help.example",) * 3 + ("shared@help.example",),
    "subject": ("Lift",),
    "text": ("It is stuck.",),
    "requester": ("ann@acme.example", ""),
}
NEW_KEYS = dict.fromkeys(("mailbox", "subject", "text", "severity", "requester"), "text")
QUERY_KEYS = (
    "mailbox",
    "status",
    "list",
    "limit",
    "before",
    "rcpt",
    "peer",
    "mail_from",
    "helo",
    "x",
)
QUERY_VALUES = (
    *(
        "support@help.example",
        "open",
        "mine",
        "cc",
        "organisation",
        "1",
        "50",
        "201",
        "0",
        "-1",
        "",
    ),
    *(
        "1764000000000000-5",
        "99999999999999999-999999999999999999",
        "999999999999999999999-1",
        "1-1-1",
    ),
    *("127.0.0.1", "999.1.1.1", "::1", "a\r\nb", "\0", "ä", "%", "x" * 3000, "²", "１"),
)
METHODS = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "PATCH",
    "PATCH",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
)
MUTATIONS = (
    b"\0",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b":",
    b"%",
    b"%00",
    b"%ff",
    b"\xff",
    b"{",
    b"[" * 50,
    b'"',
)


def generated(random: Random) -> HttpRequest:
    draw = random.random()
    if draw < 0.5:
        return HttpRequest(Kind.API, _api(random))
    if draw < 0.7:
        return HttpRequest(Kind.LINK, _link(random))
    if draw < 0.83:
        return HttpRequest(Kind.PAGE, _page(random))
    return HttpRequest(Kind.MALFORMED, _malformed(random))


def request(method: str, target: str, headers: Sequence[str] = (), body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: help.example", "Connection: close", *headers]
    if body or method in ("POST", "PATCH", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body


def _api(random: Random) -> bytes:
    headers = []
    if random.random() < 0.97:
        scope = random.choice((*("staff",) * 8, *("portal",) * 4, "read", "mails", "x"))
        headers.append(f"Authorization: Bearer {scope}-token")
        actor = "sam@help.example" if scope == "staff" else "ann@acme.example"
        headers.append(f"X-Postern-Actor: {random.choice((*(actor,) * 9, *ACTORS))}")
    number = random.choice((2, 3, 4, 5, 6, 7, 8, 30))
    draw = random.random()
    if draw < 0.4:
        return request("PATCH", f"/api/v1/tickets/{number}", headers, _json(random, PATCH_KEYS))
    if draw < 0.6:
        return request("POST", "/api/v1/tickets", headers, _json(random, NEW_KEYS, minimum=2))
    if draw < 0.75:
        return request("GET", f"/api/v1/tickets?{_query(random)}", headers)
    if draw < 0.8:
        mail = random.choice((b"", b"From: a@b.example\r\n\r\nx", b"\0" * 50, b"x" * 3000))
        return request("POST", f"/api/v1/mails?{_query(random)}", headers, mail)
    tail = random.choice(
        (
            *(f"/{number}", f"/{number}/attachments/{number}", f"/{number}/raw/{random.random()}"),
            *(f"/{number}/comments/{number}/html", f"/{number}/comments/1/images/{number}"),
            *(f"/{number}/raw/00000000-0000-0000-0000-000000000000", "/0", "/999999999999999999"),
            *(
                "/1/",
                "//",
                "/١",
                "/9999999999999999999",
                "/%00",
                "/../../etc/passwd",
                f"/{number}?x=1",
            ),
        )
    )
    path = quote(f"/api/v1/tickets{tail}", safe="/?=%")
    return request(random.choice(METHODS), path, headers)


def _json(random: Random, keys: dict[str, str], minimum: int = 1) -> bytes:
    chosen = random.sample(list(keys), random.randint(minimum, min(4, len(keys))))
    value = {
        key: random.choice(GOOD_VALUES[key]) if random.random() < 0.7 else _value(random, keys[key])
        for key in chosen
    }
    if minimum > 1 and random.random() < 0.7:
        value = {"mailbox": "support@help.example", "subject": "x", "text": "y", **value}
    if random.random() < 0.05:
        value[random.choice(TEXTS)[:50]] = 1
    data = json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    if random.random() < 0.1:
        at = random.randrange(len(data) + 1)
        data = data[:at] + random.choice((*MUTATIONS, b"9" * 5000, b'"\\ud800"')) + data[at:]
    if random.random() < 0.005:
        data = b"[" * 100_000
    return data


def _value(random: Random, kind: str) -> Any:
    if random.random() < 0.1:
        kind = random.choice(("addresses", "text", "number", "flag", "comment", "null", "nested"))
    if kind == "addresses":
        return random.choices(TEXTS, k=random.choice((0, 1, 2, 51)))
    if kind == "number":
        return random.choice(NUMBERS)
    if kind == "flag":
        return random.random() < 0.5
    if kind == "comment":
        comment = {"text": random.choice(TEXTS)}
        return comment | ({"visibility": random.choice(TEXTS)} if random.random() < 0.3 else {})
    if kind == "null":
        return None
    return {"x": [[{}]]} if kind == "nested" else random.choice(TEXTS)


def _query(random: Random) -> str:
    keys = random.choices(QUERY_KEYS, k=random.choice((0, 1, 1, 2, 4)))
    return urlencode([(key, random.choice(QUERY_VALUES)) for key in keys])


def link_path(use: LinkUse) -> str:
    """A valid link of the canary's requester; where only staff may use it, of staff on it."""
    text = "eve@elsewhere.example" if use is LinkUse.APPROVE else ""
    owner = 3 if use is LinkUse.REOPEN else 1
    return f"{PATHS[use]}/1/{link_token(KEYS, 1, use, Link(CANARY, owner, text))}"


def _link(random: Random) -> bytes:
    """A link that differs from every one of ours, though it may differ only a little."""
    use = random.choice(list(LinkUse))
    path = link_path(use)
    prefix, _, token = path.rpartition("/")
    mutant = _mutant(random, token)
    draw = random.random()
    if draw < 0.1:  # a valid token for another page, or another mailbox
        prefix = random.choice([each for each in PATHS.values() if each != PATHS[use]]) + "/1"
        mutant = token
    elif draw < 0.2:
        prefix = PATHS[use] + random.choice(("/2", "/01", "/0", "/-1", "/1%20", "/٣", "/x"))
        mutant = token
    elif draw < 0.25:
        prefix = "/signup/1"
    target = quote(f"{prefix}/{mutant}", safe="/%?=&")
    if random.random() < 0.5:
        return request("GET", target)
    return request("POST", target, *_form(random))


def _mutant(random: Random, token: str) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    at = random.randrange(len(token))
    choices = (
        token[:at],
        token + random.choice(letters) * random.choice((1, 8)),
        token[:at] + random.choice(letters.replace(token[at], "")) + token[at + 1 :],
        token[at:] + token[:at] if token[at:] + token[:at] != token else token[:-1],
        token[: at + 1] + "/" + token[at + 1 :],
        token[:at] + random.choice(("\0", "é", "%", "=", ".", "\r\n", "😀", "%ff")) + token[at:],
        "",
        "a" * random.choice((1, 40, 5000)),
        "".join(random.choices(letters, k=len(token))),
    )
    return random.choice(choices)


def _form(random: Random) -> tuple[list[str], bytes]:
    fields = {
        "answer": random.choice(("in", "out", "", "x")),
        "rating": random.choice(("good", "bad", "", "x")),
        "text": random.choice(TEXTS)[:5000],
        "address": random.choice(TEXTS)[:500],
        "name": random.choice(TEXTS)[:500],
        "mailbox": random.choice(("support@help.example", "", "x", "shared@help.example")),
    }
    chosen = random.sample(list(fields), random.randint(0, 6))
    body = urlencode({key: fields[key] for key in chosen}).encode()
    if random.random() < 0.2:
        body = random.choice(
            (b"&" * 5000, b"=", b"%", b"%ff=%ff", b"a=1&" * 20, b"\xff" * 99, b"x" * 40_000)
        )
    kind = "application/x-www-form-urlencoded"
    if random.random() < 0.1:
        kind = random.choice(
            ("text/plain", "multipart/form-data; boundary=x", "x", "application/json")
        )
    languages = random.choice(("de", "en", "xx, de;q=0.5", ",;q=,", "x" * 900))
    return [f"Content-Type: {kind}", f"Accept-Language: {languages}"], body


def _page(random: Random) -> bytes:
    target = random.choice(
        (
            *(
                "/",
                "/healthz",
                "/readyz",
                "/metrics",
                "/signup",
                "/signup",
                "/signup",
                "/nope",
                "//",
                "/signup/1/",
            ),
            *(
                "/static/postern.css",
                "/static/../../etc/passwd",
                "/static/..%2f..%2fetc%2fpasswd",
                "/%",
                "/%00",
            ),
            *(
                f"/signup?mailbox={quote(random.choice(TEXTS)[:200])}",
                "*",
                "/signup?" + "a=1&" * 300,
                "/ä",
            ),
        )
    )
    if random.random() < 0.4:
        return request(random.choice(METHODS), target)
    return request("POST", target, *_form(random))


def _malformed(random: Random) -> bytes:
    whole = bytearray(random.choice((_api, _page, _link))(random))
    if random.random() < 0.4:
        return random.choice(
            (
                *(
                    b"",
                    b"GET",
                    b"GET / HTTP/1.1\r\n",
                    b"GET /  HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/9.9\r\n\r\n",
                ),
                *(
                    b"GET / HTTP/1.1\n" + HOST + b"\n",
                    b"\x16\x03\x01\x02\x00\x01",
                    b"EHLO x\r\n",
                    b"\0" * 90,
                ),
                b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * 20_000 + b"\r\n\r\n",
                b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
                b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 3000 + b"\r\n",
                b"POST /signup HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
                b"POST /signup HTTP/1.1\r\n"
                + HOST
                + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
                b"POST /signup HTTP/1.1\r\n"
                + HOST
                + b"Content-Length: 99999999999999999999\r\n\r\n",
                b"POST /signup HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                b"POST /signup HTTP/1.1\r\n"
                + HOST
                + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                b"POST /signup HTTP/1.1\r\n"
                + HOST
                + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                b"POST /signup HTTP/1.1\r\n"
                + HOST
                + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
                b"POST /signup HTTP/1.1\r\n"
                + HOST
                + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
                b"CONNECT x:25 HTTP/1.1\r\n" + HOST + b"\r\n",
                b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
            )
        )
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(whole) + 1)
        kind = random.random()
        if kind < 0.4:
            whole[at:at] = random.choice(MUTATIONS)
        elif kind < 0.6:
            whole[at : at + 1] = bytes([random.randrange(256)])
        elif kind < 0.8:
            del whole[at : at + random.randint(1, 10)]
        else:
            del whole[at:]
    return bytes(whole)
