"""Commands that run or prepare the server."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from typing import Annotated

import typer
import uvloop

from gateway import app as gateway_app
from gateway import clock, log, supervisor
from gateway.cli.common import ConfigOption, console, fail, failing_well, load_config
from gateway.cli.keys import KEY_BYTES
from gateway.config.model import Config
from rules.facts import Role
from rules.validation.messages import without_password
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import api_tokens, companies, mailboxes, people, signing_keys
from storage.registry.errors import NotFound
from storage.registry.people import NewPerson

DEMO_MAILBOX = "support@help.example"

db = typer.Typer(no_args_is_help=True)


def serve(
    config: ConfigOption = None,
    workers_: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that share the ports.")
    ] = 1,
    welcome: Annotated[
        bool, typer.Option("--welcome", help="Say how to send a first mail, once it is open.")
    ] = False,
    crew: Annotated[int | None, typer.Option("--crew", hidden=True)] = None,
) -> None:
    with failing_well():
        settings = load_config(config)
        log.configure(settings.log.level, settings.log.format)
        if workers_ > 1:
            listens = (settings.smtp.listen, settings.smtp.tls_listen or "", settings.http.listen)
            if any(listen.endswith(":0") for listen in listens):
                fail(os.EX_USAGE, "--workers needs fixed ports: port 0 would be another for each")
            raise typer.Exit(supervisor.run(workers_, config))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, welcome, crew))


async def _serve(settings: Config, welcome: bool, crew: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if crew is not None:  # the other end of this pipe closes when whoever started us is gone
        loop.add_reader(crew, stop.set)
    ready = (lambda: _welcome(settings)) if welcome else (lambda: None)
    try:
        await gateway_app.serve(settings, stop, ready, share_ports=crew is not None)
    except OSError as error:
        print(f"postern: cannot serve: {error.strerror}", file=sys.stderr)  # noqa: T201 - to its user
        raise typer.Exit(os.EX_OSERR) from error


def _welcome(settings: Config) -> None:
    host, _, port = settings.smtp.listen.rpartition(":")
    mail = (
        r"From: Ann <ann@acme.example>\r\nTo: support@help.example\r\n"
        r"Subject: The printer is on fire\r\n\r\nPlease help.\r\n"
    )
    answers = settings.relay.url or str(settings.relay.maildir / "new")
    program = (
        f"import smtplib; s = smtplib.SMTP('{host}', {port}); s.ehlo(); "
        f"s.mail('ann@acme.example'); s.rcpt('{DEMO_MAILBOX}'); print(s.data(b'{mail}'))"
    )
    for line in (
        f"Postern is open: SMTP on {settings.smtp.listen}, HTTP on http://{settings.http.listen}",
        f'Send a mail:  python3 -c "{program}"',
        "Watch:        .venv/bin/postern tail -f",
        "Look:         .venv/bin/postern ticket 1, and explain ID for the way to it",
        f"Our answers:  {without_password(answers)}; Ctrl-C stops",
    ):
        console.print(line, markup=False)


def init(
    config: ConfigOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help=f"Enrol {DEMO_MAILBOX} with two companies and staff.")
    ] = False,
) -> None:
    with failing_well():
        settings = load_config(config)
        database = Database(settings.store.url, connections=2)
        database.upgrade()
        ledger = open_ledger(database)
        try:
            new = ledger.submit(ensure_key).result()
            shown = ledger.submit(enrol_demo).result() if demo else []
        finally:
            ledger.close()
            database.close()
    console.print(
        f"The store is {'ready' if new else 'up to date'}: {without_password(settings.store.url)}"
    )
    for line in shown:
        console.print(line, markup=False)


def ensure_key(connection: Connection) -> bool:
    try:
        signing_keys.load_keys(connection)
    except NotFound:
        signing_keys.add_key(connection, secrets.token_bytes(KEY_BYTES), clock.now())
        return True
    return False


def enrol_demo(connection: Connection) -> list[str]:
    """Enrol the demo unless it is there; returns what is shown once and never again."""
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
        NewPerson("sam@help.example", "Sam", Role.STAFF, None),
    ):
        people.add_person(connection, mailbox, person)
    token = secrets.token_urlsafe(32)
    api_tokens.add_api_token(connection, token, "demo", "mails", clock.now())
    return [
        f"Enrolled {DEMO_MAILBOX}: ann@ and bob@acme.example, gil@globex.example, staff sam@",
        f"API token for POST /api/v1/mails, shown this once: {token}",
    ]


@db.command("upgrade", help="Bring the tables to the version of this program.")
def upgrade(config: ConfigOption = None) -> None:
    with failing_well():
        settings = load_config(config)
        database = Database(settings.store.url, connections=2)
        database.upgrade()
        database.close()
    console.print(f"The store is up to date: {without_password(settings.store.url)}")
