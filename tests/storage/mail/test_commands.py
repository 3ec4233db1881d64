"""Commands by mail on both databases: facts are gathered and effects written in one pipeline."""

from __future__ import annotations

import pytest

from rules.decision.reasons import Reason, Verdict
from tests.rules.building import a_mail
from tests.storage.shop import Shop, opened

ANN, SAM = "ann@acme.example", "sam@help.example"


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


def test_an_escalation_by_a_customer_is_done(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))

    receipt = shop.take(a_mail(text="#escalate it is late"), shop.token(number, ANN))

    assert (receipt.verdict, receipt.reason) == (Verdict.COMMENTED, Reason.REPLY_TOKEN)
