"""Which ticket a mail belongs to; merged and deleted tickets; requirements of the policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.decision.model import AddComment, Decision, OpenTicket
from rules.decision.reasons import Reason, Verdict
from rules.mail import Envelope, Mail
from rules.people import ParticipantKind, Presence
from rules.sender.pointers import EXAMINED_TAGS, PointerKind, answers_something, find_pointers
from rules.ticket.model import Ticket
from rules.ticket.severity import MailSeverity
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    EVERYBODY,
    GIL,
    KEYS,
    MAILBOX,
    NOTHING,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    brought,
    default_policy,
    member,
    orders_of,
    our_id,
    person,
    policy_with,
    token_to,
)

OLD, LATE = "<old@client.example>", "<late@client.example>"
EIGHT = a_ticket(8, member(80, ANN.address, ParticipantKind.REQUESTER))
FOLLOWER = member(79, SAM.address, ParticipantKind.FOLLOWER)


def number(decision: Decision) -> int | None:
    """The ticket that was commented on; None for a new one."""
    assert isinstance(decision.action, AddComment | OpenTicket)
    return decision.action.ticket if isinstance(decision.action, AddComment) else None


def reply(*tickets: Ticket, mail: Mail | None = None, participant: int = 70) -> Decision:
    """The decision about a reply to Ann's token of #7."""
    return World(tickets=tickets).decide(mail or a_mail(), to=token_to(participant))


def opened(decision: Decision) -> OpenTicket[MailSeverity]:
    assert isinstance(decision.action, OpenTicket)
    return decision.action


class TestTheCascade:
    """Every ticket is Ann's; the strongest pointer wins, and the trace lists the others."""

    TICKETS = tuple(
        a_ticket(n, member(n * 10, ANN.address, ParticipantKind.REQUESTER)) for n in range(1, 6)
    )
    POINTERS = (
        Reason.REPLY_TOKEN,
        Reason.OUR_MESSAGE_ID,
        Reason.KNOWN_MESSAGE_ID,
        Reason.LATE_PARENT,
        Reason.SUBJECT_TAG,
    )

    @pytest.mark.parametrize("strongest", range(5))
    def test_the_strongest_pointer_wins(self, strongest: int) -> None:
        ids = (our_id(2),) if strongest <= 1 else ()
        known = (OLD,) if strongest <= 2 else ()
        mail = a_mail(
            message_id=LATE if strongest <= 3 else "<new@client.example>",
            references=(*known, *ids),
            subject="[#5] Printer",
        )
        world = World(tickets=self.TICKETS, known_ids={OLD: 3}, named_before={LATE: 4})

        decision = world.decide(mail, **({"to": token_to(10, 1)} if strongest == 0 else {}))

        assert decision.reason is self.POINTERS[strongest]
        assert number(decision) == strongest + 1
        assert ("conflict" in decision.trace[-1].outcome) is (strongest < 4)

    def test_in_reply_to_comes_before_references_and_the_last_before_the_first(self) -> None:
        world = World(tickets=self.TICKETS)
        ids = [our_id(n) for n in range(1, 4)]

        nearest = world.decide(a_mail(in_reply_to=(ids[0],), references=(ids[1], ids[2])))
        last = world.decide(a_mail(references=(ids[1], ids[2])))

        assert (number(nearest), number(last)) == (1, 3)

    def test_a_pointer_to_a_ticket_of_another_person_yields_to_one_of_the_sender_s_own(
        self,
    ) -> None:
        others = a_ticket(
            8, member(80, GIL.address, ParticipantKind.REQUESTER), company=GIL.company
        )
        world = World(tickets=(ANNS, others), known_ids={OLD: 8})

        decision = world.decide(a_mail(in_reply_to=(OLD,), subject="[#7] Printer"))

        assert number(decision) == 7
        assert "conflict" in decision.trace[-1].outcome

    def test_two_pointers_that_agree_are_not_a_conflict(self) -> None:
        decision = World().decide(a_mail(references=(our_id(7),)), to=token_to(70))

        assert "conflict" not in decision.trace[-1].outcome


class TestALateParent:
    def test_it_joins_the_ticket_of_the_reply_that_came_before_it(self) -> None:
        decision = World(named_before={LATE: 7}).decide(a_mail(message_id=LATE))

        assert (number(decision), decision.reason) == (7, Reason.LATE_PARENT)

    def test_so_does_another_answer_to_a_parent_that_never_arrived(self) -> None:
        decision = World(named_before={LATE: 7}).decide(a_mail(references=(LATE,)))

        assert (number(decision), decision.reason) == (7, Reason.LATE_PARENT)

    def test_from_a_colleague_not_on_the_ticket_it_is_flagged(self) -> None:
        decision = World(named_before={LATE: 7}).decide(a_mail(BOB.address, message_id=LATE))

        assert decision.verdict is Verdict.FLAGGED

    def test_from_another_company_it_opens_a_ticket_of_its_own(self) -> None:
        decision = World(named_before={LATE: 7}).decide(a_mail(GIL.address, message_id=LATE))

        assert decision.verdict is Verdict.OPENED
        assert opened(decision).mentions is None

    def test_a_mail_without_an_id_is_not_a_parent(self) -> None:
        decision = World(named_before={"": 7}).decide(a_mail(message_id=""))

        assert decision.verdict is Verdict.OPENED


class TestAnIdThatOthersBrought:
    """#7 is Ann's, and Gil of another company is on it: he can name the id of any mail there."""

    GUEST = "eve@partner.example"
    SHARED = a_ticket(
        7,
        *ANNS.participants,
        member(72, GIL.address),
        member(73, GUEST, ParticipantKind.GUEST),
        member(74, "kim@acme.example", presence=Presence.PENDING),
    )
    KIM = person("kim@acme.example")

    def decide(self, mail: Mail, *authors: str, late: bool = False, **world: Any) -> Decision:
        ids = {OLD: brought(7, *authors)}
        world |= {"named_before": ids} if late else {"known_ids": ids}
        people = (*EVERYBODY, self.KIM)
        return World(people=people, tickets=(self.SHARED,), **world).decide(mail)

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize("author", [ANN.address, "kim@acme.example", BOB.address])
    def test_a_user_s_answer_opens_a_ticket_of_their_own_that_staff_see_linked(
        self, author: str, late: bool
    ) -> None:
        decision = self.decide(a_mail(author, references=(OLD,)), GIL.address, late=late)

        assert (decision.reason, opened(decision).mentions) == (Reason.NEW_REQUEST, 7)
        assert GIL.address not in {order.address for order in orders_of(decision)}
        assert any("other companies brought" in step.outcome for step in decision.trace)

    def test_so_does_the_very_mail_that_was_named(self) -> None:
        decision = self.decide(a_mail(message_id=OLD), GIL.address, late=True)

        assert opened(decision).mentions == 7

    def test_a_guest_s_answer_waits_for_staff(self) -> None:
        decision = self.decide(a_mail(self.GUEST, references=(OLD,)), GIL.address)

        assert (decision.verdict, number(decision)) == (Verdict.FLAGGED, 7)
        assert GIL.address not in {order.address for order in orders_of(decision)}

    def test_an_id_whose_author_is_not_known_publishes_nothing(self) -> None:
        assert opened(self.decide(a_mail(references=(OLD,)), "")).mentions == 7

    @pytest.mark.parametrize("author", [ANN.address, BOB.address, SAM.address])
    def test_an_id_of_the_sender_of_a_colleague_or_of_staff_leads_there(self, author: str) -> None:
        """However many others had it too."""
        decision = self.decide(a_mail(references=(OLD,)), GIL.address, author)

        assert (decision.verdict, number(decision)) == (Verdict.COMMENTED, 7)

    @pytest.mark.parametrize("field", ["to", "cc"])
    def test_so_does_that_of_a_person_who_gets_the_answer_as_well(self, field: str) -> None:
        named = {"to": (SUPPORT, "Gil@Globex.example")} if field == "to" else {"cc": (GIL.address,)}

        decision = self.decide(a_mail(references=(OLD,), **named), GIL.address)

        assert (decision.verdict, number(decision)) == (Verdict.COMMENTED, 7)

    def test_a_partner_who_answers_to_all_is_on_the_ticket(self) -> None:
        """The requester's opening mail named the partner in Cc."""
        decision = self.decide(
            a_mail(GIL.address, references=(OLD,), cc=(ANN.address,)), ANN.address
        )

        assert (decision.verdict, number(decision)) == (Verdict.COMMENTED, 7)

    def test_a_registered_namesake_of_the_domain_is_of_another_company(self) -> None:
        """Users of two companies may have addresses at one provider."""
        other = person("gil@acme.example", GIL.company)

        world = World(
            people=(*EVERYBODY, other),
            tickets=(self.SHARED,),
            known_ids={OLD: brought(7, other.address)},
        )

        assert opened(world.decide(a_mail(references=(OLD,)))).mentions == 7

    def test_a_stronger_pointer_leads_there_all_the_same(self) -> None:
        decision = self.decide(a_mail(references=(OLD, our_id(7))), GIL.address)

        assert (decision.verdict, number(decision)) == (Verdict.COMMENTED, 7)


class TestAMergedTicket:
    def test_mail_for_it_goes_to_its_target(self) -> None:
        assert number(reply(replace(ANNS, merged_into=8), EIGHT)) == 8

    def test_and_on_to_the_target_s_target(self) -> None:
        nine = a_ticket(9, member(90, ANN.address, ParticipantKind.REQUESTER))

        assert number(reply(replace(ANNS, merged_into=8), replace(EIGHT, merged_into=9), nine)) == 9

    def test_a_circle_leads_nowhere(self) -> None:
        decision = reply(replace(ANNS, merged_into=8), replace(EIGHT, merged_into=7))

        assert decision.verdict is Verdict.OPENED

    def test_one_merged_into_itself_leads_nowhere(self) -> None:
        assert reply(replace(ANNS, merged_into=7)).verdict is Verdict.OPENED

    def test_a_token_of_the_merged_ticket_still_proves_its_holder(self) -> None:
        world = World(tickets=(replace(ANNS, merged_into=8), EIGHT), proof=NOTHING)

        decision = world.decide(a_mail(), to=token_to(70))

        assert (decision.verdict, number(decision)) == (Verdict.FLAGGED, 8)

    def test_a_token_for_one_ticket_is_not_valid_for_another(self) -> None:
        world = World(tickets=(ANNS, EIGHT), proof=NOTHING)

        decision = world.decide(a_mail(references=(our_id(8),)), to=token_to(70))

        assert number(decision) == 7

    @pytest.mark.parametrize("aligned", [True, False])
    def test_a_participant_removed_from_the_target_stays_out(self, aligned: bool) -> None:
        removed = member(81, ANN.address, presence=Presence.REMOVED)
        eight = a_ticket(8, member(80, BOB.address, ParticipantKind.REQUESTER), removed)
        world = World(tickets=(replace(ANNS, merged_into=8), eight))
        if not aligned:
            world.proof = NOTHING

        decision = world.decide(a_mail(), to=token_to(70))

        assert decision.verdict is (Verdict.OPENED if aligned else Verdict.REFUSED)

    def test_a_participant_pending_on_the_target_is_flagged(self) -> None:
        pending = member(81, ANN.address, presence=Presence.PENDING)
        eight = a_ticket(8, member(80, BOB.address, ParticipantKind.REQUESTER), pending)

        decision = reply(replace(ANNS, merged_into=8), eight)

        assert (decision.verdict, number(decision)) == (Verdict.FLAGGED, 8)


class TestADeletedTicket:
    @pytest.mark.parametrize(
        "mail", [a_mail(), a_mail(references=(our_id(),)), a_mail(subject="[#7] Printer")]
    )
    def test_mail_for_it_opens_a_new_one_without_a_hint(self, mail: Mail) -> None:
        action = opened(reply(replace(ANNS, deleted=True), mail=mail))

        assert (action.mentions, action.follows) == (None, None)
        assert not [o for o in action.orders if "7" in str(o.payload)]

    def test_it_does_not_lead_on(self) -> None:
        decision = reply(replace(ANNS, deleted=True, merged_into=8), EIGHT)

        assert decision.verdict is Verdict.OPENED

    def test_its_token_proves_nothing_for_a_new_one(self) -> None:
        world = World(tickets=(replace(ANNS, deleted=True),), proof=NOTHING)

        assert world.decide(a_mail(), to=token_to(70)).reason is Reason.UNPROVEN


class TestPolicyRequirements:
    def test_a_token_alone_is_refused_if_proof_is_required(self) -> None:
        world = World(proof=NOTHING, policy=policy_with("proof", comment="T2"))

        assert world.decide(a_mail(), to=token_to(70)).verdict is Verdict.REFUSED

    def test_the_refusal_is_that_of_a_stranger(self) -> None:
        world = World(proof=NOTHING, policy=policy_with("proof", comment="T2"))

        user = world.decide(a_mail(), to=token_to(70))

        assert user.action == world.decide(a_mail("eve@evil.example")).action

    def test_with_proof_the_sender_still_comments(self) -> None:
        world = World(policy=policy_with("proof", comment="T2"))

        assert world.decide(a_mail(), to=token_to(70)).verdict is Verdict.COMMENTED

    def test_if_only_staff_add_people_others_propose_them(self) -> None:
        world = World(policy=policy_with("proof", add_people="T3"))

        action = opened(world.decide(a_mail(cc=(BOB.address,))))

        assert [a.presence for a in action.additions] == [Presence.PENDING]

    def test_staff_by_their_token_add_people_even_there(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, FOLLOWER)
        world = World(tickets=(ticket,), policy=policy_with("proof", add_people="T3"))

        action = world.decide(a_mail(SAM.address, cc=(BOB.address,)), to=token_to(79)).action

        assert isinstance(action, AddComment)
        assert [a.presence for a in action.additions] == [Presence.ACTIVE]

    def test_the_subject_tag_has_the_policy_s_format(self) -> None:
        policy = default_policy(
            subject_tag=default_policy().subject_tag.model_copy(update={"format": "Case {n}:"})
        )

        decision = World(policy=policy).decide(a_mail(subject="Re: Case 7: Printer"))

        assert decision.reason is Reason.SUBJECT_TAG
        assert World(policy=policy).decide(a_mail(subject="[#7]")).verdict is Verdict.OPENED


class TestFormOfAnAnswer:
    """Only the form of a mail counts: nothing is looked up."""

    @pytest.mark.parametrize("token", [token_to(70), f"support+{'a' * 36}@help.example"])
    def test_a_token_good_or_bad(self, token: str) -> None:
        assert is_like_an_answer(a_mail(), token)
        assert is_like_an_answer(a_mail(), token.upper())

    @pytest.mark.parametrize(
        "mail",
        [
            a_mail(in_reply_to=("<nobody-has-it@client.example>",)),
            a_mail(references=("<nobody-has-it@client.example>",)),
            a_mail(subject="Re: [#4711] pump"),
        ],
    )
    def test_a_pointer_to_nothing(self, mail: Mail) -> None:
        assert is_like_an_answer(mail)

    @pytest.mark.parametrize("to", [SUPPORT, "support+sales@help.example"])
    def test_a_mail_that_begins_something_is_not(self, to: str) -> None:
        assert not is_like_an_answer(a_mail(subject="Re: pump #7"), to)


def is_like_an_answer(mail: Mail, to: str = SUPPORT) -> bool:
    return answers_something(
        mail,
        Envelope(peer="", helo="", tls=False, mail_from=ANN.address, rcpt_tos=(to,)),
        ["[#{n}]"],
    )


def test_only_the_first_numbers_of_a_subject_are_looked_up() -> None:
    mail = a_mail(subject="".join(f"[#{n}]" for n in range(1, 10_000)))
    envelope = Envelope(
        peer="127.0.0.1", helo="", tls=False, mail_from=ANN.address, rcpt_tos=(SUPPORT,)
    )

    found = find_pointers(mail, envelope, MAILBOX, KEYS, "[#{n}]")

    assert [pointer.ticket for pointer in found if pointer.kind is PointerKind.SUBJECT_TAG] == [
        *range(1, EXAMINED_TAGS + 1)
    ]
