"""Automatic mail in its three classes: what a sign does depends on its proven sender."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.model import AddComment, Decision, Record
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.people import ParticipantKind
from rules.sender.authentication import Authentication
from rules.sender.tokens import Purpose
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import ReceiptPayload, ReceiptText
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
)
from tests.rules.decision.test_decide import SEAL

MONITOR = person("monitor@acme.example", machine=True)
LIST = "all@acme.example"
PAT = "pat@partner.example"
BULK: list[dict[str, str]] = [
    {"list_id": "<all.acme.example>"},
    {"list_post": "<mailto:all@acme.example>"},
    {"list_unsubscribe": "<mailto:u@crm.example>"},
    {"list_help": "<mailto:h@crm.example>"},
    {"precedence": "bulk"},
    {"precedence": "list"},
    {"precedence": "junk"},
]
UNCLEAR: list[dict[str, str]] = [
    {"auto_submitted": "auto-generated"},
    {"auto_submitted": "auto-notified"},
    {"auto_submitted": "sieve-notify"},
]
CERTAIN: list[dict[str, str]] = [
    {"auto_submitted": "auto-replied"},
    {"x_autoreply": "yes"},
    {"x_failed_recipients": "x@y.example"},
    {"x_ms_journal_report": ""},
    {"precedence": "auto_reply"},
]
RESOLVED = replace(ANNS, status=Status.RESOLVED)
SEALED = replace(PROVEN, by="dkim:acme.example", signed_scope=SEAL)


def is_answered(decision: Decision) -> bool:
    return any(o.address not in (SAM.address,) for o in orders_of(decision))


class TestBulk:
    @pytest.mark.parametrize("header", BULK)
    def test_a_customers_mail_to_us_opens_a_ticket_and_is_not_answered(
        self, header: dict[str, Any]
    ) -> None:
        decision = World().decide(a_mail(cc=(PAT,), **header))

        assert decision.reason is Reason.NEW_REQUEST
        assert notified(decision, NoticeKind.NEW_TICKET) == [SAM.address]
        assert not is_answered(decision)
        assert "no acknowledgement: a machine may answer it" in decision.trace[-1].outcome

    @pytest.mark.parametrize("header", BULK)
    def test_their_reply_is_a_comment_and_reopens(self, header: dict[str, Any]) -> None:
        decision = World(tickets=(RESOLVED,)).decide(a_mail(**header), to=token_to(70))

        assert decision.reason is Reason.REPLY_TOKEN
        assert isinstance(decision.action, AddComment)
        assert decision.action.moved is not None
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]

    @pytest.mark.parametrize("header", BULK)
    def test_what_they_write_to_a_list_is_held(self, header: dict[str, Any]) -> None:
        decision = World().decide(a_mail(to=(LIST,), **header))

        assert decision.reason is Reason.LIST_MAIL
        assert orders_of(decision) == ()

    def test_their_reply_through_a_list_is_held_as_well(self) -> None:
        mail = a_mail(to=(LIST,), references=(our_id(),), list_id="<all.acme.example>")

        assert World().decide(mail).reason is Reason.LIST_MAIL

    def test_an_alias_is_an_address_of_ours(self) -> None:
        policy = default_policy(aliases=("Help@Acme.example",))
        mail = a_mail(to=("help@acme.example",), list_unsubscribe="<mailto:u@crm.example>")

        assert World(policy=policy).decide(mail).reason is Reason.NEW_REQUEST

    def test_with_their_token_alone_it_waits_for_staff_and_gets_no_receipt(self) -> None:
        decision = World(proof=NOTHING).decide(a_mail(precedence="bulk"), to=token_to(70))

        assert decision.reason is Reason.TOKEN_ONLY
        assert notified(decision, NoticeKind.RECEIPT) == []
        assert notified(decision, NoticeKind.NEW_COMMENT) == [SAM.address]

    def test_a_guest_of_the_ticket_is_a_person_too(self) -> None:
        ticket = a_ticket(7, *ANNS.participants, member(71, PAT, ParticipantKind.GUEST))
        mail = a_mail(PAT, references=(our_id(),), list_unsubscribe="<mailto:u@crm.example>")

        decision = World(tickets=(ticket,)).decide(mail)

        assert decision.reason is Reason.OUR_MESSAGE_ID
        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]

    def test_a_staff_persons_answer_reaches_the_customer(self) -> None:
        staffed = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))
        mail = a_mail(SAM.address, precedence="bulk")

        decision = World(tickets=(staffed,)).decide(mail, to=token_to(79))

        assert notified(decision, NoticeKind.COMMENT) == [ANN.address]

    def test_a_strangers_newsletter_is_refused(self) -> None:
        mail = a_mail("news@shop.example", list_id="<news.shop.example>")

        assert World().decide(mail).reason is Reason.STRANGER

    def test_an_unproven_one_is_answered_like_any_unproven_mail(self) -> None:
        mail = a_mail(list_id="<all.acme.example>")

        assert World(proof=NOTHING).decide(mail).reason is Reason.UNPROVEN

    def test_a_colleague_who_is_not_enrolled_is_held_and_not_invited(self) -> None:
        decision = World().decide(a_mail("new@acme.example", precedence="bulk"))

        assert decision.reason is Reason.NOT_ENROLLED
        assert orders_of(decision) == ()

    def test_it_enrols_nobody(self) -> None:
        world = World(policy=default_policy(registration="domain"))

        decision = world.decide(a_mail("news@acme.example", precedence="bulk"))

        assert decision.reason is Reason.LIST_MAIL

    @pytest.mark.parametrize("ours", ["support+x@help.example", "desk@help.example"])
    def test_an_address_of_ours_is_never_enrolled(self, ours: str) -> None:
        """Whatever is sent to it would come here."""
        policy = default_policy(registration="domain", aliases=("desk@help.example",))
        world = World(policy=policy, domains={"help.example": ACME})

        assert world.decide(a_mail(ours)).reason is Reason.LIST_MAIL

    def test_a_list_in_the_place_of_the_author_is_held_and_not_invited(self) -> None:
        mail = a_mail(LIST, list_id="All <all.acme.example>", list_post=f"<mailto:{LIST}>")

        decision = World().decide(mail)

        assert decision.reason is Reason.LIST_MAIL
        assert orders_of(decision) == ()

    def test_signed_and_not_addressed_it_is_held_too(self) -> None:
        sealed = replace(SEALED, signed_scope=replace(SEAL, names=(*SEAL.names, "list-id")))
        mail = a_mail(to=(LIST,), list_id="<all.acme.example>")

        assert World(proof=sealed).decide(mail).reason is Reason.LIST_MAIL


GROUP: dict[str, Any] = {
    "list_id": "<support.help.example>",
    "list_post": f"<mailto:{SUPPORT}>",
    "list_help": "<mailto:h@g.example>",
    "precedence": "list",
}


class TestAListOfOurs:
    def test_its_mail_is_a_persons(self) -> None:
        decision = World().decide(a_mail(cc=(BOB.address,), **GROUP))

        assert decision.reason is Reason.NEW_REQUEST
        assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [ANN.address]
        assert [a.address for a in getattr(decision.action, "additions", ())] == [BOB.address]

    @pytest.mark.parametrize("listed", ["group@acme.example", "GROUP.acme.example"])
    def test_it_may_be_listed_by_address_or_by_list_id(self, listed: str) -> None:
        policy = default_policy(lists=(listed.lower(),), aliases=("group@acme.example",))
        mail = a_mail(to=("group@acme.example",), list_id="<group.acme.example>")

        decision = World(policy=policy).decide(mail)

        assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [ANN.address]

    def test_a_listed_address_is_an_address_of_ours(self) -> None:
        policy = default_policy(lists=("group@acme.example",))
        mail = a_mail(to=("group@acme.example",), list_unsubscribe="<mailto:u@crm.example>")

        assert World(policy=policy, proof=SEALED).decide(mail).reason is Reason.NEW_REQUEST

    def test_an_automatic_reply_through_it_opens_nothing(self) -> None:
        mail = a_mail(auto_submitted="auto-replied", **GROUP)

        assert World().decide(mail).action == Record(None, ANN.address)


class TestUnclear:
    @pytest.mark.parametrize("header", UNCLEAR)
    def test_a_customers_mail_is_held(self, header: dict[str, Any]) -> None:
        decision = World().decide(a_mail(**header))

        assert decision.reason is Reason.AUTOMATIC_UNCLEAR
        assert orders_of(decision) == ()

    @pytest.mark.parametrize("header", UNCLEAR)
    def test_on_a_known_ticket_it_is_folded(self, header: dict[str, Any]) -> None:
        decision = World(tickets=(RESOLVED,)).decide(a_mail(**header), to=token_to(70))

        assert decision.reason is Reason.AUTOMATIC_FOLDED
        assert decision.action == Record(7, ANN.address, would_be=Visibility.PUBLIC)

    def test_of_a_colleague_it_would_be_flagged(self) -> None:
        decision = World().decide(a_mail(BOB.address, auto_submitted="x"), to=token_to(70))

        assert decision.action == Record(7, BOB.address, would_be=Visibility.PRIVATE)

    def test_with_a_token_alone_it_counts_as_a_machines(self) -> None:
        """Anybody may have written it, and could fill the queue."""
        world = World(proof=NOTHING)

        decision = world.decide(a_mail(auto_submitted="auto-generated"), to=token_to(70))

        assert decision.reason is Reason.AUTOMATIC
        assert decision.action == Record(7, ANN.address)

    def test_on_a_ticket_that_is_not_theirs_it_is_held(self) -> None:
        mail = a_mail("gil@globex.example", auto_submitted="auto-generated")

        assert World().decide(mail, to=token_to(70)).reason is Reason.AUTOMATIC_UNCLEAR

    def test_it_enrols_nobody_and_is_held(self) -> None:
        world = World(policy=default_policy(registration="domain"))

        decision = world.decide(a_mail("scan@acme.example", auto_submitted="auto-generated"))

        assert decision.reason is Reason.AUTOMATIC_UNCLEAR

    @pytest.mark.parametrize("author", [ANN.address, SAM.address])
    def test_a_notice_of_another_postern_is_kept_and_no_digest_names_it(self, author: str) -> None:
        """Held, it would be named by a digest; the other desk would hold that, and so on."""
        notice = a_mail(author, auto_submitted="auto-generated", x_postern_loop="of another key")

        assert World().decide(notice).action == Record(None, author)

    def test_what_a_person_writes_through_another_postern_is_theirs(self) -> None:
        words = a_mail(x_postern_loop="of another key")

        assert World().decide(words).reason is Reason.NEW_REQUEST

    def test_another_postern_that_is_registered_as_a_machine_opens_tickets(self) -> None:
        marks: dict[str, Any] = {
            "auto_submitted": "auto-generated",
            "x_postern_loop": "another key",
        }
        notice = a_mail(MONITOR.address, **marks)

        assert World((ANN, MONITOR)).decide(notice).reason is Reason.NEW_REQUEST

    def test_with_the_null_reverse_path_it_is_certain(self) -> None:
        decision = World().decide(a_mail(auto_submitted="auto-generated"), mail_from="")

        assert decision.reason is Reason.AUTOMATIC

    def test_an_unproven_one_is_answered_like_any_unproven_mail(self) -> None:
        mail = a_mail(auto_submitted="auto-generated")

        assert World(proof=NOTHING).decide(mail).reason is Reason.UNPROVEN

    @pytest.mark.parametrize(
        "header", [*UNCLEAR, {"list_id": "<all.acme.example>"}, {"precedence": "bulk"}]
    )
    def test_released_by_staff_it_opens_a_ticket_and_is_not_answered(
        self, header: dict[str, Any]
    ) -> None:
        decision = World(proof=Authentication.by_staff("sam")).decide(a_mail(to=(LIST,), **header))

        assert decision.reason is Reason.NEW_REQUEST
        assert notified(decision, NoticeKind.NEW_TICKET) == [SAM.address]
        assert not is_answered(decision)


class TestCertain:
    @pytest.mark.parametrize("header", CERTAIN)
    def test_it_opens_nothing(self, header: dict[str, Any]) -> None:
        assert World().decide(a_mail(**header)).action == Record(None, ANN.address)

    @pytest.mark.parametrize("header", CERTAIN)
    def test_on_a_ticket_it_is_folded_and_reopens_nothing(self, header: dict[str, Any]) -> None:
        decision = World(tickets=(RESOLVED,)).decide(a_mail(**header), to=token_to(70))

        assert decision.action == Record(7, ANN.address)

    @pytest.mark.parametrize(
        "subject",
        ["Automatic reply: Re: [#7] Printer", "AUTO: Ann is out of the office", "Out of Office"],
    )
    def test_an_absence_without_any_mark_is_folded(self, subject: str) -> None:
        world = World(tickets=(RESOLVED,))

        for mail, to in (
            (a_mail(subject=subject), token_to(70)),
            (a_mail(subject=subject, in_reply_to=(our_id(),)), SUPPORT),
        ):
            decision = world.decide(mail, to=to)
            assert decision.reason is Reason.AUTOMATIC_FOLDED
            assert decision.action == Record(7, ANN.address, would_be=Visibility.PUBLIC)

    @pytest.mark.parametrize(
        "subject",
        [
            "Out of office mode of your product is broken",
            "Auto: Motor startet nicht",
            "Abwesend: Status bleibt stehen",
            "Absence : le badge ne marche plus",
            "Ausente: la pantalla no responde",
        ],
    )
    def test_what_only_begins_like_one_reopens(self, subject: str) -> None:
        decision = World(tickets=(RESOLVED,)).decide(a_mail(subject=subject), to=token_to(70))

        assert isinstance(decision.action, AddComment)
        assert decision.action.moved is not None

    @pytest.mark.parametrize(
        "subject",
        [
            "Automatic reply: wrong text",
            "Abwesenheitsnotiz: falscher Text",
            "Réponse automatique : mauvais texte",
            "Respuesta automática: texto equivocado",
        ],
    )
    def test_a_request_that_its_subject_alone_marks_is_held(self, subject: str) -> None:
        decision = World().decide(a_mail(subject=subject))

        assert decision.reason is Reason.AUTOMATIC_UNCLEAR
        assert orders_of(decision) == ()

    def test_a_request_about_an_absence_is_a_request(self) -> None:
        decision = World().decide(a_mail(subject="Out of office does not work"))

        assert decision.reason is Reason.NEW_REQUEST


STAFFED = a_ticket(7, *ANNS.participants, member(79, SAM.address, ParticipantKind.FOLLOWER))
GENERATED: dict[str, Any] = {"auto_submitted": "auto-generated"}


def test_the_answer_to_a_request_for_feedback_is_among_staff_if_it_is_accepted() -> None:
    to = token_to(70, purpose=Purpose.FEEDBACK)

    decision = World(tickets=(RESOLVED,)).decide(a_mail(**GENERATED), to=to)

    assert decision.reason is Reason.AUTOMATIC_FOLDED
    assert decision.action == Record(7, ANN.address, would_be=Visibility.NOTE)


@pytest.mark.parametrize("mark", ["auto-generated", "auto-replied"])
@pytest.mark.parametrize("to", [token_to(70), SUPPORT])
def test_automatic_mail_has_the_budget_of_its_author(mark: str, to: str) -> None:
    policy = policy_with("budgets", sender_mails_per_hour=2)
    recent = tuple(Recent(NOON - timedelta(minutes=n), opened=False, ticket=7) for n in (1, 2))
    world = World(tickets=(RESOLVED,), policy=policy, recent=recent)
    mail = a_mail(auto_submitted=mark, in_reply_to=("<anns@acme.example>",))

    assert replace(world, known_ids={"<anns@acme.example>": 7}).decide(mail, to=to).reason is (
        Reason.SENDER_RATE
    )


def test_automatic_mail_that_nothing_proves_has_no_budget_of_the_author_whom_it_names() -> None:
    world = World(policy=policy_with("budgets", sender_mails_per_hour=1), proof=NOTHING)
    world = replace(world, recent=(Recent(NOON - timedelta(minutes=1), opened=False, ticket=7),))

    decision = world.decide(a_mail(auto_submitted="auto-replied"), to=token_to(70))

    assert decision.reason is not Reason.SENDER_RATE


@pytest.mark.parametrize("to", [token_to(70), SUPPORT])
def test_a_mark_that_was_added_gets_no_signed_mail_past_the_check_of_its_addressee(
    to: str,
) -> None:
    """Whoever has a signed mail of Ann's to others can add the mark, and choose the envelope."""
    mail = a_mail(to=("list@elsewhere.example",), **GENERATED)
    assert World(proof=SEALED).decide(mail, to=to).reason is Reason.NOT_ADDRESSED

    problem = replace(SEALED, signed_scope=replace(SEAL, problem="two Subject"))
    assert World(proof=problem).decide(a_mail(**GENERATED), to=to).reason is Reason.NOT_SIGNED


def test_with_the_null_reverse_path_such_a_mail_is_under_nobodys_name_and_without_its_text() -> (
    None
):
    mail = a_mail(to=("gil@globex.example",), in_reply_to=(our_id(7),))

    passed_on = World(proof=SEALED).decide(mail, mail_from="").action
    hers = World(proof=SEALED).decide(a_mail(in_reply_to=(our_id(7),)), mail_from="").action

    assert isinstance(passed_on, Record)
    assert isinstance(hers, Record)
    assert (passed_on.ticket, passed_on.author) == (7, "")
    assert passed_on.body_dropped
    assert (hers.ticket, hers.author, hers.body_dropped) == (7, ANN.address, "")


@pytest.mark.parametrize(
    "sign",
    [{"auto_submitted": "auto-replied"}, {"x_autoreply": "yes"}, {"precedence": "auto_reply"}],
)
def test_what_a_machine_answered_to_somebody_else_is_not_on_a_ticket_of_its_owner(
    sign: dict[str, Any],
) -> None:
    """Who is answered has chosen the subject and the ids, which the answer repeats and its domain
    signs."""
    to_eve = a_mail(to=("eve@evil.test",), in_reply_to=(our_id(7),), **sign)

    with_null_path = World(proof=SEALED).decide(to_eve, mail_from="").action
    here = World(proof=SEALED).decide(a_mail(in_reply_to=(our_id(7),), **sign)).action

    assert World(proof=SEALED).decide(to_eve).reason is Reason.NOT_ADDRESSED
    assert isinstance(with_null_path, Record)
    assert (with_null_path.author, bool(with_null_path.body_dropped)) == ("", True)
    assert isinstance(here, Record)
    assert (here.ticket, here.author, here.body_dropped) == (7, ANN.address, "")


def test_a_mail_of_ours_that_comes_back_and_a_journal_report_wait_for_nobody() -> None:
    """Else each digest that a rule sends back would be named by the next one."""
    back = World(proof=SEALED, looped=True).decide(a_mail(to=("ann@acme.example",)))
    report = World(proof=SEALED).decide(a_mail(to=("x@acme.example",), x_ms_journal_report=""))

    assert (back.reason, report.reason) == (Reason.AUTOMATIC, Reason.AUTOMATIC)


def test_a_mail_that_points_to_a_foreign_ticket_first_is_not_folded_on_the_next() -> None:
    foreign = a_ticket(8, member(80, GIL.address, ParticipantKind.REQUESTER), company=GIL.company)
    world = World(tickets=(ANNS, foreign), known_ids={"<anns@acme.example>": 7})
    mail = a_mail(in_reply_to=("<anns@acme.example>",))

    assert world.decide(mail, to=token_to(80, ticket=8)).reason is Reason.FOREIGN_COMPANY
    marked = replace(mail, header=a_mail(**GENERATED).header)
    assert world.decide(marked, to=token_to(80, ticket=8)).reason is Reason.AUTOMATIC_UNCLEAR


@pytest.mark.parametrize("to", [SUPPORT, token_to(70)])
def test_who_is_proposed_by_a_mail_that_may_not_be_answered_is_named_to_staff(to: str) -> None:
    """Exchange can be set to write the field into all mail of a company."""
    decision = World().decide(a_mail(cc=(PAT,), x_auto_response_suppress="All"), to=to)

    assert notified(decision, NoticeKind.APPROVAL) == []
    (alert,) = (o for o in decision.orders if o.kind is NoticeKind.ALERT)
    assert (alert.address, PAT in str(alert.payload)) == (SAM.address, True)


class TestOfStaff:
    """A staff person is told that their words went to nobody, unless a machine would answer."""

    WORLD = World(tickets=(STAFFED,))

    @pytest.mark.parametrize(
        ("to", "would_be"),
        [
            (token_to(79), Visibility.PUBLIC),
            (token_to(79, purpose=Purpose.NOTE), Visibility.NOTE),
            (SUPPORT, Visibility.PRIVATE),
        ],
    )
    def test_their_marked_reply_is_folded_with_a_receipt(
        self, to: str, would_be: Visibility
    ) -> None:
        mail = a_mail(SAM.address, text="#status closed\n\nDone.", in_reply_to=(our_id(),))
        marked = replace(mail, header=a_mail(SAM.address, **GENERATED).header)

        decision = self.WORLD.decide(marked, to=to)

        assert decision.reason is Reason.AUTOMATIC_FOLDED
        assert isinstance(decision.action, Record)
        assert decision.action.would_be is would_be
        (receipt,) = orders_of(decision)
        assert (receipt.kind, receipt.address) == (NoticeKind.RECEIPT, SAM.address)
        assert receipt.payload == ReceiptPayload(ReceiptText.FOLDED)
        assert receipt.quotes

    @pytest.mark.parametrize(
        ("text", "would_be"),
        [
            ("#note\n\nDo not tell Ann.", Visibility.NOTE),
            ("#nota\n\nDo not tell Ann.", Visibility.PRIVATE),
            ("#onbehalf gil@globex.example\n\nIt is broken.", Visibility.PRIVATE),
            ("> Do not tell Ann.", Visibility.PRIVATE),
            ("#unsubscribe\n\nDo not tell Ann.", Visibility.PRIVATE),
            ("#merge 99\n\nDo not tell Ann.", Visibility.PRIVATE),
            ("#assign nobody-here\n\nDo not tell Ann.", Visibility.PRIVATE),
            ("Done.", Visibility.PUBLIC),
        ],
    )
    def test_to_accept_it_publishes_no_more_than_the_mail_would_have(
        self, text: str, would_be: Visibility
    ) -> None:
        decision = self.WORLD.decide(a_mail(SAM.address, text=text, **GENERATED), to=token_to(79))

        assert isinstance(decision.action, Record)
        assert decision.action.would_be is would_be

    def test_neither_if_they_are_not_proven_enough_to_give_commands(self) -> None:
        world = replace(self.WORLD, policy=policy_with("proof", command="T3"))
        mail = a_mail(SAM.address, text="#status closed\n\nDo not tell Ann.", **GENERATED)

        decision = world.decide(mail, to=token_to(79))

        as_person = world.decide(replace(mail, header=a_mail(SAM.address).header), to=token_to(79))
        assert isinstance(decision.action, Record)
        assert isinstance(as_person.action, AddComment)
        assert decision.action.would_be is as_person.action.visibility

    @pytest.mark.parametrize(("minutes", "number"), [(59, 0), (60, 1)])
    def test_once_an_hour(self, minutes: int, number: int) -> None:
        world = replace(self.WORLD, folded_at=NOON - timedelta(minutes=minutes))

        decision = world.decide(a_mail(SAM.address, **GENERATED), to=token_to(79))

        assert decision.reason is Reason.AUTOMATIC_FOLDED
        assert len(orders_of(decision)) == number

    @pytest.mark.parametrize(
        "terms",
        [
            {"subject": "Automatic reply: Re: [#7] Printer"},
            {"subject": "Automatic reply: Re: [#7] Printer", **GENERATED},
            {"x_auto_response_suppress": "All", **GENERATED},
        ],
    )
    def test_none_where_a_machine_would_answer_it(self, terms: dict[str, Any]) -> None:
        decision = self.WORLD.decide(a_mail(SAM.address, **terms), to=token_to(79))

        assert decision.reason is Reason.AUTOMATIC_FOLDED
        assert orders_of(decision) == ()

    @pytest.mark.parametrize(
        ("terms", "mail_from"),
        [
            ({"auto_submitted": "auto-replied"}, None),
            (GENERATED, ""),
            ({"x_postern_loop": "of another key", **GENERATED}, None),
        ],
    )
    def test_a_certain_sign_stays_a_machines(
        self, terms: dict[str, Any], mail_from: str | None
    ) -> None:
        mail = a_mail(SAM.address, **terms)

        decision = self.WORLD.decide(mail, to=token_to(79), mail_from=mail_from)

        assert decision.reason is Reason.AUTOMATIC
        assert orders_of(decision) == ()

    def test_what_staff_have_released_is_answered_with_a_receipt(self) -> None:
        """They alone follow the ticket: else nobody would learn of it."""
        world = replace(self.WORLD, proof=Authentication.by_staff("sue"), looped=True)

        decision = world.decide(
            a_mail(SAM.address, auto_submitted="auto-replied", in_reply_to=(our_id(),))
        )

        assert decision.reason is Reason.STAFF_WITHOUT_TOKEN
        assert notified(decision, NoticeKind.RECEIPT) == [SAM.address]


class TestRoleAddresses:
    @pytest.mark.parametrize("local", ["hostmaster", "abuse", "postmaster", "noreply", "bounce"])
    def test_a_registered_one_is_a_person(self, local: str) -> None:
        role = person(f"{local}@acme.example")

        decision = World((*EVERYBODY, role)).decide(a_mail(role.address))

        assert decision.reason is Reason.NEW_REQUEST
        assert notified(decision, NoticeKind.NEW_TICKET) == [SAM.address]

    @pytest.mark.parametrize(
        "reverse_path",
        ["noreply@acme.example", "nobody@web1.acme.example", "bounces+SRS=Xy1=QZ@acme.example"],
    )
    def test_in_the_envelope_it_says_nothing(self, reverse_path: str) -> None:
        decision = World().decide(a_mail(), mail_from=reverse_path)

        assert decision.reason is Reason.NEW_REQUEST
        assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [ANN.address]

    @pytest.mark.parametrize("registration", ["user", "domain"])
    @pytest.mark.parametrize(
        "local", ["noreply", "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e".lower()]
    )
    def test_one_that_is_not_registered_is_held_and_never_invited(
        self, local: str, registration: str
    ) -> None:
        world = World(policy=default_policy(registration=registration))

        decision = world.decide(a_mail(f"{local}@acme.example"))

        assert decision.reason is Reason.NOT_ENROLLED
        assert orders_of(decision) == ()


class TestMachines:
    WORLD = World((*EVERYBODY, MONITOR))

    @pytest.mark.parametrize("header", [{}, *BULK, *UNCLEAR])
    def test_their_ticket_is_announced_and_not_acknowledged(self, header: dict[str, Any]) -> None:
        decision = self.WORLD.decide(a_mail(MONITOR.address, cc=(PAT,), **header))

        assert decision.verdict is Verdict.OPENED
        assert notified(decision, NoticeKind.NEW_TICKET) == [SAM.address]
        assert not is_answered(decision)

    def test_so_is_one_with_the_null_reverse_path(self) -> None:
        decision = self.WORLD.decide(a_mail(MONITOR.address), mail_from="")

        assert decision.verdict is Verdict.OPENED
        assert notified(decision, NoticeKind.NEW_TICKET) == [SAM.address]

    @pytest.mark.parametrize("header", CERTAIN)
    def test_their_answers_and_reports_open_nothing(self, header: dict[str, Any]) -> None:
        decision = self.WORLD.decide(a_mail(MONITOR.address, **header))

        assert decision.action == Record(None, MONITOR.address)

    @pytest.mark.parametrize("header", [*BULK, *UNCLEAR])
    def test_of_their_comment_staff_alone_are_notified_and_it_moves_nothing(
        self, header: dict[str, Any]
    ) -> None:
        ticket = replace(RESOLVED, participants=(*ANNS.participants, member(71, MONITOR.address)))

        decision = replace(self.WORLD, tickets=(ticket,)).decide(
            a_mail(MONITOR.address, cc=(PAT,), **header), to=token_to(71)
        )

        assert isinstance(decision.action, AddComment)
        assert decision.action.visibility is Visibility.PUBLIC
        assert decision.action.moved is None
        assert [(o.kind, o.address) for o in orders_of(decision)] == [
            (NoticeKind.NEW_COMMENT, SAM.address)
        ]

    def test_an_unproven_one_is_no_machine(self) -> None:
        world = replace(self.WORLD, proof=NOTHING)

        assert world.decide(a_mail(MONITOR.address, precedence="bulk")).reason is Reason.UNPROVEN


@pytest.mark.parametrize(
    "field", ["x_ms_journal_report", "x_ms_exchange_organization_journal_report"]
)
@pytest.mark.parametrize("registration", ["user", "domain"])
@pytest.mark.parametrize("mail_from", ["", "exchange329e71ec@acme.example"])
def test_a_journal_report_is_kept_apart_and_its_address_is_never_invited(
    field: str, registration: Any, mail_from: str
) -> None:
    """Its server could not follow an invitation, and nobody is that server."""
    header: dict[str, Any] = {field: ""}
    mail = a_mail("exchange329e71ec@acme.example", "Lunch", **header)

    decision = World(policy=default_policy(registration=registration)).decide(
        mail, mail_from=mail_from
    )

    assert decision.reason is Reason.AUTOMATIC
    assert orders_of(decision) == ()
