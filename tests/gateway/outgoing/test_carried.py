"""What goes with a comment into the mails about it."""

from __future__ import annotations

import base64
import email
import re
from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outgoing.carried import Carried, all_gone, packing
from gateway.outgoing.shown_files import size_text
from gateway.parsing.html_view import view_of
from gateway.parsing.mail_files import NotTaken
from gateway.parsing.taken import Wanted
from gateway.parsing.taking import files_of
from rules.identity import TOKEN_ALONE
from rules.mail.quoting import REPLY_MARK
from rules.mail.shown_html import HtmlView, PlainOnly
from rules.sender.tokens import FileUse, read_file_link, read_link_token
from rules.service.travelling import FileWay, fitting
from rules.ticket.notices import NoticeKind
from storage.notices.attached import AttachedFile
from storage.notices.comments import NoticeComment
from tests.gateway.building import a_part, multipart, text
from tests.gateway.outgoing.notices import COMMENT, COMPOSER, a_notice
from tests.rules.building import KEYS, MAILBOX, default_policy

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MIB = 2**20


def image(content: bytes, name: str) -> bytes:
    return a_part(content.hex().encode(), "Content-Type: image/png", f"Content-ID: <{name}>")


def file(content: bytes, name: str, kind: str = "application/pdf") -> bytes:
    return a_part(
        content, f"Content-Type: {kind}", f'Content-Disposition: attachment; filename="{name}"'
    )


def a_file(number: int, part: str, size: int = 10, kind: str = "application/pdf") -> AttachedFile:
    inline = kind == "image/png"
    return AttachedFile(number, f"file-{number}", kind, part, size, inline)


def a_comment(said: str, *files: AttachedFile, by_staff: bool = True) -> NoticeComment:
    names = tuple(each.name for each in files)
    author = "sam@help.example" if by_staff else COMMENT.author
    return replace(
        COMMENT, text=said, files=files, attachments=names, by_staff=by_staff, author=author
    )


def raw_mail(*parts: bytes) -> bytes:
    return b"From: Sam <sam@help.example>\r\nMIME-Version: 1.0\r\n" + multipart("mixed", *parts)


def carry(
    comment: NoticeComment,
    raw: bytes,
    view: HtmlView | None = None,
    *,
    for_staff: bool = False,
    room_bytes: int = 10 * MIB,
) -> Carried:
    packed = packing(
        comment,
        view or view_of(raw),
        for_staff=for_staff,
        formatted=comment.by_staff and not for_staff,
        room_bytes=room_bytes,
    )
    taken = files_of(raw, Wanted(tuple(packed.wanted), examined=not for_staff))
    return packed.carried(NotTaken.MISSING if taken is None else taken)


def sent(
    comment: NoticeComment, what: Carried, kind: NoticeKind = NoticeKind.COMMENT
) -> EmailMessage:
    raw = COMPOSER.write(a_notice(kind, comment=comment), default_policy(), what).raw
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def form(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def types(message: EmailMessage) -> Sequence[str]:
    return [part.get_content_type() for part in message.walk()]


def test_files_beyond_the_room_of_a_mail_are_links() -> None:
    raw = raw_mail(text("See."), file(b"a" * 60, "a"), file(b"b" * 50, "b"), file(b"c" * 30, "c"))
    files = (a_file(1, "2", 60), a_file(2, "3", 50), a_file(3, "4", 30))

    what = carry(a_comment("See.", *files), raw, room_bytes=100)

    assert what.ways == {1: FileWay.ATTACHED, 2: FileWay.LINK, 3: FileWay.ATTACHED}
    assert what.contents == {1: b"a" * 60, 3: b"c" * 30}


@pytest.mark.parametrize("for_staff", [False, True])
def test_files_that_nothing_proves_are_links_for_every_reader(for_staff: bool) -> None:
    raw = raw_mail(text("See."), file(b"a" * 60, "a"), image(PNG, "i@x"))
    comment = a_comment("See.", a_file(1, "2", 60), a_file(2, "3", 264, "image/png"))
    unproven = replace(comment, by_staff=False, author=COMMENT.author, proof=TOKEN_ALONE)

    what = carry(unproven, raw, for_staff=for_staff)

    assert (what.ways, what.contents) == ({1: FileWay.LINK, 2: FileWay.LINK}, {})
    proven = carry(replace(unproven, proof="dkim:acme.example"), raw, for_staff=for_staff)
    assert set(proven.contents) == {1, 2}


@given(st.lists(st.integers(0, 50)), st.integers(0, 100))
def test_attached_files_fit_together(sizes: list[int], room: int) -> None:
    chosen = fitting(enumerate(sizes), room)

    assert sum(sizes[number] for number in chosen) <= room
    left = room - sum(sizes[number] for number in chosen)
    assert all(number in chosen or size > left for number, size in enumerate(sizes))


@pytest.mark.parametrize("why", [NotTaken.TIMEOUT, NotTaken.CRASH])
def test_files_that_cannot_be_taken_out_in_time_are_named_in_the_mail(why: NotTaken) -> None:
    raw = raw_mail(text("See."), file(b"a" * 60, "a"))
    comment = a_comment("See.", a_file(1, "2", 60))
    packed = packing(comment, view_of(raw), for_staff=False, formatted=True, room_bytes=100)

    what = packed.carried(why)

    assert (what.ways, what.contents) == ({1: FileWay.UNREAD}, {})
    for_customer, for_staff = (
        form(sent(comment, what, kind), "plain")
        for kind in (NoticeKind.COMMENT, NoticeKind.NEW_COMMENT)
    )
    assert "Files: file-1 (60 B, could not be read; ask us for it)\n" in for_customer
    assert "Files: file-1 (60 B, could not be read; it is in the stored email)\n" in for_staff


def test_the_mail_names_each_file_with_its_size_and_its_way() -> None:
    files = (a_file(1, "2", 3 * MIB), a_file(2, "3", 30 * MIB))
    what = Carried({1: FileWay.ATTACHED, 2: FileWay.LINK}, {1: b"%PDF-1"})

    message = sent(a_comment("See.", *files), what)

    plain, html = form(message, "plain"), form(message, "html")
    assert "Files: file-1 (3.0 MB, attached), file-2 (30 MB, link)\n" in plain
    assert "file-2: https://postern.example/files/" in plain
    assert '>file-2</a> <span class="aside">(30 MB, link)</span>' in html
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("file-1", b"%PDF-1")
    assert types(message) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (3 * MIB, "3.0 MB"), (30 * MIB, "30 MB")],
)
def test_sizes_are_written_as_people_read_them(size: int, shown: str) -> None:
    assert size_text(size, "en") == shown
    assert size_text(size, "de") == shown.replace(".", ",")


@pytest.mark.parametrize("name", ["Größe 📎.pdf", 'a"b;\r\nX: y.pdf', "../etc/passwd", "x" * 250])
def test_a_file_name_is_valid_in_a_header(name: str) -> None:
    named = replace(a_file(1, "2"), name=name)
    comment = replace(a_comment("See.", named), attachments=(name,))

    message = sent(comment, Carried({1: FileWay.ATTACHED}, {1: b"x"}))

    (attached,) = message.iter_attachments()
    assert "X" not in message
    expected = " ".join(name.split())
    if len(name) < 200:
        assert attached.get_filename() == expected.replace("/", "_").lstrip(".")


def test_the_formatting_of_a_staff_reply_survives() -> None:
    html = (
        "<p>Try <b>this</b>:</p><ul><li>one</li></ul><table><tbody><tr><td>a</td></tr></tbody>"
        '</table><p><a href="https://x.example/">link</a> <code>ls -l</code></p>'
        '<img src="cid:i@x" alt="Chart"><div class="gmail_quote">'
        f'<p>{REPLY_MARK}</p><p>A secret.</p><img src="cid:logo@x"></div>'
    )
    plain = "Try *this*:\r\n\r\n   - one\r\n\r\na\r\nlink <https://x.example/> ls -l\r\n"
    related = multipart("related", text(html, "html"), image(PNG, "i@x"), image(PNG, "logo@x"))
    raw = b"From: Sam <sam@help.example>\r\nMIME-Version: 1.0\r\n" + multipart(
        "alternative", text(plain), related
    )
    size = len(PNG.hex())
    files = (a_file(1, "2.2", size, "image/png"), a_file(2, "2.3", size, "image/png"))
    raw = raw.replace(PNG.hex().encode(), _base64(PNG)).replace(
        b"Content-Type: image/png", b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64"
    )
    comment = a_comment(plain.replace("\r\n", "\n"), *files)

    what = carry(comment, raw)
    message = sent(comment, what)

    assert what.ways == {1: FileWay.INLINE}
    shown = form(message, "html")
    for kept in ("<b>this</b>", "<li>one</li>", "<td>a</td>", "<code>ls -l</code>"):
        assert kept in shown
    assert 'href="https://x.example/" rel="noopener noreferrer nofollow"' in shown
    assert "secret" not in str(message)
    (inline,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    cid = str(inline["Content-ID"]).strip("<>")
    assert (inline.get_content(), f'src="cid:{cid}"' in shown) == (PNG, True)
    assert types(message)[:4] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
    ]
    assert "file-2" not in str(message), "it is only quoted"


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def test_no_boundary_begins_with_another() -> None:
    """A reader may compare only the beginning of a line (RFC 2046 §5.1.1)."""
    related = multipart(
        "related", text('<p>See.</p><img src="cid:i@x">', "html"), image(PNG, "i@x")
    )
    raw = raw_mail(multipart("alternative", text("See."), related), file(b"x", "a.pdf"))
    size = len(PNG.hex())
    comment = a_comment("See.", a_file(1, "1.2.2", size, "image/png"), a_file(2, "2", 1))
    message = sent(comment, carry(comment, raw))
    found = [part.get_boundary() for part in message.walk() if part.is_multipart()]

    assert len(found) > 1
    assert not [(a, b) for a in found for b in found if a != b and str(a).startswith(str(b))]


def test_an_image_of_a_reply_without_its_formatting_is_attached() -> None:
    raw = raw_mail(
        multipart("related", text('<p>Other words <img src="cid:i@x">', "html"), image(PNG, "i@x"))
    )
    comment = a_comment("Words.", a_file(1, "1.2", 10, "image/png"))

    what = carry(comment, raw)

    assert (what.html, what.ways) == ((), {1: FileWay.ATTACHED})


def test_an_image_in_a_quote_between_own_lines_does_not_travel() -> None:
    """Nothing is folded then, and the formatting is not sent."""
    html = (
        '<p>One.</p><blockquote type="cite">Q <img src="cid:q@x"></blockquote>'
        '<p>Two. <img src="cid:i@x"></p>'
    )
    related = multipart("related", text(html, "html"), image(PNG, "q@x"), image(PNG, "i@x"))
    files = (a_file(1, "1.2", 10, "image/png"), a_file(2, "1.3", 10, "image/png"))

    what = carry(a_comment("Other words.", *files), raw_mail(related))

    assert (what.html, what.ways) == ((), {2: FileWay.ATTACHED})


def test_staff_who_are_not_on_the_ticket_have_a_link_of_their_own() -> None:
    comment = a_comment("See.", a_file(7, "2", 30 * MIB), by_staff=False)
    about = a_notice().about
    assert about is not None
    notice = a_notice(
        NoticeKind.NEW_COMMENT,
        comment=comment,
        about=replace(about, participant=None),
        person=5,
        is_staff=True,
    )

    raw = COMPOSER.write(notice, default_policy(), Carried({7: FileWay.LINK})).raw

    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    found = re.search(r"/files/1/(\S+)", form(message, "plain"))
    assert found is not None
    link = read_link_token(KEYS, MAILBOX.id, FileUse.STAFF_FILE, found[1])
    assert link is not None
    assert (link.participant, read_file_link(link).attachment) == (5, 7)


def test_a_mail_of_ours_does_not_travel_to_customers() -> None:
    ours = a_part(
        b"X-Postern-Loop: AB\r\n\r\nInternal.\r\n",
        "Content-Type: message/rfc822",
        "Content-Disposition: attachment",
    )
    raw = raw_mail(text("See."), ours, file(b"x", "w.dat", "application/ms-tnef"))
    files = (a_file(1, "2", 30, "message/rfc822"), a_file(2, "3", 1, "application/ms-tnef"))
    comment = a_comment("See.", *files)

    to_customer, to_staff = carry(comment, raw), carry(comment, raw, for_staff=True)

    assert set(to_customer.ways.values()) == {FileWay.WITHHELD}
    assert to_customer.contents == {}
    assert to_staff.ways == {1: FileWay.ATTACHED, 2: FileWay.LINK}
    message = sent(comment, to_customer)
    assert "file-1 (30 B, not sent on; ask us for it)" in form(message, "plain")
    assert "Internal" not in message.as_string()


@pytest.mark.parametrize("for_staff", [True, False])
@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/octet-stream"])
def test_no_file_that_a_client_shows_in_place_of_the_mail_is_attached(
    kind: str, for_staff: bool
) -> None:
    raw = raw_mail(text("See."), file(b"x", "Winmail.dat", kind), file(b"y", "a.pdf"))
    wrapped = replace(a_file(1, "2", 1, kind), name="Winmail.dat")
    comment = a_comment("See.", wrapped, a_file(2, "3", 1), by_staff=False)

    ways = carry(comment, raw, for_staff=for_staff).ways

    assert ways == {1: FileWay.LINK, 2: FileWay.ATTACHED}


def test_of_html_that_cannot_be_read_no_placed_image_travels_to_customers() -> None:
    raw = raw_mail(text("See."), image(PNG, "i@x"))
    comment = a_comment("See.", a_file(1, "2", 10, "image/png"))
    view = HtmlView(plain_only=PlainOnly.TIMEOUT)

    for_customer, for_staff = (
        carry(comment, raw, view, for_staff=staff) for staff in (False, True)
    )

    assert for_customer.ways == {1: FileWay.WITHHELD}
    assert for_staff.ways == {1: FileWay.ATTACHED}


def test_a_file_whose_mail_is_no_longer_stored_is_named_as_such() -> None:
    comment = a_comment("See.", a_file(1, "2"))

    message = sent(comment, all_gone(comment))

    assert "file-1 (10 B, no longer stored)" in form(message, "plain")


_INSIDE = st.lists(
    st.sampled_from(
        [
            "<p>Done.</p>",
            "Done.",
            "<div class=gmail_quote>",
            "<blockquote>",
            "</blockquote>",
            "</div>",
            f"<p>{REPLY_MARK}</p>",
            "<p>INTERNAL</p>",
            "<b>INTERNAL</b>",
            "<!-- x -->",
            "<table><tr><td>",
            '<img alt="INTERNAL" src="cid:x">',
        ]
    ),
    max_size=12,
)


@given(_INSIDE)
def test_no_internal_word_is_in_the_html_of_a_mail_to_customers(html: list[str]) -> None:
    """Whatever the HTML of a staff reply has: its text has none of it."""
    raw = b"From: s@help.example\r\nMIME-Version: 1.0\r\n" + multipart(
        "alternative", text("Done."), text("".join(html), "html")
    )
    comment = a_comment("Done.")

    message = sent(comment, carry(comment, raw))

    assert "INTERNAL" not in form(message, "html")
    assert REPLY_MARK not in form(message, "html")
