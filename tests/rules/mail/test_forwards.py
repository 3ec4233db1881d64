"""Whose mail a text forwards, and where it begins."""

from __future__ import annotations

from time import process_time

import pytest

from rules.mail.forwards import Forwarded, forwarded_mail

GMAIL = """Please take this over.

---------- Forwarded message ---------
From: Gil <gil@globex.example>
Date: Mon, 30 Nov 2026 at 08:00
Subject: Cooling broken
To: Sam <sam@help.example>

The cooling is broken."""
OUTLOOK = """Please take this over.

________________________________
Von: Gil <gil@globex.example<mailto:gil@globex.example>>
Gesendet: Montag, 30. November 2026 08:00
An: Sam <sam@help.example>; Kim
 <kim@help.example>
Betreff: Cooling broken

The cooling is broken."""
APPLE = """Please take this over.

Begin forwarded message:

> From: Gil <gil@globex.example>
> Subject: Cooling broken
> Date: 30 November 2026 at 08:00:00 CET
> To: sam@help.example
>
> The cooling is broken."""

THUNDERBIRD = """Please take this over.

-------- Forwarded Message --------
Subject: \tCooling broken
Date: \tMon, 30 Nov 2026 08:00:00 +0100
From: \tGil <gil@globex.example>
To: \tsam@help.example

The cooling is broken."""


def found(subject: str, text: str) -> Forwarded:
    forwarded = forwarded_mail(subject, text)
    assert forwarded is not None
    return forwarded


@pytest.mark.parametrize(
    ("subject", "text"),
    [("Cooling", GMAIL), ("WG: Cooling", OUTLOOK), ("Cooling", APPLE), ("x", THUNDERBIRD)],
    ids=["a forward line", "a block under the mark of a forward", "quoted", "From is third"],
)
def test_what_clients_forward_is_split_from_the_words_above(subject: str, text: str) -> None:
    forwarded = found(subject, text)

    assert forwarded.author == "gil@globex.example"
    assert forwarded.subject == "Cooling broken"
    assert forwarded.own_words == "Please take this over."
    assert forwarded.text == "The cooling is broken."


@pytest.mark.parametrize("text", [GMAIL, OUTLOOK, APPLE, THUNDERBIRD])
def test_nothing_of_a_text_is_lost(text: str) -> None:
    forwarded = found("Fwd: Cooling", text)

    kept = f"{forwarded.above}\n{forwarded.text}".replace(">", "").split()
    assert kept == text.replace(">", "").split()


def test_the_block_that_a_reply_quotes_is_no_forward() -> None:
    assert forwarded_mail("AW: Cooling", OUTLOOK) is None


@pytest.mark.parametrize(
    "name",
    [
        "Gil",
        '"ann@acme.example" <gil@globex.example>',
        "gil@globex.example on behalf of ann@acme.example",
        "gil at globex.example",
        "gil@globex.example <a@[192.0.2.1]>",
        '"gil@globex.example"@evil.example',
        'gil@globex.example <"a b"@evil.example>',
        "gil@globex.example <eve\N{FULLWIDTH COMMERCIAL AT}evil.example>",
        f"gil@globex.example {'a' * 1_100} <eve@evil.example>",
        "gil@globex.example\nTo: you <eve@evil.example>",
        "gil@globex.example\nCc: you <eve@evil.example>",
        "gil@globex.example\nGesendet: 2026 <eve@evil.example>",
    ],
)
def test_a_from_without_exactly_one_address_names_nobody(name: str) -> None:
    text = GMAIL.replace("Gil <gil@globex.example>", name)

    assert found("Fwd: Cooling", text).author == ""


@pytest.mark.parametrize("name", ["o'gil@globex.example", "'o'gil@globex.example'"])
def test_an_apostrophe_is_part_of_an_address(name: str) -> None:
    text = GMAIL.replace("gil@globex.example", name)

    assert found("Fwd: Cooling", text).author == "o'gil@globex.example"


@pytest.mark.parametrize(
    "above",
    [
        THUNDERBIRD.replace("From", "Frau"),
        "---------- Пересилається ---------\nВідправник: Eve <eve@evil.example>\n\nHello",
        "---------- Välitetty viesti ----------\n\nHello",
        "Lähettäjä: Eve\nLähetetty: maanantai 30. marraskuuta 2026 8.00\nAihe: Help\n\nHello",
        "> Lähettäjä: Eve\n> Lähetetty: tänään 8:00\n> Aihe: Help\n>\n> Hello",
        "From Eve <eve@evil.example>\nSent Monday, 30 November 2026\nTo Sam\nSubject Hi\n\nHello",
        "From: Eve\nSent: Monday\n\nHello",
        "———— Chuyển tiếp ————\n\nHello",
    ],
)
def test_a_block_that_a_customer_writes_below_an_unknown_one_names_nobody(above: str) -> None:
    assert found("Fwd: Cooling", f"{above}\n\n{GMAIL}").author == ""
    assert found("Fwd: Cooling", f"{above}\n\n{GMAIL.partition('From')[2]}\n{GMAIL}").author == ""


@pytest.mark.parametrize(
    ("above", "mark"),
    [
        ("On Mon, 30 Nov 2026 at 10:00, Eve <eve@evil.example> wrote:", "> "),
        ("Am 30.11.2026 um 10:00 schrieb Eve <eve@evil.example>:", ""),
        ("Eve <eve@evil.example> 2026-11-30 10:00 kirjoitti:", "> "),
        ("> Hello Sam,", "> "),
        ("Eve wrote:", "> "),
        ("a:\n" * 200, ""),
    ],
)
def test_a_block_in_what_the_mail_quotes_names_nobody(above: str, mark: str) -> None:
    """Eve wrote it, and a staff person answered her with the mailbox in Cc."""
    block = GMAIL[GMAIL.index("-----") :]
    text = f"{above}\n{mark}\n{mark}" + block.replace("\n", f"\n{mark}")

    for subject in ("Fwd: Cooling", "Re: Cooling"):
        assert found(subject, f"Please take this over.\n\n{text}").author == ""


@pytest.mark.parametrize(
    "above",
    ["Gil wrote: it is broken.", "See below:", "Greetings\n-- \nSam\nsam@help.example\nTel.: 123"],
)
def test_the_words_of_who_forwards_it_introduce_no_quote(above: str) -> None:
    for text in (GMAIL, APPLE):
        text = text.replace("Please take this over.", above)
        assert found("Fwd: Cooling", text).author == "gil@globex.example"


def test_the_first_of_several_forwarded_mails_counts() -> None:
    inner = GMAIL.replace("gil@globex.example", "ann@acme.example")
    forwarded = found("Fwd: Cooling", f"{GMAIL}\n\n{inner}")

    assert forwarded.author == "gil@globex.example"
    assert "ann@acme.example" in forwarded.text


@pytest.mark.parametrize("text", ["", "From: here to there", "Hello", "From: a@b.example\n"])
def test_a_line_that_begins_with_from_is_no_forward(text: str) -> None:
    assert forwarded_mail("Fwd: x", text) is None


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        "> ",
        ">\n",
        "From: x\n",
        "From: a@",
        "* ",
        "de ",
        "From:\nTo:\n",
        "----a" * 80 + "\n",
        "a: 1:00\n",
    ],
)
def test_a_text_made_to_cost_time_takes_milliseconds(piece: str) -> None:
    text = piece * (250_000 // len(piece))

    before = process_time()
    for _ in range(5):
        forwarded_mail("Fwd: x", text)

    assert process_time() - before < 1.0


def test_wide_gaps_hide_no_header_block() -> None:
    """A space of `> From :` can be made 255 wide under a signature."""
    text = "> De : Gil <gil@globex.example>\n> Date : 30/11/2026\n> Objet : Panne\n>\n> Aide."

    wide = forwarded_mail("TR: Panne", text.replace(" ", " " * 30))

    assert wide is not None
    assert wide.author == "gil@globex.example"
