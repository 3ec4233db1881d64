"""Commands on the staff of the support organisation."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import people
from gateway.cli.common import ConfigOption, MailboxOption, write
from gateway.cli.json_lines import JsonOption
from gateway.cli.people import AddressArgument, LanguageArgument, NameOption
from gateway.cli.terminal import say
from rules.decision.change.preferences import preferred
from rules.people import Role, StaffNotices
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, set_notices

app = typer.Typer(no_args_is_help=True)

NoticesArgument = Annotated[
    StaffNotices, typer.Argument(metavar="all|mine|digest", help="Alerts reach them anyway.")
]


@app.command("add", help="Register a staff member.")
def add(
    address: AddressArgument,
    name: NameOption = "",
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    people.add(NewPerson(address, name, Role.STAFF, company=None), mailbox, config)


@app.command("list", help="List the staff.")
def list_staff(
    mailbox: MailboxOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    people.print_list(Role.STAFF, mailbox, config, as_json=as_json)


@app.command("deactivate", help="Refuse a staff member's mail from now on.")
def deactivate(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    people.set_active(Role.STAFF, address, mailbox, config, active=False)


@app.command("activate", help="Accept a staff member's mail again.")
def activate(
    address: AddressArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    people.set_active(Role.STAFF, address, mailbox, config, active=True)


@app.command("notices", help="Set of which tickets a staff member is notified.")
def set_notices_of(
    address: AddressArgument,
    notices: Annotated[
        StaffNotices, typer.Argument(metavar="all|mine|digest", help="Alerts reach them.")
    ],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(config, lambda c: set_notices(c, mailbox_named(c, mailbox), address, notices))
    say(f"{preferred(address, notices)}.")


@app.command("language", help="Set the language of a staff member's notices.")
def set_language(
    address: AddressArgument,
    language: LanguageArgument,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    people.set_language(Role.STAFF, address, language, mailbox, config)
