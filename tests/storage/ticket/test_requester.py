"""The requester of a ticket changes: their part, that of the one before, who is notified."""

from __future__ import annotations

import pytest

from rules.decision.effects import ChangeRefused, Effects
from rules.people import ParticipantKind, Presence
from rules.ticket.changes import RemovePerson, SetRequester
from storage.ticket.read import ticket_view
from tests.rules.building import ANN, BOB, GIL, SAM, a_mail
from tests.storage.shop import Shop, opened


def people_of(shop: Shop, number: int) -> dict[str, tuple[ParticipantKind, Presence]]:
    return {p.address: (p.part, p.presence) for p in shop.ticket(number).participants}


@pytest.mark.parametrize("before", ["absent", "on it", "removed"])
def test_the_ticket_is_another_users_request(shop: Shop, before: str) -> None:
    cc = () if before == "absent" else (BOB.address,)
    number = opened(shop.take(a_mail(cc=cc)))
    if before == "removed":
        shop.change(number, RemovePerson(BOB.address))

    done = shop.change(number, SetRequester(BOB.address.upper()))

    assert isinstance(done, Effects)
    assert shop.ticket(number).requester == BOB.address
    people = people_of(shop, number)
    assert people[BOB.address] == (ParticipantKind.REQUESTER, Presence.ACTIVE)
    assert people[ANN.address] == (ParticipantKind.USER, Presence.ACTIVE)
    assert {order.address for order in done.notices} == {ANN.address, BOB.address}
    view = shop.database.read(lambda c: ticket_view(c, number))
    assert view is not None
    assert str(view.history[-1].text) == f"requester: {ANN.address} → {BOB.address}"


@pytest.mark.parametrize("address", ["new@acme.example", SAM.address, GIL.address, "x", ""])
def test_only_a_user_of_the_tickets_company_can_be_its_requester(shop: Shop, address: str) -> None:
    number = opened(shop.take(a_mail()))

    assert isinstance(shop.change(number, SetRequester(address)), ChangeRefused)
    assert shop.ticket(number).requester == ANN.address


def test_the_same_requester_again_changes_nothing(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))

    done = shop.change(number, SetRequester(ANN.address))

    assert isinstance(done, Effects)
    assert (done.rows, len(done.done)) == ((), 1)
