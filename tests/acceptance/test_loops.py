"""Mail loops with machines that answer every mail: each ends after a few mails."""

from __future__ import annotations

import email
import queue
import smtplib
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.policy import SMTP
from pathlib import Path

import pytest

from rules.people import Role
from rules.ticket.notices import NoticeState
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.mail import journal, quarantine
from storage.mail.journal import JournalFilter
from storage.notices import overview
from storage.notices.overview import NoticeFilter
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.acceptance.support_server import SUPPORT, a_mail, eventually, filed, free_port
from tests.running import Postern, initialised, serving
from tests.stores import SqliteStores

ANN, BOB = "ann@acme.example", "bob@acme.example"
MAX_MAILS = 6
"""The largest number of mails exchanged, the first one included."""
MAX_MAILS_OF_TWO = 7
"""The same with two auto-responders on one ticket, each of which is answered once."""


@dataclass(frozen=True)
class Progress:
    """How many mails a server has received, and how many notices are due."""

    taken: int
    due: int


def progress(database: Database) -> Progress:
    def look(connection: Connection) -> Progress:
        soon = datetime.now(UTC) + timedelta(minutes=1)  # later acknowledgements may wait
        every = overview.listing(connection, NoticeFilter(NoticeState.DUE))
        due = sum(1 for each in every if each.due_at < soon)
        return Progress(len(journal.newest(connection, JournalFilter(), 10_000)), due)

    return database.read(look)


def held_mails(database: Database) -> int:
    return len(database.read(quarantine.held_mails))


def until_silent(look: Callable[[], tuple[Progress, ...]], pending: Callable[[], int]) -> None:
    """Wait until nothing is due or in transit: a sent notice is pending before it leaves `due`."""

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
        '[trust]\npeers = ["127.0.0.0/8"]\n'
    )
    return path


# ---- two servers --------------------------------------------------------------------------------


@contextmanager
def running_server(
    folder: Path,
    store: str,
    own: str,
    other: str,
    port: int,
    relay_port: int,
    role: Role = Role.USER,
) -> Iterator[tuple[Postern, Database]]:
    """A Postern with another's support address among its people, which sends all mail there."""
    path = config(folder, store, f"127.0.0.1:{port}", relay_port)
    initialised(path)
    database = Database(store, connections=2)
    ledger = open_ledger(database)
    ledger.submit(lambda c: _enrol(c, own, other, role)).result()
    ledger.close()
    try:
        with serving(path) as running:
            yield running, database
    finally:
        database.close()


def _enrol(connection: Connection, own: str, other: str, role: Role) -> None:
    add_mailbox(connection, own, "default")
    mailbox = mailbox_named(connection, own)
    add_company(connection, mailbox, "Others", [other.partition("@")[2], "gamma.example"])
    add_person(connection, mailbox, NewPerson("cat@gamma.example", "", Role.USER, "Others"))
    company = "Others" if role is Role.USER else None
    add_person(connection, mailbox, NewPerson(other, "", role, company))
    if role is Role.USER:
        staff = NewPerson(f"sam@{own.partition('@')[2]}", "", Role.STAFF, None)
        add_person(connection, mailbox, staff)


def test_two_servers_do_not_answer_each_other(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    alpha, beta = "help@alpha.example", "help@beta.example"
    ports = (free_port(), free_port())
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                running_server(tmp_path / "alpha", sqlite_stores.new(), alpha, beta, *ports)
            ),
            stack.enter_context(
                running_server(
                    tmp_path / "beta", sqlite_stores.new(), beta, alpha, ports[1], ports[0]
                )
            ),
        ]
        first, _ = servers[0]

        # A person at beta wrote by hand, from their support address.
        filed(first.send(a_mail(beta, to=alpha), beta, alpha))
        until_silent(lambda: tuple(progress(database) for _, database in servers), lambda: 0)

        assert sum(progress(database).taken for _, database in servers) == 2


def test_the_desks_of_two_servers_do_not_notify_each_other(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    """Each has the other's support address among its staff, so each gets the other's notices."""
    alpha, beta = "help@alpha.example", "help@beta.example"
    one, two = free_port(), free_port()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                running_server(
                    tmp_path / own, sqlite_stores.new(), own, other, here, there, Role.STAFF
                )
            )
            for own, other, here, there in ((alpha, beta, one, two), (beta, alpha, two, one))
        ]
        first, _ = servers[0]

        filed(first.send(a_mail("cat@gamma.example", to=alpha), "cat@gamma.example", alpha))
        until_silent(lambda: tuple(progress(database) for _, database in servers), lambda: 0)

        assert sum(progress(database).taken for _, database in servers) == 2
        assert [held_mails(database) for _, database in servers] == [0, 0]  # no digest later


# ---- a server and its users' auto-responders ----------------------------------------------------


@dataclass
class AutoResponders:
    """A relay for all other domains, at which some addresses answer every mail at once.

    None of their answers is marked as automatic.
    """

    answer: Callable[[Message, str, int], tuple[bytes, str]]
    """From a mail, the responder's address and a counter: the answer and its recipient."""
    addresses: tuple[str, ...]
    silent: tuple[str, ...] = ()
    """Of these, those that answer with the null reverse-path."""
    received: list[tuple[str, bytes]] = field(default_factory=list)
    sent: int = 0
    pending: int = 0
    server_address: tuple[str, int] = ("", 0)
    _mails: queue.SimpleQueue[tuple[str, bytes] | None] = field(default_factory=queue.SimpleQueue)

    def deliver(self, rcpt_to: str, raw: bytes) -> None:
        self.received.append((rcpt_to, raw))
        if rcpt_to in self.addresses:
            self.pending += 1
            self._mails.put((rcpt_to, raw))

    def run(self) -> None:
        while (mail := self._mails.get()) is not None:
            address, raw = mail
            self.sent += 1
            answer, to = self.answer(email.message_from_bytes(raw), address, self.sent)
            with smtplib.SMTP(*self.server_address, timeout=30) as client:
                client.sendmail("" if address in self.silent else address, [to], answer)
            self.pending -= 1

    def stop(self) -> None:
        self._mails.put(None)

    def mails_to(self, address: str) -> list[Message]:
        return [email.message_from_bytes(raw) for to, raw in self.received if to == address]

    def exchanged_with(self, address: str) -> int:
        """The number of mails to and from one of them: each mail to it is answered."""
        return 2 * len(self.mails_to(address))

    def has_digest(self, address: str) -> bool:
        return any("new for the desk" in each["Subject"] for each in self.mails_to(address))

    @property
    def exchanged(self) -> int:
        """The number of mails to and from the responders, the first one included."""
        return 1 + self.sent + sum(to in self.addresses for to, _ in self.received)


class _Session(socketserver.StreamRequestHandler):
    """The part of an SMTP server that a relay needs."""

    server: _Server

    def handle(self) -> None:
        self._reply("220 relay")
        rcpt_to = ""
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                rcpt_to = line.partition("<")[2].partition(">")[0]
            if verb == "QUIT":
                self._reply("221 bye")
                return
            if verb == "DATA":
                self._reply("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                raw = b"".join(line.removeprefix(b".") for line in lines)
                self.server.responders.deliver(rcpt_to, raw)
            self._reply("250 2.0.0 ok")

    def _reply(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    responders: AutoResponders


@contextmanager
def running_demo_among(
    responders: AutoResponders, store: str, folder: Path
) -> Iterator[tuple[Postern, Database]]:
    """The demo server, which sends all its mail to the responders."""
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
            responders.server_address = running.smtp
            yield running, database


def a_new_mail(received: Message, address: str, number: int) -> tuple[bytes, str]:
    """A new mail to the support address, without any reference to the received one."""
    raw = a_mail(address, f"I am away ({number}).", subject="Out of office")
    return raw, SUPPORT


def an_answer(received: Message, address: str, number: int) -> tuple[bytes, str]:
    """An answer to the reply address, as a mail client writes it."""
    raw = a_mail(
        address,
        f"I am away ({number}).",
        to=received["Reply-To"],
        subject=received["Subject"],
        in_reply_to=received["Message-ID"],
        references=f"{received['References']} {received['Message-ID']}".replace("\r\n", ""),
    )
    return raw, received["Reply-To"]


def exchanged(responders: AutoResponders, store: str, folder: Path, **header: str) -> int:
    """The number of mails exchanged after one mail of Ann's."""
    with running_demo_among(responders, store, folder) as (running, database):
        filed(running.send(a_mail(ANN, **header), ANN, SUPPORT))
        until_silent(lambda: (progress(database),), lambda: responders.pending)
        return responders.exchanged


def an_absence_or_an_echo(received: Message, address: str, number: int) -> tuple[bytes, str]:
    """Of Ann, an answer as Exchange sends it; of Bob, who is a list, the mail itself."""
    if address == ANN:
        raw, to = an_answer(received, address, number)
        marks = b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n"
        return marks + raw.replace(b"Subject: ", b"Subject: Automatic reply: "), to
    received.replace_header("From", f"Support via All <{address}>")
    received["List-Id"] = "<all.acme.example>"
    return received.as_bytes(policy=SMTP), SUPPORT


def test_neither_exchange_nor_a_list_that_echoes_is_answered(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    store = sqlite_stores.new()
    responders = AutoResponders(an_absence_or_an_echo, (ANN, BOB), silent=(ANN,))
    with running_demo_among(responders, store, tmp_path) as (running, database):
        for sender in (ANN, BOB):
            filed(running.send(a_mail(sender), sender, SUPPORT))
        until_silent(lambda: (progress(database),), lambda: responders.pending)

    assert responders.sent == 2  # each answered its acknowledgement
    assert 1 + responders.exchanged <= MAX_MAILS


@pytest.mark.parametrize("answer", [a_new_mail, an_answer])
def test_an_unmarked_auto_responder_is_answered_once(
    answer: Callable[[Message, str, int], tuple[bytes, str]],
    sqlite_stores: SqliteStores,
    tmp_path: Path,
) -> None:
    responders = AutoResponders(answer, (ANN,))

    assert exchanged(responders, sqlite_stores.new(), tmp_path) <= MAX_MAILS


@pytest.mark.parametrize(
    "answer",
    [a_new_mail, an_answer],
)
def test_a_loop_of_two_auto_responders_on_one_ticket_ends(
    answer: Callable[[Message, str, int], tuple[bytes, str]],
    sqlite_stores: SqliteStores,
    tmp_path: Path,
) -> None:
    responders = AutoResponders(answer, (ANN, BOB))

    assert exchanged(responders, sqlite_stores.new(), tmp_path, cc=BOB) <= MAX_MAILS_OF_TWO


def test_a_loop_of_a_staff_persons_and_a_customers_auto_responder_ends(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    responders = AutoResponders(an_answer, (ANN, SAM))

    exchanged(responders, sqlite_stores.new(), tmp_path)

    assert 1 <= len(responders.mails_to(SAM)) <= MAX_MAILS
    assert len(responders.mails_to(ANN)) <= MAX_MAILS


# ---- a server and its desk's auto-responders ----------------------------------------------------

GIL = "gil@globex.example"
SAM, TOM, DESK = "sam@help.example", "tom@help.example", "desk@help.example"


def of_a_desk(received: Message, address: str, number: int) -> tuple[bytes, str]:
    """Of Tom, an answer as Exchange sends it; of the list, the mail itself; of all others, an
    answer without any mark. A digest has no reply address of its own."""
    if address == DESK:
        received.replace_header("From", f"Support via Desk <{address}>")
        received["List-Id"] = "<desk.help.example>"
        return received.as_bytes(policy=SMTP), SUPPORT
    if received["Reply-To"] is None:
        received["Reply-To"] = SUPPORT
    raw, to = an_answer(received, address, number)
    if address == TOM:
        raw = b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n" + raw
    return raw, to


def _enrol_desk(connection: Connection) -> None:
    for address in (TOM, DESK):
        person = NewPerson(address, "", Role.STAFF, None)
        add_person(connection, mailbox_named(connection, SUPPORT), person)


def test_neither_digests_nor_receipts_are_answered_for_long(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    """First all of the desk answer every mail, then the author of a mail that is held."""
    responders = AutoResponders(of_a_desk, (SAM, TOM, DESK), silent=(TOM,))
    with running_demo_among(responders, sqlite_stores.new(), tmp_path) as (running, database):
        ledger = open_ledger(database)
        ledger.submit(_enrol_desk).result()
        ledger.close()

        def hold_a_reply(author: str, requester: str) -> None:
            """A customer of another company writes to the requester's reply address."""
            acknowledged = eventually(lambda: next(iter(responders.mails_to(requester)), None))
            to = acknowledged["Reply-To"]
            code, _ = running.send(a_mail(author, to=to), author, to)
            assert code == 250

        def until_nothing_is_sent() -> None:
            until_silent(lambda: (progress(database),), lambda: responders.pending)

        filed(running.send(a_mail(ANN), ANN, SUPPORT))
        filed(running.send(a_mail(GIL), GIL, SUPPORT))
        until_nothing_is_sent()
        earlier = {each: responders.exchanged_with(each) for each in responders.addresses}
        hold_a_reply(GIL, ANN)
        eventually(lambda: all(map(responders.has_digest, responders.addresses)) or None)
        until_nothing_is_sent()
        since = {each: responders.exchanged_with(each) - n for each, n in earlier.items()}

        responders.addresses = (BOB,)
        hold_a_reply(BOB, GIL)
        eventually(lambda: responders.mails_to(BOB) or None)
        until_nothing_is_sent()
        since[BOB] = 1 + responders.exchanged_with(BOB)

        assert held_mails(database) == 2  # no answer is held, and named by another digest
        assert max(since.values()) <= MAX_MAILS, since
