"""A staff person's mail that opens a ticket for a customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.model import Decision, ForCustomer, OpenTicket
from rules.decision.reasons import Reason
from rules.facts import Recent
from rules.mail import AttachedMail, Attachment, Body, Mail
from rules.mail.quoting import REPLY_MARK
from rules.people import Company, Presence, Staff
from rules.sender.authentication import Authentication, Result
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import NewTicketPayload, ReceiptPayload
from rules.ticket.severity import MailSeverity
from tests.rules.building import (
    ANN,
    EVERYBODY,
    GIL,
    NOON,
    PROVEN,
    SAM,
    SUPPORT,
    World,
    a_mail,
    notified,
    person,
    policy_with,
    token_to,
    unproven,
)
from tests.rules.decision.test_reasons import STAFFED

SUE = person("sue@help.example", None, SAM.role)
DESK = (Staff(SAM.address, ""), Staff(SUE.address, ""))
INNER = """---------- Forwarded message ---------
From: Gil <gil@globex.example>
Date: Mon, 30 Nov 2026 at 08:00
Subject: Cooling broken
To: Sam <sam@help.example>

The cooling of rack 5 is broken."""


def world(**changes: Any) -> World:
    return World(people=(*EVERYBODY, SUE), staff=DESK, **changes)


def forwarded(
    text: str = f"Please take this over.\n\n{INNER}", subject: str = "Fwd: Cooling broken"
) -> Mail:
    return a_mail(SAM.address, subject=subject, text=text)


def opened(decision: Decision) -> OpenTicket[MailSeverity]:
    assert decision.reason is Reason.NEW_REQUEST
    assert isinstance(decision.action, OpenTicket)
    return decision.action


def receipts(decision: Decision) -> str:
    """What the receipts say, all of them to Sam."""
    found = [o for o in decision.orders if o.kind is NoticeKind.RECEIPT]
    assert {o.address for o in found} <= {SAM.address}
    payloads = [o.payload for o in found if isinstance(o.payload, ReceiptPayload)]
    return "\n".join(str(line) for each in payloads for line in each.sentences)


def test_a_forwarded_mail_opens_its_authors_ticket() -> None:
    decision = world().decide(forwarded())

    opening = opened(decision)
    assert (opening.requester, opening.company) == (GIL.address, 2)
    assert opening.subject == "Cooling broken"
    assert opening.author == SAM.address
    assert isinstance(opening.for_customer, ForCustomer)
    assert opening.for_customer.text == "The cooling of rack 5 is broken."
    assert opening.for_customer.note.startswith("Please take this over.")


def test_the_customer_is_acknowledged_and_the_staff_person_gets_a_receipt_instead() -> None:
    decision = world().decide(forwarded())

    assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [GIL.address]
    assert notified(decision, NoticeKind.NEW_TICKET) == [SUE.address]
    assert "Opened as a request of gil@globex.example" in receipts(decision)


def test_colleagues_read_the_words_above_as_a_note() -> None:
    decision = world().decide(forwarded())

    assert [o.address for o in decision.orders if o.kind is NoticeKind.NEW_COMMENT] == [SUE.address]
    without = world().decide(forwarded(INNER))
    assert not [o for o in without.orders if o.kind is NoticeKind.NEW_COMMENT]


def test_words_above_a_forwarded_mail_without_text_stay_a_note() -> None:
    """One of pictures alone, say."""
    header = INNER.rpartition("\n\n")[0]

    opening = opened(world().decide(forwarded(f"Do not tell Gil yet.\n\n{header}\n\n")))

    assert opening.requester == GIL.address
    assert opening.for_customer is not None
    assert opening.for_customer.text == ""
    assert opening.for_customer.note.startswith("Do not tell Gil yet.")


def test_onbehalf_opens_the_ticket_of_the_customer_whom_it_names() -> None:
    mail = forwarded("#onbehalf gil@globex.example\n\nGil called: the heating is off.", "Heating")

    decision = world().decide(mail)

    opening = opened(decision)
    assert opening.requester == GIL.address
    assert opening.for_customer == ForCustomer("Gil called: the heating is off.")
    assert "in your words" in receipts(decision)


def test_onbehalf_goes_before_the_author_of_what_is_forwarded() -> None:
    text = f"#onbehalf ann@acme.example\n\nIt is hers.\n\n{INNER}"

    opening = opened(world().decide(forwarded(text)))

    assert opening.requester == ANN.address
    assert opening.for_customer is not None
    assert opening.for_customer.text == "The cooling of rack 5 is broken."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (INNER.replace("gil@globex", "zoe@globex"), "zoe@globex.example is not a registered"),
        (INNER.replace("gil@globex.example", "sue@help.example"), "sue@help.example is not"),
        (INNER.replace("Gil <", '"ann@acme.example" <'), "exactly one address"),
        ("As discussed.", "exactly one address"),
        ("#onbehalf zoe@globex.example\n\nIt burns.", "zoe@globex.example is not a registered"),
        ("#onbehalf Gil\n\nIt burns.", "not a valid email address"),
        ("#onbehalf gil@globex.example\n#assign me\n\nIt burns.", "only #onbehalf"),
        (f"#onbehlaf gil@globex.example\n\n{INNER}", "There is no command"),
    ],
)
def test_what_cannot_be_filed_for_a_customer_is_the_staff_persons_own_and_says_so(
    text: str, why: str
) -> None:
    decision = world().decide(forwarded(text))

    assert opened(decision).requester == SAM.address
    assert opened(decision).for_customer is None
    assert why in receipts(decision)
    assert "send it again with #onbehalf" in receipts(decision)
    assert not notified(decision, NoticeKind.ACKNOWLEDGEMENT)


GILS = AttachedMail(GIL.address, "Cooling broken", "The cooling of rack 5 is broken.\n")


def with_attached(*mails: AttachedMail | None, text: str = "Please take this over.") -> Mail:
    """A mail with others attached; None for one that is too large to be read."""
    files = tuple(
        Attachment(str(n), "mail.eml", "message/rfc822", 100, "", inline=False, mail=each)
        for n, each in enumerate(mails, 2)
    )
    return replace(forwarded(), subject="For you", body=Body(text, "", False, files))


def test_an_attached_mail_opens_its_authors_ticket() -> None:
    opening = opened(world().decide(with_attached(GILS)))

    assert (opening.requester, opening.subject) == (GIL.address, "Cooling broken")
    assert opening.for_customer is not None
    assert opening.for_customer.text == "The cooling of rack 5 is broken."
    header = "From: gil@globex.example\nSubject: Cooling broken"
    assert opening.for_customer.note == f"Please take this over.\n\n{header}"


def test_a_mail_that_the_customer_attached_does_not_choose_whose_request_it_is() -> None:
    """A client attaches the files of what it forwards again."""
    anns = INNER.replace(GIL.address, ANN.address)

    opening = opened(world().decide(with_attached(GILS, text=anns)))

    assert opening.requester == ANN.address
    assert opening.for_customer is not None
    assert opening.for_customer.text == "The cooling of rack 5 is broken."


def test_an_attached_mail_of_the_author_that_the_text_names_is_the_request() -> None:
    original = replace(GILS, text="The original words.")

    opening = opened(world().decide(with_attached(original, text=f"Please take over.\n\n{INNER}")))

    assert opening.requester == GIL.address
    assert opening.for_customer is not None
    assert opening.for_customer.text == "The original words."
    assert "The cooling of rack 5 is broken." in opening.for_customer.note


SCREEN = Attachment("2.mail.2", "screen.png", "image/png", 10, "", inline=False)
PLAN = Attachment("2", "plan.pdf", "application/pdf", 10, "", inline=False)


def with_file(text: str) -> Mail:
    return replace(forwarded(), body=Body(text, "", False, (PLAN,)))


@pytest.mark.parametrize(
    ("mail", "with_request", "says"),
    [
        (
            with_attached(replace(GILS, files=(SCREEN,))),
            (SCREEN,),
            "1.\nFiles with the note",
        ),
        (with_file(INNER), (PLAN,), "everybody on the ticket can read: 1."),
        (with_file(f"Hello,\n\nKind regards\nSam\n\n{INNER}"), (PLAN,), "everybody on the ticket"),
        (with_file(f"Look at my plan.\n\n{INNER}"), (), "which only staff can read: 1."),
    ],
    ids=["attached", "no words", "a greeting", "words"],
)
def test_the_customers_files_are_with_their_request_and_the_receipt_says_where(
    mail: Mail, with_request: tuple[Attachment, ...], says: str
) -> None:
    decision = world().decide(mail)

    customer = opened(decision).for_customer
    assert customer is not None
    assert customer.files == with_request
    assert says in receipts(decision)


@pytest.mark.parametrize(
    "above",
    [
        "---------- Välitetty viesti ---------\n\nIt is broken.",
        "Lähettäjä: Eve\nLähetetty: 30. marraskuuta 2026\nAihe: Help\n\nIt is broken.",
        "Feladó: Eve\nElküldve: hétfő 8:00\nTárgy: Help",
    ],
)
def test_below_a_header_in_an_unknown_language_an_attached_mail_is_nobodys(above: str) -> None:
    decision = world().decide(with_attached(GILS, text=above))

    assert opened(decision).requester == SAM.address
    assert "exactly one address" in receipts(decision)


def test_a_signature_is_no_header() -> None:
    text = "Please take this over.\n\nSam\nPhone: +49 30 1234\nMail: sam@help.example\nWeb: x"

    assert opened(world().decide(with_attached(GILS, text=text))).requester == GIL.address


def test_an_attached_mail_without_a_word_has_a_note_for_its_files() -> None:
    opening = opened(world().decide(with_attached(GILS, text="")))

    assert opening.for_customer is not None
    assert opening.for_customer.note == "From: gil@globex.example\nSubject: Cooling broken"
    assert opening.for_customer.note_orders == ()


def test_a_notice_to_staff_is_nobodys_request() -> None:
    """It has internal text."""
    for mark in (REPLY_MARK, f"> {REPLY_MARK.replace('above', 'above' + chr(10) + '>')}"):
        text = f"#onbehalf gil@globex.example\n\n{INNER}\n\n{mark}\n\nSue wrote a note."

        decision = world().decide(forwarded(text))

        assert opened(decision).requester == SAM.address
        assert "an email to staff" in receipts(decision)


@pytest.mark.parametrize("text", ["#digest", "#notices mine", "#hilfe", "#status closed\n\nDone."])
def test_a_command_in_a_new_mail_is_not_done_and_a_receipt_says_where_it_is(text: str) -> None:
    decision = world().decide(forwarded(text, subject="Settings"))

    assert opened(decision).requester == SAM.address
    assert "in a reply to one of our emails about a ticket" in receipts(decision)


def test_a_text_with_a_number_sign_is_a_staff_persons_own_request_as_any() -> None:
    decision = world().decide(forwarded("The room is cold.\n\n#4 is broken.", subject="Heating"))

    assert not receipts(decision)


def test_a_rule_that_forwards_each_of_our_receipts_gets_no_further_one() -> None:
    """It would open a request with each, up to the budget of its owner, every hour."""
    receipt = INNER.replace("gil@globex.example", SUPPORT)
    ours = forwarded(f"{receipt}\n\n{REPLY_MARK}")
    unreadable = forwarded("No header block.")

    for mail, before in ((ours, 1), (unreadable, 8)):
        fewer, enough = (
            tuple(Recent(NOON - timedelta(minutes=n), opened=True, ticket=n) for n in range(number))
            for number in (before - 1, before)
        )
        assert receipts(world(recent=fewer).decide(mail))
        decision = world(recent=enough, acknowledged_at=NOON).decide(mail)
        assert opened(decision).requester == SAM.address
        assert [o for o in decision.orders if o.address == SAM.address and not o.due_at] == []


@pytest.mark.parametrize("mails", [(None,), (GILS, GILS), (replace(GILS, author=""),)])
def test_an_attached_mail_without_one_author_is_asked_about(
    mails: tuple[AttachedMail | None, ...],
) -> None:
    decision = world().decide(with_attached(*mails))

    assert opened(decision).requester == SAM.address
    assert "exactly one address" in receipts(decision)


@pytest.mark.parametrize("address", [ANN.address, "eve@evil.example", "new@acme.example"])
def test_nobody_but_staff_opens_a_ticket_for_others(address: str) -> None:
    for text in (INNER, "#onbehalf gil@globex.example\n\nIt burns."):
        action = world().decide(replace(a_mail(address, "Fwd: x", text))).action

        assert getattr(action, "requester", address) == address


def test_an_unproven_staff_person_opens_nothing() -> None:
    for proof in (unproven(), unproven(Result.FAIL, "reject")):
        decision = world(proof=proof).decide(forwarded())

        assert not isinstance(decision.action, OpenTicket)


def test_a_policy_that_wants_a_token_for_commands_gets_no_customers_ticket() -> None:
    decision = world(policy=policy_with("proof", command="T3")).decide(forwarded())

    assert opened(decision).requester == SAM.address
    assert "commands require T3" in receipts(decision)


def test_a_suspended_company_gets_no_ticket() -> None:
    gil = replace(GIL, company=replace(GIL.company or Company(2, "", True), active=False))
    decision = World(people=(ANN, gil, SAM), staff=DESK).decide(forwarded())

    assert opened(decision).requester == SAM.address


def test_a_mail_that_forwards_nothing_is_acknowledged_as_the_staff_persons_own() -> None:
    decision = world().decide(a_mail(SAM.address, text="My own screen is broken."))

    assert opened(decision).requester == SAM.address
    assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [SAM.address]
    assert not receipts(decision)


def test_a_machine_forwards_for_nobody() -> None:
    decision = world().decide(
        replace(forwarded(), header=a_mail(list_unsubscribe="<https://crm.example/u>").header)
    )

    assert opened(decision).requester == SAM.address
    assert not receipts(decision)


def test_a_forwarded_claim_stays_below_critical_and_reaches_the_critical_channel() -> None:
    decision = world().decide(forwarded(f"{INNER}\n\nSeverity: critical"))

    opening = opened(decision)
    assert opening.severity.critical_claimed
    critical = {level.name for level in world().policy.levels if level.critical}
    assert opening.severity.name not in critical


def test_a_customer_in_cc_is_on_the_ticket_once() -> None:
    mail = replace(forwarded(), cc=(GIL.address, ANN.address))

    assert [a.address for a in opened(world().decide(mail)).additions] == [ANN.address]


def test_onbehalf_on_a_ticket_is_refused() -> None:
    mail = a_mail(SAM.address, text="#onbehalf gil@globex.example\n\nHello.")

    decision = World(tickets=(STAFFED,)).decide(mail, to=token_to(79))

    assert decision.reason is Reason.COMMAND_REFUSED


BEA = person("bea@globex.example", GIL.company)
SENT = "2026-11-30 08:00 UTC"
GILS_TO_SAM = replace(
    GILS, sent=SENT, people=(SAM.address, BEA.address, "new@elsewhere.example", ANN.address)
)
SIGNED = replace(PROVEN, attached="dkim:globex.example")


def signed_world(proof: Authentication = SIGNED, **changes: Any) -> World:
    return World(people=(*EVERYBODY, SUE, BEA), staff=DESK, proof=proof, **changes)


def test_a_valid_signature_of_the_attached_mail_is_the_proof_of_the_request() -> None:
    decision = signed_world().decide(with_attached(GILS_TO_SAM))

    for_customer = opened(decision).for_customer
    assert for_customer is not None
    assert for_customer.proof == "forwarded+dkim:globex.example"
    assert "signature of globex.example valid" in receipts(decision)
    assert "Forwarded, signature of globex.example valid." in decision.trace[-1].outcome


@pytest.mark.parametrize(
    ("proof", "mail"),
    [
        (PROVEN, with_attached(GILS_TO_SAM)),
        (SIGNED, forwarded()),
        (SIGNED, with_attached(GILS_TO_SAM, text=f"#onbehalf {ANN.address}")),
        (SIGNED, with_attached(GILS_TO_SAM, text=INNER.replace(GIL.address, ANN.address))),
    ],
    ids=[
        "no signature",
        "in the text",
        "for another person",
        "attached below a forward of another",
    ],
)
def test_whatever_else_is_forwarded_is_by_the_word_of_staff(
    proof: Authentication, mail: Mail
) -> None:
    decision = signed_world(proof).decide(mail)

    for_customer = opened(decision).for_customer
    assert for_customer is not None
    assert for_customer.proof == "forwarded"
    assert "not verified" in receipts(decision)


def test_the_date_of_a_forwarded_mail_is_shown_and_starts_no_clock() -> None:
    decision = signed_world().decide(with_attached(GILS_TO_SAM))

    assert f"Sent on {SENT}." in receipts(decision)
    shown = [o.payload for o in decision.orders if isinstance(o.payload, NewTicketPayload)]
    assert [each.sent for each in shown] == [SENT]
    assert f"Date: {SENT}" in getattr(opened(decision).for_customer, "note", "")
    clock = opened(decision).clock
    assert clock is None or clock.due_at > NOON


def test_colleagues_of_the_customer_in_a_forwarded_mail_join_and_others_are_proposed() -> None:
    joined = opened(signed_world().decide(with_attached(GILS_TO_SAM))).additions

    assert {(a.address, a.presence) for a in joined} == {
        (BEA.address, Presence.ACTIVE),
        ("new@elsewhere.example", Presence.PENDING),
        (ANN.address, Presence.PENDING),
    }


def test_without_a_signature_nobody_outside_the_company_joins_by_a_header() -> None:
    """Who wrote the mail to staff may have chosen it."""
    added = policy_with("cc", guests="add")
    mail = with_attached(GILS_TO_SAM)

    def active(proof: Authentication) -> set[str]:
        joined = opened(signed_world(proof, policy=added).decide(mail)).additions
        return {a.address for a in joined if a.presence is Presence.ACTIVE}

    assert active(PROVEN) == {BEA.address}
    assert active(SIGNED) == {BEA.address, "new@elsewhere.example", ANN.address}


def test_the_people_of_a_header_block_come_along() -> None:
    text = INNER.replace("To: Sam <sam@help.example>", f"To: Sam <{SAM.address}>, {BEA.address}")

    opening = opened(signed_world().decide(forwarded(text)))

    assert [a.address for a in opening.additions] == [BEA.address]
