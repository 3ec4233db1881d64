"""A day of a support team in its mail clients, through the real SMTP port, on both stores.

`support_day/script.py` has the mails of the day, `expected.py` what must come of them. One run on
one server; the tests read its result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from rules.mail.quoting import REPLY_MARK
from rules.ticket.audit import AuditEvent
from storage.ticket.views import AuditView
from tests.acceptance.outbox import SentMail
from tests.acceptance.policies.policy_server import SAM
from tests.acceptance.support_day.cast import (
    ANN,
    BOB,
    DORA,
    EMIL,
    FRITZ,
    GERMAN,
    STAFF,
    TIER,
    TINA,
    UWE,
    Client,
)
from tests.acceptance.support_day.clients import SIGNED
from tests.acceptance.support_day.expected import (
    ASSIGNED,
    AUTHOR_ALONE,
    CUSTOMERS_READ,
    DONE,
    HISTORY,
    MISTAKES,
    NO_STAFF,
    TICKETS,
    Ended,
)
from tests.acceptance.support_day.play import Day, played_day, words_of
from tests.acceptance.support_day.script import DAY, LOG, MANUAL, SCREENSHOT
from tests.stores import PostgresStores, SqliteStores

_TOKEN = re.compile(r"support(?:\+|%2b)([a-z2-7]{36})(?![a-z2-7])")
_COMMAND = re.compile(r"(?m)^\W*(#[a-zäöü]+)", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"(?:wrote|schrieb) Support|Support (?:<\S*> )?(?:wrote|schrieb):| (?:Sent|Gesendet): "
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """One server for all tests, on which the day was played."""
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    with played_day(tmp_path_factory.mktemp("day"), stores.new()) as played:
        yield played


def everything_in(mail: EmailMessage) -> str:
    """The header and all texts of a mail, decoded, and once more with the lines joined."""
    parts = [f"{name}: {value}" for name, value in mail.items()]
    parts += [
        str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"
    ]
    whole = "\n".join(parts)
    joined = re.sub(r"=?\r?\n[> \t]*", "", whole)
    return f"{whole}\n{joined}"


def files_in(mail: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}


def line_of(entry: AuditView) -> str:
    who = entry.actor or "clock"
    about = f"{entry.event} {entry.subject} {entry.was} > {entry.became}"
    return " ".join(f"{entry.at:%H:%M} {who} {about}".split())


def sent_to(day: Day, name: str, reader: str) -> SentMail:
    return next(each for each in day.played[name].sent if each.to == reader)


def test_forty_mails_of_four_clients_in_two_languages_are_accepted(day: Day) -> None:
    answers = [each.answer[0] for each in day.played.values()]

    assert answers == [250] * len(DAY)
    assert len(DAY) >= 40
    assert {(mail.client, mail.author in GERMAN) for mail in DAY} == {
        (client, german) for client in Client for german in (True, False)
    }


def test_the_tickets_end_with_their_status_severity_assignee_people_and_tags(day: Day) -> None:
    ended = {}
    for name in day.tickets:
        view = day.ticket(name)
        on_it = sorted(m.address for m in view.members if m.address not in STAFF)
        on_it.remove(view.summary.requester)
        ended[name] = Ended(
            view.summary.subject,
            view.summary.status,
            view.summary.severity,
            view.summary.assignee,
            (view.summary.requester, *on_it),
            tuple(sorted(view.summary.tags)),
        )

    assert ended == TICKETS
    assert sorted(day.tickets.values()) == list(range(1, len(TICKETS) + 1))


def test_no_ticket_is_critical_and_the_claim_of_one_reaches_all_staff(day: Day) -> None:
    severities = {day.ticket(name).summary.severity for name in day.tickets}
    changes = {line.became for name in day.tickets for line in day.ticket(name).history}

    assert "Critical" not in severities | changes
    assert day.ticket("login").summary.severity_claimed == "Critical"
    for each in STAFF:
        claim = "ein kritisches Problem" if each in GERMAN else "a critical problem"
        assert any(claim in text for text in day.played["login"].to(each))


@pytest.mark.parametrize("name", [mail.name for mail in DAY])
def test_each_mail_reaches_whom_it_is_meant_for_and_nobody_else(day: Day, name: str) -> None:
    played, expected = day.played[name], CUSTOMERS_READ.get(name, {})
    colleagues = set(STAFF) - {played.mail.author}

    assert played.readers - set(STAFF) == set(expected)
    for reader, words in expected.items():
        assert any(words in text for text in played.to(reader)), played.to(reader)
    if name in NO_STAFF:
        assert not played.readers & set(STAFF)
    elif name in ASSIGNED:
        assert played.readers & set(STAFF) == {played.mail.author, ASSIGNED[name]}
    elif name in AUTHOR_ALONE:
        assert played.readers & set(STAFF) == {played.mail.author}
    else:
        assert played.readers >= colleagues


def test_a_customer_is_sent_each_public_answer_once(day: Day) -> None:
    for name, expected in CUSTOMERS_READ.items():
        for reader, words in expected.items():
            texts = [words_of(each.mail) for each in day.sent if each.to == reader]
            assert sum(words in text for text in texts) == 1, (name, reader)


def test_what_is_for_staff_alone_reaches_staff_and_no_customer(day: Day) -> None:
    to_staff = "\n".join(everything_in(each.mail) for each in day.sent if each.to in STAFF)
    to_customers = [everything_in(each.mail) for each in day.to_customers]
    secrets = [mail.secret for mail in DAY if mail.secret]

    assert [word for word in secrets if word not in to_staff] == []
    assert [word for word in (*secrets, TIER, REPLY_MARK) if word not in to_staff] == []
    for text in to_customers:
        inside = (*secrets, TIER, REPLY_MARK, "Proof ", "Nachweis ", "only staff can read")
        assert [word for word in inside if word in text] == []


def test_no_command_of_staff_is_in_a_mail_to_a_customer(day: Day) -> None:
    names = {name for mail in DAY if mail.author in STAFF for name in _COMMAND.findall(mail.text)}
    commands = re.compile("|".join(rf"{name}\b" for name in names), re.IGNORECASE)
    to_staff = "\n".join(words_of(each.mail) for each in day.sent if each.to in STAFF)

    assert len(names) > 15
    assert commands.search(to_staff)
    for each in day.to_customers:
        assert commands.findall(everything_in(each.mail)) == []


def test_a_mail_to_a_customer_has_the_token_of_its_reader_alone(day: Day) -> None:
    own_of: dict[str, set[str]] = {}
    for each in day.sent:
        own_of.setdefault(each.to, set()).update(_TOKEN.findall(str(each.mail["Reply-To"])))

    assert all(own_of[each] for each in STAFF)
    for each in day.to_customers:
        assert set(_TOKEN.findall(everything_in(each.mail).lower())) <= own_of[each.to]


def test_customers_read_neither_quotes_nor_signatures_of_clients(day: Day) -> None:
    for each in day.to_customers:
        text = everything_in(each.mail)
        left_out = (SIGNED, "Sent from my iPhone", "Von meinem iPhone gesendet", "gmail_quote")
        assert [words for words in left_out if words in text] == []
        assert _ATTRIBUTION.findall(words_of(each.mail)) == []
    for name in ("export log", "printer technician", "invoice amount"):
        assert _ATTRIBUTION.search(" ".join(day.comment(name).text.split()))


@pytest.mark.parametrize("name", list(MISTAKES))
def test_a_mistake_has_a_receipt_that_gives_the_reason_and_the_text(day: Day, name: str) -> None:
    played = day.played[name]
    mail = played.mail
    receipt = sent_to(day, name, mail.author)

    subject = "Nicht ausgeführt: [#" if mail.author in GERMAN else "Not done: [#"
    words = words_of(receipt.mail)
    assert receipt.subject.startswith(subject)
    assert [each for each in (MISTAKES[name], *mail.text.split("\n")) if each not in words] == []
    assert day.comment(name).visibility in ("private", "folded")


def test_the_text_of_a_receipt_has_its_commands_first_and_can_be_sent_again(day: Day) -> None:
    receipt = words_of(sent_to(day, "export greeting", SAM).mail)

    assert "#assign me Hello Ann, I can reproduce the error" in receipt
    assert day.comment("export corrected").visibility == "public"


def test_colleagues_are_notified_of_a_draft(day: Day) -> None:
    for name in ("export greeting", "printer both", "login unknown", "login wrong"):
        author = day.played[name].mail.author
        for colleague in set(STAFF) - {author}:
            (text,) = day.played[name].to(colleague)
            assert "not public" in text or "nicht öffentlich" in text


@pytest.mark.parametrize("name", list(DONE))
def test_a_receipt_lists_what_was_done(day: Day, name: str) -> None:
    author = day.played[name].mail.author
    done = "Ausgeführt: [#" if author in GERMAN else "Done: [#"
    receipts = [text for text in day.played[name].to(author) if text.startswith(done)]

    assert len(receipts) == 1
    assert [words for words in DONE[name] if words not in receipts[0]] == []


def test_help_is_the_list_of_commands_in_the_language_of_its_reader(day: Day) -> None:
    (text,) = day.played["inline help"].to(UWE)

    assert "#zuweisen ich|name|niemand: legt fest, wer das Ticket bearbeitet" in text


def test_the_audit_trail_has_a_line_for_each_change(day: Day) -> None:
    found = {name: list(map(line_of, day.ticket(name).history)) for name in day.tickets}

    assert found == HISTORY


def test_a_reason_stays_in_the_audit_trail_and_its_public_part_reaches_the_customer(
    day: Day,
) -> None:
    history = day.ticket("printer").history
    (changed,) = [line for line in history if line.event is AuditEvent.SEVERITY_CHANGED]

    assert "IGEL" in changed.reason
    assert any(
        "Grund: Das Lager kann nicht liefern." in text
        for text in day.played["printer severity"].to(DORA)
    )


def test_a_mail_that_comes_twice_counts_once(day: Day) -> None:
    first, again = day.played["export log"], day.played["export log again"]

    assert again.answer == first.answer
    assert again.sent == ()
    texts = [c.text for c in day.ticket("export").comments if "what the log says" in c.text]
    assert len(texts) == 1


def test_an_out_of_office_reply_is_kept_and_has_no_effect(day: Day) -> None:
    assert day.comment("export away").visibility == "folded"
    assert day.played["export away"].sent == ()


def test_thanks_reopen_nothing(day: Day) -> None:
    assert day.comment("export thanks").visibility == "public"
    assert day.ticket("export").summary.status == "resolved"


def test_a_customers_status_command_is_text_and_changes_nothing(day: Day) -> None:
    assert day.comment("login closed").text.startswith("#status closed")
    assert day.ticket("login").summary.status == "open"
    for each in STAFF:
        (text,) = day.played["login closed"].to(each)
        assert "#status closed It works again" in text


def test_files_travel_both_ways(day: Day) -> None:
    ways = (
        ("export", SAM, SCREENSHOT),
        ("export log", TINA, LOG),
        ("export log", BOB, LOG),
        ("export fixed", ANN, MANUAL),
        ("export fixed", BOB, MANUAL),
    )

    for name, reader, (file, content) in ways:
        assert files_in(sent_to(day, name, reader).mail) == {file: content}
    assert "error.png (2,0 KB, im Anhang)" in day.played["export"].to(UWE)[0]


def test_what_staff_forward_is_the_customers_request_and_their_words_are_a_note(day: Day) -> None:
    for name, requester, request in (
        ("attached", BOB, "My second screen stays black."),
        ("inline", FRITZ, "Ich habe mein Passwort vergessen."),
    ):
        first, note = day.ticket(name).comments[:2]
        assert day.ticket(name).summary.requester == requester
        assert (first.visibility, first.text.strip()) == ("public", request)
        assert (note.visibility, day.played[name].mail.text in note.text) == ("note", True)


def test_a_reply_on_a_merged_ticket_reaches_the_people_of_the_other(day: Day) -> None:
    assert day.played["printer gate"].ticket == day.tickets["printer"]
    assert day.ticket("printer twice").summary.merged_into == day.tickets["printer"]


def test_an_answer_below_the_quote_of_a_customer_is_read(day: Day) -> None:
    for each in STAFF:
        (text,) = day.played["printer below"].to(each)
        assert "Die Lampe leuchtet rot, nicht grün." in text
    assert day.presence("printer", EMIL) == "active"


def test_a_snooze_ends_with_a_reply_or_reminds_the_assignee(day: Day) -> None:
    assert [(each.to, each.subject) for each in day.woken] == [
        (TINA, "Snooze over: [#9] Export stops")
    ]
    assert day.ticket("invoice").summary.snooze_until is None


def test_a_closing_below_commands_is_not_sent_to_customers(day: Day) -> None:
    assert day.comment("export split").visibility == "note"
    assert not any(text.endswith("Kind regards Sam") for text in day.played["export split"].to(ANN))


def test_who_is_assigned_a_ticket_by_a_colleague_is_notified_of_it_once(day: Day) -> None:
    sent = day.played["question snoozed"].sent

    assert sorted((each.to, each.subject) for each in sent) == [
        (SAM, "Done: [#9] Export stops"),
        (TINA, "Assigned to you: [#9] Export stops"),
    ]
    assert "Sam assigned this ticket to you" in words_of(
        sent_to(day, "question snoozed", TINA).mail
    )
