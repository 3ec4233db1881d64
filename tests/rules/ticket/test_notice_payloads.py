"""What notices carry: stored as flat JSON, and read from rows that an older version has queued."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.ticket.notice_payloads import Payload, as_stored, from_stored, map_text
from rules.ticket.notices import (
    CLOSED,
    KINDS,
    Audience,
    NoticeKind,
    NoticeOrder,
    Traits,
    require_traits,
)
from rules.ticket.payloads import (
    AcknowledgementPayload,
    AlertPayload,
    ApprovalPayload,
    EscalationPayload,
    NewCommentPayload,
    NewTicketPayload,
    NoPayload,
    ReceiptPayload,
    ReceiptText,
    SlaPayload,
    StatusPayload,
)
from rules.ticket.sla import Stage
from rules.ticket.visibility import Visibility
from tests.examples import examples

QUEUED: list[tuple[NoticeKind, str, Payload]] = [
    (
        NoticeKind.ACKNOWLEDGEMENT,
        '{"asks": "Where does it run?\\nSince when?"}',
        AcknowledgementPayload(("Where does it run?", "Since when?")),
    ),
    (NoticeKind.ACKNOWLEDGEMENT, "{}", AcknowledgementPayload()),
    (NoticeKind.INVITATION, "{}", NoPayload()),
    (NoticeKind.COMMENT, "{}", NoPayload()),
    (
        NoticeKind.STATUS,
        '{"what": "status", "was": "open", "became": "resolved", "why": ""}',
        StatusPayload("status", "open", "resolved"),
    ),
    (
        NoticeKind.APPROVAL,
        '{"addresses": "carl@elsewhere.example dora@elsewhere.example"}',
        ApprovalPayload(("carl@elsewhere.example", "dora@elsewhere.example")),
    ),
    (NoticeKind.FOLLOW_UP, "{}", NoPayload()),
    (NoticeKind.FEEDBACK, "{}", NoPayload()),
    (NoticeKind.NEW_TICKET, '{"mentions": "9"}', NewTicketPayload(9)),
    (NoticeKind.NEW_TICKET, "{}", NewTicketPayload()),
    (
        NoticeKind.NEW_COMMENT,
        '{"status": "resolved → open", "visibility": "note"}',
        NewCommentPayload(Visibility.NOTE, "resolved → open"),
    ),
    (NoticeKind.NEW_COMMENT, '{"visibility": "public"}', NewCommentPayload(Visibility.PUBLIC)),
    (NoticeKind.ALERT, '{"what": "Mail comes back."}', AlertPayload("Mail comes back.")),
    (NoticeKind.SLA_WARNING, '{"stage": "first"}', SlaPayload(Stage.FIRST)),
    (NoticeKind.SLA_BREACH, '{"stage": "ongoing"}', SlaPayload(Stage.ONGOING)),
    (
        NoticeKind.ESCALATION,
        """{"level": "2", "title": "Director", "name": "Kim", "phone": "+49 30 1",
        "by": "ann@acme.example", "why": "Three days", "history": "Ann:\\nIt burns."}""",
        EscalationPayload(
            level=2,
            title="Director",
            name="Kim",
            phone="+49 30 1",
            by="ann@acme.example",
            why="Three days",
            history="Ann:\nIt burns.",
        ),
    ),
    (NoticeKind.ACCOUNT_TEAM, '{"mentions": "9"}', NoPayload()),
    (
        NoticeKind.RECEIPT,
        '{"text": "Nothing was done:\\n1: #stauts"}',
        ReceiptPayload(text="Nothing was done:\n1: #stauts"),
    ),
    (NoticeKind.RECEIPT, '{"saying": "left"}', ReceiptPayload(ReceiptText.LEFT)),
    (
        NoticeKind.RECEIPT,
        '{"saying": "begins_anew", "was": "4"}',
        ReceiptPayload(ReceiptText.BEGINS_ANEW, was=4),
    ),
]
"""Rows as the version before payloads wrote them."""


@pytest.mark.parametrize(("kind", "detail", "payload"), QUEUED)
def test_a_row_of_an_older_version_is_read(kind: NoticeKind, detail: str, payload: Payload) -> None:
    assert from_stored(kind.traits.payload, json.loads(detail)) == payload


@pytest.mark.parametrize(("kind", "detail", "payload"), QUEUED)
def test_an_older_version_can_read_what_is_stored_now(
    kind: NoticeKind, detail: str, payload: Payload
) -> None:
    """Nodes of both versions may share a store: the keys and their values are the same strings."""
    assert as_stored(payload).items() <= json.loads(detail).items()


def test_there_is_such_a_row_of_every_kind_of_that_version() -> None:
    assert len({kind for kind, _, _ in QUEUED}) == 15


@pytest.mark.parametrize("kind", NoticeKind)
def test_an_unknown_key_is_ignored(kind: NoticeKind) -> None:
    wanted = kind.traits.payload

    assert from_stored(wanted, {"no_such_key": "x", "kind": "x"}) == wanted()


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("value", [None, 7, True, ["x"], {"x": "y"}])
def test_a_value_that_is_no_string_leaves_the_default(kind: NoticeKind, value: object) -> None:
    wanted = kind.traits.payload
    keys = {*(each.name for each in fields(wanted)), "asks"}

    assert from_stored(wanted, dict.fromkeys(keys, value)) == wanted()


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        (NewTicketPayload, {"mentions": "nine"}),
        (SlaPayload, {"stage": "last"}),
        (NewCommentPayload, {"visibility": "shown"}),
        (ReceiptPayload, {"saying": "gone"}),
    ],
)
def test_an_unusable_value_leaves_the_default(
    wanted: type[Payload], stored: dict[str, str]
) -> None:
    assert from_stored(wanted, stored) == wanted()


@pytest.mark.parametrize("wanted", sorted({kind.traits.payload for kind in NoticeKind}, key=str))
@settings(deadline=None, max_examples=examples(15))
@given(data=st.data())
def test_what_is_stored_is_read_again(wanted: type[Payload], data: st.DataObject) -> None:
    payload = data.draw(payloads(wanted))

    stored = json.loads(json.dumps(as_stored(payload), ensure_ascii=False))

    assert from_stored(wanted, stored) == payload


def payloads(wanted: type[Payload]) -> st.SearchStrategy[Payload]:
    """Any payload of a class; the items of a list are without separators."""
    items = st.lists(st.text("abc@.?é", min_size=1)).map(tuple)
    hints = get_type_hints(wanted)
    values = {
        each.name: items if "separator" in each.metadata else st.from_type(hints[each.name])
        for each in fields(wanted)
    }
    return st.builds(wanted, **values)


def test_texts_are_changed_and_enumerations_are_not() -> None:
    assert map_text(NewCommentPayload(Visibility.NOTE, "open"), str.upper) == NewCommentPayload(
        Visibility.NOTE, "OPEN"
    )
    assert map_text(ApprovalPayload(("a", "b")), str.upper) == ApprovalPayload(("A", "B"))
    assert map_text(NewTicketPayload(7), str.upper) == NewTicketPayload(7)


# The table of kinds


def test_a_kind_without_traits_is_refused() -> None:
    without: dict[NoticeKind, Traits] = {
        kind: traits for kind, traits in KINDS.items() if kind is not NoticeKind.STATUS
    }

    with pytest.raises(ValueError, match="notice kinds without traits: STATUS"):
        require_traits(without)


def test_what_nobody_described_is_treated_as_a_customers() -> None:
    assert CLOSED.audience is Audience.CUSTOMER
    assert CLOSED.participants_only
    assert not CLOSED.for_staff
    assert not CLOSED.unsubscribable
    assert not CLOSED.answers_mail


def test_an_order_with_another_kinds_payload_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="of kind alert takes AlertPayload, not NoPayload"):
        NoticeOrder(NoticeKind.ALERT, "sam@help.example")


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_payload_can_be_made_without_values(kind: NoticeKind) -> None:
    NoticeOrder(kind, "sam@help.example", payload=kind.traits.payload())
