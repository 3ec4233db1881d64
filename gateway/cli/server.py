"""Commands that prepare and maintain the store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway import clock
from gateway.cli.common import ConfigOption, exit_on_error, fail, load_config
from gateway.cli.keys import KEY_BYTES
from gateway.cli.terminal import console
from gateway.config.model import DEFAULT_FILE, Config
from gateway.config.sections import DEMO_MAILBOX, DEMO_STAFF, LOOPBACK
from rules.people import Role
from rules.validation.messages import without_password
from storage.db import backup, space
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import api_tokens, companies, mailboxes, people, signing_keys
from storage.registry.errors import NotFound
from storage.registry.people import NewPerson

db_app = typer.Typer(no_args_is_help=True)


def init(
    config: ConfigOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help=f"Register {DEMO_MAILBOX} with two companies and staff.")
    ] = False,
) -> None:
    with exit_on_error():
        settings = load_config(config)
        database = Database(settings.store.url, connections=2)
        database.upgrade()
        ledger = open_ledger(database)
        try:
            created = ledger.submit(ensure_key).result()
            lines = ledger.submit(enrol_demo).result() if demo else []
        finally:
            ledger.close()
            database.close()
    if demo and (path := config or DEFAULT_FILE).exists() and trust_loopback(path, settings):
        console.print(f"Mail from this machine is trusted: see [trust] in {path}", markup=False)
    state = "ready" if created else "up to date"
    console.print(f"The store is {state}: {without_password(settings.store.url)}")
    for line in lines:
        console.print(line)


def trust_loopback(path: Path, settings: Config) -> bool:
    """Make a configuration file trust this machine, unless it says already what is trusted."""
    if "trust" in settings.model_fields_set:
        return False
    networks = ", ".join(f'"{network}"' for network in LOOPBACK)
    with path.open("a", encoding="utf-8") as file:
        file.write(
            "\n# By `postern init --demo`: mail from this machine needs no proof of its author.\n"
            f"[trust]\npeers = [{networks}]\n"
        )
    return True


def ensure_key(connection: Connection) -> bool:
    """Create the first signing key; False where there is one already."""
    try:
        signing_keys.load_keys(connection)
    except NotFound:
        signing_keys.add_key(connection, secrets.token_bytes(KEY_BYTES), clock.now())
        return True
    return False


def enrol_demo(connection: Connection) -> list[str]:
    """Register the demo's mailbox and people; returns the lines to print, none if they exist."""
    if any(
        m.address == DEMO_MAILBOX for m in mailboxes.list_mailboxes(connection, inactive_too=True)
    ):
        return []
    mailboxes.add_mailbox(connection, DEMO_MAILBOX, "default")
    mailbox = mailboxes.mailbox_named(connection, DEMO_MAILBOX)
    companies.add_company(connection, mailbox, "Acme", ["acme.example"])
    companies.add_company(connection, mailbox, "Globex", ["globex.example"])
    for person in (
        NewPerson("ann@acme.example", "Ann", Role.USER, "Acme"),
        NewPerson("bob@acme.example", "Bob", Role.USER, "Acme"),
        NewPerson("gil@globex.example", "Gil", Role.USER, "Globex"),
        NewPerson(DEMO_STAFF, "Sam", Role.STAFF, None),
    ):
        people.add_person(connection, mailbox, person)
    token = secrets.token_urlsafe(32)
    api_tokens.add_api_token(connection, token, "demo", "mails", clock.now())
    return [
        f"Registered {DEMO_MAILBOX}: ann@ and bob@acme.example, gil@globex.example, staff sam@",
        f"API token for POST /api/v1/mails, shown only once: {token}",
    ]


@contextmanager
def _sqlite_store(settings: Config, otherwise: str) -> Iterator[Database]:
    """The store, if it is SQLite's and has our version; `otherwise` is what to do on PostgreSQL."""
    database = Database(settings.store.url, connections=2)
    try:
        database.check_version()
        if not database.is_sqlite:
            fail(os.EX_USAGE, otherwise)
        yield database
    finally:
        database.close()


@db_app.command("compact", help="Give the store's unused space back; mail waits meanwhile.")
def compact_store(config: ConfigOption = None) -> None:
    otherwise = "PostgreSQL gives space back by itself; to force it, use VACUUM FULL"
    with exit_on_error():
        settings = load_config(config)
        with _sqlite_store(settings, otherwise) as database:
            space.compact(database)
    console.print(f"The store is compact: {without_password(settings.store.url)}")


@db_app.command("backup", help="Copy the store to a new file, while it is served.")
def back_up(
    file: Annotated[Path, typer.Argument(help="The copy; it must not exist yet.")],
    config: ConfigOption = None,
) -> None:
    otherwise = "this is for SQLite; back PostgreSQL up with pg_dump"
    with exit_on_error(), _sqlite_store(load_config(config), otherwise) as database:
        try:
            size = backup.back_up(database, file)
        except OSError as error:
            unfinished = isinstance(error, FileExistsError) and error.filename
            fail(
                os.EX_CANTCREAT,
                f"{error.filename}: a backup that is running, or was interrupted, has left it; "
                "if none is running, delete it and try again"
                if unfinished
                else f"{file}: {error.strerror or 'it exists already'}",
            )
    console.print(f"The store was copied to {file} ({size} bytes).")


@db_app.command("upgrade", help="Upgrade the tables to the version of this program.")
def upgrade(config: ConfigOption = None) -> None:
    with exit_on_error():
        settings = load_config(config)
        database = Database(settings.store.url, connections=2)
        database.upgrade()
        database.close()
    console.print(f"The store is up to date: {without_password(settings.store.url)}")
