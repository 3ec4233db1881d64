"""Whatever headers a mail carries, no author is mistaken for another.

The parts are real and connected as in the gateway: the parser finds the author, the authenticator
checks the proof against a DNS on the loopback, the rules identify the sender. The attacker owns
evil.example with all its subdomains, and has a mail that Ann once signed for her domain.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.authentication.authenticator import Authenticator
from gateway.authentication.dns import Resolver
from gateway.parsing.parser import Parser
from rules.facts import Facts
from rules.identity import ProofLevel, Sender, identify
from rules.mail import Delivery, Envelope, Mailbox
from rules.mail.header import Ambiguous
from rules.people import Company, Person, Role
from rules.sender.authentication import Authentication
from tests.examples import examples
from tests.gateway.senders import ELSEWHERE, ed25519_key, signed
from tests.nameserver import NameServer
from tests.rules.building import default_policy

ANN, EVE = "ann@acme.example", "eve@evil.example"
PEOPLE = ("ann@acme.example", "bob@acme.example", "sam@help.example")
OWN_ID = "mx.help.example"
TEXTS = {
    "acme.example": "v=spf1 ip4:192.0.2.1 -all",
    "_dmarc.acme.example": "v=DMARC1; p=none",
    "s1._domainkey.acme.example": ed25519_key().record,
    "help.example": "v=spf1 -all",
    "evil.example": f"v=spf1 ip4:{ELSEWHERE} -all",
    "sub.evil.example": f"v=spf1 ip4:{ELSEWHERE} -all",
    "acme.example.evil.example": f"v=spf1 ip4:{ELSEWHERE} -all",
    "_dmarc.evil.example": "v=DMARC1; p=none",
    "s1._domainkey.evil.example": ed25519_key().record,
    "_dmarc.example": "v=DMARC1; p=none",
}

addresses = st.sampled_from(
    [
        *PEOPLE,
        EVE,
        "ann@sub.evil.example",
        "ann@acme.example.evil.example",
        "ann%acme.example@evil.example",
        '"ann@acme.example"@evil.example',
        "ann@xn--cme-5cd.example",
        "ann@a\u0441me.example",
        "ann@acme.example\x00@evil.example",
        "=?utf-8?q?ann=40acme.example?=@evil.example",
        "=?utf-8?q?ann=40acme.example?=",
        "@evil.example:ann@acme.example",
        "",
    ]
)
phrases = st.sampled_from(
    ["Ann", '"ann@acme.example"', "=?utf-8?q?ann=40acme.example?=", "(ann)", "ann@acme.example", ""]
)
mailboxes = st.one_of(
    addresses,
    st.builds("{} <{}>".format, phrases, addresses),
    st.builds("{} ({})".format, addresses, addresses),
    st.builds("{}, {}".format, addresses, addresses),
    st.builds("{}: {}, {};".format, phrases, addresses, addresses),
    st.builds("<{}> <{}>".format, addresses, addresses),
)
folds = st.sampled_from([" ", "\r\n ", "\r\n\t", " \r\n \r\n ", "\r ", "\n ", "\n", "\r", "\x0b"])
plain = st.sampled_from(
    [
        *PEOPLE,
        EVE,
        f'"{ANN}" <{EVE}>',
        f"Ann\r\n <{EVE}>",
        "ann@sub.evil.example",
        "Ann <ann@acme.example.evil.example>",
    ]
)
folded = st.builds(lambda value, fold: value.replace(" ", fold), mailboxes, folds)
values = st.one_of(plain, plain.map(str.upper), folded)
author_names = st.sampled_from(
    ["From", "FROM", "from ", "From\t", "Fro\r\n m", " From", "From\x00", "X\r\nFrom", "X\nFrom"]
)
other_names = st.sampled_from(
    [
        "Sender",
        "Reply-To",
        "Resent-From",
        "Resent-Sender",
        "X-Original-Sender",
        "X-Original-From",
        "Return-Path",
        "Delivered-To",
        "Subject",
    ]
)
results = st.builds(
    "Authentication-Results: {}; {}=pass header.from={} header.d={} smtp.mailfrom={}".format,
    st.sampled_from([OWN_ID, "localhost", "evil.example", f"{OWN_ID} 1", f"({OWN_ID}) x"]),
    st.sampled_from(["dmarc", "dkim", "spf"]),
    *[st.sampled_from(["acme.example", "evil.example"])] * 3,
)


@cache
def signature(domain: str) -> str:
    """A signature field that is valid for another mail of this domain."""
    mail = f"From: x@{domain}\r\nSubject: pump\r\n\r\nother\r\n".encode()
    field = signed(mail, domain, ed25519_key(), signs=("from", "subject"))
    return field.partition(b"\r\nFrom:")[0].decode()


harmless = st.builds("{}: {}".format, other_names, plain)
fields = st.one_of(
    st.builds("{}: {}".format, author_names, values),
    st.builds("{}: {}".format, other_names, values),
    results,
    results.map(
        lambda field: field.replace("Authentication-Results", "ARC-Authentication-Results")
    ),
    st.sampled_from(["acme.example", "evil.example"]).map(signature),
    st.text(max_size=20).map(lambda text: f"X-Any: {text}"),
    st.just(""),
)


@dataclass(frozen=True)
class Sent:
    """A mail with its envelope sender and the client's EHLO name."""

    raw: bytes
    mail_from: str
    helo: str


@st.composite
def mails(draw: st.DrawFn) -> Sent:
    """A mail, signed or not, with further header fields above, between and below."""
    author, signer = draw(
        st.one_of(
            st.tuples(st.just(ANN), st.just("acme.example")),
            st.tuples(plain, st.sampled_from(["evil.example", ""])),
            st.tuples(values, st.sampled_from(["evil.example", ""])),
        )
    )
    base = (
        f"From: {author}\r\nTo: support@help.example\r\nSubject: pump\r\n\r\n"
        f"{'My pump.' if signer == 'acme.example' else 'Pay Eve.'}\r\n"
    ).encode("utf-8", "surrogatepass")
    if signer:
        base = signed_by(signer, base)
    lines = base.split(b"\r\n")
    for field in draw(st.lists(st.one_of(harmless, harmless.map(str), fields), max_size=4)):
        at = draw(st.integers(0, 4))
        lines.insert(at, field.encode("utf-8", "surrogatepass"))
    domains = st.sampled_from(["evil.example", "acme.example", "sub.evil.example", ""])
    path = draw(domains)
    return Sent(b"\r\n".join(lines), path and f"eve@{path}", draw(domains) or "localhost")


def signed_by(domain: str, raw: bytes) -> bytes:
    """The mail signed by dkimpy; unchanged if dkimpy cannot sign it."""
    try:
        return signed(raw, domain, ed25519_key(), signs=("from", "to", "subject"))
    except Exception:  # noqa: BLE001  dkimpy raises any exception on a malformed header
        return raw


@dataclass(frozen=True)
class Gateway:
    """The parts that identify a sender, and the event loop that they run on."""

    runner: asyncio.Runner
    parser: Parser
    authenticator: Authenticator

    def sender(self, sent: Sent) -> tuple[Sender, Authentication] | None:
        return self.runner.run(self._sender(sent))

    async def _sender(self, sent: Sent) -> tuple[Sender, Authentication] | None:
        mail = await self.parser.parse(sent.raw)
        if isinstance(mail.author, Ambiguous):
            return None
        recipients = ("support@help.example",)
        envelope = Envelope(ELSEWHERE, sent.helo, False, sent.mail_from, recipients)
        found = await self.authenticator.authenticate(Delivery(envelope, sent.raw), mail.author)
        return identify(mail.author, facts(envelope, found), default_policy()), found


def facts(envelope: Envelope, authentication: Authentication) -> Facts:
    """The facts of a mailbox where Acme's users and Sam of the staff are registered."""
    acme = Company(1, "Acme", True)
    people = {
        address: Person(number, address, "", role, True, False, company)
        for number, (address, role, company) in enumerate(
            (
                ("ann@acme.example", Role.USER, acme),
                ("bob@acme.example", Role.USER, acme),
                ("sam@help.example", Role.STAFF, None),
            )
        )
    }
    return Facts(
        decided_at=datetime(2026, 11, 21, tzinfo=UTC),
        mailbox=Mailbox(1, "support@help.example", "default"),
        own_addresses=frozenset({"support@help.example"}),
        envelope=envelope,
        authentication=authentication,
        pointers=(),
        people=people,
        author_company=None,
        domain_known=True,
        tickets={},
        known_ids={},
        named_before={},
        earlier=None,
        id_seen=False,
        acknowledged_at=None,
        invited_at=None,
        deferred_since=None,
    )


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    records = {(name, "TXT"): [text] for name, text in TEXTS.items()}
    with NameServer(records) as server, asyncio.Runner() as runner:
        resolver = Resolver(["127.0.0.1"], server.port)
        authenticator = Authenticator(resolver)
        parser = Parser()
        yield Gateway(runner, parser, authenticator)
        authenticator.close()
        runner.run(resolver.close())
        runner.run(parser.close())


def a_mail(*above: str, author: str = ANN, signer: str = "acme.example") -> Sent:
    raw = (
        f"From: {author}\r\nTo: support@help.example\r\nSubject: pump\r\n\r\nMy pump.\r\n".encode()
    )
    top = "".join(f"{field}\r\n" for field in above).encode()
    return Sent(top + signed_by(signer, raw), EVE, "evil.example")


@settings(max_examples=examples(200), deadline=None)
@example(a_mail())
@example(a_mail(f"From: {EVE}"))
@example(a_mail(f"Sender: {EVE}", f"Authentication-Results: {OWN_ID}; dmarc=fail"))
@example(a_mail(author=EVE, signer="evil.example"))
@example(a_mail(author="bob@acme.example", signer="evil.example"))
@given(mails())
def test_a_sender_at_t2_has_an_address_in_a_domain_that_proved_it(
    gateway: Gateway, sent: Sent
) -> None:
    found = gateway.sender(sent)

    if found is None:
        return
    sender, authentication = found
    assert (sender.proof_level >= ProofLevel.PROVEN) == authentication.aligned
    if sender.proof_level < ProofLevel.PROVEN:
        return
    domain = sender.address.rpartition("@")[2]
    proven = authentication.by.partition(":")[2]
    assert (
        domain.split(".")[-2:] == proven.split(".")[-2:]
    )  # both have the same organisational domain
    # The proof is by the attacker's own domain, or by the mail that Ann wrote, for Ann's address.
    if not f".{domain}".endswith(".evil.example"):
        assert sender.address == ANN
        assert authentication.by == "dkim:acme.example"
        assert re.search(rb"\r\n\r\n(?s:.*)My pump\.\r\n\Z", sent.raw)


def test_genuine_mail_is_proven(gateway: Gateway) -> None:
    """Otherwise the property would hold for a gateway that proves nobody."""
    for sent, author in (
        (a_mail(), ANN),
        (a_mail(author=EVE, signer="evil.example"), EVE),
        (a_mail(author="eve@sub.evil.example", signer="evil.example"), "eve@sub.evil.example"),
    ):
        found = gateway.sender(sent)
        assert found is not None
        assert (found[0].address, found[0].proof_level) == (author, ProofLevel.PROVEN)
