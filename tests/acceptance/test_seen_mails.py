"""Mails that were once stored where nobody looked, or filed for the wrong person, through the real
SMTP port."""

from __future__ import annotations

import pytest

from tests.acceptance.support_server import SUPPORT, SupportServer, a_mail, eventually, filed

WORDS = "I promised an answer by noon."


def forwarding(server: SupportServer, ann: str, form: str) -> tuple[str, dict[str, str]]:
    """A mail of Ann's as clients of staff forward it: the text and the header."""
    block = f"From: Ann <{ann}>\nSubject: Lift\nDate: 1 Dec 2026\nTo: x@help.example"
    match form:
        case "in the text":
            text = f"{WORDS}\n\n---------- Forwarded message ---------\n{block}\n\nThe lift stands."
            return text, {"subject": "Fwd: Lift"}
        case "quoted":
            quoted = "\n".join(
                f"> {line}".rstrip() for line in f"{block}\n\nThe lift stands.".split("\n")
            )
            return f"{WORDS}\n\nBegin forwarded message:\n\n{quoted}", {"subject": "Lift"}
        case _:
            inner = f"Content-Type: message/rfc822\n\n{block}\n\nThe lift stands."
            parts = f"--b\n\n{WORDS}\n--b\n{inner}\n--b--"
            kind = "multipart/mixed; boundary=b"
            return parts, {"subject": "For you", "mime_version": "1.0", "content_type": kind}


@pytest.mark.parametrize("form", ["in the text", "quoted", "attached"])
def test_what_staff_forward_is_the_customers_request(server: SupportServer, form: str) -> None:
    ann, sue = server.a_person(), server.a_person(staff=True)
    text, header = forwarding(server, ann, form)

    _, number = filed(server.send(a_mail(sue, text.replace("\n", "\r\n"), **header), sue))

    ticket = server.ticket(number)
    assert (ticket.summary.requester, ticket.summary.subject) == (ann, "Lift")
    request, note = ticket.comments
    assert (request.visibility, request.text.strip()) == ("public", "The lift stands.")
    assert (note.visibility, note.text.startswith(WORDS)) == ("note", True)
    assert f"Opened as a request of {ann}" in server.text_to(sue)
    assert f"#{number}" in server.text_to(ann)
    assert WORDS not in server.text_to(ann)


def test_a_request_by_telephone_is_the_customers(server: SupportServer) -> None:
    ann, sue = server.a_person(), server.a_person(staff=True)

    _, number = filed(
        server.send(a_mail(sue, f"#onbehalf {ann}\r\n\r\nShe called: no light."), sue)
    )

    ticket = server.ticket(number)
    assert ticket.summary.requester == ann
    assert [c.text.strip() for c in ticket.comments] == ["She called: no light."]
    assert f"Opened as a request of {ann}" in server.text_to(sue)


def test_what_staff_forward_of_a_stranger_is_their_own_and_says_so(server: SupportServer) -> None:
    sue = server.a_person(staff=True)
    text, header = forwarding(server, "eve@evil.example", "in the text")

    _, number = filed(server.send(a_mail(sue, text.replace("\n", "\r\n"), **header), sue))

    assert server.ticket(number).summary.requester == sue
    assert "eve@evil.example is not a registered customer" in server.text_to(sue)


def test_a_customer_forwards_only_their_own_request(server: SupportServer) -> None:
    ann, bob = server.a_person(), server.a_person()
    text, header = forwarding(server, ann, "in the text")

    _, number = filed(server.send(a_mail(bob, text.replace("\n", "\r\n"), **header), bob))

    assert server.ticket(number).summary.requester == bob


@pytest.mark.parametrize("separator", ["；", "，", "、", ";\r\n\t"])
def test_everybody_in_a_list_with_such_separators_joins(
    server: SupportServer, separator: str
) -> None:
    ann, bob = server.a_person(), server.a_person()

    number, _ = server.open_ticket(ann, to=f"{bob}{separator}{SUPPORT}")

    assert server.presence(number, bob) == "active"


def test_what_introduces_a_quote_is_not_sent_to_the_customer(server: SupportServer) -> None:
    ann, sue = server.a_person(), server.a_person(staff=True)
    number, _ = server.open_ticket(ann)
    notice = eventually(
        lambda: next((m for m in server.mails_to(sue) if f"#{number}]" in str(m["Subject"])), None)
    )
    desk = str(notice["Reply-To"]).rpartition("<")[2].rstrip(">")
    written = f"Please wait.\n\nto 3. jouluk. 2026 klo 8.00 Tuki ({desk}) kirjoitti:\n\n"
    quote = "> ##- Write your reply above this line -##\n> private"
    reply = a_mail(sue, f"{written}{quote}".replace("\n", "\r\n"), to=desk)

    filed(server.send(reply, sue, desk))

    comment = eventually(
        lambda: next((m for m in server.mails_to(ann) if "Please wait." in m.as_string()), None)
    )
    body = comment.get_body(("plain",))
    assert body is not None
    assert "kirjoitti" not in body.get_content()
