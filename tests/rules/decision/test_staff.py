"""What a staff person gets in reply to the commands in their mail."""

from __future__ import annotations

import pytest

from rules.commands import USAGE
from rules.decision.model import AddComment, Reason
from rules.ticket.notices import NoticeKind, ReceiptPayload
from tests.rules.building import SAM, World, a_mail, token_to
from tests.rules.decision.test_reasons import STAFFED


def receipt_for(text: str) -> tuple[Reason, str]:
    """The reason, and the text of the receipt."""
    decision = World(tickets=(STAFFED,)).decide(a_mail(SAM.address, text=text), to=token_to(79))
    assert isinstance(decision.action, AddComment)
    (receipt,) = (order for order in decision.orders if order.kind is NoticeKind.RECEIPT)
    assert isinstance(receipt.payload, ReceiptPayload)
    return decision.reason, receipt.payload.text


@pytest.mark.parametrize("usage", [u for u in USAGE.values() if u != "#unsubscribe"])
def test_help_names_a_command_exactly_where_it_can_be_done(usage: str) -> None:
    reason, listed = receipt_for("#help")
    assert reason is not Reason.COMMAND_REFUSED
    name = usage.split()[0]
    sample = {"#status": "#status open", "#severity": "#severity Low", "#assign": "#assign me"}

    decision = World(tickets=(STAFFED,)).decide(
        a_mail(SAM.address, text=f"{sample.get(name, usage)}\n\nHello"), to=token_to(79)
    )

    assert (usage in listed.splitlines()) is (decision.reason is not Reason.COMMAND_REFUSED)
