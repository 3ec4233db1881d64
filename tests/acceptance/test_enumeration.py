"""Below T2 no reply reveals who is registered, which tickets exist, or whether a token is valid.

The replies to mails that differ only in what *we* know must be equal, byte for byte and in time.
So each group below keeps everything else fixed.

- A domain without a policy: a registered address, a deactivated one and an unknown one, none of
  them proven, and a stranger from a domain that is unknown to us. Then the registered address with
  each pointer, to an existing ticket and to none: In-Reply-To with a Message-ID that we received
  and with another; with one that we generated and the same with a wrong MAC; the subject tag; a
  reply token of somebody else and the same with one character changed. Then the same tokens from
  the stranger.
- A domain with p=reject: the same three addresses without the stranger, and the pointers again.
- Domains of customers and domains of nobody that publish p=none, p=quarantine, p=reject or nothing,
  each with a Message-ID that we do not know as well; the envelope passes SPF and is unaligned.
- A proven stranger: without a pointer, and with each pointer except a valid token, which is the
  only one that makes a difference (the mail is flagged).
- A domain with p=quarantine, and one whose name servers are silent: the same three addresses. Here
  only the replies are compared (with the mail's own id masked), because 250 and 451 are delayed to
  the same multiple of time as all other replies.

Not compared, because they may differ: an address with *its own* token, which is a proof (T1); any
mail at T2; a domain whose name servers fail.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from rules.sender.tokens import message_id
from tests.acceptance.internet import (
    ANN,
    BOB,
    EVE,
    ULA,
    Target,
    a_mail,
    genuine_mail,
    running_target,
    signed_by,
)
from tests.acceptance.support_server import SUPPORT, filed
from tests.stores import SqliteStores

ATTEMPTS = ((10, 20), (10, 60), (4, 100), (4, 60))
MANY_ATTEMPTS = ((30, 200), (10, 200), (4, 200))
"""Connections at once and samples of each kind. A busy machine spreads the times: then they are
measured again with more samples, and with fewer connections. A difference that the code makes is
there every time, and few samples can only add to it."""
FEW_ATTEMPTS = ((10, 4), (4, 5), (2, 7), (1, 7))
MAILS_PER_CONNECTION = 10
"""Fewer than the number of refusals that closes a connection."""
REFUSAL_S = 0.2
MAX_DIFFERENCE_S = 0.005
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_number = itertools.count(1)


@dataclass(frozen=True)
class Kind:
    """A kind of mail: its author, recipient and pointers."""

    author: str
    field: str = ""
    tag: str = ""
    to: str = SUPPORT

    def raw(self) -> bytes:
        number = next(_number)
        mail = a_mail(self.author, *([self.field] if self.field else []))
        return mail.replace(b"Subject: pump", f"Subject: {self.tag} pump {number}".encode(), 1)


Kinds = Mapping[str, Kind]
Groups = Mapping[str, Kinds]
Attempts = Sequence[tuple[int, int]]


@pytest.fixture(scope="module")
def target(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    # Thousands of mails come from this one address: its rates would answer them, not what we know.
    limits = "\n".join(
        (
            f"refusal_s = {REFUSAL_S}",
            f"connections_per_peer = {2 * MANY_ATTEMPTS[0][0]}",
            *(f"{act}_per_minute = 1_000_000" for act in ("connections", "mails", "recipients")),
        )
    )
    folder = tmp_path_factory.mktemp("enumeration")
    with running_target(folder, sqlite_stores.new(), limits) as running:
        yield running


@pytest.fixture(scope="module")
def groups(target: Target) -> Groups:
    """A ticket of Bob's; the attackers who pose as Ann and Ula know its token and Message-IDs."""
    opening = genuine_mail(BOB)
    _, ticket = filed(target.send(opening, BOB))
    received = re.search(rb"^Message-ID: (\S+)\r$", opening, re.MULTILINE)
    assert received is not None
    pointers = pointers_to(target, ticket, BOB, received[1].decode())
    stranger = "una@unknown.example"
    return {
        "no policy": {
            **addresses(ULA, "una@umbrella.example", "nobody@umbrella.example"),
            "stranger": Kind(stranger),
            **{f"registered, {name}": make(ULA) for name, make in pointers.items()},
            **{
                f"stranger, {name}": make(stranger)
                for name, make in pointers.items()
                if "token" in name
            },
        },
        "p=reject": {
            **addresses(ANN, "dan@acme.example", "nobody@acme.example"),
            **{f"registered, {name}": make(ANN) for name, make in pointers.items()},
        },
        "all domains": all_domains(target),
        "a proven stranger": {
            "stranger": Kind(EVE),
            **{name: make(EVE) for name, make in pointers.items() if name != "a good token"},
        },
    }


PUBLISHED = {
    "no record": None,
    "p=none": "v=DMARC1; p=none",
    "p=quarantine": "v=DMARC1; p=quarantine",
    "p=reject": "v=DMARC1; p=reject",
}
CUSTOMERS = {
    "no record": ULA,
    "p=none": "ida@initech.example",
    "p=quarantine": "gil@globex.example",
    "p=reject": ANN,
}


def all_domains(target: Target) -> dict[str, Kind]:
    """Unproven mail of customers' domains and of others that publish the same."""
    kinds = {}
    for number, (name, record) in enumerate(PUBLISHED.items()):
        domain = f"nobody{number}.example"
        if record is not None:
            target.dns.records[f"_dmarc.{domain}", "TXT"] = [record]
        for who, address in (("customer", CUSTOMERS[name]), ("nobody", f"una@{domain}")):
            kinds[f"{who}, {name}"] = Kind(address)
            kinds[f"{who}, {name}, an answer"] = Kind(address, "In-Reply-To: <x@y.example>")
    return kinds


def addresses(registered: str, deactivated: str, absent: str) -> dict[str, Kind]:
    return {
        "registered": Kind(registered),
        "deactivated": Kind(deactivated),
        "not registered": Kind(absent),
    }


def pointers_to(
    target: Target, ticket: int, holder: str, received: str
) -> Mapping[str, Callable[[str], Kind]]:
    """Each kind of pointer to an existing ticket, and its counterpart that points nowhere."""
    token = target.token(ticket, holder)
    some = target.journal()[-1].id
    ours = message_id(target.keys, target.mailbox.id, ticket, some, "help.example")
    middle = token.index("+") + 12
    return {
        "a received id": lambda a: Kind(a, f"In-Reply-To: {received}"),
        "an unknown id": lambda a: Kind(a, f"In-Reply-To: <0{received[1:]}"),
        "an id of ours": lambda a: Kind(a, f"In-Reply-To: {ours}"),
        "an id with a wrong MAC": lambda a: Kind(a, f"In-Reply-To: {altered(ours, 40)}"),
        "a ticket's number": lambda a: Kind(a, tag=f"[#{ticket}]"),
        "a number of no ticket": lambda a: Kind(a, tag=f"[#{ticket + 7000}]"),
        "a good token": lambda a: Kind(a, to=token),
        "a bad token": lambda a: Kind(a, to=altered(token, middle)),
    }


def altered(text: str, at: int) -> str:
    """The text with one character replaced by another letter of base32."""
    return text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :]


@dataclass(frozen=True)
class TimedReplies:
    """The replies to one mail at RCPT and after DATA, and how long the latter took."""

    replies: str
    seconds: float


@pytest.mark.parametrize(
    "attempts",
    [
        pytest.param(ATTEMPTS, id="some"),
        pytest.param(MANY_ATTEMPTS, id="many", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
@pytest.mark.parametrize("group", ["no policy", "p=reject", "all domains", "a proven stranger"])
async def test_replies_and_their_times_reveal_nothing(
    target: Target, groups: Groups, group: str, attempts: Attempts
) -> None:
    kinds = groups[group]
    await sampled(target, kinds, 2)  # fills the DNS caches

    await assert_indistinguishable(target, kinds, attempts, MAX_DIFFERENCE_S)


async def assert_indistinguishable(
    target: Target, kinds: Kinds, attempts: Attempts, most_s: float
) -> None:
    """The same replies each time, and after the same time at one attempt at least.

    The times are compared by their lower quartiles. A busy machine only adds to a time, so there
    is less chance in them than in the medians, and an attacker would also look at them; what the
    code does for one kind of mail and not for another is in both.
    """
    shown = []
    for connections, samples in attempts:
        found = await sampled(target, kinds, samples, connections)
        assert len({answer.replies for answers in found.values() for answer in answers}) == 1
        quartiles = {
            name: statistics.quantiles(answer.seconds for answer in answers)[0]
            for name, answers in found.items()
        }
        if max(quartiles.values()) - min(quartiles.values()) < most_s:
            return
        shown += [f"{1000 * seconds:8.2f} ms  {name}" for name, seconds in quartiles.items()]
    pytest.fail("the times differ at each attempt:\n" + "\n".join(shown))


@pytest.mark.parametrize(
    "kinds",
    [
        addresses("gil@globex.example", "gus@globex.example", "nobody@globex.example"),
        addresses("sid@silent.example", "sue@silent.example", "nobody@silent.example"),
    ],
    ids=["p=quarantine", "silent"],
)
async def test_replies_that_depend_on_the_domain_are_the_same_for_all_its_addresses(
    target: Target, kinds: Kinds
) -> None:
    sampled_replies = await sampled(target, kinds, 5)

    assert len({answer.replies for answers in sampled_replies.values() for answer in answers}) == 1


async def test_replies_to_automatic_mail_do_not_reveal_a_token(
    target: Target, groups: Groups
) -> None:
    marked = "Auto-Submitted: auto-replied"
    kinds = {
        name: Kind(kind.author, marked, to=kind.to)
        for name, kind in groups["no policy"].items()
        if "token" in name
    }

    sampled_replies = await sampled(target, kinds, 2)

    assert len({answer.replies for answers in sampled_replies.values() for answer in answers}) == 1


@pytest.mark.parametrize("domain", ["guest.example", "quiet.example"], ids=["rejects", "silent"])
async def test_a_reply_does_not_reveal_a_guest(target: Target, domain: str) -> None:
    """Nobody in the domain is registered; it has p=reject, or its name servers are silent."""
    target.dns.records["_dmarc.guest.example", "TXT"] = ["v=DMARC1; p=reject"]
    target.dns.silent.add("quiet.example")
    guest = f"gus@{domain}"
    invite(target, guest)

    kinds = {"guest": Kind(guest), "nobody": Kind(f"no@{domain}")}
    await assert_indistinguishable(target, kinds, FEW_ATTEMPTS, REFUSAL_S / 2)


@pytest.mark.parametrize("domain", ["guest.example", "quiet.example"], ids=["rejects", "silent"])
async def test_a_reply_does_not_reveal_a_guest_who_names_a_ticket_number(
    target: Target, domain: str
) -> None:
    """Anybody can guess a ticket number, so it must not prove that the author is a guest."""
    target.dns.records["_dmarc.guest.example", "TXT"] = ["v=DMARC1; p=reject"]
    target.dns.silent.add("quiet.example")
    guest = f"gus@{domain}"
    ticket = invite(target, guest)

    kinds = {
        "guest": Kind(guest, tag=f"[#{ticket}]"),
        "guest, no ticket": Kind(guest, tag=f"[#{ticket + 7000}]"),
        "nobody": Kind(f"no@{domain}", tag=f"[#{ticket}]"),
    }
    await assert_indistinguishable(target, kinds, FEW_ATTEMPTS, REFUSAL_S / 2)


async def test_a_reply_does_not_reveal_a_guest_where_strangers_are_held(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    policy = {"strangers": '"hold"'}
    with running_target(
        tmp_path, sqlite_stores.new(), f"refusal_s = {REFUSAL_S}", **policy
    ) as target:
        invite(target, "gus@guest.example")

        sampled_replies = await sampled(
            target, {"guest": Kind("gus@guest.example"), "nobody": Kind("no@guest.example")}, 2
        )

    assert len({answer.replies for answers in sampled_replies.values() for answer in answers}) == 1


def invite(target: Target, guest: str) -> int:
    """A ticket of Ann's with this guest as a participant."""
    signs = ("from", "to", "cc", "subject", "date", "message-id")
    opening = signed_by("acme.example", a_mail(ANN, f"Cc: {guest}"), signs=signs)
    _, ticket = filed(target.send(opening, ANN))
    assert guest in {member.address for member in target.ticket(ticket).members}
    return ticket


async def sampled(
    target: Target, kinds: Kinds, samples: int, connections: int = 10
) -> Mapping[str, list[TimedReplies]]:
    """Send `samples` mails of each kind in random order, over several connections at once."""
    order = [name for name in kinds for _ in range(samples)]
    random.Random(1).shuffle(order)
    waiting = iter(order)
    sampled_replies: dict[str, list[TimedReplies]] = {name: [] for name in kinds}

    async def worker() -> None:
        while batch := list(itertools.islice(waiting, MAILS_PER_CONNECTION)):
            async for name, answer in dialogue(target, batch, kinds):
                sampled_replies[name].append(answer)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(connections, len(order))):
            group.create_task(worker())
    return sampled_replies


async def dialogue(
    target: Target, batch: list[str], kinds: Kinds
) -> AsyncIterator[tuple[str, TimedReplies]]:
    """Send these kinds of mail one after another over one connection."""
    reader, writer = await asyncio.open_connection(*target.postern.smtp)
    try:
        await answer_to(reader)
        await ask(reader, writer, b"EHLO mail.evil.example\r\n")
        for name in batch:
            raw, to = kinds[name].raw(), kinds[name].to
            mail = await ask(reader, writer, b"MAIL FROM:<eve@evil.example>\r\n")
            assert mail.startswith("250 "), mail  # a limit of ours would hide what is compared
            accepted = await ask(reader, writer, f"RCPT TO:<{to}>\r\n".encode())
            data = await ask(reader, writer, b"DATA\r\n")
            assert data.startswith("354 "), data
            started = time.perf_counter()
            final = await ask(reader, writer, raw + b".\r\n")
            seconds = time.perf_counter() - started
            yield name, TimedReplies(_ID.sub("ID", f"{accepted}{final}"), seconds)
    finally:
        writer.close()
        await writer.wait_closed()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> str:
    writer.write(line)
    await writer.drain()
    return await answer_to(reader)


async def answer_to(reader: asyncio.StreamReader) -> str:
    """A whole reply, continuation lines included."""
    lines: list[str] = []
    async with asyncio.timeout(30):
        while not lines or lines[-1][3:4] == "-":
            lines.append((await reader.readline()).decode())
            assert lines[-1], "the server hung up"
    return "".join(lines)
