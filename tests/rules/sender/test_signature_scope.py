"""A mail that only a signature proves says no more than was signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.model import Reason
from rules.mail import Mail
from rules.mail.header import Header
from rules.sender.authentication import Authentication, Evidence, Result, SignedScope
from rules.sender.signature_scope import apply_dkim_policy, keep_signed_fields, unsigned_fields
from tests.rules.building import BOB, SUPPORT, World, a_mail, policy_with

SEAL = SignedScope("f" * 64, ("from", "to", "subject", "in-reply-to", "cc", "cc"))


def with_fields(*names: str) -> Mail:
    mail = a_mail(cc=(BOB.address,), in_reply_to=("<1@x.example>",), references=("<1@x.example>",))
    values = {field: getattr(mail, field) for field in mail.__slots__}
    return Mail(**values | {"header": Header(tuple((name, b"x") for name in names))})


REQUIRED = policy_with("proof", dkim_required=True)
BY_SPF = Authentication(
    True,
    "spf:acme.example",
    Result.PASS,
    "none",
    False,
    (Evidence("spf", Result.PASS, "acme.example", aligned=True),),
)


def test_where_dkim_is_required_spf_alone_is_no_proof() -> None:
    assert not apply_dkim_policy(BY_SPF, dkim_required=True).aligned
    assert apply_dkim_policy(BY_SPF, dkim_required=False) == BY_SPF


def test_and_the_trace_says_so() -> None:
    decision = World(policy=REQUIRED, proof=apply_dkim_policy(BY_SPF, dkim_required=True)).decide(
        a_mail()
    )

    assert decision.reason is Reason.UNPROVEN
    assert "T0 by SPF alone, which the policy does not count" in {s.saw for s in decision.trace}


def test_a_key_that_could_not_be_had_is_waited_for() -> None:
    silent = Evidence("dkim", Result.TEMPERROR, "acme.example")
    proven = replace(BY_SPF, evidence=(*BY_SPF.evidence, silent))

    assert apply_dkim_policy(proven, dkim_required=True).temporary


def test_nor_does_spf_say_that_a_signed_mail_came_straight() -> None:
    signed = replace(BY_SPF, by="dkim:acme.example", signed_scope=replace(SEAL, alone=False))

    seal = apply_dkim_policy(signed, dkim_required=True).signed_scope

    assert seal is not None
    assert seal.alone


@pytest.mark.parametrize("by", ["peer:127.0.0.1", "relay:mx.help.example", "arc:lists.example"])
def test_whom_we_trust_counts_as_before(by: str) -> None:
    trusted = replace(BY_SPF, by=by, signed_scope=replace(SEAL, alone=False))

    assert apply_dkim_policy(trusted, dkim_required=True) == trusted


def test_it_is_known_by_its_signature() -> None:
    assert keep_signed_fields(with_fields("from"), SEAL).identity == SEAL.fingerprint


def test_what_was_signed_counts() -> None:
    mail = keep_signed_fields(with_fields("from", "to", "cc", "in-reply-to"), SEAL)

    assert (mail.to, mail.cc, mail.in_reply_to) == (
        (SUPPORT,),
        (BOB.address,),
        ("<1@x.example>",),
    )


def test_what_was_not_signed_counts_for_nothing() -> None:
    assert keep_signed_fields(with_fields("references"), SEAL).references == ()


@pytest.mark.parametrize(("times", "covered"), [(2, True), (3, False)])
def test_a_field_more_than_was_signed_counts_for_nothing(times: int, covered: bool) -> None:
    mail = with_fields(*(["cc"] * times))

    assert ("cc" not in unsigned_fields(mail, SEAL)) is covered
