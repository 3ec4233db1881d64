"""The error messages of the pages, in every language; all other text is in the templates.

A name in braces is replaced by a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class PageError(StrEnum):
    """An error that ends a request; it has a page of its own."""

    NOT_A_FORM = "not_a_form"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_OFTEN = "too_often"
    INTERNAL = "internal"
    """An error on our side."""
    NO_LINK = "no_link"
    NO_INVITATION = "no_invitation"


class FormError(StrEnum):
    """An error in a form; it is shown above the form, which can be sent again."""

    NO_CHOICE = "no_choice"
    FULL = "full"
    LONG_TEXT = "long_text"
    NO_ADDRESS = "no_address"
    NOT_AN_ADDRESS = "not_an_address"
    NOT_SERVED = "not_served"
    NO_NAME = "no_name"
    LONG_NAME = "long_name"


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The error messages in one language."""

    page_errors: Mapping[PageError, Message]
    form_errors: Mapping[FormError, str]


def form_error(language: str, error: FormError, **values: object) -> str:
    """The message for a form, with the values filled in."""
    return CATALOGUES[language].form_errors[error].format_map(values)


_TWO_LINES = (
    "If your email shows the link on two lines, copy all of it into the address bar of your "
    "browser."
)
_ZWEI_ZEILEN = (
    "Wenn Ihre E-Mail den Link auf zwei Zeilen zeigt, kopieren Sie ihn vollständig in die "
    "Adresszeile Ihres Browsers."
)

ENGLISH = Catalogue(
    page_errors={
        PageError.NOT_A_FORM: Message(
            "Invalid form",
            "Please go back and use the form on the page.",
        ),
        PageError.TOO_LARGE: Message(
            "The form is too large",
            "Please go back and shorten your text.",
        ),
        PageError.TOO_SLOW: Message(
            "The request took too long",
            "Please go back and try again.",
        ),
        PageError.TOO_OFTEN: Message(
            "Too many requests",
            "We have received too many requests from your network. Please wait a minute, then try "
            "again.",
        ),
        PageError.INTERNAL: Message(
            "Something went wrong on our side",
            "Nothing was changed. Please try again in a few minutes.",
        ),
        PageError.NO_LINK: Message(
            "This link does not work",
            f"It is incomplete or no longer valid. {_TWO_LINES} Otherwise reply to the email that "
            "contains it.",
        ),
        PageError.NO_INVITATION: Message(
            "This link does not work",
            f"It has expired or is incomplete. {_TWO_LINES} Otherwise request a new one.",
        ),
    },
    form_errors={
        FormError.NO_CHOICE: "Please choose one of the two options.",
        FormError.FULL: "Request #{ticket} may have no more people; the limit is {limit}. "
        "Nothing was changed. Ask us to remove somebody, then open this link again.",
        FormError.LONG_TEXT: "The text may have at most {limit} characters; yours has {length}.",
        FormError.NO_ADDRESS: "Please enter your email address.",
        FormError.NOT_AN_ADDRESS: "“{typed}” is not a valid email address. Please enter an address "
        "such as ann@company.example.",
        FormError.NOT_SERVED: "“{typed}” is not one of our support addresses.",
        FormError.NO_NAME: "Please enter your name.",
        FormError.LONG_NAME: "The name may have at most {limit} characters; yours has {length}.",
    },
)

GERMAN = Catalogue(
    page_errors={
        PageError.NOT_A_FORM: Message(
            "Ungültiges Formular",
            "Bitte gehen Sie zurück und verwenden Sie das Formular auf der Seite.",
        ),
        PageError.TOO_LARGE: Message(
            "Das Formular ist zu groß",
            "Bitte gehen Sie zurück und kürzen Sie Ihren Text.",
        ),
        PageError.TOO_SLOW: Message(
            "Die Übertragung hat zu lange gedauert",
            "Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
        ),
        PageError.TOO_OFTEN: Message(
            "Zu viele Aufrufe",
            "Aus Ihrem Netz haben uns zu viele Aufrufe erreicht. Bitte warten Sie eine Minute und "
            "versuchen Sie es dann noch einmal.",
        ),
        PageError.INTERNAL: Message(
            "Bei uns ist ein Fehler aufgetreten",
            "Es wurde nichts geändert. Bitte versuchen Sie es in einigen Minuten noch einmal.",
        ),
        PageError.NO_LINK: Message(
            "Dieser Link funktioniert nicht",
            f"Er ist unvollständig oder nicht mehr gültig. {_ZWEI_ZEILEN} Andernfalls antworten "
            "Sie bitte auf die E-Mail, in der er steht.",
        ),
        PageError.NO_INVITATION: Message(
            "Dieser Link funktioniert nicht",
            f"Er ist abgelaufen oder unvollständig. {_ZWEI_ZEILEN} Andernfalls fordern Sie bitte "
            "einen neuen an.",
        ),
    },
    form_errors={
        FormError.NO_CHOICE: "Bitte wählen Sie eine der beiden Möglichkeiten.",
        FormError.FULL: "Anfrage #{ticket} kann keine weiteren Personen aufnehmen; höchstens "
        "{limit} sind möglich. Es wurde nichts geändert. Bitten Sie uns, jemanden zu entfernen, "
        "und öffnen Sie dann diesen Link noch einmal.",
        FormError.LONG_TEXT: "Der Text darf höchstens {limit} Zeichen haben; Ihrer hat {length}.",
        FormError.NO_ADDRESS: "Bitte geben Sie Ihre E-Mail-Adresse ein.",
        FormError.NOT_AN_ADDRESS: "„{typed}“ ist keine gültige E-Mail-Adresse. Bitte geben Sie "
        "eine Adresse wie anna@firma.example ein.",
        FormError.NOT_SERVED: "„{typed}“ ist keine unserer Support-Adressen.",
        FormError.NO_NAME: "Bitte geben Sie Ihren Namen ein.",
        FormError.LONG_NAME: "Der Name darf höchstens {limit} Zeichen haben; Ihrer hat {length}.",
    },
)

CATALOGUES: Mapping[str, Catalogue] = MappingProxyType({"en": ENGLISH, "de": GERMAN})
