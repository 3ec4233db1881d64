"""Who hears of an outgoing mail that does not reach its reader: what is asserted of each kind in
each way, and what docs/reliability.md shows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rules.ticket.notices import NoticeKind as Kind
from tests.storage.desk.unreached import Place, Way, may_befall


class Family(StrEnum):
    """Kinds that are treated alike."""

    CUSTOMER = "to customers on a ticket"
    CALL = "to staff and contacts, and the critical channel"
    ANSWER = "answers to a mail"
    OWN = "about no ticket, to one person"
    DIGEST = "the digest"


FAMILIES: Mapping[Kind, Family] = {
    Kind.ACKNOWLEDGEMENT: Family.CUSTOMER,
    Kind.COMMENT: Family.CUSTOMER,
    Kind.STATUS: Family.CUSTOMER,
    Kind.APPROVAL: Family.CUSTOMER,
    Kind.FOLLOW_UP: Family.CUSTOMER,
    Kind.FEEDBACK: Family.CUSTOMER,
    Kind.QUESTIONS: Family.CUSTOMER,
    Kind.COMPLETED: Family.CUSTOMER,
    Kind.REVIEW: Family.CUSTOMER,
    Kind.MORE: Family.CUSTOMER,
    Kind.NEW_TICKET: Family.CALL,
    Kind.NEW_COMMENT: Family.CALL,
    Kind.STAFF_MORE: Family.CALL,
    Kind.ALERT: Family.CALL,
    Kind.ASSIGNMENT: Family.CALL,
    Kind.SNOOZE_OVER: Family.CALL,
    Kind.SLA_WARNING: Family.CALL,
    Kind.SLA_BREACH: Family.CALL,
    Kind.ESCALATION: Family.CALL,
    Kind.ACCOUNT_TEAM: Family.CALL,
    Kind.NEXT_STEPS: Family.CALL,
    Kind.MANAGER_MORE: Family.CALL,
    Kind.CRITICAL_CHANNEL: Family.CALL,
    Kind.INVITATION: Family.ANSWER,
    Kind.KEPT: Family.ANSWER,
    Kind.RECEIPT: Family.ANSWER,
    Kind.MY_DIGEST: Family.OWN,
    Kind.CONSOLE_LOGIN: Family.OWN,
    Kind.EMPTY_DESK: Family.OWN,
    Kind.DIGEST: Family.DIGEST,
}
_NAMED = (Place.DEAD,)
_ALL_NAMED: Mapping[Kind | Family, tuple[Place, ...]] = {
    **dict.fromkeys(Family, _NAMED),
    Family.DIGEST: (Place.AGAIN,),
}
_OUTBOX_ALONE = (Place.OUTBOX,)

HEARD: Mapping[Way, Mapping[Kind | Family, tuple[Place, ...]]] = {
    Way.DELETED: dict.fromkeys((Family.CUSTOMER, Family.CALL, Kind.RECEIPT), _OUTBOX_ALONE),
    Way.LEFT: {Family.CUSTOMER: _OUTBOX_ALONE},
    Way.UNSUBSCRIBED: {Family.CUSTOMER: _OUTBOX_ALONE},
    Way.CLOSED: {
        Family.CUSTOMER: _OUTBOX_ALONE,
        Family.CALL: (Place.DEAD, Place.OUTBOX),
        Family.ANSWER: _OUTBOX_ALONE,
        Family.OWN: (Place.READER,),
        Kind.MY_DIGEST: (Place.DEAD, Place.OUTBOX),
        Family.DIGEST: (Place.AGAIN, Place.OUTBOX),
    },
    Way.DISCONTINUED: {
        Family.CUSTOMER: (Place.SUSPENDED, Place.OUTBOX),
        Family.CALL: (Place.DEAD, Place.SUSPENDED, Place.OUTBOX),
        Kind.CRITICAL_CHANNEL: (Place.DEAD, Place.OUTBOX),
        Family.ANSWER: _OUTBOX_ALONE,
        Family.OWN: (Place.DEAD, Place.SUSPENDED, Place.OUTBOX),
        Family.DIGEST: (Place.AGAIN, Place.SUSPENDED, Place.OUTBOX),
    },
    Way.LIKE_A_MACHINE: {Family.CUSTOMER: _NAMED, Family.CALL: _NAMED},
    Way.WITHHELD: {
        Family.CUSTOMER: (Place.SUMMARY, Place.WITHHELD),
        **dict.fromkeys((Kind.COMMENT, Kind.STATUS), (Place.SUMMARY,)),
        Family.CALL: (Place.WITHHELD,),
        **dict.fromkeys((Kind.NEW_COMMENT, Kind.NEXT_STEPS), (Place.SUMMARY,)),
        Family.ANSWER: (Place.WITHHELD,),
        Family.OWN: (Place.WITHHELD,),
        Family.DIGEST: (Place.WITHHELD,),
    },
    Way.LATE: {**dict.fromkeys(Family, (Place.LATE,)), Family.DIGEST: ()},
    Way.GIVEN_UP: _ALL_NAMED,
    Way.REFUSED: _ALL_NAMED,
    Way.FILTERED: {
        **_ALL_NAMED,
        Family.CALL: (Place.WITHOUT_WORDS,),
        **dict.fromkeys(
            (Kind.CRITICAL_CHANNEL, Kind.INVITATION, Kind.CONSOLE_LOGIN, Kind.EMPTY_DESK),
            (Place.READER,),
        ),
    },
    Way.RETURNED: _ALL_NAMED,
}


def heard_of(way: Way, kind: Kind) -> frozenset[Place]:
    """KeyError for a kind that nobody has thought of."""
    cells = HEARD[way]
    return frozenset(cells[kind] if kind in cells else cells[FAMILIES[kind]])


BEGINS, ENDS = "<!-- made from tests/storage/desk/heard.py -->", "<!-- end of notices -->"


def table_of_notices() -> str:
    """As docs/reliability.md has it."""
    head = ("what keeps it from its reader", *(family.value for family in Family))
    rows = ((way.value, *(_cell(way, family) for family in Family)) for way in Way)
    lines = (f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows))
    kinds = (
        f"- {family.value}: {', '.join(f'`{k}`' for k in Kind if FAMILIES[k] is family)}"
        for family in Family
    )
    return "\n".join((BEGINS, *lines, "", *kinds, ENDS))


def _cell(way: Way, family: Family) -> str:
    """What holds for most of a family, and for which of its kinds something else does."""
    kinds = [kind for kind in Kind if FAMILIES[kind] is family and may_befall(way, kind)]
    usual = HEARD[way].get(family)
    others: dict[frozenset[Place], list[Kind]] = {}
    for kind in kinds:
        others.setdefault(heard_of(way, kind), []).append(kind)
    shown = [_places(frozenset(usual))] if usual is not None and kinds else []
    for places, its in others.items():
        if usual is None or places != frozenset(usual):
            shown.append(f"{', '.join(f'`{kind}`' for kind in its)}: {_places(places)}")
    return "; ".join(shown) or "–"


def _places(places: frozenset[Place]) -> str:
    return ", ".join(place.value for place in Place if place in places) or "log"
