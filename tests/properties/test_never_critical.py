"""No mail ever makes or leaves a ticket critical that was not so already (SEMANTICS §6).

First the rules alone, under policies of every kind; then whole stories on real stores, through the
real parts: mails and their repeats, releases, other policies, and the API beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar, assert_never

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from gateway import clock
from gateway.app import Parts, parts
from gateway.config.model import Config, DnsSection, LimitsSection, RelaySection, StoreSection
from gateway.ingest import Ingest
from rules.commands import parse_commands
from rules.decision.model import OpenTicket
from rules.mail import Delivery, Envelope, Mailbox
from rules.mail.header import Author, Header
from rules.people import Role
from rules.policy import Policy, PolicyRefused
from rules.sender.authentication import Authentication
from rules.sender.tokens import Keys, Purpose, ReplyToken, reply_address
from rules.ticket.changes import SetSeverity
from storage.db.database import Connection
from storage.db.ledger import Conflict
from storage.db.tables import (
    CRITICAL_SOURCES,
    ParticipantRow,
    PersonRow,
    TicketRow,
    metadata,
    table,
)
from storage.mail import quarantine
from storage.registry import mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from storage.ticket import changes, opening
from storage.ticket.changes import ChangeRefused
from storage.ticket.opening import Request
from storage.ticket.write import ChangeContext
from tests.desk import enrolled_store
from tests.nameserver import NameServer
from tests.properties.policies import (
    ANN,
    NEW,
    SAM,
    Act,
    Again,
    Draft,
    Enrol,
    Exchange,
    Letter,
    Race,
    Release,
    Step,
    Story,
    Words,
    all_words,
    claims,
    commands,
    drafts,
    policies,
    spellings,
    spoken,
    stories,
)
from tests.rules.building import SUPPORT, World, a_mail, default_policy
from tests.stores import PostgresStores, SqliteStores

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
DRAWN = policies()


def critical_in(policy: Policy) -> set[str]:
    return {level.name for level in policy.levels if level.critical}


@MANY
@given(drafts())
def test_the_parser_takes_no_policy_by_which_a_mail_could_be_critical(draft: Draft) -> None:
    try:
        policy = draft.parsed()
    except PolicyRefused:
        return
    event("accepted")
    assert not critical_in(policy) & {policy.severity.default, policy.severity.ceiling}
    assert not policy.levels[-1].critical
    ranks = [level.rank for level in policy.levels if level.critical]
    assert min(ranks) > max(level.rank for level in policy.levels if not level.critical)


@MANY
@given(st.data())
def test_whatever_a_mail_says_its_ticket_opens_at_the_ceiling_or_below(data: st.DataObject) -> None:
    policy = data.draw(DRAWN)
    said: Words = data.draw(spoken(all_words(policy)))

    header = Header(tuple((name, value.encode()) for name, value in said.header))
    mail = replace(a_mail(subject=said.subject, text=said.text), header=header)
    action = World(policy=policy).decide(mail).action

    assert isinstance(action, OpenTicket)
    ranks = {level.name: level.rank for level in policy.levels}
    assert action.severity.name not in critical_in(policy)
    assert ranks[action.severity.name] <= ranks[policy.severity.ceiling]
    if action.severity.critical_claimed:
        event("a critical claim")
    if not policy.severity.customers_may_set:
        assert action.severity.name == policy.severity.default


@MANY
@given(st.data())
def test_a_critical_claim_counts_as_one_however_it_is_written(data: st.DataObject) -> None:
    """Or the law would hold of a gateway that reads no claims."""
    policy = data.draw(DRAWN)
    word = policy.levels[0].name
    assume(not set("[]\n") & set(word) and len(word) <= 40 and word.strip() == word)

    mail = a_mail(subject=f"[{data.draw(st.sampled_from([word, word.upper()]))}]")
    action = World(policy=policy).decide(mail).action

    assume(word.upper().casefold() == word.casefold())
    assert isinstance(action, OpenTicket)
    assert action.severity.critical_claimed


@MANY
@given(st.data())
def test_no_command_asks_for_a_critical_level(data: st.DataObject) -> None:
    policy = data.draw(DRAWN)
    vocabulary = all_words(policy)
    text = data.draw(commands(vocabulary) | claims(vocabulary))

    given_ = parse_commands(f"{text}\n\nHello", policy.levels, policy.severity.ceiling)

    asked = [command for command in given_.given if isinstance(command, SetSeverity)]
    assert not {command.level for command in asked} & critical_in(policy)


@MANY
@given(st.data())
def test_a_command_that_names_a_critical_level_is_refused_and_nothing_set_instead(
    data: st.DataObject,
) -> None:
    policy = data.draw(DRAWN)
    level = data.draw(st.sampled_from([one for one in policy.levels if one.critical]))
    word = data.draw(st.sampled_from([level.name, *level.aliases]).flatmap(spellings))
    # Signs that nobody sees do not count in a command, and each number sign is one.
    assume(word.strip().isprintable() and not set(word) & {"\uff03", "\ufe5f"})
    assume(level.has_name(" ".join(word.split()).rstrip(",:;.")))

    read = parse_commands(f"#severity {word}\n\nHello", policy.levels, policy.severity.ceiling)

    assert read.given == ()
    assert read.faults


T = TypeVar("T")
_ticket, _participant, _person = table(TicketRow), table(ParticipantRow), table(PersonRow)
REGISTRY = {"mailbox", "signing_key", "company", "company_domain", "contract", "person"}
LOCAL, ELSEWHERE = "127.0.0.1", "192.0.2.1"


@dataclass(frozen=True)
class Severity:
    """What a ticket's row says of it."""

    name: str
    source: str
    critical: bool


Tickets = Mapping[int, Severity]


@dataclass
class Scene:
    """The real parts on a real store, and what has come so far."""

    parts: Parts
    mailbox: Mailbox
    keys: Keys
    policy: Policy = field(default_factory=default_policy)
    sent: list[tuple[Letter, Delivery]] = field(default_factory=list)
    filed: set[bytes] = field(default_factory=set)

    @property
    def ingest(self) -> Ingest:
        return replace(self.parts.ingest, policies={self.mailbox.policy: self.policy})

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self.parts.ledger.submit(job))

    def read(self, job: Callable[[Connection], T]) -> T:
        return self.parts.database.read(job)

    def tickets(self) -> Tickets:
        columns = (_ticket.c.id, _ticket.c.severity, _ticket.c.severity_source, _ticket.c.critical)
        rows = self.read(lambda c: c.execute(select(*columns).order_by(_ticket.c.id)).all())
        return {row.id: Severity(*row[1:]) for row in rows}

    async def play(self, step: Step) -> None:
        """One step, and the law after it."""
        before = self.tickets()
        names = {level.name for level in self.policy.levels if level.critical}
        commanded, acted = False, None
        match step:
            case Letter():
                commanded = step.may_command
                await self.post(step)
            case Again(mail=place, proven=proven):
                letter, delivery = self.sent[place % len(self.sent)]
                known = delivery.raw in self.filed
                commanded = replace(letter, proven=proven).may_command and not known
                peer = LOCAL if proven else ELSEWHERE
                again = replace(delivery, envelope=replace(delivery.envelope, peer=peer))
                await self.take(again)
            case Release(held=place, author=author, as_new=as_new):
                commanded = author == SAM
                await self.release(place, author, as_new)
            case Exchange(policy=policy):
                self.policy = policy
            case Enrol():
                await self.enrol()
            case Act():
                acted = await self.act(step)
            case Race(letter=letter, act=act):
                commanded = letter.may_command
                acted, _ = await asyncio.gather(self.act(act), self.post(letter))
            case _:
                assert_never(step)
        self.obeyed(before, self.tickets(), commanded, acted, names)

    @staticmethod
    def obeyed(
        before: Tickets, after: Tickets, commanded: bool, acted: int | None, names: set[str]
    ) -> None:
        """The law; `acted` is the ticket that an act at the desk was about."""
        for number, now in after.items():
            if now == before.get(number):
                continue
            if number == acted and now.source in CRITICAL_SOURCES:
                event("critical by the desk" if now.critical else "set at the desk")
                continue
            assert not now.critical
            assert now.name not in names
            if number in before:
                assert commanded, "the mail of a customer changed a severity"
                assert now.source == "staff_mail"
                event("set by staff's mail")
            else:
                assert now.source == "mail"

    async def post(self, letter: Letter) -> None:
        delivery = self.written(letter)
        self.sent.append((letter, delivery))
        await self.take(delivery)

    async def take(self, delivery: Delivery) -> None:
        (reply,) = await self.ingest.take(delivery)
        assert reply.code != 451, "only the database stopped it"
        if reply.accepted:
            self.filed.add(delivery.raw)

    def written(self, letter: Letter) -> Delivery:
        numbers = list(self.tickets())
        number = numbers[letter.ticket % len(numbers)] if numbers and letter.way != "new" else 0
        tag = f"[#{number}] " if number and letter.way == "tag" else ""
        fields = {
            "From": letter.sender,
            "To": SUPPORT,
            "Subject": f"{tag}{letter.words.subject}".replace("\n", "\r\n "),
            "Message-ID": f"<{len(self.sent)}@client.example>",
            **dict(letter.words.header),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        text = letter.words.text.replace("\n", "\r\n")
        kind = "Content-Type: text/plain; charset=utf-8\r\n"
        to = self.token(number, letter.sender) if letter.way == "token" else SUPPORT
        peer = LOCAL if letter.proven else ELSEWHERE
        envelope = Envelope(peer, "client.example", False, letter.sender, (to,))
        return Delivery(envelope, f"{head}{kind}\r\n{text}\r\n".encode())

    def token(self, number: int, address: str) -> str:
        """The address that somebody has for a ticket; the mailbox's own where he has none."""
        here = (_participant.c.ticket_id == number) & (_participant.c.address == address)
        member = self.read(lambda c: c.execute(select(_participant.c.id).where(here)).scalar())
        if member is None:
            return SUPPORT
        held = ReplyToken(number, member, Purpose.REPLY)
        return reply_address(self.keys, self.mailbox.id, SUPPORT, held)

    async def release(self, place: int, author: str | None, as_new: bool) -> None:
        waiting = self.read(quarantine.held_mails)
        if not waiting:
            return
        held = waiting[place % len(waiting)]
        delivery = self.read(lambda c: quarantine.delivery(c, held))
        said = Author(author) if author is not None else None
        word = Authentication.by_staff(SAM)
        receipt = await self.ingest.release(held, delivery, word, said, as_new)
        event(f"released: {receipt.verdict}")

    async def enrol(self) -> None:
        person = NewPerson(NEW, "", Role.USER, "Acme")
        known = select(_person.c.id).where(_person.c.address == NEW)
        if not self.read(lambda c: c.execute(known).all()):
            await self.write(lambda c: people.add_person(c, self.mailbox, person))

    async def act(self, act: Act) -> int | None:
        """Returns the ticket that it was about."""
        numbers = list(self.tickets())
        number = numbers[act.ticket % len(numbers)] if numbers else 0
        hand = ChangeContext(
            self.mailbox, "duty@help.example", act.source, clock.now(), clock.new_id
        )
        policy, request = self.policy, Request(ANN, "Lift", "It is stuck.", act.level)

        def job(connection: Connection) -> int:
            if act.opens or not number:
                return opening.open_ticket(connection, hand, request, policy, by_staff=True)
            wanted = SetSeverity(act.level, "it burns")
            changes.make(connection, hand, number, [wanted], policy, by_staff=True)
            return number

        try:
            return await self.write(job)
        except (ChangeRefused, Conflict):
            return None


def cleared(connection: Connection) -> None:
    """No mail has come, and NEW is nobody."""
    for each in reversed(metadata.sorted_tables):
        if each.name not in REGISTRY:
            connection.execute(delete(each))
    connection.execute(delete(_person).where(_person.c.address == NEW))


@asynccontextmanager
async def a_desk(url: str, folder: Path) -> AsyncIterator[Parts]:
    """The real parts; what the DNS says proves nothing."""
    with NameServer({}) as server:
        config = Config(
            store=StoreSection(url=url),
            relay=RelaySection(maildir=folder / "outbox"),
            dns=DnsSection(servers=(IPv4Address("127.0.0.1"),), port=server.port),
            limits=LimitsSection(refusal_s=0.001),
        )
        async with parts(config) as joined:
            yield joined


async def played(joined: Parts, story: Story) -> None:
    """A story from its beginning, on an empty store."""
    await asyncio.wrap_future(joined.ledger.submit(cleared))
    mailbox = joined.database.read(lambda c: mailboxes.mailbox_named(c, None))
    scene = Scene(joined, mailbox, joined.database.read(signing_keys.load_keys), story.policy)
    for step in story.steps:
        await scene.play(step)


def obeyed(url: str, folder: Path, examples: int, length: int = 10) -> None:
    """So many stories obey the law. Raises AssertionError for the shortest that does not."""
    with asyncio.Runner() as runner:
        desk = a_desk(enrolled_store(url), folder)
        joined = runner.run(desk.__aenter__())

        @settings(MANY, max_examples=examples)
        @given(stories(length))
        def every(story: Story) -> None:
            runner.run(played(joined, story))

        try:
            every()
        finally:
            runner.run(desk.__aexit__(None, None, None))


def test_no_story_makes_a_ticket_critical_by_mail_on_sqlite(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    obeyed(sqlite_stores.new(), tmp_path, examples=80)


def test_no_story_makes_a_ticket_critical_by_mail_on_postgresql(
    postgres_stores: PostgresStores, tmp_path: Path
) -> None:
    obeyed(postgres_stores.new(), tmp_path, examples=30)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_long_stories_obey_the_law(store_url: str, tmp_path: Path) -> None:
    obeyed(store_url, tmp_path, examples=3000, length=20)
