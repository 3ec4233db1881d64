"""What one client does in a minute is limited; others and listed relays do not notice."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from gateway.smtp import rates
from gateway.smtp.limits import Limits
from gateway.smtp.listener import Listener
from gateway.smtp.rates import Act, ClientRates, RateLimits
from tests.gateway.smtp_client import a_server

ON_BOTH_LOOPS = True
PEER = ip_address("198.51.100.7")


async def test_mails_beyond_the_rate_are_deferred() -> None:
    async with a_server(rates=RateLimits(mails=2)) as served, served.connect() as client:
        assert (await client.mail(b".\r\n")).startswith("250 ")
        assert (await client.mail(b".\r\n")).startswith("250 ")
        assert (await client.ask("MAIL FROM:<>")).startswith("451 4.7.1 ")


async def test_a_harvest_of_addresses_ends_although_no_mail_was_sent() -> None:
    limits = RateLimits(unknown_recipients=3)
    async with a_server(rates=limits) as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<>")
        replies = [(await client.ask(f"RCPT TO:<a{n}@other.example>"))[:9] for n in range(5)]
        assert replies == ["550 5.1.1"] * 3 + ["451 4.7.1"] * 2
        known = await client.ask("RCPT TO:<support@help.example.com>")
        assert known.startswith("451 4.7.1 "), "or the reply would reveal which addresses exist"


async def test_recipients_beyond_the_rate_are_deferred() -> None:
    async with a_server(rates=RateLimits(recipients=1)) as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<>")
        assert (await client.ask("RCPT TO:<support@help.example.com>")).startswith("250 ")
        assert (await client.ask("RCPT TO:<sales@help.example.com>")).startswith("451 4.7.1 ")


async def test_a_client_that_goes_on_beyond_the_rate_is_disconnected() -> None:
    limits, slow = Limits(errors=5), RateLimits(recipients=2)
    async with a_server(limits=limits, rates=slow) as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<>")
        await client.send(b"RCPT TO:<support@help.example.com>\r\n" * 50)
        assert await client.replies(8) == ["250 2.0.0"] * 2 + ["451 4.7.1"] * 5 + ["421 4.7.0"]
        assert await client.reply() == ""


async def test_connections_beyond_the_rate_are_refused() -> None:
    async with a_server(rates=RateLimits(connections=1)) as served:
        async with served.connect():
            pass
        async with served.connect(greeted=False) as second:
            assert (await second.reply()).startswith("421 4.7.1 ")


async def test_a_listed_relay_has_no_rate() -> None:
    relays = Listener("mx.example.com", relay_peers=(ip_network("127.0.0.0/8"),))
    limits = RateLimits(connections=1, mails=1, recipients=1, unknown_recipients=1)
    async with a_server(rates=limits, listener=relays) as served:
        for _ in range(3):
            async with served.connect() as client:
                assert (await client.mail(b".\r\n")).startswith("250 ")


async def test_a_client_of_lmtp_has_no_rate() -> None:
    lmtp = Listener("mx.example.com", lmtp=True)
    async with a_server(rates=RateLimits(connections=1), listener=lmtp) as served:
        for _ in range(3):
            async with served.connect() as client:
                assert (await client.ask("LHLO client.example")).startswith("250")


async def test_recipients_beyond_the_limit_of_a_mail_are_no_endless_session() -> None:
    async with a_server() as served, served.connect() as client:
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<>")
        await client.send(b"RCPT TO:<support@help.example.com>\r\n" * 300)
        replies = await client.replies(203)
        assert replies[99:101] == ["250 2.0.0", "452 4.5.3"]
        assert "" in replies


async def test_data_for_which_there_is_no_room_is_no_endless_session() -> None:
    async with (
        a_server(limits=Limits(junk_commands=5), has_disk=lambda _: False) as served,
        served.connect() as client,
    ):
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<>")
        await client.ask("RCPT TO:<support@help.example.com>")
        await client.send(b"DATA\r\n" * 50)
        assert await client.replies(6) == ["452 4.3.1"] * 5 + ["421 4.7.0"]
        assert await client.reply() == ""


def test_a_network_may_do_four_times_what_a_peer_may() -> None:
    clients = ClientRates(RateLimits(mails=5), lambda: 0.0)
    allowed = [
        clients.allows(ip_address(f"198.51.100.{n}"), Act.MAIL, listed=False)
        for n in range(10)
        for _ in range(10)
    ]
    assert sum(allowed) == 20
    assert clients.refused["mails"] == 100 - sum(allowed)
    assert clients.allows(ip_address("203.0.113.1"), Act.MAIL, listed=False)


def test_a_provider_may_do_sixteen_times_what_a_peer_may() -> None:
    clients = ClientRates(RateLimits(mails=5), lambda: 0.0)
    allowed = [
        clients.allows(ip_address(f"2001:db8:{n:x}::1"), Act.MAIL, listed=False)
        for n in range(50)
        for _ in range(10)
    ]
    assert sum(allowed) == 80
    assert clients.allows(ip_address("2001:db8::1"), Act.MAIL, listed=True)
    assert clients.allows(ip_address("2001:db9::1"), Act.MAIL, listed=False)


def test_what_one_peer_is_refused_is_not_taken_from_its_neighbours() -> None:
    clients = ClientRates(RateLimits(connections=5), lambda: 0.0)
    for peer in ("198.51.100.1", "2001:db8:1:1::1"):
        for _ in range(1000):
            clients.allows(ip_address(peer), Act.CONNECT, listed=False)
    assert clients.allows(ip_address("198.51.100.2"), Act.CONNECT, listed=False)
    assert clients.allows(ip_address("2001:db8:1:2::1"), Act.CONNECT, listed=False)


def test_a_flood_of_addresses_costs_no_memory() -> None:
    clients = ClientRates(RateLimits(mails=5), lambda: 0.0)
    for number in range(rates.CLIENTS_KEPT):
        clients.allows(ip_address(0x0A000000 + number), Act.MAIL, listed=False)
    assert len(clients._left) == rates.CLIENTS_KEPT


async def test_without_disk_space_a_mail_is_deferred_before_it_is_sent() -> None:
    asked: list[int] = []

    def has_disk(size_bytes: int) -> bool:
        asked.append(size_bytes)
        return size_bytes < 1000

    async with a_server(has_disk=has_disk) as served, served.connect() as client:
        assert (await client.mail(b".\r\n")).startswith("250 ")
        await client.ask("MAIL FROM:<> SIZE=5000")
        await client.ask("RCPT TO:<support@help.example.com>")
        assert (await client.ask("DATA")).startswith("452 4.3.1 ")
        assert asked == [0, 5000]
