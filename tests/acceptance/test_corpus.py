"""Real mails from many sources, decided without delivery and delivered through a real server."""

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

from gateway.config import model
from gateway.services import open_services
from rules.decision.reasons import Verdict
from rules.mail import Delivery, Envelope, as_sent
from storage.mail.journal import JournalEntry
from tests.acceptance.support_server import SUPPORT, Answer, SupportServer, running_support_server
from tests.running import initialised, postern, write_config
from tests.stores import PostgresStores, SqliteStores

MAILS = Path(__file__).parents[3] / "shared" / "corpus" / "mails"
ANN = "ann@acme.example"
BOB = "bob@acme.example"
LARGEST = "sisimai"
"""The collection with half of all mails."""
CONNECTIONS = 32
"""Many, because the reply to an unproven author is delayed."""
TIMEOUT_S = 15
"""A client that waits longer for a reply would consider the server hung."""
SAMPLES = [
    pytest.param(("sqlite", 4), id="sqlite"),
    pytest.param(("postgres", 12), id="postgres"),
    pytest.param(("sqlite", 1), id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
]
"""Every n-th mail of each collection is sent. All are decided, which has the same result."""

FILED = (Verdict.OPENED, Verdict.COMMENTED, Verdict.RECORDED, Verdict.DUPLICATE)
_JOURNAL_ID = re.compile(r"2\.0\.0 ([0-9a-f-]{36}) (?:filed as #\d+|accepted)")
_FROM = re.compile(rb"^From[ \t]*:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(not MAILS.is_dir(), reason="the corpus is not available"),
    pytest.mark.timeout(240),
]


def corpus_files(every: int = 1) -> list[Path]:
    """Every n-th file of each collection, and at least one."""
    collections = [sorted(each.rglob("*")) for each in sorted(MAILS.iterdir())]
    files = [[path for path in each if path.is_file()] for each in collections]
    return [path for each in files for path in each[::every]]


def as_mail_of(address: str, raw: bytes) -> bytes:
    """The same mail with this address in From, and without bytes that SMTP forbids."""
    header, separator, body = raw.replace(b"\0", b"").partition(b"\r\n\r\n")
    others = _FROM.sub(b"", header + b"\r\n").removesuffix(b"\r\n")
    mail = b"From: " + address.encode() + b"\r\n" + others.lstrip() + separator + body
    return re.sub(rb"\r(?!\n)", b"", mail)


def with_final_line_end(raw: bytes) -> bytes:
    """The mail with a final line end, as SMTP requires."""
    return raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"


def cannot_be_sent(raw: bytes) -> bool:
    """Whether a mail contains NUL or a bare carriage return (RFC 5321 §2.3.8)."""
    return b"\0" in raw or re.search(rb"\r(?!\n)", raw) is not None


@dataclass(frozen=True)
class SentMail:
    """One mail that was sent over SMTP, and the reply to it."""

    name: str
    raw: bytes
    answer: Answer
    seconds: float

    @property
    def journal_id(self) -> UUID:
        """The id in the reply: of this mail or of the one that it repeats. ValueError if none."""
        found = _JOURNAL_ID.match(self.answer[1])
        return UUID(found[1] if found else "")


class Client:
    """Sends mails over one connection, and over a new one if the server closed it."""

    def __init__(self, server: SupportServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, name: str, raw: bytes) -> SentMail:
        began = time.monotonic()
        try:
            answer = self._dialogue(raw)
        except smtplib.SMTPServerDisconnected:  # after too many errors, or bare line ends
            self._smtp = None
            answer = self._dialogue(raw)
        return SentMail(name, with_final_line_end(raw), answer, time.monotonic() - began)

    def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()

    def _dialogue(self, raw: bytes) -> Answer:
        if self._smtp is None:
            self._smtp = smtplib.SMTP(*self._server.postern.smtp, timeout=TIMEOUT_S)
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


def send_all(server: SupportServer, mails: Sequence[tuple[str, bytes]]) -> list[SentMail]:
    """Send all mails over several connections at once."""

    def send_share(number: int) -> list[SentMail]:
        client = Client(server)
        try:
            return [client.send(name, raw) for name, raw in mails[number::CONNECTIONS]]
        finally:
            client.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return [sent for share in threads.map(send_share, range(CONNECTIONS)) for sent in share]


@dataclass(frozen=True)
class CorpusRun:
    """All mails sent to a real server, in their original form and as a registered user's."""

    server: SupportServer
    original: list[SentMail]
    as_registered_user: list[SentMail]
    journal: dict[UUID, JournalEntry]

    @property
    def all_mails(self) -> list[SentMail]:
        return self.original + self.as_registered_user

    @property
    def accepted(self) -> list[SentMail]:
        return [sent for sent in self.all_mails if sent.answer[0] == 250]


@pytest.fixture(scope="module", params=SAMPLES)
def corpus_run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CorpusRun]:
    store, every = request.param
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{store}_stores")
    mails = [
        (str(path.relative_to(MAILS)), as_sent(path.read_bytes())) for path in corpus_files(every)
    ]
    with running_support_server(tmp_path_factory.mktemp("corpus"), stores.new()) as server:
        original = send_all(server, mails)
        # Two authors, since one may not write all of it in an hour; a collection has one author.
        theirs = [
            (name, as_mail_of(BOB if name.startswith(LARGEST) else ANN, raw)) for name, raw in mails
        ]
        as_registered_user = send_all(server, theirs)
        journal = {entry.id: entry for entry in server.all_entries()}
        yield CorpusRun(server, original, as_registered_user, journal)


def test_every_refusal_is_the_sender_s_own_fault(corpus_run: CorpusRun) -> None:
    allowed = {(250, "2.0.0"), (550, "5.7.1"), (550, "5.6.11")}

    others = [
        sent
        for sent in corpus_run.all_mails
        if (sent.answer[0], sent.answer[1].split()[0]) not in allowed
    ]

    assert [(sent.name, sent.answer) for sent in others] == []


def test_exactly_the_mails_with_forbidden_bytes_are_refused_for_them(corpus_run: CorpusRun) -> None:
    refused = {sent.name for sent in corpus_run.original if sent.answer[1].startswith("5.6.11")}

    assert refused == {sent.name for sent in corpus_run.original if cannot_be_sent(sent.raw)}


def test_a_registered_users_mail_is_never_refused(corpus_run: CorpusRun) -> None:
    refused = [sent for sent in corpus_run.as_registered_user if sent.answer[0] != 250]

    assert [(sent.name, sent.answer) for sent in refused] == []


def test_no_mail_is_slow(corpus_run: CorpusRun) -> None:
    slow = [(sent.name, sent.seconds) for sent in corpus_run.all_mails if sent.seconds > TIMEOUT_S]

    assert slow == []


def test_every_accepted_mail_is_in_the_journal_by_the_id_in_its_reply(
    corpus_run: CorpusRun,
) -> None:
    lost = [sent.name for sent in corpus_run.accepted if sent.journal_id not in corpus_run.journal]

    assert lost == []


def test_the_journal_has_a_row_for_every_mail_that_was_offered(corpus_run: CorpusRun) -> None:
    verdicts = Counter(entry.verdict for entry in corpus_run.journal.values())
    refused = verdicts.pop(Verdict.REFUSED, 0)

    assert verdicts.total() == len(corpus_run.accepted)
    assert refused == sum(sent.answer[1].startswith("5.7.1 ") for sent in corpus_run.all_mails)


HELD_FOR = {"from_ambiguous", "list_mail", "automatic_unclear"}
"""The header is malformed, or has marks of lists or machines and is not addressed to us."""


def test_a_registered_users_mail_is_filed_unless_its_header_tells_against_it(
    corpus_run: CorpusRun,
) -> None:
    others = [
        (sent.name, entry.verdict, entry.reason)
        for sent in corpus_run.as_registered_user
        if (entry := corpus_run.journal[sent.journal_id]).verdict not in FILED
    ]

    assert [other for other in others if other[1] != "held"] == []
    assert {reason for _, _, reason in others} <= HELD_FOR
    malformed = [name for name, _, reason in others if reason == "from_ambiguous"]
    # A fiftieth of all mails; of the part that is sent here, two or three more.
    assert len(malformed) < len(corpus_run.as_registered_user) / 50 + 3, malformed
    assert len(others) < len(corpus_run.as_registered_user) / 20, others


def test_every_accepted_mail_is_stored_byte_for_byte(corpus_run: CorpusRun) -> None:
    repeats = {
        entry.message_id for entry in corpus_run.journal.values() if entry.verdict == "duplicate"
    }

    for sent in corpus_run.accepted:
        if corpus_run.journal[sent.journal_id].message_id not in repeats:
            assert corpus_run.server.stored(sent.raw) == sent.raw, sent.name


def test_every_opened_ticket_has_its_first_comment(corpus_run: CorpusRun) -> None:
    opened = [entry for entry in corpus_run.journal.values() if entry.verdict == Verdict.OPENED]

    assert len(opened) > len(corpus_run.as_registered_user) / 4
    for entry in opened[::10]:
        assert entry.ticket is not None
        assert corpus_run.server.ticket(entry.ticket).comments[0].journal_id == entry.id


async def test_every_file_gets_a_decision_and_a_trace(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    file = write_config(tmp_path, sqlite_stores.new())
    initialised(file, "--demo")

    async with open_services(model.load(file)) as services:
        for path in corpus_files():
            envelope = Envelope("127.0.0.1", "client.example", False, ANN, (SUPPORT,))
            delivery = Delivery(envelope, as_sent(path.read_bytes()))
            ((_, decision),) = await services.ingest.preview(delivery)
            assert decision.verdict is not Verdict.DEFERRED, path
            assert decision.trace, path


def test_the_command_check_prints_a_verdict(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    file = write_config(tmp_path, sqlite_stores.new())
    initialised(file, "--demo")

    for path in corpus_files()[100::350]:
        done = postern("check", str(path), "--config", str(file))
        assert done.returncode == 0, (path, done.stderr)
        assert re.match(rf"{SUPPORT}: \w+, \w+\n", done.stdout), path
