"""In a domain where anybody can have an address, SPF shows that a mail came from its author only if
the envelope sender is the author's own address."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from gateway.authentication.authenticator import Trust
from gateway.authentication.own_sender import OF_SOMEBODY_ELSE
from rules.sender.authentication import Authentication
from tests.gateway.authentication.test_arc_check import LIST
from tests.gateway.forwarders import arc_sealed
from tests.gateway.senders import ACME_HOST, World, a_mail, a_world, rsa_key, signed, the

RELAY = "192.0.2.200"
FREE, ANN, EVE = "outlook.com", "ann@outlook.com", "eve+SRS=x=outlook.com=ann@outlook.com"
SIGNED = ("from", "date", "subject", "message-id")
"""By Microsoft: not To, and so not to whom she wrote it."""
SENDERS = [
    (ANN, ANN, True),
    (ANN, "Ann+desk@Outlook.com", True),
    ("ann+desk@outlook.com", ANN, True),
    (ANN, EVE, False),
    (ANN, "eve@outlook.com", False),
    ("ann@acme.example", "bounce+eve@acme.example", True),
]
"""An author, an envelope sender, and whether that is theirs as far as it matters."""


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
    SENDERS,
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


async def unsigned_verdicts(world: World, author: str, sender: str) -> dict[str, Authentication]:
    """Of a mail without a signature: from the servers of its domain, by relays, and by a seal."""
    domain, mail = author.rpartition("@")[2], a_mail(author)
    spf, dmarc = f"spf=pass smtp.mailfrom={sender}", f"dmarc=pass header.from={domain}"
    together = f"dkim=none; {spf}; {dmarc}"

    async def by_relay(stated: str) -> Authentication:
        raw = f"Authentication-Results: mx.example; {stated}\r\n".encode() + mail
        return await world.verdict(raw, author, peer=RELAY, mail_from=sender)

    sealed = arc_sealed(mail, LIST, f"{LIST}; {together}")
    return {
        "direct": await world.verdict(mail, author, peer=ACME_HOST, mail_from=sender),
        "relay": await by_relay(together),
        "relay without DMARC": await by_relay(spf),
        "relay with two fields": await by_relay(
            f"{dmarc}\r\nAuthentication-Results: mx.example; {spf}"
        ),
        "relay with DMARC alone": await by_relay(dmarc),
        "relay without the address": await by_relay(f"spf=pass smtp.mailfrom={domain}; {dmarc}"),
        "seal": await world.verdict(sealed, author, mail_from="x@fwd.example"),
    }


@pytest.mark.parametrize(
    ("author", "sender", "proven"),
    SENDERS,
)
async def test_without_a_signature_spf_of_somebody_else_at_the_provider_proves_nobody(
    world: World, author: str, sender: str, *, proven: bool
) -> None:
    """Eve writes in Ann's name to her own mailbox, which redirects it here."""
    verdicts = await unsigned_verdicts(world, author, sender)

    assert {way: each.aligned for way, each in verdicts.items()} == dict.fromkeys(verdicts, proven)
    if not proven:
        said = [*verdicts["relay"].warnings, *(e.detail for e in verdicts["seal"].evidence)]
        assert the("spf", verdicts["direct"]).detail == f"not asked: {OF_SOMEBODY_ELSE}"
        assert sum(OF_SOMEBODY_ELSE in each for each in said) == 2


async def test_nor_does_spf_of_a_greeting_in_the_domain_of_the_provider(world: World) -> None:
    """A mail with the null reverse-path, as Microsoft sends for each of its customers."""
    greeting = f"mail-1.{FREE}"
    world.publish(greeting, f"v=spf1 ip4:{ACME_HOST} -all")
    direct = await world.verdict(a_mail(ANN), ANN, peer=ACME_HOST, mail_from="", helo=greeting)
    ways = {}
    for spf in (
        f"smtp.helo={greeting}",
        f"smtp.mailfrom=<> smtp.helo={greeting}",
        f"smtp.mailfrom={greeting}",
    ):
        stated = f"spf=pass {spf}; dmarc=pass header.from={FREE}"
        raw = f"Authentication-Results: mx.example; {stated}\r\n".encode() + a_mail(ANN)
        ways[spf] = await world.verdict(raw, ANN, peer=RELAY, mail_from="")

    assert not direct.aligned
    assert {spf: verdict.aligned for spf, verdict in ways.items()} == dict.fromkeys(ways, False)


async def test_nor_does_it_with_a_signature_that_is_old(world: World) -> None:
    tags = {"t": str(int(time.time()) - 8 * 86_400)}
    mail = signed(a_mail(ANN), FREE, signs=SIGNED, tags=tags)

    by_eve = await world.verdict(mail, ANN, peer=ACME_HOST, mail_from=EVE)
    by_ann = await world.verdict(mail, ANN, peer=ACME_HOST, mail_from=ANN)

    assert (by_eve.aligned, by_ann.aligned) == (False, True)


async def test_a_signature_proves_the_author_of_a_mail_that_somebody_else_sent_here(
    world: World,
) -> None:
    mail = signed(a_mail(ANN), FREE, signs=(*SIGNED, "to"))
    stated = f"dkim=fail; spf=pass smtp.mailfrom={EVE}; dmarc=pass header.from={FREE}"
    raw = f"Authentication-Results: mx.example; {stated}\r\n".encode() + mail

    direct = await world.verdict(mail, ANN, peer=ACME_HOST, mail_from=EVE)
    behind_relay = await world.verdict(raw, ANN, peer=RELAY, mail_from=EVE)

    assert (direct.by, behind_relay.by) == (f"dkim:{FREE}", f"dkim:{FREE}")
