"""Genuine mail passes, so that each attack is known to fail by its own flaw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance import signers
from tests.acceptance.attacks.attack import UNKNOWN
from tests.acceptance.internet import (
    ANN,
    BOB,
    EVE,
    GIL,
    HANK,
    IDA,
    SAM,
    ULA,
    Target,
    a_mail,
    genuine_mail,
    signed_by,
    with_from,
)
from tests.acceptance.support_server import filed
from tests.gateway.senders import SigningKey, ed25519_key, rsa_key

LONG = f"X-Filter: {'y' * 262_144}"


def key_file(folder: Path, key: SigningKey) -> Path:
    path = folder / "private.key"
    path.write_bytes(key.private)
    path.chmod(0o600)
    return path


def assert_opens(target: Target, raw: bytes, author: str, proof: str, mail_from: str = EVE) -> int:
    """Send a mail and assert that it opens its author's ticket by this proof; the number."""
    _, number = filed(target.send(raw, mail_from))
    entry = target.journal()[-1]
    assert (entry.reason, entry.authentication["by"]) == ("new_request", proof)
    assert target.ticket(number).summary.requester == author
    return number


class TestHonestMail:
    """Signed by other programs than ours, and from hosts that SPF allows."""

    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        return key_file(tmp_path, rsa_key(2048))

    def test_a_mail_signed_by_dkimpy_opens_a_ticket(self, target: Target, key: Path) -> None:
        raw = signers.dkimsign(a_mail(ANN), "acme.example", "s1", key)
        assert_opens(target, raw, ANN, "dkim:acme.example")

    @pytest.mark.parametrize(
        "field",
        [
            f"From: {ANN} (Ann)",
            f"From: Ann (Acme) <{ANN}> (Ltd)",
            f'From: "J\u00fcrgen" [IT] <{ANN}>',
            b"From: J\xfcrgen (Acme) <ann@acme.example>",
        ],
        ids=["comment", "comments", "raw UTF-8", "raw Windows-1252"],
    )
    def test_every_legal_form_of_from_opens_its_authors_ticket(
        self, target: Target, field: str | bytes
    ) -> None:
        raw = signed_by("acme.example", with_from(field))
        assert_opens(target, raw, ANN, "dkim:acme.example")

    def test_a_header_block_beyond_256_kib_is_filed_without_its_text(self, target: Target) -> None:
        """Only where it came from can prove it, since none of its signatures is read."""
        number = assert_opens(target, a_mail(HANK, LONG), HANK, "spf:hooli.example", HANK)

        (comment,) = target.ticket(number).comments
        assert comment.degraded == "header block over 256 KiB or 2,000 fields"
        code, text = target.send(signed_by("acme.example", a_mail(ANN, LONG)), EVE)
        assert f"{code} {text}".startswith(UNKNOWN)
        assert target.journal()[-1].reason == "dmarc_reject"

    def test_a_mail_signed_with_ed25519_opens_a_ticket(
        self, target: Target, tmp_path: Path
    ) -> None:
        key, option = key_file(tmp_path, ed25519_key()), "--signalg=ed25519-sha256"
        raw = signers.dkimsign(a_mail(BOB), "acme.example", "ed", key, option)
        assert_opens(target, raw, BOB, "dkim:acme.example")

    @pytest.mark.skipif(bool(signers.missing("opendkim")), reason=signers.missing("opendkim"))
    def test_a_mail_signed_by_opendkim_opens_a_ticket(self, target: Target, key: Path) -> None:
        raw = a_mail(ANN)
        with signers.opendkim(key.parent, "acme.example", "s1", key) as path:
            assert_opens(target, signers.signed_by_filter(raw, path, ANN), ANN, "dkim:acme.example")

    @pytest.mark.skipif(
        bool(signers.missing("opendkim-testmsg")), reason=signers.missing("opendkim-testmsg")
    )
    def test_a_sha1_signature_of_opendkim_testmsg_is_refused(
        self, target: Target, key: Path
    ) -> None:
        raw = signers.testmsg(a_mail(ANN), "acme.example", "s1", key)
        assert b"a=rsa-sha1" in raw
        code, text = target.send(raw)
        assert f"{code} {text}".startswith(UNKNOWN)
        assert target.journal()[-1].reason == "dmarc_reject"

    def test_a_mail_from_a_host_that_spf_allows_opens_a_ticket(self, target: Target) -> None:
        assert_opens(target, a_mail(HANK), HANK, "spf:hooli.example", HANK)

    def test_a_mail_with_the_null_reverse_path_is_proven_by_its_helo(self, target: Target) -> None:
        """It opens no ticket because it is automatic, not because it is unproven."""
        target.send(a_mail(HANK), mail_from="", helo="hooli.example")
        entry = target.journal()[-1]
        assert (entry.reason, entry.authentication["by"]) == ("automatic", "spf:hooli.example")

    def test_a_folded_from_with_a_name_opens_a_ticket(self, target: Target) -> None:
        raw = signed_by("acme.example", with_from(f'From: "Ann, at Acme"\r\n <{ANN}>'))
        assert_opens(target, raw, ANN, "dkim:acme.example")

    def test_the_organisation_s_signature_proves_a_subdomain(self, target: Target) -> None:
        assert_opens(target, signed_by("initech.example", a_mail(IDA)), IDA, "dkim:initech.example")

    @pytest.mark.parametrize("author", [GIL, ULA, SAM], ids=["quarantine", "no record", "staff"])
    def test_a_signature_proves_the_author_whatever_the_dmarc_policy(
        self, target: Target, author: str
    ) -> None:
        assert_opens(target, genuine_mail(author), author, f"dkim:{author.partition('@')[2]}")

    def test_an_attacker_s_domain_proves_only_its_own_addresses(self, target: Target) -> None:
        target.send(signed_by("evil.example", a_mail(EVE)))
        target.send(a_mail("ann@acme.example.evil.example"))
        assert target.journal()[-1].reason == "stranger"
