"""No line that an author wrote anew is hidden, whatever it looks like."""

from __future__ import annotations

import pytest

from rules.mail.quoting import visible

SENTENCES = [
    "On Monday at 9:00 the following was written by the server, as Bob wrote:\n\nE17: disk full",
    "our user bob@acme.example wrote yesterday:\n\nIt stops.\n\nCan you help?",
    "Our user Bob <bob@acme.example> wrote:\n\nIt stops.\n\nCan you help?",
    "On 20 Nov 2026 our user bob@acme.example wrote:\n\nIt stops.",
    "On 20 Nov 2026 at 8:01 our user Bob <bob@acme.example> wrote:\n\nIt stops.",
    "Bob Bell <bob@acme.example> wrote:\n\nIt stops.\n\nCan you help?",
    "Am 20.11.2026 hat unser Kunde bob@acme.example geschrieben:\n\nEs steht.\n\nBitte helfen.",
    "Le 20/11/2026 notre client bob@acme.example a écrit :\n\nRien ne marche.",
    "The vendor (info@vendor.example) writes:\n\nReplace the valve.\n\nIs that right?",
    "They wrote:\n\nReplace the valve.",
    "It is hot.\n\nAt 9:30 on 20.11.2026 Bob wrote:\n\nPump 3 is hot.\n\nPlease come.",
    "It is hot.\n\nOn 20 November 2026 at 9:30 Bob Bell wrote:\n\nPump 3.\n\nPlease come.",
    "Es ist warm.\n\nAm 20.11.2026 um 9:30 schrieb Bob:\n\nPumpe 3.\n\nBitte kommen.",
    "Es ist warm.\n\nBob Bell schrieb am 20.11.26 um 9:30:\n\nPumpe 3.\n\nBitte kommen.",
    "Het is warm.\n\nOp 20-11-2026 om 9:30 schreef Bob Bell:\n\nPomp 3.\n\nKomt u?",
    "On 20.11.2026 open the log. It says who wrote:\nnobody",
    'Your notice says\n"On 20 Nov 2026, Sam <sam@desk.example> wrote:"\nand that is wrong.',
    "On Monday we restarted it. On Tuesday it failed, and Bob wrote:\nno",
    "My notes --- On Fri, Nov 20, 2026 I wrote: call Sam.",
    "I wrote:\n\n> Please restart it.\n\nand nothing happened.",
    "The answer:\nAnn wrote:\n> x\nand I wrote:\n> y\nThe end.",
]
BLOCKS = [
    "From: Berlin\nTo: Hamburg\nDate: 20 November 2026\n\nWe need two seats on that train.",
    "Please book:\n\nFrom: Berlin\nTo: Hamburg\nDate: 20 November\nSubject: seats\n\nThanks, Ann",
    "We got this:\n\nFrom: x@bad.example\nTo: a@b.example\nDate: Fri, 20 Nov\nSubject: Win\n\nYou?",
    "One more.\n\nFrom: x@bad.example\nTo: a@b.example\nSubject: Win\nMessage-ID: <a@b>\n\nYou?",
    "It reads:\n\nReturn-Path: <a@b.example>\nFrom: x@bad.example\nTo: a@b\nSubject: Win\n\nYou?",
    "No: 4711\nDate: 20.11.2026\nSubject: Pump\nTo: Ann\n\nplease deliver",
    "Two seats.\n\nFrom: Berlin\nTo: Hamburg\nDate: 20 November\nSubject: seats\n\nThanks, Ann",
    "Leave.\n\nVon: 8:00\nAn: Personal\nGesendet: heute\nBetreff: Urlaub\n\nAnn",
    "Von: 8:00\nAn: 17:00\nDatum: 20.11.2026\n\nIn dieser Zeit bitte.",
    "To: Ann\nFrom: Bob\nabout the pump\nit leaks",
]
RULES = [
    "First part\n----------\nSecond part\n==========\nThird part",
    "One\n\n--\nTwo is what matters here.\nPlease look at it.",
    "Results:\n\n--\nRun One\nRun Two",
    "Results\n-- \nrun 1: ok\nrun 2: bad",
    "Is this one?\n\n--\nWhat about this?\nAnd this?",
    "The table\n--\nFirst\n" + "Row\n" * 13,
    "It runs with\n\n--verbose\n--quiet\nand without.",
    "SELECT 1;\n--\n-- what matters is below\nSELECT broken FROM t;",
    "[...]\n\nThe rest is the same.\n[...]",
    "*** important ***\nPlease call.",
    "Original Message was lost.\n\nOriginal message\n\nstill lost",
]
MARKS = [
    "The shell says:\n\n> npm install\n> node-gyp rebuild",
    "Output:\n> npm install\n> Done in 3 s.",
    "It prints\n> Paper jam.",
    "It printed this\n\n> 12:00 error x\n> 12:01 error y",
    "> npm install\nE17\n> npm test\nE18",
    "It fails.\n\n>>> import x\n>>> x.y()",
    "SQL> select 1 from dual;\nSQL> commit;\n\nno result",
    "C> dir\nC> cd",
    "We see:\n| a | b |\n| 1 | 2 |",
    "| a | b |\n| 1 | 2 |\n\nthe table is wrong",
]
LAST_LINES = [
    "The mail was\nsent from my account but never arrived",
    "It was\n\nSent from my warehouse",
    "It was\n\nSent from my warehouse this morning.",
    "It was\n\nSent from my phone this morning",
    "What I ask is this.\n\nSent from my desk at the office",
    "It works.\n\nSent from our iPhone app it does not.",
    "It fails.\n\nGet Outlook for iOS does not install",
    "It fails.\n\nsent from my iPhone",
    "Es kam.\n\nVon meinem Konto gesendet",
    "Il est parti.\n\nEnvoyé de mon bureau",
]


@pytest.mark.parametrize("text", [*SENTENCES, *BLOCKS, *RULES, *MARKS, *LAST_LINES])
def test_the_authors_own_lines_stay(text: str) -> None:
    seen = visible(text)
    assert (seen.text, seen.hidden, seen.hidden_above, seen.lines) == (text, "", "", ())


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy S24 Ultra",
        "(Sent from my mobile device)",
        "Sent from Outlook for iOS<https://aka.ms/x>",
        "Get [Outlook for Android](https://aka.ms/x)",
        "Gesendet mit der GMX Mail App",
        "Von meinem iPad gesendet",
        "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
        "Envoyé de mon iPhone",
        "Télécharger Outlook pour iOS",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Enviado do meu Galaxy",
        "Verstuurd vanaf mijn iPhone",
        "Sendt fra min iPhone",
        "Skickat från min iPhone",
        "Lähetetty iPhonesta",
        "Odesláno z iPhonu",
        "Wysłane z iPhone'a",
        "Trimis de pe iPhone",
        "iPhone'umdan gönderildi",
        "Отправлено с iPhone",
        "Надіслано з iPhone",
        "Στάλθηκε από το iPhone μου",
        "נשלח מה-iPhone שלי",
        "发自我的 iPhone",
        "從我的 iPhone 傳送",
        "iPhoneから送信",
        "나의 iPhone에서 보냄",
        "Đã gửi từ iPhone của tôi",
        "Dikirim dari iPhone saya",
        "ᐧ",
    ],
)
def test_the_lines_of_clients_are_hidden(line: str) -> None:
    seen = visible(f"It is on.\n\n{line}\n")
    assert (seen.text, seen.hidden_kinds, seen.hidden_lines) == ("It is on.", "client line", 1)


@pytest.mark.parametrize(
    "signature",
    [
        "Ann",
        "Ann Ash\nAcme GmbH\n+49 89 123456",
        "ann\nhttps://acme.example",
        "Acme GmbH, Ringstr. 5\nann@acme.example\n\nThis mail is only for who it is sent to.",
        "Ann\nPlease think of the trees before you print this.",
        "***\n#### ****",
    ],
)
@pytest.mark.parametrize("dashes", ["--", "-- "])
def test_what_reads_like_a_signature_is_hidden(dashes: str, signature: str) -> None:
    seen = visible(f"It is on.\n\n{dashes}\n{signature}")
    assert seen.text == "It is on."
    assert seen.hidden_kinds == "signature"
