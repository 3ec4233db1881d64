"""Look-ups: cached by TTL, shared while in progress, bounded, and never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import dns.asyncresolver
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.dns import (
    Absent,
    Lookups,
    Resolver,
    Temporary,
    TextRecords,
    UnusableAnswer,
    host_domain,
)
from rules.validation.messages import InvalidFile
from tests.nameserver import NameServer


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer({("acme.example", "TXT"): ["hello"]}, ttl_s=300, negative_ttl_s=60) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def resolver(server: NameServer, clock: Clock) -> AsyncIterator[Resolver]:
    resolver = Resolver(["127.0.0.1"], server.port, attempt_s=0.2, lifetime_s=0.5, clock=clock)
    yield resolver
    await resolver.close()


async def test_without_nameservers_the_error_names_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_named(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.asyncresolver, "Resolver", none_named)

    with pytest.raises(InvalidFile, match=r"^dns\.servers: no nameserver is set"):
        Resolver()


async def test_a_record_is_found(resolver: Resolver) -> None:
    assert await resolver.ask("acme.example", "TXT") == TextRecords((b"hello",))


async def test_a_name_without_records_of_the_type_exists(resolver: Resolver) -> None:
    assert await resolver.ask("acme.example", "A") == TextRecords(())


async def test_a_name_that_does_not_exist_is_absent(resolver: Resolver) -> None:
    assert await resolver.ask("nobody.example", "TXT") == Absent()


async def test_the_strings_of_a_long_record_are_joined(
    server: NameServer, resolver: Resolver
) -> None:
    server.records["long.example", "TXT"] = ["x" * 3000]
    assert await resolver.ask("long.example", "TXT") == TextRecords((b"x" * 3000,))


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        ("A", "192.0.2.1", b"192.0.2.1"),
        ("AAAA", "2001:db8::1", b"2001:db8::1"),
        ("MX", "10 mx.acme.example", b"10 mx.acme.example"),
        ("PTR", "host.acme.example", b"host.acme.example"),
    ],
)
async def test_other_types_are_returned_as_text(
    server: NameServer, resolver: Resolver, kind: str, written: str, read: bytes
) -> None:
    server.records["types.example", kind] = [written]
    answer = await resolver.ask("types.example", kind)  # type: ignore[arg-type]  # one of the types
    assert answer == TextRecords((read,))


async def test_an_alias_is_followed(server: NameServer, resolver: Resolver) -> None:
    server.records["alias.example", "CNAME"] = ["acme.example"]
    assert await resolver.ask("alias.example", "TXT") == TextRecords((b"hello",))


async def test_an_alias_loop_ends_and_is_permanent(server: NameServer, resolver: Resolver) -> None:
    server.records["a.example", "CNAME"] = ["b.example"]
    server.records["b.example", "CNAME"] = ["a.example"]
    assert isinstance(await resolver.ask("a.example", "TXT"), UnusableAnswer)


async def test_silence_is_temporary(server: NameServer, resolver: Resolver) -> None:
    server.silent.add("acme.example")
    assert isinstance(await resolver.ask("acme.example", "TXT"), Temporary)


async def test_a_failing_server_is_temporary(server: NameServer, resolver: Resolver) -> None:
    server.broken.add("acme.example")
    assert isinstance(await resolver.ask("acme.example", "TXT"), Temporary)


async def test_no_server_at_all_is_temporary() -> None:
    closed = Resolver(["127.0.0.1"], 1, attempt_s=0.1, lifetime_s=0.2)
    assert isinstance(await closed.ask("acme.example", "TXT"), Temporary)


async def test_an_answer_that_is_too_large_is_not_kept(
    server: NameServer, resolver: Resolver
) -> None:
    server.records["huge.example", "TXT"] = ["x" * 40_000]
    assert isinstance(await resolver.ask("huge.example", "TXT"), UnusableAnswer)


async def test_too_many_records_are_not_kept(server: NameServer, resolver: Resolver) -> None:
    server.records["many.example", "A"] = [f"192.0.2.{last}" for last in range(101)]
    assert isinstance(await resolver.ask("many.example", "A"), UnusableAnswer)


async def test_an_answer_of_hundreds_of_records_is_not_read() -> None:
    """dnspython takes a tenth of a millisecond and more for each, in the event loop. Nor is the
    TTL read, so that of 0 does not have it asked for again."""
    name = ".".join("a" * 80) + ".example"
    texts = [str(number) for number in range(600)]
    with NameServer({(name, "TXT"): texts}, ttl_s=0) as server:
        # The server of the tests takes its time for so many.
        resolver = Resolver(["127.0.0.1"], server.port, attempt_s=30, lifetime_s=60)

        answer = await resolver.ask(name, "TXT")

    assert isinstance(answer, UnusableAnswer)
    assert "too large" in answer.why
    assert resolver.cached((name, "TXT")) == answer


async def test_an_answer_is_cached_until_its_ttl_has_passed(
    server: NameServer, resolver: Resolver, clock: Clock
) -> None:
    for seconds in (0, 299, 2):
        clock.now += seconds
        await resolver.ask("acme.example", "TXT")
    assert server.queries["acme.example", "TXT"] == 2


async def test_absence_is_cached_for_the_minimum_of_the_zone(
    server: NameServer, resolver: Resolver, clock: Clock
) -> None:
    for seconds in (0, 59, 2):
        clock.now += seconds
        await resolver.ask("nobody.example", "TXT")
    assert server.queries["nobody.example", "TXT"] == 2


async def test_a_failure_is_cached_for_a_few_seconds_only(
    server: NameServer, resolver: Resolver, clock: Clock
) -> None:
    server.broken.add("acme.example")
    await resolver.ask("acme.example", "TXT")
    server.broken.clear()
    assert isinstance(await resolver.ask("acme.example", "TXT"), Temporary)
    clock.now += 6
    assert await resolver.ask("acme.example", "TXT") == TextRecords((b"hello",))


async def test_a_ttl_of_zero_is_not_cached(clock: Clock) -> None:
    with NameServer({("acme.example", "TXT"): ["hello"]}, ttl_s=0) as server:
        resolver = Resolver(["127.0.0.1"], server.port, clock=clock)
        await resolver.ask("acme.example", "TXT")
        await resolver.ask("acme.example", "TXT")
    assert server.queries["acme.example", "TXT"] == 2


async def test_the_cache_is_bounded(server: NameServer, clock: Clock) -> None:
    resolver = Resolver(["127.0.0.1"], server.port, clock=clock, max_entries=2)
    for name in ("one.example", "two.example", "three.example", "one.example"):
        await resolver.ask(name, "TXT")
    assert server.queries["one.example", "TXT"] == 2


async def test_upper_case_and_a_trailing_dot_make_no_difference(
    server: NameServer, resolver: Resolver
) -> None:
    await resolver.ask("ACME.Example.", "TXT")
    await resolver.ask("acme.example", "TXT")
    assert sum(server.queries.values()) == 1


async def test_forty_waiters_for_a_silent_name_cost_one_query(
    server: NameServer, resolver: Resolver
) -> None:
    server.silent.add("dead.example")
    answers = await asyncio.gather(*(resolver.ask("dead.example", "TXT") for _ in range(40)))
    assert all(isinstance(answer, Temporary) for answer in answers)
    assert server.queries["dead.example", "TXT"] <= 3  # the attempts of one question within 0.5 s


async def test_a_cancelled_waiter_does_not_end_the_query(resolver: Resolver) -> None:
    leaving = asyncio.create_task(resolver.ask("acme.example", "TXT"))
    staying = asyncio.create_task(resolver.ask("acme.example", "TXT"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == TextRecords((b"hello",))


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "x" * 64 + ".example",
        ".".join(["label"] * 50),
        "a b.example",
        "a\\.example",
    ],
)
async def test_a_name_that_is_not_a_domain_is_never_queried(
    server: NameServer, resolver: Resolver, name: str
) -> None:
    assert isinstance(await resolver.ask(name, "TXT"), UnusableAnswer)
    assert not server.queries


async def test_the_number_of_lookups_is_bounded(resolver: Resolver) -> None:
    lookups = Lookups(resolver, limit=3)
    answers = [await lookups.ask(f"n{number}.example", "TXT") for number in range(4)]
    assert answers[:3] == [Absent()] * 3
    assert isinstance(answers[3], UnusableAnswer)


async def test_asking_again_does_not_count(resolver: Resolver) -> None:
    lookups = Lookups(resolver, limit=1)
    for _ in range(3):
        assert await lookups.ask("acme.example", "TXT") == TextRecords((b"hello",))
    assert lookups.count == 1


async def test_the_time_of_a_mail_is_bounded(server: NameServer, resolver: Resolver) -> None:
    server.silent.add("dead.example")
    loop = asyncio.get_running_loop()
    started = loop.time()
    lookups = Lookups(resolver, budget_s=0.1)
    for number in range(5):
        assert isinstance(await lookups.ask(f"{number}.dead.example", "TXT"), Temporary)
    assert loop.time() - started < 1.5, "five look-ups of 0.5 s each without it"


async def test_a_cached_answer_is_returned_after_the_time_is_spent(resolver: Resolver) -> None:
    await resolver.ask("acme.example", "TXT")
    spent = Lookups(resolver, budget_s=0)
    assert await spent.ask("acme.example", "TXT") == TextRecords((b"hello",))


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("Acme.Example.", "acme.example"),
        ("my-corp.test", "my-corp.test"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("[192.0.2.1]", None),
        ("192.0.2.1", None),
        ("", None),
        ("a..b", None),
        ("-a.example", None),
        ("a" * 64 + ".example", None),
        ("acme.example\r\n", None),
        ("a@b", None),
    ],
)
def test_domains_are_lower_case_a_labels(written: str, domain: str | None) -> None:
    assert host_domain(written) == domain


@given(st.text())
def test_no_text_makes_a_wrong_domain(text: str) -> None:
    domain = host_domain(text)
    assert domain is None or (domain.isascii() and len(domain) <= 253 and host_domain(domain))
