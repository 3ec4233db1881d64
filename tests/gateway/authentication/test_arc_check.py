"""ARC: a forwarder's results count only if it is listed, sealed last and states dmarc=pass."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from ipaddress import ip_network

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.arc_check import read_chain
from gateway.authentication.authenticator import Trust
from gateway.authentication.measuring import NOTHING_SIGNED
from gateway.authentication.results_header import FORGED, OF_A_NEIGHBOUR
from gateway.authentication.signatures import RawMessage
from rules.sender.authentication import Result
from tests.gateway.forwarders import arc_sealed
from tests.gateway.senders import World, a_mail, a_world, rsa_key, signed, the

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


async def test_words_that_were_added_before_the_seal_cause_a_warning(world: World) -> None:
    """A group or a rule of any customer of the sealer adds them, and the seal covers them."""
    warning = "the body was changed after its author had signed it"
    signed_by_ann = signed(a_mail())
    for added, warned in ((b"", False), (b"-- \r\nour footer\r\n", True)):
        verdict = await world.verdict(sealed(b"X-List: a\r\n" + signed_by_ann + added))
        assert verdict.aligned
        assert any(warning in each for each in verdict.warnings) is warned
    assert not any(warning in each for each in (await world.verdict(sealed(a_mail()))).warnings)


async def test_a_pass_by_a_neighbour_under_a_shared_domain_is_named_as_the_reason() -> None:
    """It is for the author's domain: only the reason shows why it does not count."""
    stated = (
        "dkim=pass header.d=eve.github.io; spf=pass smtp.mailfrom=eve.github.io;"
        " dmarc=pass header.from=acme.github.io"
    )
    relay = "192.0.2.200"
    trust = Trust(sealers=(LIST,), relays=((ip_network(relay), "mx.example"),))
    raw = a_mail("ann@acme.github.io")
    async with a_world(trust) as world:
        world.publish(f"s1._domainkey.{LIST}", rsa_key().record)
        by_seal = await world.verdict(sealed(raw, states=stated), "ann@acme.github.io")
        relayed = f"Authentication-Results: mx.example; {stated}\r\n".encode() + raw
        by_relay = await world.verdict(relayed, "ann@acme.github.io", peer=relay)

    assert not by_seal.aligned
    assert the("arc", by_seal).detail == f"sealed by {LIST}, but {OF_A_NEIGHBOUR}"
    assert not by_relay.aligned
    why = f"relay mx.example: its result is not counted: {OF_A_NEIGHBOUR}"
    assert why in by_relay.warnings


async def test_a_sealed_mail_that_lost_its_signature_says_that_no_field_counts(
    world: World,
) -> None:
    states = f"dkim=pass header.d=acme.example; {ACME_PASSED}"
    lost = await world.verdict(sealed(a_mail(), states=states))
    kept = await world.verdict(sealed(signed(a_mail()), states=states))

    assert lost.signed_scope is not None
    assert lost.signed_scope.names == ()
    assert f"sealed by {LIST}, but {NOTHING_SIGNED}" in lost.warnings
    assert not any(NOTHING_SIGNED in warning for warning in kept.warnings)


async def test_a_seal_of_last_week_proves_nothing(world: World) -> None:
    verdict = await world.verdict(sealed(a_mail(), at=int(time.time()) - 8 * 86_400))
    assert not verdict.aligned
    assert the("arc", verdict).detail == "the seal is 8 days old: maybe sent again"


@pytest.mark.parametrize(
    ("age_days", "signs", "why"),
    [
        (0, ("from", "date"), ""),
        (8, ("from", "date"), "the seal is 8 days old: maybe sent again"),
        (0, ("from",), "the seal is without a time"),
    ],
)
async def test_a_seal_without_t_is_as_old_as_the_date_that_it_covers(
    world: World, age_days: int, signs: tuple[str, ...], why: str
) -> None:
    """One that shows no age could be sent again for ever."""
    written = formatdate(time.time() - age_days * 86_400).encode()
    mail = a_mail().replace(b"Sat, 21 Nov 2026 06:00:00 +0000", written)
    verdict = await world.verdict(
        arc_sealed(mail, LIST, f"x; {ACME_PASSED}", signs=signs, has_time=False)
    )
    assert verdict.aligned is not bool(why)
    assert not why or the("arc", verdict).detail == why


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
    assert the("arc", verdict).result is Result.POLICY
    assert not [name for name, _ in world.server.queries if name.endswith(LIST)]


@pytest.mark.parametrize("forged", [b"header.from=acme.example", b"s=s1; t=", b""])
async def test_who_writes_an_older_seal_is_never_asked_for_its_key(
    world: World, forged: bytes
) -> None:
    """Else they would see in their own zone which domains are of customers: whoever has a mail of
    such a domain can add a set, and send it to a mailbox whose listed provider forwards it here."""
    older = sealed(a_mail(), "spy.example", states="arc=none")
    whole = sealed(older, states=f"arc=pass; {ACME_PASSED}")
    newest, rest = whole[: -len(older)], older
    changed = {
        b"header.from=acme.example": newest.replace(forged, b"header.from=other.example"),
        b"s=s1; t=": newest.replace(b" s=s1;", b" s=s1 ;"),
        b"": newest,
    }[forged]
    assert (changed == newest) is not bool(forged)

    verdict = await world.verdict(changed + rest)

    assert verdict.aligned is not bool(forged)
    assert not [name for name, _ in world.server.queries if "spy.example" in name]


async def test_a_seal_over_results_that_a_signature_s_identity_may_have_forged_proves_nothing(
    world: World,
) -> None:
    identity = b"i=a=3Bdmarc=3Dpass=20header.from=3Dacme.example=3B@evil.test;"
    signature = b"DKIM-Signature: v=1; d=evil.test; s=s1; " + identity + b" h=from\r\n"
    stated = f"dkim=fail header.d=evil.test header.i=a;{ACME_PASSED};@evil.test"

    verdict = await world.verdict(arc_sealed(signature + a_mail(), LIST, f"x; {stated}"))

    assert not verdict.aligned
    assert the("arc", verdict).detail == f"sealed by {LIST}, but {FORGED}"


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


def sets_of(raw: bytes, mail: bytes) -> list[bytes]:
    """The ARC fields on top of a mail, each with its folds."""
    assert raw.endswith(mail)
    return re.findall(rb"ARC-[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", raw.removesuffix(mail))


async def test_the_sets_of_one_mail_prove_no_other(world: World) -> None:
    mail = a_mail()
    fields = b"".join(sets_of(sealed(mail), mail))
    other = a_mail(body="Please delete my account.\r\n")
    retitled = mail.replace(b"Subject: pump", b"Subject: delete it")

    assert (await world.verdict(fields + mail)).aligned
    for forged in (other, retitled):
        verdict = await world.verdict(fields + forged)
        assert not verdict.aligned
        assert the("arc", verdict).result is Result.FAIL


async def test_a_seal_that_is_sent_again_is_the_same_mail(world: World) -> None:
    """With other unsigned fields too; and what they state counts for nothing."""
    raw = sealed(a_mail())
    again = await world.verdict(b"X-Any: thing\r\nIn-Reply-To: <1@acme.example>\r\n" + raw)
    once = await world.verdict(raw)

    assert once.fingerprints
    assert set(once.fingerprints) & set(again.fingerprints)
    assert again.signed_scope is not None
    assert again.signed_scope.alone
    assert "in-reply-to" not in again.signed_scope.names


async def test_a_second_content_type_over_a_seal_is_a_problem(world: World) -> None:
    raw = b"Content-Type: a/b\r\n" + sealed(b"Content-Type: text/plain\r\n" + a_mail())

    scope = (await world.verdict(raw)).signed_scope

    assert scope is not None
    assert scope.problem == "2 content-type fields, not all of them signed"


@pytest.mark.parametrize("left_out", range(3))
async def test_a_set_that_lacks_a_field_breaks_the_chain(world: World, left_out: int) -> None:
    mail = a_mail()
    once = sealed(mail)
    twice = sealed(once, states=f"arc=pass; {ACME_PASSED}")
    newest, oldest = sets_of(twice, once), sets_of(once, mail)

    for fields in ([*newest, *without(oldest, left_out)], [*without(newest, left_out), *oldest]):
        assert not (await world.verdict(b"".join(fields) + mail)).aligned


async def test_a_newest_set_without_the_older_ones_is_a_gap(world: World) -> None:
    mail = a_mail()
    once = sealed(mail)
    newest = sets_of(sealed(once, states=f"arc=pass; {ACME_PASSED}"), once)

    verdict = await world.verdict(b"".join(newest) + mail)

    assert not verdict.aligned
    assert the("arc", verdict).detail == "incomplete or unreadable sets"


@pytest.mark.parametrize("number", range(3))
async def test_a_second_field_of_one_instance_breaks_the_chain(world: World, number: int) -> None:
    mail = a_mail()
    fields = sets_of(sealed(mail), mail)
    for doubled in ([fields[number], *fields], [*fields, fields[number]]):
        assert not (await world.verdict(b"".join(doubled) + mail)).aligned


async def test_a_sealer_that_saw_a_broken_chain_proves_nothing(world: World) -> None:
    """The listed sealer adds cv=fail itself: somebody before it changed the mail."""
    changed = sealed(a_mail(), "other.example").replace(b"broken", b"intact", 1)

    verdict = await world.verdict(sealed(changed, states=f"arc=fail; {ACME_PASSED}"))

    assert not verdict.aligned
    assert the("arc", verdict).detail == "the chain reports its own failure (cv=)"


async def test_a_forged_set_below_one_of_the_listed_sealer_is_not_hidden_by_it(
    world: World,
) -> None:
    """A valid chain of the attacker's, and a copied set of the listed sealer on top."""
    mail = a_mail()
    genuine = sets_of(sealed(mail), mail)
    renumbered = [
        field.replace(b"i=1", b"i=2", 1).replace(b"cv=none", b"cv=pass") for field in genuine
    ]
    forged = sealed(mail, "other.example", ACME_PASSED)

    verdict = await world.verdict(b"".join(renumbered) + forged)

    assert not verdict.aligned
    assert the("arc", verdict).result is Result.FAIL


async def test_results_in_the_name_of_the_listed_sealer_count_only_under_its_seal(
    world: World,
) -> None:
    """The attacker seals, as a domain of their own, what the listed sealer is said to have seen."""
    mail = a_mail()
    fields = sets_of(sealed(mail, "other.example", ACME_PASSED), mail)
    renamed = [field.replace(b"other.example; ", b"lists.example; ", 1) for field in fields]

    for forged in (fields, renamed):
        assert not (await world.verdict(b"".join(forged) + mail)).aligned


@pytest.mark.parametrize("number", [b"0", b"3", b"51", b"100", b"x", b"-1", b""])
async def test_an_instance_that_is_no_number_in_order_breaks_the_chain(
    world: World, number: bytes
) -> None:
    raw = sealed(a_mail())
    assert not (await world.verdict(raw.replace(b"i=1", b"i=" + number))).aligned


async def test_a_seal_with_signed_fields_of_its_own_breaks_the_chain(world: World) -> None:
    raw = sealed(a_mail()).replace(b"ARC-Seal: i=1;", b"ARC-Seal: i=1; h=from;", 1)

    assert the("arc", await world.verdict(raw)).detail == "a seal with h="


def without(fields: list[bytes], number: int) -> list[bytes]:
    return fields[:number] + fields[number + 1 :]


async def test_a_silent_key_of_the_listed_sealer_is_temporary_if_it_has_proven_mail() -> None:
    """Anybody can name a selector, or an older sealer, and keep it silent."""
    async with a_world(Trust(sealers=(LIST,))) as world:
        world.publish(f"s1._domainkey.{LIST}", rsa_key().record)
        world.silence(LIST)
        first = await world.verdict(sealed(a_mail()))
        world.silence()
        assert (await world.verdict(sealed(a_mail()))).aligned
        world.silence(LIST)
        later = await world.verdict(sealed(a_mail()))
    assert (first.aligned, first.temporary) == (False, False)
    assert (later.aligned, later.temporary) == (False, True)


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
