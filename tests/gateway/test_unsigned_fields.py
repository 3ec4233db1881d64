"""What was not signed counts for nothing: each field that a decision or the parser reads, unsigned.

The fields are those that the code reads: recorded while a mail is decided, and found in the source
of the parser. A new one without a rule fails here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

import gateway.parsing
from gateway.authentication.signatures import RawMessage, read_message
from gateway.authentication.structure import structure_problem
from gateway.parsing.reading import read
from rules.decision.considered import Received, consider
from rules.decision.decide import decide
from rules.decision.model import Decision
from rules.decision.reasons import Reason
from rules.mail import Envelope
from rules.mail.header import Header
from rules.sender.authentication import Authentication, Result, SignedScope
from rules.sender.signature_scope import READ_FIELDS, SINGLE_FIELDS
from rules.sender.tokens import loop_mark
from tests.rules.building import (
    ANN,
    BOB,
    KEYS,
    MAILBOX,
    NOON,
    SUPPORT,
    World,
    default_policy,
    our_id,
)

NOT_COVERED_BY_ANY = {"received", "dkim-signature", "arc-message-signature"}
"""Trace fields, which no signature can cover: their unsigned ones are dropped like the others. The
parser reads signatures, valid or not, to see whether the forms of a text may be needed."""
ANNS_MAIL = (
    f"From: {ANN.address}\r\n"
    f"To: {SUPPORT}\r\n"
    "Subject: Printer\r\n"
    "Date: Sat, 21 Nov 2026 06:00:00 +0000\r\n"
    "Message-ID: <1@client.example>\r\n"
    "\r\n"
    "It does not print.\r\n"
).encode()
SIGNED = ("from", "to", "subject", "date", "message-id")
ENVELOPE = Envelope("192.0.2.1", "", False, ANN.address, (SUPPORT,))
TELLING = {
    "cc": BOB.address,
    "to": f"{SUPPORT}, {BOB.address}",
    "in-reply-to": our_id(),
    "references": our_id(),
    "subject": "[#7] Severity: high",
    "message-id": "<2@client.example>",
    "date": "Fri, 20 Nov 2026 06:00:00 +0000",
    "content-type": "multipart/report; boundary=x",
    "content-transfer-encoding": "base64",
    "content-disposition": "attachment",
    "content-id": "<x>",
    "content-language": "de",
    "accept-language": "de",
    "auto-submitted": "auto-replied",
    "precedence": "bulk",
    "x-priority": "1",
    "importance": "high",
    "x-postern-loop": loop_mark(KEYS),
    "x-auto-response-suppress": "All",
    "received": "from a by b; Sat, 21 Nov 2026 06:00:00 +0000",
}


@dataclass(frozen=True, slots=True)
class RecordingHeader(Header):
    """A header that records which names are looked up."""

    looked_up: ClassVar[set[str]] = set()

    def names(self) -> frozenset[str]:
        return RecordingNames(Header.names(self))

    def __post_init__(self) -> None:
        Header.__post_init__(self)
        object.__setattr__(self, "_values", RecordingValues(self._values))


class RecordingValues(dict[str, list[bytes]]):
    """Whatever method of a header looks a name up, it comes here."""

    def get(self, name: str, default: Any = None) -> Any:
        RecordingHeader.looked_up.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> list[bytes]:
        RecordingHeader.looked_up.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        RecordingHeader.looked_up.add(str(name))
        return super().__contains__(name)


class RecordingNames(frozenset[str]):
    def __contains__(self, name: object) -> bool:
        RecordingHeader.looked_up.add(str(name))
        return frozenset.__contains__(self, name)


def recording(header: Header) -> RecordingHeader:
    return RecordingHeader(header.fields, header.defects, header.truncated, header.body_at)


def decided(raw: bytes, *, alone: bool = True) -> Decision:
    """The decision on a mail of Ann's that a signature over SIGNED proves."""
    message = read_message(raw)
    assert isinstance(message, RawMessage)
    problem = structure_problem(message, SIGNED)
    scope = SignedScope("f" * 64, SIGNED, alone, problem)
    proven = Authentication(True, "dkim:acme.example", Result.PASS, signed_scope=scope)
    mail = read(raw)
    received = Received(
        mail=replace(mail, header=recording(mail.header)),
        envelope=ENVELOPE,
        mailbox=MAILBOX,
        authentication=proven,
        first_authentication=proven,
        read_bounces=tuple,
        came_at=NOON,
    )
    policy = default_policy()
    own = frozenset({SUPPORT})
    seen = consider(received, keys=KEYS, own_addresses=own, policy=policy)
    world = World(proof=seen.authentication, looped=seen.looped)
    facts = world.facts(seen.mail, seen.envelope, ANN.address)
    return decide(seen.mail, facts, policy)


def with_field(name: str) -> bytes:
    """Ann's mail with one more field on top, or many where one would not matter."""
    line = f"{name}: {TELLING.get(name, 'yes')}\r\n".encode()
    return line * (31 if name == "received" else 1) + ANNS_MAIL


def read_while_deciding() -> set[str]:
    RecordingHeader.looked_up.clear()
    decided(ANNS_MAIL)
    return set(RecordingHeader.looked_up)


def read_by_the_parser() -> set[str]:
    """The names in the source of the parser: arguments of a header's methods, or next to one."""
    folder = Path(gateway.parsing.__path__[0])
    trees = [ast.parse(file.read_text()) for file in folder.glob("*.py")]
    return {name for tree in trees for node in ast.walk(tree) for name in names_at(node)}


READING = {"get", "get_all", "raw_values", "unfolded_values", "message_ids", "_joined", "parameter"}


def names_at(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="header" | "own_header"), attr=method)):
            assert method in READING | {"names"}, method
        case ast.Call(func=ast.Name(id=method)) if method in READING:
            pass
        case _:
            return
    for each in node.args:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value.lower()


ALL_READ = sorted((read_while_deciding() | read_by_the_parser() | READ_FIELDS) - {"from"})


def test_every_field_that_is_read_is_in_the_table() -> None:
    assert {"x-priority", "list-id", "x-postern-loop"} <= read_while_deciding()
    assert {"date", "subject", "in-reply-to"} <= read_by_the_parser()
    assert set(ALL_READ) - READ_FIELDS == NOT_COVERED_BY_ANY


@pytest.mark.parametrize("name", sorted({*ALL_READ, *SINGLE_FIELDS} - {"from"}))
def test_an_unsigned_field_counts_for_nothing(name: str) -> None:
    """The decision is the same as without it, or the mail is held."""
    with_it, without = decided(with_field(name)), decided(ANNS_MAIL)

    assert without.reason is Reason.NEW_REQUEST
    assert repr(with_it.action) == repr(without.action) or with_it.reason in (
        Reason.NOT_SIGNED,
        Reason.FROM_AMBIGUOUS,
        Reason.FROM_AMBIGUOUS_REFUSED,
    )


@pytest.mark.parametrize(
    "name", ["cc", "references", "auto-submitted", "x-priority", "x-auto-response-suppress"]
)
def test_and_would_count_in_a_mail_that_came_directly(name: str) -> None:
    counted, without = (decided(raw, alone=False) for raw in (with_field(name), ANNS_MAIL))

    assert repr(counted.action) != repr(without.action)


@pytest.mark.parametrize("name", ["cc", "mime-version", "content-type", "content-id"])
def test_two_of_a_single_field_are_held(name: str) -> None:
    raw = f"{name}: {TELLING.get(name, '1.0')}\r\n".encode() + with_field(name)

    assert decided(raw).reason is Reason.NOT_SIGNED
