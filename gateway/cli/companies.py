"""Commands on companies: their domains, and what is agreed with each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway import clock, policies
from gateway.cli.common import (
    ConfigOption,
    MailboxOption,
    exit_on_error,
    fail,
    load_config,
    read,
    write,
)
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import console, escape, print_table, say
from gateway.organizations import SharedOrganization, shared_organizations
from rules.policy import Policy
from rules.service.contracts import ContractFault, agreed_targets, first_day
from storage.db.database import Connection
from storage.registry import companies
from storage.registry.companies import CompanyAgreement, Contract
from storage.registry.mailboxes import list_mailboxes, mailbox_named

app = typer.Typer(no_args_is_help=True)
domain_app = typer.Typer(no_args_is_help=True)
app.add_typer(domain_app, name="domain", help="Manage the mail domains of a company.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The company's name.")]
DomainsArgument = Annotated[list[str], typer.Argument(metavar="DOMAIN…")]
FirstOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LEVEL=SPAN",
        help='A first response time instead of the tier\'s, such as "High=2 business hours".',
    ),
]
OngoingOption = Annotated[
    list[str] | None,
    typer.Option(metavar="LEVEL=SPAN", help="Likewise, for each later response."),
]


@app.command("add", help="Register a company with the mail domains it owns.")
def add(
    name: NameArgument,
    domain: Annotated[
        list[str] | None, typer.Option(help="A domain; repeat the option for more.")
    ] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(config, lambda c: companies.add_company(c, mailbox_named(c, mailbox), name, domain or []))
    say(f"{name} is registered.")
    _warn_of_others(name, mailbox, config)


@app.command("list", help="List the companies with their domains.")
def list_companies(
    mailbox: MailboxOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    rows = read(config, lambda c: companies.list_companies(c, mailbox_named(c, mailbox)))
    if as_json:
        print_json_lines(
            {"name": company.name, "active": company.active, "domains": domains}
            for company, domains in rows
        )
        return
    print_table(
        ("company", "domains", "state"),
        (
            (company.name, " ".join(domains), "active" if company.active else "suspended")
            for company, domains in rows
        ),
    )


@app.command("show", help="Show a company with everything that is agreed with it.")
def show(name: NameArgument, mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    agreement = _agreement(name, mailbox, config)
    facts = [
        ("company", agreement.name),
        ("state", "active" if agreement.active else "suspended"),
        ("domains", " ".join(agreement.domains)),
        ("team", " ".join(agreement.account_team)),
        ("manager", agreement.success_manager),
        ("channel", agreement.channel),
        ("lists", _lists(agreement.visibility) if agreement.visibility else ""),
        ("updates", "by the success manager as well" if agreement.updates_by else ""),
        *(("contract", _describe(contract)) for contract in agreement.contracts),
    ]
    for label, value in facts:
        if value:
            console.print(Text(f"{label:<9} {escape(value)}"))
    _warn_of_others(name, mailbox, config)


@app.command("deactivate", help="Suspend a company: its users' mail is refused.")
def deactivate(
    name: NameArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_active(name, mailbox, config, active=False)


@app.command("activate", help="Accept the mail of a company's users again.")
def activate(
    name: NameArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_active(name, mailbox, config, active=True)


def _set_active(name: str, mailbox: str | None, config: Path | None, *, active: bool) -> None:
    def job(connection: Connection) -> None:
        companies.set_company_active(connection, mailbox_named(connection, mailbox), name, active)

    write(config, job)
    say(f"{name} is {'active' if active else 'suspended'}.")


@domain_app.command("add", help="Register more mail domains of a company, all or none.")
def add_domains(
    name: NameArgument,
    domains: DomainsArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(config, lambda c: companies.add_domains(c, mailbox_named(c, mailbox), name, domains))
    _print_domains(name, mailbox, config)
    _warn_of_others(name, mailbox, config)


@domain_app.command("remove", help="Remove mail domains from a company; the users there stay.")
def remove_domains(
    name: NameArgument,
    domains: DomainsArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(config, lambda c: companies.remove_domains(c, mailbox_named(c, mailbox), name, domains))
    _print_domains(name, mailbox, config)


def _print_domains(name: str, mailbox: str | None, config: Path | None) -> None:
    domains = _agreement(name, mailbox, config).domains
    say(f"{name}: domains {' '.join(domains) or 'none'}")


def _warn_of_others(name: str, mailbox: str | None, config: Path | None) -> None:
    """Say where other companies have domains of what can be the same organization."""

    def look(connection: Connection) -> list[SharedOrganization]:
        company = companies.company_id(connection, mailbox_named(connection, mailbox), name)
        everywhere = [each.id for each in list_mailboxes(connection, inactive_too=True)]
        return shared_organizations(connection, company, everywhere)

    for each in read(config, look):
        say(f"Notice: {each.warning}")


def _agreement(name: str, mailbox: str | None, config: Path | None) -> CompanyAgreement:
    return read(config, lambda c: companies.company_agreement(c, mailbox_named(c, mailbox), name))


@app.command("tier", help="Set a company's tier from a day on; existing tickets keep theirs.")
def set_tier(
    name: NameArgument,
    tier: Annotated[str, typer.Argument(metavar="TIER", help="A tier of the mailbox's policy.")],
    starts: Annotated[
        str | None,
        typer.Option("--from", metavar="YYYY-MM-DD", help="The tier's first day. Default: now."),
    ] = None,
    first: FirstOption = None,
    ongoing: OngoingOption = None,
    calendar: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A calendar of the policy, instead of the tier's."),
    ] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    policy = _policy(config, mailbox)
    wanted = {"first": _spans("first", first or ()), "ongoing": _spans("ongoing", ongoing or ())}
    targets = agreed_targets(wanted, tier, calendar or "", policy)
    if isinstance(targets, ContractFault):
        fail(os.EX_DATAERR, f"{'--' if targets.targets else ''}{targets.why}")
    contract = Contract(tier, _start(starts, policy), targets, calendar or "")
    write(config, lambda c: companies.add_contract(c, mailbox_named(c, mailbox), name, contract))
    say(f"{name}: {_describe(contract)}")


@app.command("team", help="Set the account team, notified of new tickets; no address clears it.")
def set_team(
    name: NameArgument,
    addresses: Annotated[list[str] | None, typer.Argument(metavar="ADDRESS…")] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    team = addresses or []
    write(config, lambda c: companies.set_account_team(c, mailbox_named(c, mailbox), name, team))
    say(f"{name}: team {' '.join(team) or 'nobody'}")


@app.command("manager", help="Set the success manager, notified of escalations.")
def set_manager(
    name: NameArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="'' for nobody.")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    def job(connection: Connection) -> None:
        ours = mailbox_named(connection, mailbox)
        companies.set_success_manager(connection, ours, name, address)

    write(config, job)
    say(f"{name}: manager {address or 'nobody'}")


@app.command("channel", help="Set the way of contact that a company prefers; staff see it.")
def set_channel(
    name: NameArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Free text; '' for none.")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(config, lambda c: companies.set_channel(c, mailbox_named(c, mailbox), name, text))
    say(f"{name}: channel {text or 'none'}")


class Lists(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    POLICY = "policy"


_VISIBILITY = {Lists.OPEN: "company", Lists.CLOSED: "private", Lists.POLICY: ""}


@app.command("lists", help="Set whether a company's users read each other's tickets.")
def set_lists(
    name: NameArgument,
    state: Annotated[Lists, typer.Argument(help="policy: as the mailbox's policy says.")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    def job(connection: Connection) -> None:
        ours = mailbox_named(connection, mailbox)
        companies.set_visibility(connection, ours, name, _VISIBILITY[state])

    write(config, job)
    say(f"{name}: lists {_lists(_VISIBILITY[state])}")


def _lists(visibility: str) -> str:
    match visibility:
        case "company":
            return "open: its users read each other's tickets"
        case "private":
            return "closed: a ticket is read by the people on it"
        case _:
            return "as the policy says"


class UpdatesBy(StrEnum):
    MANAGER = "manager"
    TEAM = "team"


@app.command("updates", help="Set whether the success manager gets answers at high severity too.")
def set_updates(
    name: NameArgument,
    by: Annotated[UpdatesBy, typer.Argument(help="manager: as well as the people on the request.")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    by_manager = by is UpdatesBy.MANAGER
    if by_manager and not _policy(config, mailbox).follow_up.via_manager:
        say("This has no effect while the policy has follow_up.via_manager = false.")

    if by_manager and not _agreement(name, mailbox, config).success_manager:
        say(f"This has no effect until {name} has a success manager: postern company manager.")

    def job(connection: Connection) -> None:
        ours = mailbox_named(connection, mailbox)
        companies.set_updates_by(connection, ours, name, by.value if by_manager else "")

    write(config, job)
    say(f"{name}: updates {'by the success manager as well' if by_manager else 'by the team'}")


def _policy(config: Path | None, mailbox: str | None) -> Policy:
    ours = read(config, lambda c: mailbox_named(c, mailbox))
    with exit_on_error():
        known = policies.load(load_config(config).policies.folder)
        return policies.named(known, ours.policy, f"mailbox {ours.address}")


def _start(day: str | None, policy: Policy) -> datetime:
    """The beginning of a day; now for None."""
    if day is None:
        return clock.now()
    starts_at = first_day(day, policy)
    if starts_at is None:
        fail(os.EX_USAGE, f"--from {day}: must be a date such as 2026-07-01")
    return starts_at


def _spans(key: str, options: Iterable[str]) -> dict[str, str]:
    """The spans of options such as `High=2 business hours`, by level."""
    spans: dict[str, str] = {}
    for option in options:
        level, equals, span = (part.strip() for part in option.partition("="))
        if not equals:
            example = '"High=2 business hours"'
            fail(os.EX_USAGE, f"--{key} {option}: must be a level and a span, such as {example}")
        spans[level] = span
    return spans


def _describe(contract: Contract) -> str:
    targets = (
        f", {key} {level} in {span}"
        for key, spans in contract.targets.items()
        for level, span in spans.items()
    )
    hours = f", calendar {contract.calendar}" if contract.calendar else ""
    return f"{contract.tier} from {contract.starts_at:%Y-%m-%d %H:%M} UTC{hours}{''.join(targets)}"
