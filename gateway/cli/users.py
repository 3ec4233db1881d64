"""Commands on the users of companies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import people
from gateway.cli.common import ConfigOption, MailboxOption, fail, write
from gateway.cli.json_lines import JsonOption
from gateway.cli.people import AddressArgument, LanguageArgument, NameOption
from gateway.cli.terminal import say
from gateway.users_csv import parse_users
from rules.people import Role
from rules.validation.messages import InvalidFile
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, import_people

user_app = typer.Typer(no_args_is_help=True)
users_app = typer.Typer(no_args_is_help=True)


@user_app.command("add", help="Register a user of a company.")
def add(
    address: AddressArgument,
    company: Annotated[str, typer.Option(help="The company's name.")],
    name: NameOption = "",
    machine: Annotated[
        bool,
        typer.Option(help="The user is a program, whose automatic mail may open tickets."),
    ] = False,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Accept an address outside the company's domains.")
    ] = False,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    person = NewPerson(
        address, name, Role.USER, company=company, machine=machine, anywhere=anywhere
    )
    people.add(person, mailbox, config)


@user_app.command("list", help="List the users.")
def list_users(
    mailbox: MailboxOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    people.print_list(Role.USER, mailbox, config, as_json=as_json)


@user_app.command("deactivate", help="Refuse a user's mail from now on; their tickets stay.")
def deactivate(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    people.set_active(Role.USER, address, mailbox, config, active=False)


@user_app.command("activate", help="Accept a user's mail again.")
def activate(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    people.set_active(Role.USER, address, mailbox, config, active=True)


@user_app.command("language", help="Set the language of a user's notices.")
def set_language(
    address: AddressArgument,
    language: LanguageArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    people.set_language(Role.USER, address, language, mailbox, config)


@users_app.command("import", help="Register the users of a CSV file, all or none.")
def import_csv(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="With the columns address, company and, optionally, name and machine.",
        ),
    ],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    try:
        rows = parse_users(file.read_bytes(), str(file))
    except InvalidFile as error:
        fail(os.EX_DATAERR, str(error))
    count = write(
        config, lambda c: import_people(c, mailbox_named(c, mailbox), rows, source=str(file))
    )
    say(f"{count} users registered.")
