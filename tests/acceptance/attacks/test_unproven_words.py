"""Mail that only somebody's reply address proves: anybody who saw a Reply-All has that."""

from __future__ import annotations

import pytest

from tests.acceptance.attacks.mails import replace_once
from tests.acceptance.internet import EVE, ULA, Target, a_mail, genuine_mail
from tests.acceptance.support_server import SUPPORT, filed


@pytest.fixture
def ticket(target: Target) -> int:
    """Of Ula, whose domain publishes no DMARC policy."""
    return filed(target.send(genuine_mail(ULA), ULA))[1]


def as_ula(target: Target, ticket: int, *fields: str, text: str = "I agree to the offer.") -> None:
    """A stranger's mail in Ula's name, to Ula's own reply address."""
    token = target.token(ticket, ULA)
    raw = a_mail(ULA, *fields, text=text)
    raw = replace_once(raw, f"To: {SUPPORT}".encode(), f"To: {token}".encode())
    assert filed(target.send(raw, EVE, to=token))[1] == ticket


def test_unproven_words_wait_for_staff(target: Target, ticket: int) -> None:
    as_ula(target, ticket, "Cc: mal@mallory.example")

    after = target.ticket(ticket)
    last = after.comments[-1]
    assert (last.author, last.visibility, last.proof) == (ULA, "private", "token")
    presence = {member.address: member.presence for member in after.members}
    assert presence["mal@mallory.example"] == "pending"
    assert not [n for n in target.notices() if n.address == "mal@mallory.example"]
    assert (
        "proof: unproven, only the reply address"
        in target.postern.run("ticket", str(ticket)).stdout
    )
    told = {n.kind for n in target.notices() if n.ticket == ticket and n.address == ULA}
    assert "receipt" in told


def test_an_unproven_unsubscription_is_not_done(target: Target, ticket: int) -> None:
    as_ula(target, ticket, text="#unsubscribe")

    assert target.ticket(ticket).comments[-1].visibility == "private"
    assert not any(entry.event == "unsubscribed" for entry in target.ticket(ticket).history)


def test_an_unproven_escalation_is_not_done(target: Target, ticket: int) -> None:
    as_ula(target, ticket, text="#escalate It burns.")

    assert target.ticket(ticket).details.escalation_level == 0
    assert target.ticket(ticket).comments[-1].visibility == "private"


def test_the_proof_of_the_authors_own_mail_is_kept(target: Target, ticket: int) -> None:
    assert target.ticket(ticket).comments[0].proof == "dkim:umbrella.example"
