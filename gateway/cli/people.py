"""Commands that enrol and list: mailboxes, companies, users, staff, API tokens."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway import ids, policies
from gateway.cli.common import (
    ConfigOption,
    MailboxOption,
    console,
    fail,
    failing_well,
    load_config,
    read,
    write,
)
from gateway.users_csv import parse_users
from rules.complaints import Refused
from rules.facts import Role
from storage import registry
from storage.registry import NewPerson

mailbox = typer.Typer(no_args_is_help=True)
company = typer.Typer(no_args_is_help=True)
user = typer.Typer(no_args_is_help=True)
users = typer.Typer(no_args_is_help=True)
staff = typer.Typer(no_args_is_help=True)
token = typer.Typer(no_args_is_help=True)

SCOPES = ("mails",)
AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]
NameOption = Annotated[str, typer.Option(help="The person's name, as it is written to him.")]


@mailbox.command("add", help="Take mail at an address, under a policy.")
def add_mailbox(
    address: AddressArgument,
    policy: Annotated[str, typer.Option(help="The policy's name.")] = "default",
    config: ConfigOption = None,
) -> None:
    with failing_well():
        known = policies.load(load_config(config).policies.folder)
        policies.named(known, policy, f"mailbox {address}")
    write(config, lambda c: registry.add_mailbox(c, address, policy))
    console.print(f"Mail for {address} is taken under the policy {policy}.")


@mailbox.command("list", help="List the mailboxes.")
def list_mailboxes(config: ConfigOption = None) -> None:
    for each in read(config, registry.mailboxes):
        console.print(f"{each.address}  {each.policy}")


@mailbox.command("deactivate", help="Take no more mail at an address; its tickets stay.")
def deactivate_mailbox(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: registry.set_mailbox_active(c, address, False))
    console.print(f"Mail for {address} is no longer taken.")


@mailbox.command("activate", help="Take mail again.")
def activate_mailbox(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: registry.set_mailbox_active(c, address, True))
    console.print(f"Mail for {address} is taken.")


@company.command("add", help="Register a company with the mail domains that are its own.")
def add_company(
    name: Annotated[str, typer.Argument()],
    domain: Annotated[list[str] | None, typer.Option(help="A domain; repeat for more.")] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: registry.add_company(c, registry.the_mailbox(c, mailbox), name, domain or []),
    )
    console.print(f"{name} is registered.", markup=False)


@company.command("list", help="List the companies with their domains.")
def list_companies(mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    table = _table("company", "domains", "state")
    rows = read(config, lambda c: registry.companies(c, registry.the_mailbox(c, mailbox)))
    for each, domains in rows:
        table.add_row(each.name, " ".join(domains), "active" if each.active else "suspended")
    console.print(table)


@company.command("deactivate", help="Suspend a company: its users' mail is refused.")
def deactivate_company(
    name: Annotated[str, typer.Argument()],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    _set_company(name, mailbox, config, active=False)


@company.command("activate", help="Take a company's mail again.")
def activate_company(
    name: Annotated[str, typer.Argument()],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    _set_company(name, mailbox, config, active=True)


def _set_company(name: str, mailbox: str | None, config: Path | None, active: bool) -> None:
    write(
        config,
        lambda c: registry.set_company_active(c, registry.the_mailbox(c, mailbox), name, active),
    )
    console.print(f"{name} is {'active' if active else 'suspended'}.", markup=False)


@user.command("add", help="Register a person of a company.")
def add_user(
    address: AddressArgument,
    company: Annotated[str, typer.Option(help="The company's name.")],
    name: NameOption = "",
    machine: Annotated[
        bool, typer.Option(help="It is a program: its automatic mail may open tickets.")
    ] = False,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    person = NewPerson(address, name, Role.USER, company, machine)
    write(config, lambda c: registry.add_person(c, registry.the_mailbox(c, mailbox), person))
    console.print(f"{address} may write.", markup=False)


@staff.command("add", help="Register a person of the support organisation.")
def add_staff(
    address: AddressArgument,
    name: NameOption = "",
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    person = NewPerson(address, name, Role.STAFF, None)
    write(config, lambda c: registry.add_person(c, registry.the_mailbox(c, mailbox), person))
    console.print(f"{address} is staff.", markup=False)


def _list_people(role: Role, mailbox: str | None, config: Path | None) -> None:
    table = _table("address", "name", "company", "state")
    rows = read(config, lambda c: registry.people(c, registry.the_mailbox(c, mailbox), role))
    for person in rows:
        state = "active" if person.active else "deactivated"
        employer = person.company.name if person.company is not None else ""
        table.add_row(person.address, person.name, employer, state)
    console.print(table)


@user.command("list", help="List the users.")
def list_users(mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    _list_people(Role.USER, mailbox, config)


@staff.command("list", help="List the staff.")
def list_staff(mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    _list_people(Role.STAFF, mailbox, config)


def _set_person(
    role: Role, address: str, mailbox: str | None, config: Path | None, active: bool
) -> None:
    write(
        config,
        lambda c: registry.set_person_active(
            c, registry.the_mailbox(c, mailbox), role, address, active
        ),
    )
    console.print(f"{address} is {'active' if active else 'deactivated'}.", markup=False)


@user.command("deactivate", help="Refuse a user's mail from now on; his tickets stay.")
def deactivate_user(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_person(Role.USER, address, mailbox, config, active=False)


@user.command("activate", help="Take a user's mail again.")
def activate_user(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_person(Role.USER, address, mailbox, config, active=True)


@staff.command("deactivate", help="Refuse a staff person's mail from now on.")
def deactivate_staff(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_person(Role.STAFF, address, mailbox, config, active=False)


@staff.command("activate", help="Take a staff person's mail again.")
def activate_staff(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    _set_person(Role.STAFF, address, mailbox, config, active=True)


@users.command("import", help="Register the users of a CSV file, all of them or none.")
def import_users(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    try:
        rows = parse_users(file.read_bytes(), str(file))
    except Refused as error:
        fail(os.EX_DATAERR, str(error))
    count = write(
        config,
        lambda c: registry.import_people(c, registry.the_mailbox(c, mailbox), rows, str(file)),
    )
    console.print(f"{count} users registered.")


@token.command("add", help="Make a bearer token; it is shown once.")
def add_token(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    scope: Annotated[str, typer.Option(help="What it is for: mails.")] = "mails",
    config: ConfigOption = None,
) -> None:
    if scope not in SCOPES:
        fail(os.EX_DATAERR, f"no scope {scope!r}; there are: {', '.join(SCOPES)}")
    text = secrets.token_urlsafe(32)
    write(config, lambda c: registry.add_api_token(c, text, name, scope, ids.now()))
    print(text)  # noqa: T201 - alone on its line, for scripts


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
