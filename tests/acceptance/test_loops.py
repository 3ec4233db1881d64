"""Machines that answer each other: however they do it, they soon fall silent."""

from __future__ import annotations

import email
import queue
import smtplib
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import pytest

from rules.people import Role
from rules.ticket.notices import NoticeState
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.mail import journal
from storage.mail.journal import JournalFilter
from storage.notices import outbox
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from tests.acceptance.desk import SUPPORT, a_free_port, a_mail, eventually, filed
from tests.running import Postern, initialised, serving
from tests.stores import SqliteStores

ANN, BOB = "ann@acme.example", "bob@acme.example"
ENOUGH = 6
"""So many mails at most go to and fro, the first one included."""
ENOUGH_OF_TWO = 7
"""The same between two of them on one ticket: the desk hears each of them out once."""


@dataclass(frozen=True)
class Counted:
    """What a desk has taken and sent so far."""

    taken: int
    due: int


def counted(database: Database) -> Counted:
    def look(connection: Connection) -> Counted:
        due = outbox.counts(connection).get(NoticeState.DUE, 0)
        return Counted(len(journal.newest(connection, JournalFilter(), 10_000)), due)

    return database.read(look)


def until_silent(look: Callable[[], tuple[Counted, ...]], pending: Callable[[], int]) -> None:
    """Wait until nothing is due or on its way: what is sent is pending before it is not due."""

    def silent() -> bool | None:
        before = look()
        idle = not any(each.due for each in before) and pending() == 0
        return (idle and look() == before) or None

    eventually(silent)


def config(folder: Path, store: str, smtp: str, relay_port: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "postern.toml"
    path.write_text(
        f'[smtp]\nlisten = "{smtp}"\n[http]\nlisten = "127.0.0.1:0"\n[store]\nurl = "{store}"\n'
        f'[relay]\nurl = "smtp://127.0.0.1:{relay_port}"\ntls = "none"\n'
    )
    return path


# ---- two desks ----------------------------------------------------------------------------------


@contextmanager
def a_desk(
    folder: Path, store: str, own: str, other: str, port: int, relay_port: int
) -> Iterator[tuple[Postern, Database]]:
    """A Postern that has another's support address among its users, and sends all mail there."""
    path = config(folder, store, f"127.0.0.1:{port}", relay_port)
    initialised(path)
    database = Database(store, connections=2)
    ledger = open_ledger(database)
    ledger.submit(lambda c: _enrol(c, own, other)).result()
    ledger.close()
    try:
        with serving(path) as running:
            yield running, database
    finally:
        database.close()


def _enrol(connection: Connection, own: str, other: str) -> None:
    mailboxes.add_mailbox(connection, own, "default")
    mailbox = mailboxes.mailbox_named(connection, own)
    companies.add_company(connection, mailbox, "Others", [other.partition("@")[2]])
    people.add_person(connection, mailbox, NewPerson(other, "", Role.USER, "Others"))
    staff = NewPerson(f"sam@{own.partition('@')[2]}", "", Role.STAFF, None)
    people.add_person(connection, mailbox, staff)


def test_two_desks_do_not_answer_each_other(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    alpha, beta = "help@alpha.example", "help@beta.example"
    ports = (a_free_port(), a_free_port())
    with ExitStack() as stack:
        desks = [
            stack.enter_context(
                a_desk(tmp_path / "alpha", sqlite_stores.new(), alpha, beta, *ports)
            ),
            stack.enter_context(
                a_desk(tmp_path / "beta", sqlite_stores.new(), beta, alpha, *reversed(ports))
            ),
        ]
        first, _ = desks[0]

        # Somebody at beta wrote by hand, under the address of his desk.
        filed(first.send(a_mail(beta, to=alpha), beta, alpha))
        until_silent(lambda: tuple(counted(database) for _, database in desks), lambda: 0)

        assert sum(counted(database).taken for _, database in desks) == 2


# ---- a desk and people's auto-responders --------------------------------------------------------


@dataclass
class Responders:
    """The world outside as one relay: some of its addresses answer every mail at once.

    None of their answers has a mark of a machine.
    """

    answer: Callable[[Message, str, int], tuple[bytes, str]]
    """The answer to a mail, by whom and the how manieth; and the address that it goes to."""
    addresses: tuple[str, ...]
    got: list[tuple[str, bytes]] = field(default_factory=list)
    sent: int = 0
    pending: int = 0
    desk: tuple[str, int] = ("", 0)
    _mails: queue.SimpleQueue[tuple[str, bytes] | None] = field(default_factory=queue.SimpleQueue)

    def deliver(self, rcpt_to: str, raw: bytes) -> None:
        self.got.append((rcpt_to, raw))
        if rcpt_to in self.addresses:
            self.pending += 1
            self._mails.put((rcpt_to, raw))

    def run(self) -> None:
        while (mail := self._mails.get()) is not None:
            address, raw = mail
            self.sent += 1
            answer, to = self.answer(email.message_from_bytes(raw), address, self.sent)
            with smtplib.SMTP(*self.desk, timeout=30) as client:
                client.sendmail(address, [to], answer)
            self.pending -= 1

    def stop(self) -> None:
        self._mails.put(None)

    @property
    def exchanged(self) -> int:
        """Mails to and from them, the very first included."""
        return 1 + self.sent + sum(to in self.addresses for to, _ in self.got)


class _Session(socketserver.StreamRequestHandler):
    """As much of an SMTP server as a relay has to be."""

    server: _Server

    def handle(self) -> None:
        self._say("220 relay")
        rcpt_to = ""
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                rcpt_to = line.partition("<")[2].partition(">")[0]
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                raw = b"".join(line.removeprefix(b".") for line in lines)
                self.server.responders.deliver(rcpt_to, raw)
            self._say("250 2.0.0 ok")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    responders: Responders


@contextmanager
def a_desk_among(
    responders: Responders, store: str, folder: Path
) -> Iterator[tuple[Postern, Database]]:
    """The demo's desk, and all its mail goes to these."""
    with _Server(("127.0.0.1", 0), _Session) as server, ExitStack() as stack:
        server.responders = responders
        path = config(folder, store, "127.0.0.1:0", server.server_address[1])
        initialised(path, "--demo")
        for loop in (server.serve_forever, responders.run):
            thread = threading.Thread(target=loop)
            thread.start()
            stack.callback(thread.join)
        stack.callback(server.shutdown)
        stack.callback(responders.stop)
        database = Database(store, connections=2)
        stack.callback(database.close)
        with serving(path) as running:
            responders.desk = running.smtp
            yield running, database


def a_new_mail(got: Message, address: str, number: int) -> tuple[bytes, str]:
    """To the address in From, with nothing of the mail that it answers."""
    raw = a_mail(address, f"I am away ({number}).", subject="Out of office")
    return raw, SUPPORT


def an_answer(got: Message, address: str, number: int) -> tuple[bytes, str]:
    """To where answers are wanted, as a person's client would make it."""
    raw = a_mail(
        address,
        f"I am away ({number}).",
        to=got["Reply-To"],
        subject=got["Subject"],
        in_reply_to=got["Message-ID"],
        references=f"{got['References']} {got['Message-ID']}".replace("\r\n", ""),
    )
    return raw, got["Reply-To"]


def exchanged(responders: Responders, store: str, folder: Path, **header: str) -> int:
    """How many mails go to and fro once Ann has written."""
    with a_desk_among(responders, store, folder) as (running, database):
        filed(running.send(a_mail(ANN, **header), ANN, SUPPORT))
        until_silent(lambda: (counted(database),), lambda: responders.pending)
        return responders.exchanged


@pytest.mark.parametrize("answer", [a_new_mail, an_answer])
def test_an_auto_responder_without_a_mark_is_answered_once(
    answer: Callable[[Message, str, int], tuple[bytes, str]],
    sqlite_stores: SqliteStores,
    tmp_path: Path,
) -> None:
    responders = Responders(answer, (ANN,))

    assert exchanged(responders, sqlite_stores.new(), tmp_path) <= ENOUGH


@pytest.mark.parametrize(
    "answer",
    [
        a_new_mail,
        an_answer,
    ],
)
def test_two_auto_responders_on_one_ticket_fall_silent(
    answer: Callable[[Message, str, int], tuple[bytes, str]],
    sqlite_stores: SqliteStores,
    tmp_path: Path,
) -> None:
    responders = Responders(answer, (ANN, BOB))

    assert exchanged(responders, sqlite_stores.new(), tmp_path, cc=BOB) <= ENOUGH_OF_TWO
