"""A name that the sender chose defers a mail only if it has proven mail of that domain before."""

from __future__ import annotations

import time

import pytest

import gateway.authentication.dns as lookups
from gateway.authentication.authenticator import Trust
from gateway.authentication.proven_names import NamesOfAuthor, ProvenNames
from rules.mail import Delivery, Envelope
from rules.sender.authentication import Result
from tests.gateway.senders import ACME_HOST, ELSEWHERE, World, a_mail, a_world, rsa_key, signed

PTR = "9.100.51.198.in-addr.arpa"
AUTHOR = "ann@acme.example"
DEAD_SEAL = (
    b"ARC-Seal: i=1; a=rsa-sha256; cv=none; t=%d; d=lists.example; s=s1; b=AAAA\r\n"
    b"ARC-Message-Signature: i=1; a=rsa-sha256; d=lists.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n"
    b"ARC-Authentication-Results: i=1; x; dmarc=pass header.from=acme.example\r\n"
)


@pytest.mark.parametrize(
    ("silent", "raw", "mail_from", "record"),
    [
        ("www.acme.example", a_mail(), "x@www.acme.example", ""),
        ("_dmarc.www.acme.example", a_mail(), "x@www.acme.example", ""),
        ("www.acme.example", signed(a_mail(), "www.acme.example"), AUTHOR, ""),
        ("_domainkey.acme.example", signed(a_mail(), selector="any"), AUTHOR, ""),
        ("dead.example", a_mail(), AUTHOR, "v=spf1 include:dead.example -all"),
        (PTR, a_mail(), AUTHOR, "v=spf1 ptr:client.example -all"),
        ("x.acme.example", a_mail(), AUTHOR, "v=spf1 exists:%{l}.x.acme.example -all"),
        ("lists.example", DEAD_SEAL % int(time.time()) + a_mail(), AUTHOR, ""),
    ],
    ids=["envelope", "its policy", "d=", "s=", "include", "ptr", "a macro", "a seal"],
)
async def test_a_silent_name_of_the_senders_choice_does_not_defer_a_mail(
    silent: str, raw: bytes, mail_from: str, record: str
) -> None:
    async with a_world(Trust(sealers=("lists.example",)), lifetime_s=0.2) as world:
        world.publish("www.acme.example", f"v=spf1 ip4:{ELSEWHERE} -all")
        world.publish("client.example", ELSEWHERE, kind="A")
        if record:
            world.publish("acme.example", record)
        world.server.silent.add(silent)
        verdict = await world.verdict(raw, mail_from=mail_from)

    assert (verdict.aligned, verdict.temporary) == (False, False)
    assert verdict.dmarc is Result.FAIL
    if silent != "_dmarc.www.acme.example":
        (failed,) = [e for e in verdict.evidence if e.result is Result.TEMPERROR]
        assert lookups.CHOSEN in failed.detail


async def test_silent_names_leave_time_for_those_that_may_defer_a_mail() -> None:
    """Else the author's own names, asked after them, would fail for want of time."""
    async with a_world(budget_s=0.8, lifetime_s=10) as world:
        world.server.silent.add("www.acme.example")
        raw = b"".join(
            signed(a_mail(), "www.acme.example", selector=s).removesuffix(a_mail())
            for s in ("a", "b", "c", "d")
        )
        verdict = await world.verdict(raw + a_mail())

    assert (verdict.aligned, verdict.temporary) == (False, False)
    assert ("acme.example", "TXT") in world.server.queries


async def _proven(world: World, selector: str = "s1") -> None:
    assert (await world.verdict(signed(a_mail(), selector=selector))).aligned


async def test_a_selector_that_has_proven_mail_defers_it_and_no_other_does() -> None:
    async with a_world(lifetime_s=0.2) as world:
        await _proven(world)
        world.silence("_domainkey.acme.example")
        assert (await world.verdict(signed(a_mail()))).temporary
        assert not (await world.verdict(signed(a_mail(), selector="other"))).temporary


async def test_what_is_made_of_a_local_part_is_not_kept() -> None:
    """Else a reply would show which addresses write to us."""
    async with a_world(lifetime_s=0.2) as world:
        world.publish("acme.example", "v=spf1 exists:%{l}.x.acme.example -all")
        world.publish("ann.x.acme.example", "127.0.0.2", kind="A")
        assert (await world.verdict(a_mail(), peer=ACME_HOST)).by == "spf:acme.example"
        world.silence("x.acme.example")
        assert not (await world.verdict(a_mail(), peer=ACME_HOST)).temporary


@pytest.mark.parametrize("domain", ["acme.example", "nobody.example"])
@pytest.mark.parametrize(
    ("shape", "chosen"),
    [("plain", False), ("exact", False), ("d=", True), ("envelope", True)],
)
async def test_which_mails_wait_for_names_depends_on_the_mail_alone(
    domain: str, shape: str, chosen: bool
) -> None:
    author = f"x@{domain}"
    signers = {"exact": domain, "d=": f"www.{domain}"}
    raw = a_mail(author)
    raw = signed(raw, signers[shape]) if shape in signers else raw
    mail_from = f"x@www.{domain}" if shape == "envelope" else author
    async with a_world(lifetime_s=0.2) as world:
        assert (await world.verdict(raw, author, mail_from=mail_from)).names_chosen is chosen


def test_what_is_kept_is_bounded_and_nobody_displaces_the_names_of_many() -> None:
    proven = ProvenNames(max_organisations=3, max_names=5)
    proven.add("acme.com", ["s1._domainkey.acme.com"])
    for number in range(100):
        proven.add(f"d{number}.evil.com", [f"s{number}._domainkey.evil.com"])
    assert proven.has("acme.com", "s1._domainkey.acme.com")
    assert len(proven) == 6
    for number in range(100):
        proven.add(f"evil{number}.com", ["x.com"])
    assert len(proven) == 3


def test_one_part_of_an_organisation_displaces_no_names_of_another() -> None:
    """A university's departments, or the customers of a provider, have one parent."""
    proven = ProvenNames(max_names=5)
    proven.add("law.uni.com", ["s1._domainkey.law.uni.com", "law.uni.com"])
    proven.add("uni.com", ["uni.com"])
    for number in range(100):
        proven.add(f"d{number}.art.uni.com", [f"s{number}._domainkey.art.uni.com"])
    assert proven.has("law.uni.com", "s1._domainkey.law.uni.com")
    assert proven.has("law.uni.com", "law.uni.com")
    assert proven.has("uni.com", "uni.com")
    assert proven.has("d99.art.uni.com", "s99._domainkey.art.uni.com")
    assert len(proven) == 5


def test_the_own_names_of_an_author_and_those_above_defer_their_mail() -> None:
    names = NamesOfAuthor(ProvenNames(), "a.b.acme.com")
    own = ["a.b.acme.com", "acme.com", *(f"_dmarc.{d}" for d in ("a.b.acme.com", "b.acme.com"))]
    assert all(map(names.defers, [*own, "_dmarc.acme.com", "_dmarc.com"]))
    others = ["b.acme.com", "www.acme.com", "_dmarc.www.acme.com", "s1._domainkey.acme.com"]
    assert not any(map(names.defers, [*others, "_dmarc.a.a.b.acme.com", "evil.com"]))


async def test_the_key_that_vouched_for_a_mail_of_two_authors_may_defer_the_next() -> None:
    async def known(domains: object) -> set[str]:
        return {"acme.example"}

    mail = a_mail().replace(b"From: Ann", b"From: <bob@acme.example>, Ann")
    envelope = Envelope(ELSEWHERE, "x.example", True, "", ("support@help.example",))
    delivery = Delivery(envelope, signed(mail))
    async with a_world(lifetime_s=0.2) as world:
        world.publish("s1._domainkey.acme.example", rsa_key().record)
        world.silence("_domainkey.acme.example")
        first = await world.authenticator.vouch(delivery, known)
        world.silence()
        vouched = "dkim:acme.example"
        assert (await world.authenticator.vouch(delivery, known)).vouched_by == vouched
        world.silence("_domainkey.acme.example")
        later = await world.authenticator.vouch(delivery, known)
    assert (first.vouched_by, first.temporary, first.names_chosen) == ("", False, True)
    assert (later.vouched_by, later.temporary, later.names_chosen) == ("", True, True)
