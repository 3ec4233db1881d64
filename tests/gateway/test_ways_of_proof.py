"""Each way of proof, crossed with all that is read of a mail, in situations of all kinds: whoever
sends a genuine mail again gains nothing by what its proof does not cover.

The ways are those that the code knows, and so are the fields and the parts of the envelope: a new
one without a row fails here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway.authentication
import rules.sender
from gateway.authentication.authenticator import Trust
from gateway.authentication.relay_scope import REMOVED
from gateway.parsing.reading import read
from rules.decision.considered import Considered, Received, consider
from rules.decision.decide import decide
from rules.decision.model import AddComment, Decision, Hold, OpenTicket, Record, Refuse
from rules.decision.reasons import Reason
from rules.mail import Delivery, Envelope
from rules.mail.header import Author
from rules.mail.lists import replaced_author
from rules.people import ParticipantKind, Presence
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.sender.signature_scope import SINGLE_FIELDS
from rules.sender.tokens import Purpose
from rules.ticket.visibility import Visibility
from tests.examples import examples
from tests.gateway.forwarders import GOOGLE_GROUP_SIGNS, GOOGLE_SIGNS, arc_sealed
from tests.gateway.senders import ACME_HOST, ELSEWHERE, a_world, rsa_key, signed
from tests.gateway.senders import World as Internet
from tests.gateway.test_unsigned_fields import ALL_READ, TELLING
from tests.rules.building import (
    ANN,
    BOB,
    GIL,
    KEYS,
    MAILBOX,
    NOON,
    SAM,
    SUPPORT,
    World,
    a_ticket,
    default_policy,
    member,
    our_id,
    token_to,
)

RELAY, MX, SEALER, FORWARDER = "192.0.2.200", "mx.example", "google.com", "fwd.example"
TRUST = Trust(relays=((ip_network(f"{RELAY}/32"), MX),), sealers=(SEALER,), forwarders=(FORWARDER,))
EVE, GUEST, CLIENT = "eve@evil.test", "guest@guest.example", "client.example"
SEALED = (*GOOGLE_SIGNS, "content-type", "content-disposition")
LISTED = (*GOOGLE_GROUP_SIGNS, "in-reply-to", "references")

Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Situation:
    """A mail that its author has written, and what is known here when somebody sends it again."""

    author: str = ANN.address
    to: str = SUPPORT
    more: Lines = ()
    text: str = "It does not print."
    world: World = field(default_factory=World)
    released: bool = False
    lookups: bool = True
    """Whether a registered company has the author's domain, or the mail answers something."""

    @property
    def domain(self) -> str:
        return self.author.rpartition("@")[2]

    @property
    def lines(self) -> Lines:
        return (
            ("from", self.author),
            ("to", self.to),
            ("subject", "Printer"),
            ("date", format_datetime(datetime.now(UTC).replace(hour=0, minute=0, second=0))),
            ("message-id", "<1@client.example>"),
            *self.more,
        )


def around(*tickets: int, anns: Presence = Presence.ACTIVE) -> World:
    """Ann's ticket 7, or one on which she is only proposed; Gil's ticket 8, which she reads; and
    `tickets` that named her mail, and another, before they came."""
    requester = member(70, ANN.address, ParticipantKind.REQUESTER)
    if anns is not Presence.ACTIVE:
        requester = member(70, BOB.address, ParticipantKind.REQUESTER)
    proposed = (member(73, ANN.address, presence=anns),) if anns is not Presence.ACTIVE else ()
    guest, sam = ParticipantKind.GUEST, member(72, SAM.address, ParticipantKind.FOLLOWER)
    first = a_ticket(7, requester, member(71, GUEST, guest), sam, *proposed)
    gils = (member(80, GIL.address, ParticipantKind.REQUESTER), member(81, ANN.address))
    second = a_ticket(8, *gils, member(82, GUEST, guest), company=GIL.company)
    ids = ("<1@client.example>", "<2@client.example>")
    return World(tickets=(first, second), named_before=dict(zip(ids, tickets, strict=False)))


def answering(ticket: int) -> Lines:
    return (("in-reply-to", our_id(ticket)),)


NOTE = token_to(72, purpose=Purpose.NOTE)
SITUATIONS = {
    "a new request": Situation(world=around()),
    "on her ticket": Situation(to=token_to(70), world=around()),
    "on the ticket of somebody else": Situation(more=answering(8), world=around()),
    "a late parent": Situation(world=around(8, 7)),
    "a guest": Situation(GUEST, more=answering(7), world=around()),
    "a guest with a late parent": Situation(GUEST, world=around(8, 7), lookups=False),
    "a guest who answers nothing": Situation(GUEST, world=around(), lookups=False),
    "proposed": Situation(more=answering(7), world=around(anns=Presence.PENDING)),
    "a command of staff": Situation(
        SAM.address, token_to(72), text="#note\r\n\r\nThey owe us money.", world=around()
    ),
    "a note of staff": Situation(SAM.address, NOTE, world=around()),
    "released": Situation(world=around(), released=True),
    "to somebody else": Situation(to="x@else.example", world=around()),
}


@dataclass(frozen=True)
class Attack:
    """What somebody does to a mail that they send again. They hand it to a relay, list or sealer,
    or send it here, as the way of proof has it."""

    added: bytes = b""
    unsigned: str = ""
    """The field that its author's signature does not cover."""
    changed: bool = False
    """And that is changed."""
    rcpt_to: str = SUPPORT
    mail_from: str = EVE

    def on(self, mail: bytes) -> bytes:
        line = re.compile(rb"(?im)^" + self.unsigned.encode() + rb":.*\r\n")
        if self.changed:
            mail = line.sub(b"", mail, count=1)
            mail = field_of(self.unsigned) + mail
        return self.added + mail


def field_of(name: str) -> bytes:
    return f"{name}: {TELLING.get(name, 'yes')}\r\n".encode() * (31 if name == "received" else 1)


NOTHING, PRESET = Attack(), default_policy()


@dataclass(frozen=True)
class Sent:
    """A mail as it comes here."""

    raw: bytes
    peer: str = ELSEWHERE
    mail_from: str = ""
    """Of a forwarder; of any other way, whatever its last sender chooses."""


def signed_names(situation: Situation, attack: Attack) -> tuple[str, ...]:
    return tuple(name for name, _ in situation.lines if name != attack.unsigned)


def as_written(situation: Situation) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in situation.lines)
    return f"{lines}\r\n{situation.text}\r\n".encode()


@cache
def signature(
    mail: bytes, domain: str, names: tuple[str, ...], tags: tuple[tuple[str, str], ...] = ()
) -> bytes:
    return signed(mail, domain, signs=names, tags=dict(tags)).removesuffix(mail)


def caught(situation: Situation, attack: Attack, *, below: str = "", **tags: str) -> bytes:
    """The author's signed mail, with what somebody did to it."""
    mail, names = as_written(situation), signed_names(situation, attack)
    written = signature(mail, below + situation.domain, names, tuple(tags.items()))
    return attack.on(written + mail)


def results(situation: Situation, name: str, *, direct: bool = False) -> str:
    domain, spf = situation.domain, situation.domain if direct else "evil.test"
    return (
        f"{name}; dkim=pass header.d={domain}; spf=pass smtp.mailfrom=a@{spf};"
        f" dmarc=pass header.from={domain}"
    )


def relayed(situation: Situation, raw: bytes, *, footer: bytes = b"", direct: bool = False) -> Sent:
    states = results(situation, MX, direct=direct)
    stated = f"Authentication-Results: {states}\r\n".encode()
    return Sent(stated + raw + footer, peer=RELAY)


def sealed(situation: Situation, raw: bytes, *, direct: bool = False) -> Sent:
    states = results(situation, SEALER, direct=direct)
    return Sent(arc_sealed(raw, SEALER, states, signs=SEALED))


def sealed_before(situation: Situation, attack: Attack) -> bytes:
    """Sealed as it came from the author's own servers; somebody got it then."""
    names, mail = signed_names(situation, attack), as_written(situation)
    mail = signature(mail, situation.domain, names) + mail
    states = results(situation, SEALER, direct=True)
    return attack.on(arc_sealed(mail, SEALER, states, signs=names))


def through_list(
    situation: Situation, attack: Attack, *, keeps: bool = True, direct: bool = False
) -> Sent:
    """`keeps`: the author's signature stays on it."""
    rewritten = (
        f"From: Support <{SUPPORT}>\r\nX-Original-Sender: {situation.author}\r\n"
        f"X-Original-From: {situation.author}\r\n"
    )
    mail = caught(situation, attack) if keeps else attack.on(as_written(situation))
    mail = mail.replace(f"from: {situation.author}\r\n".encode(), rewritten.encode(), 1)
    return sealed(situation, signed(mail, "help.example", signs=LISTED), direct=direct)


FOOTER = b"-- \r\nScanned.\r\n"
WAYS: dict[str, Callable[[Situation, Attack], Sent]] = {
    "dkim": lambda it, by: Sent(caught(it, by)),
    "dkim of a name below": lambda it, by: Sent(caught(it, by, below="mail.")),
    "dkim, from a relay without results": lambda it, by: Sent(caught(it, by), peer=RELAY),
    "relay": lambda it, by: relayed(it, caught(it, by)),
    "relay that changes the body": lambda it, by: relayed(it, caught(it, by), footer=FOOTER),
    "relay, of a signature of long ago": lambda it, by: relayed(it, caught(it, by, t="1700000000")),
    "relay, of a signature that has expired": lambda it, by: relayed(
        it, caught(it, by, t="1700000000", x="1700000001")
    ),
    "arc": lambda it, by: sealed(it, caught(it, by)),
    "arc of a sealer that changes the body": lambda it, by: sealed(it, caught(it, by) + FOOTER),
    "arc, caught behind the sealer": lambda it, by: Sent(sealed_before(it, by)),
    "arc, from a relay without results": lambda it, by: Sent(sealed_before(it, by), peer=RELAY),
    "arc of a list of ours": through_list,
    "arc, from a listed forwarder": lambda it, by: Sent(
        sealed_before(it, by), mail_from=f"srs0=a@{FORWARDER}"
    ),
}
COUNT_AS_A_WHOLE = {
    "peer": "a listed peer hands over genuine mail alone",
    "spf": "the mail came from the author's own servers",
    "staff": "a person has read the mail; what was signed of it is still measured",
}
"""The other ways. A reply token (T1) speaks for a whole mail, too, for which less is done."""
TRUSTED = {"peers": "peer", "relays": "relay", "sealers": "arc", "forwarders": "arc"}

CHOSEN_BY_THE_LAST = {"mail_from", "rcpt_tos", "helo"}
KNOWN_OF_THE_CLIENT = {"peer", "tls", "strangers", "listed", "handed_on"}
SIGNATURES = {"dkim-signature", "arc-message-signature"}
"""Another one of these ends a proof or leaves it as it is: tests of the authenticator add them."""
ADDED = sorted({*ALL_READ, *SINGLE_FIELDS, "resent-from"} - {"from"} - SIGNATURES)
CHANGED = ("to", "subject", "date", "message-id", "in-reply-to")
TOKENS = (token_to(70), token_to(80, 8), token_to(81, 8), token_to(72), NOTE)
ATTACKS = (
    *(Attack(added=field_of(name)) for name in ADDED),
    *(Attack(unsigned=name, changed=True) for name in CHANGED),
    *(Attack(rcpt_to=token) for token in (*TOKENS, token_to(70, purpose=Purpose.FEEDBACK))),
    Attack(mail_from=""),
)


class Desk:
    """The mailbox with the DNS and an authenticator, in an event loop of its own."""

    def __init__(self, runner: asyncio.Runner, internet: Internet) -> None:
        self._runner = runner
        self._internet = internet
        self.silence = internet.silence

    def considered(
        self, sent: Sent, situation: Situation, attack: Attack, policy: Policy = PRESET
    ) -> Considered:
        mail = read(sent.raw)
        mail_from = attack.mail_from and (sent.mail_from or attack.mail_from)
        envelope = Envelope(sent.peer, CLIENT, True, mail_from, (attack.rcpt_to,))
        proven = Authentication.unchecked("no single author")
        if isinstance(mail.author, Author):
            proven = self._runner.run(self._verdict(Delivery(envelope, sent.raw), situation))
        by_staff = Authentication.by_staff("sam@help.example")
        received = Received(
            mail=mail,
            envelope=envelope,
            mailbox=MAILBOX,
            authentication=by_staff if situation.released else proven,
            first_authentication=proven,
            read_bounces=tuple,
            came_at=NOON,
        )
        own = frozenset({SUPPORT})
        return consider(received, keys=KEYS, own_addresses=own, policy=policy)

    def decided(self, way: str, situation: Situation, attack: Attack) -> Decision:
        return self.decided_on(WAYS[way](situation, attack), situation, attack)

    def decided_on(
        self, sent: Sent, situation: Situation, attack: Attack, policy: Policy = PRESET
    ) -> Decision:
        seen = self.considered(sent, situation, attack, policy)
        world = replace(situation.world, proof=seen.authentication, looped=seen.looped)
        author = seen.mail.author.address if isinstance(seen.mail.author, Author) else ""
        facts = replace(
            world.facts(seen.mail, seen.envelope, author),
            pointers=seen.pointers,
            structure_is_open=seen.structure_is_open,
        )
        return decide(seen.mail, facts, seen.policy)

    async def _verdict(self, delivery: Delivery, situation: Situation) -> Authentication:
        mail, by = read(delivery.raw), self._internet.authenticator
        assert isinstance(mail.author, Author)
        author = replaced_author(mail.header, mail.author, {SUPPORT})
        if author is not None:
            found = await by.authenticate_through_list(delivery, mail.author, author)
            if found is not None:
                return found

        async def needs_lookups() -> bool:
            return situation.lookups

        return await by.authenticate(delivery, mail.author, needs_lookups)


@contextmanager
def a_desk() -> Iterator[Desk]:
    with asyncio.Runner() as runner:
        opened = a_world(TRUST)
        internet = runner.run(_entered(opened.__aenter__()))
        for domain in ("acme.example", "guest.example", "help.example", "silent.example"):
            for signer in (domain, f"mail.{domain}"):
                internet.publish(f"s1._domainkey.{signer}", rsa_key().record)
            internet.publish(f"_dmarc.{domain}", "v=DMARC1; p=reject")
        for domain in ("guest.example", "help.example"):
            internet.publish(domain, f"v=spf1 ip4:{ACME_HOST} -all")
        internet.publish(f"s1._domainkey.{SEALER}", rsa_key().record)
        internet.publish(FORWARDER, f"v=spf1 ip4:{ELSEWHERE} -all")
        yield Desk(runner, internet)
        runner.run(_left(opened.__aexit__(None, None, None)))


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with a_desk() as opened:
        yield opened


async def _entered(step: Awaitable[Internet]) -> Internet:
    return await step


async def _left(step: Awaitable[bool | None]) -> None:
    await step


def is_freed(way: str, situation: Situation, attack: Attack) -> bool:
    """Whether a listed forwarder frees it: what no signature covers counts then, but for To and Cc
    next to a signed one of these, and for a second field next to a signed one."""
    if "forwarder" not in way:
        return False
    if attack.unsigned == "to":
        return True
    name = attack.unsigned or attack.added.partition(b":")[0].decode()
    bound = {"to", "cc", ""} | set(signed_names(situation, attack))
    return name not in bound


CROSS = [
    (way, named, attack)
    for way in WAYS
    for named, situation in SITUATIONS.items()
    for attack in ATTACKS
    if not is_freed(way, situation, attack)
    and (attack.unsigned in ("", *(name for name, _ in situation.lines)))
]


@cache
def without(desk: Desk, way: str, named: str, unsigned: str) -> Decision:
    return desk.decided(way, SITUATIONS[named], Attack(unsigned=unsigned))


def gains_nothing(by_attack: Decision, by_author: Decision) -> bool:
    """Whether a mail has the outcome that it has without the attack, or has none, or is filed as a
    machine's: it triggers nothing and has no author's words."""
    action, usual = by_attack.action, by_author.action
    if repr(action) == repr(usual) or isinstance(action, (Hold, Refuse)):
        return True
    if isinstance(action, Record):
        return by_attack.reason is Reason.AUTOMATIC and not action.orders
    if isinstance(action, OpenTicket) and isinstance(usual, OpenTicket):
        # A released one with the null reverse-path is a request that nothing answers.
        return set(map(repr, action.orders)) < set(map(repr, usual.orders))
    return False


def test_every_way_of_proof_has_a_row() -> None:
    """The ways are written as the start of what the journal names; the trust is the configured."""
    folders = [Path(each.__path__[0]) for each in (gateway.authentication, rules.sender)]
    sources = [file.read_text() for folder in folders for file in folder.glob("*.py")]
    named = {kind for text in sources for kind in re.findall(r'f"([a-z]+):\{', text)}
    crossed = {way.partition(" ")[0].strip(",") for way in WAYS}

    assert named == crossed | set(COUNT_AS_A_WHOLE)
    assert {each.name for each in fields(Trust)} == set(TRUSTED)
    assert {each.name for each in fields(Envelope)} == CHOSEN_BY_THE_LAST | KNOWN_OF_THE_CLIENT


@pytest.mark.parametrize("way", WAYS)
def test_a_mail_that_nobody_changed_is_filed_by_each_way(desk: Desk, way: str) -> None:
    reasons = {
        named: desk.decided(way, SITUATIONS[named], NOTHING).reason
        for named in ("a new request", "on her ticket", "to somebody else")
    }

    assert list(reasons.values()) == [Reason.NEW_REQUEST, Reason.REPLY_TOKEN, Reason.NOT_ADDRESSED]


@pytest.mark.parametrize(
    "way", ["dkim", "relay", "relay that changes the body", "arc of a sealer that changes the body"]
)
@pytest.mark.parametrize(
    "added", ["Content-Disposition: attachment", "Content-Type: image/png", "In-Reply-To: <x@y>"]
)
def test_a_note_of_staff_is_not_published_by_what_makes_a_file_of_it(
    desk: Desk, way: str, added: str
) -> None:
    """Its text, with the command, would be a file that customers get. What changes the body leaves
    the structure to whoever sent the mail there."""
    note = replace(SITUATIONS["a command of staff"], more=answering(7))

    usual = desk.decided(way, note, NOTHING).action
    changed = desk.decided(way, note, Attack(added=f"{added}\r\n".encode()))

    assert isinstance(usual, AddComment)
    assert usual.visibility is Visibility.NOTE
    assert changed.reason is Reason.NOT_SIGNED


def test_nor_if_staff_release_it(desk: Desk) -> None:
    note = replace(SITUATIONS["a command of staff"], released=True)

    usual = desk.decided("dkim", note, NOTHING)
    as_file = desk.decided("dkim", note, Attack(added=b"Content-Disposition: attachment\r\n"))

    assert isinstance(usual.action, AddComment)
    assert isinstance(as_file.action, AddComment)
    assert usual.action.visibility is Visibility.NOTE
    assert (as_file.action.visibility, as_file.reason) == (
        Visibility.PRIVATE,
        Reason.COMMAND_REFUSED,
    )


@pytest.mark.parametrize("stated", ["dkim=pass header.d=acme.example", "dkim=pass"])
@pytest.mark.parametrize("named", ["a new request", "to somebody else", "on her ticket"])
def test_behind_a_relay_that_removed_the_signature_nothing_counts(
    desk: Desk, named: str, stated: str
) -> None:
    """It counted one, and nobody knows what that covered: the mail may be one to somebody else."""
    situation = SITUATIONS[named]
    states = f"Authentication-Results: {MX}; {stated}; dmarc=pass header.from=acme.example\r\n"
    sent = Sent(states.encode() + as_written(situation), peer=RELAY)
    seen = desk.considered(sent, situation, NOTHING)
    world = replace(situation.world, proof=seen.authentication)
    facts = world.facts(seen.mail, seen.envelope, situation.author)

    decision = decide(seen.mail, replace(facts, pointers=seen.pointers), seen.policy)

    assert decision.reason is Reason.NOT_SIGNED
    assert REMOVED in decision.trace[-1].outcome


@pytest.mark.parametrize("signs", ["", "message-id"])
def test_behind_a_relay_that_changes_each_body_a_mail_is_recognised(desk: Desk, signs: str) -> None:
    """A relay that rewrites links makes another body of each copy."""
    request = SITUATIONS["a new request"]

    def copy(number: int) -> set[str]:
        attack = Attack(added=b"X-Copy: %d\r\n" % number, unsigned=signs)
        raw = caught(request, attack)
        sent = relayed(request, raw, footer=b"https://relay.example/%d\r\n" % number)
        return set(desk.considered(sent, request, attack).identities)

    assert copy(1) & copy(2)


@settings(max_examples=examples(120), deadline=None)
@given(case=st.sampled_from(CROSS))
def test_what_a_way_of_proof_does_not_cover_counts_for_nothing(
    desk: Desk, case: tuple[str, str, Attack]
) -> None:
    way, named, attack = case

    by_attack = desk.decided(way, SITUATIONS[named], attack)

    assert gains_nothing(by_attack, without(desk, way, named, attack.unsigned)), by_attack
