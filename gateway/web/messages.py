"""What the pages say is wrong, in every language that we have words in; what they say otherwise is
in their templates. A name in braces is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class PageError(StrEnum):
    """What ends a request; a page of its own says so."""

    NO_FORM = "no_form"
    TOO_MUCH = "too_much"
    TOO_SLOW = "too_slow"
    TOO_OFTEN = "too_often"
    OURS = "ours"
    """Something is wrong on our side."""
    NO_LINK = "no_link"
    NO_INVITATION = "no_invitation"


class FormError(StrEnum):
    """What is wrong with a form; the form says so, and is there again."""

    UNDECIDED = "undecided"
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
    """The sentences of one language."""

    faults: Mapping[PageError, Message]
    wrong: Mapping[FormError, str]


def form_error(language: str, wrong: FormError, **values: object) -> str:
    """A sentence for a form."""
    return CATALOGUES[language].wrong[wrong].format_map(values)


ENGLISH = Catalogue(
    {
        PageError.NO_FORM: Message(
            "That was no form",
            "Please go back and use the form on the page.",
        ),
        PageError.TOO_MUCH: Message(
            "That was too much",
            "Please go back and write less.",
        ),
        PageError.TOO_SLOW: Message(
            "That took too long",
            "Please go back and try again.",
        ),
        PageError.TOO_OFTEN: Message(
            "Too many requests",
            "Many requests came from your network just now. Wait a minute, then try again.",
        ),
        PageError.OURS: Message(
            "Something is wrong on our side",
            "Nothing was changed. Please try again in a few minutes.",
        ),
        PageError.NO_LINK: Message(
            "This link does not work",
            "A part of it is missing, or what it was for is over. If it was broken over two lines "
            "in your mail, copy the whole of it into the address bar. Otherwise reply to the mail "
            "that it came in.",
        ),
        PageError.NO_INVITATION: Message(
            "This link does not work",
            "It has run out, or a part of it is missing. If it was broken over two lines in your "
            "mail, copy the whole of it into the address bar. Otherwise ask for a new one.",
        ),
    },
    {
        FormError.UNDECIDED: "Please choose one of the two.",
        FormError.FULL: "Request #{ticket} may have no more people; the limit is {most}. "
        "Nothing was changed. Ask us to remove somebody, then open this link again.",
        FormError.LONG_TEXT: "A text may have at most {most} characters; this one has {has}.",
        FormError.NO_ADDRESS: "Please give your mail address.",
        FormError.NOT_AN_ADDRESS: "“{typed}” is not a mail address. It should look like "
        "ann@company.example.",
        FormError.NOT_SERVED: "“{typed}” is not an address that is served here.",
        FormError.NO_NAME: "Please give your name.",
        FormError.LONG_NAME: "A name may have at most {most} characters; this one has {has}.",
    },
)

GERMAN = Catalogue(
    {
        PageError.NO_FORM: Message(
            "Das war kein Formular",
            "Bitte gehen Sie zurück und benutzen Sie das Formular auf der Seite.",
        ),
        PageError.TOO_MUCH: Message(
            "Das war zu viel",
            "Bitte gehen Sie zurück und schreiben Sie weniger.",
        ),
        PageError.TOO_SLOW: Message(
            "Das hat zu lange gedauert",
            "Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
        ),
        PageError.TOO_OFTEN: Message(
            "Zu viele Aufrufe",
            "Aus Ihrem Netz kamen gerade viele Aufrufe. Warten Sie eine Minute und versuchen Sie "
            "es dann noch einmal.",
        ),
        PageError.OURS: Message(
            "Bei uns stimmt etwas nicht",
            "Nichts wurde geändert. Bitte versuchen Sie es in einigen Minuten noch einmal.",
        ),
        PageError.NO_LINK: Message(
            "Dieser Link funktioniert nicht",
            "Ein Teil davon fehlt, oder das, wofür er war, ist vorbei. Steht er in Ihrer Mail auf "
            "zwei Zeilen, kopieren Sie ihn ganz in die Adresszeile. Sonst antworten Sie auf die "
            "Mail, in der er stand.",
        ),
        PageError.NO_INVITATION: Message(
            "Dieser Link funktioniert nicht",
            "Er ist abgelaufen, oder ein Teil davon fehlt. Steht er in Ihrer Mail auf zwei Zeilen, "
            "kopieren Sie ihn ganz in die Adresszeile. Sonst fordern Sie einen neuen an.",
        ),
    },
    {
        FormError.UNDECIDED: "Bitte wählen Sie eines von beiden.",
        FormError.FULL: "Anfrage #{ticket} darf nicht noch mehr Personen haben: höchstens {most}. "
        "Nichts wurde geändert. Bitten Sie uns, jemanden herauszunehmen, und öffnen Sie dann "
        "diesen Link noch einmal.",
        FormError.LONG_TEXT: "Ein Text darf höchstens {most} Zeichen haben; dieser hat {has}.",
        FormError.NO_ADDRESS: "Bitte nennen Sie Ihre Mail-Adresse.",
        FormError.NOT_AN_ADDRESS: "„{typed}“ ist keine Mail-Adresse. Sie sollte aussehen wie "
        "anna@firma.example.",
        FormError.NOT_SERVED: "„{typed}“ ist keine Adresse, die hier bedient wird.",
        FormError.NO_NAME: "Bitte nennen Sie Ihren Namen.",
        FormError.LONG_NAME: "Ein Name darf höchstens {most} Zeichen haben; dieser hat {has}.",
    },
)

CATALOGUES: Mapping[str, Catalogue] = MappingProxyType({"en": ENGLISH, "de": GERMAN})
