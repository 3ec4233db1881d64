"""Commands by mail on both databases: facts are gathered and effects written in one pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rules.decision.effects import Effects
from rules.decision.reasons import Reason, Verdict
from rules.sender.authentication import Authentication
from rules.sender.tokens import Purpose
from rules.ticket.changes import PublishComment
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.ticket.read import ticket_view
from storage.ticket.views import CommentView
from tests.rules.building import NOTHING, PROVEN, a_mail
from tests.storage.shop import Shop, opened

ANN, SAM = "ann@acme.example", "sam@help.example"


def comments(shop: Shop, number: int) -> Sequence[CommentView]:
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    return view.comments


@pytest.mark.parametrize(
    "command",
    [
        "#assign me",
        "#cc +bob@acme.example",
        "#escalate it is late",
        "#merge 2",
        "#note",
        "#severity High",
        "#status pending",
    ],
)
def test_a_command_of_staff_is_done(command: str, shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    opened(shop.take(a_mail()))

    receipt = shop.take(a_mail(SAM, text=f"{command}\n\nWe look into it."), shop.token(number, SAM))

    assert receipt.ticket == number


@pytest.mark.parametrize(
    ("text", "proof"),
    [("#assign nobody-here\n\nThey did not pay.", PROVEN), ("They did not pay.", NOTHING)],
)
def test_what_was_sent_to_the_note_address_never_becomes_public(
    text: str, proof: Authentication, shop: Shop
) -> None:
    number = opened(shop.take(a_mail()))
    to = shop.token(number, SAM, Purpose.NOTE)
    shop.take(a_mail(SAM, text=text), to, proof=proof)
    draft = comments(shop, number)[-1]
    assert draft.visibility == Visibility.PRIVATE

    done = shop.change(number, PublishComment(draft.id))

    assert isinstance(done, Effects)
    assert f"comment {draft.id} on #{number} is a note" in str(done.done[0])
    assert comments(shop, number)[-1].visibility == Visibility.NOTE
    assert [n for n in shop.notices(ANN) if n.kind is NoticeKind.COMMENT] == []


def test_an_escalation_by_a_customer_is_done(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))

    receipt = shop.take(a_mail(text="#escalate it is late"), shop.token(number, ANN))

    assert (receipt.verdict, receipt.reason) == (Verdict.COMMENTED, Reason.REPLY_TOKEN)
