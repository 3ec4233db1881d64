"""A decision on a change names all that it causes: nothing else is written, nothing is missing.

Decision 0013 states it; here any changes, in any order and from any source, are tried on both
stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rules.decision.effects import ChangeRefused, Effects
from rules.people import StaffNotices
from rules.ticket.changes import (
    AddPerson,
    AddTag,
    Assign,
    Assignee,
    Change,
    Complete,
    Delete,
    Escalate,
    Follow,
    Merge,
    PreferNotices,
    PublishComment,
    Rate,
    Rating,
    RemovePerson,
    RemoveTag,
    ReportOverdue,
    SetAnySeverity,
    SetField,
    SetRequester,
    SetStatus,
    SettlePerson,
    Snooze,
    Source,
    Split,
    Unfollow,
    Unsubscribe,
    WakeUp,
    Workaround,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeOrder
from rules.ticket.visibility import Visibility
from storage.db.tables import AuditRow, CommentRow, NoticeRow
from tests.examples import examples
from tests.rules.building import ANN, BOB, SAM, a_mail, policy_with
from tests.storage.shop import Shop, opened

PEOPLE = st.sampled_from([ANN.address, BOB.address, SAM.address, "new@globex.example", "x"])
TEXTS = st.sampled_from(["", "It is on.", "Project: demo-1", "Thanks!"])
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(SetStatus, st.sampled_from(Status), TEXTS),
    st.builds(SetAnySeverity, st.sampled_from(["Critical", "P2", "low", "urgent"]), TEXTS),
    st.builds(Workaround, TEXTS),
    st.builds(Complete, TEXTS),
    st.builds(SetField, st.sampled_from(["project_id", "unknown"]), TEXTS),
    st.builds(AddTag, st.sampled_from(["billing", "Refund", "two words"])),
    st.builds(RemoveTag, st.sampled_from(["billing", "refund"])),
    st.builds(Assign, st.sampled_from([Assignee.ME, Assignee.NOBODY, "sam", ANN.address])),
    st.builds(AddPerson, PEOPLE),
    st.builds(SetRequester, PEOPLE),
    st.builds(RemovePerson, PEOPLE),
    st.builds(SettlePerson, PEOPLE, st.booleans()),
    st.builds(Unsubscribe, PEOPLE),
    st.builds(WriteComment, TEXTS, st.sampled_from([Visibility.PUBLIC, Visibility.NOTE])),
    st.builds(PublishComment, st.integers(1, 5)),
    st.builds(Escalate, TEXTS),
    st.builds(Merge, st.integers(1, 5)),
    st.builds(Delete, TEXTS),
    st.builds(Rate, st.sampled_from(Rating), TEXTS),
    st.builds(Snooze, st.sampled_from(["3d", "monday", "off", "x", "2020-01-01"])),
    st.builds(Split, st.one_of(st.none(), st.integers(1, 5)), TEXTS),
    st.sampled_from([Follow(), Unfollow(), PreferNotices(StaffNotices.MINE)]),
    st.just(WakeUp()),
    st.just(ReportOverdue()),
)
LISTS = st.lists(CHANGES, min_size=1, max_size=4)
ACTORS = st.sampled_from([ANN.address, BOB.address, SAM.address])
SETTINGS = settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(changes=LISTS, actor=ACTORS, source=st.sampled_from(Source), by_staff=st.booleans())
@example(
    changes=[Rate(Rating.GOOD, "It is on."), Rate(Rating.BAD, "It is on."), Rate(Rating.BAD, "")],
    actor=ANN.address,
    source=Source.WEB,
    by_staff=False,
)
@example(changes=[Split(None, "It is on.")], actor=ANN.address, source=Source.WEB, by_staff=True)
def test_the_notices_written_are_those_that_the_decision_names(
    shop: Shop, changes: Sequence[Change], actor: str, source: Source, by_staff: bool
) -> None:
    number = a_ticket(shop)
    context = replace(shop.context(), actor=actor, source=source)
    before = {notice.id for notice in shop.notices()}

    decided = shop.change(number, *changes, by_staff=by_staff, context=context)

    written = Counter((n.kind, n.address) for n in shop.notices() if n.id not in before)
    assert written == Counter((order.kind.value, order.address) for order in named(decided))


@SETTINGS
@given(changes=LISTS, by_staff=st.booleans())
def test_if_one_change_is_refused_nothing_is_written(
    shop: Shop, changes: Sequence[Change], by_staff: bool
) -> None:
    number = a_ticket(shop)
    tables = (AuditRow, CommentRow, NoticeRow)
    before = (shop.ticket(number), *map(shop.count, tables))

    decided = shop.change(number, *changes, RemovePerson("nobody@x.example"), by_staff=by_staff)

    assert isinstance(decided, ChangeRefused)
    assert (shop.ticket(number), *map(shop.count, tables)) == before


def a_ticket(shop: Shop) -> int:
    """Ann's, with Bob on it; the number of new tickets is not limited."""
    shop.policy = policy_with("budgets", tickets_per_hour=10_000)
    return opened(shop.take(a_mail(cc=(BOB.address,))))


def named(decided: Effects | ChangeRefused) -> Sequence[NoticeOrder]:
    return decided.notices if isinstance(decided, Effects) else ()
