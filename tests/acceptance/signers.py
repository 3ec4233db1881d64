"""Independent signers: dkimpy's command, and Debian's opendkim as a mail filter."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 10
PROTOCOL_VERSION, ALL_STEPS = 6, 0
ALL_ACTIONS = 0x1FF
_FINAL_PACKETS = b"acdrt"
"""Accept, continue, discard, reject, tempfail: an answer ends with one of these packets."""


def dkimsign(raw: bytes, domain: str, selector: str, key: Path, *options: str) -> bytes:
    """The mail as `dkimsign` of dkimpy prints it."""
    program = Path(sys.executable).with_name("dkimsign")
    command = [str(program), *options, selector, domain, str(key)]
    return subprocess.run(command, input=raw, capture_output=True, check=True, timeout=30).stdout


def testmsg(raw: bytes, domain: str, selector: str, key: Path) -> bytes:
    """The mail as `opendkim-testmsg` prints it, which always signs with SHA-1."""
    command = ["opendkim-testmsg", "-C", "-d", domain, "-s", selector, "-k", str(key)]
    return subprocess.run(command, input=raw, capture_output=True, check=True, timeout=30).stdout


def missing(*programs: str) -> str:
    """Why a test that needs these programs is skipped; empty if they are installed."""
    absent = [name for name in programs if shutil.which(name) is None]
    return f"{', '.join(absent)} of Debian's opendkim is not installed" if absent else ""


@contextmanager
def opendkim(folder: Path, domain: str, selector: str, key: Path) -> Iterator[Path]:
    """Run the filter, which signs for a domain; yields the path of its socket."""
    path = folder / "opendkim"
    settings = folder / "opendkim.conf"
    settings.write_text(
        f"Mode s\nDomain {domain}\nSelector {selector}\nKeyFile {key}\nSocket local:{path}\n"
        "Canonicalization relaxed/relaxed\nSignatureAlgorithm rsa-sha256\n"
        "RequireSafeKeys no\n"  # tests use folders below /tmp, which others may write to
    )
    process = subprocess.Popen(["opendkim", "-f", "-x", str(settings)])
    try:
        deadline = time.monotonic() + START_S
        while not path.exists():
            assert process.poll() is None, f"opendkim ended with {process.returncode}"
            assert time.monotonic() < deadline, "opendkim did not open its socket"
            time.sleep(0.01)
        yield path
    finally:
        process.kill()  # it has no state to save, and SIGTERM takes five seconds
        process.wait(START_S)


def signed_by_filter(raw: bytes, path: Path, mail_from: str) -> bytes:
    """The mail with the fields that the filter asks the MTA to insert (milter protocol)."""
    header, _, body = raw.partition(b"\r\n\r\n")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(START_S)
        peer.connect(str(path))
        _ask(peer, b"O" + struct.pack(">III", PROTOCOL_VERSION, ALL_ACTIONS, ALL_STEPS), b"O")
        _ask(peer, b"Clocalhost\x004" + struct.pack(">H", 25) + b"127.0.0.1\x00")
        for command in (b"Hlocalhost", b"M<%b>" % mail_from.encode(), b"R<support@help.example>"):
            _ask(peer, command + b"\x00")
        for line in header.split(b"\r\n"):
            name, _, value = line.partition(b":")
            _ask(peer, b"L" + name + b"\x00" + value.strip() + b"\x00")
        _ask(peer, b"N")
        _ask(peer, b"B" + body)
        inserted = b""
        for packet in _ask(peer, b"E"):
            if packet[:1] == b"i":
                name, value, _ = packet[5:].split(b"\x00")
                inserted += name + b": " + value.strip().replace(b"\n", b"\r\n") + b"\r\n"
        peer.sendall(_packet(b"Q"))
    return inserted + raw


def _packet(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _ask(peer: socket.socket, content: bytes, final: bytes = _FINAL_PACKETS) -> list[bytes]:
    """Send a packet; returns all packets of the answer."""
    peer.sendall(_packet(content))
    answer: list[bytes] = []
    while not answer or answer[-1][:1] not in final or answer[-1] == b"":
        (length,) = struct.unpack(">I", _exactly(peer, 4))
        answer.append(_exactly(peer, length))
    return answer


def _exactly(peer: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        block = peer.recv(length - len(found))
        assert block, "the filter hung up"
        found += block
    return found
