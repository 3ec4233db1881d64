"""The receipts for the commands in a staff person's mail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.outgoing.sentences import worded
from rules.commands.table import ENTRIES
from rules.decision.model import AddComment
from rules.decision.reasons import Reason
from rules.mail.quoting import REPLY_MARK
from rules.sender.tokens import Purpose
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility
from tests.rules.building import ANN, SAM, SUPPORT, World, a_mail, token_to
from tests.rules.decision.test_reasons import STAFFED


def receipt_for(text: str) -> tuple[Reason, str]:
    """The reason, and the text of the receipts."""
    decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=text), to=token_to(79))
    assert isinstance(decision.action, AddComment)
    receipts = [o.payload for o in decision.orders if isinstance(o.payload, ReceiptPayload)]
    lines = [str(line) for each in receipts for line in (each.text, *each.sentences)]
    return decision.reason, "\n".join(lines)


@pytest.mark.parametrize("usage", [entry.usage for entry in ENTRIES if entry.name != "unsubscribe"])
def test_help_lists_exactly_the_commands_that_can_be_done(usage: str) -> None:
    reason, listed = receipt_for("#help")
    assert reason is not Reason.COMMAND_REFUSED
    name = usage.split()[0]
    sample = {"#status": "#status open", "#severity": "#severity Low", "#assign": "#assign me"}

    _, text = receipt_for(f"{sample.get(name, usage)}\n#help\n\nHello")

    is_listed = any(line.startswith(f"{usage}: ") for line in listed.splitlines())
    assert is_listed is ("There is no command" not in text)


@pytest.mark.parametrize(
    "text",
    [
        "#unsubscribe\n#status closed",
        "#status closed\n#unsubscribe",
        "#unsubscribe\n\nPlease restart it.",
    ],
)
def test_what_stands_beside_unsubscribe_is_never_dropped_silently(text: str) -> None:
    reason, said = receipt_for(text)

    assert reason is Reason.COMMAND_REFUSED
    assert "#unsubscribe must be the only thing in its mail" in said


@pytest.mark.parametrize("text", ["#unsubscribe", "#unsubscribe\n#unsubscribe\n\n> quoted"])
def test_unsubscribe_alone_is_done(text: str) -> None:
    decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=text), to=token_to(79))

    assert decision.reason is Reason.UNSUBSCRIBED


@pytest.mark.parametrize(("on_ticket", "expected"), [("fr", "fr"), ("", "de")])
@pytest.mark.parametrize("text", ["#status pending", "#nonsense", "#help"])
def test_a_receipt_is_in_the_language_on_the_ticket_or_else_in_that_of_the_mail(
    text: str, on_ticket: str, expected: str
) -> None:
    people = tuple(
        replace(p, language=on_ticket) if p.address == SAM.address else p
        for p in STAFFED.participants
    )
    world = World(tickets=(replace(STAFFED, participants=people),))

    decision = world.decide(a_mail(SAM.address, text=text, content_language="de"), to=token_to(79))

    assert isinstance(decision.action, AddComment)
    orders = (*decision.action.orders, *decision.action.command_effects.notices)
    assert [o.language for o in orders if o.kind is NoticeKind.RECEIPT] == [expected]


@pytest.mark.parametrize(
    "quote",
    [
        "On Friday, November 20, 2026 8:01:45 AM CET Ann Ash wrote:\n> It leaks.",
        "Am Freitag, 20. November 2026, 08:01:45 CET schrieb Ann Ash:\n> It leaks.",
        "Ann Ash пишет 20.11.2026 08:01:\n> It leaks.",
        "vendredi 20 novembre 2026, 08:01:45, vous écriviez :\n\nАА> It leaks.",
        "Xyz 20.11.2026 foo:\n> It leaks.",
        "> It leaks.",
    ],
)
def test_who_answers_below_the_quote_is_notified_that_nothing_was_published(quote: str) -> None:
    mail = a_mail(SAM.address, text=f"{quote}\n\nPlease restart it.\n\nSam")

    decision = World(tickets=(STAFFED,)).decide(mail, to=token_to(79))

    assert decision.reason is Reason.NOTHING_SAID
    assert isinstance(decision.action, AddComment)
    assert decision.action.visibility is Visibility.PRIVATE
    (order,) = decision.orders
    assert (order.kind, order.address) == (NoticeKind.RECEIPT, SAM.address)
    assert order.payload == ReceiptPayload(ReceiptText.NOTHING_PUBLISHED)


@pytest.mark.parametrize(("muted", "reachable"), [(True, True), (False, False)])
def test_who_answers_somebody_that_gets_no_mail_is_notified_of_that(
    muted: bool, reachable: bool
) -> None:
    people = tuple(
        p if p.is_staff else replace(p, muted=muted, reachable=reachable)
        for p in STAFFED.participants
    )
    mail = a_mail(SAM.address, text="Please restart it.")

    decision = World(tickets=(replace(STAFFED, participants=people),)).decide(mail, to=token_to(79))

    (order,) = decision.orders
    assert (order.kind, order.address) == (NoticeKind.RECEIPT, SAM.address)
    assert ANN.address in str(order.payload)


def test_who_answers_somebody_that_gets_mail_is_not() -> None:
    mail = a_mail(SAM.address, text="Please restart it.")

    decision = World(tickets=(STAFFED,)).decide(mail, to=token_to(79))

    assert [order.kind for order in decision.orders] == [NoticeKind.COMMENT]


def test_the_trace_says_how_many_lines_are_not_published() -> None:
    text = "We replaced it.\n\nSam <sam@help.example> wrote on 20.11.2026:\nIs it on?\nYes."

    def noted(text: str, to: str) -> bool:
        decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=text), to=to)
        return any(
            "not published, as a quote or a signature: 3" in s.outcome for s in decision.trace
        )

    assert noted(text, token_to(79))
    assert not noted("We replaced it.", token_to(79))
    assert not noted(text, token_to(79, purpose=Purpose.NOTE))


EVE = "eve@outside.example"


def test_a_note_that_went_to_people_outside_is_refused_and_they_are_named() -> None:
    for to, text in (
        (token_to(79, purpose=Purpose.NOTE), "They did not pay."),
        (token_to(79), "#note\n\nThey did not pay."),
    ):
        mail = a_mail(SAM.address, text=text, to=(to, ANN.address), cc=(EVE, "SAM@help.example"))
        decision = World(tickets=(STAFFED,)).decide(mail, to=to)

        assert isinstance(decision.action, AddComment)
        assert decision.reason is Reason.COMMAND_REFUSED
        assert decision.action.visibility is Visibility.PRIVATE
        (said,) = [
            str(line)
            for order in decision.orders
            if isinstance(order.payload, ReceiptPayload)
            for line in order.payload.sentences
        ]
        assert EVE in said
        assert SAM.address not in said
        assert ANN.address not in said


def test_a_note_to_staff_alone_is_a_note() -> None:
    to = token_to(79, purpose=Purpose.NOTE)
    mail = a_mail(SAM.address, text="They did not pay.", to=(to,), cc=(SUPPORT, SAM.address))

    decision = World(tickets=(STAFFED,)).decide(mail, to=to)

    assert isinstance(decision.action, AddComment)
    assert decision.action.visibility is Visibility.NOTE


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n#note\nThey did not pay.",
        "Note\n\nThey did not pay.",
        "#note\n#public\nHi",
        "#status open\n#status closed",
    ],
)
def test_an_unclear_wish_publishes_nothing_and_is_quoted_in_a_receipt(text: str) -> None:
    decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=text), to=token_to(79))

    assert isinstance(decision.action, AddComment)
    assert decision.reason is Reason.COMMAND_REFUSED
    assert decision.action.visibility is Visibility.PRIVATE
    receipts = [o for o in decision.orders if o.kind is NoticeKind.RECEIPT]
    assert [(o.address, o.quotes) for o in receipts] == [(SAM.address, True)]


def test_help_is_in_german_for_a_german_reader() -> None:
    decision = World(tickets=(STAFFED,)).decide(
        a_mail(SAM.address, text="#Hilfe", content_language="de"), to=token_to(79)
    )

    (receipt,) = [o.payload for o in decision.orders if isinstance(o.payload, ReceiptPayload)]
    lines = [worded(each, "de") for each in receipt.sentences]
    assert "#status offen|wartet|gelöst|geschlossen: setzt den Status" in lines
    assert len(lines) == len(ENTRIES)


@pytest.mark.parametrize(
    "below",
    ["Kind regards\nSam", "Hello Ann,\n\nBest regards,\nSam", "Mit freundlichen Grüßen\nSam", ""],
)
def test_a_greeting_and_a_closing_below_commands_are_not_sent(below: str) -> None:
    mail = a_mail(SAM.address, text=f"#status pending\n\n{below}")

    decision = World(tickets=(STAFFED,)).decide(mail, to=token_to(79))

    assert isinstance(decision.action, AddComment)
    assert decision.action.visibility is Visibility.NOTE
    assert NoticeKind.COMMENT not in {order.kind for order in decision.orders}


@pytest.mark.parametrize(
    "text",
    ["#status pending\n\nDone.", "#status pending\n\nThanks!\nSam", "Kind regards\nSam"],
)
def test_other_short_texts_are_sent(text: str) -> None:
    decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=text), to=token_to(79))

    assert isinstance(decision.action, AddComment)
    assert decision.action.visibility is Visibility.PUBLIC
    assert NoticeKind.COMMENT in {order.kind for order in decision.orders}


@pytest.mark.parametrize("text", ["> Is it on?\n\nYes, it is.", "> Is it on?"])
def test_the_receipt_of_an_answer_below_the_quote_quotes_it(text: str) -> None:
    quoted = f"> {REPLY_MARK}\n{text}"

    decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=quoted), to=token_to(79))

    assert decision.reason is Reason.NOTHING_SAID
    assert [order.quotes for order in decision.orders] == ["Yes" in text]
