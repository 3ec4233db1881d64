"""Every reason can happen: one scene for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from rules.decision.model import Decision, Hold, Refuse
from rules.decision.reasons import Reason
from rules.decision.room import Room, within_room
from rules.facts import Earlier, Recent, Returned
from rules.mail.bounces import Bounce, Failure
from rules.people import Company, ParticipantKind, Presence
from rules.sender.authentication import Authentication, Result
from rules.sender.tokens import Purpose
from rules.service.digests import held_because
from rules.ticket.lifecycle import Status
from tests.rules.building import (
    ACME,
    ANN,
    ANNS,
    BOB,
    GIL,
    NOON,
    NOTHING,
    PROVEN,
    SAM,
    World,
    a_mail,
    a_ticket,
    brought,
    default_policy,
    member,
    our_id,
    person,
    preset,
    token_to,
    unproven,
)
from tests.rules.decision.test_decide import SEAL

KNOWN = "<old@client.example>"
PENDING = a_ticket(7, *ANNS.participants, member(71, BOB.address, presence=Presence.PENDING))
STAFFED = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))
GONE = person("gone@acme.example", active=False)
FREE = person(ANN.address, replace(ACME, tier="free"))
SUSPENDED = person(ANN.address, Company(1, "Acme", False))
CLOSED = replace(ANNS, status=Status.CLOSED)
RETURNED = Returned(UUID(int=5), BOB.address, 7, 0, False)
REPORT = Bounce(BOB.address, Failure.HARD, "5.1.1", "550 no such user", "")
EVE = "eve@evil.example"
BY_STAFF = Authentication.by_staff("sam")
VOUCHED = replace(NOTHING, vouched_by="dkim:acme.example")


def scenes() -> dict[Reason, Decision]:
    """A decision for every reason that the rules give."""
    silent = unproven(temporary=True)
    long_ago = NOON - timedelta(days=2)
    held = default_policy(unauthenticated="hold", strangers="hold")
    sealed = replace(PROVEN, signed_scope=SEAL)
    reread = replace(PROVEN, signed_scope=replace(SEAL, problem="2 content-type fields"))
    return {
        Reason.NEW_REQUEST: World().decide(a_mail()),
        Reason.FOLLOW_UP: World(tickets=(CLOSED,)).decide(a_mail(), to=token_to(70)),
        Reason.REPLY_TOKEN: World().decide(a_mail(), to=token_to(70)),
        Reason.OUR_MESSAGE_ID: World().decide(a_mail(references=(our_id(),))),
        Reason.KNOWN_MESSAGE_ID: World(known_ids={KNOWN: 7}).decide(a_mail(in_reply_to=(KNOWN,))),
        Reason.LATE_PARENT: World(named_before={KNOWN: 7}).decide(a_mail(message_id=KNOWN)),
        Reason.SUBJECT_TAG: World().decide(a_mail(subject="[#7]")),
        Reason.STATED: World(onto=7, proof=BY_STAFF).decide(a_mail()),
        Reason.NO_SUCH_TICKET: World(onto=8, proof=BY_STAFF).decide(a_mail()),
        Reason.PENDING_PARTICIPANT: World(tickets=(PENDING,)).decide(
            a_mail(BOB.address), to=token_to(71)
        ),
        Reason.NOT_A_PARTICIPANT: World().decide(a_mail(BOB.address), to=token_to(70)),
        Reason.OUTSIDE_CONTACT: World(notified_of=frozenset({7})).decide(
            a_mail(EVE, subject="[#7]")
        ),
        Reason.STAFF_WITHOUT_TOKEN: World(tickets=(STAFFED,)).decide(
            a_mail(SAM.address, references=(our_id(),))
        ),
        Reason.NOTHING_SAID: World(tickets=(STAFFED,)).decide(
            a_mail(SAM.address, text=""), to=token_to(79)
        ),
        Reason.COMMAND_REFUSED: World(tickets=(STAFFED,)).decide(
            a_mail(SAM.address, text="#explode"), to=token_to(79)
        ),
        Reason.FOREIGN_POINTER: World(
            tickets=(a_ticket(7, *ANNS.participants, member(72, EVE, ParticipantKind.GUEST)),),
            known_ids={KNOWN: brought(7, GIL.address)},
        ).decide(a_mail(EVE, in_reply_to=(KNOWN,))),
        Reason.TOKEN_ONLY: World(proof=NOTHING).decide(a_mail(), to=token_to(70)),
        Reason.FEEDBACK: World().decide(a_mail(), to=token_to(70, purpose=Purpose.FEEDBACK)),
        Reason.AUTOMATIC: World().decide(a_mail(auto_submitted="auto-replied")),
        Reason.AUTOMATIC_FOLDED: World().decide(
            a_mail(auto_submitted="auto-generated"), to=token_to(70)
        ),
        Reason.BOUNCE: World(returned=RETURNED).decide(a_mail(bounces=(REPORT,)), mail_from=""),
        Reason.DIGEST_ASKED: World().decide(a_mail(text="#digest"), to=token_to(70)),
        Reason.UNSUBSCRIBED: World().decide(a_mail(text="#unsubscribe"), to=token_to(70)),
        Reason.FROM_AMBIGUOUS: World(proof=VOUCHED).decide(a_mail(sender=None)),
        Reason.FROM_AMBIGUOUS_REFUSED: World(proof=NOTHING).decide(a_mail(sender=None)),
        Reason.NOT_ENROLLED: World().decide(a_mail("new@acme.example")),
        Reason.FOREIGN_COMPANY: World().decide(a_mail(GIL.address), to=token_to(70)),
        Reason.NOT_ADDRESSED: World(proof=sealed).decide(a_mail(to=(EVE,))),
        Reason.NOT_SIGNED: World(proof=reread).decide(a_mail()),
        Reason.DMARC_QUARANTINE: World(
            proof=unproven(Result.FAIL, "quarantine"), policy=held
        ).decide(a_mail()),
        Reason.DMARC_REJECT_HELD: World(
            proof=unproven(Result.FAIL, "reject"), strangers="hold"
        ).decide(a_mail()),
        Reason.DMARC_QUARANTINE_REFUSED: World(proof=unproven(Result.FAIL, "quarantine")).decide(
            a_mail()
        ),
        Reason.UNPROVEN_HELD: World(proof=NOTHING, policy=held).decide(a_mail()),
        Reason.DNS_FAILURE_HELD: World(proof=silent, deferred_since=long_ago).decide(a_mail()),
        Reason.STRANGER_HELD: World(policy=held).decide(a_mail(EVE)),
        Reason.STRANGER_RELAYED: World(strangers="hold").decide(a_mail(EVE)),
        Reason.TOO_MANY_TICKETS: World(recent=(Recent(NOON, True, 1),) * 10).decide(a_mail()),
        Reason.LIST_MAIL: World().decide(a_mail(to=("all@acme.example",), precedence="list")),
        Reason.AUTOMATIC_UNCLEAR: World().decide(a_mail(auto_submitted="auto-generated")),
        Reason.SEEN_BEFORE: World(earlier=Earlier(UUID(int=9), "x", 7)).decide(a_mail()),
        Reason.STRANGER: World().decide(a_mail(EVE)),
        Reason.UNPROVEN: World(proof=NOTHING).decide(a_mail()),
        Reason.DMARC_REJECT: World(proof=unproven(Result.FAIL, "reject")).decide(a_mail()),
        Reason.DEACTIVATED: World((GONE,)).decide(a_mail(GONE.address)),
        Reason.SUSPENDED: World((SUSPENDED,)).decide(a_mail()),
        Reason.NO_SUPPORT: World((FREE,), policy=preset("aiven")).decide(a_mail()),
        Reason.PORTAL_ONLY: World(policy=default_policy(requests_by_mail="refuse")).decide(
            a_mail()
        ),
        Reason.DNS_FAILURE: World(proof=silent).decide(a_mail()),
        Reason.SENDER_RATE: World(recent=(Recent(NOON, False, 1),) * 200).decide(a_mail()),
        Reason.DOMAIN_RATE: World(of_domain=2000).decide(a_mail()),
        Reason.QUOTA: within_room(
            World(proof=NOTHING).decide(a_mail(), mail_from=""),
            Room("192.0.2.0/24", mails_today=2000),
            default_policy(),
            relayed=False,
        ),
        Reason.QUARANTINE_FULL: within_room(
            World().decide(a_mail("new@acme.example")),
            Room("", held_by_sender=50),
            default_policy(),
            relayed=False,
        ),
    }


# Given where a bug or a broken store keeps the rules from deciding: tests/faults.
OUTSIDE_THE_RULES = {Reason.INTERNAL_ERROR, Reason.TOO_MANY_WAITING}


def test_every_reason_has_a_scene() -> None:
    assert set(scenes()) | OUTSIDE_THE_RULES == set(Reason)


@pytest.mark.parametrize("reason", sorted(set(Reason) - OUTSIDE_THE_RULES))
def test_a_reason_can_happen(reason: Reason) -> None:
    assert scenes()[reason].reason is reason


def test_whatever_is_held_or_would_be_refused_has_its_reason_in_words() -> None:
    unworded = held_because("").english

    for reason, decision in scenes().items():
        if isinstance(decision.action, Hold | Refuse):
            assert held_because(reason).english != unworded, reason
