"""A caught, signed mail with additions that nobody signed, sent before the mail itself."""

from __future__ import annotations

import pytest

from gateway.outgoing.quoted_comment import LONGEST_TEXT
from rules.sender.tokens import loop_mark
from tests.acceptance.attacks.mails import replace_once, with_relay_results
from tests.acceptance.internet import ANN, EVE, Target, a_mail, genuine_mail, signed_by
from tests.acceptance.support_server import filed

CLAIMS = b"X-Priority: 1\r\nImportance: high\r\n"
ALL_OF_IT = ("from", "to", "subject", "date", "message-id", "content-type", "mime-version")
CALL_ME = "UGxlYXNlIGNhbGwgbWUgZmlyc3Qu"
FORM = (
    "--b1\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain\r\n\r\n"
    "Order: 12\r\nWish: please can=\r\ncel\r\n--b1--\r\n"
)
QUOTING = (
    "--b1\r\nContent-Type: text/plain\r\n\r\nPlease keep my account.\r\n"
    "--b1\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\nSubject: fwd\r\n\r\n"
    "--old\r\nContent-Type: text/plain\r\n\r\nPlease delete my account.\r\n--old--\r\n"
    "--b1--\r\n"
)
ALTERNATIVE = (
    "--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    "--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>\r\n--b1--\r\n"
)


class TestAdditions:
    def test_an_added_loop_mark_counts_for_nothing(self, target: Target) -> None:
        raw = genuine_mail(ANN, text="Our payment server burns, please call me.")
        mark = loop_mark(target.keys).encode()

        first = target.send(b"X-Postern-Loop: " + mark + b"\r\n" + raw, EVE)

        _, ticket = filed(first)
        assert "payment server" in target.ticket(ticket).comments[0].text
        assert target.send(raw, ANN) == first

    def test_added_claims_count_for_nothing(self, target: Target) -> None:
        _, ticket = filed(target.send(CLAIMS + genuine_mail(ANN, text="It drips."), EVE))

        assert target.ticket(ticket).summary.severity_claimed is None

    def test_nor_do_they_behind_a_trusted_relay(self, relayed: Target) -> None:
        raw = CLAIMS + genuine_mail(ANN, text="It drips.")

        _, ticket = filed(relayed.send(with_relay_results(raw), EVE))

        assert relayed.ticket(ticket).summary.severity_claimed is None

    def test_an_added_mark_of_automatic_mail_counts_for_nothing(self, target: Target) -> None:
        raw = genuine_mail(ANN)
        first = target.send(
            b"Auto-Submitted: auto-replied\r\nList-Id: <all.acme.example>\r\n" + raw, EVE
        )
        filed(first)

        assert target.send(raw, ANN) == first

    def test_without_its_token_among_the_recipients_it_is_the_same_comment(
        self, target: Target
    ) -> None:
        """To is signed, so it is Ann who chose the ticket, and not the sender of the copy."""
        _, ticket = filed(target.send(genuine_mail(ANN), ANN))
        token = target.token(ticket, ANN)
        raw = genuine_reply(token)

        target.send(raw, EVE)

        assert target.journal()[-1].verdict == "commented"
        assert target.journal()[-1].ticket == ticket


class TestStructure:
    @pytest.mark.parametrize(
        "added",
        [
            "Content-Type: application/octet-stream; name=x.bin",
            "Content-Type: text/plain; charset=utf-8",
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=old",
        ],
    )
    def test_a_second_structure_field_is_held(self, target: Target, added: str) -> None:
        plain = a_mail(
            ANN,
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=b1",
            text=QUOTING,
        )
        raw = signed_by("acme.example", plain, signs=ALL_OF_IT)

        target.send(f"{added}\r\n".encode() + raw, EVE)
        assert target.journal()[-1].reason == "not_signed"

        _, ticket = filed(target.send(raw, ANN))
        assert "keep my account" in target.ticket(ticket).comments[0].text

    @pytest.mark.parametrize("padding", [b"\r\n" * 1_000_001, b" " * 300_000 + b"\r\n"])
    def test_a_body_that_was_stretched_under_its_signature_is_held(
        self, target: Target, padding: bytes
    ) -> None:
        """Relaxed canonical forms have no white space at the end of a line, and no form has empty
        lines at the end of the body."""
        plain = a_mail(ANN, text="Please call me.\r\n")
        raw = signed_by("acme.example", plain)

        target.send(raw.removesuffix(b"\r\n") + padding, EVE)
        assert target.journal()[-1].reason == "not_signed"

        _, ticket = filed(target.send(raw, ANN))
        assert "call me" in target.ticket(ticket).comments[0].text

    def test_a_wide_text_whose_white_space_is_signed_is_filed(self, target: Target) -> None:
        """A colleague could otherwise have a reply held by what it quotes of theirs."""
        plain = a_mail(ANN, text=f"> column{' ' * 300}column\r\nPlease call me.\r\n")

        wide = signed_by("acme.example", plain, canonical=b"relaxed/simple")
        _, ticket = filed(target.send(wide, EVE))

        assert "call me" in target.ticket(ticket).comments[0].text

    def test_empty_lines_at_the_end_are_held_though_white_space_is_signed(
        self, target: Target
    ) -> None:
        raw = signed_by("acme.example", a_mail(ANN), canonical=b"relaxed/simple")

        target.send(raw + b"\r\n" * 1_000_001, EVE)

        assert target.journal()[-1].reason == "not_signed"

    @pytest.mark.parametrize(
        "added",
        [
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64",
            "Content-Type: application/octet-stream",
            "Content-Disposition: attachment; filename=x.txt",
            "Content-Type: text/plain; charset=cp037",
        ],
    )
    def test_an_unsigned_structure_that_the_body_does_not_imply_is_held(
        self, target: Target, added: str
    ) -> None:
        raw = genuine_mail(ANN, text="Please delete nothing, and call me before you do.")

        target.send(f"{added}\r\n".encode() + raw, EVE)
        assert target.journal()[-1].reason == "not_signed"

        _, ticket = filed(target.send(raw, ANN))
        assert "call me before" in target.ticket(ticket).comments[0].text

    @pytest.mark.parametrize("stated", ["alternative", "mixed", "related"])
    @pytest.mark.parametrize("meant", ["alternative", "mixed"])
    def test_an_unsigned_type_hides_no_part_that_says_something_else(
        self, target: Target, meant: str, stated: str
    ) -> None:
        text = ALTERNATIVE.replace("<p>Hello</p>", f"<p>Cancel the order ({meant}, {stated})</p>")
        raw = signed_by(
            "acme.example",
            a_mail(
                ANN,
                "MIME-Version: 1.0",
                f"Content-Type: multipart/{meant}; boundary=b1",
                text=text,
            ),
            signs=("from", "to", "subject", "date", "message-id"),
        )

        copy = raw.replace(f"multipart/{meant};".encode(), f"multipart/{stated};".encode())
        _, ticket = filed(target.send(copy, EVE))

        shown = target.ticket(ticket).comments[0].text
        assert shown.split("\n", 1)[0] == "Hello"
        assert "Cancel the order" in shown

    def test_a_mail_that_is_held_twice_is_held_once(self, target: Target) -> None:
        raw = genuine_mail(ANN)
        target.send(b"Content-Type: image/png\r\n" + raw, EVE)
        held = target.journal()[-1].id

        target.send(b"Content-Type: image/jpeg\r\n" + raw, EVE)

        assert target.journal()[-1].verdict == "duplicate"
        assert target.journal()[-2].id == held

    def test_an_unsigned_structure_that_the_body_implies_is_accepted(self, target: Target) -> None:
        """As Gmail signs: Content-Type is not covered."""
        raw = genuine_mail(
            ANN, "Content-Type: multipart/alternative; boundary=b1", text=ALTERNATIVE
        )

        _, ticket = filed(target.send(raw, EVE))

        assert target.ticket(ticket).comments[0].text.strip() == "Hello"

    @pytest.mark.parametrize(
        ("signed", "sent"),
        [
            (b"multipart/mixed; ", b"multipart/mixed; " + b" " * 5_000),
            (b"DKIM-Signature:", b"X-A: b\r\n" * 1_992 + b"DKIM-Signature:"),
        ],
    )
    def test_a_header_that_was_stretched_under_its_signature_is_read_as_it_was_signed(
        self, target: Target, signed: bytes, sent: bytes
    ) -> None:
        text = f"--b1\r\nContent-Transfer-Encoding: base64\r\n\r\n{CALL_ME}\r\n--b1--\r\n"
        fields = ("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b1")
        raw = signed_by("acme.example", a_mail(ANN, *fields, text=text), signs=ALL_OF_IT)

        _, ticket = filed(target.send(replace_once(raw, signed, sent), EVE))

        assert target.ticket(ticket).comments[0].text.strip() == "Please call me first."

    @pytest.mark.parametrize(
        ("kind", "text", "added"),
        [
            ("multipart/mixed; boundary=b1", FORM, (b"plain\r\n\r\n", b"plain\r\n \r\n")),
            ("multipart/mixed; boundary=b1", FORM, (b"can=\r\n", b"can=\t \r\n")),
            (
                'multipart/mixed; boundary="b 1"',
                FORM.replace("b1", "b 1"),
                (b"--b 1\r\n", b"--b  1\r\n"),
            ),
        ],
        ids=["below the fields of a part", "at the end of a line", "in a boundary"],
    )
    def test_white_space_that_no_signature_covers_hides_no_word(
        self, target: Target, kind: str, text: str, added: tuple[bytes, bytes]
    ) -> None:
        fields = ("MIME-Version: 1.0", f"Content-Type: {kind}")
        raw = signed_by("acme.example", a_mail(ANN, *fields, text=text), signs=ALL_OF_IT)

        _, ticket = filed(target.send(replace_once(raw, *added), EVE))

        shown = target.ticket(ticket).comments[0].text
        assert shown.strip() == "Order: 12\nWish: please cancel"

    def test_words_in_wider_gaps_are_shown_as_far_as_without_them(self, target: Target) -> None:
        words = "\r\n".join([f"The pump on floor {n} is out of order." for n in range(50)])
        raw = genuine_mail(ANN, text=f"{words}\r\nDo not pay before Friday.")
        head, body = raw.split(b"\r\n\r\n", 1)

        _, ticket = filed(target.send(head + b"\r\n\r\n" + body.replace(b" ", b" " * 255), EVE))

        shown = target.ticket(ticket).comments[0].text
        assert "Do not pay before Friday." in shown[:LONGEST_TEXT]

    def test_an_old_mail_whose_date_was_stretched_stays_old(self, target: Target) -> None:
        raw = signed_by("acme.example", a_mail(ANN), tags={"t": None})

        target.send(replace_once(raw, b"\r\nDate: ", b"\r\nDate: " + b" " * 300), EVE)

        assert target.journal()[-1].reason == "dmarc_reject"

    @pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8; x*=a'b'c"])
    def test_an_encoding_that_was_removed_under_a_signature_is_held(
        self, target: Target, kind: str
    ) -> None:
        fields = (f"Content-Type: {kind}", "Content-Transfer-Encoding: base64")
        raw = signed_by("acme.example", a_mail(ANN, *fields, text=CALL_ME), signs=ALL_OF_IT[:-1])

        target.send(replace_once(raw, f"\r\n{fields[1]}".encode(), b""), EVE)

        assert target.journal()[-1].reason == "not_signed"

    def test_a_character_set_that_one_space_more_makes_fit_is_held(self, target: Target) -> None:
        raw = genuine_mail(ANN, text="Please call me soon")
        even = replace_once(raw, b"soon", b"soon ")

        target.send(b"Content-Type: text/plain; charset=utf-16\r\n" + even, EVE)

        assert target.journal()[-1].reason == "not_signed"

    def test_where_the_policy_requires_dkim_spf_does_not_help(self, strict: Target) -> None:
        raw = genuine_mail("hank@hooli.example")

        strict.send(b"Content-Type: image/png\r\n" + raw, "hank@hooli.example")

        assert strict.journal()[-1].reason == "not_signed"


def genuine_reply(token: str) -> bytes:
    """A signed reply of Ann's to the address of a ticket."""
    plain = a_mail(ANN, text="Please close it.")
    to = next(line for line in plain.split(b"\r\n") if line.startswith(b"To:"))
    return signed_by("acme.example", plain.replace(to, b"To: " + token.encode(), 1))
