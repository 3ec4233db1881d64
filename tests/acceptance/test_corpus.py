"""Real mails by many hands, each by two ways: what would become of it, and what does."""

from __future__ import annotations

import re
import smtplib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from gateway import app
from gateway.config import model
from rules.decision.model import Verdict
from rules.mail import Delivery, Envelope, as_sent
from storage.mail.journal import JournalEntry
from tests.acceptance.support_server import SUPPORT, Answer, SupportServer, running_support_server
from tests.running import initialised, postern, write_config
from tests.stores import PostgresStores, SqliteStores

MAILS = Path(__file__).parents[3] / "shared" / "corpus" / "mails"
ANN = "ann@acme.example"
CONNECTIONS = 32
"""Many, since the answer to a mail whose author is not proven is held back for a second."""
SLOW_S = 15
"""A client that waits longer for an answer would call it a hang."""
EVERY_MAIL = {"sqlite": 1, "postgres": 8}
"""On PostgreSQL a sample: one mail in so many."""

FILED = (Verdict.OPENED, Verdict.COMMENTED, Verdict.RECORDED, Verdict.DUPLICATE)
_JOURNAL_ID = re.compile(r"2\.0\.0 ([0-9a-f-]{36}) (?:filed as #\d+|accepted)")
_FROM = re.compile(rb"^From[ \t]*:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(not MAILS.is_dir(), reason="the corpus is not here"),
    pytest.mark.timeout(240),
]


def every_file() -> list[Path]:
    return sorted(path for path in MAILS.rglob("*") if path.is_file())


def from_ann(raw: bytes) -> bytes:
    """The same mail as a registered user's, and as bytes that SMTP can carry."""
    header, separator, body = raw.replace(b"\0", b"").partition(b"\r\n\r\n")
    others = _FROM.sub(b"", header + b"\r\n").removesuffix(b"\r\n")
    mail = b"From: " + ANN.encode() + b"\r\n" + others.lstrip() + separator + body
    return re.sub(rb"\r(?!\n)", b"", mail)


def as_a_client_ends_it(raw: bytes) -> bytes:
    """SMTP ends a mail with the end of a line."""
    return raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"


def cannot_be_sent(raw: bytes) -> bool:
    """NUL, or a carriage return that ends no line (RFC 5321 §2.3.8)."""
    return b"\0" in raw or re.search(rb"\r(?!\n)", raw) is not None


@dataclass(frozen=True)
class Told:
    """One mail over the wire, and what its sender was told."""

    name: str
    raw: bytes
    answer: Answer
    seconds: float

    @property
    def journal_id(self) -> UUID:
        """Of this mail, or of the one that it repeats. ValueError where none is said."""
        said = _JOURNAL_ID.match(self.answer[1])
        return UUID(said[1] if said else "")


class Client:
    """Sends mails over one connection, and over a new one where that was closed."""

    def __init__(self, server: SupportServer) -> None:
        self._desk = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, name: str, raw: bytes) -> Told:
        began = time.monotonic()
        try:
            answer = self._dialogue(raw)
        except smtplib.SMTPServerDisconnected:  # after too many errors, or bare line ends
            self._smtp = None
            answer = self._dialogue(raw)
        return Told(name, as_a_client_ends_it(raw), answer, time.monotonic() - began)

    def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()

    def _dialogue(self, raw: bytes) -> Answer:
        if self._smtp is None:
            self._smtp = smtplib.SMTP(*self._desk.running.smtp, timeout=SLOW_S)
            self._smtp.ehlo("client.example")
        for code, text in (self._smtp.mail(ANN), self._smtp.rcpt(SUPPORT)):
            if code == 421:
                raise smtplib.SMTPServerDisconnected(text.decode())
            assert code == 250, (code, text)
        code, text = self._smtp.data(raw)
        if text.startswith(b"5.6.11"):
            self.close()
            self._smtp = None
        return code, text.decode()


def send_all(server: SupportServer, mails: Sequence[tuple[str, bytes]]) -> list[Told]:
    """All of them, over several connections at a time."""

    def send_share(number: int) -> list[Told]:
        client = Client(server)
        try:
            return [client.send(name, raw) for name, raw in mails[number::CONNECTIONS]]
        finally:
            client.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return [told for share in threads.map(send_share, range(CONNECTIONS)) for told in share]


@dataclass(frozen=True)
class Sent:
    """All mails through a real server: as they are, and again as a registered user's."""

    server: SupportServer
    as_they_are: list[Told]
    as_anns: list[Told]
    journal: dict[UUID, JournalEntry]

    @property
    def every(self) -> list[Told]:
        return self.as_they_are + self.as_anns

    @property
    def accepted(self) -> list[Told]:
        return [told for told in self.every if told.answer[0] == 250]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def sent(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sent]:
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    mails = [
        (str(path.relative_to(MAILS)), as_sent(path.read_bytes()))
        for path in every_file()[:: EVERY_MAIL[request.param]]
    ]
    with running_support_server(tmp_path_factory.mktemp("corpus"), stores.new()) as server:
        as_they_are = send_all(server, mails)
        as_anns = send_all(server, [(name, from_ann(raw)) for name, raw in mails])
        journal = {entry.id: entry for entry in server.all_entries()}
        yield Sent(server, as_they_are, as_anns, journal)


def test_no_answer_but_those_that_are_the_senders_own_doing(sent: Sent) -> None:
    allowed = {(250, "2.0.0"), (550, "5.7.1"), (550, "5.6.11")}

    others = [t for t in sent.every if (t.answer[0], t.answer[1].split()[0]) not in allowed]

    assert [(told.name, told.answer) for told in others] == []


def test_what_the_wire_cannot_carry_is_refused_and_nothing_else_for_it(sent: Sent) -> None:
    refused = {t.name for t in sent.as_they_are if t.answer[1].startswith("5.6.11")}

    assert refused == {told.name for told in sent.as_they_are if cannot_be_sent(told.raw)}


def test_a_registered_users_mail_is_never_refused(sent: Sent) -> None:
    refused = [told for told in sent.as_anns if told.answer[0] != 250]

    assert [(told.name, told.answer) for told in refused] == []


def test_no_mail_is_slow(sent: Sent) -> None:
    slow = [(told.name, told.seconds) for told in sent.every if told.seconds > SLOW_S]

    assert slow == []


def test_every_accepted_mail_is_in_the_journal_by_the_id_that_was_told(sent: Sent) -> None:
    lost = [told.name for told in sent.accepted if told.journal_id not in sent.journal]

    assert lost == []


def test_the_journal_has_a_row_for_every_mail_that_was_offered(sent: Sent) -> None:
    verdicts = Counter(entry.verdict for entry in sent.journal.values())
    refused = verdicts.pop(Verdict.REFUSED, 0)

    assert verdicts.total() == len(sent.accepted)
    assert refused == sum(told.answer[1].startswith("5.7.1 ") for told in sent.every)


def test_a_registered_users_mail_is_filed_unless_its_header_is_malformed(sent: Sent) -> None:
    others = [
        (told.name, entry.verdict, entry.reason)
        for told in sent.as_anns
        if (entry := sent.journal[told.journal_id]).verdict not in FILED
    ]

    assert {(verdict, reason) for _, verdict, reason in others} <= {("held", "from_ambiguous")}
    assert len(others) < len(sent.as_anns) / 50, others


def test_every_accepted_mail_is_in_the_store_byte_by_byte(sent: Sent) -> None:
    repeats = {entry.message_id for entry in sent.journal.values() if entry.verdict == "duplicate"}

    for told in sent.accepted:
        if sent.journal[told.journal_id].message_id not in repeats:
            assert sent.server.stored(told.raw) == told.raw, told.name


def test_every_open_ticket_has_its_first_comment(sent: Sent) -> None:
    opened = [entry for entry in sent.journal.values() if entry.verdict == Verdict.OPENED]

    assert len(opened) > len(sent.as_anns) / 4
    for entry in opened[::10]:
        assert entry.ticket is not None
        assert sent.server.ticket(entry.ticket).comments[0].journal_id == entry.id


async def test_every_file_gets_a_decision_and_a_trace(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    file = write_config(tmp_path, sqlite_stores.new())
    initialised(file, "--demo")

    async with app.parts(model.load(file)) as parts:
        for path in every_file():
            envelope = Envelope("127.0.0.1", "client.example", False, ANN, (SUPPORT,))
            delivery = Delivery(envelope, as_sent(path.read_bytes()))
            ((_, decision),) = await parts.ingest.preview(delivery)
            assert decision.verdict is not Verdict.DEFERRED, path
            assert decision.trace, path


def test_the_command_check_tells_the_same(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    file = write_config(tmp_path, sqlite_stores.new())
    initialised(file, "--demo")

    for path in every_file()[100::350]:
        done = postern("check", str(path), "--config", str(file))
        assert done.returncode == 0, (path, done.stderr)
        assert re.match(rf"{SUPPORT}: \w+, \w+\n", done.stdout), path
