"""What marks a mail as automatic, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from rules.mail import Envelope
from rules.mail.automatic import sign_of_automation
from rules.mail.header import Header
from tests.rules.building import ANN, SUPPORT, a_mail

PERSON = Envelope(peer="", helo="", tls=False, mail_from=ANN.address, rcpt_tos=(SUPPORT,))


@pytest.mark.parametrize(
    "header",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated; owner=x"},
        {"auto_submitted": "(it is) auto-notified"},
        {"content_type": "multipart/report; report-type=delivery-status"},
        {"x_failed_recipients": "x@y.example"},
        {"list_id": "<l.example>"},
        {"list_unsubscribe": "<mailto:x@y.example>"},
        {"precedence": "bulk"},
        {"precedence": "auto_reply"},
        {"x_autoreply": "yes"},
        {"x_fc_machinegenerated": "true"},
    ],
)
def test_a_header_marks_it(header: dict[str, Any]) -> None:
    assert sign_of_automation(a_mail(**header), PERSON)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"auto_submitted": "no"},
        {"auto_submitted": "no (a person wrote this)"},
        {"precedence": "first-class"},
        {"x_auto_response_suppress": "All"},
    ],
)
def test_a_persons_mail_is_not_marked(header: dict[str, Any]) -> None:
    assert sign_of_automation(a_mail(**header), PERSON) is None


def test_the_null_reverse_path_marks_it() -> None:
    assert sign_of_automation(
        a_mail(), Envelope(peer="", helo="", tls=False, mail_from="", rcpt_tos=(SUPPORT,))
    )


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@mx.example", "no-reply+x@shop.example"])
def test_a_role_address_marks_it(sender: str) -> None:
    assert sign_of_automation(a_mail(sender.lower()), PERSON)
    assert sign_of_automation(
        a_mail(), Envelope(peer="", helo="", tls=False, mail_from=sender, rcpt_tos=(SUPPORT,))
    )


@pytest.mark.parametrize(("hops", "marked"), [(30, False), (31, True)])
def test_a_looping_mail_is_marked(hops: int, marked: bool) -> None:
    mail = a_mail()
    header = Header((("received", b"from a by b"),) * hops)
    circling = mail.__class__(**{f: getattr(mail, f) for f in mail.__slots__} | {"header": header})

    assert bool(sign_of_automation(circling, PERSON)) is marked
