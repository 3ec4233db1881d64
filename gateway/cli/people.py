"""What the commands for users and for staff share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.common import read, write
from gateway.cli.json_lines import print_json_lines
from gateway.cli.terminal import print_table, say
from rules.mail.language import KNOWN as LANGUAGES
from rules.people import Person, Role
from storage.db.database import Connection
from storage.registry import people
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]
NameOption = Annotated[str, typer.Option(help="The person's name, as notices address them.")]
LanguageArgument = Annotated[
    str,
    typer.Argument(
        metavar="LANGUAGE",
        help=f"One of: {', '.join(sorted(LANGUAGES))}; '' for the policy's language.",
    ),
]


def add(person: NewPerson, mailbox: str | None, config: Path | None) -> None:
    write(config, lambda c: people.add_person(c, mailbox_named(c, mailbox), person))
    say(f"{person.address} is registered.")


def print_list(role: Role, mailbox: str | None, config: Path | None, *, as_json: bool) -> None:
    found = read(config, lambda c: people.list_people(c, mailbox_named(c, mailbox), role))
    if as_json:
        print_json_lines(map(_fields, found))
        return
    print_table(
        ("address", "name", "company", "state"),
        (
            (
                person.address,
                person.name,
                person.company.name if person.company is not None else "",
                "active" if person.active else "deactivated",
            )
            for person in found
        ),
    )


def _fields(person: Person) -> Mapping[str, object]:
    """As the API names them."""
    company = person.company
    return {
        "address": person.address,
        "name": person.name,
        "role": person.role,
        "active": person.active,
        "machine": person.machine,
        "company": company.name if company is not None else "",
        "company_active": company is None or company.active,
    }


def set_active(
    role: Role, address: str, mailbox: str | None, config: Path | None, *, active: bool
) -> None:
    def job(connection: Connection) -> None:
        ours = mailbox_named(connection, mailbox)
        people.set_person_active(connection, ours, role, address, active)

    write(config, job)
    say(f"{address} is {'active' if active else 'deactivated'}.")


def set_language(
    role: Role, address: str, language: str, mailbox: str | None, config: Path | None
) -> None:
    def job(connection: Connection) -> None:
        ours = mailbox_named(connection, mailbox)
        people.set_language(connection, ours, role, address, language)

    write(config, job)
    shown = language or "the policy’s language"
    say(f"{address} gets notices in {shown}.")
