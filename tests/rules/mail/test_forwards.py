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


def found(subject: str, text: str) -> Forwarded:
    forwarded = forwarded_mail(subject, text)
    assert forwarded is not None
    return forwarded


@pytest.mark.parametrize(
    ("subject", "text"),
    [("Cooling", GMAIL), ("WG: Cooling", OUTLOOK), ("Cooling", APPLE)],
    ids=["a forward line", "a block under the mark of a forward", "quoted"],
)
def test_what_clients_forward_is_split_from_the_words_above(subject: str, text: str) -> None:
    forwarded = found(subject, text)

    assert forwarded.author == "gil@globex.example"
    assert forwarded.subject == "Cooling broken"
    assert forwarded.own_words == "Please take this over."
    assert forwarded.text == "The cooling is broken."


@pytest.mark.parametrize("text", [GMAIL, OUTLOOK, APPLE])
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
    ],
)
def test_a_from_without_exactly_one_address_names_nobody(name: str) -> None:
    text = GMAIL.replace("Gil <gil@globex.example>", name)

    assert found("Fwd: Cooling", text).author == ""


def test_the_first_of_several_forwarded_mails_counts() -> None:
    inner = GMAIL.replace("gil@globex.example", "ann@acme.example")
    forwarded = found("Fwd: Cooling", f"{GMAIL}\n\n{inner}")

    assert forwarded.author == "gil@globex.example"
    assert "ann@acme.example" in forwarded.text


@pytest.mark.parametrize("text", ["", "From: here to there", "Hello", "From: a@b.example\n"])
def test_a_line_that_begins_with_from_is_no_forward(text: str) -> None:
    assert forwarded_mail("Fwd: x", text) is None


@pytest.mark.parametrize(
    "piece", ["\n", "> ", ">\n", "From: x\n", "From: a@", "* ", "de ", "From:\nTo:\n"]
)
def test_a_text_made_to_cost_time_takes_milliseconds(piece: str) -> None:
    text = piece * (250_000 // len(piece))

    before = process_time()
    for _ in range(5):
        forwarded_mail("Fwd: x", text)

    assert process_time() - before < 1.0
