"""Handing mails to an SMTP server: what its replies mean, and how its connections are kept."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest

from gateway.config.secret_file import SecretRefused
from gateway.config.sections import RelaySection
from gateway.outgoing.delivery import Outgoing, Relay, RelayDown, SenderRefused, Undelivered
from gateway.outgoing.relay import MaildirRelay, configured
from gateway.outgoing.smtp_relay import KEPT_S, RelayRefused, Server, SmtpRelay, server
from tests.gateway.outgoing.relay_side import certified, relay_side

OUTGOING = Outgoing("n1", "", "ann@acme.example", b"Subject: x\r\n\r\nHello\r\n.dot\r\n")


@asynccontextmanager
async def closing(relay: SmtpRelay) -> AsyncIterator[SmtpRelay]:
    try:
        yield relay
    finally:
        await relay.close()


async def refusal(relay: Relay, outgoing: Outgoing = OUTGOING) -> Undelivered:
    with pytest.raises(Undelivered) as refused:
        await relay.send(outgoing)
    return refused.value


# What is handed over


async def test_a_relay_gets_the_bytes_and_the_null_reverse_path() -> None:
    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        await relay.send(OUTGOING)

    assert side.accepted == [("", "ann@acme.example", OUTGOING.raw)]


# What a reply means


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("reply", "permanent"), [("451 4.3.0 later", False), ("554 5.6.0 never", True)]
)
async def test_a_refusal_of_the_mail_decides_whether_it_is_tried_again(
    verb: str, reply: str, permanent: bool
) -> None:
    async with relay_side({verb: reply}) as side, closing(SmtpRelay(side.url)) as relay:
        refused = await refusal(relay)

    assert (refused.permanent, refused.ours) == (permanent, False)
    assert f"{refused.code} {refused.status}" == reply.rpartition(" ")[0]


@pytest.mark.parametrize("verb", ["GREETING", "MAIL", "RCPT", "."])
async def test_a_reply_in_any_octets_is_words_that_can_be_stored(verb: str) -> None:
    """Many relays repeat another server's words, or the name of a file, as they came."""
    reply = "550 5.1.1 Empf\udce4nger unbekannt"
    async with relay_side({verb: reply}) as side, closing(SmtpRelay(side.url)) as relay:
        refused = await refusal(relay)

    assert "550 5.1.1 Empfänger unbekannt" in str(refused)


@pytest.mark.parametrize(("verb", "of_content"), [("RCPT", False), ("DATA", True), (".", True)])
async def test_a_refusal_says_whether_the_recipient_was_accepted(
    verb: str, of_content: bool
) -> None:
    """Who writes on a ticket chooses the names of files, which a filter may repeat."""
    reply = "550 invoice 5.1.1 .exe is forbidden"
    async with relay_side({verb: reply}) as side, closing(SmtpRelay(side.url)) as relay:
        refused = await refusal(relay)

    assert (refused.of_content, refused.status) == (of_content, "")


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("GREETING", "554 5.3.2 no service"),
        ("EHLO", "550 5.7.1 not you"),
    ],
)
async def test_a_refusal_that_concerns_us_gives_up_no_mail_and_stops_the_round(
    verb: str, reply: str
) -> None:
    async with relay_side({verb: reply}) as side, closing(SmtpRelay(side.url)) as relay:
        if verb == "EHLO":
            side.replies["HELO"] = reply
        refused = await refusal(relay)

    assert isinstance(refused, RelayDown)
    assert not refused.permanent


@pytest.mark.parametrize("reply", ["530 5.7.0 authentication required", "421 4.3.2 shutting down"])
async def test_a_sender_that_is_refused_so_may_be_the_only_one(reply: str) -> None:
    async with relay_side({"MAIL": reply}) as side, closing(SmtpRelay(side.url)) as relay:
        refused = await refusal(relay)

    assert isinstance(refused, SenderRefused)
    assert (refused.reverse_path, refused.permanent) == (OUTGOING.mail_from, False)


@pytest.mark.parametrize("reply", ["530 5.7.0 authentication required", "421 4.7.1 not them", ""])
async def test_what_a_relay_does_at_one_recipient_does_not_stop_the_round(reply: str) -> None:
    """Else everybody else's mails would wait with that of one customer, for hours."""
    async with relay_side({"RCPT": reply}) as side, closing(SmtpRelay(side.url)) as relay:
        refused = await refusal(relay)

    assert not isinstance(refused, RelayDown)
    assert not refused.permanent


async def test_a_relay_that_ends_connections_without_a_word_is_sent_the_next_mail_at_once() -> None:
    class Once(dict[str, str]):
        def get(self, verb: str, default: Any = "") -> Any:
            return self.pop(verb, default)

    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        await relay.send(OUTGOING)
        side.replies = Once(MAIL="")
        await relay.send(OUTGOING)

    assert len(side.accepted) == 2


async def test_a_relay_that_hangs_up_on_one_mail_is_not_down_for_the_others() -> None:
    """Else a text that a filter defers so would keep each notice beside it back, for hours."""
    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        side.replies["."] = "421 4.7.0 try again later"
        refused = await refusal(relay)
        del side.replies["."]
        await relay.send(OUTGOING)

    assert (type(refused), refused.permanent) == (Undelivered, False)
    assert len(side.accepted) == 1


async def test_a_relay_that_takes_some_mails_over_each_connection_is_not_down() -> None:
    """Else all others that are due wait with the one that was one too many."""

    class TwoForEach(dict[str, str]):
        mails = 0

        def get(self, verb: str, default: Any = "") -> Any:
            self.mails += verb == "MAIL"
            return "421 too many mails" if verb == "MAIL" and self.mails == 3 else default

    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        side.replies = TwoForEach()
        for _ in range(3):
            await relay.send(OUTGOING)

    assert (len(side.accepted), side.connections) == (3, 2)


async def test_a_refused_sender_is_a_fault_of_ours_not_of_the_mail() -> None:
    async with (
        relay_side({"MAIL": "553 5.7.1 not your domain"}) as side,
        closing(SmtpRelay(side.url)) as relay,
    ):
        refused = await refusal(relay)

    assert (refused.permanent, refused.ours) == (False, True)
    assert "553 5.7.1 not your domain" in str(refused)


async def test_a_relay_that_is_down_is_tried_again() -> None:
    refused = await refusal(SmtpRelay("smtp://127.0.0.1:1"))

    assert isinstance(refused, RelayDown)
    assert "127.0.0.1:1" in str(refused)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
async def test_a_connection_that_breaks_is_tried_again(verb: str) -> None:
    async with relay_side({verb: ""}) as side, closing(SmtpRelay(side.url)) as relay:
        assert not (await refusal(relay)).permanent

        side.replies.clear()
        await relay.send(OUTGOING)

    assert len(side.accepted) == 1


async def test_after_a_refusal_the_next_mail_goes_over_the_same_connection() -> None:
    async with (
        relay_side({"RCPT": "550 5.1.1 unknown"}) as side,
        closing(SmtpRelay(side.url)) as relay,
    ):
        await refusal(relay)
        side.replies.clear()
        await relay.send(OUTGOING)

    assert (side.connections, len(side.accepted)) == (1, 1)


# How connections are kept


async def test_several_mails_go_over_one_connection() -> None:
    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        for _ in range(3):
            await relay.send(OUTGOING)

    assert (len(side.accepted), side.connections) == (3, 1)


async def test_mails_at_once_go_over_connections_of_their_own() -> None:
    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        await asyncio.gather(*(relay.send(OUTGOING) for _ in range(3)))
        await asyncio.gather(*(relay.send(OUTGOING) for _ in range(3)))

    assert (len(side.accepted), side.connections) == (6, 3)


async def test_a_dead_connection_is_noticed_and_replaced() -> None:
    now = 0.0
    async with relay_side() as side, closing(SmtpRelay(side.url, lambda: now)) as relay:
        await relay.send(OUTGOING)
        side.replies["NOOP"] = "421 4.4.2 idle for too long"
        now = 10.0
        await relay.send(OUTGOING)

    assert (side.connections, len(side.accepted)) == (2, 2)


async def test_an_unused_connection_is_closed() -> None:
    now = 0.0
    async with relay_side() as side, closing(SmtpRelay(side.url, lambda: now)) as relay:
        await relay.send(OUTGOING)
        now = KEPT_S
        await relay.tidy()
        assert "QUIT" not in side.verbs

        now = KEPT_S + 1
        await relay.tidy()
        assert side.verbs[-1] == "QUIT"


async def test_a_cancelled_send_leaves_no_half_mail_to_the_next() -> None:
    async with relay_side() as side, closing(SmtpRelay(side.url)) as relay:
        await relay.send(OUTGOING)
        stopped = asyncio.create_task(relay.send(OUTGOING))
        await asyncio.sleep(0)
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
        await relay.send(OUTGOING)

    assert side.accepted[-1] == ("", "ann@acme.example", OUTGOING.raw)


# TLS and logins


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[SSLContext, Path]:
    return certified(tmp_path_factory.mktemp("relay"), "127.0.0.1")


Certificate = tuple[SSLContext, Path]


async def test_opportunistic_tls_accepts_any_certificate(certificate: Certificate) -> None:
    context, _ = certificate
    async with relay_side(tls=context) as side, closing(SmtpRelay(side.url)) as relay:
        await relay.send(OUTGOING)

    assert "STARTTLS" in side.verbs
    assert len(side.accepted) == 1


async def test_required_tls_needs_a_known_authority(certificate: Certificate) -> None:
    context, authority = certificate
    async with relay_side(tls=context) as side:
        unknown = server(side.url, tls="required")
        known = server(side.url, tls="required", ca_file=authority)
        assert "certificate" in str(await refusal(SmtpRelay(unknown))).lower()
        async with closing(SmtpRelay(known)) as relay:
            await relay.send(OUTGOING)

    assert len(side.accepted) == 1


async def test_required_tls_that_is_not_offered_stops_the_mail() -> None:
    async with relay_side() as side:
        refused = await refusal(SmtpRelay(server(side.url, tls="required")))

    assert isinstance(refused, RelayDown)
    assert side.accepted == []


async def test_tls_is_not_used_where_it_is_switched_off(certificate: Certificate) -> None:
    context, _ = certificate
    async with (
        relay_side(tls=context) as side,
        closing(SmtpRelay(server(side.url, tls="none"))) as relay,
    ):
        await relay.send(OUTGOING)

    assert "STARTTLS" not in side.verbs


async def test_a_login_goes_over_tls_to_a_known_relay(
    certificate: Certificate, tmp_path: Path
) -> None:
    context, authority = certificate
    (tmp_path / "password").write_text("secret phrase\nnot this line\n")
    async with relay_side(tls=context) as side:
        section = RelaySection(
            url=side.url, ca_file=authority, user="postern", password_file=tmp_path / "password"
        )
        relay = configured(section)
        await relay.send(OUTGOING)
        await relay.close()

    expected = base64.b64encode(b"\0postern\0secret phrase").decode()
    assert side.logins == [f"AUTH PLAIN {expected} secure"]


async def test_a_login_is_sent_in_the_clear_only_where_that_is_configured() -> None:
    async with relay_side() as side:
        url = side.url.replace("//", "//postern:secret@")
        refused = await refusal(SmtpRelay(url))
        assert isinstance(refused, RelayDown)
        assert side.logins == []

        async with closing(SmtpRelay(server(url, tls="none"))) as relay:
            await relay.send(OUTGOING)
        assert len(side.logins) == 1


async def test_a_refused_login_gives_up_no_mail_and_shows_no_password() -> None:
    async with relay_side({"AUTH": "535 5.7.8 wrong"}) as side:
        url = side.url.replace("//", "//postern:geheim@")
        refused = await refusal(SmtpRelay(server(url, tls="none")))

    assert isinstance(refused, RelayDown)
    assert "refused the login of postern: 535" in str(refused)
    assert "geheim" not in str(refused)


def test_a_relay_does_not_show_its_password() -> None:
    assert "geheim" not in repr(server("smtp://postern:geheim@relay.example"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://relay.example", Server("relay.example", 25, False)),
        ("smtp://relay.example:587", Server("relay.example", 587, False)),
        ("smtps://relay.example", Server("relay.example", 465, True)),
        ("smtp://a%40b:c%2Fd@[::1]", Server("::1", 25, False, user="a@b", password="c/d")),
    ],
)
def test_a_url_gives_server_and_login(url: str, expected: Server) -> None:
    assert server(url) == expected


def test_an_empty_password_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")

    with pytest.raises(SecretRefused, match=r"^relay\.password_file: .*its first line is empty"):
        server("smtp://relay.example", password_file=tmp_path / "password")


def test_a_file_without_a_certificate_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")

    with pytest.raises(RelayRefused, match=r"^relay\.ca_file: .*no certificate in PEM"):
        SmtpRelay(server("smtp://relay.example", ca_file=tmp_path / "ca.pem"))


# A Maildir


async def test_a_mail_written_twice_is_in_the_maildir_once(tmp_path: Path) -> None:
    relay = MaildirRelay(tmp_path)
    await relay.send(OUTGOING)
    await relay.send(OUTGOING)

    (written,) = (tmp_path / "new").iterdir()
    assert written.read_bytes().endswith(OUTGOING.raw)
    assert written.read_bytes().startswith(b"Return-Path: <>\r\n")


async def test_a_maildir_that_cannot_be_written_gives_up_no_mail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused = await refusal(MaildirRelay(tmp_path / "file"))

    assert isinstance(refused, RelayDown)
    assert "Not a directory" in str(refused)
