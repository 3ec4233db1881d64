"""A desk at work: four staff, an acknowledgement for each ticket, a third of the mails replies.

Each notice is signed with RSA-2048 and sent to a relay on the loopback, which accepts it at once.
A new ticket causes five notices, a reply four: the shipped policy notifies all staff of both.
At a `SilentDesk` none is sent.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.bench import load, mail_generator
from tests.bench.load import Load
from tests.bench.outbox import counting_relay
from tests.bench.surroundings import TRUSTED, Surroundings
from tests.bench.targets import MAILBOX
from tests.gateway.senders import rsa_key

STAFF = ("ada", "ben", "cleo", "dan")
REPLIES = 1 / 3
"""Each person's first mail opens a ticket, whatever this says."""


class Desk:
    """The load of a desk, from a trusted peer."""

    def write(self, folder: Path, count: int, senders: int) -> Load:
        mail_generator.write(folder, count, senders, MAILBOX, replies=REPLIES)
        return Load(folder, load.read(folder), "tests/bench/mail_generator.py")

    @contextmanager
    def around(self, folder: Path) -> Iterator[Surroundings]:
        with counting_relay(folder) as relay:
            yield replace(_surroundings(folder, relay.port), relay=relay)


class SilentDesk(Desk):
    """The same, but none of its notices is sent: the relay accepts connections and never greets.

    A relay that refused would cost more, since every notice would be put off at once. For this one
    four notices wait, and after a minute the fifty at most that were claimed with them are put off.
    """

    @contextmanager
    def around(self, folder: Path) -> Iterator[Surroundings]:
        with socket.create_server(("127.0.0.1", 0)) as relay:
            yield _surroundings(folder, relay.getsockname()[1])


def _surroundings(folder: Path, relay_port: int) -> Surroundings:
    domain = MAILBOX.partition("@")[2]
    key = folder / "dkim.pem"
    key.write_bytes(rsa_key(2048).private)
    return Surroundings(
        f'{TRUSTED}[relay]\nurl = "smtp://127.0.0.1:{relay_port}"\n'
        f'[[dkim]]\ndomain = "{domain}"\nselector = "bench"\nkey = "{key}"\n',
        policy={"pause_minutes": "0"},
        staff=tuple(f"{name}@{domain}" for name in STAFF),
    )
