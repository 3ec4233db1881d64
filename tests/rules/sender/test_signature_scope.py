"""A mail that only a signature proves is limited to its signed fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.reasons import Reason
from rules.mail import Envelope, Mail
from rules.mail.header import Header
from rules.sender.authentication import Authentication, Evidence, Result, SignedScope
from rules.sender.signature_scope import (
    apply_dkim_policy,
    lesser_copy,
    restrict_to_signed,
    signed_header,
)
from tests.rules.building import BOB, SUPPORT, World, a_mail, policy_with

PERSON = Envelope(peer="", helo="", tls=False, mail_from="ann@acme.example", rcpt_tos=(SUPPORT,))
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
    """Unless the sender chose where to look for it."""
    silent = Evidence("dkim", Result.TEMPERROR, "acme.example")
    for counts in (True, False):
        evidence = (*BY_SPF.evidence, silent)
        proven = replace(BY_SPF, evidence=evidence, key_unanswered=counts)
        assert apply_dkim_policy(proven, dkim_required=True).temporary is counts


@pytest.mark.parametrize("by", ["dkim:acme.example", "relay:mx.help.example"])
def test_nor_does_spf_prove_that_a_signed_mail_came_directly(by: str) -> None:
    signed = replace(BY_SPF, by=by, signed_scope=replace(SCOPE, alone=False))

    scope = apply_dkim_policy(signed, dkim_required=True).signed_scope

    assert scope is not None
    assert scope.alone


@pytest.mark.parametrize("by", ["peer:127.0.0.1", "relay:mx.help.example", "arc:lists.example"])
def test_trusted_hosts_that_state_no_spf_alone_count(by: str) -> None:
    trusted = replace(BY_SPF, by=by)

    assert apply_dkim_policy(trusted, dkim_required=True) == trusted


def restricted(*names: str) -> Mail:
    proven = replace(BY_SPF, by="dkim:acme.example", signed_scope=SCOPE)
    return restrict_to_signed(with_fields(*names), proven)


def test_signed_fields_count() -> None:
    mail = restricted("from", "to", "cc", "in-reply-to")

    assert (mail.to, mail.cc, mail.in_reply_to) == (
        (SUPPORT,),
        (BOB.address,),
        ("<1@x.example>",),
    )


def test_unsigned_fields_do_not_count() -> None:
    mail = restricted("from", "references", "message-id", "date", "list-id")

    assert (mail.references, mail.message_id, mail.date) == ((), "", None)
    assert mail.header.names() == {"from"}


@pytest.mark.parametrize(("times", "counts"), [(2, True), (3, False)])
def test_a_single_field_that_occurs_more_often_than_signed_does_not_count(
    times: int, counts: bool
) -> None:
    assert bool(restricted(*(["cc"] * times)).cc) is counts


def test_of_several_fields_the_lowest_were_signed() -> None:
    header = Header((("x-priority", b"1"), ("from", b"x"), ("x-priority", b"3")))

    assert signed_header(header, ("from", "x-priority")).get_all("x-priority") == ["3"]


def test_with_other_proof_all_fields_count() -> None:
    mail = with_fields("list-id")

    assert restrict_to_signed(mail, BY_SPF) is mail


@pytest.mark.parametrize(
    ("proven", "envelope", "lesser"),
    [
        (BY_SPF, PERSON, ""),
        (BY_SPF, replace(PERSON, mail_from=""), "automatic"),
        (Authentication.unchecked("x"), PERSON, "unproven"),
        (replace(BY_SPF, signed_scope=SCOPE), PERSON, ""),
        (replace(BY_SPF, signed_scope=replace(SCOPE, problem="x")), PERSON, "unsigned structure"),
        (
            replace(BY_SPF, signed_scope=replace(SCOPE, problem="x", alone=False)),
            PERSON,
            "",
        ),
    ],
)
def test_a_copy_with_less_proof_is_a_lesser_one(
    proven: Authentication, envelope: Envelope, lesser: str
) -> None:
    assert lesser_copy(a_mail(), envelope, proven, {SUPPORT}) == lesser


def test_so_is_one_that_is_not_addressed_to_the_mailbox() -> None:
    proven = replace(BY_SPF, signed_scope=SCOPE)

    assert lesser_copy(a_mail(), PERSON, proven, {"sales@help.example"}) == "not addressed"


def test_a_person_s_automatic_mail_is_the_mail_itself() -> None:
    """Its own header states it, so that no later sender chose it."""
    mail = a_mail(auto_submitted="auto-replied")

    assert lesser_copy(mail, PERSON, BY_SPF, {SUPPORT}) == ""


@pytest.mark.parametrize(
    ("mail", "lesser"),
    [
        (a_mail(auto_submitted="auto-generated"), "report"),
        (a_mail(auto_submitted="auto-replied"), "report"),
        (a_mail(list_id="<all.acme.example>"), ""),
        (a_mail(), ""),
    ],
)
def test_automatic_mail_at_a_return_path_is_not_the_mail_itself(mail: Mail, lesser: str) -> None:
    """The last sender chose that recipient, and it is recorded there."""
    found = lesser_copy(mail, PERSON, BY_SPF, {SUPPORT}, at_return_path=True)

    assert found == lesser
