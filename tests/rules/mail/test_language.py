"""The language in which a person is addressed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision.model import OpenTicket
from rules.mail.header import Header
from rules.mail.language import (
    KNOWN,
    MAX_PREFERENCES,
    author_language,
    preferred_language,
    supported_language,
    written_language,
)
from rules.ticket.notices import NoticeKind
from tests.rules.building import ANN, EVERYBODY, World, a_mail, orders_of


def header(**fields: str) -> Header:
    return Header(tuple((name.replace("_", "-"), text.encode()) for name, text in fields.items()))


def test_a_mail_without_language_fields_has_no_language() -> None:
    assert author_language(header(subject="Guten Tag")) == ""


@pytest.mark.parametrize(
    ("field", "language"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("de-DE, en-US", "de"),
        ("fr, de", "de"),
        ("en;q=0.3, de;q=0.8", "de"),
        ("de;q=0.5, en", "en"),
        ("de;Q=0.5, en ; q = 0.7", "en"),
        ("de-AT;q=0.1, en;q=0.5, de;q=0.9", "de"),
        ("de;q=0", ""),
        ("de;q=0.000, en;q=0.001", "en"),
        ("de;q=0, de-AT", "de"),
        ("en;q=0.5, de;q=1.5", "en"),
        ("fr-FR", ""),
        ("deutsch", ""),
        ("de_DE", ""),
        ("*", ""),
        (",,;q=,", ""),
    ],
)
def test_the_most_preferred_supported_language_counts(field: str, language: str) -> None:
    assert author_language(header(accept_language=field)) == language


def test_the_language_written_takes_precedence_over_the_language_read() -> None:
    assert author_language(header(accept_language="en", content_language="de")) == "de"


def test_if_the_language_written_is_unsupported_the_language_read_counts() -> None:
    assert author_language(header(accept_language="de", content_language="fr")) == "de"


def test_only_the_beginning_of_a_very_long_list_counts() -> None:
    assert preferred_language("fr," * (MAX_PREFERENCES - 1) + "de") == "de"
    assert preferred_language("fr," * MAX_PREFERENCES + "de") == ""


def test_a_person_s_preference_takes_precedence_over_the_mailbox_s() -> None:
    assert supported_language("de", "en") == "de"
    assert supported_language("", "de-AT") == "de"


def test_english_is_the_fallback_for_unsupported_languages() -> None:
    assert supported_language("fr", "de") == "en"
    assert supported_language("", "") == "en"


@given(st.text(max_size=400))
def test_no_field_value_raises(field: str) -> None:
    found = author_language(Header((("accept-language", field.encode("utf-8", "replace")),)))

    assert found in (*KNOWN, "")


def test_the_acknowledgement_is_in_the_language_of_the_mail() -> None:
    decision = World().decide(a_mail(content_language="de"))

    assert [o.language for o in orders_of(decision) if o.kind is NoticeKind.ACKNOWLEDGEMENT] == [
        "de"
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Guten Tag, seit heute früh steht die Kuppel und wir können nichts mehr sehen.", "de"),
        ("Hello, the dome has been stuck since this morning and we cannot see a thing.", "en"),
        ("Bonjour, la coupole est bloquée depuis ce matin et nous ne voyons plus rien.", ""),
        ("LF-0123, v4.2.1", ""),
        ("Die Kuppel steht und das ist nicht gut: the dome is stuck and we are not happy", ""),
        ("", ""),
    ],
)
def test_the_small_words_of_a_text_tell_its_language(text: str, language: str) -> None:
    assert written_language(text) == language


def test_what_is_written_takes_precedence_over_what_the_mail_program_states() -> None:
    text = "Guten Tag, wir sehen nichts mehr und die Kuppel steht. Bitte helfen Sie uns!"
    quoted = "\n".join(f"> {line}" for line in ["Hello, what is the state of this and that?"] * 9)

    action = World().decide(a_mail(text=f"{text}\n{quoted}", content_language="en-US")).action

    assert isinstance(action, OpenTicket)
    assert action.language == "de"


def test_the_registry_takes_precedence_over_the_mail() -> None:
    ann = replace(ANN, language="de")

    action = World((ann, *EVERYBODY[1:])).decide(a_mail(content_language="en")).action

    assert isinstance(action, OpenTicket)
    assert action.language == "de"


def test_the_invitation_is_in_the_language_of_the_mail() -> None:
    decision = World().decide(a_mail("new@acme.example", accept_language="de-CH"))

    assert [(o.kind, o.language) for o in orders_of(decision)] == [(NoticeKind.INVITATION, "de")]


def test_staff_are_addressed_in_their_own_language_not_the_customers() -> None:
    decision = World().decide(a_mail(content_language="de"))

    assert [o.language for o in orders_of(decision) if o.kind is NoticeKind.NEW_TICKET] == [""]
