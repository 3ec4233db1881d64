"""Laws of every decision, for any mail on any ticket."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.decision.model import AddComment, Decision, EndSubscription, OpenTicket, Record, Repeat
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent, Returned
from rules.mail import Envelope, Mail
from rules.mail.automatic import AutomaticClass, sign_of_automation
from rules.mail.bounces import Bounce, Failure
from rules.mail.header import Author
from rules.people import Participant, ParticipantKind, Presence, Staff
from rules.policy import Policy
from rules.sender.tokens import Purpose
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from tests.examples import examples
from tests.rules.building import (
    ACME,
    ANN,
    BOB,
    GIL,
    NOON,
    NOTHING,
    PROVEN,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    member,
    orders_of,
    our_id,
    person,
    policy_with,
    preset,
    token_to,
)

SUE = person("sue@help.example", None, SAM.role)
MONITOR = person("monitor@acme.example", replace(ACME, account_team=(SAM.address,)), machine=True)
GUEST, NEW, EVE = "pat@partner.example", "new@acme.example", "eve@evil.example"
PEOPLE = (ANN, BOB, GIL, SAM, SUE, MONITOR)
ADDRESSES = (*(p.address for p in PEOPLE), GUEST, NEW, EVE)
KNOWN = "<old@client.example>"
TO_THE_AUTHOR = {
    NoticeKind.CRITICAL_CHANNEL,
    NoticeKind.ACKNOWLEDGEMENT,
    NoticeKind.INVITATION,
    NoticeKind.KEPT,
    NoticeKind.RECEIPT,
    NoticeKind.APPROVAL,
}

TEXTS = ("It is down.", "It is down.", "Thanks!", "", "#unsubscribe", "Severity: critical")

addresses = st.sampled_from(ADDRESSES)
# Few draws, of strategies that are made once: drawing takes ten times as long as deciding.
people_on_a_ticket = st.lists(addresses, min_size=1, max_size=5, unique=True)
standings = st.sampled_from(
    list(
        itertools.product(
            [Presence.ACTIVE] * 4 + list(Presence), [False, False, True], [False, True, True]
        )
    )
)
"""Presence, muted, reachable."""
states = st.sampled_from(list(itertools.product(Status, [1, 20], [False] * 7 + [True], [0, 3])))
"""Status, for how many days, deleted, and how often reopened."""
relations = st.sampled_from(
    list(itertools.product([None] * 6 + [7, 8, 9], [None, None, None, 7, 8, 9]))
)
"""The ticket that it was merged into, and the one that it follows."""


@dataclass(frozen=True)
class Scene:
    """A mail, its recipient, and the state of the store."""

    world: World
    mail: Mail
    to: str
    mail_from: str

    def decide(self) -> Decision:
        return self.world.decide(self.mail, self.to, self.mail_from)

    @property
    def author(self) -> str:
        return self.mail.author.address if isinstance(self.mail.author, Author) else ""

    @property
    def sign(self) -> AutomaticClass | None:
        if self.world.looped:
            return AutomaticClass.CERTAIN
        envelope = Envelope("127.0.0.1", "", False, self.mail_from, (self.to,))
        found = sign_of_automation(self.mail, envelope)
        return found.kind if found is not None else None


@st.composite
def participants(draw: st.DrawFn, ticket: int) -> tuple[Participant, ...]:
    """Up to five people on a ticket, the first its requester."""
    members = []
    for place, address in enumerate(draw(people_on_a_ticket)):
        presence, muted, reachable = draw(standings)
        number, part = ticket * 10 + place, part_of(address, place)
        members.append(member(number, address, part, presence, muted=muted, reachable=reachable))
    return tuple(members)


def part_of(address: str, place: int) -> ParticipantKind:
    if place == 0:
        return ParticipantKind.REQUESTER
    if address in (SAM.address, SUE.address):
        return ParticipantKind.FOLLOWER
    return ParticipantKind.USER if address in {p.address for p in PEOPLE} else ParticipantKind.GUEST


on_a_ticket = {number: participants(number) for number in (7, 8, 9)}


@st.composite
def tickets(draw: st.DrawFn) -> tuple[Ticket, ...]:
    made = []
    for number in (7, 8, 9):
        status, days, deleted, reopened = draw(states)
        merged_into, follow_up = draw(relations)
        ticket = a_ticket(
            number,
            *draw(on_a_ticket[number]),
            status=status,
            status_at=NOON - timedelta(days=days),
            merged_into=merged_into,
            follow_up=follow_up,
            deleted=deleted,
            reopened=reopened,
        )
        made.append(ticket)
    return tuple(made)


def every_policy() -> tuple[Policy, ...]:
    """The default with one setting changed, some with tiers, some that enrol by domain."""
    changed = (
        policy_with("staff", notify="all"),
        policy_with("staff", notify="followers"),
        policy_with("account_team", told_of_new=True),
        policy_with("proof", comment="T2"),
        policy_with("proof", comment="token"),
        policy_with("cc", guests="add", by_guests="add"),
        policy_with("severity", ceiling="Critical", default="Critical"),
    )
    tiers = {"tiers": preset("aiven").tiers, "default_tier": "basic"}
    more: tuple[dict[str, Any], ...] = ({}, {"registration": "domain"}, tiers)
    return tuple(policy.model_copy(update=update) for policy in changed for update in more)


POLICIES = every_policy()


@st.composite
def worlds(draw: st.DrawFn) -> World:
    here = draw(tickets())
    recent = [Recent(NOON - timedelta(minutes=m), False, 7) for m in (5, 5, 3, 3, 3, 3, *[1] * 7)]
    returned = Returned(
        UUID(int=5), draw(addresses), 7, draw(st.integers(0, 2)), draw(st.booleans())
    )
    return World(
        people=PEOPLE,
        tickets=here,
        known_ids={KNOWN: draw(st.sampled_from([7, 8, 9]))},
        named_before={"<1@client.example>": 9} if draw(st.booleans()) else {},
        staff=(Staff(SAM.address, ""), Staff(SUE.address, "de")),
        recent=tuple(recent) if draw(st.booleans()) else (),
        returned=returned if draw(st.sampled_from([False] * 5 + [True])) else None,
        looped=draw(st.sampled_from([False] * 7 + [True])),
        proof=draw(st.sampled_from([PROVEN, PROVEN, NOTHING])),
        acknowledged_at=draw(st.sampled_from([None, NOON])),
        policy=draw(st.sampled_from(POLICIES)),
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    world = draw(worlds())
    failed = Bounce("", draw(st.sampled_from(Failure)), "5.1.1", "no such user", "")
    headers: dict[str, Any] = draw(
        st.sampled_from(
            [
                *({},) * 6,
                {"auto_submitted": "auto-replied"},
                {"list_id": "<x.example>"},
                {"auto_submitted": "auto-generated"},
                {"importance": "high"},
                {"x_priority": "1"},
            ]
        )
    )
    ticket = draw(st.sampled_from(world.tickets))
    holder = draw(st.sampled_from(ticket.participants))
    author = draw(st.one_of(st.just(holder.address), st.just(holder.address), addresses, st.none()))
    mail = a_mail(
        author,
        subject=draw(st.sampled_from(["Printer", "Printer", "[P1] down", "[#7]", "#unsubscribe"])),
        text=draw(st.sampled_from(TEXTS)),
        cc=tuple(draw(st.lists(addresses, max_size=3))),
        references=draw(st.sampled_from([(), (our_id(7),), (our_id(8), KNOWN), (KNOWN,)])),
        bounces=(failed,) if draw(st.booleans()) else (),
        **headers,
    )
    token = token_to(holder.id, ticket.id, draw(st.sampled_from(Purpose)))
    mail_from = draw(st.sampled_from(["x@client.example"] * 4 + [""]))
    return Scene(world, mail, draw(st.sampled_from([SUPPORT, token, token])), mail_from)


LOOKED_AT = settings(max_examples=examples(40), deadline=None)


@LOOKED_AT
@given(scenes())
def test_nobody_is_notified_of_their_own_mail(scene: Scene) -> None:
    decision = scene.decide()

    event(decision.reason)
    own = {order.kind for order in orders_of(decision) if order.address == scene.author}
    # A delivery report may have anybody's From: staff are alerted of the address all the same.
    reported = {NoticeKind.ALERT} if decision.reason is Reason.BOUNCE else set()
    assert own <= TO_THE_AUTHOR | reported


@LOOKED_AT
@given(scenes())
def test_automatic_mail_causes_no_notice_except_to_staff(scene: Scene) -> None:
    decision = scene.decide()

    if scene.sign is None or scene.sign is AutomaticClass.BULK:
        return
    event(decision.reason)
    to_staff: set[NoticeKind] = set()
    if scene.author == MONITOR.address:
        to_staff = {NoticeKind.NEW_TICKET, NoticeKind.NEW_COMMENT, NoticeKind.ALERT}
        to_staff |= {NoticeKind.ACCOUNT_TEAM}
    elif isinstance(decision.action, Record) and decision.action.bounced is not None:
        to_staff = {NoticeKind.ALERT}
    elif decision.reason is Reason.AUTOMATIC_FOLDED and scene.author in (SAM.address, SUE.address):
        to_staff = {NoticeKind.RECEIPT}
    assert {order.kind for order in orders_of(decision)} <= to_staff


@LOOKED_AT
@given(scenes())
def test_nothing_answers_a_mail_with_the_marks_of_a_list(scene: Scene) -> None:
    decision = scene.decide()

    if scene.sign is AutomaticClass.BULK and "#unsubscribe" not in (
        scene.mail.subject,
        getattr(scene.mail.body, "text", ""),
    ):
        event(decision.reason)
        by_staff = scene.author in (SAM.address, SUE.address)  # of their commands
        own = {o.kind for o in orders_of(decision) if o.address == scene.author}
        # A delivery report may have anybody's From: staff are alerted of the address all the same.
        reported = {NoticeKind.ALERT} if decision.reason is Reason.BOUNCE else set()
        assert own <= ({NoticeKind.RECEIPT} if by_staff else set()) | reported


@LOOKED_AT
@given(scenes())
def test_an_automatic_mail_changes_no_status(scene: Scene) -> None:
    decision = scene.decide()

    is_machine = scene.author == MONITOR.address
    counts = scene.sign is not None and (is_machine or scene.sign is not AutomaticClass.BULK)
    if counts and isinstance(decision.action, AddComment):
        assert decision.action.moved is None


@LOOKED_AT
@given(scenes())
def test_no_mail_opens_a_critical_ticket(scene: Scene) -> None:
    decision = scene.decide()

    if isinstance(decision.action, OpenTicket):
        critical = {level.name for level in scene.world.policy.levels if level.critical}
        assert decision.action.severity.name not in critical


@LOOKED_AT
@given(scenes())
def test_nobody_gets_two_mails_of_one_kind(scene: Scene) -> None:
    """Two alerts about one mail say two things: a claim, say, and people whom nobody approves."""
    sent = [
        (order.kind, order.address, order.payload if order.kind is NoticeKind.ALERT else None)
        for order in orders_of(scene.decide())
    ]

    assert len(sent) == len(set(sent))


@LOOKED_AT
@given(scenes())
def test_customers_comments_are_sent_only_to_people_who_may_read_them(scene: Scene) -> None:
    """Active, reachable and not muted on the ticket that they are about."""
    decision = scene.decide()
    action = decision.action

    if isinstance(action, AddComment):
        about = action.ticket
    elif isinstance(action, OpenTicket) and action.follows is not None:
        about = action.follows
    else:
        about = 0
    readers = {
        p.address
        for t in scene.world.tickets
        if t.id == about
        for p in t.participants
        if p.is_notified
    }
    sent = {order.address for order in orders_of(decision) if order.kind is NoticeKind.COMMENT}
    assert sent <= readers
    if decision.verdict is Verdict.FLAGGED:
        assert sent == set()


@LOOKED_AT
@given(scenes())
def test_an_unproven_mail_adds_at_most_words_and_people_who_are_only_proposed(scene: Scene) -> None:
    decision = scene.decide()
    action = decision.action

    if scene.world.proof is not NOTHING:
        return
    event(decision.reason)
    assert not isinstance(action, OpenTicket | EndSubscription)
    if isinstance(action, AddComment):
        assert (action.moved, action.clock_change, action.missing) == (None, None, None)
        assert not action.fields
        assert not action.by_staff
        assert action.command_effects.rows == ()
        assert {a.presence for a in action.additions} <= {Presence.PENDING}
        if scene.world.policy.proof.comment != "token":
            assert action.visibility is Visibility.PRIVATE
            assert len(action.additions) <= scene.world.policy.cc.per_mail
            assert {o.kind for o in action.orders}.isdisjoint({NoticeKind.APPROVAL})


@LOOKED_AT
@given(scenes())
def test_nothing_is_written_on_a_deleted_ticket_or_a_merged_one(scene: Scene) -> None:
    action = scene.decide().action

    if isinstance(action, AddComment | EndSubscription):
        ticket = next(t for t in scene.world.tickets if t.id == action.ticket)
        assert not ticket.deleted
        assert ticket.merged_into is None


@LOOKED_AT
@given(scenes())
def test_every_decision_has_a_trace(scene: Scene) -> None:
    decision = scene.decide()

    assert decision.trace
    assert not isinstance(decision.action, Repeat)
