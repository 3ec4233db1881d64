"""Mails of which nobody vouches for the author: each is signed, and the peer is not trusted.

SPF, DKIM and DMARC are checked against a name server on the loopback. It is no part of Postern: its
CPU time does not count. All limits by address and by network are raised, since every mail comes
from one address.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from tests.bench import load, mail_generator
from tests.bench.load import Load
from tests.bench.surroundings import Surroundings
from tests.bench.targets import MAILBOX
from tests.gateway.senders import rsa_key, signed
from tests.nameserver import NameServer

STOP_S = 10.0
_LIMITS = """
[limits]
mails_per_minute = 1000000
recipients_per_minute = 1000000
connections_per_peer = 1000
"""


class Untrusted:
    """The load of authors who are proven by signature and by address."""

    def write(self, folder: Path, count: int, senders: int) -> Load:
        mail_generator.write(folder, count, senders, MAILBOX)
        mails, key = load.read(folder), rsa_key(2048)
        for mail in mails:
            raw = mail.path.read_bytes()
            mail.path.write_bytes(signed(raw, mail.sender.partition("@")[2], key))
        return Load(folder, mails, "tests/bench/mail_generator.py, signed with RSA-2048")

    @contextmanager
    def around(self, folder: Path) -> Iterator[Surroundings]:
        texts: dict[str, str] = {}
        for domain in mail_generator.DOMAINS:
            texts[domain] = "v=spf1 ip4:127.0.0.1 -all"
            texts[f"_dmarc.{domain}"] = "v=DMARC1; p=reject"
            texts[f"s1._domainkey.{domain}"] = rsa_key(2048).record
        with name_server(texts) as port:
            yield Surroundings(
                f'[trust]\npeers = []\n[dns]\nservers = ["127.0.0.1"]\nport = {port}\n'
                f'[relay]\nmaildir = "{folder}/outbox"\n{_LIMITS}'
            )


@contextmanager
def name_server(texts: Mapping[str, str], silent: str = "") -> Iterator[int]:
    """Serve TXT records in a separate process; yields its port. `silent` is a domain that gets no
    answer."""
    context = multiprocessing.get_context("spawn")
    pipe, child_pipe = context.Pipe()
    process = context.Process(
        target=_serve_names, args=(child_pipe, dict(texts), silent), daemon=True
    )
    process.start()
    try:
        yield int(pipe.recv())
    finally:
        pipe.send("stop")
        process.join(STOP_S)


def _serve_names(pipe: Pipe, texts: Mapping[str, str], silent: str) -> None:
    with NameServer({(name, "TXT"): [text] for name, text in texts.items()}) as server:
        if silent:
            server.silent.add(silent)
        pipe.send(server.port)
        pipe.recv()
