"""The author whom a list of ours replaced in From, and what of a sealed mail is the author's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from ipaddress import ip_network

import pytest

from gateway.authentication.authenticator import Trust
from gateway.parsing.reading import read
from rules.mail import Body, Delivery, Envelope, header
from rules.mail.header import Author
from rules.mail.lists import replaced_author
from rules.sender.authentication import Authentication, as_dict, from_dict
from rules.sender.signature_scope import restrict_to_signed
from tests.gateway.forwarders import GOOGLE_GROUP_SIGNS, GOOGLE_SIGNS, MICROSOFT_SIGNS, arc_sealed
from tests.gateway.senders import (
    ELSEWHERE,
    World,
    a_mail,
    a_world,
    forged_signatures,
    registered,
    rsa_key,
    signed,
)

GROUP = "support@help.example"
STATED = (
    "mx.google.com; dkim=pass header.i=@acme.example header.s=s1 header.b=Ab;"
    " spf=pass (google.com: domain of ann@acme.example designates 192.0.2.1 as permitted sender)"
    " smtp.mailfrom=ann@acme.example; dmarc=pass (p=REJECT dis=NONE) header.from=acme.example"
)
DMARC = "dmarc=pass (p=REJECT dis=NONE) header.from=acme.example"
BY_SIGNATURE = STATED.replace("smtp.mailfrom=ann@acme.example", "smtp.mailfrom=eve@evil.test")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(Trust(sealers=("google.com", "microsoft.com"))) as world:
        for signer in ("google.com", "microsoft.com", "help.example", "other.example"):
            world.publish(f"s1._domainkey.{signer}", rsa_key().record)
        yield world


def rewritten(original: str = "Ann <ann@acme.example>", sender: str = "") -> bytes:
    """What a Google Group makes of Ann's mail."""
    return a_mail().replace(
        b"From: Ann <ann@acme.example>",
        f"From: \"'Ann' via Support\" <support@help.example>\r\n"
        f"X-Original-Sender: {sender or original.rpartition('<')[2].strip('>')}\r\n"
        f"X-Original-From: {original}".encode(),
    )


def through_group(
    mail: bytes, signs: tuple[str, ...] = GOOGLE_GROUP_SIGNS, states: str = STATED
) -> bytes:
    return arc_sealed(signed(mail, "help.example", signs=signs), "google.com", states)


async def verdict_of(
    world: World, raw: bytes, owners: Mapping[str, int] | None = None
) -> Authentication | None:
    read = header.read(raw)
    found = header.author(read)
    assert isinstance(found, Author)
    author = replaced_author(read, found, {GROUP})
    if author is None:
        return None
    envelope = Envelope(ELSEWHERE, "x.example", True, "support+bncBAA@help.example", (GROUP,))
    delivery = Delivery(envelope, raw)
    return await world.authenticator.authenticate_through_list(
        delivery, found, author, registered(owners or {})
    )


async def test_the_group_s_signature_and_a_sealed_dmarc_pass_prove_the_original_author(
    world: World,
) -> None:
    verdict = await verdict_of(world, through_group(rewritten()))

    assert verdict is not None
    assert (verdict.aligned, verdict.by, verdict.author) == (
        True,
        "arc:google.com",
        "ann@acme.example",
    )
    assert verdict.signed_scope is not None
    assert verdict.signed_scope.alone
    assert {"from", "to", "subject", "x-original-sender"} <= set(verdict.signed_scope.names)
    assert from_dict(as_dict(verdict)) == verdict


async def test_a_company_below_her_domain_does_not_prove_her_through_a_list(world: World) -> None:
    states = STATED.replace("header.i=@acme", "header.i=@lab.acme").replace("=ann@", "=ann@lab.")
    owners = {"acme.example": 1, "lab.acme.example": 2}

    assert await verdict_of(world, through_group(rewritten(), states=states)) is not None
    assert await verdict_of(world, through_group(rewritten(), states=states), owners) is None


async def test_nor_does_its_signature_where_the_sealer_does_not_state_it(world: World) -> None:
    raw = through_group(signed(rewritten(), "lab.acme.example"), states="m; " + DMARC)
    owners = {"acme.example": 1, "lab.acme.example": 2}

    assert await verdict_of(world, raw) is not None
    assert await verdict_of(world, raw, owners) is None


async def test_a_company_below_the_domain_of_the_list_does_not_sign_for_it(world: World) -> None:
    world.publish("_dmarc.help.example", "v=DMARC1; p=reject")
    world.publish("s1._domainkey.lab.help.example", rsa_key().record)
    by_lab = signed(rewritten(), "lab.help.example", signs=GOOGLE_GROUP_SIGNS)
    raw = arc_sealed(by_lab, "google.com", STATED)

    assert await verdict_of(world, raw) is not None
    assert await verdict_of(world, raw, {"help.example": 0, "lab.help.example": 2}) is None


async def test_a_list_that_signs_x_original_from_itself_is_enough(world: World) -> None:
    signs = ("from", "to", "subject", "date", "message-id", "x-original-from")
    raw = through_group(rewritten(sender="bounces@acme.example"), signs)
    verdict = await verdict_of(world, raw)
    assert verdict is not None
    assert verdict.author == "ann@acme.example"


EVE = "Eve <eve@evil.test>"


@pytest.mark.parametrize(
    "raw",
    [
        lambda: arc_sealed(rewritten(), "google.com", STATED),
        lambda: arc_sealed(signed(rewritten(), "evil.test"), "google.com", STATED),
        lambda: through_group(rewritten(), signs=("from", "to", "subject")),
        lambda: signed(rewritten(), "help.example", signs=GOOGLE_GROUP_SIGNS),
        lambda: arc_sealed(
            signed(rewritten(), "help.example", signs=GOOGLE_GROUP_SIGNS), "other.example", STATED
        ),
        lambda: through_group(rewritten(), states=STATED.replace("dmarc=pass", "dmarc=fail")),
        lambda: through_group(
            rewritten(), states=STATED.replace("from=acme.example", "from=evil.test")
        ),
        lambda: through_group(rewritten(EVE)),
        lambda: through_group(rewritten()).replace(b"Ann <ann@acme", b"Bob <bob@acme"),
        lambda: through_group(rewritten(sender="bob@acme.example")),
        lambda: (
            b"X-Original-Sender: ann@acme.example\r\n"
            + through_group(rewritten(sender="bob@acme.example"))
        ),
        lambda: through_group(rewritten()).replace(b"via Support", b"via Desk"),
        lambda: b"X-Original-From: Ann <ann@acme.example>\r\n" + through_group(rewritten(EVE)),
        lambda: through_group(rewritten("ann@acme.example, eve@evil.test")),
        lambda: through_group(rewritten("support@help.example")),
        lambda: through_group(rewritten()).replace(b"support@help", b"desk@help", 1),
    ],
    ids=[
        "not signed by the group's domain",
        "signed by another domain",
        "nothing that names the author is signed",
        "not sealed",
        "sealed by nobody listed",
        "the sealer saw a failure",
        "the sealer saw another author",
        "another original author than the sealed",
        "changed after it was signed",
        "a colleague whom X-Original-Sender does not name",
        "a second X-Original-Sender",
        "From changed after it was signed",
        "a second X-Original-From",
        "two original authors",
        "the list itself",
        "another address than a list of ours",
    ],
)
async def test_a_forged_original_author_is_proven_by_nothing(world: World, raw: object) -> None:
    assert callable(raw)
    verdict = await verdict_of(world, raw())
    assert verdict is None or not verdict.aligned


@pytest.mark.parametrize("silent", ["help.example", "google.com"])
async def test_while_a_key_that_has_proven_mail_is_silent_the_verdict_is_temporary(
    silent: str,
) -> None:
    mail = through_group(rewritten())
    async with a_world(Trust(sealers=("google.com",))) as world:
        for signer in ("google.com", "help.example"):
            world.publish(f"s1._domainkey.{signer}", rsa_key().record)
        world.silence(f"_domainkey.{silent}")
        assert await verdict_of(world, mail) is None
        world.silence()
        assert (await verdict_of(world, mail)) is not None
        world.silence(f"_domainkey.{silent}")
        verdict = await verdict_of(world, mail)
    assert verdict is not None
    assert (verdict.aligned, verdict.temporary) == (False, True)


def names(verdict: Authentication) -> set[str]:
    assert verdict.signed_scope is not None
    return set(verdict.signed_scope.names)


MICROSOFT = ("from", "date", "subject", "message-id")


async def test_what_a_sealer_received_directly_counts_as_far_as_its_signature(world: World) -> None:
    """Microsoft's DKIM does not cover To; the seal of the forwarder that received it does."""
    verdict = await world.verdict(
        arc_sealed(signed(a_mail(), signs=MICROSOFT), "google.com", STATED)
    )
    assert verdict.by == "dkim:acme.example"
    assert "to" in names(verdict)


async def test_what_anybody_may_have_sent_to_the_sealer_counts_as_far_as_the_author_signed(
    world: World,
) -> None:
    """An attacker sends a mail that they have through their own account, with another To."""
    raw = arc_sealed(signed(a_mail(), signs=MICROSOFT), "google.com", BY_SIGNATURE)
    verdict = await world.verdict(raw)
    assert verdict.by == "dkim:acme.example"
    assert "to" not in names(verdict)

    footer = signed(a_mail(), signs=MICROSOFT) + b"-- \r\nA footer.\r\n"
    verdict = await world.verdict(arc_sealed(footer, "google.com", BY_SIGNATURE))
    assert verdict.by == "arc:google.com"
    assert "subject" in names(verdict)
    assert "to" not in names(verdict)

    verdict = await world.verdict(arc_sealed(a_mail(), "google.com", BY_SIGNATURE))
    assert names(verdict) == set(), "somebody removed the signature that the sealer saw"


@pytest.mark.parametrize(
    "caught",
    [
        lambda: forged_signatures(5) + signed(a_mail(), signs=MICROSOFT),
        lambda: forged_signatures(1) + signed(a_mail(), signs=MICROSOFT, tags={"a": "rsa-sha1"}),
        lambda: (
            forged_signatures(1)
            + signed(a_mail(), signs=MICROSOFT, tags={"x": "1700000000"})
            + b"A footer.\r\n"
        ),
    ],
    ids=["more than are read", "rsa-sha1", "expired"],
)
async def test_forged_signatures_next_to_one_that_we_refuse_add_nothing_under_a_seal(
    world: World, caught: Callable[[], bytes]
) -> None:
    """They say that the author signed To, and only the sealer verified the genuine one."""
    verdict = await world.verdict(
        arc_sealed(caught(), "google.com", BY_SIGNATURE), mail_from="eve@evil.test"
    )
    assert verdict.by == "arc:google.com"
    assert names(verdict) <= set(MICROSOFT)


NO_SIGNATURE = tuple(name for name in GOOGLE_SIGNS if name != "dkim-signature")
"""What rspamd and others seal."""


@pytest.mark.parametrize(
    ("forged", "seals", "states"),
    [
        (b"", NO_SIGNATURE, BY_SIGNATURE),
        (forged_signatures(1), NO_SIGNATURE, BY_SIGNATURE),
        (forged_signatures(1), GOOGLE_SIGNS, f"{BY_SIGNATURE}; dkim=fail header.d=acme.example"),
    ],
    ids=["removed", "another in its place", "another that the seal covers"],
)
async def test_a_signature_that_somebody_put_in_the_place_of_the_one_that_was_sealed_adds_nothing(
    world: World, forged: bytes, seals: tuple[str, ...], states: str
) -> None:
    """They add a Cc to a mail of Ann's that they have sealed, and say then that she signed it."""
    written = a_mail()
    anns = signed(written).removesuffix(written)
    mail = b"Cc: support@help.example.com\r\n" + written
    sealed_too = forged if seals is GOOGLE_SIGNS else b""
    raw = arc_sealed(anns + sealed_too + mail, "google.com", states, signs=seals)

    copy = raw.replace(anns, b"" if sealed_too else forged)
    verdict = await world.verdict(copy, mail_from="eve@evil.test")

    assert (await world.verdict(raw, mail_from="eve@evil.test")).by == "dkim:acme.example"
    assert verdict.by == "arc:google.com"
    assert names(verdict) == set()


async def test_nor_does_one_of_a_name_below_hers_that_is_not_of_her_organisation(
    world: World,
) -> None:
    """Its key shows that its fields are as they were signed, but not by her."""
    neighbour = "evil.customers.acme.example"
    world.publish("_dmarc.customers.acme.example", "v=DMARC1; p=none; psd=y")
    world.publish(f"s1._domainkey.{neighbour}", rsa_key().record)
    raw = arc_sealed(a_mail(), "google.com", BY_SIGNATURE, signs=NO_SIGNATURE)
    verdict = await world.verdict(
        signed(raw, neighbour, tags={"bh": "AAAA"}), mail_from="eve@evil.test"
    )

    assert verdict.by == "arc:google.com"
    assert names(verdict) == set()


async def test_nor_under_the_seal_of_a_list(world: World) -> None:
    mail = rewritten()
    group = signed(forged_signatures(1) + mail, "help.example", signs=GOOGLE_GROUP_SIGNS)
    for seals, counts in ((NO_SIGNATURE, False), (GOOGLE_SIGNS, True)):
        raw = arc_sealed(group, "google.com", BY_SIGNATURE, signs=seals)
        verdict = await verdict_of(world, raw)
        assert verdict is not None
        assert bool(names(verdict)) is counts


@pytest.mark.parametrize("seals", [NO_SIGNATURE, GOOGLE_SIGNS])
async def test_what_a_forwarder_appended_takes_no_field_from_the_author(
    world: World, seals: tuple[str, ...]
) -> None:
    """The key of her signature shows that she wrote the fields, whatever the seal covers."""
    raw = signed(a_mail()) + b"-- \r\nA footer.\r\n"
    verdict = await world.verdict(
        arc_sealed(raw, "google.com", BY_SIGNATURE, signs=seals), mail_from="eve@evil.test"
    )

    assert verdict.by == "arc:google.com"
    assert names(verdict) == {"from", "to", "subject", "date", "message-id"}


@pytest.mark.parametrize("through_a_list", [False, True])
async def test_a_body_under_a_signature_with_l_is_not_the_author_s_because_of_a_seal(
    world: World, through_a_list: bool
) -> None:
    """An attacker appends to a mail of Ann's, and has it sealed by an account of theirs."""
    mail = a_mail()
    short = signed(mail, tags={"l": "10"}, signed_bytes=10).removesuffix(mail)
    for states, counts in ((BY_SIGNATURE, False), (STATED, True)):
        if through_a_list:
            verdict = await verdict_of(world, through_group(short + rewritten(), states=states))
        else:
            raw = arc_sealed(short + mail + b"Cancel it.\r\n", "google.com", states)
            verdict = await world.verdict(raw, mail_from="eve@evil.test")
        assert (verdict is not None and verdict.aligned) is counts


async def test_what_anybody_may_have_sent_to_the_list_counts_as_far_as_the_author_signed(
    world: World,
) -> None:
    """An attacker sends a mail that they have from Ann to the list, with the list in To."""
    mail = a_mail()
    anns = signed(mail, signs=MICROSOFT).removesuffix(mail)

    kept = await verdict_of(world, through_group(anns + rewritten(), states=BY_SIGNATURE))
    removed = await verdict_of(world, through_group(rewritten(), states=BY_SIGNATURE))
    hidden = await verdict_of(
        world, through_group(forged_signatures(5) + anns + rewritten(), states=BY_SIGNATURE)
    )

    assert kept is not None
    assert removed is not None
    assert hidden is not None
    assert names(kept) == set(MICROSOFT)
    assert names(removed) == names(hidden) == set()


async def test_a_mail_with_spf_alone_is_proven_by_the_forwarder_that_received_it(
    world: World,
) -> None:
    states = (
        "mx.microsoft.com 1; spf=pass smtp.mailfrom=acme.example; dmarc=pass action=none "
        "header.from=acme.example; dkim=none (message not signed); arc=none"
    )
    raw = arc_sealed(a_mail(), "microsoft.com", states, signs=MICROSOFT_SIGNS)
    verdict = await world.verdict(raw, mail_from="bounces+SRS=abcde=FG@help.example")
    assert verdict.by == "arc:microsoft.com"
    failed = raw.replace(b"dmarc=pass", b"dmarc=fail", 1)
    assert not (await world.verdict(failed)).aligned


SRS = "bounces+SRS=abcde=FG@fwd.example"


@pytest.mark.parametrize(
    ("mail_from", "record", "states", "alone"),
    [
        (SRS, f"v=spf1 ip4:{ELSEWHERE} -all", STATED, False),
        (SRS, "v=spf1 ip4:192.0.2.77 -all", STATED, True),
        (SRS, f"v=spf1 ip4:{ELSEWHERE} -all", BY_SIGNATURE, True),
        ("x@sub.fwd.example", f"v=spf1 ip4:{ELSEWHERE} -all", STATED, True),
        ("", f"v=spf1 ip4:{ELSEWHERE} -all", STATED, True),
    ],
    ids=["listed", "from another host", "sealed from anywhere", "another domain", "no sender"],
)
async def test_from_a_listed_forwarder_the_whole_header_counts_under_a_direct_seal(
    mail_from: str, record: str, states: str, alone: bool
) -> None:
    trust = Trust(sealers=("microsoft.com",), forwarders=("fwd.example",))
    async with a_world(trust) as world:
        world.publish("s1._domainkey.microsoft.com", rsa_key().record)
        for name in ("fwd.example", "sub.fwd.example"):
            world.publish(name, record)
        raw = arc_sealed(a_mail(), "microsoft.com", states, signs=MICROSOFT_SIGNS)
        verdict = await world.verdict(raw, mail_from=mail_from, helo="fwd.example")

    assert verdict.by == "arc:microsoft.com"
    assert verdict.signed_scope is not None
    assert verdict.signed_scope.alone is alone


@pytest.mark.parametrize(
    ("stated", "alone"),
    [
        (f"spf=pass smtp.mailfrom={SRS}", False),
        (f"spf=softfail smtp.mailfrom={SRS}", True),
        ("spf=pass smtp.mailfrom=eve@evil.test", True),
        (f"spf=pass smtp.helo=mx.evil.test; spf=pass smtp.mailfrom={SRS}", True),
        ("", True),
    ],
    ids=["passed", "failed", "another sender", "two results", "not stated"],
)
async def test_behind_a_relay_of_ours_a_listed_forwarder_is_whom_the_relay_names(
    stated: str, alone: bool
) -> None:
    """SPF of our own domain passes for our relay, whoever gave it the mail."""
    relay = (ip_network(ELSEWHERE), "mx.help.example")
    trust = Trust(relays=(relay,), sealers=("microsoft.com",), forwarders=("fwd.example",))
    results = f"mx.help.example; {stated}; dmarc=fail header.from=acme.example"
    async with a_world(trust) as world:
        world.publish("s1._domainkey.microsoft.com", rsa_key().record)
        world.publish("fwd.example", f"v=spf1 ip4:{ELSEWHERE} -all")
        sealed = arc_sealed(a_mail(), "microsoft.com", STATED, signs=MICROSOFT_SIGNS)
        raw = f"Authentication-Results: {results}\r\n".encode() + sealed
        verdict = await world.verdict(raw, mail_from=SRS)

    assert verdict.by == "arc:microsoft.com"
    assert verdict.signed_scope is not None
    assert verdict.signed_scope.alone is alone


ADDED = b"X-Added: by anybody\r\nX-Priority: 1\r\n"


async def by_forwarder(raw: bytes) -> Authentication:
    """The verdict on a mail that a listed forwarder, whose own domain seals nothing, sends here."""
    trust = Trust(sealers=("google.com", "microsoft.com"), forwarders=("fwd.example",))
    async with a_world(trust) as world:
        for sealer in trust.sealers:
            world.publish(f"s1._domainkey.{sealer}", rsa_key().record)
        world.publish("fwd.example", f"v=spf1 ip4:{ELSEWHERE} -all")
        return await world.verdict(raw, mail_from=SRS)


async def test_from_a_listed_forwarder_a_signed_to_stays_binding() -> None:
    """Eve gives the forwarder a mail that Ann wrote to her, as Eve's provider sealed it."""
    to_eve = a_mail().replace(b"support@help.example.com", b"eve@evil.test")
    verdict = await by_forwarder(b"Cc: support@help.example.com\r\n" + sealed_by_google(to_eve))
    assert not verdict.aligned  # Google signs that there is no Cc

    verdict = await by_forwarder(ADDED + sealed_by_google(to_eve))

    scope = verdict.signed_scope
    assert scope is not None
    assert (verdict.by, scope.alone, scope.problem) == ("arc:google.com", True, "")
    assert {"to", "x-added", "x-priority"} <= set(scope.names)


async def test_from_a_listed_forwarder_an_unsigned_cc_does_not_count_next_to_a_signed_to() -> None:
    to_eve = a_mail().replace(b"support@help.example.com", b"eve@evil.test")
    raw = arc_sealed(signed(to_eve), "microsoft.com", STATED, signs=MICROSOFT_SIGNS)
    verdict = await by_forwarder(b"Cc: support@help.example.com\r\n" + ADDED + raw)
    assert verdict.signed_scope is not None
    assert verdict.signed_scope.alone
    assert "cc" not in verdict.signed_scope.names
    assert {"to", "x-added"} <= set(verdict.signed_scope.names)


@pytest.mark.parametrize("field", [b"To: support@help.example.com", b"Subject: cancel it"])
async def test_a_listed_forwarder_frees_no_second_field_next_to_a_signed_one(field: bytes) -> None:
    for sealer, signs in (("google.com", GOOGLE_SIGNS), ("microsoft.com", MICROSOFT_SIGNS)):
        raw = arc_sealed(signed(a_mail()), sealer, STATED, signs=signs)
        scope = (await by_forwarder(field + b"\r\n" + raw)).signed_scope
        assert scope is not None
        assert (scope.alone, scope.problem.partition(",")[0]) == (
            True,
            f"2 {field.decode().lower().partition(':')[0]} fields",
        )


def sealed_by_google(raw: bytes) -> bytes:
    return arc_sealed(raw, "google.com", STATED, signs=GOOGLE_SIGNS)


async def test_a_listed_forwarder_without_a_seal_proves_nothing() -> None:
    async with a_world(Trust(sealers=("google.com",), forwarders=("fwd.example",))) as world:
        world.publish("fwd.example", f"v=spf1 ip4:{ELSEWHERE} -all")
        assert not (await world.verdict(a_mail(), mail_from=SRS)).aligned


async def test_an_unsigned_type_under_a_seal_hides_no_part(world: World) -> None:
    """Google's seals do not cover Content-Type, so its holder can change that of a sealed mail."""
    parts = (
        "--b1\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
        "--b1\r\nContent-Type: text/html\r\n\r\n<p>Cancel the order</p>\r\n--b1--\r\n"
    )
    kind = b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n"
    raw = a_mail(body=parts).replace(b"\r\n\r\n", kind, 1)

    copy = arc_sealed(raw, "google.com", STATED).replace(b"/mixed", b"/alternative", 1)
    verdict = await world.verdict(copy)

    assert (verdict.by, verdict.signed_scope and verdict.signed_scope.problem) == (
        "arc:google.com",
        "",
    )
    body = restrict_to_signed(read(copy), verdict).body
    assert isinstance(body, Body)
    assert body.text.split() == ["Hello", "Cancel", "the", "order"]


@pytest.mark.parametrize("sender", ["ann@outlook.com", "eve+ann@outlook.com"])
async def test_spf_of_somebody_else_at_the_provider_proves_nobody_through_a_list(
    world: World, sender: str
) -> None:
    """Eve writes in Ann's name to her own mailbox, which redirects it to the list."""
    stated = f"m; spf=pass smtp.mailfrom={sender}; dmarc=pass header.from=outlook.com"
    verdict = await verdict_of(
        world, through_group(rewritten("Ann <ann@outlook.com>"), states=stated)
    )
    assert (verdict is not None) == sender.startswith("ann@")
