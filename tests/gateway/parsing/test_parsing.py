"""From bytes to `Mail`: everything is kept, in order and under the right name."""

from __future__ import annotations

import base64
import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.html_text import text_from_html
from gateway.parsing.part_names import clean_name
from gateway.parsing.reading import read, read_unread
from rules.mail import Attachment, Body, Unread, Unreadable
from rules.mail.header import FIELDS_LIMIT, Ambiguous, Author
from tests.examples import examples
from tests.gateway.building import HEAD, a_mail, a_part, multipart, text
from tests.part_bytes import part_bytes


def body(part: bytes) -> Body:
    found = read(a_mail(part)).body
    assert isinstance(found, Body)
    return found


def attachments(part: bytes) -> list[tuple[str, str]]:
    return [(found.part, found.name) for found in body(part).attachments]


def test_the_header_part_is_read() -> None:
    mail = read(a_mail(text("Hello")))
    assert mail.author == Author("ann@corp.test")
    assert mail.subject == "Grüße"
    assert mail.message_id == "<1@corp.test>"
    assert mail.in_reply_to == ("<0@help.test>",)
    assert mail.references == ("<r@help.test>", "<0@help.test>")
    assert mail.to == ("support@help.test", "x@y.test")
    assert mail.cc == ("bc@corp.test",)
    assert mail.date == datetime(2024, 1, 1, 9, tzinfo=UTC)
    assert mail.body == Body("Hello", html="", charset_guessed=False, attachments=())


def test_recipients_that_mail_parser_drops_are_found() -> None:
    raw = b"To: <a@corp.test\r\nCc: <mailto:b@corp.test>\r\n\r\n"
    assert "a@corp.test" in read(raw).to


def test_wide_gaps_in_a_header_field_hide_nothing() -> None:
    """Anybody who sends a signed mail again can make the gaps as wide as they like."""
    gap = " " * 70_000
    raw = f"Subject: Production{gap}is down\r\nTo: a@x.test,{gap}b@x.test\r\n\r\n".encode()

    assert read(raw).subject == "Production is down"
    assert read(raw).to == ("a@x.test", "b@x.test")


DIFFERENT = text("Hello"), text("<p>Cancel it</p>", "html")


@pytest.mark.parametrize(
    ("signatures", "forms"),
    [
        ((), ()),
        (("h=from:to:content-type; b=x",), ()),
        (("h=from:to; z=content-type; b=x",), ("Hello", "Cancel it")),
        (("h=from:Content-\r\n Type; b=x",), ()),
        (("h=content-type; b=x", "h=from; b=x"), ("Hello", "Cancel it")),
    ],
)
def test_the_forms_of_a_text_are_read_where_its_type_may_be_unsigned(
    signatures: tuple[str, ...], forms: tuple[str, ...]
) -> None:
    fields = "".join(f"DKIM-Signature: {each}\r\n" for each in signatures)
    mail = read(fields.encode() + a_mail(multipart("alternative", *DIFFERENT)))

    assert isinstance(mail.body, Body)
    assert mail.body.forms == forms
    assert mail.body.text == "Hello"
    mixed = read(fields.encode() + a_mail(multipart("mixed", *DIFFERENT))).body
    assert isinstance(mixed, Body)
    assert (mixed.forms, mixed.one_form) == (mail.body.forms, mail.body.one_form)


@pytest.mark.parametrize("count", [1, 2, 40])
def test_recipients_are_the_same_each_time_they_are_read(count: int) -> None:
    wanted = tuple(f"user{n}@corp.test" for n in range(count))
    raw = b"To: " + ", ".join(f"U <{address}>" for address in wanted).encode() + b"\r\n\r\n"
    assert [read(raw).to for _ in range(3)] == [wanted] * 3


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 1 Jan 2024 10:00:00", datetime(2024, 1, 1, 10, tzinfo=UTC)),
        ("1 Jan 2024 9:00:00 +0000", datetime(2024, 1, 1, 9, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:00:00 -2300", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_date_is_utc_or_none(date: str, expected: datetime | None) -> None:
    assert read(f"Date: {date}\r\n\r\n".encode()).date == expected


def test_the_plain_form_of_two_is_the_text() -> None:
    found = body(multipart("alternative", text("plain"), text("<b>rich</b>", "html")))
    assert (found.text, found.html) == ("plain", "<b>rich</b>")


def test_without_a_plain_form_the_text_comes_from_html() -> None:
    markup = "<title>T</title><p>Hello&nbsp;<b>you</b></p><p>Bye</p>"
    assert body(text(markup, "html")).text == "Hello you\n\nBye"
    assert body(multipart("alternative", text(" "), text(markup, "html"))).text.startswith("Hello")


def test_text_sections_keep_their_order_and_files_stay_files() -> None:
    found = body(
        multipart(
            "mixed",
            text("one"),
            text("log", "plain", 'Content-Disposition: inline; filename="a.log"'),
            text("<p>two</p>", "html"),
            text("three & more"),
            text("no", "plain", "Content-Disposition: attachment"),
        )
    )
    assert found.text == "one\ntwo\nthree & more"
    assert found.html == "<pre>one</pre>\n<p>two</p>\n<pre>three &amp; more</pre>"
    assert [(a.part, a.name) for a in found.attachments] == [("2", "a.log"), ("5", "part-5.txt")]


def test_parts_are_numbered_as_imap_does() -> None:
    inner = multipart("related", text("<p>x</p>", "html"), a_part(b"P", "Content-Type: image/png"))
    outer = multipart("mixed", inner, a_part(b"%PDF", "Content-Type: application/pdf"))
    assert attachments(outer) == [("1.2", "part-1.2.png"), ("2", "part-2.pdf")]
    assert part_bytes(a_mail(outer), "1.2") == b"P"
    assert part_bytes(a_mail(outer), "2") == b"%PDF"
    assert attachments(a_part(b"%PDF", "Content-Type: application/pdf")) == [("1", "part-1.pdf")]


def test_a_missing_part_raises_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        part_bytes(a_mail(text("x")), "7")


def test_images_that_the_text_shows_are_inline() -> None:
    def image(content_id: str, *headers: str) -> bytes:
        return a_part(b"P", "Content-Type: image/png", f"Content-ID: <{content_id}>", *headers)

    found = body(
        multipart(
            "related",
            text('<img src="cid:a@x"><img src=cid:b@x>', "html"),
            image("a@x"),
            image("b@x", "Content-Disposition: attachment; filename=b.png"),
            image("c@x", "Content-Disposition: attachment; filename=c.png"),
        )
    )
    assert [(a.content_id, a.inline) for a in found.attachments] == [
        ("a@x", True),
        ("b@x", True),
        ("c@x", False),
    ]


def test_a_forwarded_mail_is_one_attachment_with_its_own_bytes() -> None:
    inner = b"Subject: =?utf-8?q?=C3=A4/b?=\r\nFrom: X <x@y.test>\r\n\r\n" + b"secret\r\n"
    whole = multipart("mixed", text("see"), a_part(inner, "Content-Type: message/rfc822"))
    found = body(whole)
    assert found.text == "see"
    assert attachments(whole) == [("2", "ä-b.eml")]
    assert part_bytes(a_mail(whole), "2") == inner
    assert attachments(a_part(b"A: b\r\n\r\n", "Content-Type: message/rfc822")) == [
        ("1", "message.eml")
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("message/delivery-status", "delivery-status.txt"),
        ("text/calendar; method=REPLY", "invite.ics"),
        ("application/ms-tnef", "winmail.dat"),
        ("application/pkcs7-mime", "smime.p7m"),
        ("application/x-pkcs7-signature", "smime.p7s"),
        ("application/pgp-signature", "signature.asc"),
        ("text/rfc822-headers", "headers.txt"),
    ],
)
def test_special_parts_are_attachments_with_their_usual_names(kind: str, name: str) -> None:
    content = b"A: b\r\n\r\nC: d"
    part = a_part(content, f"Content-Type: {kind}")
    whole = multipart("mixed", text("see"), part)
    assert attachments(whole) == [("2", name)]
    assert part_bytes(a_mail(whole), "2") == content
    assert body(whole).text == "see"
    assert attachments(part) == [("1", name)]


def test_an_encrypted_mail_keeps_both_parts() -> None:
    whole = multipart(
        "encrypted",
        a_part(b"Version: 1", "Content-Type: application/pgp-encrypted"),
        a_part(b"-----BEGIN", "Content-Type: application/octet-stream"),
    )
    assert attachments(whole) == [("1", "pgp-version.asc"), ("2", "encrypted.asc")]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (['Content-Disposition: attachment; filename="a b.txt"'], "a b.txt"),
        (["Content-Disposition: attachment; filename*=utf-8''%C3%A4.txt"], "ä.txt"),
        (["Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1*=%A4.txt"], "ä.txt"),
        (['Content-Disposition: attachment; filename="=?utf-8?b?w6QudHh0?="'], "ä.txt"),
        (["Content-Disposition: attachment; filename=ä.txt"], "ä.txt"),
        (["Content-Disposition: attachment; filename*=idna''xn--a.txt"], "xn--a.txt"),
        (['Content-Type: application/x; name="n.bin"'], "n.bin"),
        (['Content-Disposition: attachment; filename="../../etc/passwd"'], "passwd"),
        (['Content-Disposition: attachment; filename="C:\\\\x\\\\y.exe"'], "y.exe"),
        (['Content-Disposition: attachment; filename="a\u202egpj.exe"'], "a gpj.exe"),
        (['Content-Disposition: attachment; filename=".."'], "part-1.txt"),
        (
            ["Content-Disposition: attachment; filename=\"a.txt\"; filename*=utf-8''%C3%A4.txt"],
            "ä.txt",
        ),
        (
            ["Content-Disposition: attachment; filename*=utf-8''%C3%A4.txt; filename=\"a.txt\""],
            "ä.txt",
        ),
        (
            ['Content-Disposition: attachment; filename*0="=?utf-8?b?w6Q"; filename*1="udHh0?="'],
            "ä.txt",
        ),
        (["Content-Disposition: attachment; filename*=\"utf-8''%C3%A4.txt\""], "ä.txt"),
        (["Content-Disposition: attachment; filename*=%C3%A4.txt"], "ä.txt"),
        (["Content-Disposition: attachment; filename==?utf-8?b?w6QudHh0?="], "ä.txt"),
        (['Content-Disposition: attachment; filename="ä.txt'], "ä.txt"),
        (['Content-Type: application/x; name*0="long"; name*1="er.bin"'], "longer.bin"),
    ],
)
def test_file_names_are_decoded_and_harmless(headers: list[str], name: str) -> None:
    assert attachments(a_part(b"x", *headers)) == [("1", name)]


@pytest.mark.parametrize(
    ("name", "codec", "label"),
    [
        ("Отчёт.pdf", "koi8_r", "koi8-r"),
        ("Отчёт.pdf", "koi8_r", "utf-8"),
        ("Отчёт за ноябрь.pdf", "cp1251", "us-ascii"),
        ("図面①.pdf", "cp932", "shift_jis"),
        ("Übersicht.pdf", "cp1252", "utf-8"),
        ("Übersicht.pdf", "utf-8", "shift_jis"),
    ],
)
def test_a_name_in_raw_octets_is_in_the_charset_of_the_text(
    name: str, codec: str, label: str
) -> None:
    field = b'Content-Type: application/pdf; name="' + name.encode(codec) + b'"'
    whole = multipart(
        "mixed", a_part(b"See.", f"Content-Type: text/plain; charset={label}"), field + b"\r\n\r\nx"
    )

    assert attachments(whole) == [("2", name)]


@settings(deadline=None)
@given(st.text(max_size=600))
def test_a_clean_name_is_short_and_has_no_path(name: str) -> None:
    cleaned = clean_name(name)
    assert len(cleaned.encode()) <= 255
    assert not set(cleaned) & set("/\\\0\r\n\u202e")


def test_a_long_name_keeps_its_ending() -> None:
    assert clean_name("ä" * 300 + ".docx").endswith("ä.docx")


def test_sizes_are_decoded_sizes() -> None:
    data = bytes(range(256)) * 10
    part = a_part(
        base64.encodebytes(data),
        "Content-Type: application/octet-stream; name=x",
        "Content-Transfer-Encoding: base64",
    )
    assert body(part).attachments == (
        Attachment(
            part="1",
            name="x",
            content_type="application/octet-stream",
            size_bytes=2_560,
            content_id="",
            inline=False,
        ),
    )
    assert part_bytes(a_mail(part), "1") == data


@pytest.mark.parametrize(
    ("label", "data", "expected"),
    [
        ("charset=iso-2022-jp", "日本語".encode("iso2022_jp"), ("日本語", False)),
        ("charset=gb2312", "镕基".encode("gbk"), ("镕基", False)),
        ("charset=unknown-8bit", b"M\xfcller", ("Müller", True)),
        ("charset*=us-ascii''utf-8", "ü".encode(), ("ü", False)),
    ],
)
def test_texts_are_decoded_from_their_bytes(
    label: str, data: bytes, expected: tuple[str, bool]
) -> None:
    found = body(a_part(data, f"Content-Type: text/plain; {label}"))
    assert (found.text, found.charset_guessed) == expected


def test_html_without_a_label_is_decoded_by_its_meta_charset() -> None:
    markup = b'<meta charset="koi8-r"><p>' + "привет".encode("koi8_r")
    assert body(a_part(markup, "Content-Type: text/html")).text == "привет"


def test_text_contains_no_nul_and_only_line_feeds() -> None:
    assert body(text("a\0b\r\nc")).text == "a b\nc"


@pytest.mark.parametrize(
    "broken",
    [
        b"Content-Type: multipart/mixed; boundary=never\r\n\r\nHello",
        b"Content-Type: multipart/mixed\r\n\r\nHello",
        b"Content-Type: nonsense\r\n\r\nHello",
        b"Content-Transfer-Encoding: base64\r\n\r\nHello there, this is none",
        b"Content-Type: text/plain; charset=\r\n\r\nHello",
        b"Hello without a header line\r\n\r\nmore",
    ],
)
def test_a_broken_structure_still_shows_its_text(broken: bytes) -> None:
    assert body(broken).text


@pytest.mark.parametrize(
    ("encoded", "damaged"),
    [
        (b"SGVsbG8s \r\nYm9i\t\r\n", False),
        (b"SGVsbG8gdGhlcmU=", False),
        (b"SGVsbG8gdGhlcmU=\r\nU2Vjb25k", True),
        (b"SGVsbG8-gdGhlcmU=", True),
        (b"SGVsbG8gdGhlcmU=\r\n-- \r\nA footer of a list", True),
    ],
)
def test_damaged_base64_is_told_from_whole(encoded: bytes, damaged: bool) -> None:
    part = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    assert body(part + encoded).damaged is damaged


def test_if_mail_parser_fails_only_its_own_fields_are_lost() -> None:
    outer = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    raw = a_mail(outer + b"Content-Type: multipart/mixed; boundary=b\r\n\r\nHello\r\n")
    mail = read(raw)
    assert mail.to == ("support@help.test", "x@y.test")
    assert isinstance(mail.body, Body)


@settings(max_examples=examples(50), deadline=None)
@given(st.binary(max_size=600), st.booleans())
def test_reading_never_fails(data: bytes, as_body: bool) -> None:
    for raw in (data, HEAD + (b"\r\n" if as_body else b"") + data, multipart("mixed", data, data)):
        mail = read(raw)
        assert isinstance(mail.author, Author | Ambiguous)
        assert pickle.loads(pickle.dumps(mail)) == mail


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_a_mail_with_flipped_bytes_is_read(data: st.DataObject) -> None:
    raw = bytearray(a_mail(multipart("mixed", text("one"), text("<p>", "html"), text("a", "x"))))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert read(bytes(raw)).size_bytes == len(raw)


def test_huge_html_is_stripped_of_its_tags() -> None:
    text = text_from_html("<style>x</style><p>one &amp; two</p>3 < 4<br>five" + "<i>" * 100_000)
    assert text == "one & two\n\n3 < 4\nfive"
    assert text_from_html("a\ud800b") == "a\ufffdb"


def test_tags_beyond_the_limit_are_removed_in_blocks_that_lose_no_word() -> None:
    markup = "".join(f"<b>w{n}</b>&amp;" for n in range(250_000))
    assert len(markup) > 3 * 1024 * 1024

    words = text_from_html(markup).replace("&", " ").split()

    assert words == [f"w{n}" for n in range(250_000)]


def test_all_but_the_body_is_read_without_it() -> None:
    raw = a_mail(text("Hello"))
    whole, unread = read(raw), read_unread(raw)
    assert unread.body == Unread()
    assert replace(unread, body=whole.body) == whole


def test_a_long_list_of_plain_addresses_is_read_as_a_whole() -> None:
    members = [f'"Doe, Ann {n}" <Ann.{n}@corp.test>' for n in range(1_000)]
    raw = f"To: {', '.join(members)}\r\nCc: b@c.test,\tBob <d@e.test>\r\n\r\nx".encode()
    mail = read(raw)
    assert mail.to == tuple(f"Ann.{n}@corp.test" for n in range(1_000))
    assert mail.cc == ("b@c.test", "d@e.test")


@pytest.mark.parametrize("odd", ["(comment) ", "Group: ", "a@b.test; ", "\\", "<<"])
def test_the_addresses_of_a_long_list_in_another_form_are_found(odd: str) -> None:
    members = ", ".join(f"Ann <ann{n}@corp.test>" for n in range(1_000))
    assert f"ann{999}@corp.test" in read(f"To: {odd}{members}\r\n\r\nx".encode()).to


def test_of_a_mail_with_too_many_fields_the_author_is_read_but_not_the_body() -> None:
    fields = b"X: y\r\n" * FIELDS_LIMIT
    long = read(b"From: ann@corp.test\r\n" + fields + b"\r\nx")
    assert long.author == Author("ann@corp.test")
    assert long.body == Unreadable("header block over 256 KiB or 2,000 fields")
    assert read(fields + b"From: ann@corp.test\r\n" + b"\r\nx").author == Ambiguous(
        "the header block is too long"
    )
    most = read(b"From: ann@corp.test\r\n" + fields[:-6] + b"\r\nx")
    assert most.author == Author("ann@corp.test")
    assert isinstance(most.body, Body)


CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:%s\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize(
    ("part", "clicked"),
    [
        (a_part(CALENDAR % b"REPLY", "Content-Type: text/calendar; method=REPLY"), True),
        (a_part(CALENDAR % b"REPLY", "Content-Type: text/calendar; charset=utf-8"), True),
        (a_part(b"x", 'Content-Type: text/calendar; method="reply"'), True),
        (a_part(CALENDAR % b"REQUEST", "Content-Type: text/calendar; method=REQUEST"), False),
        (a_part(CALENDAR % b"COUNTER", "Content-Type: text/calendar; method=COUNTER"), False),
        (a_part(CALENDAR % b"REQUEST", "Content-Type: text/calendar"), False),
        (
            a_part(
                CALENDAR % b"REPLY",
                "Content-Type: text/calendar; method=REPLY",
                "Content-Disposition: attachment; filename=reply.ics",
            ),
            False,
        ),
        (a_part(b'{"emoji":"x"}', "Content-Type: text/vnd.google.email-reaction+json"), True),
        (a_part(b"METHOD:REPLY", "Content-Type: application/pdf"), False),
    ],
)
def test_answers_to_invitations_and_reactions_are_clicks(part: bytes, clicked: bool) -> None:
    whole = multipart("alternative", a_part(b"", "Content-Type: text/plain"), part)

    assert [each.is_click for each in body(whole).attachments] == [clicked]


def test_next_to_a_text_the_answer_to_an_invitation_is_a_file() -> None:
    part = a_part(CALENDAR % b"REPLY", "Content-Type: text/calendar; method=REPLY")
    whole = multipart("mixed", text("Your calendar sends this."), part)

    assert [each.is_click for each in body(whole).attachments] == [False]
