"""Bounces of many mail systems, and mails that only look like bounces."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.parsing.bounce import READ_BYTES, RECIPIENTS_LIMIT, read_bounce
from rules.mail import as_sent
from rules.mail.bounces import DIAGNOSTIC_CHARACTERS, Bounce, Failure
from rules.mail.header import read as read_header

FIXTURES = Path(__file__).parents[2] / "mails" / "bounces"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "mails"
EVERY_FIXTURE = sorted(path.parent for path in FIXTURES.glob("*/mail.eml"))


def a_report(fields: str, before: str = "") -> bytes:
    """A delivery report with these fields for its recipients."""
    mail = (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n'
        f"{before}\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.test\n\n{fields}\n--b--\n"
    )
    return mail.replace("\n", "\r\n").encode()


def a_group(recipient: str, action: str = "failed", status: str = "5.1.1") -> str:
    return f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n\n"


def plain_text_report(text: str, header: str = "") -> bytes:
    """The report of a mail system that does not support delivery reports."""
    mail = f"From: MAILER-DAEMON@mx.test\nTo: us@help.test\n{header}\n{text}\n"
    return mail.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("folder", EVERY_FIXTURE, ids=lambda folder: folder.name)
def test_a_bounce_is_read_as_expected(folder: Path) -> None:
    found = [asdict(bounce) for bounce in read_bounce((folder / "mail.eml").read_bytes())]
    expected = folder / "expect.json"
    if os.environ.get("GOLDEN"):
        expected.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(expected.read_text())
    assert (folder / "why.md").read_text().strip()


def test_there_are_at_least_fifteen_fixtures() -> None:
    assert len(EVERY_FIXTURE) >= 15


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "Relayed (to old system)"])
def test_a_delivered_recipient_is_not_reported(action: str) -> None:
    assert read_bounce(a_report(a_group("ann@corp.test", action, "2.0.0"))) == ()


def test_a_recipient_that_cannot_be_read_still_failed() -> None:
    (bounce,) = read_bounce(a_report(a_group("/o=corp/cn=ann")))
    assert (bounce.recipient, bounce.failure) == ("", Failure.HARD)


def test_the_address_is_normalised() -> None:
    (bounce,) = read_bounce(a_report(a_group("<Ann+Desk@Corp.TEST>")))
    assert bounce.recipient == "ann+desk@corp.test"


def test_a_report_of_a_thousand_recipients_gives_fifty() -> None:
    many = "".join(a_group(f"ann{n}@corp.test") for n in range(1_000))
    assert len(read_bounce(a_report(many))) == RECIPIENTS_LIMIT


def test_many_delivered_do_not_hide_one_that_failed() -> None:
    many = "".join(a_group(f"ann{n}@corp.test", "delivered", "2.0.0") for n in range(100))
    (bounce,) = read_bounce(a_report(many + a_group("bob@corp.test")))
    assert bounce.recipient == "bob@corp.test"


@pytest.mark.parametrize(("reports", "failure"), [(1, Failure.HARD), (15, Failure.SOFT)])
def test_of_each_of_many_reports_less_is_read(reports: int, failure: Failure) -> None:
    late = "Diagnostic-Code: smtp; " + "text " * 500 + "user unknown"
    fields = "".join(
        f"Final-Recipient: rfc822; ann{n}@corp.test\n{late}\n\n" for n in range(reports)
    )
    found = read_bounce(a_report(fields))
    assert [each.failure for each in found] == [failure] * reports


def test_in_reply_to_is_the_last_source_for_the_original_id() -> None:
    (bounce,) = read_bounce(a_report(a_group("a@b.test"), "In-Reply-To: <n1@help.test>\n"))
    assert bounce.original_id == "<n1@help.test>"


def test_a_diagnostic_never_contains_a_line_end() -> None:
    fields = a_group("a@b.test").rstrip() + "\nDiagnostic-Code: smtp; 550 a\x0bb\x07c\x85d\n"
    (bounce,) = read_bounce(a_report(fields))
    assert bounce.diagnostic.isprintable()


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("(in reply to end of\nDATA command)", Failure.SOFT),
        ("SMTP error from remote mail server after end of data:", Failure.SOFT),
        ("(in reply to RCPT TO command)", Failure.HARD),
    ],
)
def test_a_server_that_refused_the_mail_itself_blames_no_address(
    said: str, failure: Failure
) -> None:
    fields = a_group("ann@corp.test", status="5.0.0").rstrip() + "\nDiagnostic-Code: smtp; 550 no\n"
    report = a_report(fields).replace(
        b"\r\n\r\n--b\r\n", f"\n\n--b\n\nhost mx said: 550 no {said}\n--b\n".encode(), 1
    )
    (bounce,) = read_bounce(report)
    assert bounce.failure is failure


def test_author_and_recipient_of_a_bounce_are_not_failed_recipients() -> None:
    text = "Unable to deliver message to the following:\n\nus@help.test\n550 5.1.1 unknown\n"
    (bounce,) = read_bounce(plain_text_report(text))
    assert bounce.recipient == ""


def test_a_plain_text_warning_is_a_delay() -> None:
    text = (
        "Your message has not yet been delivered to:\n\n  ann@corp.test\n    451 later\n\n"
        "No action is required on your part.\n"
    )
    (bounce,) = read_bounce(plain_text_report(text))
    assert (bounce.recipient, bounce.failure) == ("ann@corp.test", Failure.DELAYED)


def test_the_header_gives_the_recipients_of_a_report_in_an_unknown_language() -> None:
    (bounce,) = read_bounce(
        plain_text_report("Tut uns leid.\n550 5.1.1 nein\n", "X-Failed-Recipients: ann@corp.test\n")
    )
    assert (bounce.recipient, bounce.failure) == ("ann@corp.test", Failure.HARD)


@pytest.mark.parametrize("kind", ["feedback-report", "disposition-notification", "tlsrpt"])
def test_another_kind_of_report_is_not_a_bounce(kind: str) -> None:
    report = a_report(a_group("ann@corp.test")).replace(b"=delivery-status", b"=" + kind.encode())
    assert read_bounce(report) == ()


def test_only_the_beginning_of_a_mail_of_25_mib_is_read() -> None:
    raw = a_report(a_group("ann@corp.test")) + b"x" * (25 << 20)
    began = time.process_time()
    assert len(read_bounce(raw)) == 1
    assert time.process_time() - began < 1


# ---- Properties ---------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n\n",
        b"--b\r\n",
        b"--b--",
        b"Content-Type: multipart/report; boundary=b\r\n",
        b"Content-Type: message/delivery-status\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"From: MAILER-DAEMON\r\n",
        b"Final-Recipient: rfc822; a@b.test\r\n",
        b"Action: failed\r\nStatus: 5.1.1\r\n",
        b"Diagnostic-Code: smtp; 550 5.1.1 no\r\n\tmore\r\n",
        b"X-Failed-Recipients: a@b.test\r\n",
        b"Unable to deliver message to the following:\r\n<a@b.test>:\r\n550 no\r\n",
        b"--- Below this line is a copy of the message.\r\n",
        b"Message-ID: <x@y>\r\n",
    ]
)


def is_sound(bounce: Bounce) -> bool:
    return (
        bounce.recipient == bounce.recipient.lower()
        and len(bounce.diagnostic) <= DIAGNOSTIC_CHARACTERS
        and (bounce.diagnostic.isprintable() or not bounce.diagnostic.isascii())
        and bool(re.fullmatch(r"([245]\.\d{1,3}\.\d{1,3})?", bounce.status))
        and bool(re.fullmatch(r"(<[!-;=?-~]+>)?", bounce.original_id))
    )


@given(st.lists(_PIECES | st.binary(max_size=40), max_size=25).map(b"".join))
def test_reading_never_fails(raw: bytes) -> None:
    assert all(is_sound(bounce) for bounce in read_bounce(raw))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([(folder / "mail.eml").read_bytes() for folder in EVERY_FIXTURE]),
    st.lists(
        st.tuples(st.integers(0, 4_000), st.integers(0, 60), _PIECES | st.binary(max_size=9)),
        min_size=1,
        max_size=6,
    ),
)
def test_reading_a_damaged_bounce_never_fails(
    raw: bytes, cuts: list[tuple[int, int, bytes]]
) -> None:
    for at, length, instead in cuts:
        raw = raw[:at] + instead + raw[at + length :]
    assert all(is_sound(bounce) for bounce in read_bounce(raw))


@pytest.mark.parametrize(
    "piece",
    [
        b"\n",
        b" \n",
        b"a",
        b"@",
        b"a@",
        b"<a@b.test>:\n",
        b"- ",
        b"Final-Recipient: rfc822; a@b.test\nAction: failed\n\n",
        b"Final-Recipient: rfc822; a@b.test\n x\n",
        b"error error error ",
        b"unable to deliver ",
        b"Message-ID: <",
        b"\xff",
        b"=",
        b"5.1.1 550 ",
        b"--b\n",
        b"--b\nContent-Type: message/delivery-status\n\n",
        b"--b\nContent-Type: text/html\n\n<p>",
    ],
)
@pytest.mark.parametrize("kind", [b"text/plain", b"multipart/report; boundary=b"])
def test_a_megabyte_of_anything_is_read_in_time(piece: bytes, kind: bytes) -> None:
    raw = (
        b"From: MAILER-DAEMON\nX-Failed-Recipients: z@b.test\nContent-Type: " + kind + b"\n\n"
        b"--b\nContent-Type: message/delivery-status\n\n"
        b"Unable to deliver message to the following:\n"
    )
    raw += piece * (READ_BYTES // len(piece))
    began = time.process_time()
    read_bounce(raw)
    assert time.process_time() - began < 3


# ---- Real mails ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_mails() -> dict[str, bytes]:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not here")
    files = sorted(path for path in CORPUS.rglob("*") if path.is_file())
    return {str(path.relative_to(CORPUS)): as_sent(path.read_bytes()) for path in files}


def comes_from_a_mail_system(raw: bytes) -> bool:
    header = read_header(raw)
    return (
        "multipart/report" in header.get("content-type").lower()
        or "x-failed-recipients" in header.names()
        or re.search("mailer-daemon|postmaster", header.get("from").lower()) is not None
    )


def test_no_ordinary_mail_is_a_bounce(real_mails: dict[str, bytes]) -> None:
    ordinary = {name: raw for name, raw in real_mails.items() if not comes_from_a_mail_system(raw)}
    assert len(ordinary) > 800
    assert {name for name, raw in ordinary.items() if read_bounce(raw)} == set()


def test_most_real_bounces_are_read(real_mails: dict[str, bytes]) -> None:
    reports = [raw for raw in real_mails.values() if comes_from_a_mail_system(raw)]
    read = [found for found in map(read_bounce, reports) if found]
    assert len(read) >= 760, f"{len(read)} of {len(reports)} reports gave a bounce"
    bounces = [bounce for found in read for bounce in found]
    assert all(is_sound(bounce) for bounce in bounces)
    assert sum(bool(bounce.recipient) for bounce in bounces) / len(bounces) > 0.97
    assert sum(bool(bounce.original_id) for bounce in bounces) / len(bounces) > 0.85
