"""What marks a mail as automatic, how surely, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.mail import Envelope, Mail
from rules.mail.automatic import (
    AutomaticClass,
    AutomationSign,
    may_be_recorded,
    sign_of_automation,
    wants_no_answer,
)
from rules.mail.header import Header
from tests.rules.building import ANN, SUPPORT, a_mail

PERSON = Envelope(peer="", helo="", tls=False, mail_from=ANN.address, rcpt_tos=(SUPPORT,))
NOBODY = replace(PERSON, mail_from="")
CERTAIN, UNCLEAR, BULK = AutomaticClass.CERTAIN, AutomaticClass.UNCLEAR, AutomaticClass.BULK


def class_of(mail: Mail, envelope: Envelope = PERSON, **more: Any) -> AutomaticClass | None:
    sign = sign_of_automation(mail, envelope, **more)
    return sign.kind if sign is not None else None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"auto_submitted": "auto-replied"}, CERTAIN),
        ({"auto_submitted": "(vacation) Auto-Replied; owner=x"}, CERTAIN),
        ({"auto_submitted": "auto-generated; owner=x"}, UNCLEAR),
        ({"auto_submitted": "(it is) auto-notified"}, UNCLEAR),
        ({"auto_submitted": "sieve-forwarded"}, UNCLEAR),
        ({"content_type": "multipart/report; report-type=delivery-status"}, CERTAIN),
        ({"content_type": 'Multipart/Report; report-type="disposition-notification"'}, CERTAIN),
        ({"x_failed_recipients": "x@y.example"}, CERTAIN),
        ({"x_autoreply": "yes"}, CERTAIN),
        ({"x_autorespond": ""}, CERTAIN),
        ({"x_auto_reply_from": "x@y.example"}, CERTAIN),
        ({"x_mail_autoreply": "1"}, CERTAIN),
        ({"x_fc_machinegenerated": "true"}, CERTAIN),
        ({"x_ms_journal_report": ""}, CERTAIN),
        ({"precedence": "auto_reply"}, CERTAIN),
        ({"precedence": "bulk"}, BULK),
        ({"precedence": "List"}, BULK),
        ({"precedence": "junk"}, BULK),
        ({"list_id": "<l.example>"}, BULK),
        ({"list_post": "<mailto:l@y.example>"}, BULK),
        ({"list_help": "<mailto:l@y.example>"}, BULK),
        ({"list_unsubscribe": "<mailto:x@y.example>"}, BULK),
        ({"precedence": "bulk", "auto_submitted": "auto-generated"}, UNCLEAR),
        ({"precedence": "bulk", "auto_submitted": "auto-replied"}, CERTAIN),
    ],
)
def test_a_header_marks_it(header: dict[str, Any], expected: AutomaticClass) -> None:
    assert class_of(a_mail(**header)) is expected


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"auto_submitted": "no"},
        {"auto_submitted": "no (a person wrote this)"},
        {"precedence": "first-class"},
        {"x_auto_response_suppress": "All"},
        {"content_type": "multipart/mixed"},
    ],
)
def test_a_persons_mail_is_not_marked(header: dict[str, Any]) -> None:
    assert class_of(a_mail(**header)) is None


def test_of_several_fields_the_strongest_counts() -> None:
    fields = (("auto-submitted", b"no"), ("auto-submitted", b"auto-replied"))
    mail = replace(a_mail(), header=Header(fields))

    assert class_of(mail) is CERTAIN


def test_the_null_reverse_path_marks_it() -> None:
    sign = sign_of_automation(a_mail(), NOBODY)

    assert sign is not None
    assert sign.kind is CERTAIN
    assert sign.is_null_path


def test_what_the_header_states_does_not_depend_on_the_envelope() -> None:
    sign = sign_of_automation(a_mail(auto_submitted="auto-replied"), NOBODY)

    assert sign == AutomationSign(CERTAIN, "Auto-Submitted: auto-replied")


@pytest.mark.parametrize(
    "reverse_path",
    [
        "noreply@acme.example",
        "bounces+SRS=Xy1=QZ@acme.example",
        "bounce@web1.acme.example",
        "postmaster@acme.example",
        "nobody@web1.acme.example",
        "MAILER-DAEMON@mx.acme.example",
    ],
)
def test_a_role_address_in_the_envelope_says_nothing(reverse_path: str) -> None:
    assert class_of(a_mail(), replace(PERSON, mail_from=reverse_path)) is None


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("mailer-daemon@mx.example", CERTAIN),
        ("mailer-daemon+7@mx.example", CERTAIN),
        ("hostmaster@acme.example", None),
        ("abuse@acme.example", None),
        ("postmaster@acme.example", None),
        ("noreply@acme.example", None),
    ],
)
def test_of_the_authors_only_the_mail_system_is_a_machine(
    author: str, expected: AutomaticClass | None
) -> None:
    assert class_of(a_mail(author)) is expected


@pytest.mark.parametrize(("hops", "expected"), [(30, None), (31, CERTAIN)])
def test_a_looping_mail_is_marked(hops: int, expected: AutomaticClass | None) -> None:
    mail = replace(a_mail(), header=Header((("received", b"from a by b"),) * hops))

    assert class_of(mail) is expected


# ---- subjects -----------------------------------------------------------------------------------

REPLIED = ("Printer", "Drucker", "Imprimante", "Impresora")


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Re: [#61] Door lock",
        "automatic reply : Printer",
        "Auto-Reply: Printer",
        "Vacation reply: Printer",
        "Automatische Antwort: Drucker",
        "Réponse automatique : Imprimante",
        "Re\u0301ponse automatique\u00a0: Imprimante",
        "Respuesta automática: Impresora",
        "Automatisch antwoord: Printer",
        "Automatyczna odpowiedź: Drukarka",
        "Автоматический ответ: Принтер",
        "自動応答: プリンタ",
        "自动答复：打印机",
        "자동 회신: 프린터",
        "AUTO: Cat is out of the office (returning 07.12.2026)",
    ],
)
def test_what_names_itself_an_automatic_reply_may_be_one(subject: str) -> None:
    sign = sign_of_automation(a_mail(subject=subject), PERSON)

    assert sign is not None
    assert (sign.kind, sign.is_subject) == (UNCLEAR, True)


@pytest.mark.parametrize(
    "subject",
    [
        "AUTO: Cat fährt in Urlaub",
        "AUTO: Cat est absente (retour le 07/12/2026)",
        "AUTO: Cat está ausente de la oficina (vuelve el 07/12/2026)",
        "AUTO: Re: [#61] Door lock",
        "Out of Office",
        "Out of office - Ann",
        "Out of office: Dec 7 - Dec 9",
        "Out of office, returning 7 December",
        "OOO (back Monday)",
        "Abwesend bis 07.12.2026",
        "Abwesenheit: Re: Drucker",
        "Im Urlaub",
        "Absent du bureau : Imprimante",
        "En vacances jusqu'au 7 décembre",
        "Fuera de oficina hasta el 7 de diciembre",
        "Ausente: Ann Meier",
        "Afwezig van 1 tot 5 mei",
        "不在",
        "Out of Office: Printer",
        "Out of the office until Monday",
        "Abwesenheit: Drucker",
        "Absence du bureau",
        "Fuera de la oficina: Impresora",
        "[Auto-Reply] Printer",
    ],
)
def test_an_absence_in_a_replys_subject_marks_it(subject: str) -> None:
    written = Header((("from", f"Ann Meier <{ANN.address}>".encode()),))
    mail = replace(a_mail(subject=subject), header=written)

    assert class_of(mail, answers=True, replied=REPLIED) is UNCLEAR
    assert class_of(mail) is None
    assert may_be_recorded(mail, PERSON)


@pytest.mark.parametrize(
    "subject",
    [
        "Out of office mode of your product is broken",
        "Out of office: calendar sync fails",
        "Out of office - status does not change",
        "Auto: Motor startet nicht",
        "Auto: im Leerlauf zu laut",
        "Auto : la voiture ne démarre pas",
        "Auto: el coche no arranca",
        "Abwesend: Status bleibt stehen",
        "Abwesenheit wird nicht angezeigt",
        "Im Urlaub-Modus sendet die Anlage nichts",
        "Absence : le badge ne marche plus",
        "Absence du son",
        "Ausente: la pantalla no responde",
        "Fuera de la oficina no puedo entrar",
        "OOO flag stays set",
        "Impresora",
        "Out of office: our request",
    ],
)
def test_a_person_may_answer_about_an_absence(subject: str) -> None:
    replied = (*REPLIED, "Out of office: our request")

    assert class_of(a_mail(subject=subject), answers=True, replied=replied) is None


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply does not work",
        "Automatic replies: how do I switch them off?",
        "Re: Automatic reply: Printer",
        "Re: [#7] Out of office message is wrong",
        "[#7] AUTO: gearbox",
        "Automation: no mail since Monday",
        "Autos: our fleet",
        "Absence de son sur la ligne 3",
        "Out of officers: three positions",
        "Office",
    ],
)
@pytest.mark.parametrize("answers", [True, False])
def test_a_person_may_write_about_it(subject: str, answers: bool) -> None:
    assert class_of(a_mail(subject=subject), answers=answers) is None


@pytest.mark.parametrize(
    "header", [{"x_auto_response_suppress": "All"}, {"auto_submitted": "auto-generated"}]
)
def test_with_a_machines_mark_an_absence_need_not_be_a_reply(header: dict[str, Any]) -> None:
    assert class_of(a_mail(subject="Out of Office: Printer", **header)) is UNCLEAR


def test_next_to_the_mark_of_another_postern_the_subject_counts_for_nothing() -> None:
    marks: dict[str, Any] = {"auto_submitted": "auto-generated", "x_postern_loop": "x"}
    sign = sign_of_automation(a_mail(subject="Automatic reply: Printer", **marks), PERSON)

    assert sign is not None
    assert sign.is_foreign_notice


@pytest.mark.parametrize("value", ["DR, RN, NRN, OOF, AutoReply", "OOF"])
def test_the_mark_of_a_persons_mail_at_exchange_is_not_one(value: str) -> None:
    mail = a_mail(subject="Out of office: phones", x_auto_response_suppress=value)

    assert class_of(mail) is None


# ---- lists --------------------------------------------------------------------------------------

OURS = frozenset({SUPPORT})


@pytest.mark.parametrize(
    "header",
    [
        {"list_id": "<support.help.example>"},
        {"list_id": "Support <Support.Help.Example>"},
        {"list_id": "<support.help.example>", "precedence": "list"},
    ],
)
def test_the_marks_of_a_list_of_ours_count_for_nothing(header: dict[str, Any]) -> None:
    mail = a_mail(list_help="<mailto:x@g.example>", **header)

    assert class_of(mail, lists=OURS) is None


@pytest.mark.parametrize(
    "header",
    [
        {"list_id": "<support.help.example.evil.example>"},
        {"list_id": "<support.help.example> <all.evil.example>"},
        {"list_id": "<all.acme.example>"},
        {"list_id": "<>"},
        {"precedence": "list"},
    ],
)
def test_those_of_another_list_do(header: dict[str, Any]) -> None:
    assert class_of(a_mail(**header), lists=OURS) is BULK


@pytest.mark.parametrize(
    "header", [{"auto_submitted": "auto-replied"}, {"x_failed_recipients": "x@y.example"}]
)
def test_through_a_list_of_ours_a_machine_is_still_a_machine(header: dict[str, Any]) -> None:
    assert class_of(a_mail(list_id="<support.help.example>", **header), lists=OURS) is CERTAIN


# ---- X-Auto-Response-Suppress -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "silent"),
    [
        ("All", True),
        ("AutoReply", True),
        ("autoreply", True),
        ("DR, RN, NRN, OOF, AutoReply", True),
        ("DR;AutoReply", True),
        ("DR, RN, NRN, OOF", False),
        ("OOF", False),
        ("DR", False),
        ("None", False),
        ("", False),
    ],
)
def test_only_what_it_names_is_suppressed(value: str, silent: bool) -> None:
    assert wants_no_answer(a_mail(x_auto_response_suppress=value)) is silent
