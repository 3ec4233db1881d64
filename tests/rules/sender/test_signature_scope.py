"""A mail that only a signature proves is limited to its signed fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.model import Reason
from rules.mail import Mail
from rules.mail.header import Header
from rules.sender.authentication import Authentication, Evidence, Result, SignedScope
from rules.sender.signature_scope import apply_dkim_policy, keep_signed_fields, unsigned_fields
from tests.rules.building import BOB, SUPPORT, World, a_mail, policy_with

SCOPE = SignedScope("f" * 64, ("from", "to", "subject", "in-reply-to", "cc", "cc"))


def with_fields(*names: str) -> Mail:
    mail = a_mail(cc=(BOB.address,), in_reply_to=("<1@x.example>",), references=("<1@x.example>",))
    values = {field: getattr(mail, field) for field in mail.__slots__}
    return Mail(**values | {"header": Header(tuple((name, b"x") for name in names))})


REQUIRED = policy_with("proof", dkim_required=True)
BY_SPF = Authentication(
    aligned=True,
    by="spf:acme.example",
    dmarc=Result.PASS,
    evidence=(Evidence("spf", Result.PASS, "acme.example", aligned=True),),
)


def test_if_dkim_is_required_spf_alone_is_not_a_proof() -> None:
    assert not apply_dkim_policy(BY_SPF, dkim_required=True).aligned
    assert apply_dkim_policy(BY_SPF, dkim_required=False) == BY_SPF


def test_and_the_trace_shows_it() -> None:
    decision = World(policy=REQUIRED, proof=apply_dkim_policy(BY_SPF, dkim_required=True)).decide(
        a_mail()
    )

    assert decision.reason is Reason.UNPROVEN
    assert "T0 by SPF alone, which the policy does not count" in {s.saw for s in decision.trace}


def test_a_key_that_dns_failed_to_return_makes_it_temporary() -> None:
    silent = Evidence("dkim", Result.TEMPERROR, "acme.example")
    proven = replace(BY_SPF, evidence=(*BY_SPF.evidence, silent))

    assert apply_dkim_policy(proven, dkim_required=True).temporary


def test_nor_does_spf_prove_that_a_signed_mail_came_directly() -> None:
    signed = replace(BY_SPF, by="dkim:acme.example", signed_scope=replace(SCOPE, alone=False))

    scope = apply_dkim_policy(signed, dkim_required=True).signed_scope

    assert scope is not None
    assert scope.alone


@pytest.mark.parametrize("by", ["peer:127.0.0.1", "relay:mx.help.example", "arc:lists.example"])
def test_trusted_hosts_count_as_before(by: str) -> None:
    trusted = replace(BY_SPF, by=by, signed_scope=replace(SCOPE, alone=False))

    assert apply_dkim_policy(trusted, dkim_required=True) == trusted


def test_its_identity_is_its_signature_s_fingerprint() -> None:
    assert keep_signed_fields(with_fields("from"), SCOPE).identity == SCOPE.fingerprint


def test_signed_fields_count() -> None:
    mail = keep_signed_fields(with_fields("from", "to", "cc", "in-reply-to"), SCOPE)

    assert (mail.to, mail.cc, mail.in_reply_to) == (
        (SUPPORT,),
        (BOB.address,),
        ("<1@x.example>",),
    )


def test_unsigned_fields_do_not_count() -> None:
    assert keep_signed_fields(with_fields("references"), SCOPE).references == ()


@pytest.mark.parametrize(("times", "covered"), [(2, True), (3, False)])
def test_a_field_that_occurs_more_often_than_signed_does_not_count(
    times: int, covered: bool
) -> None:
    mail = with_fields(*(["cc"] * times))

    assert ("cc" not in unsigned_fields(mail, SCOPE)) is covered
