"""A certificate that was renewed is used without a restart."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from gateway.certificate import Certificate
from gateway.config.sections import TlsSection


def write_pair(folder: Path, name: str) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-subj /CN={name} -keyout key.pem -out certificate.pem"
    )
    subprocess.run(shlex.split(make), cwd=folder, check=True, capture_output=True, timeout=60)


def files_in(folder: Path) -> TlsSection:
    return TlsSection(certificate=folder / "certificate.pem", key=folder / "key.pem")


async def test_new_connections_have_the_certificate_that_was_read_last(tmp_path: Path) -> None:
    write_pair(tmp_path, "old.example")
    certificate = Certificate(files_in(tmp_path))
    before = shown_by(certificate)
    write_pair(tmp_path, "new.example")

    assert await certificate.reload()
    assert "old.example" in before
    assert "new.example" in shown_by(certificate)


async def test_a_pair_that_does_not_match_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    write_pair(tmp_path, "old.example")
    certificate = Certificate(files_in(tmp_path))
    key = (tmp_path / "key.pem").read_text()
    write_pair(tmp_path, "new.example")
    (tmp_path / "key.pem").write_text(key)

    assert not await certificate.reload()
    assert "old.example" in shown_by(certificate)


def shown_by(certificate: Certificate) -> str:
    """The name in the certificate that a client of this context is shown."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server) * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    der = client.getpeercert(binary_form=True)
    assert der is not None
    return der.decode("latin-1")
