"""From a client's commands to a `Delivery`, and from its outcome to reply lines."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.smtp.listener import Listener
from rules.mail import Delivery, Envelope
from tests.gateway.smtp_client import Client, a_server

ON_BOTH_LOOPS = True
LMTP = Listener("mx.example.com", lmtp=True)


async def test_a_mail_becomes_a_delivery_with_its_envelope() -> None:
    async with a_server() as served, served.connect() as client:
        await client.mail(b"Subject: Hello\r\n\r\nHelp!\r\n.\r\n", "support", "sales+42")
        assert served.recorder.mails == [
            Delivery(
                Envelope(
                    peer="127.0.0.1",
                    helo="client.example",
                    tls=False,
                    mail_from="ann@customer.example",
                    rcpt_tos=("support@help.example.com", "sales+42@help.example.com"),
                ),
                b"Subject: Hello\r\n\r\nHelp!\r\n",
            )
        ]


async def test_the_null_reverse_path_is_empty() -> None:
    async with a_server() as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<>")
        await client.ask("RCPT TO:<support@help.example.com>")
        await client.ask("DATA")
        assert (await client.ask(".")).startswith("250 ")
        assert served.recorder.mails[0].envelope.mail_from == ""
        assert served.recorder.mails[0].raw == b""


async def test_a_utf8_address_arrives_as_written() -> None:
    async with a_server() as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<jürgen@müller.example> SMTPUTF8")
        await client.ask("RCPT TO:<support@help.example.com>")
        await client.ask("DATA")
        await client.ask("Grüße\r\n.")
        assert served.recorder.mails[0].envelope.mail_from == "jürgen@müller.example"
        assert served.recorder.mails[0].raw == "Grüße\r\n".encode()


@pytest.mark.parametrize(
    ("names", "reply"),
    [
        (["support", "sales"], "250 2.0.0 accepted"),
        (["support", "refused"], "250 2.0.0 accepted"),
        (["support", "deferred"], "451 4.3.0 "),
        (["refused", "deferred"], "451 4.3.0 "),
        (["refused", "refused"], "550 5.7.1 "),
    ],
    ids=str,
)
async def test_smtp_combines_the_outcomes_into_one_reply(names: list[str], reply: str) -> None:
    async with a_server() as served, served.connect() as client:
        assert (await client.mail(b"a\r\n.\r\n", *names)).startswith(reply)
        assert (await client.ask("NOOP")).startswith("250 2.0.0 OK")


async def test_lmtp_replies_for_each_recipient_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    async with a_server(listener=LMTP, unix=path) as served:
        client = Client(*await asyncio.open_unix_connection(path))
        assert await client.reply() == "220 mx.example.com LMTP"
        await client.ask("LHLO client.example")
        await client.ask("MAIL FROM:<ann@customer.example>")
        for name in ("support", "refused", "deferred"):
            await client.ask(f"RCPT TO:<{name}@help.example.com>")
        await client.ask("DATA")
        await client.send(b"a\r\n.\r\n")
        assert await client.replies(3) == ["250 2.0.0", "550 5.7.1", "451 4.3.0"]
        envelope = served.recorder.mails[0].envelope
        assert (envelope.peer, envelope.handed_on) == ("", True)
        await client.close()


async def test_lmtp_replies_for_each_recipient_when_take_raises() -> None:
    async with a_server(listener=LMTP) as served, served.connect() as client:
        await client.ask("LHLO client.example")
        await client.ask("MAIL FROM:<ann@customer.example>")
        for name in ("support", "broken"):
            await client.ask(f"RCPT TO:<{name}@help.example.com>")
        await client.ask("DATA")
        await client.send(b"a\r\n.\r\n")
        assert await client.replies(2) == ["451 4.3.0", "451 4.3.0"]


async def lmtp_data(client: Client, names: Sequence[str]) -> None:
    """LHLO, MAIL, RCPT and DATA; each recipient is accepted."""
    await client.ask("LHLO client.example")
    await client.ask("MAIL FROM:<ann@customer.example>")
    for name in names:
        assert (await client.ask(f"RCPT TO:<{name}@help.example.com>")).startswith("250 ")
    assert (await client.ask("DATA")).startswith("354 ")


async def test_lmtp_replies_for_each_of_many_refused_recipients_and_goes_on() -> None:
    names = ["refused"] * 30 + ["support"]
    async with a_server(listener=LMTP) as served, served.connect() as client:
        for _ in range(2):
            await lmtp_data(client, names)
            await client.send(b"a\r\n.\r\n")
            assert await client.replies(31) == ["550 5.7.1"] * 30 + ["250 2.0.0"]


async def test_nothing_comes_between_the_lmtp_replies_of_one_mail() -> None:
    async with a_server(listener=LMTP) as served, served.connect() as client:

        async def shut_down_at_the_first_chance() -> None:
            while served.pool.connections:
                for connection in tuple(served.pool.connections):
                    connection.shut_down()
                await asyncio.sleep(0)

        await lmtp_data(client, ["support", "refused", "support"])
        await client.send(b"a\r\n.\r\n")
        await served.recorder.arrived.wait()
        shutdown = asyncio.create_task(shut_down_at_the_first_chance())
        replies = await client.replies(4)
        assert replies == ["250 2.0.0", "550 5.7.1", "250 2.0.0", "421 4.3.2"]
        await client.close()
        await shutdown


async def test_a_mail_whose_client_was_answered_421_after_data_is_not_taken() -> None:
    def shuts_down_next(_: int) -> bool:
        """Asked for when DATA begins."""
        for connection in tuple(served.pool.connections):
            asyncio.get_running_loop().call_soon(connection.shut_down)
        return True

    async with a_server(listener=LMTP, has_disk=shuts_down_next) as served:
        async with served.connect() as client:
            await client.ask("LHLO client.example")
            await client.ask("MAIL FROM:<ann@customer.example>")
            await client.ask("RCPT TO:<support@help.example.com>")
            await client.send(b"DATA\r\na\r\n.\r\n")
            assert [line[:3] for line in await client.replies(3)] == ["354", "421", ""]
        assert served.recorder.mails == []


@pytest.mark.parametrize("content", [b"a\0b\r\n.\r\n", b"a\nb\r\n.\r\n", b"a\0b"], ids=repr)
async def test_lmtp_refuses_for_each_recipient_before_it_closes(content: bytes) -> None:
    async with a_server(listener=LMTP) as served, served.connect() as client:
        await lmtp_data(client, ["support", "sales", "support"])
        await client.send(content)
        lines = [await client.reply() for _ in range(4)]
        assert [line[:10] for line in lines] == ["550 5.6.11"] * 3 + [""]


@pytest.mark.parametrize(
    ("listener", "hello"),
    [
        (LMTP, "LHLO client.example"),
        (Listener("mx", relay_peers=(ip_network("127.0.0.0/8"),)), "EHLO client.example"),
    ],
    ids=["lmtp", "relay"],
)
async def test_what_a_listed_client_is_answered_about_mails_is_no_error_of_its_own(
    listener: Listener, hello: str
) -> None:
    async with a_server(listener=listener) as served, served.connect() as client:
        await client.ask(hello)
        await client.send(b"MAIL FROM:<a@b_c.example>\r\n" + b"RCPT TO:<x@other.example>\r\n" * 30)
        assert await client.replies(31) == ["553 5.1.3"] + ["503 5.5.1"] * 30
        await client.send(b"MAIL FROM:<>\r\n" + b"RCPT TO:<x@other.example>\r\n" * 30)
        assert await client.replies(31) == ["250 2.0.0"] + ["550 5.1.1"] * 30
        await client.send(b"RCPT TO:<support@help.example.com>\r\n" * 300)
        assert await client.replies(300) == ["250 2.0.0"] * 100 + ["452 4.5.3"] * 200
        await client.send(b"FOO\r\n" * 30)
        assert await client.replies(22) == ["500 5.5.1"] * 20 + ["421 4.7.0", ""]


async def test_pythons_own_smtplib_delivers() -> None:
    text = "Subject: Hello\r\n\r\n.dots\r\n..\r\n.\r\nend\r\n"

    def deliver(port: int) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port, "client.example") as smtp:
            recipients = ["support@help.example.com", "bob@other.example"]
            return smtp.sendmail("ann@customer.example", recipients, text, ["BODY=8BITMIME"])

    async with a_server() as served:
        refused = await asyncio.to_thread(deliver, served.port)
        assert refused == {"bob@other.example": (550, b"5.1.1 No such mailbox here")}
        assert served.recorder.mails[0].raw == text.encode()


async def test_two_servers_may_share_a_port() -> None:
    async with (
        a_server(reuse_port=True) as one,
        a_server(reuse_port=True, port=one.port) as other,
    ):
        assert one.port == other.port
