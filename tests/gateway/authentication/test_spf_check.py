"""SPF: it proves the author only for an aligned reverse-path, and within its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.dns import (
    Absent,
    Answer,
    Question,
    Temporary,
    TextRecords,
    UnusableAnswer,
)
from gateway.authentication.spf_check import Identity, SpfVerdict, evaluate, identity_of
from rules.mail import Delivery, Envelope
from rules.mail.header import Author
from rules.sender.authentication import Authentication, Result
from tests.gateway.senders import ACME_HOST, ELSEWHERE, World, a_mail, a_world, the


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def under(
    world: World, *records: str, peer: str = ACME_HOST
) -> tuple[Result, Authentication]:
    """SPF result and verdict for an unsigned mail from acme.example, which publishes `records`."""
    world.publish("acme.example", *records)
    verdict = await world.verdict(a_mail(), peer=peer)
    return the("spf", verdict).result, verdict


async def test_the_author_s_own_host_proves_the_author(world: World) -> None:
    verdict = await world.verdict(a_mail(), peer=ACME_HOST)
    assert verdict.by == "spf:acme.example"
    assert verdict.dmarc is Result.PASS


async def test_the_address_of_a_client_of_lmtp_proves_nobody(world: World) -> None:
    """It is an MTA of ours, which passes on what strangers give it. Our own domain allows it."""
    envelope = Envelope(ACME_HOST, "", True, "ann@acme.example", (), handed_on=True)
    delivery = Delivery(envelope, a_mail())
    verdict = await world.authenticator.authenticate(delivery, Author("ann@acme.example"))
    assert not verdict.aligned
    assert the("spf", verdict).result is Result.POLICY


async def test_a_null_mx_matches_nothing(world: World) -> None:
    world.publish("acme.example", "0 .", kind="MX")
    result, _ = await under(world, f"v=spf1 mx ip4:{ACME_HOST} -all")
    assert result is Result.PASS


async def test_an_ipv4_client_of_an_ipv6_socket_is_an_ipv4_client(world: World) -> None:
    assert (await world.verdict(a_mail(), peer=f"::ffff:{ACME_HOST}")).aligned


REVERSE = "9.100.51.198.in-addr.arpa"


@pytest.mark.parametrize(
    ("helo", "address", "reverse", "result", "is_asked"),
    [
        ("mx.acme.example", ELSEWHERE, "mx.acme.example", Result.PASS, True),
        ("mx.acme.example", ELSEWHERE, "spy.evil.test", Result.FAIL, True),
        ("mx.acme.example", ACME_HOST, "mx.acme.example", Result.FAIL, False),
        ("spy.evil.test", ELSEWHERE, "mx.acme.example", Result.FAIL, False),
        ("spy.evil.test", ELSEWHERE, "spy.evil.test", Result.FAIL, False),
    ],
)
async def test_who_runs_a_reverse_zone_sees_no_look_up_for_the_domain_of_others(
    world: World, helo: str, address: str, reverse: str, result: Result, *, is_asked: bool
) -> None:
    """Only a registered domain is asked for SPF: a question to the client's own reverse zone, or
    for the name in it, would show which are."""
    world.publish("acme.example", "v=spf1 ptr -all")
    world.publish(helo, address, kind="A")
    world.publish(REVERSE, reverse, kind="PTR")

    verdict = await world.verdict(a_mail(), peer=ELSEWHERE, helo=helo)

    assert the("spf", verdict).result is result
    assert ((REVERSE, "PTR") in world.server.queries) is is_asked
    assert not [name for name, _ in world.server.queries if "spy" in name]
    assert any("greets by its own name" in each for each in verdict.warnings) is not is_asked


@pytest.mark.parametrize(
    "term",
    [
        "a:%{h}",
        "mx:%{h}",
        "include:%{h}",
        "exists:%{l}",
        "exists:%{i}._spf.%{H}",
        "exists:%{s}.test",
        "exists:%{l1r-}evil.test",
        "ptr:%{h}",
        "redirect=%{h}",
        "include:shared.example",
    ],
)
async def test_a_name_that_ends_in_what_the_sender_wrote_is_not_asked_and_proves_nothing(
    world: World, term: str
) -> None:
    """Only a registered domain is asked for SPF: its sender would see in their own zone which is,
    and publish there that any host may send."""
    world.publish("acme.example", f"v=spf1 {term} -all")
    world.publish("shared.example", "v=spf1 a:%{h} -all")
    for name in ("spy.evil.test", "x.evil.test", "x.spy.evil.test", "spyevil.test"):
        world.publish(name, f"v=spf1 ip4:{ELSEWHERE} -all")
        world.publish(name, ELSEWHERE, kind="A")

    verdict = await world.verdict(
        a_mail(), mail_from="spy.evil.test@acme.example", helo="spy.evil.test", peer=ELSEWHERE
    )

    assert not verdict.aligned
    assert not [name for name, _ in world.server.queries if "evil" in name or "spy" in name]
    assert any("what the sender wrote" in each for each in verdict.warnings)


async def test_an_address_after_a_name_that_is_not_asked_still_proves_the_author(
    world: World,
) -> None:
    result, verdict = await under(world, f"v=spf1 a:%{{h}} ip4:{ACME_HOST} -all")
    assert (result, verdict.by) == (Result.PASS, "spf:acme.example")


async def test_another_host_proves_nothing(world: World) -> None:
    verdict = await world.verdict(a_mail(), peer=ELSEWHERE)
    assert the("spf", verdict).result is Result.FAIL
    assert not verdict.aligned


async def test_an_unaligned_reverse_path_proves_nothing_and_costs_no_lookup(world: World) -> None:
    verdict = await world.verdict(a_mail(), mail_from="x@evil.test", peer=ELSEWHERE)
    assert not verdict.aligned
    assert the("spf", verdict).result is Result.POLICY
    assert ("evil.test", "TXT") not in world.server.queries


async def test_a_null_reverse_path_with_forged_helo_proves_nothing(world: World) -> None:
    verdict = await world.verdict(a_mail(), mail_from="", helo="acme.example", peer=ELSEWHERE)
    assert the("spf", verdict).result is Result.FAIL
    assert the("spf", verdict).identifier == "smtp.helo"
    assert not verdict.aligned


async def test_a_null_reverse_path_with_genuine_helo_proves_the_author(world: World) -> None:
    verdict = await world.verdict(a_mail(), mail_from="", helo="acme.example", peer=ACME_HOST)
    assert verdict.by == "spf:acme.example"


async def test_helo_does_not_count_if_there_is_a_reverse_path(world: World) -> None:
    verdict = await world.verdict(
        a_mail(), mail_from="x@evil.test", helo="acme.example", peer=ACME_HOST
    )
    assert not verdict.aligned


@pytest.mark.parametrize("peer", ["", "unknown", "/run/postern.sock"])
async def test_without_an_address_there_is_no_spf(world: World, peer: str) -> None:
    verdict = await world.verdict(a_mail(), peer=peer)
    assert the("spf", verdict).result is Result.NONE


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 include:_spf.host.example -all", Result.PASS),
        ("v=spf1 redirect=_spf.host.example", Result.PASS),
        ("v=spf1 a:mail.host.example -all", Result.PASS),
        ("v=spf1 mx:host.example -all", Result.PASS),
        ("v=spf1 exists:%{l}.%{i}.allow.host.example -all", Result.PASS),
        ("v=spf1 exists:%{i}._ip.%{h}._ehlo.%{d}._spf.host.example -all", Result.PASS),
        ("v=spf1 include:%{ir}.%{v}.%{d}.spf.host.example -all", Result.PASS),
        ("v=spf1 a:%{l}.%{d} -all", Result.PASS),
        ("v=spf1 ip4:192.0.2.0/24 +all", Result.PASS),
        ("v=spf1 a:x..host.example ip4:192.0.2.1 -all", Result.PASS),
        ("v=spf1 ~all", Result.SOFTFAIL),
        ("v=spf1 ?all", Result.NEUTRAL),
        ("v=spf1", Result.NEUTRAL),
        ("no record", Result.NONE),
        ("v=spf1 moo -all", Result.PERMERROR),
        ("v=spf1 include:absent.example -all", Result.PERMERROR),
        ("v=spf1 " + "ip4:192.0.2.1 " * 400, Result.PERMERROR),
        ("v=spf1 a:one.example a:two.example a:three.example ip4:192.0.2.1", Result.PERMERROR),
    ],
)
async def test_a_record_is_evaluated_as_in_rfc_7208(
    world: World, record: str, result: Result
) -> None:
    world.publish("_spf.host.example", "v=spf1 ip4:192.0.2.0/28 -all")
    world.publish("mail.host.example", ACME_HOST, kind="A")
    world.publish("host.example", "10 mail.host.example", kind="MX")
    world.publish(f"ann.{ACME_HOST}.allow.host.example", "127.0.0.2", kind="A")
    ehlo = f"{ACME_HOST}._ip.client.example._ehlo.acme.example._spf.host.example"
    world.publish(ehlo, "127.0.0.2", kind="A")
    reverse = "1.2.0.192.in-addr.acme.example.spf.host.example"
    world.publish(reverse, f"v=spf1 ip4:{ACME_HOST} -all")
    world.publish("ann.acme.example", ACME_HOST, kind="A")
    found, verdict = await under(world, record)
    assert found is result
    assert verdict.aligned is (result is Result.PASS)


async def test_two_records_are_an_error(world: World) -> None:
    assert (await under(world, "v=spf1 +all", "v=spf1 -all"))[0] is Result.PERMERROR


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 +all",
        "v=spf1 all",
        "v=spf1 ip4:0.0.0.0/0 -all",
        "v=spf1 a:host.example/0 -all",
        "v=spf1 a:host.example/0//64 -all",
    ],
)
async def test_a_domain_that_allows_any_host_proves_nothing(world: World, record: str) -> None:
    result, verdict = await under(world, record, peer=ELSEWHERE)
    assert result is not Result.PASS
    assert "SPF record of acme.example allows any host to send" in verdict.warnings


async def test_an_included_record_that_allows_any_host_proves_nothing(world: World) -> None:
    world.publish("open.example", "v=spf1 +all")
    result, verdict = await under(world, "v=spf1 include:open.example -all", peer=ELSEWHERE)
    assert result is Result.FAIL
    assert "SPF record of open.example allows any host to send" in verdict.warnings


@pytest.mark.parametrize(("depth", "result"), [(10, Result.PASS), (11, Result.PERMERROR)])
async def test_ten_includes_are_followed_but_not_eleven(
    world: World, depth: int, result: Result
) -> None:
    for level in range(1, depth):
        world.publish(f"i{level}.example", f"v=spf1 include:i{level + 1}.example -all")
    world.publish(f"i{depth}.example", f"v=spf1 ip4:{ACME_HOST} -all")
    found, verdict = await under(world, "v=spf1 include:i1.example -all")
    assert found is result
    assert not verdict.temporary


async def test_a_record_that_includes_itself_ends(world: World) -> None:
    world.publish("loop.example", "v=spf1 include:acme.example -all")
    assert (await under(world, "v=spf1 include:loop.example -all"))[0] is Result.PERMERROR


async def test_an_alias_loop_is_an_error(world: World) -> None:
    world.publish("a.example", "b.example", kind="CNAME")
    world.publish("b.example", "a.example", kind="CNAME")
    assert (await under(world, "v=spf1 include:a.example -all"))[0] is Result.PERMERROR


async def test_a_silent_include_is_temporary_if_it_has_proven_mail() -> None:
    record = "v=spf1 include:host.example -all"
    async with a_world(lifetime_s=0.3) as world:
        world.publish("host.example", f"v=spf1 ip4:{ACME_HOST} -all")
        world.silence("host.example")
        first = await under(world, record)
        world.silence()
        assert (await under(world, record))[0] is Result.PASS
        world.silence("host.example")
        later = await under(world, record)
    assert (first[0], first[1].temporary) == (Result.TEMPERROR, False)
    assert (later[0], later[1].temporary) == (Result.TEMPERROR, True)


async def test_the_lookups_of_a_record_with_a_hundred_addresses_are_limited(world: World) -> None:
    mechanisms = " ".join(f"mx:m{number}.example" for number in range(10))
    for number in range(10):
        hosts = [f"10 h{host}.m{number}.example" for host in range(10)]
        world.publish(f"m{number}.example", *hosts, kind="MX")
        for host in range(10):
            world.publish(f"h{host}.m{number}.example", "192.0.2.99", kind="A")
    result, verdict = await under(world, f"v=spf1 {mechanisms} -all")
    assert result is Result.PERMERROR
    assert not verdict.temporary
    assert sum(world.server.queries.values()) <= 30


async def test_an_explanation_is_never_fetched(world: World) -> None:
    world.server.silent.add("why.example")
    assert (await under(world, "v=spf1 exp=why.example -all"))[0] is Result.FAIL
    assert ("why.example", "TXT") not in world.server.queries


def an_envelope(mail_from: str, helo: str = "client.example") -> Envelope:
    return Envelope(peer=ELSEWHERE, helo=helo, tls=False, mail_from=mail_from, rcpt_tos=())


@pytest.mark.parametrize(
    ("mail_from", "domain"),
    [
        ("ann@Acme.Example", "acme.example"),
        ('"ann@acme.example"@evil.test', "evil.test"),
        ("ann", None),
        ("ann@", None),
        ("ann@[192.0.2.1]", None),
        ("", "client.example"),
    ],
)
def test_the_identity_is_the_domain_after_the_last_at(mail_from: str, domain: str | None) -> None:
    identity = identity_of(an_envelope(mail_from))
    assert (identity and identity.domain) == domain


def test_pyspf_uses_the_same_domain_after_a_quoted_local_part() -> None:
    identity = identity_of(an_envelope('"ann@acme.example"@evil.test'))
    assert identity is not None
    assert identity.sender.partition("@")[2] == "evil.test"


WHO = Identity("acme.example", "ann@acme.example", "smtp.mailfrom")
TERMS = (
    "+all -all a mx ptr ip4:0.0.0.0/0 ip4:1.2.3.4/33 include:b.test redirect=b.test exists:%{i}.c "
    "a:%{d} %{ exp=x.test moo ip6:: a/24//64 mx:b.test/0 include:%{l}.%{s} , = :"
)
terms = st.sampled_from(TERMS.split())
records = st.lists(terms, max_size=8).map(lambda some: " ".join(["v=spf1", *some]).encode())
answer = st.one_of(
    records.map(lambda record: TextRecords((record,))),
    st.lists(st.binary(max_size=40), max_size=3).map(lambda some: TextRecords(tuple(some))),
    st.sampled_from([Absent(), UnusableAnswer("loop"), Temporary("time-out")]),
)


@given(st.lists(answer, min_size=1), st.text(max_size=20), st.sampled_from([ELSEWHERE, "::1", "x"]))
def test_evaluation_never_raises_for_any_answer_of_dns(
    given: list[Answer], helo: str, peer: str
) -> None:
    answers: dict[Question, Answer] = {(WHO.domain, "TXT"): given[0]}
    for each in given:
        outcome = evaluate(WHO, peer, helo, answers)
        if isinstance(outcome, SpfVerdict):
            break
        answers[outcome] = each
