"""Who joins a ticket when a mail names them in To or Cc."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.decision.change.decide import decide_change
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects, PersonAdded
from rules.decision.model import AddComment, OpenTicket
from rules.identity import ProofLevel, Sender, Standing
from rules.mail import Envelope, Mail
from rules.people import ParticipantKind, Person, Presence
from rules.service.participants import Addition, additions
from rules.ticket.changes import AddPerson, Source
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ACME,
    ANN,
    ANNS,
    BOB,
    EVERYBODY,
    GIL,
    GLOBEX,
    NOON,
    NOTHING,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    default_policy,
    member,
    notified,
    person,
    policy_with,
    token_to,
)

PAT = "pat@partner.example"


def joined(world: World, mail: Mail, to: str = SUPPORT) -> tuple[Addition, ...]:
    action = world.decide(mail, to=to).action
    assert isinstance(action, OpenTicket | AddComment)
    return action.additions


def presence_of(world: World, mail: Mail, address: str, to: str = SUPPORT) -> Presence | None:
    return next((a.presence for a in joined(world, mail, to) if a.address == address), None)


@pytest.mark.parametrize(
    ("sender", "copied", "presence"),
    [
        (SAM.address, BOB.address, Presence.ACTIVE),
        (SAM.address, GIL.address, Presence.ACTIVE),
        (SAM.address, PAT, Presence.ACTIVE),
        (ANN.address, BOB.address, Presence.ACTIVE),
        (ANN.address, GIL.address, Presence.PENDING),
        (ANN.address, PAT, Presence.PENDING),
    ],
)
def test_who_adds_whom(sender: str, copied: str, presence: Presence) -> None:
    assert presence_of(World(), a_mail(sender, cc=(copied,)), copied) is presence


@pytest.mark.parametrize("copied", [BOB.address, PAT])
def test_a_colleague_whom_the_mail_enrols_adds_people_like_a_user(copied: str) -> None:
    policy = policy_with("cc", guests="add", by_guests="ignore")
    world = World(policy=policy.model_copy(update={"registration": "domain"}))

    assert presence_of(world, a_mail("new@acme.example", cc=(copied,)), copied) is Presence.ACTIVE


GONE = person("gone@globex.example", GLOBEX, active=False)


@pytest.mark.parametrize("copied", [PAT, GIL.address, GONE.address], ids=["nobody", "Gil", "left"])
@pytest.mark.parametrize(
    ("handling", "presence"),
    [("add", Presence.ACTIVE), ("propose", Presence.PENDING), ("ignore", None)],
)
def test_the_policy_decides_whether_others_than_colleagues_join(
    handling: str, presence: Presence | None, copied: str
) -> None:
    """A customer must not learn who is registered with another company, or was."""
    world = World((*EVERYBODY, GONE), policy=policy_with("cc", guests=handling))
    mail = a_mail(cc=(copied,))

    assert presence_of(world, mail, copied) is presence
    assert [added.part for added in joined(world, mail)] == (
        [ParticipantKind.GUEST] if presence is not None else []
    )
    asked = [ANN.address] if presence is Presence.PENDING else []
    assert notified(world.decide(mail), NoticeKind.APPROVAL) == asked


@pytest.mark.parametrize(
    ("handling", "copied", "presence"),
    [
        ("add", BOB.address, Presence.ACTIVE),
        ("propose", BOB.address, Presence.PENDING),
        ("ignore", BOB.address, None),
        ("add", GIL.address, Presence.PENDING),
        ("add", "other@partner.example", Presence.PENDING),
        ("propose", GIL.address, Presence.PENDING),
        ("propose", "other@partner.example", Presence.PENDING),
        ("ignore", GIL.address, None),
        ("ignore", "other@partner.example", None),
    ],
)
def test_the_policy_decides_whom_a_guest_may_add(
    handling: str, copied: str, presence: Presence | None
) -> None:
    policy = default_policy()
    policy = policy.model_copy(update={"cc": policy.cc.model_copy(update={"by_guests": handling})})
    ticket = a_ticket(7, *ANNS.participants, member(71, PAT, ParticipantKind.GUEST))
    world = World(tickets=(ticket,), policy=policy)

    assert presence_of(world, a_mail(PAT, cc=(copied,)), copied, token_to(71)) is presence


def test_without_sufficient_proof_everybody_added_is_pending() -> None:
    world = World(proof=NOTHING, policy=policy_with("proof", comment="token"))

    assert presence_of(world, a_mail(cc=(BOB.address,)), BOB.address, token_to(70)) is (
        Presence.PENDING
    )


@pytest.mark.parametrize(("sent", "asked"), [(9, [ANN.address]), (10, [])])
def test_people_whom_unproven_words_propose_fill_half_of_the_requesters_hour(
    sent: int, asked: list[str]
) -> None:
    both = a_ticket(7, *ANNS.participants, member(71, BOB.address))
    ticket = replace(both, sent={ANN.address: sent})
    policy = policy_with("proof", comment="token")
    unproven = World(proof=NOTHING, policy=policy, tickets=(ticket,))
    proven = World(policy=policy, tickets=(ticket,))
    mail = a_mail(BOB.address, cc=(PAT,))

    assert notified(unproven.decide(mail, to=token_to(71)), NoticeKind.APPROVAL) == asked
    assert notified(proven.decide(mail, to=token_to(71)), NoticeKind.APPROVAL) == [ANN.address]


def test_staff_in_copy_follow() -> None:
    (added,) = joined(World(), a_mail(cc=(SAM.address,)))

    assert (added.part, added.presence) == (ParticipantKind.FOLLOWER, Presence.ACTIVE)


@pytest.mark.parametrize(
    "address",
    [SUPPORT, "support+abc@help.example", "noreply@shop.example", ANN.address, "no address"],
)
def test_some_addresses_never_join(address: str) -> None:
    assert joined(World(), a_mail(cc=(address,))) == ()


@pytest.mark.parametrize("address", [GIL.address, "unknown@globex.example"])
def test_a_customer_does_not_learn_that_mail_to_others_bounces(address: str) -> None:
    """It was sent mail from here."""
    mail = a_mail(cc=(address,))

    assert joined(World(bounced=frozenset({address})), mail) == joined(World(), mail) != ()


@pytest.mark.parametrize(
    ("author", "address"),
    [(ANN, BOB.address), (ANN, SAM.address), (SAM, GIL.address), (SAM, "unknown@globex.example")],
)
def test_else_an_address_that_bounces_does_not_join(author: Person, address: str) -> None:
    world = World(bounced=frozenset({address}))

    assert joined(world, a_mail(author.address, cc=(address,))) == ()


def test_a_deactivated_user_does_not_join() -> None:
    gone = person("gone@acme.example", active=False)

    assert joined(World((*EVERYBODY, gone)), a_mail(cc=(gone.address,))) == ()


def test_staff_do_not_add_a_person_who_left_another_company() -> None:
    world = World((*EVERYBODY, GONE))

    assert joined(world, a_mail(SAM.address, cc=(GONE.address,))) == ()


def test_nobody_joins_where_we_were_a_blind_copy() -> None:
    assert joined(World(), a_mail(to=("x@elsewhere.example",), cc=(BOB.address,))) == ()


def test_a_participant_is_not_added_again() -> None:
    ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address))

    assert joined(World(tickets=(ticket,)), a_mail(cc=(BOB.address,)), token_to(70)) == ()


def test_a_flagged_mail_adds_nobody() -> None:
    assert joined(World(), a_mail(BOB.address, cc=(GIL.address,)), token_to(70)) == ()


def test_ten_join_by_one_mail_and_the_rest_is_pending() -> None:
    crowd = tuple(person(f"p{n}@acme.example") for n in range(12))

    added = joined(World((*EVERYBODY, *crowd)), a_mail(cc=tuple(p.address for p in crowd)))

    assert [a.presence for a in added] == [Presence.ACTIVE] * 10 + [Presence.PENDING] * 2


def test_a_full_ticket_takes_only_pending_people() -> None:
    full = a_ticket(7, *ANNS.participants, *(member(n, f"m{n}@x.example") for n in range(24)))
    world = World(tickets=(full,))

    assert presence_of(world, a_mail(cc=(BOB.address,)), BOB.address, token_to(70)) is (
        Presence.PENDING
    )


ALIAS = "help@kestrel.example"
FORWARDED = World(policy=default_policy(aliases=("Help@Kestrel.example",)))


def test_a_forwarding_address_makes_the_mailbox_visible() -> None:
    assert presence_of(FORWARDED, a_mail(to=(ALIAS,), cc=(BOB.address,)), BOB.address) is not None


def test_an_address_that_forwards_to_us_never_joins() -> None:
    assert joined(FORWARDED, a_mail(to=(SUPPORT, ALIAS))) == ()


def test_through_a_list_of_ours_people_join_and_through_another_list_they_do_not() -> None:
    """The marks of our own list, such as a Google Group, count for nothing (RFC 2919)."""
    world = World(policy=default_policy(lists=(ALIAS,)))
    mail = a_mail(to=(ALIAS,), cc=(BOB.address,), list_id="<help.kestrel.example>")
    other = a_mail(to=(ALIAS,), cc=(BOB.address,), list_id="<team.kestrel.example>")

    def joining(each: Mail) -> list[str]:
        envelope = Envelope("192.0.2.1", "", False, ANN.address, (SUPPORT,))
        facts = world.facts(each, envelope, ANN.address)
        ann = Sender(ANN.address, Standing.USER, ProofLevel.PROVEN, ANN, ANN.company, None)
        return [each.address for each in additions(each, facts, ann, None, world.policy)]

    assert joining(mail) == [BOB.address]
    assert joining(other) == []


def test_a_ticket_that_is_full_takes_nobody_more_but_from_staff() -> None:
    """Active, pending or removed: every mail on the ticket reads them all."""
    states = (Presence.ACTIVE, Presence.PENDING, Presence.REMOVED)
    sam = member(999, SAM.address, ParticipantKind.FOLLOWER)
    crowd = [member(n, f"m{n}@x.example", presence=states[n % 3]) for n in range(195)]
    nearly = World(tickets=(a_ticket(7, *ANNS.participants, sam, *crowd),))
    more = tuple(f"new{n}@x.example" for n in range(5))

    assert len(joined(nearly, a_mail(cc=more), token_to(70))) == 3

    crowd += [member(n, f"m{n}@x.example") for n in range(195, 198)]
    full = World(tickets=(a_ticket(7, *ANNS.participants, sam, *crowd),))
    assert joined(full, a_mail(cc=more), token_to(70)) == ()
    assert "nobody joins" in str(full.decide(a_mail(cc=more), token_to(70)).trace)
    assert len(joined(full, a_mail(SAM.address, cc=more), token_to(999))) == 5


def test_to_a_ticket_that_is_full_the_portal_adds_nobody_either() -> None:
    crowd = (member(n, f"m{n}@x.example", presence=Presence.PENDING) for n in range(199))
    full = a_ticket(7, *ANNS.participants, *crowd)
    facts = ChangeFacts(
        at=NOON, actor=ANN.address, source=Source.API, by_staff=False, mailbox=SUPPORT
    )

    refused = decide_change(full, AddPerson(PAT), facts, default_policy())

    assert isinstance(refused, ChangeRefused)
    assert str(refused.why) == "#7 may have no more than 200 people"


def test_staff_who_add_a_user_of_another_company_are_told_which() -> None:
    eve = replace(BOB, company=replace(ACME, id=ACME.id + 1, name="Globex"))
    facts = ChangeFacts(
        at=NOON,
        actor=SAM.address,
        source=Source.API,
        by_staff=True,
        mailbox=SUPPORT,
        people={eve.address: eve},
    )

    added = decide_change(ANNS, AddPerson(eve.address), facts, default_policy())

    assert isinstance(added, Effects)
    assert str(added.done[-1]) == f"{eve.address} is a user of another company, Globex"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"company": replace(ACME, active=False)}, "their company is suspended"),
        ({"active": False}, "they are deactivated"),
    ],
)
def test_staff_who_add_somebody_that_gets_no_mail_are_told(
    changed: dict[str, Any], why: str
) -> None:
    bob = replace(BOB, **changed)
    facts = ChangeFacts(
        at=NOON,
        actor=SAM.address,
        source=Source.API,
        by_staff=True,
        mailbox=SUPPORT,
        people={bob.address: bob},
    )
    removed = member(99, bob.address, presence=Presence.REMOVED)
    ticket = a_ticket(7, *ANNS.participants, removed)

    added = decide_change(ticket, AddPerson(bob.address), facts, default_policy())

    assert isinstance(added, Effects)
    assert [str(each) for each in added.done] == [
        f"{bob.address} is now on #7",
        f"{bob.address} gets no mail: {why}",
    ]


def welcomed(address: str, *, source: Source, by_staff: bool, published: bool) -> list[bool]:
    """Whether the notice to a person who is added quotes the comment; empty without a notice."""
    facts = ChangeFacts(
        at=NOON,
        actor=SAM.address if by_staff else ANN.address,
        source=source,
        by_staff=by_staff,
        mailbox=SUPPORT,
        published=published,
        people={each.address: each for each in EVERYBODY},
    )
    added = decide_change(ANNS, AddPerson(address), facts, policy_with("cc", guests="add"))
    assert isinstance(added, Effects)
    assert {order.address for order in added.notices} <= {address}
    return [order.quotes for order in added.notices if order.kind is NoticeKind.STATUS]


@pytest.mark.parametrize("address", [BOB.address, GIL.address, PAT])
@pytest.mark.parametrize("by_staff", [True, False])
def test_who_is_added_is_notified_of_it_unless_a_comment_reaches_them(
    address: str, by_staff: bool
) -> None:
    api, mail = Source.API, Source.STAFF_MAIL if by_staff else Source.MAIL

    assert welcomed(address, source=api, by_staff=by_staff, published=False) == [False]
    assert welcomed(address, source=api, by_staff=by_staff, published=True) == []
    assert welcomed(address, source=mail, by_staff=by_staff, published=True) == [True]


def test_a_staff_person_who_is_added_gets_no_mail_for_customers() -> None:
    assert welcomed(SAM.address, source=Source.API, by_staff=True, published=False) == []


@pytest.mark.parametrize(
    ("guests", "presence"),
    [("add", Presence.ACTIVE), ("propose", Presence.PENDING), ("ignore", None)],
)
def test_a_user_of_another_company_adds_everybody_in_one_way(
    guests: Any, presence: Presence | None
) -> None:
    """Else Gil of Globex would see by the answer who is registered with Acme, or was."""
    left = person("left@acme.example", active=False)
    ticket = a_ticket(7, *ANNS.participants, member(72, GIL.address, ParticipantKind.GUEST))
    policy = policy_with("cc", guests=guests)
    world = World((*EVERYBODY, left), tickets=(ticket,), policy=policy)

    def by_portal(address: str) -> Presence | None:
        facts = ChangeFacts(
            at=NOON,
            actor=GIL.address,
            source=Source.API,
            by_staff=False,
            mailbox=SUPPORT,
            people={each.address: each for each in world.people},
        )
        added = decide_change(ticket, AddPerson(address), facts, policy)
        rows = added.rows if isinstance(added, Effects) else ()
        return next((r.addition.presence for r in rows if isinstance(r, PersonAdded)), None)

    for address in (BOB.address, left.address, PAT):
        mail = a_mail(GIL.address, cc=(address,))
        assert presence_of(world, mail, address, token_to(72)) is presence
        assert by_portal(address) is presence
