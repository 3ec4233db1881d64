"""The commands and their order in `postern --help`."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from gateway.cli.listed import ListedCommand, group_with

ENTRIES = (
    ListedCommand("serve", "Serve SMTP, HTTP and, where configured, LMTP.", "serve", "serve"),
    ListedCommand(
        "reload",
        "Make the server of this machine read its policies again, if they are valid.",
        "reload",
        "reload",
    ),
    ListedCommand(
        "init",
        "Prepare the store; with --demo, register people to try it with.",
        "server",
        "init",
    ),
    ListedCommand("tail", "Show the last mails with their verdicts.", "journal", "tail"),
    ListedCommand(
        "explain", "Show how one mail was decided, check by check.", "journal", "explain"
    ),
    ListedCommand(
        "refusals",
        "Show networks with more refused mail than the journal has lines for.",
        "refusals",
        "show",
    ),
    ListedCommand(
        "check", "Show how a mail would be decided; nothing is written.", "mails", "check"
    ),
    ListedCommand(
        "doctor",
        "Show how a mail came here, what proves its author, and which setting is missing.",
        "doctor",
        "doctor",
    ),
    ListedCommand(
        "pipe", "Take one mail from standard input, as an MTA's pipe delivers it.", "mails", "pipe"
    ),
    ListedCommand("tickets", "List tickets; show or change one.", "tickets"),
    ListedCommand(
        "ticket", "Show one ticket with its comments and history.", "ticket_page", "show"
    ),
    ListedCommand("held", "List, release or discard mails in quarantine.", "quarantine"),
    ListedCommand("outbox", "List outgoing mails, or send them again.", "outbox"),
    ListedCommand("suppression", "List or clear addresses that bounce.", "suppression"),
    ListedCommand("policy", "Show, check, create or back-test policies.", "policies"),
    ListedCommand("mailbox", "Manage the addresses that take mail.", "mailboxes"),
    ListedCommand("company", "Manage companies, their domains and contracts.", "companies"),
    ListedCommand("user", "Manage the users of companies.", "users", "user_app"),
    ListedCommand("users", "Register many users at once.", "users", "users_app"),
    ListedCommand("staff", "Manage the staff of the support organisation.", "staff"),
    ListedCommand("macros", "Manage the saved replies of a mailbox.", "macros"),
    ListedCommand("console", "Manage who uses the console.", "console"),
    ListedCommand("token", "Manage the bearer tokens of the HTTP API.", "tokens"),
    ListedCommand("key", "Manage the keys that sign reply addresses and links.", "keys"),
    ListedCommand("db", "Maintain the store.", "server", "db_app"),
)

app = typer.Typer(
    name="postern",
    cls=group_with(*ENTRIES),
    help="Takes mail at a support address and files it as tickets: only for registered users, "
    "onto the right ticket, never as critical.\n\n"
    "Start with `postern init --demo` and `postern serve`; watch with `postern tail -f`. "
    "Exit codes are those of sysexits.h: 64 usage, 65 bad data, 69 store down, 75 try again, "
    "77 refused, 78 configuration.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from gateway.cli.terminal import say  # noqa: PLC0415 - most commands print by themselves

        say(f"postern {metadata.version('postern-gateway')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of `postern` itself."""
