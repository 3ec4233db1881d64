"""Values of fields in later mails on a ticket are kept, like those of the request."""

from __future__ import annotations

import pytest

from rules.decision.effects import FieldsFound
from rules.policy import Policy
from rules.ticket.changes import WriteComment
from rules.ticket.fields import FoundFields
from rules.ticket.visibility import Visibility
from storage.ticket.change import change_ticket
from storage.ticket.write import write
from tests.rules.building import ANN, BOB, a_mail, preset
from tests.storage.shop import Shop, opened


@pytest.fixture
def aiven(shop: Shop) -> Shop:
    """A desk whose policy lifts ids out of mails."""
    shop.policy = preset("aiven")
    return shop


def answer(shop: Shop, number: int, text: str, sender: str = ANN.address) -> None:
    reply = a_mail(sender, text=text, message_id=f"<{len(text)}@client.example>")
    shop.take(reply, to=shop.token(number, ANN.address))


def fields(shop: Shop, number: int) -> dict[str, str]:
    return dict(shop.ticket(number).fields)


def test_values_of_a_reply_are_added_to_those_of_the_request(aiven: Shop) -> None:
    number = opened(aiven.take(a_mail(text="Project: blue-7")))

    answer(aiven, number, "Service: pg-1")
    answer(aiven, number, "Product: Kafka")

    assert fields(aiven, number) == {
        "project_id": "blue-7",
        "service_id": "pg-1",
        "product": "Kafka",
    }


def test_the_value_that_was_given_first_stays(aiven: Shop) -> None:
    number = opened(aiven.take(a_mail(text="Product: Kafka")))

    answer(aiven, number, "As with product: Redis")

    assert fields(aiven, number) == {"product": "Kafka"}


def test_to_a_list_a_later_answer_adds(aiven: Shop) -> None:
    number = opened(aiven.take(a_mail(text="Project: blue-7")))

    answer(aiven, number, "As with Project: red-1")

    assert fields(aiven, number) == {"project_id": "blue-7, red-1"}


def test_a_value_that_another_mail_brought_meanwhile_stays(aiven: Shop) -> None:
    number = opened(aiven.take(a_mail(text="Project: blue-7")))

    aiven.write(
        lambda c: write(
            c,
            aiven.context(),
            number,
            (FieldsFound(FoundFields({"project_id": "red-1", "product": "Kafka"})),),
            {},
        )
    )

    assert fields(aiven, number) == {"project_id": "blue-7", "product": "Kafka"}


def test_to_a_list_that_another_mail_has_lengthened_meanwhile_a_value_is_added(aiven: Shop) -> None:
    number = opened(aiven.take(a_mail(text="Project: blue-7")))
    red, old = (
        FoundFields({"project_id": x}, frozenset({"project_id"})) for x in ("red-1", "red-0")
    )

    aiven.write(lambda c: write(c, aiven.context(), number, (FieldsFound(old),), {}))
    aiven.write(lambda c: write(c, aiven.context(), number, (FieldsFound(red),), {}))

    assert fields(aiven, number) == {"project_id": "blue-7, red-0, red-1"}


@pytest.mark.parametrize(
    "quoting",
    [
        "Yes.\n\nOn Monday Sam wrote:\n> Project: demo-1",
        "> Is it Project: demo-1?\nYes.\n> And Service: pg-1?\nThat too.",
        "From: Sam <s@h.example>\nSent: Monday\nTo: Ann\nSubject: Re: it\n\nProject: demo-1",
    ],
)
def test_what_a_reply_quotes_is_not_kept(aiven: Shop, quoting: str) -> None:
    number = opened(aiven.take(a_mail()))

    answer(aiven, number, quoting)

    assert fields(aiven, number) == {}


def test_values_by_a_sender_who_is_not_on_the_ticket_are_not_kept(aiven: Shop) -> None:
    number = opened(aiven.take(a_mail()))

    answer(aiven, number, "Project: demo-1", sender=BOB.address)

    assert fields(aiven, number) == {}


@pytest.mark.parametrize(
    ("by_staff", "text", "kept"),
    [
        (False, "Project: demo-1", {"project_id": "demo-1"}),
        (False, "> Project: demo-1\nIs it that?", {}),
        (True, "Is it Project: demo-1?", {}),
    ],
)
def test_of_comments_in_the_portal_only_the_customers_values_are_kept(
    aiven: Shop, by_staff: bool, text: str, kept: dict[str, str]
) -> None:
    number = opened(aiven.take(a_mail()))

    comment_on(aiven, number, text, aiven.policy, by_staff)

    assert fields(aiven, number) == kept


def comment_on(shop: Shop, number: int, text: str, policy: Policy, by_staff: bool) -> None:
    comment = WriteComment(text, Visibility.PUBLIC)
    shop.write(
        lambda c: change_ticket(c, shop.context(), number, [comment], policy, by_staff=by_staff)
    )
