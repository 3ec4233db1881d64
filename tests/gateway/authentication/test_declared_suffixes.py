"""What a record declares (psd=) keeps names apart for relays and sealers as well, which may find
the organisation by a list of suffixes alone (RFC 7489)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from gateway.authentication.authenticator import Trust
from gateway.authentication.results_header import OF_ANOTHER_ORGANISATION
from rules.sender.authentication import Authentication
from tests.gateway.authentication.test_arc_check import LIST, sealed
from tests.gateway.senders import World, a_mail, a_world, rsa_key, signed, the

RELAY = "192.0.2.200"
NORTH, SOUTH = "north.shared.com", "south.shared.com"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    trust = Trust(sealers=(LIST,), relays=((ip_network(RELAY), "mx.example"),))
    async with a_world(trust) as world:
        for signer in (LIST, NORTH, SOUTH, f"mail.{NORTH}", "shared.com", f"evil.{SOUTH}"):
            world.publish(f"s1._domainkey.{signer}", rsa_key().record)
        yield world


async def verdicts(
    world: World, author: str, signer: str, stated: str = ""
) -> tuple[Authentication, Authentication]:
    """By a relay, and by a sealer, that saw DMARC pass by this signature."""
    ann, mail = f"ann@{author}", signed(a_mail(f"ann@{author}"), signer)
    stated = stated or f"dkim=pass header.d={signer}; dmarc=pass header.from={author}"
    relayed = f"Authentication-Results: mx.example; {stated}\r\n".encode() + mail
    by_relay = await world.verdict(relayed, ann, peer=RELAY, mail_from="x@fwd.example")
    by_seal = await world.verdict(sealed(mail, states=stated), ann, mail_from="x@fwd.example")
    return by_relay, by_seal


@pytest.mark.parametrize(
    ("records", "author", "signer"),
    [
        ({"shared.com": "psd=y"}, NORTH, SOUTH),
        ({"shared.com": "psd=y"}, NORTH, "shared.com"),
        ({"shared.com": "", NORTH: "psd=n"}, NORTH, SOUTH),
        ({"shared.com": "", SOUTH: "psd=y"}, "shared.com", f"evil.{SOUTH}"),
        ({"shared.com": "", SOUTH: "psd=n"}, "shared.com", f"evil.{SOUTH}"),
    ],
)
async def test_a_neighbour_behind_a_declared_suffix_proves_nobody_by_what_others_state(
    world: World, records: dict[str, str], author: str, signer: str
) -> None:
    for name, psd in records.items():
        world.publish(f"_dmarc.{name}", f"v=DMARC1; p=reject; {psd}")
    by_relay, by_seal = await verdicts(world, author, signer)

    assert not by_relay.aligned
    assert not by_seal.aligned
    assert any(OF_ANOTHER_ORGANISATION in each for each in by_relay.warnings)
    assert any(OF_ANOTHER_ORGANISATION in each.detail for each in by_seal.evidence)


@pytest.mark.parametrize(
    ("records", "author", "signer", "stated"),
    [
        ({"shared.com": "psd=y"}, NORTH, f"mail.{NORTH}", ""),
        ({"shared.com": "psd=y"}, NORTH, NORTH, ""),
        ({"shared.com": ""}, NORTH, SOUTH, ""),
        ({NORTH: ""}, NORTH, SOUTH, ""),
        ({"shared.com": "psd=y"}, NORTH, NORTH, f"dmarc=pass header.from={NORTH}"),
    ],
    ids=["below", "the same", "one organisation", "nothing declared", "by something else"],
)
async def test_where_nothing_keeps_them_apart_the_word_of_others_stands(
    world: World, records: dict[str, str], author: str, signer: str, stated: str
) -> None:
    for name, psd in records.items():
        world.publish(f"_dmarc.{name}", f"v=DMARC1; p=reject; {psd}")
    by_relay, by_seal = await verdicts(world, author, signer, stated)

    assert by_relay.aligned
    assert by_seal.aligned


async def test_nor_where_a_relay_states_in_a_field_below_by_what_dmarc_passed(world: World) -> None:
    """OpenDMARC, OpenDKIM and a policy server write a field each."""
    world.publish("_dmarc.shared.com", "v=DMARC1; p=reject; psd=y")
    fields = (f"dmarc=pass header.from={NORTH}", f"dkim=pass header.d={SOUTH}", "spf=none")
    stated = "".join(f"Authentication-Results: mx.example; {each}\r\n" for each in fields)
    raw = stated.encode() + signed(a_mail(f"ann@{NORTH}"), SOUTH)

    verdict = await world.verdict(raw, f"ann@{NORTH}", peer=RELAY, mail_from="x@fwd.example")

    assert not verdict.aligned


async def test_while_the_parent_is_silent_the_mail_is_deferred(world: World) -> None:
    world.publish("_dmarc.shared.com", "v=DMARC1; p=reject; psd=y")
    world.silence("_dmarc.shared.com")
    by_relay, by_seal = await verdicts(world, NORTH, SOUTH)

    assert (by_relay.aligned, by_relay.temporary) == (False, True)
    assert (by_seal.aligned, by_seal.temporary) == (False, True)


async def test_nor_is_a_mail_refused_while_a_name_that_the_sender_chose_is_silent(
    world: World,
) -> None:
    """What a relay or sealer states is no stranger's: who owns that name could write as the author
    already, if it declared nothing."""
    world.publish(f"_dmarc.{NORTH}", "v=DMARC1; p=reject")
    world.silence(f"_dmarc.mail.{NORTH}")
    by_relay, by_seal = await verdicts(world, NORTH, f"mail.{NORTH}")

    assert (by_relay.aligned, by_relay.temporary) == (False, True)
    assert (by_seal.aligned, by_seal.temporary) == (False, True)
    assert not any("not deferred" in each for each in by_relay.warnings)
    assert "not deferred" not in the("arc", by_seal).detail


@pytest.mark.parametrize("has_passed", [False, True])
async def test_a_name_by_which_mail_passed_for_a_relay_is_no_stranger_s_any_more(
    world: World, *, has_passed: bool
) -> None:
    """It has all the time of a mail, and its silence defers what comes directly, too."""
    signer, ann = f"mail.{NORTH}", f"ann@{NORTH}"
    world.publish(f"_dmarc.{NORTH}", "v=DMARC1; p=reject")
    if has_passed:
        stated = f"spf=pass smtp.mailfrom=x@{signer}; dmarc=pass header.from={NORTH}"
        raw = f"Authentication-Results: mx.example; {stated}\r\n".encode() + a_mail(ann)
        assert (await world.verdict(raw, ann, peer=RELAY, mail_from=f"x@{signer}")).aligned
    world.silence(f"_dmarc.{signer}")
    verdict = await world.verdict(signed(a_mail(ann), signer), ann, mail_from="x@fwd.example")

    assert (verdict.aligned, verdict.temporary) == (False, has_passed)


async def test_no_name_of_a_neighbour_is_asked_that_the_author_s_records_keep_apart(
    world: World,
) -> None:
    world.publish("_dmarc.shared.com", "v=DMARC1; p=reject; psd=y")
    await verdicts(world, NORTH, SOUTH)

    assert not any(SOUTH in name for name, _ in world.server.queries)


async def test_names_of_a_mail_that_a_relay_proves_exactly_are_not_asked(world: World) -> None:
    stated = f"spf=pass smtp.mailfrom=x@{NORTH}; dmarc=pass header.from={NORTH}"
    raw = f"Authentication-Results: mx.example; {stated}\r\n".encode() + a_mail(f"ann@{NORTH}")

    assert (await world.verdict(raw, f"ann@{NORTH}", peer=RELAY, mail_from=f"x@{NORTH}")).aligned
    assert not world.server.queries
