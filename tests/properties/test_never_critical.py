"""No mail ever makes a ticket critical (docs/semantics.md).

First the rules alone, under policies of every kind; then whole scenarios on real stores and with
the real services: mails, repeats, releases, changes of policy, and changes through the API.
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
from gateway.config.model import Config
from gateway.config.sections import DnsSection, LimitsSection, RelaySection, StoreSection
from gateway.ingest import Ingest
from gateway.policies import Policies, PolicyBook
from gateway.reception import StatedByStaff
from gateway.reloading import PolicyReload
from gateway.services import Services, open_services
from rules.commands import parse_commands
from rules.decision.effects import ChangeRefused, Effects
from rules.decision.model import OpenTicket
from rules.decision.request import Request
from rules.mail import Delivery, Envelope, Mailbox
from rules.mail.header import Author, Header
from rules.mail.subjects import unmarked_subject
from rules.people import Role
from rules.policy import Policy, PolicyRefused
from rules.sender.authentication import Authentication
from rules.sender.tokens import Keys, Purpose, ReplyToken, reply_address
from rules.ticket.changes import Merge, SetAnySeverity, SetSeverity, Source
from rules.ticket.lifecycle import Status
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
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person
from storage.registry.signing_keys import load_keys
from storage.ticket.change import change_ticket, open_requested
from storage.ticket.rows import ChangeContext
from tests.examples import examples
from tests.in_process import enrolled_store
from tests.nameserver import NameServer
from tests.properties.severity_strategies import (
    ANN,
    MERGE,
    NEW,
    SAM,
    EnrolStep,
    MailContent,
    MailStep,
    MergeStep,
    PolicyChangeStep,
    PolicyDraft,
    RaceStep,
    ReleaseStep,
    ReloadStep,
    RepeatStep,
    Scenario,
    SeverityChangeStep,
    Step,
    all_names,
    claims,
    commands,
    drafts,
    mail_contents,
    policies,
    scenarios,
    spellings,
)
from tests.rules.building import SUPPORT, World, a_mail, default_policy
from tests.stores import PostgresStores, SqliteStores

SETTINGS = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck)
)
POLICIES = policies()


def critical_in(policy: Policy) -> set[str]:
    return {level.name for level in policy.levels if level.critical}


@SETTINGS
@given(drafts())
def test_the_parser_accepts_no_policy_under_which_a_mail_could_be_critical(
    draft: PolicyDraft,
) -> None:
    try:
        policy = draft.parsed()
    except PolicyRefused:
        return
    event("accepted")
    assert not critical_in(policy) & {policy.severity.default, policy.severity.ceiling}
    assert not policy.levels[-1].critical
    ranks = [level.rank for level in policy.levels if level.critical]
    assert min(ranks) > max(level.rank for level in policy.levels if not level.critical)


@SETTINGS
@given(st.data())
def test_a_ticket_opens_at_the_ceiling_or_below_whatever_its_mail_claims(
    data: st.DataObject,
) -> None:
    policy = data.draw(POLICIES)
    contents: MailContent = data.draw(mail_contents(all_names(policy)))

    header = Header(tuple((name, value.encode()) for name, value in contents.header))
    mail = replace(a_mail(subject=contents.subject, text=contents.text), header=header)
    action = World(policy=policy).decide(mail).action

    assert isinstance(action, OpenTicket)
    ranks = {level.name: level.rank for level in policy.levels}
    assert action.severity.name not in critical_in(policy)
    assert ranks[action.severity.name] <= ranks[policy.severity.ceiling]
    if action.severity.critical_claimed:
        event("a critical claim")
    if not policy.severity.may_set(by_portal=False):
        assert action.severity.name == policy.severity.default


@SETTINGS
@given(st.data())
def test_a_critical_claim_is_recognised_however_it_is_written(data: st.DataObject) -> None:
    """Otherwise the property would hold for a gateway that reads no claims."""
    policy = data.draw(POLICIES)
    name = policy.levels[0].name
    assume(not set("[]\n") & set(name) and len(name) <= 40 and name.strip() == name)

    mail = a_mail(subject=f"[{data.draw(st.sampled_from([name, name.upper()]))}]")
    # A level that is named like the tag of a ticket is not heard there.
    assume(unmarked_subject(mail.subject, policy.subject_tag.format) == mail.subject)
    action = World(policy=policy).decide(mail).action

    assume(name.upper().casefold() == name.casefold())
    assert isinstance(action, OpenTicket)
    assert action.severity.critical_claimed


@SETTINGS
@given(st.data())
def test_no_command_sets_a_critical_level(data: st.DataObject) -> None:
    policy = data.draw(POLICIES)
    vocabulary = all_names(policy)
    text = data.draw(commands(vocabulary) | claims(vocabulary))

    parsed = parse_commands(f"{text}\n\nHello", policy.levels, policy.severity.ceiling)

    requested = [command for command in parsed.given if isinstance(command, SetSeverity)]
    assert not {command.severity.name for command in requested} & critical_in(policy)


@SETTINGS
@given(st.data())
def test_a_command_that_names_a_critical_level_is_refused_and_sets_nothing(
    data: st.DataObject,
) -> None:
    policy = data.draw(POLICIES)
    level = data.draw(st.sampled_from([one for one in policy.levels if one.critical]))
    name = data.draw(st.sampled_from([level.name, *level.aliases]).flatmap(spellings))
    # A command ignores invisible characters, and any number sign may begin one.
    assume(name.strip().isprintable() and not set(name) & {"\uff03", "\ufe5f"})
    assume(level.has_name(" ".join(name.split()).rstrip(",:;.")))

    parsed = parse_commands(f"#severity {name}\n\nHello", policy.levels, policy.severity.ceiling)

    assert parsed.given == ()
    assert parsed.faults


T = TypeVar("T")
_ticket, _participant, _person = table(TicketRow), table(ParticipantRow), table(PersonRow)
REGISTRY = {"mailbox", "signing_key", "company", "company_domain", "contract", "person"}
LOCAL, ELSEWHERE = "127.0.0.1", "192.0.2.1"


@dataclass(frozen=True)
class StoredSeverity:
    """The severity columns of a ticket's row."""

    name: str
    source: str
    critical: bool


Tickets = Mapping[int, StoredSeverity]


@dataclass
class ScenarioRun:
    """The real services on a real store, and the mails of the scenario so far."""

    services: Services
    mailbox: Mailbox
    keys: Keys
    folder: Path
    """Of the policy files."""
    policy: Policy = field(default_factory=default_policy)
    sent: list[tuple[MailStep, Delivery]] = field(default_factory=list)
    filed: set[bytes] = field(default_factory=set)

    def ingest_by(self, policies: Policies) -> Ingest:
        runtime = replace(self.services.runtime, policies=policies)
        return replace(self.services.ingest, runtime=runtime)

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await self.services.runtime.write(job)

    def read(self, job: Callable[[Connection], T]) -> T:
        return self.services.runtime.database.read(job)

    def tickets(self) -> Tickets:
        columns = (_ticket.c.id, _ticket.c.severity, _ticket.c.severity_source, _ticket.c.critical)
        rows = self.read(lambda c: c.execute(select(*columns).order_by(_ticket.c.id)).all())
        return {row.id: StoredSeverity(*row[1:]) for row in rows}

    def merges(self) -> Mapping[int, int]:
        """The merged tickets, each with the one that it is part of."""
        columns = select(_ticket.c.id, _ticket.c.merged_into)
        merged = columns.where(_ticket.c.merged_into.is_not(None))
        return {row.id: row.merged_into for row in self.read(lambda c: c.execute(merged).all())}

    async def run_step(self, step: Step) -> None:
        """Run one step and check the severities after it."""
        if isinstance(step, MergeStep):
            await self.prepare_merge(step)
        before, merged_before = self.tickets(), self.merges()
        names = {level.name for level in self.policy.levels if level.critical}
        commanded, changed = False, None
        match step:
            case MailStep():
                commanded = step.may_command
                await self.send(step)
            case RepeatStep(mail=index, proven=proven):
                mail_step, delivery = self.sent[index % len(self.sent)]
                known = delivery.raw in self.filed
                commanded = replace(mail_step, proven=proven).may_command and not known
                peer = LOCAL if proven else ELSEWHERE
                again = replace(delivery, envelope=replace(delivery.envelope, peer=peer))
                await self.take(again)
            case ReleaseStep(held=index, author=author, as_new=as_new):
                commanded = author == SAM
                await self.release(index, author, as_new)
            case PolicyChangeStep(policy=policy):
                self.policy = policy
            case EnrolStep():
                await self.enrol()
            case SeverityChangeStep():
                changed = await self.change(step)
            case RaceStep(mail_step=mail_step, change=change):
                commanded = mail_step.may_command
                changed, _ = await asyncio.gather(self.change(change), self.send(mail_step))
            case MergeStep():
                raised = await self.merge(step)
                changed = raised if raised is not None and self.was_critical(before, step) else None
            case ReloadStep(meanwhile=mail_step):
                commanded = mail_step is not None and mail_step.may_command
                await self.reload(step)
                names |= {level.name for level in self.policy.levels if level.critical}
            case _:
                assert_never(step)
        self.check_severities(before, self.tickets(), commanded, changed, names)
        self.check_merges(merged_before, changed)

    @staticmethod
    def check_severities(
        before: Tickets, after: Tickets, commanded: bool, changed: int | None, names: set[str]
    ) -> None:
        """Only staff may change a severity. `changed`: the ticket of a SeverityChangeStep."""
        for number, now in after.items():
            if now == before.get(number):
                continue
            if number in before and before[number].critical and not now.critical:
                assert number == changed or commanded, "a critical ticket is not any more"
                event("a critical ticket was lowered by staff")
            if number == changed and now.source in CRITICAL_SOURCES:
                event("set to critical by staff" if now.critical else "set by staff")
                continue
            assert not now.critical
            assert now.name not in names
            if number in before:
                assert commanded, "a customer's mail changed a severity"
                assert now.source == "staff_mail"
                event("set by staff mail")
            else:
                assert now.source == "mail"

    def check_merges(self, before: Mapping[int, int], changed: int | None) -> None:
        """A critical ticket does not disappear in a lesser one, unless staff lower that."""
        tickets = self.tickets()
        for number, into in self.merges().items():
            if number not in before and tickets[number].critical:
                assert tickets[into].critical or into == changed, "a merge lost a critical ticket"
                event("a critical ticket was merged")

    async def merge(self, step: MergeStep) -> int | None:
        """The other ticket, if the merge is made over the API or on the console."""
        number, into = self.merging(step)
        context = ChangeContext(self.mailbox, SAM, step.source, clock.now(), clock.new_id)

        def job(connection: Connection) -> Effects | ChangeRefused:
            changes, policy = [Merge(into)], self.policy
            return change_ticket(connection, context, number, changes, policy, by_staff=True)

        made = isinstance(await self.write(job), Effects)
        event(f"merged by {step.source}: {made}")
        return into if made and step.source.value in CRITICAL_SOURCES else None

    async def prepare_merge(self, step: MergeStep) -> None:
        """An ordinary ticket is opened, and one is made critical, as the step asks for."""
        context = ChangeContext(self.mailbox, SAM, Source.API, clock.now(), clock.new_id)
        request, policy = Request(ANN, "Lift", "It is stuck."), self.policy
        if step.into is None:
            await self.write(lambda c: open_requested(c, context, request, policy, by_staff=True))
        number, _ = self.merging(step)
        burns = [SetAnySeverity(policy.levels[0].name, "it burns")]
        if step.burns:
            await self.write(
                lambda c: change_ticket(c, context, number, burns, policy, by_staff=True)
            )

    def merging(self, step: MergeStep) -> tuple[int, int]:
        """The ticket that is merged, and the one that it becomes part of."""
        into = self.number(step.into) if step.into is not None else max(self.tickets())
        others = [number for number in self.tickets() if number != into]
        return others[step.ticket % len(others)] if others else 0, into

    def was_critical(self, before: Tickets, step: MergeStep) -> bool:
        number, _ = self.merging(step)
        return number in before and before[number].critical

    def number(self, index: int) -> int:
        """The number of a ticket; 0 while there is none."""
        tickets = list(self.tickets())
        return tickets[index % len(tickets)] if tickets else 0

    async def reload(self, step: ReloadStep) -> None:
        """Read the policy file again as a running server does."""
        book = PolicyBook({self.policy.name: self.policy})
        (self.folder / "drawn.toml").write_text(step.draft.text(), encoding="utf-8")
        reload = PolicyReload(runtime=self.services.runtime, book=book, folder=self.folder)
        if step.meanwhile is None:
            loaded = await reload.reload()
        else:
            loaded, _ = await asyncio.gather(reload.reload(), self.send(step.meanwhile, book))
        self.policy = book[self.policy.name]
        event(f"reloaded: {loaded}")
        if step.meanwhile is None and loaded:
            by_name = {level.name for level in self.policy.levels if level.critical}
            ordinary = (_ticket.c.status != Status.CLOSED.value) & ~_ticket.c.critical
            rows = self.read(lambda c: c.execute(select(_ticket.c.severity).where(ordinary)).all())
            assert not {row.severity for row in rows} & by_name, "the policy makes it critical"

    async def send(self, mail_step: MailStep, book: PolicyBook | None = None) -> None:
        delivery = self.delivery_of(mail_step)
        self.sent.append((mail_step, delivery))
        await self.take(delivery, book)

    async def take(self, delivery: Delivery, book: PolicyBook | None = None) -> None:
        (reply,) = await self.ingest_by(book or {self.mailbox.policy: self.policy}).take(delivery)
        assert reply.code != 451, "only the database prevented it"
        if reply.accepted:
            self.filed.add(delivery.raw)

    def delivery_of(self, mail_step: MailStep) -> Delivery:
        tickets = list(self.tickets())
        number = (
            tickets[mail_step.ticket % len(tickets)] if tickets and mail_step.route != "new" else 0
        )
        tag = f"[#{number}] " if number and mail_step.route == "tag" else ""
        fields = {
            "From": mail_step.sender,
            "To": SUPPORT,
            "Subject": f"{tag}{mail_step.content.subject}".replace("\n", "\r\n "),
            "Message-ID": f"<{len(self.sent)}@client.example>",
            **dict(mail_step.content.header),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        content = MERGE.sub(lambda m: f"#merge {self.number(int(m[1]))}", mail_step.content.text)
        text = content.replace("\n", "\r\n")
        kind = "Content-Type: text/plain; charset=utf-8\r\n"
        to = self.token(number, mail_step.sender) if mail_step.route == "token" else SUPPORT
        peer = LOCAL if mail_step.proven else ELSEWHERE
        envelope = Envelope(peer, "client.example", False, mail_step.sender, (to,))
        return Delivery(envelope, f"{head}{kind}\r\n{text}\r\n".encode())

    def token(self, number: int, address: str) -> str:
        """The reply address of a participant; the address of the mailbox for anybody else."""
        here = (_participant.c.ticket_id == number) & (_participant.c.address == address)
        member = self.read(lambda c: c.execute(select(_participant.c.id).where(here)).scalar())
        if member is None:
            return SUPPORT
        held = ReplyToken(number, member, Purpose.REPLY)
        return reply_address(self.keys, self.mailbox.id, SUPPORT, held)

    async def release(self, index: int, author: str | None, as_new: bool) -> None:
        waiting = self.read(quarantine.held_mails)
        if not waiting:
            return
        held = waiting[index % len(waiting)]
        delivery = self.read(lambda c: quarantine.delivery(c, held))
        named_author = Author(author) if author is not None else None
        proof = Authentication.by_staff(SAM)
        stated = StatedByStaff(author=named_author, as_new=as_new)
        ingest = self.ingest_by({self.mailbox.policy: self.policy})
        receipt = await ingest.release(held, delivery, proof, stated)
        event(f"released: {receipt.verdict}")

    async def enrol(self) -> None:
        person = NewPerson(NEW, "", Role.USER, "Acme")
        known = select(_person.c.id).where(_person.c.address == NEW)
        if not self.read(lambda c: c.execute(known).all()):
            await self.write(lambda c: add_person(c, self.mailbox, person))

    async def change(self, change: SeverityChangeStep) -> int | None:
        """The ticket whose severity was set; None if the change was refused."""
        tickets = list(self.tickets())
        number = tickets[change.ticket % len(tickets)] if tickets else 0
        context = ChangeContext(
            self.mailbox, "duty@help.example", change.source, clock.now(), clock.new_id
        )
        policy, request = self.policy, Request(ANN, "Lift", "It is stuck.", change.level)

        def job(connection: Connection) -> int | None:
            if change.opens or not number:
                opened = open_requested(connection, context, request, policy, by_staff=True)
                return opened if isinstance(opened, int) else None
            wanted = SetAnySeverity(change.level, "it burns")
            made = change_ticket(connection, context, number, [wanted], policy, by_staff=True)
            return number if isinstance(made, Effects) else None

        try:
            return await self.write(job)
        except Conflict:
            return None


def clear_mails(connection: Connection) -> None:
    """Remove everything except the registry, and NEW from it."""
    for each in reversed(metadata.sorted_tables):
        if each.name not in REGISTRY:
            connection.execute(delete(each))
    connection.execute(delete(_person).where(_person.c.address == NEW))


@asynccontextmanager
async def open_real_services(url: str, folder: Path) -> AsyncIterator[Services]:
    """The real services, with a DNS that has no records, so that it proves nobody."""
    with NameServer({}) as server:
        config = Config(
            store=StoreSection(url=url),
            relay=RelaySection(maildir=folder / "outbox"),
            dns=DnsSection(servers=(IPv4Address("127.0.0.1"),), port=server.port),
            limits=LimitsSection(refusal_s=0.001),
        )
        async with open_services(config) as services:
            yield services


async def run_scenario(services: Services, scenario: Scenario, folder: Path) -> None:
    """Run a scenario from its start on an empty store."""
    await services.runtime.write(clear_mails)
    mailbox = services.runtime.database.read(lambda c: mailbox_named(c, None))
    keys = services.runtime.database.read(load_keys)
    run = ScenarioRun(services, mailbox, keys, folder, scenario.policy)
    for step in scenario.steps:
        await run.run_step(step)


def check_scenarios(url: str, folder: Path, most: int, length: int = 10) -> None:
    """Run generated scenarios. Raises AssertionError for the shortest that fails."""
    policies_folder = folder / "policies"
    policies_folder.mkdir()
    with asyncio.Runner() as runner:
        opened = open_real_services(enrolled_store(url), folder)
        services = runner.run(opened.__aenter__())

        @settings(SETTINGS, max_examples=most)
        @given(scenarios(length))
        def every(scenario: Scenario) -> None:
            runner.run(run_scenario(services, scenario, policies_folder))

        try:
            every()
        finally:
            runner.run(opened.__aexit__(None, None, None))


def test_no_scenario_makes_a_ticket_critical_by_mail_on_sqlite(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    check_scenarios(sqlite_stores.new(), tmp_path, most=examples(20))


def test_no_scenario_makes_a_ticket_critical_by_mail_on_postgresql(
    postgres_stores: PostgresStores, tmp_path: Path
) -> None:
    check_scenarios(postgres_stores.new(), tmp_path, most=examples(8))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_long_scenario_makes_a_ticket_critical_by_mail(store_url: str, tmp_path: Path) -> None:
    check_scenarios(store_url, tmp_path, most=3000, length=20)
