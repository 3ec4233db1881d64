"""Outgoing mails: what one recipient gets, and what nobody can slip in."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outgoing.compose import Composer
from rules.mail.addresses import without_detail
from rules.policy import ReviewSection
from rules.sender.tokens import (
    Keys,
    Link,
    LinkUse,
    Purpose,
    ReplyToken,
    is_loop_mark,
    link_token,
    read_link_token,
    read_message_id,
    read_reply_token,
    read_return_path,
    read_sign_up_token,
    reply_address,
    thread_root,
)
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import AlertPayload, EscalationPayload
from rules.ticket.visibility import Visibility
from tests.gateway.outgoing.notices import (
    COMPOSER,
    a_comment,
    a_notice,
    about,
    html_of,
    read,
    text_of,
    written,
)
from tests.rules.building import KEYS, MAILBOX, NOON, default_policy

UNSUBSCRIBABLE = (
    NoticeKind.COMMENT,
    NoticeKind.STATUS,
    NoticeKind.MORE,
    NoticeKind.APPROVAL,
    NoticeKind.FOLLOW_UP,
    NoticeKind.FEEDBACK,
    NoticeKind.QUESTIONS,
    NoticeKind.COMPLETED,
    NoticeKind.REVIEW,
)
ROOT = thread_root(KEYS, MAILBOX.id, 7, "help.example")


def links(mail_text: str, page: str) -> list[str]:
    return re.findall(rf"https://postern\.example/{page}/{MAILBOX.id}/([a-z2-7]+)", mail_text)


# Where it belongs


def test_its_id_names_the_ticket() -> None:
    our = read_message_id(KEYS, MAILBOX.id, written()["Message-ID"])

    assert our is not None
    assert our.ticket == 7


def test_it_threads_with_the_first_mail_with_all_of_ours_and_with_what_it_answers() -> None:
    mail = written()

    assert mail["References"].split() == ["<0@client.example>", ROOT, "<1@client.example>"]
    assert mail["In-Reply-To"] == "<1@client.example>"


def test_a_mail_that_answers_none_replies_to_the_root() -> None:
    mail = written(NoticeKind.FOLLOW_UP, answers="")

    assert (mail["In-Reply-To"], mail["References"].split()[-1]) == (ROOT, ROOT)


def test_the_mail_that_opened_it_is_named_once_where_it_is_also_the_one_answered() -> None:
    assert written(answers="<0@client.example>")["References"].split() == [
        "<0@client.example>",
        ROOT,
    ]


@pytest.mark.parametrize(
    "foreign", ["no id", "<a b@c>", "<a@b>\r\nBcc: eve@evil.example", f"<{'a' * 400}@b>", "<ä@b>"]
)
def test_a_foreign_id_that_would_break_the_header_is_left_out(foreign: str) -> None:
    mail = written(answers=foreign)

    assert mail["References"].split() == ["<0@client.example>", ROOT]
    assert "Bcc" not in mail


def test_a_reply_to_it_comes_to_the_recipients_own_address() -> None:
    base, token = without_detail(written()["Reply-To"])

    assert base == MAILBOX.address
    assert read_reply_token(KEYS, MAILBOX.id, token) == ReplyToken(7, 70, Purpose.REPLY)


@pytest.mark.parametrize(
    "kind", [NoticeKind.ESCALATION, NoticeKind.ACCOUNT_TEAM, NoticeKind.INVITATION]
)
def test_a_recipient_who_is_not_on_the_ticket_gets_no_reply_address(kind: NoticeKind) -> None:
    mail = written(kind)

    assert "Reply-To" not in mail
    assert f"{MAILBOX.address.partition('@')[0]}+" not in mail.as_string()


def test_staff_get_an_address_for_replies_and_one_for_notes() -> None:
    text = text_of(written(NoticeKind.NEW_TICKET))
    addresses = re.findall(r"support\+([a-z2-7]+)@help\.example", text)

    tokens = [read_reply_token(KEYS, MAILBOX.id, token) for token in addresses]
    assert tokens == [ReplyToken(7, 70, Purpose.REPLY), ReplyToken(7, 70, Purpose.NOTE)]


# How machines treat it


@pytest.mark.parametrize(
    "kind", [NoticeKind.ACKNOWLEDGEMENT, NoticeKind.INVITATION, NoticeKind.RECEIPT]
)
def test_an_answer_has_the_null_reverse_path(kind: NoticeKind) -> None:
    outgoing = COMPOSER.write(a_notice(kind), default_policy())

    assert outgoing.mail_from == ""
    assert read(outgoing)["Auto-Submitted"] == "auto-replied"


def test_a_bounce_names_the_notice_that_failed() -> None:
    outgoing = COMPOSER.write(a_notice(NoticeKind.STATUS), default_policy())
    base, token = without_detail(outgoing.mail_from)

    assert base == MAILBOX.address
    assert read_return_path(KEYS, MAILBOX.id, token) == a_notice().id
    assert read(outgoing)["Auto-Submitted"] == "auto-generated"


def test_a_mailbox_too_long_for_a_return_path_sends_without_one() -> None:
    mailbox = replace(MAILBOX, address=f"{'long-' * 5}name@help.example")

    assert (
        COMPOSER.write(a_notice(NoticeKind.STATUS, mailbox=mailbox), default_policy()).mail_from
        == ""
    )


def test_a_staff_persons_comment_is_not_marked_as_automatic() -> None:
    assert "Auto-Submitted" not in written(NoticeKind.COMMENT, comment=a_comment(by_staff=True))
    assert written(NoticeKind.COMMENT)["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_mail_silences_machines_and_is_known_when_it_comes_back(kind: NoticeKind) -> None:
    mail = written(kind)

    assert mail["X-Auto-Response-Suppress"] == "All"
    assert is_loop_mark(KEYS, mail["X-Postern-Loop"])


@pytest.mark.parametrize("kind", UNSUBSCRIBABLE)
def test_one_click_takes_a_customer_off_the_ticket(kind: NoticeKind) -> None:
    mail = written(kind)
    (token,) = links(mail["List-Unsubscribe"], "unsubscribe")

    assert read_link_token(KEYS, MAILBOX.id, LinkUse.UNSUBSCRIBE, token) == Link(7, 70, "")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"<mailto:{mail['Reply-To']}?subject=%23unsubscribe>" in mail["List-Unsubscribe"]


def test_one_click_needs_https() -> None:
    mail = written(NoticeKind.COMMENT, composer=Composer(KEYS, "http://127.0.0.1:8025"))

    assert mail["List-Unsubscribe"].startswith("<mailto:")
    assert "List-Unsubscribe-Post" not in mail


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - set(UNSUBSCRIBABLE)))
def test_other_kinds_cannot_be_unsubscribed_from(kind: NoticeKind) -> None:
    assert "List-Unsubscribe" not in written(kind)


# Whom it names


def test_from_names_the_author_of_a_comment() -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment(name="Sam", by_staff=True))

    assert mail["From"] == "Sam via Support <support@help.example>"


def test_a_name_that_looks_like_an_address_is_not_put_into_from() -> None:
    mail = written(NoticeKind.COMMENT, comment=a_comment(name="ceo@bank.example"))

    assert mail["From"] == "Support <support@help.example>"


def test_the_number_is_in_the_subject_once() -> None:
    assert written(about=about(subject="Re: AW: [#7] Printer"))["Subject"] == "Re: [#7] Printer"


def test_a_long_subject_is_folded_into_encoded_words() -> None:
    raw = COMPOSER.write(a_notice(about=about(subject="Drücken " * 40)), default_policy()).raw
    head = raw.partition(b"\r\n\r\n")[0]
    encoded = re.findall(rb"=\?[^?]+\?[bq]\?[^?]*\?=", head)

    assert len(encoded) > 1
    assert max(map(len, encoded)) <= 75  # RFC 2047 §2


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: eve@evil.example", "=?utf-8?q?a=0d=0aBcc=3a_eve=40evil.example?=", "a\u2028Bcc: x"],
)
def test_no_subject_adds_a_header(subject: str) -> None:
    mail = written(about=about(subject=subject))

    assert "Bcc" not in mail
    assert mail["To"] == "Ann <ann@acme.example>"


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=2000))
def test_whatever_people_write_the_mail_keeps_its_own_headers(
    subject: str, name: str, text: str
) -> None:
    outgoing = COMPOSER.write(
        a_notice(
            NoticeKind.COMMENT,
            about=about(subject=subject),
            name=name,
            comment=a_comment(text, name=name),
        ),
        default_policy(),
    )

    assert read(outgoing).keys() == written(NoticeKind.COMMENT).keys()
    assert b"\n" not in outgoing.raw.replace(b"\r\n", b"")
    assert max(map(len, outgoing.raw.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1


# Secrets of others


@pytest.mark.parametrize("kind", [NoticeKind.COMMENT, NoticeKind.NEW_COMMENT])
def test_a_reply_address_that_somebody_quotes_goes_to_nobody_else(kind: NoticeKind) -> None:
    bobs = reply_address(KEYS, MAILBOX.id, MAILBOX.address, ReplyToken(7, 71, Purpose.REPLY))

    mail = written(kind, comment=a_comment(f"Is {bobs} the right address?"))

    assert "Is support@help.example the right address?" in text_of(mail)
    assert bobs not in html_of(mail)


def test_a_link_that_somebody_quotes_goes_to_nobody_else() -> None:
    token, _ = links(text_of(written(NoticeKind.FEEDBACK)), "feedback")

    mail = written(
        NoticeKind.COMMENT,
        comment=a_comment(f"See https://postern.example/feedback/{MAILBOX.id}/{token} ?"),
    )

    assert token not in text_of(mail) + html_of(mail)


def test_a_history_shows_no_reply_address_to_the_person_on_duty() -> None:
    anns = written()["Reply-To"]

    assert anns not in text_of(
        written(NoticeKind.ESCALATION, payload=EscalationPayload(history=f"Ann: {anns}"))
    )


def test_what_we_wrote_to_staff_never_reaches_a_customer_in_their_answer() -> None:
    ours = text_of(written(NoticeKind.NEW_TICKET))
    answer = "We look into it.\n\n" + "\n".join(f"> {line}" for line in ours.split("\n"))

    text = text_of(written(NoticeKind.COMMENT, comment=a_comment(answer, by_staff=True)))

    assert "We look into it." in text
    assert "Acme" not in text


@pytest.mark.parametrize("visibility", sorted(set(Visibility) - {Visibility.PUBLIC}))
@pytest.mark.parametrize("kind", UNSUBSCRIBABLE)
def test_a_comment_that_is_not_public_is_never_written_to_a_customer(
    kind: NoticeKind, visibility: Visibility
) -> None:
    with pytest.raises(ValueError, match="only staff may read"):
        written(kind, comment=a_comment(visibility=visibility))


def test_a_staff_persons_own_address_is_not_shown_to_customers() -> None:
    sam = a_comment(author="sam@private.example", name="", by_staff=True)

    assert "private.example" not in written(NoticeKind.COMMENT, comment=sam).as_string()


# Links


def test_an_invitation_carries_a_link_that_works() -> None:
    (token,) = links(text_of(written(NoticeKind.INVITATION)), "signup")

    assert read_sign_up_token(KEYS, MAILBOX.id, token, NOON) == "ann@acme.example"


def test_each_proposed_person_has_a_link_of_their_own() -> None:
    mail = written(NoticeKind.APPROVAL)
    tokens = links(text_of(mail), "people")

    assert [read_link_token(KEYS, MAILBOX.id, LinkUse.APPROVE, token) for token in tokens] == [
        Link(7, 70, "carl@elsewhere.example"),
        Link(7, 70, "dora@elsewhere.example"),
    ]
    assert links(html_of(mail), "people") == tokens


def test_a_feedback_link_is_the_recipients() -> None:
    text = text_of(written(NoticeKind.FEEDBACK))
    token, again = links(text, "feedback")

    assert token == again
    assert f"{token}?rating=good" in text
    assert f"{token}?rating=bad" in text
    assert read_link_token(KEYS, MAILBOX.id, LinkUse.FEEDBACK, token) == Link(7, 70, "")


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_alert_carries_a_link_that_reopens_only_where_it_asks_for_that(language: str) -> None:
    asks = text_of(written(NoticeKind.ALERT, payload=AlertPayload("x", True), language=language))
    (token,) = re.findall(r"/reopen/\d+/(\w+)", asks)
    assert read_link_token(KEYS, MAILBOX.id, LinkUse.REOPEN, token) == Link(7, 70, "")
    plain = text_of(written(NoticeKind.ALERT, payload=AlertPayload("x"), language=language))
    assert "/reopen/" not in plain


def test_with_another_key_everything_is_signed_anew() -> None:
    rotated = Composer(Keys(2, {1: KEYS.secrets[1], 2: b"n" * 32}), "https://postern.example")

    assert written(composer=rotated)["Message-ID"] != written()["Message-ID"]


SEALED = link_token(KEYS, MAILBOX.id, LinkUse.APPROVE, Link(7, 71, "eve@evil.example"))
SAFE_LINK = (
    "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fpostern.example"
    f"%2Fpeople%2F1%2F{SEALED}&data=05"
)


def test_a_link_of_somebody_else_is_in_no_part_of_a_mail() -> None:
    comment = a_comment(
        f"Support wrote:\n> {SAFE_LINK}\nWho is this?\n> {SEALED[:40]}\n> {SEALED[40:]}\nno.",
        name=f"Bob {SEALED}",
        attachments=(f"{SEALED}.eml",),
    )
    ticket = about(subject=f"Printer {SEALED.upper()}", fields={"project": SEALED})

    for kind in (NoticeKind.COMMENT, NoticeKind.NEW_COMMENT):
        mail = written(kind, comment=comment, about=ticket)

        shown = "".join([str(mail["Subject"]), str(mail["From"]), text_of(mail), html_of(mail)])
        flat = re.sub(r"[\s>]", "", shown).lower()
        assert SEALED[:20] not in flat
        assert SEALED[-20:] not in flat
        assert "Who is this?" in shown


@pytest.mark.parametrize("kind", [NoticeKind.COMMENT, NoticeKind.NEW_COMMENT])
@pytest.mark.parametrize(("language", "label"), [("en", "Subject"), ("de", "Betreff")])
def test_the_subject_of_a_reply_is_shown_above_its_text(
    kind: NoticeKind, language: str, label: str
) -> None:
    burning = a_comment("", subject="NOW IT BURNS <b>")
    mail = written(kind, comment=burning, language=language)
    html = mail.get_body(("html",))
    assert html is not None
    assert f"{label}: NOW IT BURNS <b>" in text_of(mail)
    assert f"{label}: <strong>NOW IT BURNS &lt;b&gt;</strong>" in html.get_content()
    assert f"{label}:" not in text_of(written(kind, comment=a_comment(), language=language))


FORWARDED = "See below, it is new.\n\n-----Original Message-----\nFrom: Shop\nSubject: x\n\nOrder 5"


@pytest.mark.parametrize("subject", ["WG: Another matter", "Fwd: Another matter", "TR : Autre"])
def test_staff_see_what_was_forwarded_onto_a_ticket(subject: str) -> None:
    forward = a_comment(FORWARDED, subject=subject)

    assert "Order 5" in text_of(written(NoticeKind.NEW_COMMENT, comment=forward))
    assert "Order 5" not in text_of(written(NoticeKind.COMMENT, comment=forward))


@pytest.mark.parametrize("subject", ["", "Another matter"])
def test_what_a_reply_quotes_is_hidden_under_any_other_subject(subject: str) -> None:
    reply = a_comment(FORWARDED, subject=subject)

    assert "Order 5" not in text_of(written(NoticeKind.NEW_COMMENT, comment=reply))


def test_staff_see_how_many_lines_of_which_kind_are_not_shown() -> None:
    reply = a_comment("It is on.\n\n-- \nAnn\nAcme\n\nOn Monday Sam wrote:\n> Is it on?\n> Sam\n")
    for_staff = written(NoticeKind.NEW_COMMENT, comment=reply)

    said = "3 lines hidden: quoted text, 3 lines hidden: signature."
    assert f"It is on.\n\n[{said}]\n" in text_of(for_staff)
    assert f'<p class="aside">{said}</p>' in html_of(for_staff)
    assert "hidden" not in text_of(written(NoticeKind.COMMENT, comment=reply))
    assert "hidden" not in text_of(written(NoticeKind.NEW_COMMENT, comment=a_comment("It is on.")))


def test_staff_see_how_a_comment_was_proven_and_everybody_if_it_was_not() -> None:
    unproven, proven = a_comment(proof="token"), a_comment(proof="dkim:acme.example")

    for_staff = written(NoticeKind.NEW_COMMENT, comment=unproven)
    for_customers = written(NoticeKind.COMMENT, comment=unproven)

    for text in (text_of(for_staff), html_of(for_staff)):
        assert "unproven, only the reply address" in text
    for text in (text_of(for_customers), html_of(for_customers)):
        assert "could not be verified" in text
    assert "dkim:acme.example" in text_of(written(NoticeKind.NEW_COMMENT, comment=proven))
    assert "dkim" not in text_of(written(NoticeKind.COMMENT, comment=proven))


def test_a_review_begins_with_the_text_of_the_policy() -> None:
    review = ReviewSection(levels=("High",), text="What did we both learn?")
    policy = default_policy().model_copy(update={"review": review})

    first = text_of(written(NoticeKind.REVIEW, policy)).split("\n")[2]
    assert first == "What did we both learn?"
    assert "What did we both learn?" not in text_of(written(NoticeKind.REVIEW))
