"""The look-ups under way are divided among clients; a company's names have places of their own."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.authentication.dns import Answer, Lookups, Resolver, Temporary
from gateway.authentication.lookup_shares import (
    CAPS,
    PER_COMPANY,
    Asker,
    LookupShares,
)
from gateway.authentication.proven_names import NamesOfAuthor, ProvenNames
from rules.mail import Delivery, Envelope
from rules.mail.header import Author
from rules.sender.authentication import Authentication
from tests.examples import examples
from tests.gateway.senders import ACME_HOST, World, a_mail, a_world, signed
from tests.nameserver import NameServer

STRANGER = "203.0.113.7"
NEIGHBOUR = "203.0.113.8"
SHORT_S = 1.0
"""How long a look-up of a silent zone lasts in these tests."""


async def _flood(world: World, *peers: str) -> asyncio.Future[list[Answer]]:
    """Twelve mails of each peer, each with a dozen look-ups of a silent zone; returns once all of
    them wait for the DNS."""
    world.server.silent.add("silent.test")
    resolver = world.resolver
    asked = [
        Lookups(resolver, budget_s=SHORT_S, asker=Asker(ip_address(peer))).ask(
            f"{peer}-{mail}-{number}.silent.test", "TXT"
        )
        for peer in peers
        for mail in range(12)
        for number in range(13)
    ]
    flood = asyncio.gather(*asked)
    for _ in range(3):
        await asyncio.sleep(0)
    return flood


async def _mail_from(world: World, peer: str, raw: bytes, *, known: bool) -> Authentication:
    async def is_known() -> bool:
        return known

    async def always() -> bool:
        return True

    envelope = Envelope(peer, "client.example", True, "ann@acme.example", ("support@help.example",))
    return await world.authenticator.authenticate(
        Delivery(envelope, raw), Author("ann@acme.example"), always, is_known
    )


async def test_a_silent_zone_of_one_network_leaves_look_ups_to_another() -> None:
    async with a_world(lifetime_s=SHORT_S) as world:
        flood = await _flood(world, STRANGER, NEIGHBOUR)
        async with asyncio.timeout(1):
            verdict = await world.verdict(signed(a_mail()), peer=ACME_HOST)
        held = world.resolver.shares.clients.used
        answers = await flood

    assert verdict.by == "dkim:acme.example"
    assert held <= CAPS.per_network
    assert all(isinstance(answer, Temporary) for answer in answers)
    assert world.resolver.shares.clients.refused >= len(answers) - CAPS.per_network
    assert world.resolver.shares.is_idle


async def test_a_client_without_a_share_learns_nothing_about_a_company() -> None:
    """Its mail in the name of a company would be answered 451, and any other 550."""
    async with a_world(lifetime_s=SHORT_S) as world:
        flood = await _flood(world, STRANGER)
        forged = await _mail_from(world, STRANGER, a_mail(), known=True)
        genuine = await _mail_from(world, STRANGER, signed(a_mail()), known=True)
        await flood

    assert (forged.by, forged.temporary) == ("", False)
    assert genuine.by == "dkim:acme.example"
    assert world.resolver.shares.is_idle


async def test_other_mail_of_a_client_without_a_share_is_deferred() -> None:
    async with a_world(lifetime_s=SHORT_S) as world:
        flood = await _flood(world, STRANGER)
        verdict = await _mail_from(world, STRANGER, signed(a_mail()), known=False)
        await flood

    assert (verdict.by, verdict.temporary) == ("", True)


async def test_a_burst_of_questions_about_a_company_waits_and_is_answered() -> None:
    shares = LookupShares()
    client = ip_address(STRANGER)
    while shares.clients.take(client):
        pass

    async def company(_: str) -> str:
        return "acme.example"

    asker = Asker(client, company=company)
    given_out: list[object] = []

    async def ask(number: int) -> None:
        give_back = await shares.place(asker, f"s{number}._domainkey.acme.example")
        assert give_back is not None
        given_out.append(give_back)
        assert shares.reserved.used <= PER_COMPANY
        await asyncio.sleep(0)
        give_back()

    await asyncio.gather(*(ask(number) for number in range(3 * PER_COMPANY)))

    assert len(given_out) == 3 * PER_COMPANY
    assert shares.reserved.used == 0


async def test_the_places_of_one_company_are_not_another_one_s() -> None:
    """A customer may own a silent zone, too."""
    shares = LookupShares()
    client = ip_address(STRANGER)
    while shares.clients.take(client):
        pass

    async def company(name: str) -> str:
        return name

    asker = Asker(client, company=company)
    for _ in range(PER_COMPANY):
        assert await shares.place(asker, "evil.test") is not None

    async with asyncio.timeout(1):
        assert await shares.place(asker, "acme.example") is not None


@pytest.mark.parametrize(
    ("name", "company"),
    [
        ("s1._domainkey.acme.com", "acme.com"),
        ("_dmarc.acme.com", "acme.com"),
        ("acme.com", "acme.com"),
        ("s1._domainkey.acme.com.silent.test", ""),
        ("silent.test", ""),
        ("acme.com.silent.test", ""),
    ],
)
def test_only_names_of_the_company_itself_are_a_company_s(name: str, company: str) -> None:
    assert NamesOfAuthor(ProvenNames(), "mail.acme.com").owner(name) == company


@settings(max_examples=examples(10), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_nothing_stays_counted_whoever_leaves(callers: list[tuple[int, bool]]) -> None:
    """Some wait for the answer, some leave; the counters are those of the queries alone."""

    async def run() -> None:
        with NameServer({("acme.example", "TXT"): ["hello"]}) as server:
            server.silent.add("silent.test")
            resolver = Resolver(["127.0.0.1"], server.port, attempt_s=0.02, lifetime_s=0.02)
            asked = [
                asyncio.create_task(
                    resolver.ask(
                        f"{number}.silent.test" if leaves else "acme.example",
                        "TXT",
                        Asker(ip_address(f"192.0.2.{number}")),
                    )
                )
                for number, leaves in callers
            ]
            await asyncio.sleep(0)
            for task, (_, leaves) in zip(asked, callers, strict=True):
                if leaves:
                    task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            await resolver.close()
            assert resolver.shares.is_idle

    asyncio.run(run())
