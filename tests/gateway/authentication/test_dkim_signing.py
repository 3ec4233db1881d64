"""DKIM signatures on outgoing mail: valid for a verifier; invalid keys are refused."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import dkim
import pytest

from gateway.authentication.signing import (
    LARGE_BYTES,
    KeyRefused,
    Signer,
    read_key,
    signer,
)
from gateway.outgoing.compose import Composer
from rules.ticket.notices import NoticeKind
from tests.gateway.outgoing.notices import LINKS_BEGIN, a_notice
from tests.rules.building import KEYS, default_policy


def openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one key of each kind."""
    folder = tmp_path_factory.mktemp("keys")
    rsa = str(folder / "rsa.pem")
    openssl("genrsa", "-out", rsa, "1024")
    openssl("rsa", "-in", rsa, "-traditional", "-out", str(folder / "old-rsa.pem"))
    openssl("genrsa", "-out", str(folder / "weak.pem"), "512")
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(folder / "ed25519.pem"))
    openssl("genpkey", "-algorithm", "x25519", "-out", str(folder / "other.pem"))
    openssl("rsa", "-in", rsa, "-aes128", "-passout", "pass:x", "-out", str(folder / "locked.pem"))
    windows = (folder / "rsa.pem").read_bytes().replace(b"\n", b"\r\n")
    (folder / "windows.pem").write_bytes(windows)
    (folder / "text.pem").write_text("hello")
    return folder


def record(folder: Path, name: str) -> bytes:
    """The DNS record of a key."""
    der = openssl("pkey", "-in", str(folder / name), "-pubout", "-outform", "DER")
    if name.startswith("ed25519"):
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(der[-32:])
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def mail(signs: Signer, kind: NoticeKind = NoticeKind.COMMENT) -> bytes:
    composer = Composer(KEYS, LINKS_BEGIN, signer=signs)
    return composer.write(a_notice(kind, name="Zoë"), default_policy()).raw


def is_verified(raw: bytes, records: dict[str, bytes], index: int = 0) -> bool:
    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        return records.get(name.decode().rstrip("."))

    try:
        return bool(dkim.DKIM(raw).verify(idx=index, dnsfunc=txt))
    except dkim.DKIMException:
        return False


@pytest.mark.parametrize("name", ["rsa.pem", "old-rsa.pem", "windows.pem", "ed25519.pem"])
@pytest.mark.parametrize("kind", [NoticeKind.COMMENT, NoticeKind.NEW_TICKET, NoticeKind.INVITATION])
def test_a_verifier_accepts_the_signature(keys: Path, name: str, kind: NoticeKind) -> None:
    key = read_key("help.example", "s1", keys / name)

    raw = mail(signer([key]), kind)

    assert is_verified(raw, {"s1._domainkey.help.example": record(keys, name)})


@pytest.mark.parametrize("name", ["rsa.pem", "ed25519.pem"])
def test_a_verifier_accepts_the_signature_of_a_large_mail(keys: Path, name: str) -> None:
    small = mail(signer([]))
    large = small + b"c29tZSBmaWxl\r\n" * (LARGE_BYTES // 14) + b"\r\n\r\n"
    records = {"s1._domainkey.help.example": record(keys, name)}

    raw = read_key("help.example", "s1", keys / name).sign(large)

    assert b"c=relaxed/simple" in raw[:200]
    assert is_verified(raw, records)
    assert not is_verified(raw.replace(b"c29tZSBm", b"c29tZSBn", 1), records)


def test_every_key_of_a_domain_signs(keys: Path) -> None:
    both = [read_key("help.example", name, keys / f"{name}.pem") for name in ("rsa", "ed25519")]
    records = {
        f"{name}._domainkey.help.example": record(keys, f"{name}.pem")
        for name in ("rsa", "ed25519")
    }

    raw = mail(signer(both))

    assert is_verified(raw, records, 0)
    assert is_verified(raw, records, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: ", b"From: eve@evil.example\r\nFrom: "),
        (b"Subject: ", b"Subject: Pay: "),
        (b"Reply-To: support", b"Reply-To: eve"),
        (b"It prints", b"It burns"),
        (b"List-Unsubscribe-Post: ", b"List-Unsubscribe-Post: x"),
        (b"Auto-Submitted: ", b"Auto-Submitted: no, "),
    ],
)
def test_signed_content_cannot_be_changed(keys: Path, old: bytes, new: bytes) -> None:
    raw = mail(signer([read_key("help.example", "s1", keys / "ed25519.pem")]))
    changed = raw.replace(b"\r\n" + old, b"\r\n" + new, 1)

    assert changed != raw
    assert not is_verified(changed, {"s1._domainkey.help.example": record(keys, "ed25519.pem")})


def test_a_missing_field_cannot_be_added(keys: Path) -> None:
    raw = mail(
        signer([read_key("help.example", "s1", keys / "ed25519.pem")]), NoticeKind.INVITATION
    )

    added = raw.replace(b"\r\nTo: ", b"\r\nReply-To: eve@evil.example\r\nTo: ", 1)

    assert not is_verified(added, {"s1._domainkey.help.example": record(keys, "ed25519.pem")})


@pytest.mark.parametrize(
    ("domain", "signing"),
    [
        ("help.example", "help.example"),
        ("eu.help.example", "eu.help.example"),
        ("us.help.example", "help.example"),
        ("HELP.example", "help.example"),
        ("elsewhere.example", None),
        ("nothelp.example", None),
    ],
)
def test_the_nearest_domain_signs(keys: Path, domain: str, signing: str | None) -> None:
    signs = signer(
        read_key(each, "s1", keys / "ed25519.pem") for each in ("help.example", "eu.help.example")
    )

    signed = signs.signed(b"From: a@help.example\r\n\r\nx\r\n", domain)

    assert (f"d={signing};".encode() in signed) if signing else signed.startswith(b"From:")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("weak.pem", "verifiers ignore signatures by an RSA key of 512 bits"),
        ("text.pem", "this is not a private key in PEM"),
        ("other.pem", "this is not a private key in PEM"),
        ("locked.pem", "without a passphrase"),
        ("missing.pem", "the DKIM key cannot be read: No such file or directory"),
    ],
)
def test_a_key_that_verifiers_would_refuse_is_refused_with_its_file_name(
    keys: Path, name: str, message: str
) -> None:
    with pytest.raises(KeyRefused) as refused:
        read_key("help.example", "s1", keys / name)

    assert str(refused.value).startswith(f"{keys / name}: ")
    assert message in str(refused.value)


def test_a_key_does_not_show_its_secret(keys: Path) -> None:
    key = read_key("help.example", "s1", keys / "ed25519.pem")

    assert repr(key) == "SigningKey(domain='help.example', selector='s1')"
