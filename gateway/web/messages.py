"""What the pages say is wrong, in every language that we have words in; what they say otherwise is
in their templates. A name in braces is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Fault(StrEnum):
    """What ends a request; a page of its own says so."""

    NO_FORM = "no_form"
    TOO_MUCH = "too_much"
    TOO_SLOW = "too_slow"
    TOO_OFTEN = "too_often"
    OURS = "ours"
    """Something is wrong on our side."""
    NO_LINK = "no_link"
    NO_INVITATION = "no_invitation"


class Wrong(StrEnum):
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
class Said:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    faults: Mapping[Fault, Said]
    wrong: Mapping[Wrong, str]


def said(language: str, wrong: Wrong, **values: object) -> str:
    """A sentence for a form."""
    return WORDS[language].wrong[wrong].format_map(values)


ENGLISH = Words(
    {
        Fault.NO_FORM: Said(
            "That was no form",
            "Please go back and use the form on the page.",
        ),
        Fault.TOO_MUCH: Said(
            "That was too much",
            "Please go back and write less.",
        ),
        Fault.TOO_SLOW: Said(
            "That took too long",
            "Please go back and try again.",
        ),
        Fault.TOO_OFTEN: Said(
            "Too many requests",
            "Many requests came from your network just now. Wait a minute, then try again.",
        ),
        Fault.OURS: Said(
            "Something is wrong on our side",
            "Nothing was changed. Please try again in a few minutes.",
        ),
        Fault.NO_LINK: Said(
            "This link does not work",
            "A part of it is missing, or what it was for is over. If it was broken over two lines "
            "in your mail, copy the whole of it into the address bar. Otherwise reply to the mail "
            "that it came in.",
        ),
        Fault.NO_INVITATION: Said(
            "This link does not work",
            "It has run out, or a part of it is missing. If it was broken over two lines in your "
            "mail, copy the whole of it into the address bar. Otherwise ask for a new one.",
        ),
    },
    {
        Wrong.UNDECIDED: "Please choose one of the two.",
        Wrong.FULL: "Request #{ticket} may have no more people: {most} are the most. Nothing was "
        "changed. Ask us to take somebody off it, then open this link again.",
        Wrong.LONG_TEXT: "A text may have at most {most} characters; this one has {has}.",
        Wrong.NO_ADDRESS: "Please give your mail address.",
        Wrong.NOT_AN_ADDRESS: "“{typed}” is not a mail address. It should look like "
        "ann@company.example.",
        Wrong.NOT_SERVED: "“{typed}” is not an address that is served here.",
        Wrong.NO_NAME: "Please give your name.",
        Wrong.LONG_NAME: "A name may have at most {most} characters; this one has {has}.",
    },
)

GERMAN = Words(
    {
        Fault.NO_FORM: Said(
            "Das war kein Formular",
            "Bitte gehen Sie zurück und benutzen Sie das Formular auf der Seite.",
        ),
        Fault.TOO_MUCH: Said(
            "Das war zu viel",
            "Bitte gehen Sie zurück und schreiben Sie weniger.",
        ),
        Fault.TOO_SLOW: Said(
            "Das hat zu lange gedauert",
            "Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
        ),
        Fault.TOO_OFTEN: Said(
            "Zu viele Aufrufe",
            "Aus Ihrem Netz kamen gerade viele Aufrufe. Warten Sie eine Minute und versuchen Sie "
            "es dann noch einmal.",
        ),
        Fault.OURS: Said(
            "Bei uns stimmt etwas nicht",
            "Nichts wurde geändert. Bitte versuchen Sie es in einigen Minuten noch einmal.",
        ),
        Fault.NO_LINK: Said(
            "Dieser Link funktioniert nicht",
            "Ein Teil davon fehlt, oder das, wofür er war, ist vorbei. Steht er in Ihrer Mail auf "
            "zwei Zeilen, kopieren Sie ihn ganz in die Adresszeile. Sonst antworten Sie auf die "
            "Mail, in der er stand.",
        ),
        Fault.NO_INVITATION: Said(
            "Dieser Link funktioniert nicht",
            "Er ist abgelaufen, oder ein Teil davon fehlt. Steht er in Ihrer Mail auf zwei Zeilen, "
            "kopieren Sie ihn ganz in die Adresszeile. Sonst fordern Sie einen neuen an.",
        ),
    },
    {
        Wrong.UNDECIDED: "Bitte wählen Sie eines von beiden.",
        Wrong.FULL: "Anfrage #{ticket} darf nicht noch mehr Personen haben: höchstens {most}. "
        "Nichts wurde geändert. Bitten Sie uns, jemanden herauszunehmen, und öffnen Sie dann "
        "diesen Link noch einmal.",
        Wrong.LONG_TEXT: "Ein Text darf höchstens {most} Zeichen haben; dieser hat {has}.",
        Wrong.NO_ADDRESS: "Bitte nennen Sie Ihre Mail-Adresse.",
        Wrong.NOT_AN_ADDRESS: "„{typed}“ ist keine Mail-Adresse. Sie sollte aussehen wie "
        "anna@firma.example.",
        Wrong.NOT_SERVED: "„{typed}“ ist keine Adresse, die hier bedient wird.",
        Wrong.NO_NAME: "Bitte nennen Sie Ihren Namen.",
        Wrong.LONG_NAME: "Ein Name darf höchstens {most} Zeichen haben; dieser hat {has}.",
    },
)

WORDS: Mapping[str, Words] = MappingProxyType({"en": ENGLISH, "de": GERMAN})
