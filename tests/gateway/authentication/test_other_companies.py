"""Two companies of ours whose domains share a parent: neither proves an author of the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
import pytest_asyncio

from gateway.authentication.authenticator import Trust
from gateway.authentication.checked_mail import OF_ANOTHER_COMPANY
from gateway.authentication.dkim_check import MAX_VERIFIED
from gateway.authentication.results_header import OF_A_NEIGHBOUR
from rules.sender.authentication import Authentication
from rules.sender.signature_scope import apply_dkim_policy
from tests.gateway.authentication.test_arc_check import LIST, sealed
from tests.gateway.forwarders import arc_sealed
from tests.gateway.senders import ELSEWHERE, World, a_mail, a_world, rsa_key, signed, the

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN, ANNS, OTHERS = "ann@north.shared.com", "north.shared.com", "south.shared.com"
OWNERS = {ANNS: 1, OTHERS: 2}
RELAY = "192.0.2.200"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world() -> AsyncIterator[World]:
    trust = Trust(sealers=(LIST,), relays=((ip_network(RELAY), "mx.example"),))
    async with a_world(trust) as world:
        world.publish("_dmarc.shared.com", "v=DMARC1; p=reject")
        for domain in (ANNS, OTHERS, f"mail.{ANNS}", LIST):
            world.publish(f"s1._domainkey.{domain}", rsa_key().record)
        world.publish(OTHERS, f"v=spf1 ip4:{ELSEWHERE} -all")
        yield world


async def verdicts(
    world: World, raw: bytes, peer: str = ELSEWHERE, mail_from: str = ANN
) -> tuple[Authentication, Authentication]:
    """Where nobody is registered, and where both companies are."""
    world.owners = {}
    without = await world.verdict(raw, ANN, peer=peer, mail_from=mail_from)
    world.owners = OWNERS
    return without, await world.verdict(raw, ANN, peer=peer, mail_from=mail_from)


async def test_a_signature_of_the_other_company_proves_nobody(world: World) -> None:
    without, verdict = await verdicts(world, signed(a_mail(ANN), OTHERS))

    assert without.by == f"dkim:{OTHERS}"
    assert (verdict.aligned, verdict.dmarc_policy) == (False, "reject")


async def test_and_no_name_of_the_other_company_is_queried(world: World) -> None:
    world.silence()  # so that nothing is cached
    world.server.queries.clear()
    world.owners = OWNERS

    await world.verdict(signed(a_mail(ANN), OTHERS), ANN, mail_from=f"ann@{OTHERS}")

    assert world.server.queries
    assert not any(OTHERS in name for name, _ in world.server.queries)


async def test_nor_does_its_envelope(world: World) -> None:
    without, verdict = await verdicts(world, a_mail(ANN), mail_from=f"ann@{OTHERS}")

    assert without.by == f"spf:{OTHERS}"
    assert not verdict.aligned
    assert the("spf", verdict).detail == f"not asked: {OF_ANOTHER_COMPANY}"
    assert f"{OTHERS} {OF_ANOTHER_COMPANY}" in verdict.warnings


@pytest.mark.parametrize("signer", [ANNS, f"mail.{ANNS}"])
async def test_a_signature_of_her_own_company_below_it_proves_her(
    world: World, signer: str
) -> None:
    _, verdict = await verdicts(world, signed(signed(a_mail(ANN), signer), OTHERS))

    assert verdict.by == f"dkim:{signer}"


async def test_nor_does_what_a_relay_or_a_sealer_states_of_it(world: World) -> None:
    stated = (
        f"dkim=pass header.d={OTHERS}; spf=pass smtp.mailfrom={OTHERS};"
        f" dmarc=pass header.from={ANNS}"
    )
    relayed = f"Authentication-Results: mx.example; {stated}\r\n".encode() + a_mail(ANN)
    by_seal = sealed(a_mail(ANN), states=stated)
    for raw, peer in ((relayed, RELAY), (by_seal, ELSEWHERE)):
        without, verdict = await verdicts(world, raw, peer)

        assert without.aligned
        assert not verdict.aligned
        said = [*verdict.warnings, *(each.detail for each in verdict.evidence)]
        assert any(OF_A_NEIGHBOUR in each for each in said)


@pytest.mark.parametrize("shown", ["", f"dkim=pass header.d={OTHERS} header.i=@_-.{OTHERS}; "])
async def test_nor_does_a_relay_that_states_the_rest_in_another_field(
    world: World, shown: str
) -> None:
    """As OpenDMARC does behind OpenDKIM: what passed is of the other company, for all we know."""
    stated = (
        f"Authentication-Results: mx.example; {shown}dmarc=pass header.from={ANNS}\r\n".encode()
    )
    without, verdict = await verdicts(world, stated + signed(a_mail(ANN), OTHERS), RELAY)
    of_both = stated + signed(signed(a_mail(ANN), ANNS), OTHERS)

    assert without.by == "relay:mx.example"
    assert not verdict.aligned
    assert (await verdicts(world, of_both, RELAY))[1].by == f"dkim:{ANNS}"


@pytest.mark.parametrize(
    "stated",
    [
        f"spf=pass smtp.helo={OTHERS}",
        f"dkim=none; spf=pass smtp.mailfrom=<> smtp.helo={OTHERS}",
        f"spf=pass smtp.mail=x@mail.{OTHERS} smtp.helo=mail.{ANNS}",
    ],
)
async def test_nor_does_what_is_stated_of_its_greeting_or_in_a_spelling_that_we_do_not_know(
    world: World, stated: str
) -> None:
    """DMARC counts the greeting where the reverse-path is null; it is another one by the time that
    the mail comes here."""
    stated = f"{stated}; dmarc=pass header.from={ANNS}"
    relayed = f"Authentication-Results: mx.example; {stated}\r\n".encode() + a_mail(ANN)
    by_seal = arc_sealed(a_mail(ANN), LIST, f"mx.{LIST}; {stated}")
    for raw, peer in ((relayed, RELAY), (by_seal, ELSEWHERE)):
        without, verdict = await verdicts(world, raw, peer, "forwarded@fwd.example")

        assert without.aligned
        assert not verdict.aligned


@pytest.mark.parametrize("tags", [{"l": "0"}, {"a": "rsa-sha1"}])
async def test_nor_does_a_signature_of_it_that_we_refuse_where_the_sealer_does_not_say_by_what(
    world: World, tags: dict[str, str | None]
) -> None:
    stated = f"mx.{LIST}; dmarc=pass header.from={ANNS}"
    raw = arc_sealed(signed(a_mail(ANN), OTHERS, tags=tags), LIST, stated)
    without, verdict = await verdicts(world, raw, mail_from="forwarded@fwd.example")

    assert without.by == f"arc:{LIST}"
    assert not verdict.aligned


async def test_nor_does_one_below_more_than_are_verified(world: World) -> None:
    raw = signed(a_mail(ANN), OTHERS)
    for _ in range(MAX_VERIFIED):
        raw = signed(raw, ANNS, tags={"bh": "AAAA"})
    raw = arc_sealed(raw, LIST, f"mx.{LIST}; dmarc=pass header.from={ANNS}")
    without, verdict = await verdicts(world, raw, mail_from="forwarded@fwd.example")

    assert without.by == f"arc:{LIST}"
    assert not verdict.aligned


async def test_nor_does_what_a_relay_states_of_it_in_a_field_below(world: World) -> None:
    dmarc, spf = f"dmarc=pass header.from={ANNS}", f"spf=pass smtp.helo={OTHERS}"
    above = "".join(f"Authentication-Results: mx.example; {each}\r\n" for each in (dmarc, spf))
    without, verdict = await verdicts(world, above.encode() + a_mail(ANN), RELAY, "")

    assert without.by == "relay:mx.example"
    assert not verdict.aligned


async def test_what_is_stated_of_the_greeting_of_a_host_of_hers_proves_her(world: World) -> None:
    for rest in (f"smtp.helo=mail.{ANNS}", f"smtp.mailfrom={ANNS} smtp.helo={OTHERS}"):
        stated = f"mx.{LIST}; dkim=none; spf=pass {rest}; dmarc=pass header.from={ANNS}"
        _, verdict = await verdicts(world, arc_sealed(a_mail(ANN), LIST, stated))

        assert verdict.by == f"arc:{LIST}"


async def test_where_dkim_is_required_its_signature_does_not_hide_that_spf_alone_passed(
    world: World,
) -> None:
    """Who sends by the same provider as Ann signs as their own company, too."""
    stated = (
        f"dkim=pass header.d={OTHERS}; spf=pass smtp.mailfrom=ann@{ANNS};"
        f" dmarc=pass header.from={ANNS}"
    )
    mail = signed(a_mail(ANN), OTHERS)
    relayed = f"Authentication-Results: mx.example; {stated}\r\n".encode() + mail
    for raw, peer in ((relayed, RELAY), (sealed(mail, states=stated), ELSEWHERE)):
        _, verdict = await verdicts(world, raw, peer, "forwarded@fwd.example")

        assert verdict.aligned
        assert not apply_dkim_policy(verdict, dkim_required=True).aligned
