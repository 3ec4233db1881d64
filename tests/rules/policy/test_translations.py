"""The texts of a policy in the language of their reader."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.model import AddComment
from rules.people import ParticipantKind
from rules.policy import Policy, PolicyRefused, parse
from rules.service import asking
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AcknowledgementPayload, QuestionsPayload, ReceiptPayload
from rules.ticket.waiting import Waiting
from tests.gateway.outgoing.notices import about, html_of, text_of, written
from tests.rules.building import ANN, NOON, World, a_mail, a_ticket, member, orders_of, token_to

TEXT = """
name = "two"
title = "Two languages"
[severity]
default = "Normal"
ceiling = "Normal"
critical_channel = "Call us."
levels = [{ name = "Critical", critical = true, meaning = "a" }, { name = "Normal", meaning = "b" }]
[[completeness.facts]]
name = "place"
ask = "Where does it run?"
patterns = ['\\bproduction system\\b']
[[completeness.facts]]
name = "since"
ask = "Since when?"
patterns = ['\\bsince \\d']
[clock]
starts = "complete"
[escalation]
how = "Call the director."
critical_begins_in = "portal"
[[escalation.levels]]
title = "Lead"
contact = "lead@help.example"
[acknowledgement]
text = "We have it."
[texts]
sign_up = "Sign up."
invitation = "Sign up below."
deactivated = "Closed."
suspended = "Suspended."
[translations.de]
acknowledgement = "Wir haben sie."
critical_channel = "Rufen Sie uns an."
how_to_escalate = "Rufen Sie den Direktor an."
questions = { place = "Wo läuft es?" }
"""
POLICY = parse(TEXT, "two.toml")
ANNS = a_ticket(7, member(70, ANN.address, ParticipantKind.REQUESTER, language="de"))
GERMAN = a_mail(text="Seit gestern druckt der Drucker im Flur nicht mehr, und ich brauche ihn.")


@pytest.mark.parametrize(
    ("language", "read", "unread"),
    [
        ("de", ("Wir haben sie.", "Rufen Sie uns an."), ("We have it.", "Call us.")),
        ("en", ("We have it.", "Call us."), ("Wir haben sie.", "Rufen Sie uns an.")),
        ("", ("We have it.", "Call us."), ("Wir haben sie.", "Rufen Sie uns an.")),
    ],
)
def test_a_reader_is_sent_the_texts_in_their_language(
    language: str, read: tuple[str, ...], unread: tuple[str, ...]
) -> None:
    mail = written(policy=POLICY, language=language, about=about(critical_claimed=True))

    for shown in (text_of(mail), html_of(mail)):
        assert [text in shown for text in (*read, *unread)] == [True, True, False, False]


def test_what_has_no_translation_is_sent_as_it_is_written() -> None:
    mail = written(NoticeKind.INVITATION, policy=POLICY, language="de", about=None)

    assert "Sign up below." in text_of(mail)


def questions(orders: tuple[NoticeOrder, ...]) -> list[tuple[str, ...]]:
    asked = (AcknowledgementPayload, QuestionsPayload)
    return [o.payload.questions for o in orders if isinstance(o.payload, asked)]


def test_the_questions_are_in_the_language_of_the_request() -> None:
    decision = World(policy=POLICY).decide(GERMAN)
    again = asking.asked_again(
        replace(ANNS, missing=("place",), waiting=Waiting(since=NOON, facts=True)), POLICY
    )

    english = World(policy=POLICY).decide(a_mail())
    assert questions(orders_of(decision)) == [("Wo läuft es?", "Since when?")]
    assert questions(again) == [("Wo läuft es?",)]
    assert questions(orders_of(english)) == [("Where does it run?", "Since when?")]


@pytest.mark.parametrize("ask", ["Where does it run?", "Wo läuft es?"])
def test_a_reply_may_quote_a_question_in_any_language(ask: str) -> None:
    ticket = replace(ANNS, missing=("place", "since"), waiting=Waiting(since=NOON, facts=True))
    world = World(policy=POLICY, tickets=(ticket,))

    decision = world.decide(a_mail(text=f"> * {ask}\nKeller."), to=token_to(70))

    assert isinstance(decision.action, AddComment)
    assert decision.action.missing == ("since",)


@pytest.mark.parametrize("reply", [True, False])
def test_a_refused_escalation_names_the_channel_in_the_language_of_its_author(reply: bool) -> None:
    asks = (
        "#escalate Niemand antwortet.\n\nDas ist kritisch: Der Drucker im Flur brennt seit gestern."
    )
    escalates = a_mail(text=f"{asks} Ich brauche ihn, und es ist nicht klar, was wir tun sollen.")
    ticket = replace(ANNS, critical_claimed=True)
    world = World(policy=POLICY, tickets=(ticket,))

    decision = world.decide(escalates, to=token_to(70)) if reply else world.decide(escalates)

    said = [o.payload for o in orders_of(decision) if isinstance(o.payload, ReceiptPayload)]
    assert [str(each) for one in said for each in one.sentences] == ["Rufen Sie uns an."]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[translations.de]", "[translations.en]", "translations.en: the texts of the file are in"),
        (
            "[translations.de]",
            "[translations.fr]",
            "translations.fr: 'fr': expected one of: en, de",
        ),
        ("acknowledgement =", "acknowledgment =", "(did you mean acknowledgement?)"),
        ("place =", "plaza =", "de.questions: 'plaza' is not the name of a fact (did"),
        ('how = "', 'critical_begins_in = "anywhere"#', "there is no escalation.how that it"),
        (
            "how_to",
            "phones = { gold = 'x' }\nhow_to",
            "'gold' is not the name of a tier with",
        ),
    ],
)
def test_a_translation_of_nothing_is_rejected(old: str, new: str, message: str) -> None:
    text = TEXT.replace('critical_begins_in = "portal"\n', "") if "begins_in" in new else TEXT

    with pytest.raises(PolicyRefused) as refused:
        parse(text.replace(old, new, 1), "two.toml")

    assert message in str(refused.value)


def test_a_policy_without_a_translation_is_the_same_in_every_language() -> None:
    assert POLICY.in_language("en") is POLICY
    assert isinstance(POLICY.in_language("de"), Policy)
