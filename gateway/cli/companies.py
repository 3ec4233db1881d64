"""Commands on companies: their domains, and what is agreed with each."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from gateway import clock, policies
from gateway.cli.common import (
    ConfigOption,
    MailboxOption,
    columns,
    console,
    fail,
    failing_well,
    load_config,
    read,
    write,
)
from gateway.cli.mails import clean
from rules.policy import Policy
from rules.ticket.business_time import parse_span
from rules.validation.messages import suggestion
from storage.registry import companies, mailboxes
from storage.registry.companies import Contract

company = typer.Typer(no_args_is_help=True)
domain = typer.Typer(no_args_is_help=True)
company.add_typer(domain, name="domain", help="The mail domains that a company owns.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
DomainsArgument = Annotated[list[str], typer.Argument(metavar="DOMAIN…")]
PromiseOption = Annotated[list[str] | None, typer.Option(metavar="LEVEL=SPAN")]


@company.command("add", help="Register a company with the mail domains that are its own.")
def add(
    name: NameArgument,
    domain: Annotated[list[str] | None, typer.Option(help="A domain; repeat for more.")] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: companies.add_company(c, mailboxes.mailbox_named(c, mailbox), name, domain or []),
    )
    console.print(f"{name} is registered.", markup=False)


@company.command("list", help="List the companies with their domains.")
def listing(mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    table = columns("company", "domains", "state")
    rows = read(config, lambda c: companies.list_companies(c, mailboxes.mailbox_named(c, mailbox)))
    for each, domains in rows:
        table.add_row(each.name, " ".join(domains), "active" if each.active else "suspended")
    console.print(table)


@company.command("show", help="Show a company with all that is agreed with it.")
def show(name: NameArgument, mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    agreed = read(
        config, lambda c: companies.company_agreement(c, mailboxes.mailbox_named(c, mailbox), name)
    )
    facts = [
        ("company", agreed.name),
        ("state", "active" if agreed.active else "suspended"),
        ("domains", " ".join(agreed.domains)),
        ("team", " ".join(agreed.account_team)),
        ("manager", agreed.success_manager),
        ("channel", agreed.channel),
        *(("contract", _in_words(contract)) for contract in agreed.contracts),
    ]
    for label, value in facts:
        if value:
            console.print(Text(f"{label:<9} {clean(value)}"))


@company.command("deactivate", help="Suspend a company: its users' mail is refused.")
def deactivate(
    name: NameArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_active(name, mailbox, config, active=False)


@company.command("activate", help="Take a company's mail again.")
def activate(
    name: NameArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_active(name, mailbox, config, active=True)


def _set_active(name: str, mailbox: str | None, config: Path | None, active: bool) -> None:
    write(
        config,
        lambda c: companies.set_company_active(
            c, mailboxes.mailbox_named(c, mailbox), name, active
        ),
    )
    console.print(f"{name} is {'active' if active else 'suspended'}.", markup=False)


@domain.command("add", help="Register more mail domains of a company, all of them or none.")
def add_domains(
    name: NameArgument,
    domains: DomainsArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: companies.add_domains(c, mailboxes.mailbox_named(c, mailbox), name, domains),
    )
    _show_domains(name, mailbox, config)


@domain.command("remove", help="Take mail domains from a company; its users there stay.")
def remove_domains(
    name: NameArgument,
    domains: DomainsArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: companies.remove_domains(c, mailboxes.mailbox_named(c, mailbox), name, domains),
    )
    _show_domains(name, mailbox, config)


def _show_domains(name: str, mailbox: str | None, config: Path | None) -> None:
    agreed = read(
        config, lambda c: companies.company_agreement(c, mailboxes.mailbox_named(c, mailbox), name)
    )
    console.print(f"{name}: domains {' '.join(agreed.domains) or 'none'}", markup=False)


@company.command("tier", help="Agree on a tier with a company; tickets that are there keep theirs.")
def tier(
    name: NameArgument,
    tier: Annotated[str, typer.Argument(metavar="TIER")],
    starts: Annotated[
        str | None,
        typer.Option("--from", metavar="YYYY-MM-DD", help="Its first day; now if not named."),
    ] = None,
    first: PromiseOption = None,
    ongoing: PromiseOption = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    policy = _policy(config, mailbox)
    known = [each.name for each in policy.tiers]
    if tier not in known:
        hint = suggestion(tier, known) or f"there are: {', '.join(known) or 'none'}"
        fail(os.EX_DATAERR, f"no tier {tier!r} in the policy {policy.name} ({hint})")
    targets = {
        key: promised
        for key, said in (("first", first), ("ongoing", ongoing))
        if (promised := _promises(key, said or [], policy))
    }
    contract = Contract(tier, _start(starts, policy), targets)
    write(
        config,
        lambda c: companies.add_contract(c, mailboxes.mailbox_named(c, mailbox), name, contract),
    )
    console.print(f"{name}: {_in_words(contract)}", markup=False)


@company.command("team", help="Name the account team: who is told of new tickets. None clears it.")
def team(
    name: NameArgument,
    addresses: Annotated[list[str] | None, typer.Argument(metavar="ADDRESS…")] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: companies.set_account_team(
            c, mailboxes.mailbox_named(c, mailbox), name, addresses or []
        ),
    )
    console.print(f"{name}: team {' '.join(addresses or ['nobody'])}", markup=False)


@company.command("manager", help="Name the success manager: who is told of escalations.")
def manager(
    name: NameArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="'' for nobody.")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: companies.set_success_manager(
            c, mailboxes.mailbox_named(c, mailbox), name, address
        ),
    )
    console.print(f"{name}: manager {address or 'nobody'}", markup=False)


@company.command("channel", help="Keep the way of contact that a company prefers, for staff.")
def channel(
    name: NameArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="In its own words; '' for none.")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: companies.set_channel(c, mailboxes.mailbox_named(c, mailbox), name, text),
    )
    console.print(f"{name}: channel {text or 'none'}", markup=False)


def _policy(config: Path | None, mailbox: str | None) -> Policy:
    ours = read(config, lambda c: mailboxes.mailbox_named(c, mailbox))
    with failing_well():
        known = policies.load(load_config(config).policies.folder)
        return policies.named(known, ours.policy, f"mailbox {ours.address}")


def _start(day: str | None, policy: Policy) -> datetime:
    """The beginning of a day on the wall clock of the desk."""
    if day is None:
        return clock.now()
    try:
        zone = ZoneInfo(policy.clock.calendar.zone)
        midnight = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone)
        return midnight.astimezone(UTC)
    except (ValueError, OverflowError):
        fail(os.EX_USAGE, f"--from {day}: write a date such as 2026-07-01")


def _promises(key: str, said: list[str], policy: Policy) -> dict[str, str]:
    """`High=2 business hours` for each level; another word for a level is turned into its name."""
    promised: dict[str, str] = {}
    for each in said:
        word, equals, span = (part.strip() for part in each.partition("="))
        level = next((one for one in policy.levels if one.is_called(word)), None)
        if not equals:
            fail(os.EX_USAGE, f'--{key} {each}: write a level and a span: "High=2 business hours"')
        if level is None:
            there_are = ", ".join(one.name for one in policy.levels)
            fail(os.EX_DATAERR, f"--{key}: there is no severity {word!r}; there are {there_are}")
        try:
            promised[level.name] = str(parse_span(span))
        except ValueError as error:
            fail(os.EX_DATAERR, f"--{key} {level.name}: {error}")
    return promised


def _in_words(contract: Contract) -> str:
    promised = (
        f", {key} {level} in {span}"
        for key, spans in contract.targets.items()
        for level, span in spans.items()
    )
    return f"{contract.tier} from {contract.starts_at:%Y-%m-%d %H:%M} UTC{''.join(promised)}"
