"""A real Postfix between Postern and the world: it delivers mail by LMTP and relays ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway.outgoing.relay_pause import PAUSE_S
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.tables import NoticeRow, table
from storage.mail.journal import JournalEntry
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.acceptance import postfix
from tests.acceptance.internet import ANN, GIL, Target, genuine_mail, running_target
from tests.acceptance.postfix import Delivery, MailSink, Postfix, ReceivedMail, running_sink
from tests.acceptance.support_server import (
    SALES,
    SUPPORT,
    TIMEOUT_S,
    SupportServer,
    a_mail,
    eventually,
    filed,
    free_port,
    message_id_of,
)
from tests.running import initialised, start
from tests.stores import SqliteStores

SKIP_REASON = postfix.missing()
pytestmark = pytest.mark.skipif(SKIP_REASON is not None, reason=SKIP_REASON or "")

OPEN = "open@help.example"
"""A mailbox whose policy holds strangers."""
STRANGER = "eve@evil.example"
GONE, BUSY = "gone@acme.example", "busy@acme.example"
"""Recipients that Postfix refuses, permanently and temporarily."""
NON_ASCII_SUBJECT = "Der Drücker läßt nichts durch – 打印机"
_notice = table(NoticeRow)


@dataclass
class Site:
    """Postern with a Postfix that delivers to it and relays for it, and the rest of the world."""

    server: SupportServer
    postfix: Postfix
    sink: MailSink

    def open_ticket(self, raw: bytes, sender: str) -> int:
        """Submit a mail to Postfix; the number of the ticket that it opens."""
        self.postfix.submit(raw, sender, SUPPORT)
        number = self.entry(raw).ticket
        assert number is not None
        return number

    def entry(self, raw: bytes) -> JournalEntry:
        """The journal entry of a mail, once there is one."""
        return eventually(lambda: next(iter(self.server.journal(raw)), None))

    def mail_to(self, address: str, within_s: float = TIMEOUT_S) -> ReceivedMail:
        """The only mail to an address in the sink, once Postfix's queue is empty."""
        eventually(lambda: self.sink.mails_to(address) or None, within_s)
        self.wait_until_idle()
        (mail,) = self.sink.mails_to(address)
        return mail

    def wait_until_idle(self) -> None:
        """Wait until Postfix's queue is empty."""
        eventually(lambda: None if self.postfix.queued() else True)

    def notice(self, address: str) -> NoticeRow:
        """Our notice to an address, once a delivery was attempted."""
        query = select(_notice).where(_notice.c.address == address, _notice.c.attempts > 0)
        settled = query.where((_notice.c.state != "due") | (_notice.c.last_error != ""))

        def look(connection: Connection) -> NoticeRow | None:
            row = connection.execute(settled).mappings().first()
            return None if row is None else NoticeRow(**row)

        return eventually(lambda: self.server.database.read(look))

    def stop_server(self) -> None:
        running = self.server.postern
        try:
            assert running.stop() == 0
        finally:
            running.kill()
            running.stderr.close()

    def start_server(self) -> None:
        running = start(self.server.postern.config)
        self.server = replace(self.server, postern=running)


@pytest.fixture(scope="module")
def shared_site(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    lmtp = free_port()
    with (
        running_sink() as sink,
        postfix.without_retries(
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
            server = SupportServer(start(config), database, folder, ("127.0.0.1", lmtp), "")
            server.write(enrol)
            site = Site(server, running, sink)
            yield site
            site.stop_server()
        finally:
            database.close()


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """The site; both servers are running again after the test."""
    yield shared_site
    if shared_site.postfix.process is None:
        shared_site.postfix.start()
    if shared_site.server.postern.process.poll() is not None:
        shared_site.start_server()


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
    """Two more mailboxes: Acme's users are registered for sales, nobody for the other."""
    add_mailbox(connection, OPEN, "open")
    add_mailbox(connection, SALES, "default")
    sales = mailbox_named(connection, SALES)
    add_company(connection, sales, "Acme", ["acme.example"])
    support = mailbox_named(connection, SUPPORT)
    for address in (GONE, BUSY):
        add_person(connection, support, NewPerson(address, "", Role.USER, "Acme"))


class TestDeliveryToPostern:
    def test_a_registered_users_mail_becomes_a_ticket(self, site: Site) -> None:
        sender = site.server.a_person()
        raw = a_mail(sender, subject="No ink")

        site.postfix.submit(raw, sender, SUPPORT)

        (attempt,) = site.postfix.delivered(message_id_of(raw))
        (entry,) = site.server.journal(raw)
        assert (attempt.status, attempt.dsn) == ("sent", "2.0.0")
        assert f"{entry.id} filed as #{entry.ticket}" in attempt.response
        assert (entry.verdict, entry.peer, entry.mail_from) == ("opened", "127.0.0.1", sender)
        assert site.server.ticket(entry.ticket or 0).summary.subject == "No ink"

    def test_a_reply_to_our_mail_becomes_a_comment(self, site: Site) -> None:
        sender = site.server.a_person()
        number = site.open_ticket(a_mail(sender), sender)
        reply_to = str(site.mail_to(sender).mail["Reply-To"])

        reply = a_mail(sender, "It is the blue one.", to=reply_to)
        site.postfix.submit(reply, sender, reply_to)

        entry = site.entry(reply)
        assert (entry.verdict, entry.reason) == ("commented", "reply_token")
        assert entry.ticket == number

    def test_eight_bit_text_is_preserved(self, site: Site) -> None:
        sender = site.server.a_person()
        body = {"mime_version": "1.0", "content_type": "text/plain; charset=utf-8"}
        raw = a_mail(sender, "Größe: 3 µm", subject=NON_ASCII_SUBJECT, **body)

        ticket = site.server.ticket(site.open_ticket(raw, sender))

        assert ticket.summary.subject == NON_ASCII_SUBJECT
        assert ticket.comments[0].text.strip() == "Größe: 3 µm"

    def test_two_mailboxes_reply_independently(self, site: Site) -> None:
        gil = site.server.a_person("Globex")
        raw = a_mail(gil, to=f"{SUPPORT}, {SALES}")

        site.postfix.submit(raw, gil, SUPPORT, SALES)

        attempts = {each.recipient: each for each in site.postfix.delivered(message_id_of(raw), 2)}
        assert (attempts[SUPPORT].status, attempts[SUPPORT].dsn) == ("sent", "2.0.0")
        assert (attempts[SALES].status, attempts[SALES].dsn) == ("bounced", "5.7.1")
        verdicts = {entry.mailbox: entry.verdict for entry in site.server.journal(raw)}
        assert verdicts == {SUPPORT: "opened", SALES: "refused"}

    def test_a_mail_submitted_twice_is_one_ticket(self, site: Site) -> None:
        sender = site.server.a_person()
        # Postfix adds a missing Date, which would differ between the two.
        raw = a_mail(sender, date="Sat, 21 Nov 2026 06:00:00 +0000")

        for count in (1, 2):
            site.postfix.submit(raw, sender, SUPPORT)
            attempts = site.postfix.delivered(message_id_of(raw), count)

        assert [entry.verdict for entry in site.server.journal(raw)] == ["opened", "duplicate"]
        assert attempts[0].response == attempts[1].response

    def test_postfix_queues_mail_while_postern_is_down_and_delivers_each_once(
        self, site: Site
    ) -> None:
        sender = site.server.a_person()
        mails = [a_mail(sender) for _ in range(3)]
        site.stop_server()
        for raw in mails:
            site.postfix.submit(raw, sender, SUPPORT)
        assert {site.postfix.delivered(message_id_of(raw))[0].status for raw in mails} == {
            "deferred"
        }
        assert site.postfix.queued().count(SUPPORT) == 3

        site.start_server()
        site.postfix.flush()
        for raw in mails:
            site.entry(raw)
        site.wait_until_idle()
        site.postfix.flush()

        assert [[e.verdict for e in site.server.journal(raw)] for raw in mails] == [["opened"]] * 3
        assert [site.postfix.delivered(message_id_of(raw))[-1].status for raw in mails] == [
            "sent"
        ] * 3


class TestStrangersThroughPostfix:
    def test_a_refused_stranger_gets_a_bounce_with_the_reason(self, site: Site) -> None:
        raw = a_mail(STRANGER)

        site.postfix.submit(raw, STRANGER, SUPPORT)

        bounce = site.mail_to(STRANGER)
        assert (bounce.mail_from, bounce.mail.get_content_type()) == ("", "multipart/report")
        assert b"550 5.7.1 This address takes mail from registered users only." in (
            bounce.raw.replace(b"\r\n    ", b" ")
        )
        (entry,) = site.server.journal(raw)
        assert (entry.verdict, entry.reason, entry.ticket) == ("refused", "stranger", None)

    def test_a_held_stranger_gets_no_bounce(self, site: Site) -> None:
        stranger = "carl@elsewhere.example"
        raw = a_mail(stranger, to=OPEN)

        site.postfix.submit(raw, stranger, OPEN)

        (attempt,) = site.postfix.delivered(message_id_of(raw))
        site.wait_until_idle()
        assert (attempt.status, attempt.dsn) == ("sent", "2.0.0")
        (entry,) = site.server.journal(raw)
        assert (entry.verdict, entry.reason) == ("held", "stranger_held")
        assert site.sink.mails_to(stranger) == []


class TestRelayForPostern:
    def test_an_acknowledgement_arrives_once_and_unchanged(self, site: Site) -> None:
        sender = site.server.a_person()
        raw = a_mail(sender, subject="No ink")

        number = site.open_ticket(raw, sender)

        received = site.mail_to(sender)
        assert (received.mail_from, received.rcpt_tos) == ("", (sender,))
        header = {name: received.mail.get_all(name) for name in ("To", "Subject", "In-Reply-To")}
        assert header == {
            "To": [sender],
            "Subject": [f"Re: [#{number}] No ink"],
            "In-Reply-To": [message_id_of(raw)],
        }
        assert received.mail["From"] == f"Support <{SUPPORT}>"
        assert received.mail["Auto-Submitted"] == "auto-replied"
        assert str(received.mail["Message-ID"]).endswith("@help.example>")
        assert f"#{number}" in received.text
        assert site.notice(sender).state == "sent"

    def test_a_non_ascii_subject_arrives_in_an_ascii_header(self, site: Site) -> None:
        sender = site.server.a_person()

        number = site.open_ticket(a_mail(sender, subject=NON_ASCII_SUBJECT), sender)

        received = site.mail_to(sender)
        assert received.mail["Subject"] == f"Re: [#{number}] {NON_ASCII_SUBJECT}"
        assert NON_ASCII_SUBJECT in received.text
        assert received.raw.partition(b"\r\n\r\n")[0].isascii()

    def test_a_temporary_refusal_delays_the_notice(self, site: Site) -> None:
        site.server.open_ticket(BUSY)

        notice = site.notice(BUSY)

        assert (notice.state, notice.attempts) == ("due", 1)
        assert "The mailbox is busy" in notice.last_error
        assert notice.due_at > datetime.now(UTC)

    def test_a_permanent_refusal_makes_the_notice_dead_with_its_reason(self, site: Site) -> None:
        site.server.open_ticket(GONE)

        notice = site.notice(GONE)

        assert (notice.state, notice.attempts) == ("dead", 1)
        assert "Nobody of that name" in notice.last_error
        assert site.sink.mails_to(GONE) == []

    def test_a_notice_waits_while_postfix_is_down_and_arrives_once(self, site: Site) -> None:
        sender = site.server.a_person()
        site.postfix.stop()
        number, _ = site.server.open_ticket(sender)
        delayed = site.notice(sender)
        assert (delayed.state, delayed.attempts) == ("due", 1)

        site.postfix.start()
        now = {"due_at": datetime.now(UTC)}
        site.server.write(
            lambda c: c.execute(update(_notice).where(_notice.c.id == delayed.id).values(now))
        )

        # Nothing is sent before the relay is asked again.
        arrived = site.mail_to(sender, within_s=PAUSE_S + TIMEOUT_S)
        assert str(arrived.mail["Subject"]).startswith(f"Re: [#{number}]")


@pytest.fixture(scope="module")
def by_socket(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Target, Postfix]]:
    """A Postern that trusts no peer, and a Postfix that delivers to its unix socket."""
    with postfix.public_folder() as folder:
        socket = folder / "lmtp"
        listen = f'refusal_s = 1\n[lmtp]\nlisten = "unix:{socket}"'
        with (
            running_target(
                tmp_path_factory.mktemp("target"), sqlite_stores.new(), listen
            ) as target,
            running_sink() as sink,
            postfix.without_retries(
                "relay_domains = help.example",
                f"transport_maps = inline:{{help.example=lmtp:unix:{socket}}}",
                f"default_transport = smtp:[127.0.0.1]:{sink.port}",
            ) as running,
        ):
            socket.chmod(0o666)  # Postfix connects as its own user
            yield target, running


class TestDeliveryByUnixSocket:
    """A unix socket has no client address, so nobody is trusted and signatures are verified."""

    def test_a_signed_mail_is_proven_through_postfix(
        self, by_socket: tuple[Target, Postfix]
    ) -> None:
        server, running = by_socket
        raw = genuine_mail(ANN)

        running.submit(raw, ANN, SUPPORT)

        (attempt,) = running.delivered(message_id_of(raw))
        assert attempt.status == "sent", attempt.response
        entry = server.journal()[-1]
        assert (entry.verdict, entry.authentication["by"]) == ("opened", "dkim:acme.example")

    def test_a_deferred_mail_is_delivered_again(self, by_socket: tuple[Target, Postfix]) -> None:
        server, running = by_socket
        raw = genuine_mail(GIL)
        server.dns.broken.add("globex.example")
        running.submit(raw, GIL, SUPPORT)
        (attempt,) = running.delivered(message_id_of(raw))
        assert (attempt.status, attempt.dsn) == ("deferred", "4.7.0")

        server.dns.broken.clear()

        def delivered_again() -> Delivery | None:
            running.flush()  # repeatedly: a DNS failure is cached for seconds
            last = running.deliveries(message_id_of(raw))[-1]
            return last if last.status == "sent" else None

        response = eventually(delivered_again).response.partition("250 ")[2]
        verdicts = [e.verdict for e in server.journal() if e.message_id == message_id_of(raw)]
        assert filed((250, response))[1] == server.journal()[-1].ticket
        assert (set(verdicts[:-1]), verdicts[-1]) == ({"deferred"}, "opened")
