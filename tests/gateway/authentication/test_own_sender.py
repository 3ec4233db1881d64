"""In a domain where anybody can have an address, SPF shows that a mail came from its author only if
the envelope sender is the author's own address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from gateway.authentication.authenticator import Trust
from tests.gateway.authentication.test_arc_check import LIST
from tests.gateway.forwarders import arc_sealed
from tests.gateway.senders import ACME_HOST, World, a_mail, a_world, rsa_key, signed

RELAY = "192.0.2.200"
FREE, ANN, EVE = "outlook.com", "ann@outlook.com", "eve+SRS=x=outlook.com=ann@outlook.com"
SIGNED = ("from", "date", "subject", "message-id")
"""By Microsoft: not To, and so not to whom she wrote it."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    trust = Trust(sealers=(LIST,), relays=((ip_network(RELAY), "mx.example"),))
    async with a_world(trust) as world:
        for domain in (FREE, "acme.example"):
            world.publish(domain, f"v=spf1 ip4:{ACME_HOST} -all")
            world.publish(f"_dmarc.{domain}", "v=DMARC1; p=none")
        for signer in (FREE, LIST):
            world.publish(f"s1._domainkey.{signer}", rsa_key().record)
        yield world


async def count_as_a_whole(world: World, author: str, sender: str) -> list[bool]:
    """Whether all of a mail counts: where it comes from its domain, by a relay and by a seal."""
    domain = author.rpartition("@")[2]
    mail = signed(a_mail(author), domain, signs=SIGNED)
    stated = (
        f"dkim=pass header.d={domain}; spf=pass smtp.mailfrom={sender};"
        f" dmarc=pass header.from={domain}"
    )
    direct = await world.verdict(mail, author, peer=ACME_HOST, mail_from=sender)
    raw = f"Authentication-Results: mx.example; {stated}\r\n".encode() + mail
    by_relay = await world.verdict(raw, author, peer=RELAY, mail_from=sender)
    raw = arc_sealed(mail, LIST, f"{LIST}; {stated}")
    by_seal = await world.verdict(raw, author, mail_from="x@fwd.example")
    scopes = [each.signed_scope for each in (direct, by_relay, by_seal)]
    assert all(each.aligned for each in (direct, by_relay, by_seal))
    assert all(each is not None for each in scopes)
    return [not each.alone or "to" in each.names for each in scopes if each is not None]


@pytest.mark.parametrize(
    ("author", "sender", "counts"),
    [
        (ANN, ANN, True),
        (ANN, "Ann+desk@Outlook.com", True),
        ("ann+desk@outlook.com", ANN, True),
        (ANN, EVE, False),
        (ANN, "eve@outlook.com", False),
        ("ann@acme.example", "bounce+eve@acme.example", True),
    ],
)
async def test_a_mail_that_somebody_of_the_same_provider_redirects_counts_as_it_was_signed(
    world: World, author: str, sender: str, *, counts: bool
) -> None:
    assert await count_as_a_whole(world, author, sender) == [counts] * 3


async def test_results_that_state_the_domain_alone_count_as_before(world: World) -> None:
    stated = f"spf=pass smtp.mailfrom={FREE}; dmarc=pass header.from={FREE}"
    raw = arc_sealed(signed(a_mail(ANN), FREE, signs=SIGNED), LIST, f"{LIST}; {stated}")
    verdict = await world.verdict(raw, ANN, mail_from="x@fwd.example")

    assert verdict.signed_scope is not None
    assert "to" in verdict.signed_scope.names
