"""What outgoing mail states to this reader: what a reply becomes, times that lie ahead, and the
ways that are open to them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal

import pytest

from gateway.outgoing.compose import Composer
from gateway.outgoing.linked import linked
from gateway.outgoing.sentences import worded
from rules.mail.opening import ENCRYPTED
from rules.policy import (
    EscalationLevel,
    EscalationSection,
    FeedbackSection,
    FollowUpSection,
    NamedCalendarSection,
    Policy,
    SeveritySection,
    TierSection,
)
from rules.sentence import sentence
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import (
    AcknowledgementPayload,
    CompletedPayload,
    EscalationPayload,
    KeptPayload,
    QuestionsPayload,
    ReceiptPayload,
    ReceiptText,
)
from rules.ticket.waiting import Waiting
from tests.gateway.outgoing.notices import (
    LINKS_BEGIN,
    TEATIME,
    a_comment,
    about,
    html_of,
    text_of,
    written,
)
from tests.rules.building import KEYS, NOON, default_policy

LANGUAGES = ("en", "de")
AT_NIGHT = Composer(KEYS, LINKS_BEGIN, clock=lambda: TEATIME + timedelta(hours=6))
OFF = about(participant=None)
PHONE = "+49 (0)30 1234-567"


def footer(kind: NoticeKind, policy: Policy | None = None, **changes: Any) -> str:
    return text_of(written(kind, policy, **changes)).partition("\n-- \n")[2]


# What a reply becomes


@pytest.mark.parametrize("kind", [NoticeKind.COMMENT, NoticeKind.STATUS, NoticeKind.RECEIPT])
def test_the_reply_of_a_customer_is_public(kind: NoticeKind) -> None:
    assert "Everyone on #7 can read your reply." in footer(kind)


def test_where_colleagues_read_along_the_footer_says_so() -> None:
    open_lists = default_policy(visibility="company")

    assert "Everyone on #7 and your colleagues can read" in footer(NoticeKind.COMMENT, open_lists)
    staff = footer(NoticeKind.NEW_TICKET, open_lists)
    assert "everyone on #7 and the customer's colleagues can read your reply" in staff


def test_what_is_agreed_with_a_company_takes_precedence_over_the_policy() -> None:
    opened = footer(NoticeKind.COMMENT, about=about(company_visibility="company"))
    closed = footer(
        NoticeKind.COMMENT,
        default_policy(visibility="company"),
        about=about(company_visibility="private"),
    )

    assert "and your colleagues" in opened
    assert "and your colleagues" not in closed


def test_without_a_company_no_colleague_is_named() -> None:
    alone = footer(
        NoticeKind.COMMENT, default_policy(visibility="company"), about=about(company="")
    )

    assert "Everyone on #7 can read your reply." in alone


@pytest.mark.parametrize(
    "kind", [NoticeKind.ESCALATION, NoticeKind.ALERT, NoticeKind.SLA_BREACH, NoticeKind.NEXT_STEPS]
)
def test_the_reply_of_a_contact_reaches_staff_alone(kind: NoticeKind) -> None:
    text = footer(kind, about=OFF, person=None)

    assert "Your reply reaches the support team only, as a comment on #7." in text
    assert "veryone" not in text


@pytest.mark.parametrize("kind", [NoticeKind.ESCALATION, NoticeKind.ALERT])
def test_the_reply_of_staff_off_the_ticket_waits_for_a_colleague(kind: NoticeKind) -> None:
    text = footer(kind, about=OFF, is_staff=True)

    assert "waits as a private comment until a colleague publishes it" in text


def test_the_reply_to_a_closed_request_opens_a_new_one() -> None:
    assert "A reply opens a new request." in footer(NoticeKind.STATUS, about=about(status="closed"))


def test_an_author_who_could_not_be_verified_reads_what_that_means_for_a_reply() -> None:
    waits = footer(NoticeKind.RECEIPT, payload=ReceiptPayload(ReceiptText.WAITS))

    assert "can read your reply, once we can verify that it is from you." in waits


def test_where_requests_are_refused_by_mail_so_is_a_reply_to_a_closed_one() -> None:
    refusing = default_policy(requests_by_mail="refuse")
    refused = "A reply is refused: new requests are submitted in the portal."

    assert refused in footer(NoticeKind.STATUS, refusing, about=about(status="closed"))
    assert refused in footer(NoticeKind.KEPT, refusing)
    assert refused not in footer(NoticeKind.STATUS, refusing)
    assert refused not in footer(NoticeKind.DIGEST, refusing, is_staff=True)


def test_a_guest_has_no_colleagues_among_the_requesters() -> None:
    guest = about(company_visibility="company", is_guest=True)

    assert "and the requester's colleagues can read" in footer(NoticeKind.COMMENT, about=guest)


def test_a_reply_to_a_digest_opens_a_request_and_one_to_an_invitation_waits() -> None:
    assert "A reply opens a new request." in footer(NoticeKind.DIGEST)
    assert "kept until you have signed up" in footer(NoticeKind.INVITATION, person=None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_footer_says_what_a_reply_becomes_in_text_and_html(
    kind: NoticeKind, language: str
) -> None:
    mail = written(kind, language=language)
    shown = " ".join(re.sub("<[^>]+>", " ", html_of(mail).partition("<footer>")[2]).split())

    below = text_of(mail).partition("\n-- \n")[2]
    assert re.search("Antwort|reply", below)
    for line in below.splitlines()[1:]:
        if "+" not in line:  # a reply address is a link in HTML
            assert line.strip() in shown


def test_of_a_comment_by_somebody_outside_no_quote_is_published() -> None:
    """It may be of a mail to a contact, in a form without its mark."""
    between = (
        "Yes.\n\nOn Mon, 23 Nov 2026 Support wrote:\n> Reason  She panics.\n\nI call.\n> Phone"
    )

    def shown(*, outside: bool) -> str:
        return text_of(written(NoticeKind.COMMENT, comment=a_comment(between, outside=outside)))

    assert "panics" in shown(outside=False)
    assert "Yes." in shown(outside=True)
    assert "panics" not in shown(outside=True)
    assert "[Shortened." in shown(outside=True)


# Times


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "kind",
    [
        NoticeKind.ACKNOWLEDGEMENT,
        NoticeKind.FOLLOW_UP,
        NoticeKind.COMPLETED,
        NoticeKind.QUESTIONS,
        NoticeKind.COMMENT,
    ],
)
def test_no_mail_to_a_customer_names_a_time_that_is_over(kind: NoticeKind, language: str) -> None:
    policy = default_policy(follow_up=FollowUpSection(levels=("Normal",)))
    changes: dict[str, Any] = {"about": about(due_at=TEATIME), "language": language}
    if kind is NoticeKind.QUESTIONS:
        changes["payload"] = QuestionsPayload(("Where?",), TEATIME.isoformat())
    if kind is NoticeKind.COMMENT:
        changes["comment"] = a_comment(by_staff=True, at=None)

    ahead = written(kind, policy, **changes)
    late = written(kind, policy, AT_NIGHT, **changes)

    assert "2026" in text_of(ahead)
    assert "2026" in html_of(ahead)
    assert "2026" not in text_of(late)
    assert "2026" not in html_of(late)


def test_an_acknowledgement_that_is_late_still_promises_an_answer() -> None:
    late = written(composer=AT_NIGHT, about=about(due_at=TEATIME))

    assert "You will receive a first response as soon as we can." in text_of(late)


def test_times_are_given_in_the_zone_of_the_tickets_calendar() -> None:
    policy = default_policy(calendars=(NamedCalendarSection(name="tokyo", zone="Asia/Tokyo"),))

    mail = written(policy=policy, about=about(due_at=TEATIME, calendar="tokyo"))

    assert "Tuesday 24 November 2026, 01:00 (Asia/Tokyo)" in text_of(mail)


def test_staff_see_the_time_that_is_over() -> None:
    late = written(NoticeKind.SLA_BREACH, composer=AT_NIGHT, about=about(due_at=TEATIME))

    assert "it was due by Monday 23 November 2026" in text_of(late)


def test_only_an_answer_at_such_a_level_names_the_next_follow_up() -> None:
    policy = default_policy(follow_up=FollowUpSection(levels=("High",)))
    high, normal = about(severity="High", due_at=TEATIME), about(due_at=TEATIME)
    answer = a_comment(by_staff=True)

    def text(**changes: Any) -> str:
        return text_of(written(NoticeKind.COMMENT, policy, **changes))

    assert "Next follow-up by Monday 23 November 2026" in text(about=high, comment=answer)
    assert "follow-up" not in text(about=normal, comment=answer)
    assert "follow-up" not in text(about=high)


# Ways


def test_a_customer_of_the_portal_is_not_sent_to_the_portal() -> None:
    both = SeveritySection(
        levels=default_policy().severity.levels,
        default="Normal",
        ceiling="High",
        critical_channel="Log it at https://portal.example.",
        critical_channel_in_portal=f"Call {PHONE}.",
    )
    claimed = about(critical_claimed=True)

    by_mail = text_of(written(policy=default_policy(severity=both), about=claimed))
    there = about(critical_claimed=True, door=Source.API)
    by_portal = text_of(written(policy=default_policy(severity=both), about=there))
    unsaid = text_of(written(about=there))
    of_a_reply = text_of(
        written(NoticeKind.CRITICAL_CHANNEL, policy=default_policy(severity=both), about=there)
    )

    assert by_mail.startswith("Log it at https://portal.example.\n")
    assert of_a_reply.startswith("Log it at https://portal.example.\n")  # it came by mail
    assert by_portal.startswith(f"Call {PHONE}.\n")
    assert "what is reported by email" in by_mail
    assert "what is reported by email" not in by_portal
    assert unsaid.startswith("Hello Ann")


@pytest.mark.parametrize(
    ("place", "reads_plan"),
    [
        ({}, True),
        ({"is_guest": True, "is_colleague": True}, True),
        ({"is_guest": True}, False),
        ({"participant": None}, False),
    ],
    ids=["requester", "guest of the company", "other guest", "not on the ticket"],
)
def test_only_its_company_reads_the_critical_channel_of_a_plan(
    place: dict[str, Any], reads_plan: bool
) -> None:
    gold = TierSection(
        name="gold",
        title="Gold",
        critical_channel=f"Call {PHONE}.",
        critical_first_in_portal=True,
    )
    policy, there = default_policy(tiers=(gold,)), about(tier="gold", **place)
    critical = ReceiptPayload(critical=True)

    claimed = text_of(written(NoticeKind.CRITICAL_CHANNEL, policy, about=there))
    unproven = text_of(written(NoticeKind.RECEIPT, policy, about=there, payload=critical))

    of_all = "For critical problems, please use the way"
    for text in (claimed, unproven):
        assert text.startswith(f"Call {PHONE}." if reads_plan else of_all)
    assert ("Under your plan" in claimed) == reads_plan


@pytest.mark.parametrize("is_guest", [False, True])
def test_a_guest_who_opens_a_follow_up_reads_nothing_of_what_is_promised(is_guest: bool) -> None:
    policy = default_policy(tiers=(TierSection(name="gold", title="Gold", phone=PHONE),))

    there = about(tier="gold", is_guest=is_guest, due_at=TEATIME)
    text = text_of(written(policy=policy, about=there))

    assert ("a first response by" in text) == (PHONE in text) == (not is_guest)


def test_an_acknowledgement_of_a_mail_says_where_requests_are_submitted() -> None:
    waiting = written(about=about(waiting=Waiting(since=NOON, portal=True)))

    assert "portal" in text_of(waiting)
    assert "portal" not in text_of(written())


def test_an_incomplete_request_is_promised_an_answer_in_the_end() -> None:
    waiting = Waiting(since=NOON, facts=True, until=TEATIME)
    payload = AcknowledgementPayload(("Where does it run?",))

    text = text_of(written(about=about(waiting=waiting), payload=payload))
    late = text_of(written(composer=AT_NIGHT, about=about(waiting=waiting), payload=payload))

    starts = "The response time starts when the request is complete"
    assert f"{starts}, or on Monday 23 November 2026, 16:00 (UTC) at the latest.\n" in text
    assert f"{starts}.\n" in late
    assert starts not in text_of(written(payload=payload))


def test_an_acknowledgement_names_who_is_on_the_request_and_who_joins() -> None:
    bob, eve = "bob@acme.example", "eve@elsewhere.example"

    def text(payload: AcknowledgementPayload) -> str:
        return text_of(written(payload=payload))

    both = text(AcknowledgementPayload(joined=(bob,), waiting=(eve,)))
    assert f"On this request: {bob}. Once approved, also: {eve}." in both
    assert f"On this request: {bob}.\n" in text(AcknowledgementPayload(joined=(bob,)))
    assert f"once approved: {eve}.\n" in text(AcknowledgementPayload(waiting=(eve,)))
    assert "On this request" not in text(AcknowledgementPayload())


@pytest.mark.parametrize("kind", [NoticeKind.ACKNOWLEDGEMENT, NoticeKind.NEW_TICKET])
def test_the_phone_of_the_plan_is_shown_to_customers_and_staff(kind: NoticeKind) -> None:
    policy = default_policy(tiers=(TierSection(name="gold", title="Gold", phone=PHONE),))
    mail = written(kind, policy, about=about(tier="gold"))

    assert PHONE in text_of(mail)
    assert f'<a href="tel:+49301234567">{PHONE}</a>' in html_of(mail)
    assert PHONE not in text_of(written(kind, policy))


@pytest.mark.parametrize(
    "kind", [NoticeKind.ACKNOWLEDGEMENT, NoticeKind.COMMENT, NoticeKind.STATUS]
)
def test_mails_to_customers_state_how_to_escalate_where_there_is_a_level(kind: NoticeKind) -> None:
    levels = default_policy().escalation.levels
    how = EscalationSection(levels=levels, how=f"Or call {PHONE}, option 2.")
    mail = written(kind, default_policy(escalation=how))

    assert f"Or call {PHONE}, option 2.\n" in text_of(mail)
    assert text_of(mail).count("option 2") == 1
    assert ("reply with #escalate" in text_of(mail)) is bool(levels)
    assert "tel:+49301234567" in html_of(mail)


@pytest.mark.parametrize(
    ("begins_in", "door", "told"),
    [("portal", Source.MAIL, False), ("portal", Source.API, True), ("anywhere", Source.MAIL, True)],
)
def test_nobody_is_told_to_escalate_what_must_be_logged_in_the_portal_first(
    begins_in: Literal["portal", "anywhere"], door: Source, told: bool
) -> None:
    level = EscalationLevel(title="Head of support", contact="head@help.example")
    policy = default_policy(
        escalation=EscalationSection(levels=(level,), critical_begins_in=begins_in)
    )
    mail = written(policy=policy, about=about(critical_claimed=True, door=door))

    assert ("reply with #escalate" in text_of(mail)) is told
    assert "reply with #escalate" in text_of(written(policy=policy))


def test_an_answer_carries_a_link_for_feedback_where_the_policy_has_it() -> None:
    policy = default_policy(feedback=FeedbackSection(in_answers=True))
    answer = a_comment(by_staff=True)

    assert "?rating=good" in text_of(written(NoticeKind.COMMENT, policy, comment=answer))
    assert "?rating=bad" in html_of(written(NoticeKind.COMMENT, policy, comment=answer))
    assert "rating" not in text_of(written(NoticeKind.COMMENT, policy))
    assert "rating" not in text_of(written(NoticeKind.COMMENT, comment=answer))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (NoticeKind.KEPT, KeptPayload("P1: down", critical=True)),
        (NoticeKind.RECEIPT, ReceiptPayload(ReceiptText.WAITS, critical=True)),
        (NoticeKind.CRITICAL_CHANNEL, NoticeKind.CRITICAL_CHANNEL.traits.payload()),
    ],
)
def test_who_marks_a_mail_as_critical_is_shown_the_channel_first(
    kind: NoticeKind, payload: KeptPayload
) -> None:
    mail = written(kind, payload=payload)

    assert text_of(mail).startswith("For critical problems, please use the way")
    assert 'class="first"' in html_of(mail)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("place", "reads"),
    [
        ({"participant": None}, False),
        ({"participant": None, "company_visibility": "company"}, False),
        ({"participant": None, "is_colleague": True, "company_visibility": "private"}, False),
        ({"participant": None, "is_colleague": True, "company_visibility": "company"}, True),
        ({}, True),
    ],
    ids=["outside", "of another company", "private", "colleague who reads", "on the ticket"],
)
def test_the_answer_to_a_claim_names_the_subject_only_to_who_reads_the_ticket(
    place: dict[str, Any], reads: bool, language: str
) -> None:
    subject = "Layoffs in May"

    there = about(subject=subject, **place)
    mail = written(NoticeKind.CRITICAL_CHANNEL, about=there, language=language)

    says = {
        "en": "Please use the channel for critical problems",
        "de": "Bitte den Weg für kritische Störungen nutzen",
    }
    assert mail["Subject"] == f"{says[language]}: [#7]{' Layoffs in May' if reads else ''}"
    assert (subject in html_of(mail)) is reads
    assert (subject in text_of(mail)) is reads
    assert "„“" not in text_of(mail)
    assert '""' not in text_of(mail)


def test_work_that_begins_without_answers_names_them() -> None:
    missing = CompletedPayload(("environment", "impact"))
    due = about(due_at=TEATIME)

    text = text_of(written(NoticeKind.COMPLETED, about=due, payload=missing))
    complete = text_of(written(NoticeKind.COMPLETED, about=due, payload=CompletedPayload()))

    assert "with what we have; you will hear from us by Monday 23 November 2026" in text
    assert "Still missing:\n\n* environment\n* impact\n" in text
    assert "is complete. You will hear from us by Monday 23 November 2026" in complete


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_field_of_an_escalation_stands_on_a_line_of_its_own(language: str) -> None:
    notes = (sentence("Sam gets no email."),)
    for payload in (
        EscalationPayload(1, "Engineer", by="ann@acme.example", why="Three days"),
        EscalationPayload(1, "Engineer", by="ann@acme.example", why="Three days", notes=notes),
    ):
        text = text_of(
            written(NoticeKind.ESCALATION, payload=payload, language=language, about=OFF)
        )
        lines = text.splitlines()
        for field in ("Three days", "ann@acme.example, Acme", "Normal"):
            assert sum(field in line for line in lines) == 1
        (reason,) = (line for line in lines if "Three days" in line)
        assert "Acme" not in reason


# Links


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "Log it at https://portal.example/new?a=1&b=2.",
            (
                'Log it at <a href="https://portal.example/new?a=1&amp;b=2">'
                "https://portal.example/new?a=1&amp;b=2</a>."
            ),
        ),
        (
            "Call +49 (0)30 1234-567, or +1 650.555.0100. 24 hours",
            (
                'Call <a href="tel:+49301234567">+49 (0)30 1234-567</a>, or '
                '<a href="tel:+16505550100">+1 650.555.0100</a>. 24 hours'
            ),
        ),
        (
            "Call +1 555 0100 (24 hours a day)",
            'Call <a href="tel:+15550100">+1 555 0100</a> (24 hours a day)',
        ),
        ("1+1 is 2, C++ 17, <b>", "1+1 is 2, C++ 17, &lt;b&gt;"),
        ("javascript:alert(1) http://a", 'javascript:alert(1) <a href="http://a">http://a</a>'),
    ],
)
def test_addresses_and_phone_numbers_become_links(text: str, html: str) -> None:
    assert str(linked(text)) == html


# Texts


def test_the_mail_that_asks_for_feedback_has_the_policys_text_or_ours_in_the_readers_language() -> (
    None
):
    own = default_policy(feedback=FeedbackSection(ask=True, text="Alles gut?"))

    said = text_of(written(NoticeKind.FEEDBACK, policy=own, language="en"))
    unsaid = [text_of(written(NoticeKind.FEEDBACK, language=each)) for each in ("de", "en")]

    assert "Alles gut?" in said
    assert "How did we do?" not in said
    assert "Wie zufrieden sind Sie mit unserer Hilfe?" in unsaid[0]
    assert "How did we do?" in unsaid[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_encrypted_content_is_named_in_the_readers_language(language: Literal["en", "de"]) -> None:
    comment = a_comment(f"See below.\n\n{ENCRYPTED}\n")

    shown = text_of(written(NoticeKind.COMMENT, comment=comment, language=language))

    assert worded(ENCRYPTED, language) in " ".join(shown.split())
    assert (str(ENCRYPTED) in " ".join(shown.split())) is (language == "en")
