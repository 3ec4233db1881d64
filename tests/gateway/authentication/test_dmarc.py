"""DMARC: which policy applies, and which domains are aligned with the author's (RFC 9989)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.dmarc import could_align, organisation, read_record, walk_names
from gateway.authentication.dns import TextRecords
from rules.sender.authentication import Authentication, Result
from tests.gateway.senders import ACME_HOST, ELSEWHERE, World, a_mail, a_world, rsa_key, signed, the


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def spoofed(world: World, author: str) -> Authentication:
    """An unsigned mail from a stranger's host."""
    return await world.verdict(a_mail(author), author, mail_from="x@evil.test")


async def signed_by(world: World, signer: str, author: str) -> Authentication:
    world.publish(f"s1._domainkey.{signer}", rsa_key().record)
    return await world.verdict(signed(a_mail(author), signer), author, mail_from="x@evil.test")


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
async def test_a_spoofed_mail_gets_the_policy_of_its_domain(world: World, policy: str) -> None:
    world.publish("_dmarc.acme.example", f"v=DMARC1; p={policy}")
    verdict = await spoofed(world, "ann@acme.example")
    assert (verdict.dmarc, verdict.dmarc_policy) == (Result.FAIL, policy)
    assert not verdict.aligned


async def test_a_hyphen_does_not_cut_a_domain(world: World) -> None:
    world.publish("_dmarc.my-corp.test", "v=DMARC1; p=reject")
    verdict = await spoofed(world, "ann@my-corp.test")
    assert (verdict.dmarc, verdict.dmarc_policy) == (Result.FAIL, "reject")


async def test_a_domain_without_record_has_no_dmarc_and_no_identity(world: World) -> None:
    verdict = await spoofed(world, "ann@plain.test")
    assert (verdict.dmarc, verdict.dmarc_policy) == (Result.NONE, "none")
    assert not verdict.aligned


async def test_a_domain_without_record_is_proven_by_its_own_signature(world: World) -> None:
    verdict = await signed_by(world, "plain.test", "ann@plain.test")
    assert verdict.aligned
    assert verdict.dmarc is Result.NONE


async def test_a_subdomain_inherits_the_policy(world: World) -> None:
    verdict = await spoofed(world, "ann@sub.acme.example")
    assert (verdict.dmarc, verdict.dmarc_policy) == (Result.FAIL, "reject")


async def test_sp_is_for_subdomains(world: World) -> None:
    world.publish("_dmarc.acme.example", "v=DMARC1; p=none; sp=reject")
    assert (await spoofed(world, "ann@sub.acme.example")).dmarc_policy == "reject"
    assert (await spoofed(world, "ann@acme.example")).dmarc_policy == "none"


async def test_np_is_for_subdomains_that_do_not_exist(world: World) -> None:
    world.publish("_dmarc.acme.example", "v=DMARC1; p=none; sp=quarantine; np=reject")
    world.publish("real.acme.example", "192.0.2.7", kind="A")
    assert (await spoofed(world, "ann@ghost.acme.example")).dmarc_policy == "reject"
    assert (await spoofed(world, "ann@real.acme.example")).dmarc_policy == "quarantine"


async def test_a_record_of_the_subdomain_comes_first(world: World) -> None:
    world.publish("_dmarc.sub.acme.example", "v=DMARC1; p=none; sp=reject")
    assert (await spoofed(world, "ann@sub.acme.example")).dmarc_policy == "none"


@pytest.mark.parametrize(("p", "applied"), [("reject", "quarantine"), ("quarantine", "none")])
async def test_a_record_in_test_mode_applies_one_step_less(
    world: World, p: str, applied: str
) -> None:
    world.publish("_dmarc.acme.example", f"v=DMARC1; p={p}; t=y")
    assert (await spoofed(world, "ann@acme.example")).dmarc_policy == applied


async def test_several_records_count_as_none(world: World) -> None:
    world.publish("_dmarc.acme.example", "v=DMARC1; p=reject", "v=DMARC1; p=none")
    assert (await spoofed(world, "ann@acme.example")).dmarc is Result.NONE


@pytest.mark.parametrize(
    "text", ["v=DMARC2; p=reject", "p=reject; v=DMARC1", "v=DMARC1x; p=reject", "v=spf1 -all", ""]
)
async def test_other_texts_next_to_the_record_do_not_count(world: World, text: str) -> None:
    world.publish("_dmarc.acme.example", text, "v=DMARC1; p=quarantine")
    assert (await spoofed(world, "ann@acme.example")).dmarc_policy == "quarantine"


@pytest.mark.parametrize("record", ["v=DMARC1", "v=DMARC1; p=destroy", "v=DMARC1;;=;p==reject"])
async def test_an_unknown_policy_counts_as_none(world: World, record: str) -> None:
    world.publish("_dmarc.acme.example", record)
    verdict = await spoofed(world, "ann@acme.example")
    assert (verdict.dmarc, verdict.dmarc_policy) == (Result.FAIL, "none")


@pytest.mark.parametrize(
    ("signer", "author"),
    [
        ("acme.example", "ann@sub.acme.example"),
        ("mail.acme.example", "ann@acme.example"),
        ("mail.acme.co.uk", "ann@sub.acme.co.uk"),
        ("acme.example", "ann@a.b.c.d.e.f.g.h.i.acme.example"),
    ],
)
async def test_names_of_one_organisation_are_aligned(
    world: World, signer: str, author: str
) -> None:
    world.publish("_dmarc.acme.co.uk", "v=DMARC1; p=reject")
    verdict = await signed_by(world, signer, author)
    assert verdict.by == f"dkim:{signer}"
    assert verdict.dmarc is Result.PASS


@pytest.mark.parametrize(
    ("shared", "signer", "author"),
    [
        ("hosting.example", "evil.hosting.example", "joe@cust.hosting.example"),
        ("gov.uk", "evil.gov.uk", "mayor@town.gov.uk"),
        ("github.io", "evil.github.io", "joe@cust.github.io"),
        ("github.io", "evil.github.io", "boss@github.io"),
        ("github.io", "github.io", "joe@cust.github.io"),
        ("amazonaws.com", "evil.s3.amazonaws.com", "boss@amazonaws.com"),
    ],
)
async def test_customers_of_a_shared_parent_domain_are_not_aligned(
    world: World, shared: str, signer: str, author: str
) -> None:
    """Its record does not say psd=y, so the tree walk alone would make them one organisation."""
    world.publish(f"_dmarc.{shared}", "v=DMARC1; p=reject")
    world.publish(f"_dmarc.{author.partition('@')[2]}", "v=DMARC1; p=reject")

    verdict = await signed_by(world, signer, author)
    world.publish(signer, f"v=spf1 ip4:{ACME_HOST} -all")
    by_spf = await world.verdict(a_mail(author), author, mail_from=f"x@{signer}", peer=ACME_HOST)

    assert not verdict.aligned
    assert not by_spf.aligned


@pytest.mark.parametrize("hosts", range(6, 11))
@pytest.mark.parametrize("psd", ["y", "n"])
async def test_an_spf_record_of_many_look_ups_hides_no_public_suffix(
    world: World, psd: str, hosts: int
) -> None:
    """Of the look-ups of a mail none is left then for the record that says psd=."""
    shared = "customers.acme.example"
    evil = f"evil.{shared}"
    world.publish(f"_dmarc.{shared}", f"v=DMARC1; p=reject; psd={psd}")
    for zone, number in ((f"m1.{evil}", 10), (f"m2.{evil}", hosts)):
        world.publish(zone, *(f"10 h{n}.{zone}" for n in range(number)), kind="MX")
        for n in range(number):
            world.publish(f"h{n}.{zone}", "192.0.2.99", kind="A")
    more = " ".join(f"a:h{n}.{evil}" for n in range(4))
    for n in range(4):
        world.publish(f"h{n}.{evil}", "192.0.2.99", kind="A")
    world.publish(evil, f"v=spf1 mx:m1.{evil} mx:m2.{evil} {more} ip4:{ACME_HOST} -all")

    assert not (await world.verdict(a_mail(), mail_from=f"x@{evil}", peer=ACME_HOST)).aligned


async def test_strict_dkim_alignment_requires_exactly_the_domain(world: World) -> None:
    world.publish("_dmarc.acme.example", "v=DMARC1; p=reject; adkim=s")
    assert not (await signed_by(world, "mail.acme.example", "ann@acme.example")).aligned
    assert (await signed_by(world, "acme.example", "ann@acme.example")).aligned


async def test_strict_spf_alignment_requires_exactly_the_domain(world: World) -> None:
    world.publish("mail.acme.example", f"v=spf1 ip4:{ACME_HOST} -all")
    sent = {"mail_from": "x@mail.acme.example", "peer": ACME_HOST}
    assert (await world.verdict(a_mail(), **sent)).by == "spf:mail.acme.example"
    world.publish("_dmarc.acme.example", "v=DMARC1; p=reject; aspf=s")
    async with a_world() as cold:
        cold.server.records = world.server.records
        assert not (await cold.verdict(a_mail(), **sent)).aligned


async def test_a_declared_public_suffix_does_not_align_its_customers(world: World) -> None:
    world.publish("_dmarc.co.test", "v=DMARC1; p=reject; psd=y")
    verdict = await signed_by(world, "other.co.test", "ann@victim.co.test")
    assert not verdict.aligned
    assert verdict.dmarc_policy == "reject"


async def test_below_a_public_suffix_the_tree_aligns_as_elsewhere(world: World) -> None:
    world.publish("_dmarc.co.test", "v=DMARC1; p=reject; psd=y")
    assert (await signed_by(world, "victim.co.test", "ann@mail.victim.co.test")).aligned


async def test_a_record_of_the_top_level_domain_aligns_no_domains(world: World) -> None:
    """Even without psd=y: the walk that ends there must not make all names one organisation."""
    world.publish("_dmarc.test", "v=DMARC1; p=reject")
    assert not (await signed_by(world, "evil.test", "ann@victim.test")).aligned


async def test_a_subdomain_with_psd_n_is_an_organisation_of_its_own(world: World) -> None:
    world.publish("_dmarc.unit.acme.example", "v=DMARC1; p=reject; psd=n")
    assert not (await signed_by(world, "acme.example", "ann@unit.acme.example")).aligned
    assert (await signed_by(world, "a.unit.acme.example", "ann@unit.acme.example")).aligned


async def test_a_public_suffix_as_author_causes_a_warning(world: World) -> None:
    world.publish("_dmarc.co.test", "v=DMARC1; p=reject; psd=y")
    verdict = await signed_by(world, "co.test", "registry@co.test")
    assert verdict.aligned
    assert "co.test declares itself a public suffix (psd=y)" in verdict.warnings


async def test_a_dead_parent_zone_leaves_the_exact_domain_provable(world: World) -> None:
    world.server.silent.add("_dmarc.example")
    assert (await world.verdict(signed(a_mail()))).aligned


async def test_relaxed_alignment_through_a_dead_zone_is_temporary(world: World) -> None:
    world.server.silent.add("_dmarc.example")
    verdict = await signed_by(world, "mail.acme.example", "ann@acme.example")
    assert verdict.temporary
    assert not verdict.aligned


async def test_while_a_parent_is_silent_the_record_of_one_in_between_is_not_the_policy(
    world: World,
) -> None:
    world.publish("_dmarc.b.acme.example", "v=DMARC1; p=none")
    assert (await spoofed(world, "ann@a.b.acme.example")).dmarc_policy == "reject"
    world.silence("_dmarc.acme.example")
    verdict = await spoofed(world, "ann@a.b.acme.example")
    assert (verdict.dmarc, verdict.temporary) == (Result.TEMPERROR, True)


async def test_the_evidence_contains_author_and_policy(world: World) -> None:
    evidence = the("dmarc", await spoofed(world, "ann@acme.example"))
    assert (evidence.domain, evidence.detail) == ("acme.example", "policy reject")


def test_the_walk_queries_at_most_eight_names() -> None:
    assert walk_names("a.b.c.example") == ["a.b.c.example", "b.c.example", "c.example", "example"]
    long = walk_names("a.b.c.d.e.f.g.h.i.j.example")
    assert long[:2] == ["a.b.c.d.e.f.g.h.i.j.example", "e.f.g.h.i.j.example"]
    assert len(long) == 8
    assert len(walk_names("b.c.d.e.f.g.h.example")) == 8


def test_the_record_with_the_fewest_labels_is_the_organisation_s() -> None:
    records: dict[str, dict[str, str]] = {"a.b.example": {}, "b.example": {}}
    assert organisation("x.a.b.example", records, "") == "b.example"


def test_a_public_suffix_where_the_walk_started_is_its_own_organisation() -> None:
    assert organisation("co.test", {"co.test": {"psd": "y"}}, "") == "co.test"


def test_unknown_and_repeated_tags_are_harmless() -> None:
    record = read_record(TextRecords((b"v=DMARC1; p=reject; p=none; zz=1; \xff=2",)))
    assert record is not None
    assert record["p"] == "reject"


labels = st.lists(st.sampled_from(["a", "b", "c", "test"]), min_size=1, max_size=9)
names = labels.map(".".join)
tags = st.dictionaries(st.sampled_from(["p", "psd"]), st.sampled_from(["y", "n", "u", "none"]))


@given(names, st.lists(tags, min_size=10, max_size=10), st.integers(0, 1023))
def test_the_organisation_is_the_domain_or_a_parent_but_no_top_level(
    domain: str, contents: list[dict[str, str]], published: int
) -> None:
    records = {
        name: contents[place]
        for place, name in enumerate(walk_names(domain))
        if published >> place & 1
    }
    found = organisation(domain, records, "")
    assert domain == found or domain.endswith(f".{found}")
    assert "." in found or "." not in domain or records[found].get("psd") == "n"


@given(names, names)
def test_alignment_is_possible_only_on_one_line_or_below_a_registered_domain(
    one: str, other: str
) -> None:
    assert could_align(one, other) == could_align(other, one)
    if could_align(one, other) and one != other:
        shared = set(walk_names(one)) & set(walk_names(other))
        assert [name for name in shared if "." in name]


@pytest.mark.parametrize("host", [ACME_HOST, ELSEWHERE])
async def test_a_proven_mail_has_no_policy_to_apply(world: World, host: str) -> None:
    verdict = await world.verdict(signed(a_mail()), peer=host)
    assert verdict.dmarc_policy == "none"
