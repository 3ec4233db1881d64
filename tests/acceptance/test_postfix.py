"""Between the world and Postern stands a real Postfix: it hands mail in by LMTP, and takes ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import select, update

from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.tables import NoticeRow, table
from storage.mail.journal import JournalEntry
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from tests.acceptance import postfix
from tests.acceptance.desk import (
    SALES,
    SUPPORT,
    Desk,
    a_free_port,
    a_mail,
    eventually,
    filed,
    id_of,
)
from tests.acceptance.internet import ANN, GIL, Target, a_target, honest
from tests.acceptance.postfix import Delivery, Postfix, Received, Sink, a_sink
from tests.running import initialised, start
from tests.stores import SqliteStores

WHY_NOT = postfix.missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")

OPEN = "open@help.example"
"""Its policy holds the mail of strangers."""
STRANGER = "eve@evil.example"
GONE, BUSY = "gone@acme.example", "busy@acme.example"
"""Postfix takes no mail for them: never, and not now."""
ABROAD = "Der Drücker läßt nichts durch – 打印机"
_notice = table(NoticeRow)


@dataclass
class Site:
    """Postfix before Postern and behind it, and the mailboxes of everybody else."""

    desk: Desk
    postfix: Postfix
    sink: Sink

    def opened(self, raw: bytes, sender: str) -> int:
        """Hand a mail in; the number of the ticket that it opens."""
        self.postfix.hand_in(raw, sender, SUPPORT)
        number = self.entry(raw).ticket
        assert number is not None
        return number

    def entry(self, raw: bytes) -> JournalEntry:
        """What became of a mail, once something has."""
        return eventually(lambda: next(iter(self.desk.journal(raw)), None))

    def mail_to(self, address: str) -> Received:
        """The only mail that the world has for somebody, once Postfix has nothing left."""
        eventually(lambda: self.sink.mails_to(address) or None)
        self.quiet()
        (mail,) = self.sink.mails_to(address)
        return mail

    def quiet(self) -> None:
        """Wait until Postfix has delivered all it has."""
        eventually(lambda: None if self.postfix.queued() else True)

    def notice(self, address: str) -> NoticeRow:
        """Our notice to somebody, once it was tried."""
        query = select(_notice).where(_notice.c.address == address, _notice.c.attempts > 0)
        settled = query.where((_notice.c.state != "due") | (_notice.c.last_error != ""))

        def look(connection: Connection) -> NoticeRow | None:
            row = connection.execute(settled).mappings().first()
            return None if row is None else NoticeRow(**row)

        return eventually(lambda: self.desk.database.read(look))

    def stop_postern(self) -> None:
        running = self.desk.running
        try:
            assert running.stop() == 0
        finally:
            running.kill()
            assert running.process.stderr is not None
            running.process.stderr.close()

    def start_postern(self) -> None:
        running = start(self.desk.running.config)
        self.desk = replace(self.desk, running=running)


@pytest.fixture(scope="module")
def whole(sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    lmtp = a_free_port()
    with (
        a_sink() as sink,
        postfix.patient(
            "relay_domains = help.example",
            f"transport_maps = inline:{{help.example=lmtp:inet:127.0.0.1:{lmtp}}}",
            f"default_transport = smtp:[127.0.0.1]:{sink.port}",
            "smtpd_recipient_restrictions = check_recipient_access inline:{"
            f" {{ {GONE} = 550 5.1.1 Nobody of that name }}"
            f" {{ {BUSY} = 450 4.2.0 The mailbox is busy }} }}",
        ) as running,
    ):
        folder, url = tmp_path_factory.mktemp("site"), sqlite_stores.new()
        config = a_config(folder, url, lmtp, running.port)
        initialised(config, "--demo")
        database = Database(url, connections=2)
        try:
            desk = Desk(start(config), database, folder, ("127.0.0.1", lmtp), "")
            desk.write(enrol)
            site = Site(desk, running, sink)
            yield site
            site.stop_postern()
        finally:
            database.close()


@pytest.fixture
def site(whole: Site) -> Iterator[Site]:
    """The site as a test finds it: both servers run, and nothing is under way."""
    yield whole
    if whole.postfix.process is None:
        whole.postfix.start()
    if whole.desk.running.process.poll() is not None:
        whole.start_postern()


def a_config(folder: Path, store_url: str, lmtp: int, relay: int) -> Path:
    shipped = resources.files("rules.policy.presets").joinpath("default.toml")
    text = shipped.read_text(encoding="utf-8").replace('"default"', '"open"', 1)
    assert 'strangers = "refuse"' in text
    text = text.replace('strangers = "refuse"', 'strangers = "hold"')
    (folder / "policies").mkdir()
    (folder / "policies" / "open.toml").write_text(text)
    path = folder / "postern.toml"
    path.write_text(
        f'[smtp]\nlisten = "127.0.0.1:0"\n[http]\nlisten = "127.0.0.1:0"\n'
        f'[lmtp]\nlisten = "127.0.0.1:{lmtp}"\n[store]\nurl = "{store_url}"\n'
        f'[relay]\nurl = "smtp://127.0.0.1:{relay}"\n[policies]\nfolder = "{folder}/policies"\n'
    )
    return path


def enrol(connection: Connection) -> None:
    """Two more mailboxes; Acme's people may write to sales, nobody is registered at the other."""
    mailboxes.add_mailbox(connection, OPEN, "open")
    mailboxes.add_mailbox(connection, SALES, "default")
    sales = mailboxes.mailbox_named(connection, SALES)
    companies.add_company(connection, sales, "Acme", ["acme.example"])
    support = mailboxes.mailbox_named(connection, SUPPORT)
    for address in (GONE, BUSY):
        people.add_person(connection, support, NewPerson(address, "", Role.USER, "Acme"))


class TestInFront:
    def test_a_registered_users_mail_becomes_a_ticket(self, site: Site) -> None:
        sender = site.desk.a_person()
        raw = a_mail(sender, subject="No ink")

        site.postfix.hand_in(raw, sender, SUPPORT)

        (attempt,) = site.postfix.delivered(id_of(raw))
        (entry,) = site.desk.journal(raw)
        assert (attempt.status, attempt.dsn) == ("sent", "2.0.0")
        assert f"{entry.id} filed as #{entry.ticket}" in attempt.said
        assert (entry.verdict, entry.peer, entry.mail_from) == ("opened", "127.0.0.1", sender)
        assert site.desk.ticket(entry.ticket or 0).summary.subject == "No ink"

    def test_a_reply_to_what_we_sent_lands_on_the_same_ticket(self, site: Site) -> None:
        sender = site.desk.a_person()
        number = site.opened(a_mail(sender), sender)
        reply_to = str(site.mail_to(sender).mail["Reply-To"])

        reply = a_mail(sender, "It is the blue one.", to=reply_to)
        site.postfix.hand_in(reply, sender, reply_to)

        entry = site.entry(reply)
        assert (entry.verdict, entry.reason) == ("commented", "reply_token")
        assert entry.ticket == number

    def test_eight_bit_words_come_through(self, site: Site) -> None:
        sender = site.desk.a_person()
        body = {"mime_version": "1.0", "content_type": "text/plain; charset=utf-8"}
        raw = a_mail(sender, "Größe: 3 µm", subject=ABROAD, **body)

        whole = site.desk.ticket(site.opened(raw, sender))

        assert whole.summary.subject == ABROAD
        assert whole.comments[0].text.strip() == "Größe: 3 µm"

    def test_each_of_two_mailboxes_answers_for_itself(self, site: Site) -> None:
        gil = site.desk.a_person("Globex")
        raw = a_mail(gil, to=f"{SUPPORT}, {SALES}")

        site.postfix.hand_in(raw, gil, SUPPORT, SALES)

        attempts = {each.recipient: each for each in site.postfix.delivered(id_of(raw), 2)}
        assert (attempts[SUPPORT].status, attempts[SUPPORT].dsn) == ("sent", "2.0.0")
        assert (attempts[SALES].status, attempts[SALES].dsn) == ("bounced", "5.7.1")
        verdicts = {entry.mailbox: entry.verdict for entry in site.desk.journal(raw)}
        assert verdicts == {SUPPORT: "opened", SALES: "refused"}

    def test_what_is_handed_in_twice_is_one_ticket(self, site: Site) -> None:
        sender = site.desk.a_person()
        # Postfix would write the Date that is missing, and not the same one twice.
        raw = a_mail(sender, date="Sat, 21 Nov 2026 06:00:00 +0000")

        for count in (1, 2):
            site.postfix.hand_in(raw, sender, SUPPORT)
            attempts = site.postfix.delivered(id_of(raw), count)

        assert [entry.verdict for entry in site.desk.journal(raw)] == ["opened", "duplicate"]
        assert attempts[0].said == attempts[1].said

    def test_while_we_are_down_it_keeps_the_mails_and_brings_each_once(self, site: Site) -> None:
        sender = site.desk.a_person()
        mails = [a_mail(sender) for _ in range(3)]
        site.stop_postern()
        for raw in mails:
            site.postfix.hand_in(raw, sender, SUPPORT)
        assert {site.postfix.delivered(id_of(raw))[0].status for raw in mails} == {"deferred"}
        assert site.postfix.queued().count(SUPPORT) == 3

        site.start_postern()
        site.postfix.flush()
        for raw in mails:
            site.entry(raw)
        site.quiet()
        site.postfix.flush()

        assert [[e.verdict for e in site.desk.journal(raw)] for raw in mails] == [["opened"]] * 3
        assert [site.postfix.delivered(id_of(raw))[-1].status for raw in mails] == ["sent"] * 3


class TestStrangersInFront:
    def test_a_refused_stranger_is_told_why_by_postfix(self, site: Site) -> None:
        raw = a_mail(STRANGER)

        site.postfix.hand_in(raw, STRANGER, SUPPORT)

        bounce = site.mail_to(STRANGER)
        assert (bounce.mail_from, bounce.mail.get_content_type()) == ("", "multipart/report")
        assert b"550 5.7.1 This address takes mail from registered users only." in (
            bounce.raw.replace(b"\r\n    ", b" ")
        )
        (entry,) = site.desk.journal(raw)
        assert (entry.verdict, entry.reason, entry.ticket) == ("refused", "stranger", None)

    def test_a_stranger_who_is_held_makes_no_bounce(self, site: Site) -> None:
        stranger = "carl@elsewhere.example"
        raw = a_mail(stranger, to=OPEN)

        site.postfix.hand_in(raw, stranger, OPEN)

        (attempt,) = site.postfix.delivered(id_of(raw))
        site.quiet()
        assert (attempt.status, attempt.dsn) == ("sent", "2.0.0")
        (entry,) = site.desk.journal(raw)
        assert (entry.verdict, entry.reason) == ("held", "stranger_held")
        assert site.sink.mails_to(stranger) == []


class TestBehind:
    def test_an_acknowledgement_arrives_once_as_it_was_written(self, site: Site) -> None:
        sender = site.desk.a_person()
        raw = a_mail(sender, subject="No ink")

        number = site.opened(raw, sender)

        received = site.mail_to(sender)
        assert (received.mail_from, received.rcpt_tos) == ("", (sender,))
        header = {name: received.mail.get_all(name) for name in ("To", "Subject", "In-Reply-To")}
        assert header == {
            "To": [sender],
            "Subject": [f"Re: [#{number}] No ink"],
            "In-Reply-To": [id_of(raw)],
        }
        assert received.mail["From"] == f"Support <{SUPPORT}>"
        assert received.mail["Auto-Submitted"] == "auto-replied"
        assert str(received.mail["Message-ID"]).endswith("@help.example>")
        assert f"#{number}" in received.text
        assert site.notice(sender).state == "sent"

    def test_foreign_words_arrive_in_a_header_that_every_server_takes(self, site: Site) -> None:
        sender = site.desk.a_person()

        number = site.opened(a_mail(sender, subject=ABROAD), sender)

        received = site.mail_to(sender)
        assert received.mail["Subject"] == f"Re: [#{number}] {ABROAD}"
        assert ABROAD in received.text
        assert received.raw.partition(b"\r\n\r\n")[0].isascii()

    def test_what_it_does_not_take_now_is_put_off(self, site: Site) -> None:
        site.desk.opened_by(BUSY)

        notice = site.notice(BUSY)

        assert (notice.state, notice.attempts) == ("due", 1)
        assert "The mailbox is busy" in notice.last_error
        assert notice.due_at > datetime.now(UTC)

    def test_what_it_never_takes_is_dead_and_says_why(self, site: Site) -> None:
        site.desk.opened_by(GONE)

        notice = site.notice(GONE)

        assert (notice.state, notice.attempts) == ("dead", 1)
        assert "Nobody of that name" in notice.last_error
        assert site.sink.mails_to(GONE) == []

    def test_while_it_is_down_our_mail_waits_and_arrives_once(self, site: Site) -> None:
        sender = site.desk.a_person()
        site.postfix.stop()
        number, _ = site.desk.opened_by(sender)
        put_off = site.notice(sender)
        assert (put_off.state, put_off.attempts) == ("due", 1)

        site.postfix.start()
        now = {"due_at": datetime.now(UTC)}
        site.desk.write(
            lambda c: c.execute(update(_notice).where(_notice.c.id == put_off.id).values(now))
        )

        assert str(site.mail_to(sender).mail["Subject"]).startswith(f"Re: [#{number}]")


@pytest.fixture(scope="module")
def by_socket(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Target, Postfix]]:
    """A Postern that trusts no peer, and the Postfix that delivers to its unix socket."""
    with postfix.a_public_folder() as folder:
        socket = folder / "lmtp"
        listen = f'refusal_s = 1\n[lmtp]\nlisten = "unix:{socket}"'
        with (
            a_target(tmp_path_factory.mktemp("target"), sqlite_stores.new(), listen) as target,
            a_sink() as sink,
            postfix.patient(
                "relay_domains = help.example",
                f"transport_maps = inline:{{help.example=lmtp:unix:{socket}}}",
                f"default_transport = smtp:[127.0.0.1]:{sink.port}",
            ) as running,
        ):
            socket.chmod(0o666)  # Postfix asks as its own user
            yield target, running


class TestBySocket:
    """A unix socket brings no client address: nobody's word is taken, signatures are checked."""

    def test_a_signed_mail_is_proven_behind_postfix(
        self, by_socket: tuple[Target, Postfix]
    ) -> None:
        desk, running = by_socket
        raw = honest(ANN)

        running.hand_in(raw, ANN, SUPPORT)

        (attempt,) = running.delivered(id_of(raw))
        assert attempt.status == "sent", attempt.said
        entry = desk.journal()[-1]
        assert (entry.verdict, entry.authentication["by"]) == ("opened", "dkim:acme.example")

    def test_a_mail_that_we_defer_is_brought_again(self, by_socket: tuple[Target, Postfix]) -> None:
        desk, running = by_socket
        raw = honest(GIL)
        desk.server.broken.add("globex.example")
        running.hand_in(raw, GIL, SUPPORT)
        (attempt,) = running.delivered(id_of(raw))
        assert (attempt.status, attempt.dsn) == ("deferred", "4.7.0")

        desk.server.broken.clear()

        def brought() -> Delivery | None:
            running.flush()  # more than once: a failure of the DNS is remembered for seconds
            last = running.deliveries(id_of(raw))[-1]
            return last if last.status == "sent" else None

        told = eventually(brought).said.partition("250 ")[2]
        verdicts = [e.verdict for e in desk.journal() if e.message_id == id_of(raw)]
        assert filed((250, told))[1] == desk.journal()[-1].ticket
        assert (set(verdicts[:-1]), verdicts[-1]) == ({"deferred"}, "opened")
