"""The header parser, which prefers no author to an ambiguous one."""

from __future__ import annotations

import base64
import pickle
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.mail.encoded_words import decode_words, unfold
from rules.mail.header import (
    HEADER_LIMIT_BYTES,
    Ambiguous,
    Author,
    Header,
    author,
    identity,
    message_ids,
    read,
)

PLAIN_ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\A-Z]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}")


def a_mail(*lines: bytes, body: bytes = b"Hello") -> bytes:
    return b"\r\n".join([*lines, b"", body])


def author_of(*lines: bytes) -> Author | Ambiguous:
    return author(read(a_mail(*lines)))


def from_(value: bytes) -> Author | Ambiguous:
    return author_of(b"From: " + value, b"Subject: hello")


ACCEPTED = {
    "plain": (b"From: ceo@corp.test", "ceo@corp.test"),
    "the name looks like an address": (b'From: "ceo@corp.test" <a@evil.test>', "a@evil.test"),
    "encoded-word that looks like a mailbox": (
        b"From: =?utf-8?q?ceo=40corp=2Etest_=3Cceo=40corp=2Etest=3E?= <a@evil.test>",
        "a@evil.test",
    ),
    "line end inside an encoded-word": (
        b"From: =?utf-8?q?a=0d=0aFrom=3a_ceo=40corp.test?= <a@evil.test>",
        "a@evil.test",
    ),
    "line ends of str.splitlines only": (
        b"Subject: x\x0bFrom: b@c.test\x0cFrom: b@c.test\x85From: b@c.test\r\nFrom: a@evil.test",
        "a@evil.test",
    ),
    "hyphen in the domain": (b"From: a@my-corp.test", "a@my-corp.test"),
    "A-label of a look-alike": (b"From: ceo@xn--crp-0nd.test", "ceo@xn--crp-0nd.test"),
    "percent hack": (b"From: ceo%corp.test@evil.test", "ceo%corp.test@evil.test"),
}

LEGAL = {
    "comment behind": b"ann@corp.test (Ann)",
    "comment of cron": b"ann@corp.test (Cron Daemon)",
    "comment before": b"(Ann) ann@corp.test",
    "comment in the name": b"Ann (Acme) <ann@corp.test>",
    "comment behind the brackets": b"Ann <ann@corp.test> (Acme Ltd)",
    "comments everywhere": b'(a) "Ann" (b) Abel(c)<ann@corp.test>(d) (e)',
    "comment in a comment": b"Ann (Acme (UK) Ltd) <ann@corp.test>",
    "comment with a comma and a colon": b"ann@corp.test (Abel, Ann: sales; north)",
    "comment with a quote": b'ann@corp.test (the 5" disk)',
    "folded comment": b"ann@corp.test\r\n (Ann)",
    "encoded comment": b"ann@corp.test (=?utf-8?q?J=C3=BCrgen?=)",
    "raw UTF-8 name": "Jürgen <ann@corp.test>".encode(),
    "raw UTF-8 in quotes": '"Müller, Jürgen" <ann@corp.test>'.encode(),
    "raw UTF-8 comment": "ann@corp.test (Jürgen)".encode(),
    "raw name of other letters": "张伟 <ann@corp.test>".encode(),
    "raw name from right to left": "\u202b\u05d0\u05d1\u202c <ann@corp.test>".encode(),
    "raw Windows-1252 name": b"J\xfcrgen <ann@corp.test>",
    "raw GBK name": "张伟".encode("gbk") + b" <ann@corp.test>",
    "raw Shift_JIS name with a bracket as an octet": "ーゼ".encode("shift_jis")
    + b" <ann@corp.test>",
    "brackets in the name": b"Ann [Acme] <ann@corp.test>",
    "spaces in the brackets": b"Ann < Ann@Corp.test >",
    "comma behind": b"Ann <ann@corp.test>,",
    "quoted comma": b'"Abel, Ann (IT)" <ann@corp.test>',
    "two quoted words": b'"Ann" "Abel" <ann@corp.test>',
    "encoded-word without a space": b"=?utf-8?Q?M=C3=BCller=2C_Ann?=<ann@corp.test>",
    "encoded-word in quotes": b'"=?utf-8?Q?M=C3=BCller?=" <ann@corp.test>',
    "quoted address": b'"ann@corp.test" <ann@corp.test>',
    "dot and apostrophe": b"Ann O'Hara Jr. <ann@corp.test>",
}
"""All of the same author."""

NO_PLAIN_MAILBOX = "From is not a single plain mailbox"
SECOND_ADDRESS = "an address or its brackets in the display name or a comment of From"
CONTROL = "control character in From"
REFUSED = {
    "two From fields": (b"From: a@evil.test\r\nFrom: ceo@corp.test", "2 From fields"),
    "two addresses": (b"From: a@evil.test, ceo@corp.test", NO_PLAIN_MAILBOX),
    "space before the colon": (b"From : a@evil.test", "space before colon"),
    "folded name": (b"Fro\r\n m: a@evil.test", "malformed header line"),
    "fold at the beginning": (b" From: a@evil.test\r\nFrom: ceo@corp.test", "leading fold"),
    "address as an unquoted name": (b"From: ceo@corp.test <a@evil.test>", NO_PLAIN_MAILBOX),
    "two angle addresses": (b"From: <ceo@corp.test> <a@evil.test>", NO_PLAIN_MAILBOX),
    "address after the angle brackets": (b"From: <ceo@corp.test> a@evil.test", NO_PLAIN_MAILBOX),
    "bracket after the address": (b"From: ceo@corp.test]<a@evil.test>", NO_PLAIN_MAILBOX),
    "comment": (b"From: a@evil.test (ceo@corp.test)", NO_PLAIN_MAILBOX),
    "comment inside": (b"From: ceo@(evil.test)corp.test", NO_PLAIN_MAILBOX),
    "nested comment": (b"From: ceo@corp.test(a(<a@evil.test>))", NO_PLAIN_MAILBOX),
    "comment before": (b"From: (ceo@corp.test) a@evil.test", NO_PLAIN_MAILBOX),
    "comment with an encoded address": (
        b"From: a@evil.test (=?utf-8?q?ceo=40corp.test?=)",
        SECOND_ADDRESS,
    ),
    "comment with an encoded bracket": (b"From: a@evil.test (=?utf-8?b?PA==?=)", SECOND_ADDRESS),
    "comment with a wide @": ("From: a@evil.test (ceo\uff20corp.test)".encode(), SECOND_ADDRESS),
    "name with a wide bracket": ("From: ceo\uff1c <a@evil.test>".encode(), SECOND_ADDRESS),
    "comment with an address in UTF-7": (
        b"From: a@evil.test (=?utf-7?q?ceo+AEA-corp.test?=)",
        "UTF-7 in From",
    ),
    "encoded address before a comment": (
        b"From: =?utf-8?q?ceo=40corp.test?= (x) <a@evil.test>",
        SECOND_ADDRESS,
    ),
    "quoted address before a comment": (
        b'From: "ceo@corp.test" (x) <a@evil.test>',
        NO_PLAIN_MAILBOX,
    ),
    "quoted address with 8-bit octets": (
        'From: "ceo@corp.test \u00e9" <a@evil.test>'.encode(),
        NO_PLAIN_MAILBOX,
    ),
    "encoded line end before a comment": (
        b"From: =?utf-8?q?x=0d=0ay?= (x) <a@evil.test>",
        "control character in From",
    ),
    "line separator in the name": ("From: x\u2028y <a@evil.test>".encode(), CONTROL),
    "next line in the name": ("From: x\u0085y <a@evil.test>".encode(), CONTROL),
    "8-bit octet before a backslash": (
        b'From: "\x81\\" <a@evil.test>',
        NO_PLAIN_MAILBOX,
    ),
    "8-bit octet before an escaped quote": (
        b'From: "\x81\\"" <a@evil.test>',
        "backslash in a From with 8-bit octets",
    ),
    "name before an address without brackets": (b"From: (x) ceo a@evil.test", NO_PLAIN_MAILBOX),
    "comment between the address and more": (b"From: a@evil.test(x).corp.test", NO_PLAIN_MAILBOX),
    "comment within angle brackets": (b"From: <a@evil.test(x)>", NO_PLAIN_MAILBOX),
    "comment that is not closed": (b"From: a@evil.test (x", NO_PLAIN_MAILBOX),
    "comment that was not opened": (b"From: a@evil.test x)", NO_PLAIN_MAILBOX),
    "unquoted comma": (b"From: Abel, Ann <a@evil.test>", NO_PLAIN_MAILBOX),
    "unquoted colon": (b"From: Acme: Ann <a@evil.test>", NO_PLAIN_MAILBOX),
    "the same address as an unquoted name": (b"From: a@b.test <a@b.test>", NO_PLAIN_MAILBOX),
    "two empty members": (b"From: a@b.test,,", NO_PLAIN_MAILBOX),
    "route": (b"From: <@x.test:a@evil.test>", NO_PLAIN_MAILBOX),
    "group": (b"From: ceo@corp.test:a@evil.test;", NO_PLAIN_MAILBOX),
    "empty group": (b"From: undisclosed:;", NO_PLAIN_MAILBOX),
    "NUL": (b"From: ceo@corp.test\0@evil.test", "NUL"),
    "NUL in the name": (b"From: ceo\0 <a@evil.test>", "NUL"),
    "quoted local part with @": (b'From: "ceo@corp.test"@evil.test', NO_PLAIN_MAILBOX),
    "quoted pair": (b'From: "ceo@corp.test\\" <a@evil.test>"@x.test', NO_PLAIN_MAILBOX),
    "encoded-word as local part": (
        b"From: =?utf-8?q?ceo=40corp.test=3e?=@evil.test",
        "encoded-word in the address",
    ),
    "encoded-word as whole address": (
        b"From: =?utf-8?b?Y2VvQGNvcnAudGVzdA==?=",
        NO_PLAIN_MAILBOX,
    ),
    "encoded-word as domain": (b"From: ceo@=?utf-8?q?corp.test?=", NO_PLAIN_MAILBOX),
    "a fold that hides the second": (b"From: ceo@corp.test,\r\n a@evil.test", NO_PLAIN_MAILBOX),
    "folded line of white space": (
        b"From: a@evil.test\r\n \r\n ,ceo@corp.test",
        "folded line of white space in From",
    ),
    "folded address in a quoted name": (
        b'From: "ceo@corp.test\r\n x" <a@evil.test>',
        "folded address in the display name of From",
    ),
    "bare CR begins a field": (b"X: y\rFrom: ceo@corp.test\r\nFrom: a@evil.test", "bare CR"),
    "bare LF begins a field": (b"X: y\nFrom: ceo@corp.test\r\nFrom: a@evil.test", "bare LF"),
    "backslash before @": (b"From: ceo\\@corp.test@evil.test", NO_PLAIN_MAILBOX),
    "semicolon": (b"From: ceo@corp.test; a@evil.test", NO_PLAIN_MAILBOX),
    "raw look-alike domain": ("From: ceo@c\u043erp.test".encode(), NO_PLAIN_MAILBOX),
    "raw look-alike in brackets": ("From: X <ceo@c\u043erp.test>".encode(), NO_PLAIN_MAILBOX),
    "no address": (b"From: CEO", NO_PLAIN_MAILBOX),
    "empty": (b"From:", NO_PLAIN_MAILBOX),
    "missing": (b"To: x@y.test", "0 From fields"),
    "dot after the domain": (b"From: ceo@corp.test.", NO_PLAIN_MAILBOX),
    "address literal": (b"From: ceo@[127.0.0.1]", NO_PLAIN_MAILBOX),
    "domain of one label": (b"From: root@localhost", NO_PLAIN_MAILBOX),
    "two dots": (b"From: a..b@corp.test", NO_PLAIN_MAILBOX),
    "local part of 65": (b"From: " + b"a" * 65 + b"@corp.test", "the address is too long"),
    "domain of 260": (b"From: a@" + b"abcdefgh." * 29 + b"test", "the address is too long"),
    "field of 1,000": (b"From: " + b"a " * 500 + b"<a@evil.test>", "From is too long"),
    "mbox line": (b"From a@evil.test Mon\r\nFrom: a@evil.test", "malformed header line"),
    "byte order mark": (b"\xef\xbb\xbfFrom: a@evil.test", "byte order mark"),
    "following line without colon": (b"From: a@evil.test\r\nnonsense", "malformed header line"),
    **{
        f"duplicate {name}": (
            f"From: a@evil.test\r\n{name}: 1\r\n{name}: 2".encode(),
            f"duplicate {name.lower()}",
        )
        for name in ("Sender", "Reply-To", "Subject", "Date", "Message-ID", "To")
    },
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_one_plain_mailbox_is_the_author(case: str) -> None:
    lines, address = ACCEPTED[case]
    found = author_of(lines)
    assert isinstance(found, Author)
    assert found.address == address


@pytest.mark.parametrize("form", LEGAL)
def test_every_legal_form_with_one_address_is_read(form: str) -> None:
    assert from_(LEGAL[form]) == Author("ann@corp.test")


@pytest.mark.parametrize("case", REFUSED)
def test_a_from_that_parsers_read_differently_gives_no_author(case: str) -> None:
    lines, why = REFUSED[case]
    assert author_of(lines) == Ambiguous(why)


def test_upper_case_is_lowered_and_folds_are_allowed() -> None:
    assert from_(b'"Ann, B."\r\n <Ann@Corp.TEST> ') == Author("ann@corp.test")


def test_a_mail_from_a_file_may_use_lf_throughout() -> None:
    assert author(read(b"From: a@corp.test\nSubject: x\n\nHello\n")) == Author("a@corp.test")


def test_lf_in_the_header_and_crlf_after_it_is_ambiguous() -> None:
    assert author(read(b"From: a@evil.test\n\nHello\r\nFrom: ceo@corp.test\r\n\r\n")) == Ambiguous(
        "bare LF"
    )


LONG = b"X: " + b"y" * HEADER_LIMIT_BYTES


@pytest.mark.parametrize(
    "rest",
    [
        (LONG,),
        (b"To: s@x.test,\r\n " + b"p@x.test,\r\n " * 30_000 + b"q@x.test",),
        (b"X: y\r\n" * 3_000 + b"X: y",),
        (LONG, b"Subject: only here"),
    ],
)
def test_the_author_of_a_header_block_over_the_limit_is_read_if_the_rest_names_no_other(
    rest: tuple[bytes, ...],
) -> None:
    header = read(a_mail(b"From: a@corp.test", *rest))
    assert header.truncated
    assert author(header) == Author("a@corp.test")


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ((LONG, b"From: b@evil.test"), "the header block is too long"),
        ((b"FROM: " + b"b" * HEADER_LIMIT_BYTES,), "the header block is too long"),
        ((LONG, b"from : b@evil.test"), "the header block is too long"),
        ((LONG, b"X : y"), "the header block is too long"),
        ((b"Subject: a", LONG, b"Subject: b"), "the header block is too long"),
        ((LONG, b"no field"), "the header block is too long"),
        ((LONG * 5,), "the header block is too long"),
        ((b"X: y\r\n" * 25_000,), "the header block is too long"),
        ((LONG, b"X: y\rFrom: b@evil.test"), "the header block is too long"),
        ((LONG, b"X: \0"), "NUL"),
    ],
)
def test_a_header_block_over_the_limit_gives_no_author_if_the_rest_may_name_another(
    rest: tuple[bytes, ...], why: str
) -> None:
    assert author(read(a_mail(b"From: a@corp.test", *rest))) == Ambiguous(why)


def test_a_second_author_is_found_wherever_the_limit_cuts_the_header_block() -> None:
    """Also where it cuts the name of the field behind: what was read last is whole then."""
    first, second = b"From: a@corp.test\r\n", b"From: b@evil.test\r\n"
    for behind in range(-len(second), 20):
        filled = HEADER_LIMIT_BYTES - len(first) - len(second) - behind
        raw = first + b"X: " + b"y" * (filled - 5) + b"\r\n" + second + b"X-Behind-It: z\r\n\r\n"
        assert isinstance(author(read(raw)), Ambiguous), behind


def test_an_author_beyond_the_limit_is_not_read() -> None:
    assert author(read(a_mail(LONG, b"From: a@corp.test"))) == Ambiguous(
        "the header block is too long"
    )


def test_fields_keep_order_and_bytes_and_read_unfolded() -> None:
    header = read(a_mail(b"Received: one", b"SUBJECT:  a\r\n\tb ", b"received: M\xfcller", b"X:"))
    assert [name for name, _ in header.fields] == ["received", "subject", "received", "x"]
    assert header.fields[1][1] == b"  a\r\n\tb "
    assert header.get("Subject") == "a\tb"
    assert header.get_all("received") == ["one", "Müller"]
    assert header.get("x") == header.get("absent") == ""


NAMES = st.sampled_from(["to", "cc", "subject"])


@given(st.lists(st.tuples(NAMES, st.binary(max_size=20))))
def test_a_name_finds_its_fields_in_order(fields: list[tuple[str, bytes]]) -> None:
    header = Header(tuple(fields))
    for name in ("to", "Cc", "SUBJECT", "from"):
        expected = [unfold(value) for known, value in fields if known == name.lower()]
        assert header.unfolded_values(name) == expected
        assert len(header.get_all(name)) == len(expected)
        assert header.get(name) == (header.get_all(name) or [""])[0]
    assert header.names() == {name for name, _ in fields}


def test_headers_with_equal_fields_are_equal() -> None:
    header = read(a_mail(b"To: a@b.test", b"to: c@d.test"))
    again = pickle.loads(pickle.dumps(header))
    assert again == header
    assert hash(again) == hash(header)
    assert again.get_all("to") == header.get_all("to") == ["a@b.test", "c@d.test"]
    assert "_values" not in repr(header)


def test_the_body_begins_after_the_empty_line() -> None:
    for raw in (b"A: b\r\n\r\nbody", b"A: b\n\nbody", b"\r\nbody", b"A: b\nbody", b"A: b\r\rbody"):
        assert raw[read(raw).body_at :] == b"body"


@settings(deadline=None)
@given(
    st.binary(max_size=400)
    | st.text('From:, <>@"\\()=?\r\n\tab.0\0é', max_size=120).map(str.encode)
)
@example(b"")
@example(b"From: a@b.c")
def test_any_bytes_have_a_valid_author_or_none(raw: bytes) -> None:
    for mail in (raw, b"From: " + raw, b"From: <" + raw + b"@x.test>\r\n\r\n"):
        found = author(read(mail))
        if isinstance(found, Author):
            assert PLAIN_ADDRESS.fullmatch(found.address)


@pytest.mark.parametrize(
    "flood",
    [
        b"From: =?utf-8?b?Y2VvQGNvcnAudGVzdA==?=" * 6_000,
        b"From: " + b"a " * 120_000,
        b"From: " + b'"a" ' * 60_000 + b"<",
        b"From: " + b"a." * 120_000 + b"@",
        b"X" * 250_000,
        b"a:\r\n" * 60_000,
        b"From: x\r\n" * 28_000,
        b"Subject: x" + b"\r\n " * 80_000,
        b"References: " + b"<" * 250_000,
        b"References: " + b"<a@b" * 60_000,
        b"Subject: " + b"=?a?q?" * 40_000,
        b"Subject: " + b"=?a?q?b?=" * 28_000,
        b"Subject: " + b"=?a?b?YQ?= " * 23_000,
        b"Subject: =?a?q?" + b"x?" * 120_000,
        b"Subject: " + b"=?" * 120_000,
        b"Received: x\r\n" * 19_000,
        b"Received: x" + b"\n " * 120_000,
        b"X-" * 100_000 + b"Received: x",
    ],
    ids=lambda flood: flood[:14].decode(),
)
def test_a_flood_takes_linear_time(flood: bytes) -> None:
    began = time.process_time()
    raw = a_mail(flood, b"From: a@b.test")
    header = read(raw)
    author(header)
    identity(raw, header)
    message_ids(header, "references")
    for value in header.unfolded_values("subject"):
        decode_words(value)
    assert time.process_time() - began < 1


WORDS = {
    "plain text": (b"hello", "hello"),
    "q": (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=", "Grüße an alle"),
    "lower-case hex, bare =": (b"=?utf-8?q?1+1=2_=c3=bc?=", "1+1=2 ü"),
    "space between words is dropped": (b"=?utf-8?q?a?= \r\n =?utf-8?q?b?=", "ab"),
    "space next to plain text is kept": (b"x =?utf-8?q?a?= y", "x a y"),
    "glued": (b"x=?utf-8?q?a?=y=?utf-8?q?b?==?utf-8?q?c?=", "xaybc"),
    "one character over two b words": (b"=?utf-8?b?w5w=?=\r\n =?utf-8?b?w7w=?=", "Üü"),
    "one character over two q words": (b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
    "base64 split anywhere": (b"=?utf-8?b?R3LDvM?= =?utf-8?b?OfZQ==?=", "Grüße"),
    "padding missing": (b"=?utf-8?b?w7w?=", "ü"),
    "padding in excess": (b"=?utf-8?b?w7w====?=", "ü"),
    "one base64 character too many": (b"=?utf-8?b?abcde?=", "=?utf-8?b?abcde?="),
    "no base64 at all": (b"a =?utf-8?b?w7w*?= b", "a =?utf-8?b?w7w*?= b"),
    "an invalid word next to a valid one": (b"=?utf-8?b?!?= =?utf-8?b?w7w=?=", "=?utf-8?b?!?=ü"),
    "two charsets": (b"=?iso-8859-1?q?=FC?= =?koi8-r?q?=C1?=", "üа"),
    "wider charset": (b"=?gb2312?b?6Eg=?=", b"\xe8H".decode("gb18030")),
    "unknown charset": (b"=?x-foo?q?M=FCller?=", "Müller"),
    "language": (b"=?utf-8*de?q?=C3=BC?=", "ü"),
    "spaces inside a word": (b"=?utf-8?q?a b=C3=BC c?=", "a bü c"),
    "question mark inside a q word": (b"=?utf-8?q?why?_=C3=BC?=", "why? ü"),
    "raw utf-8 next to a word": ("ü =?utf-8?q?=C3=BC?= ö".encode(), "ü ü ö"),
    "raw latin-1": (b"M\xfcller", "Müller"),
    "unfinished": (b"=?utf-8?q?abc =?utf-8?q?d?=", "=?utf-8?q?abc d"),
    "line end hidden in a word": (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
    "other line ends and overrides": (
        b"=?utf-8?b?" + base64.b64encode("a\u2028\x85\u202eb\x1bc".encode()) + b"?=",
        "a b c",
    ),
    "utf-7 stays as it is": (b"=?utf-7?q?+ADw-?=", "+ADw-"),
}


@pytest.mark.parametrize("case", WORDS)
def test_encoded_words_are_decoded_and_nothing_is_lost(case: str) -> None:
    value, text = WORDS[case]
    assert decode_words(value) == text


def test_encoded_words_beyond_a_thousand_are_shown_as_sent() -> None:
    assert decode_words(b"=?utf-8?q?a?= " * 1_001) == "a" * 1_000 + " =?utf-8?q?a?="


CLEAN_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf"]), max_size=60)


@settings(deadline=None)
@given(CLEAN_TEXT, st.integers(1, 40), st.booleans())
def test_encoded_text_is_decoded_again(text: str, size: int, use_base64: bool) -> None:
    data = text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    words = [
        b"=?utf-8?b?" + base64.b64encode(piece) + b"?="
        if use_base64
        else b"=?utf-8?q?" + b"".join(b"=%02X" % octet for octet in piece) + b"?="
        for piece in pieces
    ]
    assert decode_words(b"\r\n ".join(words)) == text


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_value_is_one_clean_line(value: bytes) -> None:
    text = decode_words(value)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)


def test_ids_come_in_order_each_once() -> None:
    header = read(a_mail(b"References: <a@x> (was)\r\n <b@x>,<a@x><c@x>\r\n\t<d@x"))
    assert message_ids(header, "References") == ("<a@x>", "<b@x>", "<c@x>")


@pytest.mark.parametrize(
    "value",
    [b"a@x", b"<>", b"<a b@x>", b"<" + b"a" * 249 + b">", "<ä@x>".encode(), b"<=?utf-8?q?=0a?=@x>"],
)
def test_an_invalid_id_is_omitted(value: bytes) -> None:
    assert message_ids(read(a_mail(b"In-Reply-To: " + value)), "in-reply-to") == ()


def test_the_longest_id_has_250_octets() -> None:
    longest = "<" + "a" * 248 + ">"
    assert message_ids(read(a_mail(b"Message-ID: " + longest.encode())), "message-id") == (longest,)


def test_the_root_and_the_nearest_ancestors_of_a_long_chain_are_kept() -> None:
    chain = [f"<{n}@x>" for n in range(1_000)]
    kept = message_ids(read(a_mail(b"References: " + " ".join(chain).encode())), "references")
    assert kept == (chain[0], *chain[-199:])


MAIL = a_mail(b"From: a@b.test", b"Message-ID: <1@b.test>", b"Subject: x", body=b"Hello\r\nyou\r\n")


def identity_of(raw: bytes) -> str:
    return identity(raw, read(raw))


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"Received: from a by b\r\n\tfor <x@y>; Mon",
                b"RECEIVED-SPF: pass",
                b"Return-Path: <a@b.test>",
                b"Delivered-To: x@y.test",
                b"X-Original-To: x@y.test",
                b"X-Received: by 2002",
                b"X-Google-Smtp-Received: x",
            ]
        ),
        max_size=6,
    )
)
def test_copies_over_other_hops_have_the_same_identity(hops: list[bytes]) -> None:
    assert identity_of(b"".join(hop + b"\r\n" for hop in hops) + MAIL) == identity_of(MAIL)


def test_line_ends_do_not_change_the_identity() -> None:
    long = MAIL + b"line\r\n" * 400_000
    assert identity_of(long) == identity_of(long.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"Hello", b"Hallo"),
        MAIL.replace(b"Subject: x", b"Subject: y"),
        MAIL + b"\r\n",
        b"Authentication-Results: mx; dmarc=pass\r\n" + MAIL,
        MAIL.replace(b"Hello", b"Received: by me\r\nHello"),
    ],
)
def test_the_same_message_id_with_other_content_is_another_mail(other: bytes) -> None:
    assert identity_of(other) != identity_of(MAIL)
