"""Commands that enrol and list: mailboxes, users, staff, API tokens."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

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
from gateway.cli.companies import company
from gateway.users_csv import parse_users
from gateway.web.api.auth import Scope
from rules.facts import Role
from rules.validation.messages import InvalidFile
from storage.db.database import Connection
from storage.registry import api_tokens, mailboxes, people
from storage.registry.people import NewPerson

mailbox = typer.Typer(no_args_is_help=True)
user = typer.Typer(no_args_is_help=True)
users = typer.Typer(no_args_is_help=True)
staff = typer.Typer(no_args_is_help=True)
token = typer.Typer(no_args_is_help=True)

__all__ = ["company", "mailbox", "staff", "token", "user", "users"]

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]
NameOption = Annotated[str, typer.Option(help="The person's name, as it is written to him.")]


@mailbox.command("add", help="Take mail at an address, under a policy.")
def add_mailbox(
    address: AddressArgument,
    policy: Annotated[str, typer.Option(help="The policy's name.")] = "default",
    config: ConfigOption = None,
) -> None:
    _put_under(mailboxes.add_mailbox, address, policy, config)


@mailbox.command("policy", help="Put a mailbox under another policy; tickets keep their due times.")
def set_policy(
    address: AddressArgument,
    policy: Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")],
    config: ConfigOption = None,
) -> None:
    _put_under(mailboxes.set_mailbox_policy, address, policy, config)


def _put_under(
    job: Callable[[Connection, str, str], object], address: str, policy: str, config: Path | None
) -> None:
    """Have a job done with a mailbox and a policy that there is."""
    with failing_well():
        known = policies.load(load_config(config).policies.folder)
        policies.named(known, policy, f"mailbox {address}")
    write(config, lambda c: job(c, address, policy))
    console.print(f"Mail for {address} is taken under the policy {policy}.")


@mailbox.command("list", help="List the mailboxes.")
def list_mailboxes(config: ConfigOption = None) -> None:
    for each in read(config, mailboxes.list_mailboxes):
        console.print(f"{each.address}  {each.policy}")


@mailbox.command("deactivate", help="Take no more mail at an address; its tickets stay.")
def deactivate_mailbox(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: mailboxes.set_mailbox_active(c, address, False))
    console.print(f"Mail for {address} is no longer taken.")


@mailbox.command("activate", help="Take mail again.")
def activate_mailbox(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: mailboxes.set_mailbox_active(c, address, True))
    console.print(f"Mail for {address} is taken.")


@user.command("add", help="Register a person of a company.")
def add_user(
    address: AddressArgument,
    company: Annotated[str, typer.Option(help="The company's name.")],
    name: NameOption = "",
    machine: Annotated[
        bool, typer.Option(help="It is a program: its automatic mail may open tickets.")
    ] = False,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="The address need not be of the company's domains.")
    ] = False,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    person = NewPerson(address, name, Role.USER, company, machine, anywhere)
    write(config, lambda c: people.add_person(c, mailboxes.mailbox_named(c, mailbox), person))
    console.print(f"{address} may write.", markup=False)


@staff.command("add", help="Register a person of the support organisation.")
def add_staff(
    address: AddressArgument,
    name: NameOption = "",
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    person = NewPerson(address, name, Role.STAFF, None)
    write(config, lambda c: people.add_person(c, mailboxes.mailbox_named(c, mailbox), person))
    console.print(f"{address} is staff.", markup=False)


def _list_people(role: Role, mailbox: str | None, config: Path | None) -> None:
    table = columns("address", "name", "company", "state")
    rows = read(config, lambda c: people.list_people(c, mailboxes.mailbox_named(c, mailbox), role))
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
        lambda c: people.set_person_active(
            c, mailboxes.mailbox_named(c, mailbox), role, address, active
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


LanguageArgument = Annotated[
    str, typer.Argument(metavar="LANGUAGE", help="en or de; '' for the policy's.")
]


def _set_language(
    role: Role, address: str, language: str, mailbox: str | None, config: Path | None
) -> None:
    write(
        config,
        lambda c: people.set_language(
            c, mailboxes.mailbox_named(c, mailbox), role, address, language
        ),
    )
    console.print(
        f"{address} is written to in {language or 'the policy’s language'}.", markup=False
    )


@user.command("language", help="Choose the language of a user's notices.")
def language_of_user(
    address: AddressArgument,
    language: LanguageArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    _set_language(Role.USER, address, language, mailbox, config)


@staff.command("language", help="Choose the language of a staff person's notices.")
def language_of_staff(
    address: AddressArgument,
    language: LanguageArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    _set_language(Role.STAFF, address, language, mailbox, config)


@users.command("import", help="Register the users of a CSV file, all of them or none.")
def import_users(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    try:
        rows = parse_users(file.read_bytes(), str(file))
    except InvalidFile as error:
        fail(os.EX_DATAERR, str(error))
    count = write(
        config,
        lambda c: people.import_people(c, mailboxes.mailbox_named(c, mailbox), rows, str(file)),
    )
    console.print(f"{count} users registered.")


@token.command("add", help="Make a bearer token; it is shown once.")
def add_token(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    scope: Annotated[Scope, typer.Option(help="What it may do; docs/api.md says.")] = Scope.MAILS,
    config: ConfigOption = None,
) -> None:
    text = secrets.token_urlsafe(32)
    write(config, lambda c: api_tokens.add_api_token(c, text, name, scope.value, clock.now()))
    print(text)  # noqa: T201 - alone on its line, for scripts


@token.command("list", help="List the tokens: what each is for, and since when.")
def list_tokens(config: ConfigOption = None) -> None:
    table = columns("name", "scope", "since")
    for name, scope, since in read(config, api_tokens.list_api_tokens):
        table.add_row(name, scope, f"{since:%Y-%m-%d %H:%M}")
    console.print(table)


@token.command("remove", help="Revoke a token, or all of that name: it opens nothing any more.")
def remove_token(
    name: Annotated[str, typer.Argument(help="As `token list` shows it.")],
    config: ConfigOption = None,
) -> None:
    count = write(config, lambda c: api_tokens.remove_api_tokens(c, name))
    console.print(f"{count} removed.")
