"""DKIM: a signature proves the author only if it covers what it must, under a sound key."""

from __future__ import annotations

import asyncio
import base64
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.signatures import CHUNK_BYTES, canonical_body
from rules.mail.header import FIELDS_LIMIT
from rules.mail.header import read as read_header
from rules.sender.authentication import Result
from tests.gateway.senders import (
    ACME_HOST,
    World,
    a_mail,
    a_world,
    ed25519_key,
    rsa_key,
    signed,
    the,
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def refused(world: World, raw: bytes) -> tuple[Result, str]:
    """Result and detail of the only signature, which proved nothing."""
    verdict = await world.verdict(raw)
    assert not verdict.aligned
    assert not verdict.temporary
    evidence = the("dkim", verdict)
    return evidence.result, evidence.detail


@pytest.mark.parametrize("canonical", [b"relaxed/relaxed", b"simple/simple", b"relaxed/simple"])
async def test_a_signature_of_the_author_s_domain_proves_it(world: World, canonical: bytes) -> None:
    verdict = await world.verdict(signed(a_mail(), canonical=canonical))
    assert verdict.aligned
    assert verdict.by == "dkim:acme.example"
    assert verdict.dmarc is Result.PASS


@pytest.mark.parametrize("bits", [1024, 2048, 4096])
async def test_rsa_of_1024_to_4096_bits_is_accepted(world: World, bits: int) -> None:
    world.publish("s1._domainkey.acme.example", rsa_key(bits).record)
    assert (await world.verdict(signed(a_mail(), key=rsa_key(bits)))).aligned


async def test_ed25519_is_accepted(world: World) -> None:
    world.publish("s1._domainkey.acme.example", ed25519_key().record)
    assert (await world.verdict(signed(a_mail(), key=ed25519_key()))).aligned


async def test_the_dkimsign_command_is_understood(world: World, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(rsa_key().private)
    program = Path(sys.executable).with_name("dkimsign")
    signer = await asyncio.create_subprocess_exec(
        program, "s1", "acme.example", key, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    signed_mail, _ = await signer.communicate(a_mail())
    assert signed_mail != a_mail()
    assert (await world.verdict(signed_mail)).by == "dkim:acme.example"


async def test_a_long_body_is_hashed_as_the_signer_did(world: World) -> None:
    body = "A line  with\tspaces \t\r\n\r\n" * 20_000 + " \r\n\r\n"
    for canonical in (b"relaxed/relaxed", b"simple/simple"):
        assert (await world.verdict(signed(a_mail(body=body), canonical=canonical))).aligned


async def test_an_empty_body_is_hashed_as_the_signer_did(world: World) -> None:
    for canonical in (b"relaxed/relaxed", b"simple/simple"):
        assert (await world.verdict(signed(a_mail(body=""), canonical=canonical))).aligned


async def test_a_changed_body_is_detected(world: World) -> None:
    raw = signed(a_mail()).replace(b"broken", b"beyond repair")
    assert await refused(world, raw) == (Result.FAIL, "body was changed")


async def test_a_changed_from_is_detected(world: World) -> None:
    raw = signed(a_mail()).replace(b"From: Ann", b"From: Bob")
    assert (await refused(world, raw))[0] is Result.FAIL


async def test_l_is_refused_even_without_appended_text(world: World) -> None:
    raw = signed(a_mail(), signed_bytes=10, tags={"l": "10"})
    assert (await refused(world, raw))[0] is Result.POLICY


async def test_l_with_appended_text_is_refused(world: World) -> None:
    raw = signed(a_mail(), signed_bytes=21, tags={"l": "21"}) + b"Please pay to this account.\r\n"
    assert (await refused(world, raw))[0] is Result.POLICY


async def test_an_unsigned_from_is_refused(world: World) -> None:
    raw = signed(a_mail(), signs=("to", "subject"))
    assert await refused(world, raw) == (Result.POLICY, "From is not signed")


async def test_a_second_from_prevents_an_identity(world: World) -> None:
    verdict = await world.verdict(b"From: ceo@acme.example\r\n" + signed(a_mail()))
    assert not verdict.aligned
    assert verdict.warnings == ("2 From fields",)


async def test_a_second_from_prevents_an_identity_even_if_both_are_signed(world: World) -> None:
    twice = b"From: ceo@acme.example\r\n" + a_mail()
    raw = signed(twice, signs=("from", "from", "to"))
    assert not (await world.verdict(raw)).aligned


async def test_a_from_with_a_space_before_its_colon_counts_as_from(world: World) -> None:
    verdict = await world.verdict(b"From : ceo@acme.example\r\n" + signed(a_mail()))
    assert not verdict.aligned


async def test_a_key_of_512_bits_is_refused(world: World) -> None:
    world.publish("s1._domainkey.acme.example", rsa_key(512).record)
    raw = signed(a_mail(), key=rsa_key(512))
    assert await refused(world, raw) == (Result.PERMERROR, "RSA key of 512 bits")


async def test_a_key_that_would_cost_seconds_is_refused(world: World) -> None:
    """Modulus and exponent of 1300 octets each: one verification would take about ten seconds."""

    def integer(content: bytes) -> bytes:
        return b"\x02\x82" + len(content).to_bytes(2, "big") + content

    inside = integer(b"\x7f" * 1300) + integer(b"\x7f" * 1300)
    huge = b"\x30\x82" + len(inside).to_bytes(2, "big") + inside
    world.publish("s1._domainkey.acme.example", f"v=DKIM1; p={base64.b64encode(huge).decode()}")
    result, detail = await refused(world, signed(a_mail()))
    assert (result, detail[:11]) == (Result.PERMERROR, "RSA key of ")


async def test_sha1_is_refused(world: World) -> None:
    key = rsa_key()
    old = type(key)(b"rsa-sha1", key.private, key.record)
    assert await refused(world, signed(a_mail(), key=old)) == (
        Result.POLICY,
        "algorithm rsa-sha1",
    )


async def test_an_expired_signature_is_refused(world: World) -> None:
    now = int(time.time())
    raw = signed(a_mail(), tags={"t": str(now - 100), "x": str(now - 10)})
    assert await refused(world, raw) == (Result.PERMERROR, "expired")


async def test_a_signature_from_the_future_is_refused(world: World) -> None:
    raw = signed(a_mail(), tags={"t": str(int(time.time()) + 86_400)})
    assert await refused(world, raw) == (Result.PERMERROR, "signed in the future")


OLD = {"t": str(int(time.time()) - 8 * 86_400)}
TOO_OLD = (Result.POLICY, "holds, but is 8 days old: maybe sent again")


async def test_a_signature_of_last_week_proves_nothing(world: World) -> None:
    assert await refused(world, signed(a_mail(), tags=OLD)) == TOO_OLD


async def test_a_signature_of_six_days_ago_proves_the_author(world: World) -> None:
    tags = {"t": str(int(time.time()) - 6 * 86_400)}
    assert (await world.verdict(signed(a_mail(), tags=tags))).aligned


async def test_without_a_time_of_its_own_its_age_comes_from_the_signed_date(world: World) -> None:
    raw = dated(datetime.now(UTC) - timedelta(days=8))
    assert await refused(world, signed(raw, tags={"t": None})) == TOO_OLD


async def test_a_date_above_the_signed_one_does_not_change_its_age(world: World) -> None:
    now = format_datetime(datetime.now(UTC))
    raw = signed(dated(datetime.now(UTC) - timedelta(days=8)), tags={"t": None})
    assert await refused(world, f"Date: {now}\r\n".encode() + raw) == TOO_OLD


@pytest.mark.parametrize("gap", [b" " * 300, b"\t" * 300, b"\r\n " * 300])
async def test_a_wider_gap_in_the_signed_date_does_not_change_its_age(
    world: World, gap: bytes
) -> None:
    """Relaxed canonical forms do not cover how wide it is."""
    raw = signed(dated(datetime.now(UTC) - timedelta(days=8)), tags={"t": None})
    assert await refused(world, raw.replace(b"\r\nDate: ", b"\r\nDate: " + gap)) == TOO_OLD


@pytest.mark.parametrize("mark", [b"\x0b", b"\x0c"])
async def test_a_control_character_at_the_end_of_a_signed_field_breaks_the_signature(
    world: World, mark: bytes
) -> None:
    """It is no white space, and `base64` with it names no encoding."""
    raw = signed(a_mail()).replace(b"Subject: pump", b"Subject: pump" + mark)
    assert await refused(world, raw) == (Result.FAIL, "signature does not match the header")


async def test_each_field_that_a_signature_is_verified_with_is_read(world: World) -> None:
    """Else the last of them would be signed, and another of its name read in its place."""
    raw = signed(a_mail())
    for count in (FIELDS_LIMIT - 1, FIELDS_LIMIT, FIELDS_LIMIT + 1):
        long = b"X-A: b\r\n" * (count - len(read_header(raw).fields)) + raw
        assert (await world.verdict(long)).aligned is not read_header(long).truncated


@pytest.mark.parametrize("written", ["yesterday", "", "Fri, 99 Foo 99999999999999 99:99:99 +9999"])
async def test_with_an_invalid_date_the_age_is_unknown(world: World, written: str) -> None:
    raw = re.sub(rb"Date: [^\r]+", f"Date: {written}".encode(), a_mail())
    assert (await world.verdict(signed(raw, tags={"t": None}))).aligned


async def test_the_time_of_signing_takes_precedence_over_the_date(world: World) -> None:
    raw = dated(datetime.now(UTC) - timedelta(days=8))
    assert (await world.verdict(signed(raw))).aligned


async def test_a_young_signature_next_to_an_old_one_proves_the_author(world: World) -> None:
    both = signed(signed(a_mail()), tags=OLD)
    assert (await world.verdict(both)).by == "dkim:acme.example"


async def test_spf_still_proves_what_an_old_signature_does_not(world: World) -> None:
    """And the mail is identified by its signature, so that it equals the first copy."""
    raw = signed(a_mail(), tags=OLD)

    verdict = await world.verdict(raw, peer=ACME_HOST, mail_from="ann@acme.example")

    assert verdict.by == "spf:acme.example"
    assert verdict.signed_scope is not None
    assert not verdict.signed_scope.alone


async def test_a_mail_without_proof_has_no_signed_scope(world: World) -> None:
    assert (await world.verdict(signed(a_mail(), tags=OLD))).signed_scope is None


def dated(signed_at: datetime) -> bytes:
    return re.sub(rb"Date: [^\r]+", f"Date: {format_datetime(signed_at)}".encode(), a_mail())


async def test_a_revoked_key_is_refused(world: World) -> None:
    world.publish("s1._domainkey.acme.example", "v=DKIM1; k=rsa; p=")
    assert await refused(world, signed(a_mail())) == (Result.PERMERROR, "key is revoked")


@pytest.mark.parametrize(
    ("records", "detail"),
    [
        ((), "no key"),
        (("v=DKIM1; k=rsa; p=!!!",), "unreadable key"),
        (("v=DKIM1; k=rsa; h=sha1; p=AAAA",), "not for sha256"),
        (("v=DKIM1; k=rsa; s=tlsrpt; p=AAAA",), "not for mail"),
        (("v=DKIM1; p=AAAA", "v=DKIM1; p=BBBB"), "2 keys"),
        (("v=DKIM1; p=AAAA; n=" + "x" * 5000,), "bytes"),
        (("v=DKIM1; p=AAAA; n=" + "x" * 40_000,), "too large"),
        (("p=AAAA; p=BBBB",), "a tag twice"),
    ],
)
async def test_an_invalid_key_record_is_refused(
    world: World, records: tuple[str, ...], detail: str
) -> None:
    if records:
        world.publish("s1._domainkey.acme.example", *records)
    else:
        del world.server.records["s1._domainkey.acme.example", "TXT"]
    result, output = await refused(world, signed(a_mail()))
    assert result is Result.PERMERROR
    assert detail in output


async def test_a_key_of_another_algorithm_is_refused(world: World) -> None:
    world.publish("s1._domainkey.acme.example", ed25519_key().record)
    assert (await refused(world, signed(a_mail())))[1] == "key is for another algorithm"


async def test_a_key_for_the_exact_domain_refuses_an_identity_below_it(world: World) -> None:
    world.publish("s1._domainkey.acme.example", rsa_key().record + "; t=s")
    assert (await world.verdict(signed(a_mail(), tags={"i": "@acme.example"}))).aligned
    assert not (await world.verdict(signed(a_mail(), tags={"i": "@sub.acme.example"}))).aligned


@pytest.mark.parametrize(
    "tags",
    [
        {"v": "2"},
        {"bh": None},
        {"h": None},
        {"d": "acme..example"},
        {"s": "bad selector!"},
        {"c": "strict/strict"},
        {"i": "x"},
        {"i": "ann@evil.test"},
        {"q": "smoke-signal"},
        {"t": "yesterday"},
        {"x": "9" * 5000},
    ],
)
async def test_a_signature_that_breaks_the_grammar_is_refused(
    world: World, tags: dict[str, str | None]
) -> None:
    assert (await refused(world, signed(a_mail(), tags=tags)))[0] is Result.PERMERROR


async def test_another_domain_s_signature_proves_nothing(world: World) -> None:
    assert (await refused(world, signed(a_mail(), "evil.test")))[0] is Result.POLICY


async def test_another_domain_s_key_is_not_even_queried(world: World) -> None:
    await world.verdict(signed(a_mail(), "evil.test"))
    assert not [name for name, _ in world.server.queries if name.endswith("evil.test")]


async def test_of_a_hundred_signatures_five_are_verified(world: World) -> None:
    forged = b"".join(
        signed(
            b"From: x@acme.example\r\n\r\n", "acme.example", selector=f"n{number}", signs=["from"]
        ).partition(b"From:")[0]
        for number in range(100)
    )
    verdict = await world.verdict(forged + a_mail())
    queried = [name for name, _ in world.server.queries if "_domainkey" in name]
    assert not verdict.aligned
    assert len(queried) == 5
    assert "95 DKIM signatures ignored" in verdict.warnings


async def test_the_aligned_signature_is_found_below_fifty_others(world: World) -> None:
    others = b"".join(
        signed(b"From: x@b.test\r\n\r\n", f"n{number}.test", signs=["from"]).partition(b"From:")[0]
        for number in range(50)
    )
    assert (await world.verdict(others + signed(a_mail()))).by == "dkim:acme.example"


async def test_a_valid_signature_counts_next_to_a_broken_one(world: World) -> None:
    broken = signed(b"From: x@acme.example\r\n\r\n", signs=["from"]).partition(b"From:")[0]
    assert (await world.verdict(broken + signed(a_mail()))).aligned


async def test_a_silent_key_does_not_hide_a_valid_one(world: World) -> None:
    world.server.silent.add("dead._domainkey.acme.example")
    other = signed(a_mail(), selector="dead").partition(b"From:")[0]
    assert (await world.verdict(other + signed(a_mail()))).aligned


@pytest.mark.parametrize(
    "mail",
    [
        b"DKIM-Signature: b=" + b" " * 15_000 + b"!\r\n" + a_mail(),
        b"DKIM-Signature: " + b"\r\n " * 4000 + b"x\r\n" + a_mail(),
        signed(a_mail(), signs=["from"] + ["x"] * 7000),
        signed(a_mail(), tags={"z": "x" * 20_000}),
        b"X-Fold: a\r\n" + b" \r\n" * 60_000 + signed(a_mail()),
    ],
    ids=["spaces in b=", "folds", "7000 names in h=", "a long field", "60,000 folds"],
)
async def test_hostile_headers_cost_less_than_half_a_second(world: World, mail: bytes) -> None:
    started = time.process_time()
    await world.verdict(mail)
    assert time.process_time() - started < 0.5


async def test_a_line_of_two_million_spaces_is_hashed_in_linear_time(world: World) -> None:
    """dkimpy's own expression would take hours here."""
    raw = signed(a_mail()) + b" " * 2_000_000 + b"x\r\n"
    started = time.process_time()
    assert (await refused(world, raw))[0] is Result.FAIL
    assert time.process_time() - started < 1.0


text = st.text(alphabet="ab \t").map(str.encode)
bodies = st.lists(st.one_of(text, st.just(b"\r\n")), max_size=30).map(b"".join)


@given(bodies, st.integers(0, 3))
def test_bodies_are_canonicalised_as_by_dkimpy(body: bytes, blocks: int) -> None:
    """Also if a piece ends within spaces or line ends. (At the end of a body without a last CRLF
    dkimpy keeps a space that RFC 6376 §3.4.4 removes.)"""
    body = (b" x\r\n" * (CHUNK_BYTES // 4))[len(body) // 2 :] * blocks + body + b"\r\n"
    relaxed = b"".join(canonical_body(body, 0, relaxed=True))
    assert relaxed == Relaxed.canonicalize_body(body)
    assert b"".join(canonical_body(body, 0, relaxed=False)) == Simple.canonicalize_body(body)
