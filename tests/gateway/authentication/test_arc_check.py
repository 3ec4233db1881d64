"""ARC: a forwarder's results count only if it is listed, sealed last and states dmarc=pass."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.arc_check import read_chain
from gateway.authentication.authenticator import Trust
from gateway.authentication.signatures import RawMessage
from rules.sender.authentication import Result
from tests.gateway.senders import World, a_mail, a_world, rsa_key, the

LIST = "lists.example"
ACME_PASSED = "dmarc=pass header.from=acme.example"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(Trust(sealers=(LIST,))) as world:
        for sealer in (LIST, "other.example"):
            world.publish(f"s1._domainkey.{sealer}", rsa_key().record)
        yield world


def sealed(
    mail: bytes, sealer: str = LIST, states: str = ACME_PASSED, at: int | None = None
) -> bytes:
    """The mail with one more ARC set by dkimpy; `at` is in Unix seconds, by default now."""
    stated = f"Authentication-Results: {sealer}; {states}\r\n".encode() + mail
    names = [b"from", b"to", b"subject"]
    added = dkim.arc_sign(
        stated,
        b"s1",
        sealer.encode(),
        rsa_key().private,
        sealer.encode(),
        include_headers=names,
        timestamp=at,
    )
    assert len(added) == 3
    return b"".join(added) + mail


async def test_a_listed_sealer_that_saw_a_pass_proves_the_author(world: World) -> None:
    verdict = await world.verdict(sealed(a_mail()), mail_from="bounce@lists.example")
    assert verdict.by == "arc:lists.example"
    assert verdict.aligned
    assert verdict.dmarc is Result.FAIL
    assert verdict.dmarc_policy == "none"


async def test_a_seal_limits_the_proof_to_what_its_newest_signature_covers(world: World) -> None:
    verdict = await world.verdict(sealed(a_mail()))
    assert verdict.signed_scope is not None
    assert verdict.signed_scope.alone
    assert sorted(verdict.signed_scope.names) == ["from", "subject", "to"]


async def test_a_seal_of_last_week_proves_nothing(world: World) -> None:
    verdict = await world.verdict(sealed(a_mail(), at=int(time.time()) - 8 * 86_400))
    assert not verdict.aligned
    assert the("arc", verdict).detail == "the seal is 8 days old: maybe sent again"


async def test_by_default_no_sealer_is_listed() -> None:
    async with a_world() as world:
        verdict = await world.verdict(sealed(a_mail()))
        assert not verdict.aligned
        assert "arc" not in {each.method for each in verdict.evidence}


async def test_an_unlisted_sealer_proves_nothing_and_its_key_is_not_queried(world: World) -> None:
    verdict = await world.verdict(sealed(a_mail(), "other.example"))
    assert not verdict.aligned
    assert the("arc", verdict).result is Result.POLICY
    assert not [name for name, _ in world.server.queries if name.endswith("other.example")]


async def test_a_longer_chain_is_valid(world: World) -> None:
    twice = sealed(sealed(a_mail(), "other.example"), states=f"arc=pass; {ACME_PASSED}")
    assert (await world.verdict(twice)).by == "arc:lists.example"


async def test_the_newest_sealer_must_be_the_listed_one(world: World) -> None:
    twice = sealed(sealed(a_mail()), "other.example", f"arc=pass; {ACME_PASSED}")
    assert not (await world.verdict(twice)).aligned


@pytest.mark.parametrize(
    "states",
    [
        "dmarc=fail header.from=acme.example",
        "dmarc=pass header.from=evil.test",
        "dmarc=pass",
        "dkim=pass header.d=acme.example",
        "dmarc=none; dkim=pass header.d=acme.example",
    ],
)
async def test_a_sealer_that_saw_no_pass_proves_nothing(world: World, states: str) -> None:
    verdict = await world.verdict(sealed(a_mail(), states=states))
    assert not verdict.aligned
    assert the("arc", verdict).result is Result.PASS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: Ann", b"From: Bob"),
        (b"broken", b"intact"),
        (b"header.from=acme.example", b"header.from=acme.example header.from=x.example"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=fail"),
        (b"d=lists.example", b"d=other.example"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
        (b"ARC-Seal:", b"X-Seal:"),
    ],
)
async def test_a_changed_mail_or_chain_proves_nothing(world: World, old: bytes, new: bytes) -> None:
    raw = sealed(a_mail())
    assert old in raw
    assert not (await world.verdict(raw.replace(old, new, 1))).aligned


async def test_a_forged_result_next_to_the_sealed_one_breaks_the_chain(world: World) -> None:
    raw = sealed(a_mail(), states="dmarc=fail header.from=acme.example")
    forged = f"ARC-Authentication-Results: i=1; {LIST}; {ACME_PASSED}\r\n".encode()
    for mail in (forged + raw, raw.replace(b"From:", forged + b"From:", 1)):
        verdict = await world.verdict(mail)
        assert not verdict.aligned
        assert the("arc", verdict).result is Result.FAIL


async def test_a_silent_key_of_the_listed_sealer_is_temporary(world: World) -> None:
    world.server.silent.add(LIST)
    verdict = await world.verdict(sealed(a_mail()))
    assert verdict.temporary
    assert not verdict.aligned


async def test_more_hops_than_the_limit_are_refused(world: World) -> None:
    raw = b"".join(b"ARC-Seal: i=%d; d=lists.example\r\n" % hop for hop in range(1, 12)) + a_mail()
    assert "hops" in the("arc", await world.verdict(raw)).detail


values = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"i=1; x; dmarc=pass", b"i=" + b"9" * 5000 + b"; d=a.b; s=c", b"i=1; i=1"]),
)
names = st.sampled_from([b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])


@given(st.lists(st.tuples(names, values), max_size=6))
def test_reading_a_chain_never_raises(fields: list[tuple[bytes, bytes]]) -> None:
    assert not isinstance(read_chain(RawMessage(tuple(fields), b"", 0), now=0), list)
