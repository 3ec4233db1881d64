"""Where a policy requires DKIM, nothing but an author's signature frees what it does not cover:
neither SPF that was measured here nor SPF that a relay, a sealer or a list states.

SPF of a host that sends for many domains passes for all of them, whichever customer of it writes.
So somebody who has a mail that its author signed can send it again through their provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decision.model import Decision
from rules.decision.reasons import Reason
from rules.sender.authentication import as_dict, from_dict
from rules.sender.signature_scope import apply_dkim_policy
from tests.examples import examples
from tests.gateway.forwarders import arc_sealed
from tests.gateway.senders import ACME_HOST
from tests.gateway.test_ways_of_proof import (
    ATTACKS,
    FOOTER,
    FORWARDER,
    MX,
    NOTHING,
    RELAY,
    SEALED,
    SEALER,
    SITUATIONS,
    WAYS,
    Attack,
    Desk,
    Sent,
    Situation,
    a_desk,
    as_written,
    caught,
    gains_nothing,
    relayed,
    results,
    sealed,
    sealed_before,
    signature,
    signed_names,
    through_list,
)
from tests.rules.building import policy_with

REQUIRED = policy_with("proof", dkim_required=True)
DIRECT = Attack(mail_from="eve@acme.example")
COPIED = Attack(added=b"Cc: support@help.example\r\n")
by_relay = partial(relayed, direct=True)
by_sealer = partial(sealed, direct=True)


def from_their_host(situation: Situation, attack: Attack) -> Sent:
    mail_from = f"eve@{situation.domain}"
    return Sent(caught(situation, attack), peer=ACME_HOST, mail_from=mail_from)


def forwarded(situation: Situation, attack: Attack, footer: bytes) -> Sent:
    """Sealed by a forwarder of ours that received it directly; its seal covers neither To nor
    Cc."""
    states = results(situation, SEALER, direct=True)
    names = tuple(name for name in signed_names(situation, attack) if name != "to")
    mail = signature(as_written(situation), situation.domain, names) + as_written(situation)
    sealed_there = arc_sealed(attack.on(mail) + footer, SEALER, states, signs=names)
    return Sent(sealed_there, mail_from=f"srs0=a@{FORWARDER}")


WITH_SPF: dict[str, Callable[[Situation, Attack], Sent]] = {
    "spf, next to dkim": from_their_host,
    "relay": lambda it, by: by_relay(it, caught(it, by)),
    "relay that changes the body": lambda it, by: by_relay(it, caught(it, by), footer=FOOTER),
    "arc": lambda it, by: by_sealer(it, caught(it, by)),
    "arc of a sealer that changes the body": lambda it, by: by_sealer(it, caught(it, by) + FOOTER),
    "arc of two seals": lambda it, by: by_sealer(it, sealed_before(it, by)),
    "arc of a list of ours": partial(through_list, direct=True),
}
"""Somebody sends what they have through the provider of its author; the last host states that SPF
passed next to DKIM."""
EVERY_WAY = {**{f"{way}, caught": WAYS[way] for way in WAYS}, **WITH_SPF}
CROSS = [
    (way, named, attack)
    for way in EVERY_WAY
    for named, situation in SITUATIONS.items()
    for attack in ATTACKS
    if attack.unsigned in ("", *(name for name, _ in situation.lines))
]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with a_desk() as opened:
        yield opened


def decided(desk: Desk, way: str, situation: Situation, attack: Attack) -> Decision:
    return desk.decided_on(EVERY_WAY[way](situation, attack), situation, attack, REQUIRED)


@cache
def without(desk: Desk, way: str, named: str, unsigned: str) -> Decision:
    return decided(desk, way, SITUATIONS[named], Attack(unsigned=unsigned))


@pytest.mark.parametrize("way", WITH_SPF)
def test_a_mail_that_nobody_changed_is_filed(desk: Desk, way: str) -> None:
    reasons = [
        decided(desk, way, SITUATIONS[named], NOTHING).reason
        for named in ("a new request", "on her ticket")
    ]

    assert reasons == [Reason.NEW_REQUEST, Reason.REPLY_TOKEN]


@pytest.mark.parametrize("way", WITH_SPF)
def test_a_mail_to_somebody_else_is_not_addressed_by_a_cc_that_its_author_did_not_sign(
    desk: Desk, way: str
) -> None:
    """Wherever DKIM is not required, SPF shows that the Cc is the author's."""
    to_another = SITUATIONS["to somebody else"]
    sent = WITH_SPF[way](to_another, COPIED)

    assert desk.decided_on(sent, to_another, COPIED).reason is Reason.NEW_REQUEST
    assert desk.decided_on(sent, to_another, COPIED, REQUIRED).reason is Reason.NOT_ADDRESSED


@pytest.mark.parametrize("footer", [b"", FOOTER])
def test_nor_by_a_listed_forwarder_to_which_anybody_may_have_sent_it(
    desk: Desk, footer: bytes
) -> None:
    """Its own seal shows SPF of the author's domain, and so that it may free To."""
    request = SITUATIONS["a new request"]
    sent = forwarded(request, NOTHING, footer)

    assert desk.decided_on(sent, request, NOTHING).reason is Reason.NEW_REQUEST
    assert desk.decided_on(sent, request, NOTHING, REQUIRED).reason is Reason.NOT_ADDRESSED


@pytest.mark.parametrize("through", ["sealer", "list"])
def test_nor_where_the_signature_that_the_sealer_saw_was_removed(desk: Desk, through: str) -> None:
    request = SITUATIONS["a new request"]
    sent = (
        by_sealer(request, as_written(request))
        if through == "sealer"
        else through_list(request, NOTHING, keeps=False, direct=True)
    )

    assert desk.decided_on(sent, request, NOTHING).reason is Reason.NEW_REQUEST
    assert desk.decided_on(sent, request, NOTHING, REQUIRED).reason is Reason.NOT_ADDRESSED


def test_nor_is_what_was_appended_under_a_signature_with_l(desk: Desk) -> None:
    request = SITUATIONS["a new request"]
    open_ended = caught(request, NOTHING, l="10")
    sent = by_sealer(request, open_ended + b"Cancel it.\r\n")

    assert desk.decided_on(sent, request, NOTHING, REQUIRED).reason is Reason.NOT_ADDRESSED


@pytest.mark.parametrize("way", ["arc", "arc of a list of ours"])
def test_what_its_author_signed_is_kept_with_the_verdict(desk: Desk, way: str) -> None:
    """A back-test and a release decide by what is stored; what is from before has no such scope."""
    to_another = SITUATIONS["to somebody else"]
    seen = desk.considered(WITH_SPF[way](to_another, COPIED), to_another, COPIED).authentication
    stored = as_dict(seen)

    assert from_dict(stored) == replace(seen, names_chosen=False)
    assert seen.author_scope is not None
    assert "cc" not in seen.author_scope.names
    before = {name: value for name, value in stored.items() if "author_seal" not in name}
    counted = apply_dkim_policy(from_dict(before), dkim_required=True)
    assert counted.signed_scope == seen.signed_scope
    assert seen.signed_scope is not None
    assert "cc" in seen.signed_scope.names


@settings(max_examples=examples(120), deadline=None)
@given(case=st.sampled_from(CROSS))
def test_what_its_author_did_not_sign_counts_for_nothing_by_any_way(
    desk: Desk, case: tuple[str, str, Attack]
) -> None:
    way, named, attack = case

    by_attack = decided(desk, way, SITUATIONS[named], attack)

    assert gains_nothing(by_attack, without(desk, way, named, attack.unsigned)), by_attack


@pytest.mark.parametrize("way", ["relay", "sealer"])
@pytest.mark.parametrize(
    ("stated", "counts"),
    [
        ("spf=pass smtp.mailfrom=a@acme.example", False),
        ("dkim=none; spf=pass smtp.mailfrom=a@bounce.acme.example", False),
        ("dkim=pass header.d=evil.test; spf=pass smtp.helo=acme.example", False),
        ("dkim=pass header.d=acme.example; spf=pass smtp.mailfrom=a@acme.example", True),
        ("spf=pass smtp.mailfrom=a@evil.test", True),  # so something else proved the author
    ],
)
def test_where_dkim_is_required_what_a_trusted_host_states_of_spf_alone_does_not_count(
    desk: Desk, way: str, stated: str, counts: bool
) -> None:
    """The host that it got the mail from may send for many domains, whichever customer writes."""
    request = SITUATIONS["a new request"]
    name = MX if way == "relay" else SEALER
    states = f"{name}; {stated}; dmarc=pass header.from={request.domain}"
    mail = as_written(request)
    sent = (
        Sent(f"Authentication-Results: {states}\r\n".encode() + mail, peer=RELAY)
        if way == "relay"
        else Sent(arc_sealed(mail, SEALER, states, signs=SEALED))
    )

    seen = desk.considered(sent, request, NOTHING).authentication

    assert seen.aligned
    assert apply_dkim_policy(seen, dkim_required=True).aligned is counts


@pytest.mark.parametrize(
    ("dkim", "counts"),
    [("dkim=none", False), ("dkim=pass header.d=evil.test", False), ("dkim=pass", True)],
)
def test_nor_does_it_where_a_relay_states_it_in_a_field_of_its_own(
    desk: Desk, dkim: str, counts: bool
) -> None:
    """OpenDMARC, OpenDKIM and a policy server write a field each."""
    request = SITUATIONS["a new request"]
    stated = ("dmarc=pass header.from=acme.example", "spf=pass smtp.mailfrom=a@acme.example", dkim)
    fields = "".join(f"Authentication-Results: {MX}; {each}\r\n" for each in stated)
    sent = Sent(fields.encode() + as_written(request), peer=RELAY)

    seen = desk.considered(sent, request, DIRECT).authentication

    assert seen.aligned
    assert apply_dkim_policy(seen, dkim_required=True).aligned is counts


@pytest.mark.parametrize("way", ["relay", "arc"])
def test_nor_does_it_matter_where_a_signature_holds_here(desk: Desk, way: str) -> None:
    request = SITUATIONS["a new request"]
    mail = caught(request, NOTHING)
    spf = "spf=pass smtp.mailfrom=a@acme.example; dmarc=pass header.from=acme.example"
    sent = (
        Sent(f"Authentication-Results: {MX}; {spf}\r\n".encode() + mail, peer=RELAY)
        if way == "relay"
        else Sent(arc_sealed(mail, SEALER, f"{SEALER}; {spf}", signs=SEALED))
    )

    seen = desk.considered(sent, request, NOTHING).authentication

    assert apply_dkim_policy(seen, dkim_required=True).aligned


@pytest.mark.parametrize(
    ("is_signed", "named", "reason"),
    [
        (True, "to somebody else", Reason.NOT_ADDRESSED),
        (False, "to somebody else", Reason.NOT_SIGNED),
        (True, "a new request", Reason.NEW_REQUEST),
    ],
)
def test_where_dkim_is_required_spf_at_a_relay_does_not_show_that_a_signed_mail_came_directly(
    desk: Desk, is_signed: bool, named: str, reason: Reason
) -> None:
    """Somebody who has a mail of Ann's sends it again through her provider."""
    situation = SITUATIONS[named]
    written = caught(situation, NOTHING) if is_signed else as_written(situation)
    sent = by_relay(situation, written)

    assert desk.decided_on(sent, situation, DIRECT).reason is Reason.NEW_REQUEST
    assert desk.decided_on(sent, situation, DIRECT, REQUIRED).reason is reason


def test_nor_where_the_relay_may_have_counted_a_signature_that_was_not_read(desk: Desk) -> None:
    request = SITUATIONS["a new request"]
    unread = b"DKIM-Signature: v=1; d=acme.example; s=s1; b=\r\n" * 9
    sent = by_relay(request, unread + as_written(request))

    assert desk.decided_on(sent, request, DIRECT, REQUIRED).reason is Reason.NOT_SIGNED


def test_nor_is_a_mail_refused_there_while_the_key_is_unanswered(desk: Desk) -> None:
    """Its signature may prove the author once the DNS answers."""
    request = Situation("sue@silent.example")
    spf = f"Authentication-Results: {MX}; spf=pass smtp.mailfrom={request.author}\r\n"
    sent = Sent(spf.encode() + caught(request, NOTHING), peer=RELAY)
    assert desk.considered(sent, request, DIRECT, REQUIRED).authentication.aligned
    desk.silence("_domainkey.silent.example")

    assert desk.considered(sent, request, DIRECT, REQUIRED).authentication.temporary
