"""Generated From fields: where we find an author, no other reader may find another plain one.

A reader that finds nothing, or raises, is no danger: only one that shows a different person is.
"""

from __future__ import annotations

import email.policy
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.header import decode_header, make_header
from email.utils import getaddresses, parseaddr
from random import Random

import mailparser

from rules.mail.header import Author, author, read
from tests.fuzz.findings import Case, Report, random_for, to_bytes, to_text

PART = "authors"

EVE, ANN = b"eve@evil.example", b"ann@acme.example"
VALUES = (
    *(EVE, b"<" + EVE + b">", b'"Ann" <' + EVE + b">", b"Ann <" + EVE + b">"),
    *(b'"' + ANN + b'" <' + EVE + b">", b"=?utf-8?q?Ann?= <" + EVE + b">"),
    *(EVE + b" (Ann)", b"(Ann) " + EVE, b"Ann (Acme) <" + EVE + b"> (a (b))", EVE + b","),
    *("J\u00fcrgen <".encode() + EVE + b">", b"J\xfcrgen (\xe9) <" + EVE + b">"),
    *(b'"\x81\x5c" <' + EVE + b">", EVE + b" (=?utf-8?q?J=C3=BCrgen?=)"),
    *(b"Ann [Acme] < " + EVE + b" >", EVE + b" (\x83\x5b)", b'"\xc3\xbc, x" <' + EVE + b">"),
)
TOKENS = (
    *(ANN, b"<" + ANN + b">", b'"', b'""', b"<", b">", b"<>", b"(", b")", b"()", b"(" + ANN + b")"),
    *(
        b",",
        b";",
        b":",
        b"\\",
        b'\\"',
        b"\\\\",
        b"[",
        b"]",
        b"@",
        b" ",
        b"\t",
        b"\r\n ",
        b"\r\n\t",
        b"\r\n \r\n ",
    ),
    *(
        b"\r",
        b"\n",
        b"\0",
        b"\x0b",
        b"\x0c",
        b"\x1b",
        b"\x7f",
        b"\x85",
        b"\xa0",
        b"\xe2\x80\xa8",
        b"\xef\xbc\x9c",
        b"\xef\xbc\xa0",
        b"\x81",
        b"\x81\\",
        b"\xc3",
        b"\xc3\xbc",
        b"\xa3\xc0",
    ),
    *(b"(x)", b"(ann)", b"(=?utf-8?q?=40?=)", b"(=?utf-7?q?+AEA-?=)", b'("', b'")', b"(\\)"),
    *(b"=?utf-8?b?PGFubkBhY21lLmV4YW1wbGU+?=", b"=?utf-8?q?x=22_=3Cann=40acme.example=3E?="),
    *(b"=?utf-8?q?=0d=0aFrom:_ann=40acme.example?=", b"=?us-ascii?q?=2C?=", b"=?utf-8?q?=3E?="),
    *(
        b".",
        b"..",
        b"%",
        b"!",
        b"ann",
        b"acme.example",
        b"'",
        b"`",
        b"|",
        b"{",
        b"}",
        b"#",
        b"*",
        b"+",
        b"-",
    ),
    *(
        b"undisclosed:;",
        b"Group:",
        b"via",
        b"mailto:",
        b"<mailto:" + ANN + b">",
        b"=40",
        b"&lt;",
        b"\xc2\xad",
    ),
    *(
        b"@route.example:",
        b"<@route.example:" + ANN + b">",
        b"\xff",
        b"x" * 300,
        b"xn--",
        b"[127.0.0.1]",
    ),
)
OTHER_FIELDS = (
    *(b"", b"", b"", b"X: y\r\n", b"Sender: " + ANN + b"\r\n", b"X-From: " + ANN + b"\r\n"),
    *(
        b"Resent-From: " + ANN + b"\r\n",
        b"From-: " + ANN + b"\r\n",
        b"X:\r\n From: " + ANN + b"\r\n",
    ),
    *(
        b"X: \x0bFrom: " + ANN + b"\r\n",
        b"X: \x85From: " + ANN + b"\r\n",
        b"From_: " + ANN + b"\r\n",
    ),
    *(
        b"X: \xe2\x80\xa8From: " + ANN + b"\r\n",
        b"X: \x1cFrom: " + ANN + b"\r\n",
        b"Reply-To: " + ANN + b"\r\n",
    ),
    *(b"X: y\rFrom: " + ANN + b"\r\n", b"X: y\nFrom: " + ANN + b"\r\n", b"From : " + ANN + b"\r\n"),
    *(
        b"From: " + ANN + b"\r\n",
        b"From\x00: " + ANN + b"\r\n",
        b"\xef\xbb\xbfFrom: " + ANN + b"\r\n",
    ),
    b"Subject: a\r\n b\r\n",
)
NAMES = (b"From", b"from", b"FROM", b"fRoM")
SPACES = (b" ", b" ", b"", b"  ", b"\t", b"\r\n ", b"\x0b")


def generated(random: Random) -> bytes:
    value = bytearray(random.choice(VALUES))
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        at, kind = random.randrange(len(value) + 1), random.random()
        if kind < 0.8:
            value[at:at] = random.choice(TOKENS)
        elif kind < 0.9:
            del value[at : at + random.randint(1, 3)]
        else:
            value[at:at] = bytes([random.randrange(256)])
    field = random.choice(NAMES) + b":" + random.choice(SPACES) + bytes(value) + b"\r\n"
    before, after = random.choice(OTHER_FIELDS), random.choice(OTHER_FIELDS)
    return before + field + after + b"To: support@help.example\r\n\r\nbody\r\n"


Reader = Callable[[bytes], list[str]]


def _modern(raw: bytes) -> list[str]:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    return [each.addr_spec for field in parsed.get_all("from") or [] for each in field.addresses]


def _legacy(raw: bytes) -> list[str]:
    fields = email.message_from_bytes(raw).get_all("from") or []
    return [address for _, address in getaddresses([str(field) for field in fields])]


def _unfolded(raw: bytes) -> list[str]:
    fields = email.message_from_bytes(raw).get_all("from") or []
    return [parseaddr(re.sub(r"[\r\n]+", "", str(field)))[1] for field in fields]


def _decoded_first(raw: bytes) -> list[str]:
    """The mistake of decoding encoded-words before parsing, in the angle brackets alone."""
    value = str(email.message_from_bytes(raw).get("from") or "")
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)
    return re.findall(r"<([^<>@\s]+@[^<>@\s]+)>\s*$", str(make_header(decode_header(text))))


def _mail_parser(raw: bytes) -> list[str]:
    return [address for _, address in mailparser.parse_from_bytes(raw).from_]


_FIELD_BY_PATTERN = re.compile(rb"(?im)^from[ \t]*:((?:.*)(?:\r?\n[ \t].*)*)")


def _last_angle(raw: bytes) -> list[str]:
    """A script of a few lines: the last `<...>` of the first line that begins with From."""
    found = _FIELD_BY_PATTERN.search(raw)
    text = found[1].decode("latin-1") if found else ""
    return re.findall(r"<([^<>]*)>\s*$", text)


def _bare(raw: bytes) -> list[str]:
    """Another one, for an address without brackets."""
    found = _FIELD_BY_PATTERN.search(raw)
    text = found[1].decode("latin-1").strip() if found else ""
    return [text] if re.fullmatch(r"[^\s<>@\"(),:;]+@[^\s<>@\"(),:;]+", text) else []


def _without_comments(raw: bytes) -> list[str]:
    """A reader that removes comments and quoted names, and takes what looks like an address."""
    found = _FIELD_BY_PATTERN.search(raw)
    text = found[1].decode("latin-1") if found else ""
    before = ""
    while before != text:
        before, text = text, re.sub(r"\([^()]*\)", "", text)
    return re.findall(r"[^\s<>@\"(),:;]+@[^\s<>@\"(),:;]+", re.sub(r'"(?:[^"\\]|\\.)*"', "", text))


def _each_member(raw: bytes) -> list[str]:
    """A reader that splits the list at every comma and semicolon, those in comments as well."""
    found = _FIELD_BY_PATTERN.search(raw)
    text = found[1].decode("latin-1") if found else ""
    members = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,;"]|")+', text)
    return [parseaddr(member)[1] for member in members]


def _in_charset(charset: str) -> Reader:
    """A reader that takes 8-bit octets for text in a character set, before it parses."""

    def read_so(raw: bytes) -> list[str]:
        found = _FIELD_BY_PATTERN.search(raw)
        text = found[1].decode(charset, "replace") if found else ""
        return [address for _, address in getaddresses([unicodedata.normalize("NFKC", text)])]

    return read_so


READERS: dict[str, Reader] = {
    "email, modern": _modern,
    "email, legacy": _legacy,
    "email, unfolded": _unfolded,
    "mail-parser": _mail_parser,
    "decoded first": _decoded_first,
    "last angle": _last_angle,
    "bare": _bare,
    "without comments": _without_comments,
    "each member": _each_member,
    **{charset: _in_charset(charset) for charset in ("gbk", "shift_jis", "big5", "utf-8")},
}

_PLAIN = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+\.[a-z]+")


def run(seed: int, numbers: range) -> Report:
    """The fields with these numbers."""
    return _run(seed, [generated(random_for(seed, PART, n)) for n in numbers])


def replay(cases: Sequence[Case]) -> list[Report]:
    return [_run(0, [to_bytes(case["raw"]) for case in cases])]


def _run(seed: int, mails: Sequence[bytes]) -> Report:
    report, agreeing = Report(PART, seed), Counter[str]()
    found_authors = 0
    for raw in mails:
        report.cases += 1
        ours = author(read(raw))
        if not isinstance(ours, Author) or report.is_full:
            continue
        found_authors += 1
        for name, reader in READERS.items():
            theirs = _plain_addresses(reader, raw)
            agreeing[name] += theirs == {ours.address}
            if theirs - {ours.address}:
                detail = f"{name} reads {sorted(theirs)}, we read {ours.address}: {raw[:300]!r}"
                report.add("no reader finds another author", detail, {"raw": to_text(raw)})
    report.figures = {"authors": found_authors, "the same read by": dict(agreeing)}
    return report


def _plain_addresses(reader: Reader, raw: bytes) -> set[str]:
    found: list[str] = []
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = reader(raw)
    return {each.lower() for each in found if _PLAIN.fullmatch(each.lower())}
