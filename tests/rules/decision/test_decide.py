"""What happens to a mail: one test for each line of the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from rules.decision.automation import UNPROVEN_BODY, UNREGISTERED_BODY
from rules.decision.model import AddComment, Decision, Defer, OpenTicket, Record, Repeat
from rules.decision.reasons import Reason, Verdict
from rules.facts import Earlier, Recent
from rules.mail import Body, StrangerHandling
from rules.mail.opening import TRACED, Opening
from rules.people import ParticipantKind, Presence
from rules.policy import Policy
from rules.sender.authentication import DmarcPolicy, Result, SignedScope
from rules.sender.tokens import Purpose
from rules.service.participants import Addition
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ACME,
    ANN,
    ANNS,
    BOB,
    EVERYBODY,
    GIL,
    NOON,
    NOTHING,
    PROVEN,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    default_policy,
    member,
    notified,
    orders_of,
    our_id,
    person,
    policy_with,
    token_to,
    unproven,
)

JOURNAL_ID = UUID(int=9)


def what_it_adds(decision: Decision) -> tuple[int, Visibility, tuple[Addition, ...]]:
    """Of a comment: the ticket, who reads it, and who joins."""
    action = decision.action
    assert isinstance(action, AddComment)
    return action.ticket, action.visibility, action.additions


def is_acknowledged(decision: Decision) -> bool:
    """Whether the author, and nobody else, is sent an acknowledgement."""
    addresses = notified(decision, NoticeKind.ACKNOWLEDGEMENT)
    assert addresses in ([], [ANN.address])
    return bool(addresses)


def test_a_user_opens_a_ticket() -> None:
    decision = World().decide(a_mail(subject="Printer"))

    assert (decision.verdict, decision.reason) == (Verdict.OPENED, Reason.NEW_REQUEST)
    assert isinstance(decision.action, OpenTicket)
    assert (decision.action.subject, decision.action.requester) == ("Printer", ANN.address)


@pytest.mark.parametrize("subject", ["", "\u200b\u2060", "\u3164"])
def test_a_ticket_without_a_subject_that_is_seen_is_titled_no_subject(subject: str) -> None:
    action = World().decide(a_mail(subject=subject)).action

    assert isinstance(action, OpenTicket)
    assert action.subject == "(no subject)"


def test_every_check_that_a_mail_passed_is_in_the_trace() -> None:
    trace = World().decide(a_mail()).trace

    assert [step.check for step in trace] == [
        "duplicate",
        "bounce",
        "automatic",
        "author",
        "proof",
        "sender",
        "rate",
        "known_ticket",
        "new_ticket",
    ]


def test_the_same_mail_again_is_answered_as_the_first_time() -> None:
    world = World(earlier=Earlier(JOURNAL_ID, "filed as #7", 7))

    decision = world.decide(a_mail())

    assert decision.reason is Reason.SEEN_BEFORE
    assert decision.action == Repeat(JOURNAL_ID, "filed as #7", 7)


def test_the_same_message_id_with_other_bytes_is_another_mail() -> None:
    decision = World(id_seen=True).decide(a_mail())

    assert decision.verdict is Verdict.OPENED
    assert "id_collision" in decision.trace[0].outcome


@pytest.mark.parametrize(
    ("vouched_by", "listener", "policy", "verdict"),
    [
        ("dkim:acme.example", None, "refuse", Verdict.HELD),
        ("dkim:acme.example", "refuse", "refuse", Verdict.HELD),
        ("peer:127.0.0.1", "refuse", "refuse", Verdict.HELD),
        ("relay:mx.example", None, "refuse", Verdict.HELD),
        ("relay:mx.example", "hold", "refuse", Verdict.HELD),
        ("relay:mx.example", "refuse", "hold", Verdict.REFUSED),
        ("", None, "refuse", Verdict.REFUSED),
        ("", None, "hold", Verdict.HELD),
        ("", "hold", "refuse", Verdict.HELD),
        ("", "refuse", "hold", Verdict.REFUSED),
    ],
)
def test_a_mail_without_one_author_is_held_where_something_stands_behind_it(
    vouched_by: str, listener: StrangerHandling | None, policy: Any, verdict: Verdict
) -> None:
    world = World(
        proof=replace(NOTHING, vouched_by=vouched_by),
        strangers=listener,
        policy=default_policy(strangers=policy),
    )
    decision = world.decide(a_mail(sender=None))

    assert decision.verdict is verdict
    stranger = world.decide(a_mail("eve@evil.example"))
    if not vouched_by and verdict is Verdict.REFUSED:
        assert decision.action == stranger.action


def test_a_mail_without_one_author_waits_for_the_dns_only_so_long() -> None:
    silent = replace(NOTHING, temporary=True)
    now = World(proof=silent).decide(a_mail(sender=None))
    later = World(proof=silent, deferred_since=NOON - timedelta(days=2))

    assert now.reason is Reason.DNS_FAILURE
    assert later.decide(a_mail(sender=None)).reason is Reason.FROM_AMBIGUOUS_REFUSED


def test_a_stranger_is_refused_with_the_sign_up_text() -> None:
    decision = World().decide(a_mail("eve@evil.example"))

    assert (decision.verdict, decision.reason) == (Verdict.REFUSED, Reason.STRANGER)


def test_a_stranger_is_held_if_the_policy_holds_strangers() -> None:
    world = World(policy=default_policy(strangers="hold"))

    assert world.decide(a_mail("eve@evil.example")).reason is Reason.STRANGER_HELD


@pytest.mark.parametrize(
    ("listener", "policy", "reason"),
    [
        ("hold", "refuse", Reason.STRANGER_RELAYED),
        ("hold", "hold", Reason.STRANGER_RELAYED),
        ("refuse", "hold", Reason.STRANGER),
    ],
)
def test_the_listeners_setting_for_strangers_takes_precedence_over_the_policys(
    listener: StrangerHandling, policy: StrangerHandling, reason: Reason
) -> None:
    world = World(policy=default_policy(strangers=policy), strangers=listener)

    assert world.decide(a_mail("eve@evil.example")).reason is reason


def test_a_proven_colleague_who_is_not_enrolled_is_held() -> None:
    assert World().decide(a_mail("new@acme.example")).reason is Reason.NOT_ENROLLED


@pytest.mark.parametrize(
    "address", [ANN.address, "new@acme.example", "gone@acme.example", "cto@acme.example"]
)
def test_below_proof_every_address_of_a_domain_gets_the_same_answer(address: str) -> None:
    people = (*EVERYBODY, person("gone@acme.example", active=False))
    suspended = person("cto@acme.example", company=ACME, active=True)

    decision = World((*people, suspended), proof=NOTHING).decide(a_mail(address))

    assert (decision.verdict, decision.reason) == (Verdict.REFUSED, Reason.UNPROVEN)


def test_the_answer_to_an_unproven_user_is_the_strangers_answer() -> None:
    unproven_user = World(proof=NOTHING).decide(a_mail())
    stranger = World(proof=NOTHING).decide(a_mail("eve@evil.example"))

    assert unproven_user.action == stranger.action


def test_an_unproven_user_is_held_if_the_policy_holds_unproven_mail() -> None:
    world = World(proof=NOTHING, policy=default_policy(unauthenticated="hold"))

    assert world.decide(a_mail()).reason is Reason.UNPROVEN_HELD


DMARC_POLICIES: tuple[DmarcPolicy, ...] = ("none", "quarantine", "reject")


@pytest.mark.parametrize("strangers", ["refuse", "hold"])
@pytest.mark.parametrize("asks", DMARC_POLICIES)
def test_an_unproven_mail_gets_the_answer_of_a_stranger_whatever_its_domain_asks_for(
    strangers: StrangerHandling, asks: DmarcPolicy
) -> None:
    world = World(proof=unproven(Result.FAIL, asks), strangers=strangers)
    stranger = World(proof=NOTHING, strangers=strangers).decide(a_mail("eve@evil.example"))

    decision = world.decide(a_mail())

    assert decision.action == stranger.action
    assert decision.reason is not stranger.reason


def test_the_reason_and_the_trace_show_what_the_domain_asks_for() -> None:
    decision = World(proof=unproven(Result.FAIL, "quarantine")).decide(a_mail())

    assert decision.reason is Reason.DMARC_QUARANTINE_REFUSED
    assert decision.trace[-1].outcome == "DMARC failed, and the domain asks for quarantine"


def test_a_policy_that_holds_unproven_mail_still_refuses_what_its_domain_rejects() -> None:
    held = default_policy(unauthenticated="hold")
    reasons = [
        World(proof=unproven(Result.FAIL, asks), policy=held).decide(a_mail()).reason
        for asks in DMARC_POLICIES
    ]

    assert reasons == [Reason.UNPROVEN_HELD, Reason.DMARC_QUARANTINE, Reason.DMARC_REJECT]


def test_a_dns_that_does_not_answer_defers_the_mail() -> None:
    decision = World(proof=unproven(temporary=True)).decide(a_mail())

    assert (decision.verdict, decision.reason) == (Verdict.DEFERRED, Reason.DNS_FAILURE)


def test_a_deactivated_user_is_refused_with_the_reason() -> None:
    gone = person("gone@acme.example", active=False)

    assert World((gone,)).decide(a_mail(gone.address)).reason is Reason.DEACTIVATED


@pytest.mark.parametrize("registration", ["user", "domain"])
def test_a_deactivated_user_does_not_come_back_under_a_detail_of_their_address(
    registration: str,
) -> None:
    """Most providers deliver it to the same mailbox. One that is registered itself is theirs."""
    gone = person("gone@acme.example", active=False)
    policy = default_policy().model_copy(update={"registration": registration})
    mail = a_mail("gone+2@acme.example")

    assert World((gone,), policy=policy).decide(mail).reason is Reason.DEACTIVATED
    known = World((gone, person("gone+2@acme.example")), policy=policy)
    assert known.decide(mail).reason is Reason.NEW_REQUEST


def test_a_user_of_a_suspended_company_is_refused_with_the_reason() -> None:
    ann = person(ANN.address, company=ACME.__class__(1, "Acme", False))

    assert World((ann,)).decide(a_mail()).reason is Reason.SUSPENDED


def test_an_unproven_guest_is_refused_as_any_stranger_of_their_domain() -> None:
    guest = member(71, "pat@partner.example", ParticipantKind.GUEST)
    world = World(
        tickets=(a_ticket(7, *ANNS.participants, guest),), proof=unproven(Result.FAIL, "reject")
    )

    answers = [world.decide(a_mail(f"{name}@partner.example")).action for name in ("pat", "eva")]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("comment", ["token", "T1"])
@pytest.mark.parametrize("asks", ["quarantine", "reject"])
@pytest.mark.parametrize("precedence", ["", "bulk"])
def test_a_token_does_not_vouch_for_a_guest_whose_domain_disowns_the_mail(
    comment: str, asks: DmarcPolicy, precedence: str
) -> None:
    guest = member(71, "pat@partner.example", ParticipantKind.GUEST)
    world = World(
        tickets=(a_ticket(7, *ANNS.participants, guest),),
        proof=unproven(Result.FAIL, asks),
        policy=policy_with("proof", comment=comment),
    )
    mail = a_mail(guest.address, precedence=precedence)

    with_token, without = world.decide(mail, to=token_to(71)), world.decide(mail)

    assert with_token.reason is Reason.STRANGER
    assert with_token.action == without.action


def test_a_guest_whose_dns_fails_is_deferred_only_for_a_pointer_nobody_can_guess() -> None:
    guest = member(71, "pat@partner.example", ParticipantKind.GUEST)
    world = World(tickets=(a_ticket(7, *ANNS.participants, guest),), proof=unproven(temporary=True))

    by_id = world.decide(a_mail(guest.address, references=(our_id(),)))
    by_number = world.decide(a_mail(guest.address, subject="[#7]"))

    assert (by_id.reason, by_number.reason) == (Reason.DNS_FAILURE, Reason.STRANGER)


SEAL = SignedScope("f" * 64, ("from", "to", "subject", "date"))


def test_the_trace_says_how_many_lines_are_not_shown() -> None:
    body = Body("It is on.\n\nOn Monday Sam wrote:\n> Is it on?", "", False, ())

    (step,) = [s for s in World().decide(replace(a_mail(), body=body)).trace if s.check == "text"]

    assert (step.saw, step.outcome) == (
        "lines that are not shown: 2",
        "quoted text; kept with the comment",
    )


def test_the_trace_says_that_base64_was_damaged() -> None:
    body = Body("Hello", "", False, (), damaged=True)

    (step,) = [s for s in World().decide(replace(a_mail(), body=body)).trace if s.check == "text"]

    assert (step.saw, "the raw mail is kept" in step.outcome) == ("a damaged encoding", True)


@pytest.mark.parametrize("packed", TRACED)
def test_the_trace_says_what_was_packed(packed: Opening) -> None:
    body = Body("Hello", "", False, (), opened=(packed,))

    steps = World().decide(replace(a_mail(), body=body)).trace

    assert [(s.saw, s.outcome) for s in steps if s.check == "text"] == [TRACED[packed]]


def test_a_mail_proven_by_its_signature_alone_must_be_addressed_to_us() -> None:
    sealed = replace(PROVEN, by="dkim:acme.example", signed_scope=SEAL)

    assert World(proof=sealed).decide(a_mail()).verdict is Verdict.OPENED


def test_a_signed_mail_to_somebody_else_is_held() -> None:
    sealed = replace(PROVEN, by="dkim:acme.example", signed_scope=SEAL)

    decision = World(proof=sealed).decide(a_mail(to=("bob@elsewhere.example",)))

    assert (decision.verdict, decision.reason) == (Verdict.HELD, Reason.NOT_ADDRESSED)


def test_a_strangers_signed_mail_to_somebody_else_is_refused_as_a_strangers() -> None:
    sealed = replace(PROVEN, by="dkim:elsewhere.example", signed_scope=SEAL)
    mail = a_mail("eve@elsewhere.example", to=("list@elsewhere.example",))

    assert World(proof=sealed).decide(mail).reason is Reason.STRANGER


def test_a_signed_mail_to_an_alias_of_the_mailbox_is_for_us() -> None:
    sealed = replace(PROVEN, by="dkim:acme.example", signed_scope=SEAL)
    policy = default_policy(aliases=("help@vendor.example",))

    decision = World(proof=sealed, policy=policy).decide(a_mail(to=("help@vendor.example",)))

    assert decision.verdict is Verdict.OPENED


class TestOnAKnownTicket:
    def test_the_requester_comments_by_their_reply_address(self) -> None:
        decision = World().decide(a_mail(), to=token_to(70))

        assert decision.reason is Reason.REPLY_TOKEN
        assert what_it_adds(decision) == (7, Visibility.PUBLIC, ())

    def test_the_requester_comments_by_an_id_of_ours(self) -> None:
        decision = World().decide(a_mail(references=(our_id(),)))

        assert (decision.verdict, decision.reason) == (Verdict.COMMENTED, Reason.OUR_MESSAGE_ID)

    def test_the_requester_comments_by_an_id_that_we_received(self) -> None:
        world = World(known_ids={"<old@client.example>": 7})

        decision = world.decide(a_mail(in_reply_to=("<old@client.example>",)))

        assert decision.reason is Reason.KNOWN_MESSAGE_ID

    @pytest.mark.parametrize(
        "subject",
        [
            "[#7]",
            "[#7] Printer",
            "Re: [#7] Printer",
            "AW: [#7] Toner",
            "[#7] Re: Toner",
            "FW: [#7] Printer",
            "Fwd: Re: [#7] Printer",
            "WG: [#7] Printer",
            "[Fwd: Re: [#7] Printer]",
        ],
    )
    def test_a_tag_counts_if_the_subject_says_nothing_else_or_it_is_a_reply(
        self, subject: str
    ) -> None:
        assert World().decide(a_mail(subject=subject)).reason is Reason.SUBJECT_TAG

    @pytest.mark.parametrize(
        ("subject", "thread"),
        [
            ("[#7] Toner order from our own desk", ()),
            ("Toner [#7]", ()),
            ("WG: [#7] Toner", ()),
            ("Re: [#7] Toner", ("<1@desk.example>",)),
        ],
    )
    def test_a_tag_that_may_be_of_another_desk_opens_a_ticket_that_names_the_number(
        self, subject: str, thread: tuple[str, ...]
    ) -> None:
        decision = World().decide(a_mail(subject=subject, in_reply_to=thread))

        assert decision.verdict is Verdict.OPENED
        assert isinstance(decision.action, OpenTicket)
        assert decision.action.mentions == 7

    def test_the_requester_comments_by_the_subject_tag(self) -> None:
        decision = World().decide(a_mail(subject="Re: [#7] Printer"))

        assert decision.reason is Reason.SUBJECT_TAG

    def test_what_only_the_senders_own_token_proves_waits_for_staff(self) -> None:
        decision = World(proof=NOTHING).decide(a_mail(cc=(BOB.address,)), to=token_to(70))

        assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.TOKEN_ONLY)
        proposed = Addition(BOB.address, BOB.id, ParticipantKind.USER, Presence.PENDING)
        assert what_it_adds(decision) == (7, Visibility.PRIVATE, (proposed,))
        assert decision.proof == "token"
        assert notified(decision, NoticeKind.APPROVAL) == []
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]
        assert notified(decision, NoticeKind.RECEIPT) == [ANN.address]

    @pytest.mark.parametrize("policy", [default_policy(), policy_with("proof", add_people="T1")])
    def test_whom_an_unproven_mail_names_is_proposed_whoever_they_are(self, policy: Policy) -> None:
        world = World(proof=NOTHING, policy=policy)

        decision = world.decide(a_mail(cc=(SAM.address, BOB.address)), to=token_to(70))

        joining = what_it_adds(decision)[2]
        assert [each.address for each in joining] == [SAM.address, BOB.address]
        assert {each.presence for each in joining} == {Presence.PENDING}

    @pytest.mark.parametrize(("already", "proposed"), [(0, 10), (20, 4), (24, 0), (40, 0)])
    def test_unproven_mails_propose_no_more_people_than_a_ticket_may_have(
        self, already: int, proposed: int
    ) -> None:
        pending = [
            member(100 + n, f"p{n}@x.example", presence=Presence.PENDING) for n in range(already)
        ]
        ticket = a_ticket(7, *ANNS.participants, *pending)
        cc = tuple(f"new{n}@x.example" for n in range(30))

        decision = World(proof=NOTHING, tickets=(ticket,)).decide(a_mail(cc=cc), to=token_to(70))

        assert len(what_it_adds(decision)[2]) == proposed

    def test_a_policy_may_publish_the_words_that_only_a_token_proves(self) -> None:
        world = World(proof=NOTHING, policy=policy_with("proof", comment="token"))

        decision = world.decide(a_mail(), to=token_to(70))

        assert (decision.verdict, decision.reason) == (Verdict.COMMENTED, Reason.REPLY_TOKEN)
        assert decision.proof == "token"

    def test_unproven_words_that_are_published_reach_whom_their_header_names(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address))
        token = policy_with("proof", comment="token")
        world = World(proof=NOTHING, policy=token, tickets=(ticket,))

        decision = world.decide(a_mail(BOB.address, cc=(ANN.address,)), to=token_to(71))

        assert decision.verdict is Verdict.COMMENTED
        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]
        assert "in To or Cc" not in str(decision.trace)

    @pytest.mark.parametrize("text", ["#unsubscribe", "#escalate It burns."])
    def test_what_an_unproven_mail_asks_for_is_not_done_and_its_author_is_told(
        self, text: str
    ) -> None:
        world = World(proof=NOTHING, policy=policy_with("proof", comment="token"))

        decision = world.decide(a_mail(text=text), to=token_to(70))

        assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.TOKEN_ONLY)
        assert notified(decision, NoticeKind.RECEIPT) == [ANN.address]

    def test_the_proof_of_a_mail_is_kept_with_its_decision(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))

        assert World().decide(a_mail()).proof == PROVEN.by
        by_staff = World(tickets=(ticket,)).decide(a_mail(SAM.address), to=token_to(79))
        assert by_staff.proof == f"token+{PROVEN.by}"

    def test_an_id_of_ours_is_not_enough_if_nothing_is_proven(self) -> None:
        decision = World(proof=NOTHING).decide(a_mail(references=(our_id(),)))

        assert decision.reason is Reason.UNPROVEN

    def test_a_subject_alone_is_not_a_pointer(self) -> None:
        decision = World().decide(a_mail(subject="Re: Printer"))

        assert decision.verdict is Verdict.OPENED

    def test_a_changed_token_is_ignored(self) -> None:
        address = token_to(70)
        other = "b" if address[20] == "a" else "a"
        changed = address[:20] + other + address[21:]

        assert World().decide(a_mail(), to=changed).verdict is Verdict.OPENED

    def test_another_participants_token_is_a_pointer_and_the_author_stays_the_sender(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address))

        decision = World(tickets=(ticket,)).decide(a_mail(BOB.address), to=token_to(70))

        assert decision.verdict is Verdict.COMMENTED

    def test_another_persons_token_proves_nothing(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(71, BOB.address))

        decision = World(tickets=(ticket,), proof=NOTHING).decide(
            a_mail(BOB.address), to=token_to(70)
        )

        assert decision.reason is Reason.UNPROVEN

    def test_a_colleague_without_the_right_is_flagged_on_the_same_ticket(self) -> None:
        decision = World().decide(a_mail(BOB.address, references=(our_id(),)))

        assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.NOT_A_PARTICIPANT)

    def test_a_colleague_who_guesses_a_number_opens_a_new_ticket(self) -> None:
        action = World().decide(a_mail(BOB.address, subject="[#7] and mine")).action

        assert isinstance(action, OpenTicket)
        assert action.mentions == 7

    def test_a_pending_person_is_flagged(self) -> None:
        pending = member(71, BOB.address, presence=Presence.PENDING)
        ticket = a_ticket(7, *ANNS.participants, pending)

        decision = World(tickets=(ticket,)).decide(a_mail(BOB.address), to=token_to(71))

        assert decision.reason is Reason.PENDING_PARTICIPANT

    def test_a_colleague_who_is_not_enrolled_but_has_the_thread_is_flagged(self) -> None:
        decision = World().decide(a_mail("new@acme.example"), to=token_to(70))

        assert decision.reason is Reason.NOT_A_PARTICIPANT

    @pytest.mark.parametrize("strangers", ["refuse", "hold"])
    def test_a_proven_stranger_with_a_forwarded_token_is_flagged(self, strangers: str) -> None:
        world = World(policy=default_policy(strangers=strangers))

        decision = world.decide(a_mail("eve@elsewhere.example"), to=token_to(70))

        assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.NOT_A_PARTICIPANT)
        assert what_it_adds(decision) == (7, Visibility.PRIVATE, ())
        assert [o.address for o in orders_of(decision)] == [SAM.address]

    def test_a_stranger_with_an_id_of_ours_is_a_stranger(self) -> None:
        decision = World().decide(a_mail("eve@elsewhere.example", references=(our_id(),)))

        assert decision.reason is Reason.STRANGER

    def test_a_stranger_with_a_forwarded_token_and_no_proof_is_a_stranger(self) -> None:
        world = World(proof=NOTHING)

        decision = world.decide(a_mail("eve@elsewhere.example"), to=token_to(70))

        assert decision.action == world.decide(a_mail("eve@elsewhere.example")).action

    def test_a_stranger_of_a_suspended_company_is_a_stranger(self) -> None:
        gone = replace(ACME, active=False)
        world = World(domains={"acme.example": gone})

        decision = world.decide(a_mail("new@acme.example"), to=token_to(70))

        assert decision.reason is Reason.STRANGER

    def test_a_colleague_of_another_company_with_a_forwarded_token_is_held(self) -> None:
        decision = World().decide(a_mail("new@globex.example"), to=token_to(70))

        assert decision.reason is Reason.NOT_ENROLLED

    def test_a_user_of_another_company_who_has_the_thread_is_held(self) -> None:
        decision = World().decide(a_mail(GIL.address), to=token_to(70))

        assert (decision.verdict, decision.reason) == (Verdict.HELD, Reason.FOREIGN_COMPANY)

    def test_a_user_of_another_company_learns_nothing_by_a_foreign_id(self) -> None:
        world = World(known_ids={"<old@client.example>": 7})

        decision = world.decide(a_mail(GIL.address, in_reply_to=("<old@client.example>",)))

        assert decision.verdict is Verdict.OPENED

    def test_a_removed_participants_token_is_dead(self) -> None:
        removed = member(71, BOB.address, presence=Presence.REMOVED)
        ticket = a_ticket(7, *ANNS.participants, removed)

        decision = World(tickets=(ticket,)).decide(a_mail(BOB.address), to=token_to(71))

        assert decision.verdict is Verdict.OPENED

    def test_a_removed_participants_token_is_dead_for_everybody(self) -> None:
        removed = member(71, BOB.address, presence=Presence.REMOVED)
        ticket = a_ticket(7, *ANNS.participants, removed)

        decision = World(tickets=(ticket,)).decide(a_mail(ANN.address), to=token_to(71))

        assert decision.verdict is Verdict.OPENED

    def test_a_guest_of_the_ticket_comments(self) -> None:
        guest = member(71, "pat@partner.example", ParticipantKind.GUEST)
        ticket = a_ticket(7, *ANNS.participants, guest)

        decision = World(tickets=(ticket,)).decide(a_mail(guest.address), to=token_to(71))

        assert decision.verdict is Verdict.COMMENTED

    def test_a_guest_opens_no_ticket(self) -> None:
        guest = member(71, "pat@partner.example", ParticipantKind.GUEST)
        ticket = a_ticket(7, *ANNS.participants, guest)

        decision = World(tickets=(ticket,)).decide(a_mail(guest.address))

        assert decision.reason is Reason.STRANGER

    def test_two_pointers_that_disagree_are_traced(self) -> None:
        other = a_ticket(8, member(80, ANN.address, ParticipantKind.REQUESTER))
        world = World(tickets=(ANNS, other))

        decision = world.decide(a_mail(references=(our_id(8),)), to=token_to(70))

        assert isinstance(decision.action, AddComment)
        assert decision.action.ticket == 7
        assert "conflict" in decision.trace[-1].outcome


class TestStaff:
    STAFFED = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))

    def test_a_reply_token_publishes(self) -> None:
        decision = World(tickets=(self.STAFFED,)).decide(a_mail(SAM.address), to=token_to(79))

        assert what_it_adds(decision) == (7, Visibility.PUBLIC, ())

    def test_a_mail_to_a_note_token_stays_among_staff(self) -> None:
        to = token_to(79, purpose=Purpose.NOTE)

        decision = World(tickets=(self.STAFFED,)).decide(a_mail(SAM.address), to=to)

        assert what_it_adds(decision) == (7, Visibility.NOTE, ())

    def test_without_a_token_nothing_is_published(self) -> None:
        decision = World(tickets=(self.STAFFED,)).decide(
            a_mail(SAM.address, references=(our_id(),))
        )

        assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.STAFF_WITHOUT_TOKEN)

    def test_a_token_alone_publishes_nothing(self) -> None:
        for comment in ("T1", "token"):
            policy = policy_with("proof", comment=comment)
            world = World(tickets=(self.STAFFED,), proof=NOTHING, policy=policy)

            decision = world.decide(a_mail(SAM.address, text="#status closed"), to=token_to(79))

            assert (decision.verdict, decision.reason) == (Verdict.FLAGGED, Reason.TOKEN_ONLY)
            assert what_it_adds(decision) == (7, Visibility.PRIVATE, ())
            assert notified(decision, NoticeKind.RECEIPT) == [SAM.address]


class TestAutomatic:
    def test_an_automatic_mail_opens_no_ticket(self) -> None:
        decision = World().decide(a_mail(auto_submitted="auto-replied"))

        assert decision.action == Record(None, ANN.address)

    def test_an_automatic_mail_is_kept_on_the_ticket_that_it_answers(self) -> None:
        mail = a_mail(references=(our_id(),), auto_submitted="auto-replied")

        assert World().decide(mail).action == Record(7, ANN.address)

    def test_a_bounce_is_kept_whatever_its_sender(self) -> None:
        mail = a_mail("mailer-daemon@mx.elsewhere.example", references=(our_id(),))

        decision = World(proof=NOTHING).decide(mail, mail_from="")

        assert decision.action == Record(7, "", body_dropped=UNPROVEN_BODY)

    def test_a_bounce_without_a_pointer_gets_the_same_answer(self) -> None:
        mail = a_mail("mailer-daemon@mx.elsewhere.example")

        decision = World(proof=NOTHING).decide(mail, mail_from="")

        assert decision.action == Record(None, "", body_dropped=UNPROVEN_BODY)
        assert UNPROVEN_BODY in decision.trace[-1].outcome

    @pytest.mark.parametrize("sender", ["eve@evil.example", "new@acme.example"])
    def test_of_a_proven_sender_who_is_not_registered_the_header_is_kept(self, sender: str) -> None:
        decision = World().decide(a_mail(sender), mail_from="")

        record = Record(None, sender, body_dropped=UNREGISTERED_BODY, unregistered=True)
        assert decision.action == record

    def test_the_automatic_mail_of_a_registered_person_is_kept_whole(self) -> None:
        assert World().decide(a_mail(), mail_from="").action == Record(None, ANN.address)

    def test_an_unproven_automatic_mail_in_a_users_name_is_refused_with_or_without_a_token(
        self,
    ) -> None:
        mail = a_mail(auto_submitted="auto-replied")
        world = World(proof=unproven(Result.FAIL, "reject"))

        assert world.decide(mail, to=token_to(70)).reason is Reason.DMARC_REJECT
        assert world.decide(mail).reason is Reason.DMARC_REJECT

    def test_an_automatic_mail_with_the_senders_own_token_is_kept_and_not_published(self) -> None:
        mail = a_mail(auto_submitted="auto-replied")

        assert World(proof=NOTHING).decide(mail, to=token_to(70)).action == Record(7, ANN.address)

    def test_a_strangers_newsletter_is_refused(self) -> None:
        mail = a_mail("news@shop.example", list_id="<news.shop.example>")

        assert World().decide(mail).reason is Reason.STRANGER

    def test_a_registered_machine_opens_a_ticket_and_gets_no_acknowledgement(self) -> None:
        monitor = person("monitor@acme.example", machine=True)

        decision = World((monitor,)).decide(
            a_mail(monitor.address, auto_submitted="auto-generated")
        )

        assert decision.verdict is Verdict.OPENED
        assert not is_acknowledged(decision)


class TestAcknowledgement:
    def test_a_new_ticket_is_acknowledged(self) -> None:
        assert is_acknowledged(World().decide(a_mail()))

    @pytest.mark.parametrize(("minutes", "due"), [(9, NOON + timedelta(minutes=1)), (10, None)])
    def test_a_sender_gets_one_acknowledgement_in_ten_minutes(
        self, minutes: int, due: datetime | None
    ) -> None:
        world = World(acknowledged_at=NOON - timedelta(minutes=minutes))

        decision = world.decide(a_mail())

        assert decision.verdict is Verdict.OPENED
        assert is_acknowledged(decision)
        assert orders_of(decision)[0].due_at == due

    def test_a_sender_who_wants_no_answer_gets_no_acknowledgement(self) -> None:
        decision = World().decide(a_mail(x_auto_response_suppress="All"))

        assert decision.verdict is Verdict.OPENED
        assert not is_acknowledged(decision)

    def test_a_policy_may_send_no_acknowledgements(self) -> None:
        policy = default_policy()
        silent = policy.acknowledgement.model_copy(update={"send": False})

        decision = World(policy=policy.model_copy(update={"acknowledgement": silent})).decide(
            a_mail()
        )

        assert not is_acknowledged(decision)


def test_an_unproven_escalation_is_answered_but_not_made() -> None:
    mail = a_mail(text="#escalate Nobody answers.")

    decision = World(proof=unproven()).decide(mail, to=token_to(70))

    assert decision.reason is Reason.TOKEN_ONLY
    assert isinstance(decision.action, AddComment)
    assert decision.action.command_effects.rows == ()
    assert notified(decision, NoticeKind.RECEIPT) == [ANN.address]


class TestRates:
    FULL = (Recent(NOON - timedelta(minutes=30), False, 7),) * 200

    def test_a_proven_sender_over_the_rate_is_deferred_wherever_the_mail_goes(self) -> None:
        world = World(recent=self.FULL)

        for decision in (world.decide(a_mail()), world.decide(a_mail(), to=token_to(70))):
            assert (decision.verdict, decision.reason) == (Verdict.DEFERRED, Reason.SENDER_RATE)
            assert decision.action == Defer("rate")

    def test_one_mail_less_is_not_too_many(self) -> None:
        assert World(recent=self.FULL[1:]).decide(a_mail()).verdict is Verdict.OPENED

    def test_what_only_a_token_proved_uses_up_nobodys_budget(self) -> None:
        by_token = tuple(replace(mail, proven=False) for mail in self.FULL)

        assert World(recent=by_token).decide(a_mail()).verdict is Verdict.OPENED

    def test_older_mails_do_not_count(self) -> None:
        before = tuple(replace(m, decided_at=NOON - timedelta(hours=1)) for m in self.FULL)

        assert World(recent=before).decide(a_mail()).verdict is Verdict.OPENED

    def test_a_sender_whose_mails_fill_the_octets_of_the_hour_is_deferred(self) -> None:
        def after(kept_bytes: int, **given: object) -> Decision:
            mails = tuple(
                replace(mail, kept_bytes=kept_bytes, **given)  # type: ignore[arg-type]  # any field
                for mail in self.FULL[:16]
            )
            return World(recent=mails).decide(a_mail())

        assert after(32 * 2**20).reason is Reason.SENDER_RATE
        assert after(32 * 2**20 - 1).verdict is Verdict.OPENED
        assert after(32 * 2**20, proven=False).verdict is Verdict.OPENED
        assert after(32 * 2**20, decided_at=NOON - timedelta(hours=1)).verdict is Verdict.OPENED

    def test_nobody_unproven_learns_that_a_rate_is_used_up(self) -> None:
        full, empty = World(recent=self.FULL, proof=NOTHING), World(proof=NOTHING)

        for to in (SUPPORT, token_to(70)):
            assert full.decide(a_mail(), to=to).action == empty.decide(a_mail(), to=to).action
