"""One mail is one ticket, by whatever route it comes again and whatever the DNS answers then.

The copies are authenticated against a real name server and filed in a real store; each example has
a mailbox of its own.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.authentication.authenticator import Trust
from gateway.parsing.reading import read
from rules.decision.considered import Attempt, Received, consider
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.mail import Delivery, Envelope, Mailbox
from rules.people import Role
from rules.sender.authentication import Authentication
from storage.db import raw_mail
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.mail.apply import Entry
from storage.mail.filing import file
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.examples import examples
from tests.gateway.senders import ACME_HOST, ELSEWHERE, a_mail, a_world, rsa_key, signed
from tests.rules.building import KEYS, NOON, default_policy
from tests.storage.shop import new_ids

ANN, HERE = "ann@acme.example", "support@help.example.com"
PEER, RELAY, AUTHSERV_ID = "192.0.2.50", "192.0.2.60", "mx.help.example"
TRUST = Trust(peers=(ip_network(f"{PEER}/32"),), relays=((ip_network(f"{RELAY}/32"), AUTHSERV_ID),))
PLAIN = a_mail(ANN)
FIRST = signed(PLAIN, selector="s1").removesuffix(PLAIN)
SECOND = signed(
    PLAIN, selector="s2", signs=("from", "to", "subject", "date"), canonical=b"simple/simple"
).removesuffix(PLAIN)
STATED = (
    f"Authentication-Results: {AUTHSERV_ID}; dkim=pass header.d=acme.example;"
    " dmarc=pass header.from=acme.example\r\n"
).encode()
COPIES = {
    "genuine": FIRST + SECOND + PLAIN,
    "with a trace": b"Received: from a by b; Sat, 21 Nov 2026 06:00:00 +0000\r\n"
    + FIRST
    + SECOND
    + PLAIN,
    "signatures swapped": SECOND + FIRST + PLAIN,
    "first signature only": FIRST + PLAIN,
    "second signature only": SECOND + PLAIN,
    "with an unsigned field": b"X-Priority: 1\r\n" + FIRST + SECOND + PLAIN,
}
PEERS = {"directly": ACME_HOST, "elsewhere": ELSEWHERE, "peer": PEER, "relay": RELAY}
BROKEN = {
    "the DNS answers": (),
    "the first key fails": ("s1._domainkey.acme.example",),
    "the second key fails": ("s2._domainkey.acme.example",),
    "both keys fail": ("_domainkey.acme.example",),
    "all fails": ("acme.example",),
}


@dataclass(frozen=True)
class Attempted:
    """One attempt to deliver a copy."""

    copy: str
    route: str
    dns: str

    @property
    def raw(self) -> bytes:
        return (STATED if self.route == "relay" else b"") + COPIES[self.copy]


VerdictOn = Callable[[Attempted], Authentication]


async def all_verdicts() -> dict[Attempted, Authentication]:
    found = {}
    for dns, broken in BROKEN.items():
        async with a_world(TRUST) as world:
            world.publish("s2._domainkey.acme.example", rsa_key().record)
            world.server.broken.update(broken)
            for copy, route in itertools.product(COPIES, PEERS):
                attempted = Attempted(copy, route, dns)
                found[attempted] = await world.verdict(attempted.raw, ANN, peer=PEERS[route])
    return found


@pytest.fixture(scope="module")
def verdict_on() -> VerdictOn:
    return asyncio.run(all_verdicts()).__getitem__


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    opened = open_ledger(database)
    yield opened
    opened.close()


NEW_ID, MAILBOXES = new_ids(), itertools.count()


def new_mailbox(connection: Connection) -> Mailbox:
    address = f"support@help{next(MAILBOXES)}.example"
    add_mailbox(connection, address, "default")
    mailbox = mailbox_named(connection, address)
    add_company(connection, mailbox, "Acme", ["acme.example"])
    add_person(connection, mailbox, NewPerson(ANN, "", Role.USER, "Acme"))
    return mailbox


def entry_of(attempted: Attempted, proof: Authentication, mailbox: Mailbox) -> Entry:
    envelope = Envelope(PEERS[attempted.route], "", False, ANN, (mailbox.address,))
    policy = default_policy(aliases=[HERE])
    received = Received(
        mail=read(attempted.raw),
        envelope=envelope,
        mailbox=mailbox,
        authentication=proof,
        first_authentication=proof,
        read_bounces=tuple,
        came_at=NOON,
    )
    return Entry(
        journal_id=NEW_ID(),
        considered=consider(
            received, keys=KEYS, own_addresses=frozenset({mailbox.address}), policy=policy
        ),
        attempt=Attempt(NOON, NOON),
        delivery=Delivery(envelope, attempted.raw),
        compressed=raw_mail.compress(attempted.raw),
        new_id=NEW_ID,
    )


HONEST = st.builds(
    Attempted,
    st.sampled_from(["genuine", "with a trace"]),
    st.sampled_from(sorted(PEERS)),
    st.sampled_from(sorted(BROKEN)),
)
ANY = st.builds(
    Attempted,
    st.sampled_from(sorted(COPIES)),
    st.sampled_from(sorted(PEERS)),
    st.sampled_from(sorted(BROKEN)),
)


@settings(
    deadline=None,
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(honest=st.lists(HONEST, min_size=1, max_size=4), later=st.lists(ANY, max_size=4))
def test_a_mail_is_one_ticket(
    ledger: Ledger,
    verdict_on: VerdictOn,
    honest: list[Attempted],
    later: list[Attempted],
) -> None:
    """Its sender tries until it is accepted, and again if the reply was lost; then come copies."""
    mailbox = ledger.submit(new_mailbox).result()

    def take(attempted: Attempted) -> Receipt:
        entry = entry_of(attempted, verdict_on(attempted), mailbox)
        (receipt,) = ledger.submit(lambda c: file(c, [entry])).result()
        return receipt

    certain = replace(honest[0], route="directly", dns="the DNS answers")
    receipts = [take(attempted) for attempted in (*honest, certain, *later)]

    outcomes = [receipt.verdict for receipt in receipts]
    assert outcomes.count(Verdict.OPENED) == 1
    assert set(outcomes) <= {Verdict.OPENED, Verdict.DUPLICATE, Verdict.DEFERRED, Verdict.REFUSED}


def test_the_ways_to_prove_it_are_all_among_the_examples(verdict_on: VerdictOn) -> None:
    every = [Attempted(*one) for one in itertools.product(COPIES, PEERS, BROKEN)]
    verdicts = [verdict_on(attempted) for attempted in every]

    proofs = {verdict.by.partition(":")[0] for verdict in verdicts}
    assert proofs == {"", "peer", "relay", "dkim", "spf"}
    assert any(verdict.temporary for verdict in verdicts)
