"""The texts of outgoing mail: the text of each kind, in each language, and custom templates."""

from __future__ import annotations

import re
from datetime import timedelta
from email.header import decode_header, make_header
from html.parser import HTMLParser
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.outgoing.compose import Composer
from gateway.outgoing.quoted_comment import LONGEST_BEGINNING, LONGEST_TEXT
from gateway.outgoing.templates import TemplatesRefused, load
from rules.mail.quoting import REPLY_MARK
from rules.policy import (
    CalendarSection,
    ClockSection,
    CompletenessSection,
    FactSection,
    TierSection,
)
from rules.sender.tokens import Purpose, ReplyToken, reply_address
from rules.sentence import sentence
from rules.service.more import EXAMINED, SHOWN
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import (
    EscalationPayload,
    NewCommentPayload,
    NewTicketPayload,
    ReceiptOutcome,
    ReceiptPayload,
    ReceiptText,
)
from rules.ticket.visibility import Visibility
from storage.notices.comments import MoreComments
from storage.notices.more import QUOTE_THE_LAST
from tests.gateway.outgoing.notices import (
    LINKS_BEGIN,
    TEATIME,
    a_comment,
    a_notice,
    about,
    html_of,
    text_of,
    written,
)
from tests.rules.building import KEYS, MAILBOX, SUPPORT, default_policy

LANGUAGES = ("en", "de")
STAFF = tuple(kind for kind in NoticeKind if kind.traits.for_staff)


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open, or is left open."""

    VOID = ("meta", "br", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# Every kind


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_is_written_in_every_language(kind: NoticeKind, language: str) -> None:
    mail = written(kind, language=language)

    html = Balanced()
    html.feed(html_of(mail))
    assert html.open == []
    assert not html.seen & {"script", "img", "table", "link", "iframe"}
    assert "\n\n\n" not in text_of(mail)
    assert f'<html lang="{language}">' in html_of(mail)
    assert mail["Subject"]


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - {NoticeKind.ALERT, NoticeKind.RECEIPT}))
def test_the_languages_differ(kind: NoticeKind) -> None:
    english, german = (text_of(written(kind, language=language)) for language in LANGUAGES)

    assert english != german


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - {NoticeKind.INVITATION}))
def test_a_notice_without_details_is_written(kind: NoticeKind) -> None:
    bare = about(requester="", company="", subject="", opened_by="", participant=None)

    mail = written(
        kind, about=bare, payload=kind.traits.payload(), comment=None, name="", answers=""
    )

    assert "None" not in text_of(mail)
    assert "\n\n\n" not in text_of(mail)


@pytest.mark.parametrize(
    ("wanted", "policy", "greeting"),
    [
        ("", "en", "Hello Ann"),
        ("", "de", "Guten Tag Ann"),
        ("en", "de", "Hello Ann"),
        ("de-AT", "en", "Guten Tag Ann"),
        ("fr", "de", "Hello Ann"),
    ],
)
def test_the_recipients_language_takes_precedence_over_the_policys(
    wanted: str, policy: str, greeting: str
) -> None:
    mail = written(policy=default_policy(language=policy), language=wanted)

    assert greeting in text_of(mail)


# What customers read


def test_a_critical_claim_is_shown_the_critical_channel_before_all_else() -> None:
    claimed = written(
        about=about(severity="High", severity_claimed="Critical", critical_claimed=True)
    )

    assert text_of(claimed).startswith("For critical problems, please use the way")
    body = html_of(claimed).partition("<body>")[2]
    assert re.sub(r"<[^>]+>|\s+", " ", body).strip().startswith("For critical problems")
    assert "severity is High; you asked for Critical" in text_of(claimed)


def test_without_a_claim_critical_is_not_mentioned() -> None:
    assert "critical" not in text_of(written()).lower()


def test_a_plan_with_a_critical_channel_of_its_own_names_that_one() -> None:
    gold = TierSection(
        name="gold",
        title="Gold",
        critical_channel="Call +49 30 1234.",
        critical_first_in_portal=True,
    )
    policy = default_policy(tiers=(gold,))

    text = text_of(written(policy=policy, about=about(tier="gold", critical_claimed=True)))

    assert text.startswith("Call +49 30 1234.")
    assert "must be logged in the portal first" in text


def test_what_is_missing_is_asked_for() -> None:
    fact = FactSection(name="environment", ask="Where does it run?", patterns=("prod",))
    policy = default_policy(completeness=CompletenessSection(facts=(fact,)))

    mail = written(policy=policy, about=about(missing=("environment",)))

    assert "* Where does it run?" in text_of(mail)
    assert "<li>Where does it run?</li>" in html_of(mail)


def test_a_promise_names_the_zone_of_the_desk() -> None:
    clock = ClockSection(calendar=CalendarSection(zone="Europe/Berlin"))
    policy = default_policy(clock=clock)
    due = about(due_at=TEATIME)

    english, german = (
        text_of(written(policy=policy, about=due, language=language)) for language in LANGUAGES
    )

    assert "first response by Monday 23 November 2026, 17:00 (Europe/Berlin)." in english
    assert "bis Montag, 23. November 2026, 17:00 Uhr (Europe/Berlin)." in german


def test_a_comment_shows_who_wrote_what_with_which_files() -> None:
    comment = a_comment("It prints.\n\nBob", attachments=("log.txt", "a b.png"))

    text = text_of(written(NoticeKind.COMMENT, comment=comment))

    assert text.startswith("Bob <bob@acme.example> wrote:\nMonday 2 March 2026, 12:00 (UTC)\n")
    assert "\n\nIt prints.\n\nBob\n" in text
    assert "Files: log.txt, a b.png" in text


def test_what_an_author_quotes_is_left_out() -> None:
    comment = a_comment("It prints.\n\n> Does it print?\n> Sam")

    assert "Does it print" not in text_of(written(NoticeKind.COMMENT, comment=comment))


def test_html_in_a_text_is_text() -> None:
    mail = written(
        NoticeKind.COMMENT, comment=a_comment('<img src="https://track.example/x"> & more')
    )

    assert "&lt;img src=" in html_of(mail)
    assert "<img" not in html_of(mail)


def test_controls_reach_no_terminal() -> None:
    assert "\x1b" not in text_of(written(NoticeKind.COMMENT, comment=a_comment("a\x1b[2Jb\x00c")))


def test_a_very_long_text_is_shortened_and_says_so() -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment("x" * (LONGEST_TEXT + 1)))

    assert "The full text is stored" in text_of(mail)
    assert len(text_of(mail)) < LONGEST_TEXT + 1000


def test_a_text_that_nobody_could_read_is_not_passed_over() -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment("", degraded=True))

    assert "could not be read" in text_of(mail)


def test_a_change_says_what_it_was_and_why() -> None:
    text = text_of(written(NoticeKind.STATUS, language="de"))

    assert "hat jetzt den Status „gelöst“ (zuvor „offen“)" in text
    assert "Grund: It prints." in text


# What staff read


@pytest.mark.parametrize("kind", STAFF)
def test_staff_write_above_the_mark(kind: NoticeKind) -> None:
    mail = written(kind, about=about())

    assert text_of(mail).startswith(f"{REPLY_MARK}\n")
    assert REPLY_MARK in html_of(mail)


@pytest.mark.parametrize("kind", STAFF)
def test_what_is_about_no_ticket_has_the_mark_as_well(kind: NoticeKind) -> None:
    """A digest names the senders and subjects of all companies, and may be forwarded."""
    mail = written(kind, about=None, comment=None)

    assert text_of(mail).startswith(f"{REPLY_MARK}\n")
    assert REPLY_MARK in html_of(mail)


@pytest.mark.parametrize("by_staff", [True, False])
def test_no_customer_is_sent_a_notice_to_staff_that_somebody_answered_between_its_lines(
    by_staff: bool,
) -> None:
    quoted = f"> {REPLY_MARK}\n>\n> Sue wrote a note:\n> Ann exaggerates.\n\nI saw it, too."
    comment = a_comment(f"It works again.\n\n{quoted}", by_staff=by_staff)

    text = text_of(written(NoticeKind.COMMENT, comment=comment))

    assert "It works again." in text
    assert "exaggerates" not in text
    assert ("[Shortened." in text) is not by_staff


@pytest.mark.parametrize("kind", [NoticeKind.ESCALATION, NoticeKind.ACCOUNT_TEAM])
def test_contacts_write_above_the_mark(kind: NoticeKind) -> None:
    mail = written(kind)

    assert text_of(mail).startswith(f"{REPLY_MARK}\n")
    assert REPLY_MARK in html_of(mail)


@pytest.mark.parametrize(
    "kind",
    sorted(set(NoticeKind) - {*STAFF, NoticeKind.ESCALATION, NoticeKind.ACCOUNT_TEAM}),
)
def test_nobody_else_sees_the_mark(kind: NoticeKind) -> None:
    assert REPLY_MARK not in written(kind).as_string()


def test_staff_see_who_asks_and_what_is_known() -> None:
    ticket = about(
        severity="High",
        severity_claimed="Critical",
        critical_claimed=True,
        fields={"project_id": "p-1"},
        missing=("environment",),
        due_at=TEATIME,
        channel="phone",
    )
    text = text_of(written(NoticeKind.NEW_TICKET, about=ticket, payload=NewTicketPayload(9)))

    notes, words, facts = re.split("(Bob <[^#]+)", text, maxsplit=1)
    assert "marked this as critical" in notes
    assert "mentions #9" in notes
    assert "It prints again." in words
    for shown in (
        "ann@acme.example",
        "Acme",
        "High (customer asked for Critical)",
        "phone",
        "project_id: p-1",
        "Missing   environment",
        "Monday 23 November 2026, 16:00 (UTC)",
    ):
        assert shown in facts


@pytest.mark.parametrize(
    ("visibility", "intro"),
    [
        (Visibility.NOTE, "wrote a note (visible to staff only):"),
        (Visibility.PRIVATE, "wrote (not public until staff accept it):"),
        (Visibility.PUBLIC, "wrote:"),
    ],
)
def test_staff_see_who_else_reads_a_comment(visibility: Visibility, intro: str) -> None:
    mail = written(
        NoticeKind.NEW_COMMENT,
        comment=a_comment(visibility=visibility),
        payload=NewCommentPayload(visibility),
    )

    assert f"Bob <bob@acme.example> {intro}" in text_of(mail)


# An operator's own


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for folder in ("support@help.example/en", "default/en", "default/de"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def custom_text(folder: Path, **changes: object) -> str:
    return text_of(written(composer=Composer(KEYS, LINKS_BEGIN, load(folder)), **changes))  # type: ignore[arg-type]  # by name


NAME = "acknowledgement.txt.j2"


def test_a_template_of_the_mailbox_takes_precedence_over_the_policys(own: Path) -> None:
    (own / "default" / "en" / NAME).write_text("policy's, #{{ ticket }}")
    assert custom_text(own) == "policy's, #7\n"

    (own / "support@help.example" / "en" / NAME).write_text("mailbox's, #{{ ticket }}")
    assert custom_text(own) == "mailbox's, #7\n"


def test_a_template_counts_for_its_language_alone(own: Path) -> None:
    (own / "default" / "de" / NAME).write_text("Ja.")

    assert custom_text(own).startswith("Hello Ann")
    assert custom_text(own, language="de") == "Ja.\n"


def test_a_custom_text_template_disables_the_shipped_html(own: Path) -> None:
    (own / "default" / "en" / NAME).write_text("Ours.")

    mail = written(composer=Composer(KEYS, LINKS_BEGIN, load(own)))

    assert mail.get_content_type() == "text/plain"


def test_a_part_of_the_shipped_templates_can_be_changed_alone(own: Path) -> None:
    (own / "default" / "en" / "_footer.txt.j2").write_text("Ours, with love.\n")

    assert custom_text(own).endswith("-- \nSupport, support@help.example\nOurs, with love.\n")


@pytest.mark.parametrize(
    "broken",
    [
        "{{ ticket.nothing.at.all }}",
        "{{ ticket / 0 }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ ticket + subject }}",
        "{% include 'missing.txt.j2' %}",
        "{% for i in range(10000000) %}{% endfor %}",
    ],
)
def test_a_template_that_fails_costs_no_mail(own: Path, broken: str) -> None:
    (own / "default" / "en" / NAME).write_text(broken)

    with capture_logs() as logged:
        text = custom_text(own)

    assert text.startswith("Hello Ann")
    assert [each["event"] for each in logged] == ["template_refused"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("default/en/acknowledgement.txt.j2", "{% if %}", "line 1: "),
        ("default/en/acknowledgement.txt.j2", "{{ tiket }}", "did you mean ticket?"),
        ("default/en/acknowlegement.txt.j2", "x", "did you mean acknowledgement.txt.j2?"),
        ("default/fr/status.txt.j2", "x", "expected one of: en, de"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(
    own: Path, name: str, text: str, complaint: str
) -> None:
    (own / name).parent.mkdir(exist_ok=True)
    (own / name).write_text(text)

    with pytest.raises(TemplatesRefused) as refused:
        load(own)

    assert name in str(refused.value)
    assert complaint in str(refused.value)


def test_a_folder_that_is_none_is_refused() -> None:
    with pytest.raises(TemplatesRefused, match=r"no-such: policies\.templates is not a folder"):
        load(Path("no-such"))


def test_an_invitation_says_how_long_it_works() -> None:
    late = a_notice().created_at + timedelta(days=14)

    assert f"until {late.day} March 2026" in text_of(written(NoticeKind.INVITATION))


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_answer_to_the_question_for_feedback_is_called_public(language: str) -> None:
    shown = text_of(written(NoticeKind.FEEDBACK, language=language))

    assert "Everyone on" not in shown
    assert "alle Beteiligten" not in shown


@pytest.mark.parametrize("saying", ReceiptText)
def test_a_receipt_is_in_the_readers_language(saying: ReceiptText) -> None:
    payload = ReceiptPayload(saying, 4, "1: #stauts")

    in_english, in_german = (
        text_of(written(NoticeKind.RECEIPT, payload=payload, language=language))
        for language in LANGUAGES
    )

    assert in_english != in_german
    assert ("#4" in in_english) is ("#4" in in_german) is (saying is ReceiptText.BEGINS_ANEW)


@pytest.mark.parametrize(
    ("saying", "text"),
    [
        (
            ReceiptText.NOTHING_DONE,
            "Nothing was done, and nothing was published:\n1: #stauts\n2: #assing\n",
        ),
        (
            ReceiptText.NOTHING_PUBLISHED,
            "Nothing was published on #7: your mail has no text of its own.\n",
        ),
        (
            ReceiptText.USAGE,
            "Commands stand at the head of a mail, one on a line:\n1: #stauts\n2: #assing\n",
        ),
    ],
)
def test_a_receipt_lists_faults_and_usage_below_its_sentence(
    saying: ReceiptText, text: str
) -> None:
    mail = written(
        NoticeKind.RECEIPT,
        payload=ReceiptPayload(
            saying,
            text="1: #stauts\n2: #assing",
            sentences=(sentence("1: {name}", name="#stauts"), sentence("2: #assing")),
        ),
    )

    assert text_of(mail).startswith(text)
    assert text.strip() in html_of(mail)


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "Reason        Urgent (Sam has not answered yet and is asked again; Kim follows "),
        ("de", "Grund          Urgent (Sam hat noch nicht geantwortet und wird noch einmal "),
    ],
)
def test_an_escalation_gives_its_reasons_in_the_readers_language(
    language: str, reason: str
) -> None:
    note = sentence(
        "{title} has not answered yet and is asked again; "
        "{next_title} follows after that answer, or with the next request.",
        title="Sam",
        next_title="Kim",
    )
    payload = EscalationPayload(why="Urgent", notes=(note,))

    assert reason in text_of(written(NoticeKind.ESCALATION, payload=payload, language=language))


HOSTILE = "Yes.\n\n* Sam wrote:\n\nClose it.\n" + "filler " * 20 + "* Sam wrote:\u2028* Sam wrote:"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [NoticeKind.MORE, NoticeKind.STAFF_MORE])
def test_no_line_of_a_comment_in_a_summary_begins_at_the_margin(
    kind: NoticeKind, language: str
) -> None:
    comment = a_comment(HOSTILE, subject="* Sam wrote:", attachments=("* Sam wrote:.txt",) * 20)
    latest = (comment, a_comment("Mine."))

    text = text_of(written(kind, language=language, more=MoreComments(2, latest)))

    begun = [line for line in text.splitlines() if line.startswith("* ")]
    assert len(begun) == 2
    assert not any("Sam" in line for line in begun)
    of_the_comment = [line for line in text.splitlines() if "Sam" in line or "filler" in line]
    assert len(of_the_comment) >= 8
    assert all(line.startswith("| ") for line in of_the_comment)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_of_a_comment_in_an_escalation_begins_at_the_margin(language: str) -> None:
    text = text_of(written(NoticeKind.ESCALATION, language=language, comment=a_comment(HOSTILE)))

    of_the_comment = [line for line in text.splitlines() if "Sam" in line or "Close" in line]
    assert len(of_the_comment) >= 4
    assert all(line.startswith("| ") for line in of_the_comment)


@pytest.mark.parametrize(("size", "shortened"), [(EXAMINED, False), (EXAMINED + 1, True)])
def test_a_comment_that_was_not_read_as_a_whole_is_said_to_be_shortened(
    size: int, shortened: bool
) -> None:
    """What is hidden of it, a quote, leaves little to show."""
    words = "Mine." + " " * 10
    above = f"{words}\n\nOn Monday Sam wrote:\n> "
    comment = a_comment(above + "q" * (size - len(above)))
    assert len(comment.text) == size

    text = text_of(written(NoticeKind.MORE, more=MoreComments(1, (comment,))))

    assert "| Mine.\n" in text
    assert ("[Shortened." in text) is shortened


def test_a_reply_address_through_which_a_long_comment_is_cut_is_not_shown_in_part() -> None:
    bobs = reply_address(KEYS, MAILBOX.id, SUPPORT, ReplyToken(7, 71, Purpose.REPLY))
    secret = bobs.partition("+")[2].partition("@")[0]
    comment = a_comment((f"{secret} " * EXAMINED)[: EXAMINED + 1])
    assert not comment.text.endswith((secret, f"{secret} "))

    text = text_of(written(NoticeKind.MORE, more=MoreComments(1, (comment,))))

    assert secret[:16] not in text


def test_of_thousands_of_files_a_notice_names_the_first() -> None:
    names = tuple(f"file{i}.txt" for i in range(2000))
    comment = a_comment("It prints.\n\nBob", attachments=names)

    text = text_of(written(NoticeKind.COMMENT, comment=comment))

    assert "file49.txt, … (+1950)" in " ".join(text.split())
    assert "file50.txt" not in text


@pytest.mark.parametrize(
    "name",
    [
        "Sam <sam@help.example>",
        "sam\uff20help.example",
        "SUPPORT",
        "Support (Sam)",
        "Sam via Support",
        "Sup\u200bport",
        "Sup\u200dport",
        "Support\u3164",
        "S u p p o r t",
        "\uff33upport: Sam",
    ],
)
def test_a_customer_whose_name_poses_as_somebody_else_is_shown_by_address(name: str) -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment("Send me the password.", name=name))

    assert text_of(mail).startswith("bob@acme.example wrote:\n")
    assert "sam" not in str(mail["From"]).lower()


@pytest.mark.parametrize(
    "name", ["Bob \u202eton si siht", "Bob\u2066", "\u200fBob\ufeff", "Bob\u115f"]
)
def test_a_name_turns_no_words_of_ours_round(name: str) -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment("It prints.", name=name))
    shown = str(make_header(decode_header(str(mail["From"]))))

    assert shown.isprintable()
    assert shown.startswith("Bob")
    assert " via Support" in shown
    assert text_of(mail).splitlines()[0].isprintable()


@pytest.mark.parametrize("turn", ["\u202b", "\u202e", "\u2067"])
def test_a_subject_turns_no_words_of_ours_round(turn: str) -> None:
    mail = written(NoticeKind.STATUS, about=about(subject=f"Printer {turn}nepo"))
    shown = str(make_header(decode_header(str(mail["Subject"]))))

    assert "Printer nepo" in shown
    assert turn not in shown + text_of(mail)


@pytest.mark.parametrize(
    "name", ["Bob Supporter", "Rapporteur", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]
)
def test_a_name_that_is_only_like_the_desks_is_shown(name: str) -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment("It prints.", name=name))

    assert text_of(mail).startswith(f"{name} <bob@acme.example> wrote:\n")


# What mail clients show whole

CLIPPED_AT = 102 * 1024
"""Octets of HTML above which Gmail hides the rest."""


@pytest.mark.parametrize("text", ["word " * 40_000, "<&> " * 40_000, "印刷 " * 40_000])
@pytest.mark.parametrize("kind", [NoticeKind.COMMENT, NoticeKind.NEW_TICKET, NoticeKind.STATUS])
def test_a_mail_with_a_long_comment_is_not_clipped_and_says_it_is_shortened(
    kind: NoticeKind, text: str
) -> None:
    mail = written(kind, comment=a_comment(text, attachments=("a" * 200,) * 40))

    assert len(html_of(mail).encode()) < CLIPPED_AT
    assert "Shortened" in html_of(mail)


def test_a_summary_of_long_comments_is_not_clipped() -> None:
    latest = (a_comment("<&> " * 5_000, attachments=("a" * 200,) * 40),) * SHOWN

    mail = written(NoticeKind.STAFF_MORE, more=MoreComments(SHOWN, latest))

    assert len(html_of(mail).encode()) < CLIPPED_AT


@pytest.mark.parametrize(
    ("payload", "language", "begins"),
    [
        (ReceiptPayload(ReceiptText.NOTHING_DONE), "en", "Not done: [#7]"),
        (ReceiptPayload(ReceiptText.FOLDED), "de", "Nicht ausgeführt: [#7]"),
        (ReceiptPayload(outcome=ReceiptOutcome.NOT_DONE), "en", "Not done: [#7]"),
        (ReceiptPayload(outcome=ReceiptOutcome.DONE), "de", "Ausgeführt: [#7]"),
        (ReceiptPayload(ReceiptText.LEFT), "en", "Done: [#7]"),
        (ReceiptPayload(ReceiptText.USAGE), "en", "Commands: [#7]"),
        (ReceiptPayload(text="of an earlier version"), "en", "Re: [#7]"),
    ],
)
def test_the_subject_of_a_receipt_says_whether_it_was_done(
    payload: ReceiptPayload, language: str, begins: str
) -> None:
    mail = written(NoticeKind.RECEIPT, payload=payload, language=language)
    assert str(mail["Subject"]).startswith(begins)
    assert mail["In-Reply-To"] == "<1@client.example>"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", QUOTE_THE_LAST)
def test_an_alert_shows_the_beginning_of_the_words_that_it_is_about(
    kind: NoticeKind, language: str
) -> None:
    words = "The pump in hall 3 leaks.\n\n" + "It drips. " * 1000
    mail = written(kind, comment=a_comment(words, is_the_last=True), language=language)

    for shown in (text_of(mail), html_of(mail)):
        assert "Bob" in shown
        assert "The pump in hall 3 leaks." in shown
        assert 50 < shown.count("It drips.") <= LONGEST_BEGINNING / len("It drips. ")
    assert "The pump" not in text_of(written(kind, language=language))


@pytest.mark.parametrize(
    ("language", "rating", "subject", "shown"),
    [
        ("en", "bad", "Feedback: [#7] Printer", "Feedback on the help: bad"),
        ("de", "good", "Rückmeldung: [#7] Printer", "Rückmeldung zur Hilfe: gut"),
        ("en", "", "Feedback: [#7] Printer", "Feedback on the help"),
    ],
)
def test_feedback_is_shown_to_staff_as_feedback(
    language: str, rating: str, subject: str, shown: str
) -> None:
    payload = NewCommentPayload(Visibility.NOTE, feedback=True, rating=rating)
    mail = written(NoticeKind.NEW_COMMENT, payload=payload, language=language)

    assert mail["Subject"] == subject
    assert shown in text_of(mail)
    assert shown in html_of(mail)
