"""Every known way to write as somebody else, with a real mail through the real port.

docs/attacks.md is the table of these for people. The attacker owns evil.example, whose SPF record
and DKIM key are in order, and knows the addresses of the customers. What he sends is answered as
the table says, is in the journal with its reason, and leaves no ticket and no comment.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rules import replies
from rules.mail import Mailbox
from rules.people import Role
from rules.sender.tokens import Keys
from storage.db.database import Connection
from storage.db.tables import ParticipantRow, table
from storage.mail.journal import JournalEntry
from storage.registry import companies, people, signing_keys
from storage.registry.people import NewPerson
from tests.acceptance import signers
from tests.acceptance.desk import SALES, SUPPORT, Answer, eventually, filed
from tests.acceptance.internet import (
    ANN,
    AUTHSERV_ID,
    BOB,
    DEE,
    EVE,
    GIL,
    HANK,
    HUGO,
    IDA,
    LOU,
    SAM,
    STU,
    THIS_HOST,
    ULA,
    VIC,
    Target,
    a_mail,
    a_target,
    by,
    honest,
    with_from,
)
from tests.gateway.senders import SigningKey, ed25519_key, rsa_key, signed
from tests.stores import SqliteStores

ROOT = Path(__file__).parents[2]
VERDICTS = {"550": "refused", "250": "held", "451": "deferred"}
PATIENCE_S = 5.0
"""No attack keeps its connection waiting for longer."""


@pytest.fixture(scope="module")
def target(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    with a_target(tmp_path_factory.mktemp("attacks"), sqlite_stores.new()) as running:
        yield running


@pytest.fixture(scope="module")
def relayed(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The same, where the loopback is the trusted relay."""
    folder = tmp_path_factory.mktemp("relayed")
    with a_target(folder, sqlite_stores.new(), relay="127.0.0.1") as running:
        yield running


@pytest.fixture(scope="module")
def strict(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The same, where the policy asks for DKIM."""
    folder = tmp_path_factory.mktemp("strict")
    with a_target(folder, sqlite_stores.new(), dkim_required="true") as running:
        running.server.records["s1._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
        yield running


@pytest.fixture(scope="module")
def holding(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The same, where strangers are held."""
    folder = tmp_path_factory.mktemp("holding")
    with a_target(folder, sqlite_stores.new(), strangers='"hold"') as running:
        yield running


@dataclass(frozen=True)
class Row:
    """What docs/attacks.md says of a test in this file."""

    reply: str
    """How it begins; empty where the page names none, as is the reason."""
    verdict: str
    reason: str


WORDS = {
    "a comment": "commented",
    "a new ticket": "opened",
    "as the first time": "duplicate",
    "flagged": "flagged",
    "folded": "recorded",
    "held": "held",
}
"""What the page calls a verdict behind a reply."""


@cache
def page_rows() -> dict[str, list[Row]]:
    """The rows of the page that name a test, by its name."""
    rows: dict[str, list[Row]] = {}
    for line in (ROOT / "docs" / "attacks.md").read_text().splitlines():
        cells = line.split(" | ")
        for name in re.findall(r"`(test_\w+)`", cells[-1]) if line.startswith("| ") else []:
            rows.setdefault(name, []).append(read_row(cells[1:-1]))
    return rows


def read_row(cells: list[str]) -> Row:
    """Of what stands between the attack and the test: reply and reason, or both in one cell."""
    reply = re.match(r"[245]\d\d \d\.\d\.\d+", cells[0])
    reason = re.search(r"`(\w+)`", cells[-1])
    verdict = WORDS.get(cells[0].partition(", ")[2], "")
    return Row(reply[0] if reply else "", verdict, reason[1] if reason else "")


@pytest.fixture(autouse=True)
def as_the_page_says(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that the page names: one of its mails became what the page says."""
    rows = page_rows().get(request.function.__name__, [])
    used = [n for n in ("target", "relayed", "strict", "holding") if n in request.fixturenames]
    if not rows or not used:
        yield
        return
    running: Target = request.getfixturevalue(used[0])
    known = {entry.id for entry in running.journal()}
    yield
    entries = [entry for entry in running.journal() if entry.id not in known]
    for row in rows:
        assert any(
            entry.reply.startswith(row.reply)
            and row.verdict in ("", entry.verdict)
            and row.reason in ("", entry.reason)
            for entry in entries
        ), (row, [(entry.reply, entry.verdict, entry.reason) for entry in entries])


@dataclass(frozen=True)
class Attack:
    """A mail, and the answer that it deserves."""

    name: str
    raw: Callable[[], bytes]
    reply: str
    """How it begins."""
    reason: str
    """In the journal; empty where the mail never gets so far."""
    mail_from: str = EVE
    helo: str = "mail.evil.example"
    evidence: tuple[str, ...] = ()
    """What the journal must say of the proof, such as `spf=permerror`."""

    def __str__(self) -> str:
        return self.name


REJECTED = "550 5.7.26 The sender's domain asks to reject"
UNKNOWN = "550 5.7.1 This address takes mail from registered users only"
HELD = "250 2.0.0 "


def ambiguous(name: str, field: str | bytes, *more: str) -> Attack:
    """A From that can be read in two ways; evil.example has signed it, for what that is worth."""
    return Attack(name, lambda: with_from(field, *more), HELD, "from_ambiguous")


def of_stranger(name: str, field: str | bytes, *more: str) -> Attack:
    """A From whose author is plainly at evil.example, which has signed it."""

    def raw() -> bytes:
        return by("evil.example", with_from(field, *more))

    return Attack(name, raw, UNKNOWN, "stranger")


def broken(name: str, field: bytes) -> Attack:
    """Bytes that SMTP does not allow: not even read."""
    return Attack(name, lambda: with_from(field), "550 5.6.11 ", "")


def rejected(
    name: str,
    raw: Callable[[], bytes],
    *evidence: str,
    mail_from: str = EVE,
    helo: str = "mail.evil.example",
) -> Attack:
    """A mail under the name of a customer whose domain asks to reject what it has not proven."""
    return Attack(name, raw, REJECTED, "dmarc_reject", mail_from, helo, evidence)


READINGS = (
    ambiguous("two From fields", f"From: {EVE}\r\nFrom: {ANN}"),
    ambiguous("two From fields, the other way round", f"From: {ANN}\r\nFrom: {EVE}"),
    ambiguous("two addresses", f"From: {EVE}, {ANN}"),
    ambiguous("two addresses, the second behind a fold", f"From: {ANN},\r\n {EVE}"),
    ambiguous("group", f"From: Friends: {ANN}, {EVE};"),
    ambiguous("group that begins with an address", f"From: {ANN}:{EVE};"),
    ambiguous("empty group", "From: undisclosed:;"),
    ambiguous("empty From", "From:"),
    ambiguous("no From", "X-From: ann@acme.example"),
    ambiguous("no address", "From: Ann"),
    ambiguous("control character", f"From: ann\x08@acme.example <{EVE}>"),
    ambiguous("control character in the address", "From: <ann\x7f@acme.example>"),
    ambiguous("comment behind", f"From: {EVE} ({ANN})"),
    ambiguous("comment before", f"From: ({EVE}) {ANN}"),
    ambiguous("comment inside", "From: ann@(evil.example)acme.example"),
    ambiguous("nested comment", f"From: {ANN}(a(<{EVE}>))"),
    ambiguous("blank folded line", f"From: {EVE}\r\n \r\n ,{ANN}"),
    ambiguous("fold at the very front", f" From: {EVE}\r\nFrom: {ANN}"),
    ambiguous("folded field name", f"Fro\r\n m: {EVE}\r\nFrom: {ANN}"),
    ambiguous("space before the colon", f"From : {ANN}"),
    ambiguous("mbox line before", f"From {EVE} Mon\r\nFrom: {ANN}"),
    ambiguous("byte order mark", f"\ufeffFrom: {ANN}"),
    ambiguous("encoded-word as address", "From: =?utf-8?b?YW5uQGFjbWUuZXhhbXBsZQ==?="),
    ambiguous("encoded-word as local part", "From: =?utf-8?q?ann=40acme.example=3e?=@evil.example"),
    ambiguous("encoded-word as domain", "From: ann@=?utf-8?q?acme.example?="),
    ambiguous("address as an unquoted name", f"From: {ANN} <{EVE}>"),
    ambiguous("two addresses in angles", f"From: <{ANN}> <{EVE}>"),
    ambiguous("address behind the angles", f"From: <{ANN}> {EVE}"),
    ambiguous("bracket behind the address", f"From: {ANN}]<{EVE}>"),
    ambiguous("source route", f"From: <@evil.example:{ANN}>"),
    ambiguous("quoted local part with @", f'From: "{ANN}"@evil.example'),
    ambiguous("quoted pair", f'From: "{ANN}\\" <{EVE}>"@x.example'),
    ambiguous("backslash before @", "From: ann\\@acme.example@evil.example"),
    ambiguous("semicolon", f"From: {ANN}; {EVE}"),
    ambiguous("raw look-alike", "From: ann@\u0430cme.example"),
    ambiguous("dot behind the domain", f"From: {ANN}."),
    ambiguous("address literal", "From: ann@[127.0.0.1]"),
    ambiguous("two dots", "From: ann..ann@acme.example"),
    ambiguous("From of 1,000 octets", f"From: {'a ' * 500}<{EVE}>"),
    ambiguous("local part of 65 characters", f"From: {'a' * 65}@acme.example"),
    ambiguous("two Sender fields", f"From: {ANN}", f"Sender: {EVE}", f"Sender: {ANN}"),
    ambiguous("two Subject fields", f"From: {ANN}", "Subject: another"),
    broken("NUL", b"From: ann@acme.example\0@evil.example"),
    broken("NUL in the name", b"From: Ann\0 <eve@evil.example>"),
    broken("bare CR makes a From", b"X: y\rFrom: ann@acme.example\r\nFrom: eve@evil.example"),
    broken("bare LF makes a From", b"X: y\nFrom: ann@acme.example\r\nFrom: eve@evil.example"),
    of_stranger("display name is an address", f'From: "{ANN}" <{EVE}>'),
    of_stranger(
        "display name is an encoded address", f"From: =?utf-8?q?ann=40acme.example?= <{EVE}>"
    ),
    of_stranger("display name with angles", f'From: "Ann <{ANN}>" <{EVE}>'),
    of_stranger("encoded line end", f"From: =?utf-8?q?x=0d=0aFrom=3a_ann=40acme.example?= <{EVE}>"),
    of_stranger("other line ends", f"X: y\x0bFrom: {ANN}\x0c\u2028From: {ANN}\r\nFrom: {EVE}"),
    of_stranger("percent hack", "From: ann%acme.example@evil.example"),
    of_stranger("customer's domain as a beginning", "From: ann@acme.example.evil.example"),
    of_stranger("Sender of a customer", f"From: {EVE}", f"Sender: {ANN}"),
    of_stranger("Reply-To of a customer", f"From: {EVE}", f"Reply-To: {ANN}"),
    of_stranger("Resent-From of a customer", f"From: {EVE}", f"Resent-From: {ANN}"),
    of_stranger("X-Original-Sender of a customer", f"From: {EVE}", f"X-Original-Sender: {ANN}"),
    of_stranger("look-alike as A-label", "From: ann@xn--cme-5cd.example"),
)


def changed(raw: bytes, old: bytes, new: bytes) -> bytes:
    assert raw.count(old) >= 1
    return raw.replace(old, new, 1)


def now(shift_s: int) -> str:
    return str(int(time.time()) + shift_s)


def results(authserv_id: str) -> str:
    return (
        f"Authentication-Results: {authserv_id}; dmarc=pass header.from=acme.example;"
        " dkim=pass header.d=acme.example; spf=pass smtp.mailfrom=acme.example"
    )


def with_results(authserv_id: str) -> bytes:
    return results(authserv_id).encode() + b"\r\n" + a_mail(ANN)


def signed_by_ann(**terms: Any) -> bytes:
    return by("acme.example", a_mail(ANN), **terms)


def small_key() -> bytes:
    return signed(a_mail(ANN), "acme.example", rsa_key(512), selector="small")


def old_algorithm() -> bytes:
    sha1 = SigningKey(b"rsa-sha1", rsa_key(2048).private, "")
    return signed(a_mail(ANN), "acme.example", sha1)


def a_hundred_signatures() -> bytes:
    """By the customer's own domain, each with another selector that nobody has published."""
    one = signed_by_ann(selector="n0").partition(b"From:")[0]
    many = b"".join(one.replace(b"s=n0", b"s=n%d" % n) for n in range(100))
    return many + a_mail(ANN)


SIGNATURES = (
    rejected("no proof at all", lambda: a_mail(ANN)),
    rejected("the customer's MAIL FROM as well", lambda: a_mail(ANN), "spf=fail", mail_from=ANN),
    rejected("staff's name", lambda: a_mail(SAM)),
    rejected("signature of an unaligned domain", lambda: by("evil.example", a_mail(ANN))),
    rejected("SPF pass of an unaligned MAIL FROM", lambda: a_mail(ANN), "spf=policy"),
    Attack(
        "null reverse-path, HELO of the customer",
        lambda: a_mail(ANN),
        HELD,
        "automatic",
        mail_from="",
        helo="acme.example",
        evidence=("spf=fail",),
    ),
    Attack(
        "null reverse-path, HELO of our own",
        lambda: a_mail(ANN),
        HELD,
        "automatic",
        mail_from="",
    ),
    rejected(
        "l= and appended text",
        lambda: signed_by_ann(signed_bytes=7, tags={"l": "7"}) + b"And pay Eve.\r\n",
        "dkim=policy",
    ),
    rejected("l= of 0", lambda: signed_by_ann(signed_bytes=0, tags={"l": "0"}), "dkim=policy"),
    rejected("From is not signed", lambda: signed_by_ann(signs=("to", "subject")), "dkim=policy"),
    rejected(
        "From changed under the signature",
        lambda: changed(by("acme.example", a_mail(BOB)), b"From: bob", b"From: ann"),
        "dkim=fail",
    ),
    rejected(
        "body changed under the signature",
        lambda: changed(signed_by_ann(), b"Help!", b"Pay Eve!"),
        "dkim=fail",
    ),
    rejected("key of 512 bits", small_key, "dkim=permerror"),
    rejected("rsa-sha1", old_algorithm, "dkim=policy"),
    rejected("revoked key", lambda: signed_by_ann(selector="revoked"), "dkim=permerror"),
    rejected("no such key", lambda: signed_by_ann(selector="none"), "dkim=permerror"),
    rejected("key record of 5,000 octets", lambda: signed_by_ann(selector="big"), "dkim=permerror"),
    rejected(
        "expired signature",
        lambda: signed_by_ann(tags={"t": now(-900), "x": now(-60)}),
        "dkim=permerror",
    ),
    rejected(
        "signed eight days ago",
        lambda: signed_by_ann(tags={"t": now(-8 * 86_400)}),
        "dkim=policy",
    ),
    rejected("signed in the future", lambda: signed_by_ann(tags={"t": now(90_000)})),
    rejected("a hundred signatures", a_hundred_signatures, "dkim=permerror"),
    Attack(
        "From signed once but present twice",
        lambda: f"From: {EVE}\r\n".encode() + signed_by_ann(),
        HELD,
        "from_ambiguous",
    ),
    rejected("results of the trusted relay's name", lambda: with_results(AUTHSERV_ID)),
    rejected("results of our own name", lambda: with_results("localhost")),
    rejected("results of another name", lambda: with_results("mx.acme.example")),
    rejected("results below From", lambda: a_mail(ANN, results(AUTHSERV_ID))),
    rejected("an ARC chain that says pass", lambda: with_arc()),
)


def with_arc() -> bytes:
    chain = (
        "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=evil.example; s=s1; b=AAAA",
        "ARC-Message-Signature: i=1; a=rsa-sha256; d=evil.example; s=s1; h=from; bh=AAAA; b=AAAA",
        "ARC-Authentication-Results: i=1; evil.example; dmarc=pass header.from=acme.example",
    )
    return a_mail(ANN, *chain)


DOMAINS = (
    Attack("p=quarantine", lambda: a_mail(GIL), HELD, "dmarc_quarantine"),
    Attack("no DMARC record", lambda: a_mail(ULA), UNKNOWN, "unproven"),
    rejected("subdomain under sp=reject", lambda: a_mail(IDA)),
    Attack("organisation with p=none", lambda: a_mail("ida@initech.example"), UNKNOWN, "unproven"),
    Attack("unknown subdomain", lambda: a_mail("ida@x.initech.example"), UNKNOWN, "stranger"),
    rejected(
        "strict alignment: signature of a subdomain",
        lambda: by("mail.strict.example", a_mail(STU)),
    ),
    rejected(
        "strict alignment: SPF of a subdomain",
        lambda: a_mail(STU),
        "spf=pass",
        mail_from="stu@mail.strict.example",
    ),
    rejected(
        "sibling below a public suffix: signature",
        lambda: by("evil.co.example", a_mail(VIC)),
        "dkim=pass",
    ),
    rejected(
        "sibling below a public suffix: SPF",
        lambda: a_mail(VIC),
        "spf=pass",
        mail_from="eve@evil.co.example",
    ),
    rejected(
        "sibling below a top-level domain with a record",
        lambda: by("evil.example", a_mail(HANK)),
    ),
    rejected("SPF includes 11 deep", lambda: a_mail(DEE), "spf=permerror", mail_from=DEE),
    Attack(
        "SPF and DMARC records of 8 and 40 KB",
        lambda: a_mail(HUGO),
        UNKNOWN,
        "unproven",
        HUGO,
        evidence=("spf=permerror",),
    ),
    Attack(
        "CNAME loops",
        lambda: by("loop.example", a_mail(LOU)),
        UNKNOWN,
        "unproven",
        LOU,
        evidence=("dkim=permerror", "spf=permerror"),
    ),
    Attack("silent name server", lambda: a_mail("sid@silent.example"), "451 4.7.0 ", "dns_failure"),
)


def offered(target: Target, attack: Attack) -> tuple[str, list[JournalEntry]]:
    """The reply, and what was added to the journal; nothing may be added to the tickets."""
    known = {entry.id for entry in target.journal()}
    before, started = target.written(), time.monotonic()

    code, text = target.send(attack.raw(), attack.mail_from, helo=attack.helo)

    assert time.monotonic() - started < PATIENCE_S
    assert target.written() == before
    return f"{code} {text}", [entry for entry in target.journal() if entry.id not in known]


@pytest.mark.parametrize("attack", [*READINGS, *SIGNATURES, *DOMAINS], ids=str)
def test_nobody_is_taken_for_somebody_else(target: Target, attack: Attack) -> None:
    reply, entries = offered(target, attack)

    assert reply.startswith(attack.reply)
    if not attack.reason:
        assert entries == []
        return
    (entry,) = entries
    verdict = "recorded" if attack.reason == "automatic" else VERDICTS[reply[:3]]
    assert (entry.verdict, entry.reason, entry.ticket) == (verdict, attack.reason, None)
    assert not entry.authentication["aligned"] or attack.reason == "stranger"
    found = {f"{each['method']}={each['result']}" for each in entry.authentication["evidence"]}
    assert found >= set(attack.evidence)


def test_the_page_of_attacks_says_so_too() -> None:
    """A row for each attack, and no row without its test."""
    page = (ROOT / "docs" / "attacks.md").read_text()
    rows = {tuple(cell.strip() for cell in line.split("|")[1:4]) for line in page.splitlines()}
    for attack in (*READINGS, *SIGNATURES, *DOMAINS):
        reply = " ".join(attack.reply.split()[:2])
        assert (attack.name, reply, f"`{attack.reason}`" if attack.reason else "none") in rows
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", page):
        assert f"def {name}(" in tests, name
    assert sum(row.reason != "" for named in page_rows().values() for row in named) >= 30


def test_the_command_line_tells_the_same(target: Target) -> None:
    target.send(a_mail(ANN))

    (line,) = target.told("-n", "1")

    assert (line["verdict"], line["reason"], line["author"]) == ("refused", "dmarc_reject", ANN)


def test_a_mixture_of_scripts_is_shown(target: Target) -> None:
    target.send(by("evil.example", a_mail("ann@xn--cme-5cd.example")))

    assert "mixes scripts" in str(target.journal()[-1].authentication["warnings"])


class TestHonestMail:
    """Each attack above fails by what is wrong with it, not by a set-up where nothing passes."""

    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        return kept(tmp_path, rsa_key(2048))

    def test_signed_by_dkimpys_command(self, target: Target, key: Path) -> None:
        raw = signers.dkimsign(a_mail(ANN), "acme.example", "s1", key)
        opens(target, raw, ANN, "dkim:acme.example")

    def test_signed_with_ed25519_by_dkimpys_command(self, target: Target, tmp_path: Path) -> None:
        key, option = kept(tmp_path, ed25519_key()), "--signalg=ed25519-sha256"
        raw = signers.dkimsign(a_mail(BOB), "acme.example", "ed", key, option)
        opens(target, raw, BOB, "dkim:acme.example")

    @pytest.mark.skipif(bool(signers.missing("opendkim")), reason=signers.missing("opendkim"))
    def test_signed_by_opendkim(self, target: Target, key: Path) -> None:
        raw = a_mail(ANN)
        with signers.opendkim(key.parent, "acme.example", "s1", key) as path:
            opens(target, signers.signed_by_filter(raw, path, ANN), ANN, "dkim:acme.example")

    @pytest.mark.skipif(
        bool(signers.missing("opendkim-testmsg")), reason=signers.missing("opendkim-testmsg")
    )
    def test_opendkims_test_program_uses_sha1_and_is_refused(
        self, target: Target, key: Path
    ) -> None:
        raw = signers.testmsg(a_mail(ANN), "acme.example", "s1", key)
        assert b"a=rsa-sha1" in raw
        assert target.send(raw) == (550, REJECTED_TEXT)

    def test_sent_from_where_spf_allows_it(self, target: Target) -> None:
        opens(target, a_mail(HANK), HANK, "spf:hooli.example", HANK)

    def test_null_reverse_path_with_an_honest_helo_is_proven(self, target: Target) -> None:
        """It opens nothing, being automatic, but not for want of proof."""
        target.send(a_mail(HANK), mail_from="", helo="hooli.example")
        entry = target.journal()[-1]
        assert (entry.reason, entry.authentication["by"]) == ("automatic", "spf:hooli.example")

    def test_a_folded_from_with_a_name(self, target: Target) -> None:
        raw = by("acme.example", with_from(f'From: "Ann, at Acme"\r\n <{ANN}>'))
        opens(target, raw, ANN, "dkim:acme.example")

    def test_a_subdomain_is_signed_for_by_its_organisation(self, target: Target) -> None:
        opens(target, by("initech.example", a_mail(IDA)), IDA, "dkim:initech.example")

    @pytest.mark.parametrize("author", [GIL, ULA, SAM], ids=["quarantine", "no record", "staff"])
    def test_signed_whatever_the_domain_asks_for(self, target: Target, author: str) -> None:
        opens(target, honest(author), author, f"dkim:{author.partition('@')[2]}")

    def test_the_evil_domain_is_proven_for_itself(self, target: Target) -> None:
        target.send(by("evil.example", a_mail(EVE)))
        target.send(a_mail("ann@acme.example.evil.example"))
        assert target.journal()[-1].reason == "stranger"


REJECTED_TEXT = str(replies.SENDER_FAILED_DMARC).removeprefix("550 ")


def kept(folder: Path, key: SigningKey) -> Path:
    path = folder / "private.key"
    path.write_bytes(key.private)
    path.chmod(0o600)
    return path


def opens(target: Target, raw: bytes, author: str, proof: str, mail_from: str = EVE) -> int:
    """Assert that a mail opens a ticket of its author, by this proof; the ticket's number."""
    _, number = filed(target.send(raw, mail_from))
    entry = target.journal()[-1]
    assert (entry.reason, entry.authentication["by"]) == ("new_request", proof)
    assert target.ticket(number).summary.requester == author
    return number


class TestReplay:
    def test_to_the_same_mailbox_is_a_repeat(self, target: Target) -> None:
        raw = honest(ANN)
        first = target.send(raw, ANN)
        before = target.written()

        assert target.send(b"Received: from evil.example\r\n" + raw, EVE) == first
        assert target.written() == before
        assert target.journal()[-1].reason == "seen_before"

    def test_to_a_mailbox_where_the_author_is_not_enrolled(self, target: Target) -> None:
        raw = honest(GIL)
        target.send(raw, GIL)
        before = target.written()

        code, text = target.send(raw, EVE, to=SALES)

        assert f"{code} {text}".startswith(UNKNOWN)
        assert target.written() == before
        assert target.journal()[-1].reason == "stranger"

    def test_to_a_mailbox_where_the_author_is_enrolled_too(self, target: Target) -> None:
        raw = honest(ANN)
        target.send(raw, ANN)
        before = target.written()

        target.send(raw, EVE, to=SALES)

        assert target.written() == before

    def test_with_its_signature_spelt_otherwise(self, target: Target) -> None:
        raw = honest(ANN)
        first = target.send(raw, ANN)
        before = target.written()

        assert respelt(raw) != raw
        assert target.send(respelt(raw), EVE) == first
        assert target.written() == before

    def test_without_one_of_its_two_signatures(self, target: Target) -> None:
        plain = a_mail(ANN)
        edwards = signed(plain, "acme.example", ed25519_key(), selector="ed").removesuffix(plain)
        rsa = by("acme.example", plain).removesuffix(plain)
        first = target.send(edwards + rsa + plain, ANN)
        before = target.written()

        assert target.send(edwards + plain, EVE) == first
        assert target.send(rsa + plain, EVE) == first
        assert target.written() == before

    def test_by_another_way_than_the_first_time(self, target: Target) -> None:
        """The first came straight from her domain, so its Subject counted without a signature."""
        target.server.records["s1._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
        raw = by("hooli.example", a_mail(HANK), signs=("from", "to", "message-id", "date"))
        first = target.send(raw, HANK)
        before = target.written()

        assert target.send(raw, EVE) == first
        assert target.written() == before

    def test_of_last_week_by_a_host_of_its_author(self, target: Target) -> None:
        """SPF proves it still, and it is the same mail as the first time."""
        target.server.records["s1._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
        raw = by("hooli.example", a_mail(HANK), tags={"t": now(-8 * 86_400)})
        first = target.send(raw, HANK)

        assert target.send(b"X-Any: thing\r\n" + raw, HANK) == first

    def test_to_the_token_of_another_ticket(self, target: Target) -> None:
        """A mail of Ann's that we have not had yet, in the hands of somebody on her ticket."""
        _, ticket = filed(target.send(honest(ANN), ANN))
        caught = honest(ANN, text="Please close it.")

        _, opened = filed(target.send(caught, EVE, to=target.token(ticket, ANN)))

        assert opened != ticket
        assert len(target.ticket(ticket).comments) == 1

    @pytest.mark.parametrize("author", [ANN, HANK], ids=["by signature", "by SPF"])
    def test_a_copy_with_the_null_reverse_path_does_not_take_its_place(
        self, target: Target, author: str
    ) -> None:
        raw = honest(author) if author == ANN else a_mail(author)
        target.send(raw, "")
        assert target.journal()[-1].verdict == "recorded"

        filed(target.send(raw, author))

    def test_a_copy_marked_as_automatic_does_not_take_its_place(self, target: Target) -> None:
        raw = honest(ANN)
        target.send(b"List-Id: <all.acme.example>\r\n" + raw, EVE)
        assert target.journal()[-1].verdict == "recorded"

        filed(target.send(raw, ANN))

    def test_an_unproven_copy_does_not_take_its_place(self, target: Target) -> None:
        """quarantined.example asks for quarantine, and sends from this very address."""
        quinn = "quinn@quarantined.example"
        target.server.records["_dmarc.quarantined.example", "TXT"] = ["v=DMARC1; p=quarantine"]
        target.server.records["quarantined.example", "TXT"] = [THIS_HOST]
        target.write(lambda c: enrolled(c, target.mailbox, quinn))
        raw = a_mail(quinn)
        target.send(raw, EVE)
        assert target.journal()[-1].reason == "dmarc_quarantine"

        filed(target.send(raw, quinn))

    def test_with_a_pointer_to_another_ticket_that_was_not_signed(self, target: Target) -> None:
        victim = honest(ANN)
        _, number = filed(target.send(victim, ANN))
        other = honest(ANN, text="About something else.")
        target.send(other, ANN)
        pointer = next(line for line in victim.split(b"\r\n") if line.startswith(b"Message-ID"))

        target.send(b"In-Reply-To:" + pointer.partition(b":")[2] + b"\r\n" + other, EVE)

        assert len(target.ticket(number).comments) == 1

    def test_with_a_subject_that_was_not_signed(self, target: Target) -> None:
        _, number = filed(target.send(honest(ANN), ANN))
        covered = ("from", "to", "message-id", "date")
        caught = by("acme.example", a_mail(ANN, text="Close it."), signs=covered)
        lines = [
            f"Subject: [#{number}] pump".encode() if line.startswith(b"Subject:") else line
            for line in caught.split(b"\r\n")
        ]

        _, opened = filed(target.send(b"\r\n".join(lines), EVE))

        assert opened != number
        assert len(target.ticket(number).comments) == 1
        assert target.ticket(opened).summary.mentions is None


class TestWhereDkimIsRequired:
    """Hooli's provider sends for many: SPF lets this host write for all of them."""

    def test_spf_alone_proves_nobody(self, strict: Target) -> None:
        code, text = strict.send(a_mail(HANK), HANK)

        assert f"{code} {text}".startswith(UNKNOWN)
        assert strict.journal()[-1].reason == "unproven"
        assert "SPF alone" in str(strict.journal()[-1].trace)

    def test_a_signature_does(self, strict: Target) -> None:
        filed(strict.send(honest(HANK), HANK))

    def test_a_caught_mail_is_bound_though_spf_passes(self, strict: Target) -> None:
        raw = by("hooli.example", a_mail(HANK), signs=("from", "to", "message-id", "date"))

        _, opened = filed(strict.send(raw, HANK))

        assert strict.ticket(opened).summary.subject == "(no subject)"


class TestReplayThroughARelay:
    """Whose word on a caught mail rests on the signature in it."""

    def test_to_the_same_mailbox_with_another_field(self, relayed: Target) -> None:
        raw = honest(ANN)
        first = relayed.send(stamped(raw), ANN)
        before = relayed.written()

        assert relayed.send(stamped(b"X-Any: thing\r\n" + raw), EVE) == first
        assert relayed.written() == before

    def test_of_last_week_it_is_the_relays_word_and_bound_all_the_same(
        self, relayed: Target
    ) -> None:
        raw = by("acme.example", a_mail(ANN), tags={"t": now(-8 * 86_400)})
        first = relayed.send(stamped(raw), ANN)
        filed(first)

        assert relayed.send(stamped(b"X-Any: thing\r\n" + raw), EVE) == first

    def test_to_a_mailbox_where_the_author_is_enrolled_too(self, relayed: Target) -> None:
        relayed.send(stamped(honest(ANN)), EVE, to=SALES)
        assert relayed.journal()[-1].reason == "not_addressed"


def stamped(raw: bytes) -> bytes:
    stated = f"{AUTHSERV_ID}; dkim=pass header.d=acme.example; dmarc=pass header.from=acme.example"
    return f"Authentication-Results: {stated}\r\n".encode() + raw


def respelt(raw: bytes) -> bytes:
    """The same signature in another spelling: base64 leaves bits of its last letter unused."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = raw.rindex(b"==", 0, raw.index(b"\r\nFrom:")) - 1
    other = letters[letters.index(raw[at]) ^ 1]
    return raw[:at] + bytes([other]) + raw[at + 1 :]


def enrolled(connection: Connection, mailbox: Mailbox, address: str) -> None:
    domain = address.partition("@")[2]
    companies.add_company(connection, mailbox, domain, [domain])
    people.add_person(connection, mailbox, NewPerson(address, "", Role.USER, domain))


class TestReplyToken:
    """A token of Ann's, in other hands."""

    @pytest.fixture
    def ticket(self, target: Target) -> int:
        return filed(target.send(honest(ANN), ANN))[1]

    def test_ann_herself_comments(self, target: Target, ticket: int) -> None:
        answer = replied(target, ANN, target.token(ticket, ANN))
        assert filed(answer)[1] == ticket
        assert target.journal()[-1].reason == "reply_token"

    def test_a_colleague_writes_as_himself_and_is_flagged(
        self, target: Target, ticket: int
    ) -> None:
        replied(target, BOB, target.token(ticket, ANN))

        last = target.ticket(ticket).comments[-1]
        assert (last.author, last.visibility) == (BOB, "private")
        assert target.journal()[-1].reason == "not_a_participant"

    def test_another_companys_user_is_held(self, target: Target, ticket: int) -> None:
        code, text = replied(target, GIL, target.token(ticket, ANN))

        held(target, ticket, f"{code} {text}", HELD, "foreign_company")

    def test_a_proven_stranger_is_flagged(self, target: Target, ticket: int) -> None:
        """A contractor, say, to whom Ann forwarded a notice."""
        before = target.ticket(ticket)

        _, number = filed(replied(target, EVE, target.token(ticket, ANN)))

        after = target.ticket(number)
        last = after.comments[-1]
        assert number == ticket
        assert (last.author, last.visibility) == (EVE, "private")
        assert (after.members, after.summary.status) == (before.members, before.summary.status)
        assert target.journal()[-1].reason == "not_a_participant"
        assert EVE not in {notice.address for notice in target.notices()}

    def test_a_proven_stranger_is_flagged_though_strangers_are_held(self, holding: Target) -> None:
        _, ticket = filed(holding.send(honest(ANN), ANN))

        assert filed(replied(holding, EVE, holding.token(ticket, ANN)))[1] == ticket

    def test_a_proven_stranger_with_one_character_changed(
        self, target: Target, ticket: int
    ) -> None:
        local, _, rest = target.token(ticket, ANN).partition("+")
        token = f"{local}+{'b' if rest[0] == 'a' else 'a'}{rest[1:]}"

        code, text = replied(target, EVE, token)

        held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_proven_stranger_after_ann_was_removed(self, target: Target, ticket: int) -> None:
        code, text = replied(target, EVE, removed(target, ticket))

        held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_proven_stranger_s_caught_mail_sent_to_it(self, target: Target, ticket: int) -> None:
        """His signature alone proves him, and names another recipient than the token."""
        target.server.records["s1._domainkey.partner.example", "TXT"] = [rsa_key(2048).record]
        raw = by("partner.example", a_mail("pat@partner.example"))

        code, text = target.send(raw, to=target.token(ticket, ANN))

        held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_proven_stranger_s_machine_is_never_flagged(
        self, target: Target, ticket: int
    ) -> None:
        raw = a_mail(EVE, "Auto-Submitted: auto-replied")
        code, _ = target.send(raw, to=target.token(ticket, ANN))

        assert (code, target.journal()[-1].reason) == (250, "automatic")
        assert target.ticket(ticket).comments[-1].visibility == "folded"

    def test_an_unproven_stranger_is_a_stranger(self, target: Target, ticket: int) -> None:
        raw = a_mail("una@unknown.example")
        code, text = target.send(raw, to=target.token(ticket, ANN))

        held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_stranger_as_a_colleague(self, target: Target, ticket: int) -> None:
        code, text = target.send(a_mail(BOB), to=target.token(ticket, ANN))

        held(target, ticket, f"{code} {text}", REJECTED, "dmarc_reject")

    def test_a_stranger_as_ann_against_her_domains_wish(self, target: Target, ticket: int) -> None:
        code, text = target.send(a_mail(ANN), to=target.token(ticket, ANN))

        held(target, ticket, f"{code} {text}", REJECTED, "dmarc_reject")

    def test_a_stranger_as_anns_automatic_reply(self, target: Target, ticket: int) -> None:
        raw = a_mail(ANN, "Auto-Submitted: auto-replied")
        code, text = target.send(raw, to=target.token(ticket, ANN))

        held(target, ticket, f"{code} {text}", REJECTED, "dmarc_reject")

    def test_ann_removed_opens_a_ticket_of_her_own(self, target: Target, ticket: int) -> None:
        token = removed(target, ticket)

        assert filed(replied(target, ANN, token))[1] != ticket
        assert len(target.ticket(ticket).comments) == 1

    def test_a_stranger_as_ann_removed(self, target: Target, ticket: int) -> None:
        token = removed(target, ticket)

        code, text = target.send(a_mail(ANN), to=token)

        held(target, ticket, f"{code} {text}", REJECTED, "dmarc_reject")

    def test_a_colleague_after_ann_was_removed(self, target: Target, ticket: int) -> None:
        token = removed(target, ticket)

        assert filed(replied(target, BOB, token))[1] != ticket
        assert len(target.ticket(ticket).comments) == 1

    def test_after_key_rotation_old_and_new_tokens_are_read(
        self, target: Target, ticket: int
    ) -> None:
        old = target.token(ticket, ANN)
        secret = b"a new key".ljust(32)
        target.write(lambda c: signing_keys.add_key(c, secret, datetime.now(UTC)))
        new = target.token(ticket, ANN)
        assert new != old

        def reaches(token: str) -> bool | None:
            return filed(replied(target, ANN, token))[1] == ticket or None

        assert eventually(lambda: refreshed(target) and reaches(new))
        assert reaches(old)
        code, text = target.send(a_mail(BOB), to=old)
        assert f"{code} {text}".startswith(REJECTED)

    @pytest.mark.parametrize("number", [1, 200], ids=["known key id", "unknown key id"])
    def test_of_a_key_that_is_not_ours(self, target: Target, ticket: int, number: int) -> None:
        token = target.token(ticket, ANN, Keys(number, {number: b"the attacker's"}))

        code, text = target.send(a_mail(ANN), to=token)
        held(target, ticket, f"{code} {text}", REJECTED, "dmarc_reject")
        assert filed(replied(target, ANN, token))[1] != ticket

    @pytest.mark.parametrize("at", [0, 1, 8, 16, 17, 18, 19, 20, 27, 34, 35])
    def test_with_one_character_changed(self, target: Target, ticket: int, at: int) -> None:
        local, _, rest = target.token(ticket, ANN).partition("+")
        letters = "abcdefghijklmnopqrstuvwxyz234567"
        other = letters[letters.index(rest[at]) ^ 16]

        code, text = target.send(a_mail(ANN), to=f"{local}+{rest[:at]}{other}{rest[at + 1 :]}")

        held(target, ticket, f"{code} {text}", REJECTED, "dmarc_reject")

    def test_in_capitals_is_the_same(self, target: Target, ticket: int) -> None:
        token = target.token(ticket, ANN).upper()
        assert filed(replied(target, ANN, token))[1] == ticket

    def test_of_another_mailbox(self, target: Target, ticket: int) -> None:
        token = target.token(ticket, ANN).replace(SUPPORT.partition("@")[0], "sales")

        # Her signed mail names support@, and came to sales@ instead.
        code, text = target.send(honest(ANN), ANN, to=token)
        held(target, ticket, f"{code} {text}", HELD, "not_addressed")


def replied(target: Target, author: str, token: str) -> Answer:
    """The answer to a signed mail to a reply address, which stands in To as clients write it."""
    raw = changed(a_mail(author), f"To: {SUPPORT}".encode(), f"To: {token}".encode())
    return target.send(by(author.partition("@")[2], raw), author, to=token)


def held(target: Target, ticket: int, reply: str, begins: str, reason: str) -> None:
    """Assert the answer, its reason, and that the ticket is as it was opened."""
    assert reply.startswith(begins)
    assert target.journal()[-1].reason == reason
    assert len(target.ticket(ticket).comments) == 1


def removed(target: Target, ticket: int) -> str:
    """Ann's reply address, after she was taken off her ticket."""
    token, members = target.token(ticket, ANN), table(ParticipantRow)
    gone = members.update().where(members.c.ticket_id == ticket).values(presence="removed")
    target.write(lambda c: c.execute(gone))
    return token


def refreshed(target: Target) -> Answer:
    """An address that is not there makes the server look at the registry anew."""
    with target.running.client() as client:
        client.mail(ANN)
        code, text = client.rcpt("nobody@help.example")
    return code, text.decode()
