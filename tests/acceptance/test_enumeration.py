"""Below T2 nobody learns who is registered, which tickets exist, or whether a token was good.

What must be equal, to the byte and in time, is what differs only in what *we* know. So each group
below holds everything else fixed, above all the author's domain: what a domain publishes in the DNS
is public, and may be told.

- A domain that asks for nothing: a registered address, a deactivated one and one that nobody has,
  none of them proven, and a stranger of a domain that we know nothing of. Then the registered
  address with each pointer, to a ticket that exists and to one that does not: In-Reply-To with a
  Message-ID that we received and with another; with one that we made and with the same under a
  wrong MAC; the subject tag; a reply token that somebody else was given and the same with one
  character changed. Then the same tokens from the stranger.
- A domain with p=reject: the three addresses, the stranger left out (550 5.7.26 is the domain's own
  wish), and the pointers again.
- A stranger whom his own domain proves: with nothing, and with each pointer but a good token, which
  is the one thing that makes a difference to him (his mail is flagged).
- A domain with p=quarantine, and one whose servers are silent: the registered address and the other
  ones. Here the replies alone are compared (with the mail's own id masked): 250 and 451 are told
  at the same multiple of the time as all others.

Not compared, since they may differ: an address with *its own* token, which is a proof (T1);
whatever is sent at T2; one domain with another.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rules.sender.tokens import message_id
from tests.acceptance.internet import ANN, BOB, EVE, ULA, Target, a_mail, a_target, by, honest
from tests.acceptance.support_server import SUPPORT, filed
from tests.stores import SqliteStores

SAMPLES = 200
CONNECTIONS = 30
MAILS_PER_CONNECTION = 10
"""Fewer than the refusals that close a connection."""
REFUSAL_S = 0.2
FAR_APART_S = 0.005
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_number = itertools.count(1)


@dataclass(frozen=True)
class Kind:
    """A kind of mail: its author, where it goes and what it points with."""

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


@pytest.fixture(scope="module")
def target(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    limits = f"refusal_s = {REFUSAL_S}\nconnections_per_peer = {2 * CONNECTIONS}"
    folder = tmp_path_factory.mktemp("enumeration")
    with a_target(folder, sqlite_stores.new(), limits) as running:
        yield running


@pytest.fixture(scope="module")
def groups(target: Target) -> Groups:
    """A ticket of Bob's, whose token and ids those who forge Ann and Ula have seen."""
    opening = honest(BOB)
    _, ticket = filed(target.send(opening, BOB))
    received = re.search(rb"^Message-ID: (\S+)\r$", opening, re.MULTILINE)
    assert received is not None
    pointers = pointers_to(target, ticket, BOB, received[1].decode())
    stranger = "una@unknown.example"
    return {
        "asks for nothing": {
            **addresses(ULA, "una@umbrella.example", "nobody@umbrella.example"),
            "stranger": Kind(stranger),
            **{f"registered, {name}": make(ULA) for name, make in pointers.items()},
            **{
                f"stranger, {name}": make(stranger)
                for name, make in pointers.items()
                if "token" in name
            },
        },
        "asks to reject": {
            **addresses(ANN, "dan@acme.example", "nobody@acme.example"),
            **{f"registered, {name}": make(ANN) for name, make in pointers.items()},
        },
        "a proven stranger": {
            "stranger": Kind(EVE),
            **{name: make(EVE) for name, make in pointers.items() if name != "a good token"},
        },
    }


def addresses(registered: str, deactivated: str, absent: str) -> dict[str, Kind]:
    return {
        "registered": Kind(registered),
        "deactivated": Kind(deactivated),
        "not registered": Kind(absent),
    }


def pointers_to(
    target: Target, ticket: int, holder: str, received: str
) -> Mapping[str, Callable[[str], Kind]]:
    """Each kind of pointer to a ticket that exists, beside one that points nowhere."""
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
    """The same with another letter of base32 in one place."""
    return text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :]


@dataclass(frozen=True)
class Told:
    """What one mail was answered at RCPT and after DATA, and how long the latter took."""

    replies: str
    seconds: float


@pytest.mark.parametrize("group", ["asks for nothing", "asks to reject", "a proven stranger"])
async def test_answers_and_their_times_tell_nothing(
    target: Target, groups: Groups, group: str
) -> None:
    kinds = groups[group]
    await sampled(target, kinds, 2)  # fills the caches of the DNS, which is the domain's business

    told = await sampled(target, kinds, SAMPLES)

    assert len({answer.replies for answers in told.values() for answer in answers}) == 1
    medians = {
        name: statistics.median(answer.seconds for answer in answers)
        for name, answers in told.items()
    }
    shown = "\n".join(f"{1000 * median:8.2f} ms  {name}" for name, median in medians.items())
    assert max(medians.values()) - min(medians.values()) < FAR_APART_S, f"\n{shown}"


@pytest.mark.parametrize(
    "kinds",
    [
        addresses("gil@globex.example", "gus@globex.example", "nobody@globex.example"),
        addresses("sid@silent.example", "sue@silent.example", "nobody@silent.example"),
    ],
    ids=["asks for quarantine", "silent"],
)
async def test_answers_that_hang_on_the_domain_are_one_for_all_its_addresses(
    target: Target, kinds: Kinds
) -> None:
    told = await sampled(target, kinds, 5)

    assert len({answer.replies for answers in told.values() for answer in answers}) == 1


async def test_automatic_mail_tells_nothing_of_a_token(target: Target, groups: Groups) -> None:
    marked = "Auto-Submitted: auto-replied"
    kinds = {
        name: Kind(kind.author, marked, to=kind.to)
        for name, kind in groups["asks for nothing"].items()
        if "token" in name
    }

    told = await sampled(target, kinds, 2)

    assert len({answer.replies for answers in told.values() for answer in answers}) == 1


@pytest.mark.parametrize("domain", ["guest.example", "quiet.example"], ids=["rejects", "silent"])
async def test_a_guest_s_domain_does_not_tell_that_he_is_one(target: Target, domain: str) -> None:
    """Nobody of the domain is registered; it asks to reject, or its servers are silent."""
    target.server.records["_dmarc.guest.example", "TXT"] = ["v=DMARC1; p=reject"]
    target.server.silent.add("quiet.example")
    guest = f"gus@{domain}"
    invite(target, guest)

    told = await sampled(target, {"guest": Kind(guest), "nobody": Kind(f"no@{domain}")}, 5)

    assert len({answer.replies for answers in told.values() for answer in answers}) == 1
    medians = [statistics.median(answer.seconds for answer in answers) for answers in told.values()]
    assert max(medians) - min(medians) < REFUSAL_S / 2, medians


@pytest.mark.parametrize("domain", ["guest.example", "quiet.example"], ids=["rejects", "silent"])
async def test_nor_does_it_where_he_names_a_ticket_by_its_number(
    target: Target, domain: str
) -> None:
    """A number can be guessed, whichever ticket he is on."""
    target.server.records["_dmarc.guest.example", "TXT"] = ["v=DMARC1; p=reject"]
    target.server.silent.add("quiet.example")
    guest = f"gus@{domain}"
    ticket = invite(target, guest)

    told = await sampled(
        target,
        {
            "guest": Kind(guest, tag=f"[#{ticket}]"),
            "guest, no ticket": Kind(guest, tag=f"[#{ticket + 7000}]"),
            "nobody": Kind(f"no@{domain}", tag=f"[#{ticket}]"),
        },
        5,
    )

    assert len({answer.replies for answers in told.values() for answer in answers}) == 1
    medians = [statistics.median(answer.seconds for answer in answers) for answers in told.values()]
    assert max(medians) - min(medians) < REFUSAL_S / 2, medians


async def test_nor_does_it_where_strangers_are_held(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    policy = {"strangers": '"hold"'}
    with a_target(tmp_path, sqlite_stores.new(), f"refusal_s = {REFUSAL_S}", **policy) as target:
        invite(target, "gus@guest.example")

        told = await sampled(
            target, {"guest": Kind("gus@guest.example"), "nobody": Kind("no@guest.example")}, 2
        )

    assert len({answer.replies for answers in told.values() for answer in answers}) == 1


def invite(target: Target, guest: str) -> int:
    """A ticket of Ann's that he is on."""
    signs = ("from", "to", "cc", "subject", "date", "message-id")
    opening = by("acme.example", a_mail(ANN, f"Cc: {guest}"), signs=signs)
    _, ticket = filed(target.send(opening, ANN))
    assert guest in {member.address for member in target.ticket(ticket).members}
    return ticket


async def sampled(target: Target, kinds: Kinds, samples: int) -> Mapping[str, list[Told]]:
    """So many mails of each kind, in a random order, over several connections at once."""
    order = [name for name in kinds for _ in range(samples)]
    random.Random(1).shuffle(order)
    waiting = iter(order)
    told: dict[str, list[Told]] = {name: [] for name in kinds}

    async def worker() -> None:
        while batch := list(itertools.islice(waiting, MAILS_PER_CONNECTION)):
            async for name, answer in dialogue(target, batch, kinds):
                told[name].append(answer)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(CONNECTIONS, len(order))):
            group.create_task(worker())
    return told


async def dialogue(
    target: Target, batch: list[str], kinds: Kinds
) -> AsyncIterator[tuple[str, Told]]:
    """One connection that sends these kinds of mail, one after another."""
    reader, writer = await asyncio.open_connection(*target.running.smtp)
    try:
        await answer_to(reader)
        await ask(reader, writer, b"EHLO mail.evil.example\r\n")
        for name in batch:
            raw, to = kinds[name].raw(), kinds[name].to
            await ask(reader, writer, b"MAIL FROM:<eve@evil.example>\r\n")
            accepted = await ask(reader, writer, f"RCPT TO:<{to}>\r\n".encode())
            await ask(reader, writer, b"DATA\r\n")
            started = time.perf_counter()
            said = await ask(reader, writer, raw + b".\r\n")
            seconds = time.perf_counter() - started
            yield name, Told(_ID.sub("ID", f"{accepted}{said}"), seconds)
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
